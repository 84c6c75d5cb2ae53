//! Groups of machines: Google Cloud, Azure; Service Fabric.

use super::arithmetic::budget;
use super::{Finding, Lesson};
use crate::scenario::Scenario;
use crate::scenario::codes::Code;
use crate::scenario::settings::{FailureAction, Mig, MigType, Orchestrator, ServiceFabric, Vmss};
use crate::units::{Rounding, Span};

pub(super) fn mig(scenario: &Scenario, settings: &Mig, findings: &mut Vec<Finding>) {
    let n = scenario.service.instances;
    if settings.kind == MigType::Opportunistic {
        let message = "nothing is updated by itself";
        let label = "only machines that are made for other reasons get the new version";
        let key = "strategy.mig.type";
        findings.push(Finding::new(Code::MigOpportunistic, key, message, label));
        return;
    }
    let goal = settings.target_size.of(n, Rounding::Up).min(n);
    if goal < n {
        let message = "part of the group keeps the old version: a canary without an end";
        let label = format!("{goal} of {n} get the new one");
        findings.push(Finding::new(Code::MigPartial, "strategy.mig.target_size", message, label));
    }
}

pub(super) fn vmss(scenario: &Scenario, settings: &Vmss, findings: &mut Vec<Finding>) {
    let n = scenario.service.instances;
    let batch = budget(scenario).out;
    let percent = settings.max_unhealthy_instance_percent;
    if f64::from(batch) * 100.0 > f64::from(percent) * f64::from(n) {
        let message = "one batch is more than may be unhealthy: a slow one aborts the upgrade";
        let label = format!("{batch} of {n} at a time");
        let key = "strategy.vmss.max_batch_instance_percent";
        let finding = Finding::new(Code::VmssAborts, key, message, label);
        let limit = format!("aborts above {percent}% of {n}");
        findings.push(finding.beside("strategy.vmss.max_unhealthy_instance_percent", limit));
    }
    let new = &scenario.versions.new;
    let bad = new.never_ready.0 > 0.0 || new.crash.0 > 0.0;
    if bad && !settings.rollback_failed_instances_on_policy_breach {
        let message = "after an abort the upgraded machines stay as they are, unhealthy ones too";
        let key = "strategy.vmss.rollback_failed_instances_on_policy_breach";
        findings.push(Finding::new(Code::VmssNoRollback, key, message, "off"));
    }
}

pub(super) fn service_fabric(
    scenario: &Scenario,
    settings: &ServiceFabric,
    findings: &mut Vec<Finding>,
) {
    if settings.upgrade_domains == 1 {
        let message = "one upgrade domain holds all instances: nobody serves while it is upgraded";
        let label = format!("all {} at once", scenario.service.instances);
        let key = "strategy.service_fabric.upgrade_domains";
        findings.push(Finding::new(Code::FabricOneDomain, key, message, label));
    }
    let new = &scenario.versions.new;
    let bad = new.never_ready.0 > 0.0 || new.crash.0 > 0.0;
    let endless =
        settings.upgrade_timeout == Span::MAX && settings.upgrade_domain_timeout == Span::MAX;
    if bad && endless {
        let message = "health that goes up and down keeps the upgrade going for ever";
        let label = "no limit, and each flip starts both clocks anew";
        let key = "strategy.service_fabric.upgrade_timeout";
        findings.push(Finding::new(Code::FabricEndless, key, message, label));
    }
    if bad && settings.failure_action == FailureAction::Manual {
        let message = "a failed upgrade stops half done, and waits for an operator";
        let key = "strategy.service_fabric.failure_action";
        findings.push(Finding::new(Code::FabricManual, key, message, "\"Manual\""));
    }
    if settings.health_check_retry_timeout < settings.health_check_stable {
        let message = "an upgrade fails sooner than it passes";
        let label = format!("shorter than health_check_stable ({})", settings.health_check_stable);
        let key = "strategy.service_fabric.health_check_retry_timeout";
        findings.push(Finding::new(Code::FabricRetryShort, key, message, label));
    }
}

const MIG: &[Orchestrator] = &[Orchestrator::Mig];
const VMSS: &[Orchestrator] = &[Orchestrator::Vmss];
const FABRIC: &[Orchestrator] = &[Orchestrator::ServiceFabric];

