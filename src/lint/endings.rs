//! Rollouts that can never end.

use super::Finding;
use super::arithmetic::duration;
use crate::scenario::codes::Code;
use crate::scenario::settings::{DeploymentKind, OnFailure, StrategySettings};
use crate::scenario::{Pipeline, Scenario};

pub(super) fn endings(scenario: &Scenario, findings: &mut Vec<Finding>) {
    no_budget(scenario, findings);
    never_ready(scenario, findings);
    horizon(scenario, findings);
}

/// Literal zeros for both: the API server refuses such a Deployment. Percentages that round to
/// zero are another matter: then one pod may be unavailable.
fn no_budget(scenario: &Scenario, findings: &mut Vec<Finding>) {
    let StrategySettings::Kubernetes(settings) = &scenario.strategy else { return };
    if settings.kind == DeploymentKind::RollingUpdate
        && settings.max_surge.is_zero()
        && settings.max_unavailable.is_zero()
    {
        let message = "this rollout can never end: it may neither add a pod nor take one away";
        let key = "strategy.kubernetes.max_unavailable";
        findings.push(
            Finding::new(Code::NeverEnds, key, message, "Kubernetes refuses 0 here")
                .beside("strategy.kubernetes.max_surge", "while this is 0")
                .help("max_surge = 1, or max_unavailable = 1"),
        );
    }
}

fn never_ready(scenario: &Scenario, findings: &mut Vec<Finding>) {
    if scenario.versions.new.never_ready.0 < 1.0 || scenario.pipeline != Pipeline::None {
        return;
    }
    match &scenario.strategy {
        StrategySettings::Kubernetes(_) => {
            let message = "this rollout can never end: no new pod ever becomes ready";
            let label = "Kubernetes waits for ever and rolls nothing back";
            findings.push(
                Finding::new(Code::NeverEnds, "versions.new.never_ready", message, label).help(
                    "say who rolls back: [pipeline] kind = \"helm-atomic\", \"ci\" or \"human\"",
                ),
            );
        }
        // The deadline of the generic strategy ends each wait; replacing goes on for nothing
        // only if failures do not count.
        StrategySettings::Generic(settings) if settings.on_failure == OnFailure::Continue => {
            let message = "no new instance ever becomes ready, and the rollout goes on";
            let label = "in the end nobody serves";
            let key = "versions.new.never_ready";
            let mut finding = Finding::new(Code::NeverEnds, key, message, label)
                .beside("strategy.generic.on_failure", "failures stop nothing");
            finding.severity = crate::scenario::codes::Severity::Warning;
            findings.push(finding);
        }
        _ => {}
    }
}

fn horizon(scenario: &Scenario, findings: &mut Vec<Finding>) {
    let (fastest, median) = (duration(scenario, 1e-6), duration(scenario, 0.5));
    if fastest > scenario.horizon {
        let message = format!("no run can end within the horizon: the starts alone need {fastest}");
        let label = "the simulation gives up here";
        findings.push(
            Finding::new(Code::NeverEnds, "horizon", message, label)
                .help("a longer horizon, or more instances at a time"),
        );
    } else if median > scenario.horizon {
        let message = format!("many runs will not end within the horizon: {median} is usual");
        let label = "the simulation gives up here and calls it stuck";
        findings.push(Finding::new(Code::HorizonShort, "horizon", message, label));
    }
}
