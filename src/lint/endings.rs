//! Rollouts that can never end.

use super::Finding;
use super::arithmetic::duration;
use crate::scenario::codes::{Code, Severity};
use crate::scenario::settings::{
    DeploymentKind, OnFailure, Operation, StrategySettings, UpdateType,
};
use crate::scenario::{Pipeline, Scenario};

pub(super) fn endings(scenario: &Scenario, findings: &mut Vec<Finding>) {
    no_budget(scenario, findings);
    on_delete(scenario, findings);
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

/// A version of which no instance ever becomes ready, and nobody outside who rolls back.
fn never_ready(scenario: &Scenario, findings: &mut Vec<Finding>) {
    let all = scenario.versions.new.never_ready.0 >= 1.0 && scenario.probes.enabled;
    if !all || scenario.pipeline != Pipeline::None || reverts(&scenario.strategy) {
        return;
    }
    let key = "versions.new.never_ready";
    match bad_version(scenario) {
        Ending::Waits(who) => {
            let message = "this rollout can never end: no new instance ever becomes ready";
            let label = format!("{who} waits for ever and rolls nothing back");
            findings.push(Finding::new(Code::NeverEnds, key, message, label).help(
                "say who rolls back: [pipeline] kind = \"helm-atomic\", \"ci\" or \"human\"",
            ));
        }
        Ending::GoesOn(cause) => {
            let message = "no new instance ever becomes ready, and the rollout goes on";
            let label = "in the end nobody serves";
            let finding =
                Finding::new(Code::NeverEnds, key, message, label).as_severity(Severity::Warning);
            findings.push(match cause {
                Some((key, why)) => finding.beside(key, why),
                None => finding,
            });
        }
        Ending::GivesUp => {}
    }
}

/// What becomes of a rollout of instances that never get ready.
enum Ending {
    /// It waits; this one does.
    Waits(&'static str),
    /// It replaces everything, because of this key.
    GoesOn(Option<(&'static str, &'static str)>),
    /// A deadline, a threshold or a health check ends it.
    GivesUp,
}

fn bad_version(scenario: &Scenario) -> Ending {
    match &scenario.strategy {
        StrategySettings::Kubernetes(_) => Ending::Waits("Kubernetes"),
        StrategySettings::StatefulSet(_) => Ending::Waits("the StatefulSet"),
        StrategySettings::DaemonSet(_) => Ending::Waits("the DaemonSet"),
        StrategySettings::Mig(_) => Ending::Waits("the group"),
        StrategySettings::ArgoCanary(settings) if !settings.progress_deadline_abort => {
            Ending::Waits("the Rollout")
        }
        StrategySettings::ArgoBluegreen(settings) if !settings.progress_deadline_abort => {
            Ending::Waits("the Rollout")
        }
        StrategySettings::Ecs(settings)
            if settings.circuit_breaker.is_none() && settings.alarm.is_none() =>
        {
            Ending::Waits("ECS starts the tasks again, and")
        }
        StrategySettings::Swarm(_) if !scenario.probes.kills => Ending::Waits("each worker"),
        // The deadline of the generic strategy ends each wait; replacing goes on for nothing
        // only if failures do not count.
        StrategySettings::Generic(settings) if settings.on_failure == OnFailure::Continue => {
            Ending::GoesOn(Some(("strategy.generic.on_failure", "failures stop nothing")))
        }
        StrategySettings::Swarm(settings)
            if settings.update.failure_action == OnFailure::Continue =>
        {
            Ending::GoesOn(Some(("strategy.swarm.failure_action", "failures stop nothing")))
        }
        StrategySettings::Capistrano(_) => Ending::GoesOn(None),
        StrategySettings::AppConfig(settings) if settings.alarm_unready.is_none() => {
            Ending::GoesOn(Some(("strategy.appconfig.alarm_unready", "no alarm on them")))
        }
        StrategySettings::Generic(_)
        | StrategySettings::Swarm(_)
        | StrategySettings::AppConfig(_)
        | StrategySettings::Ecs(_)
        | StrategySettings::ArgoCanary(_)
        | StrategySettings::ArgoBluegreen(_)
        | StrategySettings::Asg(_)
        | StrategySettings::Vmss(_)
        | StrategySettings::ServiceFabric(_)
        | StrategySettings::Ansible(_)
        | StrategySettings::Kamal(_)
        | StrategySettings::Nomad(_)
        | StrategySettings::CodeDeploy(_)
        | StrategySettings::Flagger(_) => Ending::GivesUp,
    }
}

/// Whether somebody changes the version back, or to another one, while the rollout runs.
fn reverts(strategy: &StrategySettings) -> bool {
    let operations = match strategy {
        StrategySettings::Kubernetes(settings) => &settings.operations,
        StrategySettings::StatefulSet(settings) => &settings.operations,
        StrategySettings::DaemonSet(settings) => &settings.operations,
        StrategySettings::Nomad(settings) => &settings.operations,
        StrategySettings::Ecs(settings) => &settings.operations,
        StrategySettings::CodeDeploy(settings) => &settings.operations,
        StrategySettings::ArgoCanary(settings) => &settings.operations,
        StrategySettings::ArgoBluegreen(settings) => &settings.operations,
        StrategySettings::Flagger(settings) => &settings.operations,
        StrategySettings::Swarm(settings) => &settings.operations,
        StrategySettings::Generic(_)
        | StrategySettings::Asg(_)
        | StrategySettings::Mig(_)
        | StrategySettings::Vmss(_)
        | StrategySettings::ServiceFabric(_)
        | StrategySettings::Ansible(_)
        | StrategySettings::Kamal(_)
        | StrategySettings::Capistrano(_)
        | StrategySettings::AppConfig(_) => return false,
    };
    operations.iter().any(|(_, operation)| match operation {
        Operation::Undo | Operation::Rollover | Operation::Set(_) | Operation::Abort => true,
        Operation::Scale(_)
        | Operation::Pause
        | Operation::Resume
        | Operation::Partition(_)
        | Operation::Promote => false,
    })
}

/// With `OnDelete` a controller only fills the gaps that somebody makes.
fn on_delete(scenario: &Scenario, findings: &mut Vec<Finding>) {
    let key = match &scenario.strategy {
        StrategySettings::StatefulSet(settings) if settings.kind == UpdateType::OnDelete => {
            "strategy.statefulset.type"
        }
        StrategySettings::DaemonSet(settings) if settings.kind == UpdateType::OnDelete => {
            "strategy.daemonset.type"
        }
        _ => return,
    };
    let message = "this rollout does not end by itself: somebody has to delete the old pods";
    let label = "the controller deletes none";
    let finding = Finding::new(Code::NeverEnds, key, message, label);
    findings.push(finding.as_severity(Severity::Warning).help("type = \"RollingUpdate\""));
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