/// What stands behind the codes of this file.
pub(super) const LESSONS: &[Lesson] = &[
    Lesson {
        code: Code::MigOpportunistic,
        of: MIG,
        reason: "An opportunistic group applies the new template only to machines that are made \
                 for other reasons: by autohealing, by scaling, or by hand.",
        source: "Google Cloud, updating instances in a managed instance group.",
        fix: "type = \"PROACTIVE\".",
        bad: "strategy.mig.type = \"OPPORTUNISTIC\"",
        good: "strategy.mig.type = \"PROACTIVE\"",
    },
    Lesson {
        code: Code::MigPartial,
        of: MIG,
        reason: "A canary is a second version with a target size. It ends there: the rest needs \
                 another update, and nothing judges the canary or takes it back.",
        source: "Google Cloud, canary updates of managed instance groups.",
        fix: "target_size = \"100%\", the default, for the whole group.",
        bad: "strategy.mig.target_size = \"20%\"",
        good: "strategy.mig.target_size = \"100%\"",
    },
    Lesson {
        code: Code::VmssAborts,
        of: VMSS,
        reason: "In place, a batch is unhealthy while it is upgraded. If it is larger than \
                 max_unhealthy_instance_percent, one batch that does not come back in time is \
                 enough to abort the upgrade, and operators' looks in between see a breach.",
        source: "Azure documentation, rolling upgrades and Batch pools (the batch should not \
                 exceed the unhealthy limit).",
        fix: "max_unhealthy_instance_percent at least as large as the batch, or max_surge = true.",
        bad: "strategy.vmss.max_batch_instance_percent = 50",
        good: "strategy.vmss.max_batch_instance_percent = 50\n\
               strategy.vmss.max_unhealthy_instance_percent = 50",
    },
    Lesson {
        code: Code::VmssNoRollback,
        of: VMSS,
        reason: "A breach of the limits aborts the upgrade and changes nothing else: upgraded \
                 machines stay, healthy or not.",
        source: "Azure documentation, rolling upgrade policy.",
        fix: "rollback_failed_instances_on_policy_breach = true (uniform scale sets).",
        bad: "strategy.vmss = {}\nversions.new.never_ready = \"10%\"\npipeline.kind = \"ci\"",
        good: "strategy.vmss.rollback_failed_instances_on_policy_breach = true\n\
               versions.new.never_ready = \"10%\"\npipeline.kind = \"ci\"",
    },
    Lesson {
        code: Code::FabricOneDomain,
        of: FABRIC,
        reason: "All instances of a domain are stopped at once, and the safety checks ask only \
                 for instances outside of it. With one domain there are none.",
        source: "Service Fabric application upgrade; ClusterManager source.",
        fix: "upgrade_domains = 5, the usual number.",
        bad: "strategy.service_fabric.upgrade_domains = 1",
        good: "strategy.service_fabric.upgrade_domains = 5",
    },
    Lesson {
        code: Code::FabricEndless,
        of: FABRIC,
        reason: "Whenever health flips both clocks start again, so an application that is well \
                 now and then passes neither and fails neither. Only upgrade_timeout and \
                 upgrade_domain_timeout end that, and both are infinite by default.",
        source: "microsoft/service-fabric RollingUpgradeMonitoringPolicy.cpp, \
                 ManagementConfig.h.",
        fix: "An upgrade_timeout.",
        bad: "strategy.service_fabric.failure_action = \"Rollback\"\nversions.new.crash = \"50%\"",
        good: "strategy.service_fabric.failure_action = \"Rollback\"\n\
               strategy.service_fabric.upgrade_timeout = \"1h\"\nversions.new.crash = \"50%\"",
    },
    Lesson {
        code: Code::FabricManual,
        of: FABRIC,
        reason: "The default FailureAction is Manual: the upgrade stops with some domains new and \
                 some old. The examples of the documentation use Rollback.",
        source: "microsoft/service-fabric ManagementConfig.h; upgrade parameters.",
        fix: "failure_action = \"Rollback\".",
        bad: "strategy.service_fabric = {}\nversions.new.crash = \"50%\"",
        good: "strategy.service_fabric.failure_action = \"Rollback\"\n\
               versions.new.crash = \"50%\"",
    },
    Lesson {
        code: Code::FabricRetryShort,
        of: FABRIC,
        reason: "Unhealthy for health_check_retry_timeout fails the upgrade, healthy for \
                 health_check_stable lets it pass. If failing is quicker, a slow start or one \
                 flip decides.",
        source: "microsoft/service-fabric RollingUpgradeMonitoringPolicy.cpp.",
        fix: "A retry timeout of several stable times; the defaults are 600s and 120s.",
        bad: "strategy.service_fabric.health_check_retry_timeout = \"60s\"",
        good: "strategy.service_fabric.health_check_retry_timeout = \"600s\"",
    },
];
