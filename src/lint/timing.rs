//! Times that do not fit together: probes, grace periods, deadlines.

use super::Finding;
use super::arithmetic::{duration, share_above};
use crate::scenario::codes::Code;
use crate::scenario::settings::StrategySettings;
use crate::scenario::{GraceFrom, OnTerm, Pipeline, Scenario};
use crate::units::Span;

pub(super) fn timing(scenario: &Scenario, findings: &mut Vec<Finding>) {
    probes(scenario, findings);
    grace(scenario, findings);
    deadlines(scenario, findings);
    pipeline(scenario, findings);
}

fn probes(scenario: &Scenario, findings: &mut Vec<Finding>) {
    let probes = &scenario.probes;
    if !probes.enabled {
        return;
    }
    let median = scenario.versions.new.start.quantile(0.5);
    let seen = probes.period * f64::from(probes.success_threshold);
    if seen > median && seen > Span::from_secs(2) {
        let message = "readiness is seen late: probing takes longer than starting";
        let label = format!("seen up to {seen} late; half of the starts take less than {median}");
        let finding = Finding::new(Code::ProbeLag, "probes.period", message, label);
        findings.push(finding.help("a shorter period: each batch waits for the probe"));
    }
    if probes.period > Span::ZERO && probes.timeout > probes.period {
        let message = "a probe may still be unanswered when the next one is due";
        let label = format!("longer than the period of {}", probes.period);
        findings.push(Finding::new(Code::ProbeTimeout, "probes.timeout", message, label));
    }
}

fn grace(scenario: &Scenario, findings: &mut Vec<Finding>) {
    let shutdown = &scenario.shutdown;
    let from_stop = shutdown.grace_from == GraceFrom::Stop;
    if from_stop && shutdown.pre_stop > Span::ZERO && shutdown.grace <= shutdown.pre_stop {
        let message = "the process is killed before it is told to stop";
        let label = format!("over while pre_stop ({}) still runs", shutdown.pre_stop);
        let finding = Finding::new(Code::GraceBelowPreStop, "shutdown.grace", message, label);
        findings.push(finding.help("grace = pre_stop + the time to finish requests"));
    } else if shutdown.on_term == OnTerm::Drain {
        let left = shutdown.grace - shutdown.pre_stop;
        let killed = share_above(&scenario.versions.old.exit, left);
        if killed > 0.01 {
            let message = "the grace period is shorter than many exits";
            let label = format!(
                "leaves {left} after pre_stop; about {:.0}% of instances are killed",
                killed * 100.0
            );
            findings.push(Finding::new(Code::GraceBelowDrain, "shutdown.grace", message, label));
        }
    }
    if scenario.traffic.is_some() && shutdown.on_term != OnTerm::Drain {
        let message = "requests in flight are cut at each stop";
        let label = "the process does not finish them";
        findings.push(Finding::new(Code::NoDrain, "shutdown.on_term", message, label));
    }
}

fn deadlines(scenario: &Scenario, findings: &mut Vec<Finding>) {
    let start = &scenario.versions.new.start;
    let lag = scenario.probes.period * f64::from(scenario.probes.success_threshold);
    let (key, deadline, effect) = match &scenario.strategy {
        StrategySettings::Kubernetes(settings) => (
            "strategy.kubernetes.progress_deadline",
            settings.progress_deadline - settings.min_ready,
            "the Deployment then reports failure",
        ),
        StrategySettings::Generic(settings) => {
            ("strategy.generic.ready_deadline", settings.ready_deadline, "they count as failed")
        }
        _ => return,
    };
    let late = share_above(start, deadline - lag);
    if late > 0.01 {
        let message = "the deadline is shorter than many good starts";
        let label =
            format!("about {:.0}% of starts take longer (probing {lag}): {effect}", late * 100.0);
        let finding = Finding::new(Code::DeadlineBelowStart, key, message, label);
        findings.push(finding.beside("versions.new.start", "this is how long a start takes"));
    }
}

fn pipeline(scenario: &Scenario, findings: &mut Vec<Finding>) {
    let Pipeline::Automatic { timeout } = scenario.pipeline else { return };
    let usual = duration(scenario, 0.5);
    if usual > timeout {
        let message = "the pipeline rolls back before a usual rollout has ended";
        let label = format!("the starts alone usually need {usual}");
        findings.push(Finding::new(Code::RollbackDeadline, "pipeline.timeout", message, label));
    }
}
