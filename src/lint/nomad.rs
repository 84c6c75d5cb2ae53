//! HashiCorp Nomad.

use super::{Finding, Lesson};
use crate::scenario::codes::Code;
use crate::scenario::settings::{HealthCheck, Nomad, Operation, Orchestrator};
use crate::units::Span;

pub(super) fn nomad(settings: &Nomad, findings: &mut Vec<Finding>) {
    if settings.max_parallel == 0 {
        let message = "everything is replaced at once, without a deployment";
        let label = "no health, no deadline, no revert";
        let key = "strategy.nomad.max_parallel";
        findings.push(Finding::new(Code::NomadNoDeployment, key, message, label));
        return;
    }
    let promotes = settings.operations.iter().any(|(_, what)| *what == Operation::Promote);
    if settings.canary > 0 && !settings.auto_promote && !promotes {
        let message = "the deployment waits until somebody promotes its canaries";
        let label = format!("{} extra allocations run meanwhile", settings.canary);
        let finding = Finding::new(Code::NomadPromotion, "strategy.nomad.canary", message, label);
        findings.push(finding.beside("strategy.nomad.auto_promote", "nobody does by itself"));
    }
    if settings.canary > 0 && settings.auto_revert {
        let message = "the way back goes through canaries too";
        let label = if settings.auto_promote {
            "the old version is a new deployment: first its canaries, then the rest"
        } else {
            "the old version is a new deployment, and its canaries wait for promotion"
        };
        let key = "strategy.nomad.auto_revert";
        findings.push(Finding::new(Code::NomadRevertCanary, key, message, label));
    }
    if settings.health_check == HealthCheck::Manual {
        let message = "no allocation gets healthy by itself";
        let label = "somebody has to say so through the API";
        let key = "strategy.nomad.health_check";
        findings.push(Finding::new(Code::NomadManualHealth, key, message, label));
    }
    if settings.progress_deadline == Span::ZERO {
        let message = "one unhealthy allocation fails the deployment";
        let key = "strategy.nomad.progress_deadline";
        let label = "zero: no second attempt elsewhere";
        findings.push(Finding::new(Code::NomadFirstFailure, key, message, label));
    }
}

const OF: &[Orchestrator] = &[Orchestrator::Nomad];

/// What stands behind the codes of this file.
pub(super) const LESSONS: &[Lesson] = &[
    Lesson {
        code: Code::NomadPromotion,
        of: OF,
        reason: "With canaries and without auto_promote nothing is replaced before somebody runs \
                 nomad deployment promote. A group that only waits for that does not even fail \
                 at its deadline.",
        source: "hashicorp/nomad nomad/deploymentwatcher/deployment_watcher.go; #10465, #11267.",
        fix: "auto_promote = true, or an operation that promotes.",
        bad: "strategy.nomad.canary = 1",
        good: "strategy.nomad.canary = 1\nstrategy.nomad.auto_promote = true",
    },
    Lesson {
        code: Code::NomadNoDeployment,
        of: OF,
        reason: "max_parallel = 0 switches deployments off: all allocations are replaced at once, \
                 and neither health nor deadlines nor auto_revert exist.",
        source: "hashicorp/nomad scheduler/reconciler (no update block); update block reference.",
        fix: "max_parallel = 1 or more.",
        bad: "strategy.nomad.max_parallel = 0",
        good: "strategy.nomad.max_parallel = 2",
    },
    Lesson {
        code: Code::NomadRevertCanary,
        of: OF,
        reason: "auto_revert submits the last stable version as a new deployment, which obeys the \
                 update block: canaries first, and without auto_promote a person again.",
        source: "hashicorp/nomad#10882.",
        fix: "Plan for it: auto_promote = true makes the way back automatic. Without canaries it \
              is an ordinary rolling update.",
        bad: "strategy.nomad.canary = 1\nstrategy.nomad.auto_promote = true\n\
              strategy.nomad.auto_revert = true",
        good: "strategy.nomad.auto_revert = true",
    },
    Lesson {
        code: Code::NomadManualHealth,
        of: OF,
        reason: "With health_check = \"manual\" an allocation is healthy when somebody sets it \
                 through the API. Until its deadlines nothing goes on.",
        source: "Nomad update block reference, health_check.",
        fix: "health_check = \"checks\".",
        bad: "strategy.nomad.health_check = \"manual\"",
        good: "strategy.nomad.health_check = \"checks\"",
    },
    Lesson {
        code: Code::NomadFirstFailure,
        of: OF,
        reason: "With a progress_deadline of 0 the first unhealthy allocation fails the \
                 deployment, though another one elsewhere might have been fine.",
        source: "hashicorp/nomad nomad/deploymentwatcher/deployment_watcher.go.",
        fix: "progress_deadline = \"10m\", the default.",
        bad: "strategy.nomad.progress_deadline = \"0s\"",
        good: "strategy.nomad.progress_deadline = \"10m\"",
    },
];
