//! Kubernetes: Deployments, `StatefulSet`s, `DaemonSet`s.

use super::arithmetic::share_above;
use super::{Finding, Lesson};
use crate::scenario::Scenario;
use crate::scenario::codes::Code;
use crate::scenario::settings::{
    DaemonSet, DeploymentKind, KubernetesDeployment, Operation, Orchestrator, PodManagementPolicy,
    StatefulSet, UpdateType,
};
use crate::units::{CountOrPercent, Rounding, Span};

pub(super) fn deployment(
    scenario: &Scenario,
    settings: &KubernetesDeployment,
    findings: &mut Vec<Finding>,
) {
    if settings.kind == DeploymentKind::RollingUpdate {
        let budgets = (settings.max_surge, settings.max_unavailable);
        zero_by_rounding(scenario, budgets, "strategy.kubernetes.max_unavailable", findings);
    }
    let wanted = scenario.service.instances;
    let lower = |operation: &Operation| matches!(operation, Operation::Scale(n) if *n < wanted);
    if settings.operations.iter().any(|(_, operation)| lower(operation)) {
        let message = "scaling down in a rollout takes available pods below max_unavailable";
        let label = "proportional scaling looks at sizes, not at availability";
        let key = "strategy.kubernetes.operations";
        findings.push(Finding::new(Code::KubernetesScaled, key, message, label));
    }
    min_ready(scenario, settings.min_ready, "strategy.kubernetes.min_ready", findings);
}

pub(super) fn stateful_set(
    scenario: &Scenario,
    settings: &StatefulSet,
    findings: &mut Vec<Finding>,
) {
    let new = &scenario.versions.new;
    if settings.pod_management_policy == PodManagementPolicy::OrderedReady
        && (new.never_ready.0 > 0.0 || new.crash.0 > 0.0)
    {
        let message = "a pod that does not get ready stops its own repair, rollbacks included";
        let label = "nothing is replaced while a pod before it is not ready";
        let key = "strategy.statefulset.pod_management_policy";
        findings.push(Finding::new(Code::KubernetesBlocksRepair, key, message, label));
    }
    if let Some(most) = settings.max_unavailable {
        let count = most.of(scenario.service.instances, Rounding::Down).max(1);
        let message = "without the feature gate this is ignored, and pods go one by one";
        let label = format!("{count} at once, with MaxUnavailableStatefulSet");
        let key = "strategy.statefulset.max_unavailable";
        findings.push(Finding::new(Code::KubernetesGate, key, message, label));
    }
    let moves = |operation: &Operation| matches!(operation, Operation::Partition(_));
    if settings.kind == UpdateType::RollingUpdate
        && settings.partition >= scenario.service.instances
        && !settings.operations.iter().any(|(_, operation)| moves(operation))
    {
        let message = "no pod is updated";
        let label = format!("pods 0 to {} keep the old revision", scenario.service.instances - 1);
        let key = "strategy.statefulset.partition";
        findings.push(Finding::new(Code::KubernetesPartition, key, message, label));
    }
    min_ready(scenario, settings.min_ready, "strategy.statefulset.min_ready", findings);
}

pub(super) fn daemon_set(scenario: &Scenario, settings: &DaemonSet, findings: &mut Vec<Finding>) {
    min_ready(scenario, settings.min_ready, "strategy.daemonset.min_ready", findings);
}

/// Literal zeros are refused; these are percentages of a small number.
pub(super) fn zero_by_rounding(
    scenario: &Scenario,
    (surge, unavailable): (CountOrPercent, CountOrPercent),
    key: &str,
    findings: &mut Vec<Finding>,
) {
    let n = scenario.service.instances;
    let rounds = surge.of(n, Rounding::Up) == 0 && unavailable.of(n, Rounding::Down) == 0;
    if rounds && !(surge.is_zero() && unavailable.is_zero()) {
        let message = "both budgets are 0 after rounding: one pod is taken out all the same";
        let label = format!("rounds down to 0 of {n}, and becomes 1");
        findings.push(Finding::new(Code::KubernetesZeroByRounding, key, message, label));
    }
}

/// A pod that has been ready for `min_ready` is available, whatever follows.
fn min_ready(scenario: &Scenario, min_ready: Span, key: &str, findings: &mut Vec<Finding>) {
    let (new, probes) = (&scenario.versions.new, &scenario.probes);
    let counted = new.start_quantile(0.5) + min_ready;
    if new.crash.0 > 0.0 && share_above(&new.crash_after, counted) > 0.01 {
        let message = "pods count as available before they crash: the rollout goes on";
        let label = format!("available about {counted} after the start of the process");
        let finding = Finding::new(Code::KubernetesMinReady, key, message, label);
        findings.push(finding.beside("versions.new.crash_after", "later than that, often"));
    } else if probes.enabled && min_ready > Span::ZERO && min_ready < probes.period {
        let message = "pods count as available before a second probe";
        let label = format!("shorter than the period of the probes ({})", probes.period);
        let finding = Finding::new(Code::KubernetesMinReady, key, message, label);
        findings.push(finding.beside("probes.period", "one answer decides"));
    }
}

