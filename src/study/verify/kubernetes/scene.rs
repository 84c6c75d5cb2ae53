//! The world in which a recording is played.

use std::path::Path;

use super::super::Inputs;
use super::fates;
use crate::scenario::settings::{
    AvailabilityTiming, DaemonSet, DeploymentKind, KubernetesDeployment, Operation,
    PodManagementPolicy, StatefulSet, StrategySettings, UpdateType,
};
use crate::scenario::{ControlPlane, Dist, Scenario, WriteLimit};
use crate::sim::script::{Command, Outside, Script};
use crate::trace::recorded::kubernetes::{Kind, Op, Recording};
use crate::units::{CountOrPercent, Rate, Span};

/// A client's request → the object changed, as the watchers see it.
const REQUEST: Span = Span::from_millis(5);

/// The scenario: settings and control plane; delays are told, see [`script`].
pub(super) fn scenario(recording: &Recording, inputs: Inputs) -> Result<Scenario, String> {
    let spec = &recording.spec;
    let text = format!(
        "rollcast = 1\n[service]\nname = \"app\"\ninstances = {}\n[versions.old]\nstart = \"1s\"\n[versions.new]\nstart = \"1s\"\n\
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
    scenario.hosts.count = if recording.kind == Kind::DaemonSet { spec.replicas.max(1) } else { 1 };
    scenario.strategy = settings(recording);
    scenario.control = control(recording, inputs);
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
fn control(recording: &Recording, inputs: Inputs) -> ControlPlane {
    let (middle, tail) = match inputs {
        Inputs::Observed => slowness(recording),
        Inputs::Spec => (1.0, 1.0),
    };
    let latency = |[p10, p50, p90, p99]: [f64; 4]| {
        latency([p10 * middle, p50 * middle, p90 * tail, p99 * tail])
    };
    let (rate, burst) = recording.limit;
    let env = |name: &str, d: [f64; 4]| {
        std::env::var(name).map_or(d, |v| {
            let v: Vec<f64> = v.split(',').map(|x| x.parse().unwrap()).collect();
            [v[0], v[1], v[2], v[3]]
        })
    };
    let (rate, burst) = if rate > 100.0 {
        let e = env("VK_RATE", [119.0, 2.0, 0.0, 0.0]);
        (e[0] / middle, e[1] as u32)
    } else {
        (rate, burst)
    };
    ControlPlane {
        // Pod ready → `status.readyReplicas`.
        watch: latency(env("VK_WATCH", [3.3, 8.4, 25.4, 58.8])),
        // `status.availableReplicas` → next `spec.replicas`.
        sync: latency(env("VK_SYNC", [4.9, 8.0, 17.7, 48.8])),
        // `spec.replicas` → first pod created or told to stop, less a sync.
        act: latency(env("VK_ACT", [2.0, 5.5, 13.0, 30.0])),
        // Created → scheduled.
        schedule: latency([7.1, 15.2, 34.4, 51.0]),
        launch: Dist::Fixed(Span::ZERO),
        writes: Some(WriteLimit { rate: Rate(rate), burst }),
    }
}

/// When the last change from outside is there, in seconds.
pub(super) fn last_change(recording: &Recording) -> f64 {
    let last = recording.last_op();
    if last > 0.0 { last + REQUEST.as_secs_f64() } else { 0.0 }
}

/// Median and p90 of how late the lab was in quiet recordings, in milliseconds.
const QUIET: (f64, f64) = (13.5, 26.0);

/// How many times slower than quiet ones this recording's lab was, by its own account: in the
/// middle and in the tail.
fn slowness(recording: &Recording) -> (f64, f64) {
    let (p50, p90, _) = recording.noise;
    if p50 <= 0.0 || std::env::var("VK_NOSLOW").is_ok() {
        return (1.0, 1.0);
    }
    (p50 / QUIET.0, p90 / QUIET.1)
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
        fates: match inputs {
            Inputs::Observed => fates::observed(recording),
            Inputs::Spec => fates::foretold(recording, seed, run),
        },
        by_slot: recording.kind != Kind::Deployment,
        events: recording.spec.ops.iter().map(event).collect(),
        wall_phase: (inputs == Inputs::Observed).then_some(recording.wall_phase),
        end: Some(Span::from_secs_f64(recording.end)),
    }
}
