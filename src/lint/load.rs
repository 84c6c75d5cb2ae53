//! Demand against what is left, and requests that are lost at each stop.

use super::Finding;
use super::arithmetic::budget;
use crate::scenario::codes::Code;
use crate::scenario::pieces::DataPlane;
use crate::scenario::{OnTerm, Profile, Protocol, Scenario};
use crate::units::{Rate, Span};

pub(super) fn load(scenario: &Scenario, findings: &mut Vec<Finding>) {
    let Some(traffic) = &scenario.traffic else { return };
    overload(scenario, peak(&traffic.profile) * traffic.scale, findings);
    removal(scenario, findings);
    if let Protocol::PerConnection { max_age: Span::MAX, .. } = scenario.clients.protocol {
        let message = "connections never end: instances that come late get few requests";
        let label = "pinned to whoever was there when they were made";
        findings.push(
            Finding::new(Code::PinnedConnections, "clients.protocol", message, label)
                .help("max_connection_age = \"5m\""),
        );
    }
}

/// The highest rate of a profile, per second; of a day, the rate when the rollout begins.
fn peak(profile: &Profile) -> f64 {
    let highest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
    match profile {
        Profile::Constant(rate) => rate.0,
        Profile::Day { mean, peak, peak_at, start_at } => {
            let hours = (start_at.as_secs_f64() - peak_at.as_secs_f64()) / 3600.0;
            mean.0 + (peak.0 - mean.0) * libm::cos(hours * std::f64::consts::PI / 12.0)
        }
        Profile::Table(points) => highest(&mut points.iter().map(|(_, Rate(rate))| *rate)),
        Profile::Bursts { burst, .. } => burst.0,
        Profile::Flash { peak, .. } => peak.0,
        Profile::Counts { interval, counts } => {
            highest(&mut counts.iter().copied()) / interval.as_secs_f64().max(1e-9)
        }
        // A record that is not repeated has an endless period.
        Profile::Instants { at, period } => {
            let length = period.0.min(at.last().copied().unwrap_or(0));
            at.len() as f64 / (length as f64 / 1e9).max(1e-9)
        }
    }
}

fn overload(scenario: &Scenario, demand: f64, findings: &mut Vec<Finding>) {
    let budget = budget(scenario);
    let mean = scenario.versions.old.service_time.mean_secs();
    let at_once = scenario.service.servers();
    let each = at_once / mean.max(1e-12);
    let (all, left) = (budget.instances, budget.leaves());
    let used = |instances: u32| demand / (f64::from(instances) * each).max(1e-12);
    if left == 0 {
        let message = "nobody serves while the instances are out";
        let label = format!("takes all {all} out at once");
        findings.push(Finding::new(Code::Overload, budget.out_key, message, label));
    } else if used(left) > 1.0 {
        let message = if used(all) > 1.0 {
            "the service is asked more than it can answer, even before the rollout".to_owned()
        } else {
            format!("while {} of {all} are out, the rest are overloaded", budget.out)
        };
        let label = format!(
            "{demand:.0}/s at most, {left} instances answer {:.0}/s: {:.0}%",
            f64::from(left) * each,
            used(left) * 100.0
        );
        findings.push(
            Finding::new(Code::Overload, "traffic.rate", message, label)
                .beside(budget.out_key, format!("leaves {left} of {all}")),
        );
    }
}

/// Nodes with a fixed list notice that an instance goes once it no longer answers.
fn unnoticed(scenario: &Scenario, plane: &DataPlane, findings: &mut Vec<Finding>) {
    let Some(checks) = plane.checks else { return };
    if scenario.shutdown.on_term != OnTerm::Ignore {
        let lag = checks.interval * f64::from(checks.fall);
        let message = "nobody tells nodes that an instance stops: it refuses until they notice";
        let label = format!("{} failed checks, up to {lag}", checks.fall);
        findings.push(
            Finding::new(Code::NoDrain, "data_plane.check", message, label)
                .help("discovery = \"orchestrator\", if a task takes it out of the list before"),
        );
    }
}

/// A stopping instance still gets requests until every node has left it out.
fn removal(scenario: &Scenario, findings: &mut Vec<Finding>) {
    // SIGTERM waits for `pre_stop`, and then for the last node, but not longer than `drain_wait`.
    let waits = scenario.shutdown.pre_stop + scenario.shutdown.drain_wait;
    let lag = &scenario.clients.lag_remove;
    let lag = match &scenario.pieces.data_plane {
        None => lag.quantile(0.95),
        Some(plane) => match plane.forgets_after(lag) {
            Some(lag) => lag,
            None => return unnoticed(scenario, plane, findings),
        },
    };
    if scenario.shutdown.on_term != OnTerm::Ignore && lag > waits {
        let message = "stopping instances still get requests, and refuse them";
        let label = format!("nodes leave an instance out after up to {lag} (p95)");
        findings.push(
            Finding::new(Code::NoDrain, "shutdown.pre_stop", message, label)
                .help("a pre_stop longer than that"),
        );
    }
}