const SETS: &[Orchestrator] = &[Orchestrator::StatefulSet];

/// What stands behind the codes of this file.
pub(super) const LESSONS: &[Lesson] = &[
    Lesson {
        code: Code::KubernetesZeroByRounding,
        of: &[Orchestrator::Kubernetes, Orchestrator::ArgoCanary, Orchestrator::Flagger],
        reason: "max_surge rounds up and max_unavailable down. If both come out as 0, Kubernetes \
                 sets max_unavailable to 1, since otherwise nothing could ever move. Only a \
                 literal 0 and 0 is refused.",
        source: "Kubernetes pkg/controller/deployment/util/deployment_util.go \
                 (ResolveFenceposts); recorded rollouts (1 % of 3).",
        fix: "max_surge = 1, if no pod may be missing.",
        bad: "service.instances = 3\nstrategy.kubernetes.max_surge = 0\n\
              strategy.kubernetes.max_unavailable = \"25%\"",
        good: "service.instances = 3\nstrategy.kubernetes.max_surge = 1\n\
               strategy.kubernetes.max_unavailable = 0",
    },
    Lesson {
        code: Code::KubernetesBlocksRepair,
        of: SETS,
        reason: "OrderedReady waits for every pod before the next is touched. A pod of a broken \
                 revision never gets ready, so the rollback that would replace it waits for it.",
        source: "Recordings r575eecd5, r1cf1b03a, r54100c33 (blocked) and rfa71a34a (Parallel \
                 repairs); kubernetes/kubernetes#67250, #60164.",
        fix: "pod_management_policy = \"Parallel\", or delete the broken pod by hand after the \
              rollback.",
        bad: "strategy.statefulset.pod_management_policy = \"OrderedReady\"\n\
              versions.new.never_ready = \"10%\"\npipeline.kind = \"ci\"",
        good: "strategy.statefulset.pod_management_policy = \"Parallel\"\n\
               versions.new.never_ready = \"10%\"\npipeline.kind = \"ci\"",
    },
    Lesson {
        code: Code::KubernetesGate,
        of: SETS,
        reason: "max_unavailable of a StatefulSet works only with the feature gate \
                 MaxUnavailableStatefulSet, whose default differs between releases. It rounds \
                 down, and is at least 1.",
        source: "Kubernetes pkg/controller/statefulset/stateful_set_control.go; recordings \
                 r60738e24, rcd1b9d53; prometheus-operator#8205.",
        fix: "Make sure of the gate, or leave the key out.",
        bad: "strategy.statefulset.max_unavailable = 3",
        good: "strategy.statefulset.min_ready = \"10s\"",
    },
    Lesson {
        code: Code::KubernetesScaled,
        of: &[Orchestrator::Kubernetes],
        reason: "A scale in mid-rollout (by hand, by an autoscaler, or by a manifest whose \
                 replicas overwrite the autoscaler's) is spread over all ReplicaSets by their \
                 sizes. Down, it takes available pods and leaves those that start.",
        source: "Recording rc8768d8f (8 to 4 leaves 3 available, floor 4); Kubernetes sync.go \
                 scale(); kubernetes/kubernetes#72775 for autoscalers.",
        fix: "Scale before or after the rollout, and leave replicas out of a manifest that an \
              autoscaler owns.",
        bad: "strategy.kubernetes.operations = [{ at = \"30s\", scale = 6 }]",
        good: "strategy.kubernetes.operations = [{ at = \"30s\", scale = 14 }]",
    },
    Lesson {
        code: Code::KubernetesMinReady,
        of: &[Orchestrator::Kubernetes, Orchestrator::StatefulSet, Orchestrator::DaemonSet],
        reason: "A pod that has been ready for min_ready counts as available, and the rollout \
                 goes on; what happens to it later stops nothing. One that crashes after that \
                 time, or whose next probe fails, has already cost an old pod.",
        source: "Recording r039b00ee (success at 0.9 s, then every new pod crashes); \
                 kubernetes/kubernetes#51671.",
        fix: "A min_ready longer than the time to the first crash, and than a few probes.",
        bad: "strategy.kubernetes.min_ready = \"5s\"\nversions.new.crash = \"50%\"\n\
              versions.new.crash_after = \"60s\"\npipeline.kind = \"ci\"",
        good: "strategy.kubernetes.min_ready = \"60s\"\nversions.new.crash = \"50%\"\n\
               versions.new.crash_after = \"60s\"\npipeline.kind = \"ci\"",
    },
    Lesson {
        code: Code::KubernetesPartition,
        of: SETS,
        reason: "Pods with ordinals below the partition keep the old revision. With a partition \
                 of all replicas nothing happens until somebody lowers it.",
        source: "Kubernetes documentation, StatefulSet, partitioned rolling updates.",
        fix: "A smaller partition, or an operation that lowers it.",
        bad: "strategy.statefulset.partition = 12",
        good: "strategy.statefulset.partition = 9",
    },
];
