//! The world in which a recording is played.

use std::path::Path;

use super::super::Inputs;
use super::fates;
use crate::scenario::settings::{
    AvailabilityTiming, DaemonSet, DeploymentKind, KubernetesDeployment, Operation,
    PodManagementPolicy, StatefulSet, StrategySettings, UpdateType,
};
use crate::scenario::{ControlPlane, Dist, Scenario, WriteLimit};
use crate::sim::script::{Command, Outside, Pace, Script};
use crate::trace::recorded::kubernetes::{Kind, Op, Recording};
use crate::units::{CountOrPercent, Rate, Span};

/// A client's request → the object changed, as the watchers see it.
const REQUEST: Span = Span::from_millis(5);

/// What the API server did, over 388 scale-ups and 640 scale-downs of more than one pod: within
/// a batch a pod is created every 3.3 ms and deleted every 1.6 ms, and the first of n requests
/// that go out at once is done 0.6 ms later for every other one (median time from the size to
/// the first deletion: 16 ms for one pod, 25 ms for 4 to 7, 28 ms for 8 to 12, 34 ms for 21 to
/// 40; from one batch to the next: 23, 25, 28, 34 ms before 2, 4, 8, 16 pods).
const PACE: Pace = Pace { start: Span(3_300_000), stop: Span(1_600_000), crowd: Span(600_000) };

/// The scenario: settings and control plane; delays are told, see [`script`].
pub(in super::super) fn scenario(recording: &Recording) -> Result<Scenario, String> {
    let spec = &recording.spec;
    let text = format!(
        "rollcast = 1\n[service]\nname = \"app\"\ninstances = {}\n\
         [versions.old]\nstart = \"1s\"\n[versions.new]\nstart = \"1s\"\n\
         [strategy.kubernetes]\n",
        spec.replicas.max(1)
    );
    let loaded = crate::scenario::load(&text, &recording.id, Path::new("."), &[])
        .map_err(|error| format!("cannot be played: {}", error.diagnostics[0].message))?;
    let mut scenario = loaded.scenario;
    scenario.service.instances = spec.replicas;
    scenario.traffic = None;
    scenario.margin = Span::ZERO;
    scenario.clients.nodes = 1;
    let one_each = recording.kind == Kind::DaemonSet;
    scenario.hosts.count = if one_each { spec.replicas.max(1) } else { 1 };
    scenario.strategy = settings(recording);
    scenario.control = control(recording);
    Ok(scenario)
}

fn settings(recording: &Recording) -> StrategySettings {
    let spec = &recording.spec;
    let quarter = CountOrPercent::Percent(25.0);
    let rechecked = recording.release.starts_with("v1.20.");
    match recording.kind {
        Kind::Deployment => StrategySettings::Kubernetes(KubernetesDeployment {
            kind: if spec.recreate {
                DeploymentKind::Recreate
            } else {
                DeploymentKind::RollingUpdate
            },
            max_surge: spec.max_surge.unwrap_or(quarter),
            max_unavailable: spec.max_unavailable.unwrap_or(quarter),
            min_ready: spec.min_ready,
            progress_deadline: spec.progress_deadline,
            timing: if rechecked {
                AvailabilityTiming::Rechecked
            } else {
                AvailabilityTiming::WholeSeconds
            },
            operations: Vec::new(),
        }),
        Kind::StatefulSet => StrategySettings::StatefulSet(StatefulSet {
            pod_management_policy: if spec.parallel {
                PodManagementPolicy::Parallel
            } else {
                PodManagementPolicy::OrderedReady
            },
            kind: UpdateType::RollingUpdate,
            partition: spec.partition,
            // Without the feature gate the field is dropped.
            max_unavailable: spec.max_unavailable.filter(|_| recording.gate),
            min_ready: spec.min_ready,
            operations: Vec::new(),
        }),
        Kind::DaemonSet => StrategySettings::DaemonSet(DaemonSet {
            kind: UpdateType::RollingUpdate,
            max_unavailable: spec.max_unavailable.unwrap_or(CountOrPercent::Count(1)),
            max_surge: spec.max_surge.unwrap_or(CountOrPercent::Count(0)),
            min_ready: spec.min_ready,
            operations: Vec::new(),
        }),
    }
}

/// Latencies measured on quiet recordings (classes "serial" and "ladder"), in milliseconds.
fn control(recording: &Recording) -> ControlPlane {
    let (rate, burst) = recording.limit;
    ControlPlane {
        // Pod ready → `status.readyReplicas`.
        watch: latency([3.3, 8.4, 25.4, 58.8]),
        // `status.availableReplicas` → next `spec.replicas`.
        sync: latency([4.9, 8.0, 17.7, 48.8]),
        // `spec.replicas` → first pod created or told to stop, less a sync.
        act: latency([2.0, 9.0, 20.0, 45.0]),
        // Created → scheduled.
        schedule: latency([7.1, 15.2, 34.4, 51.0]),
        // One slow-start batch → the next, over 570 batches.
        next_batch: latency([9.4, 20.6, 44.1, 114.0]),
        launch: Dist::Fixed(Span::ZERO),
        writes: Some(WriteLimit { rate: Rate(rate), burst }),
    }
}

/// When the last change from outside is there, in seconds.
pub(super) fn last_change(recording: &Recording) -> f64 {
    let last = recording.last_op();
    if last > 0.0 { last + REQUEST.as_secs_f64() } else { 0.0 }
}

fn latency([p10, p50, p90, p99]: [f64; 4]) -> Dist {
    let at = |p, ms: f64| (p, Span::from_secs_f64(ms / 1e3));
    Dist::Quantiles(vec![at(0.1, p10), at(0.5, p50), at(0.9, p90), at(0.99, p99)])
}

/// What befalls the pods and what somebody does, in one run.
pub(super) fn script(recording: &Recording, inputs: Inputs, seed: u64, run: u32) -> Script {
    let event = |(at, op): &(f64, Op)| {
        let tell = |operation| Outside::Tell(Command::Operate(operation));
        let event = match *op {
            Op::Set(version) => tell(Operation::Set(version.0)),
            Op::Scale(replicas) => tell(Operation::Scale(replicas)),
            Op::Pause => tell(Operation::Pause),
            Op::Resume => tell(Operation::Resume),
            Op::Partition(partition) => tell(Operation::Partition(partition)),
            Op::Delete(version, count) => Outside::Stop { version, count },
            Op::Fail(version, count) => Outside::Fail { version, count },
        };
        (Span::from_secs_f64(*at) + REQUEST, event)
    };
    Script {
        pace: Some(PACE),
        fates: match inputs {
            Inputs::Observed => fates::observed(recording),
            Inputs::Spec => fates::foretold(recording, seed, run),
        },
        by_slot: recording.kind != Kind::Deployment,
        events: recording.spec.ops.iter().map(event).collect(),
        // Known beforehand to whoever begins the rollout.
        wall_phase: Some(recording.wall_phase),
        end: Some(Span::from_secs_f64(recording.end)),
    }
}
