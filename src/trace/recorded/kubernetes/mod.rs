//! Rollouts recorded from real Kubernetes controllers with a stand-in for the kubelet: one JSON
//! file each, with the inputs (`spec`), every change of an object that a watch saw (`events`) and
//! a summary.

mod pods;
mod raw;
mod steps;

pub use pods::Pod;
pub use steps::Step;

use super::RecordingError;
use crate::trace::VersionId;
use crate::units::{CountOrPercent, Span};

/// The workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// With its `ReplicaSet`s.
    Deployment,
    /// One pod an index.
    StatefulSet,
    /// One pod a node.
    DaemonSet,
}

impl Kind {
    /// As Kubernetes writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
        }
    }
}

/// A recorded rollout.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Its name.
    pub id: String,
    /// What is rolled.
    pub kind: Kind,
    /// The class it was recorded for.
    pub class: String,
    /// Of Kubernetes: `v1.36.2`.
    pub release: String,
    /// Writes per second and burst that a controller's client may do.
    pub limit: (f64, u32),
    /// The feature gate `MaxUnavailableStatefulSet` was on.
    pub gate: bool,
    /// The wall clock at the beginning, after a whole second.
    pub wall_phase: Span,
    /// The inputs.
    pub spec: Spec,
    /// All pods, those that were there first, then in order of creation.
    pub pods: Vec<Pod>,
    /// The controller's own count of available pods: from this second on, so many.
    pub available: Vec<(f64, u32)>,
    /// What was changed, in order: sizes (Deployment) or pods.
    pub steps: Vec<Step>,
    /// What came of it.
    pub summary: Summary,
    /// How late the lab itself was, in milliseconds: median, p90, maximum.
    pub noise: (f64, f64, f64),
    /// The record goes on until then if nothing settles before (seconds).
    pub end: f64,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Pods wanted; of a `DaemonSet`, its nodes.
    pub replicas: u32,
    /// `Recreate` instead of a rolling update.
    pub recreate: bool,
    /// Default 25 % (Deployment), 0 (`DaemonSet`).
    pub max_surge: Option<CountOrPercent>,
    /// Default 25 % (Deployment), 1 (others).
    pub max_unavailable: Option<CountOrPercent>,
    /// `minReadySeconds`.
    pub min_ready: Span,
    /// `progressDeadlineSeconds`, default 600 s.
    pub progress_deadline: Span,
    /// `podManagementPolicy: Parallel`.
    pub parallel: bool,
    /// Of a `StatefulSet`.
    pub partition: u32,
    /// By version: seconds from scheduled to ready and from told to stop to gone, by ordinal,
    /// repeated.
    pub delays: Vec<(Vec<f64>, Vec<f64>)>,
    /// By version: what its pods do by themselves.
    pub behaviour: Vec<Option<Behaviour>>,
    /// What somebody did after the beginning (seconds).
    pub ops: Vec<(f64, Op)>,
}

/// What the pods of a version do by themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct Behaviour {
    /// The kind.
    pub misbehaves: Misbehaves,
    /// Only these ordinals; all if `None`.
    pub only: Option<Vec<u32>>,
}

/// How a pod misbehaves; seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Misbehaves {
    /// Runs, but is never ready.
    NeverReady,
    /// The same with restarts, one a second.
    CrashLoop,
    /// Fails when it should become ready.
    FailsBeforeReady,
    /// Ready, not ready after `after`, again after `back`, so many times (`None`: for ever).
    Crashes {
        /// Ready → crash.
        after: f64,
        /// Crash → ready.
        back: f64,
        /// So often.
        times: Option<u32>,
    },
    /// Fails so long after it became ready.
    Fails {
        /// Ready → failed.
        after: f64,
    },
}

/// What somebody did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Set the template of a version.
    Set(VersionId),
    /// Set the number of replicas.
    Scale(u32),
    /// Paused the rollout.
    Pause,
    /// Resumed it.
    Resume,
    /// Set the partition of a `StatefulSet`.
    Partition(u32),
    /// Deleted the first `count` pods of a version.
    Delete(VersionId, u32),
    /// Made them fail.
    Fail(VersionId, u32),
}

/// The recorder's own summary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// When `kubectl rollout status` would first have printed success (seconds).
    pub duration: Option<f64>,
    /// Everything was at the target, ready, available, and nothing terminating, at the end.
    pub settled: bool,
    /// The version wanted last.
    pub target: VersionId,
    /// Fewest available in the controller's own status.
    pub available_min: u32,
    /// Most pods that were neither terminating nor failed.
    pub active_max: u32,
}

impl Recording {
    /// From the JSON of a file.
    pub fn read(value: serde_json::Value) -> Result<Self, RecordingError> {
        let file: raw::File =
            serde_json::from_value(value).map_err(|e| RecordingError::Damaged(e.to_string()))?;
        let kind = match file.kind.as_str() {
            "Deployment" => Kind::Deployment,
            "StatefulSet" => Kind::StatefulSet,
            "DaemonSet" => Kind::DaemonSet,
            other => return Err(RecordingError::Damaged(format!("unknown kind `{other}`"))),
        };
        let pods = pods::read(&file)?;
        let last = file.events.last().map_or(0.0, |event| event.t_s);
        Ok(Self {
            kind,
            limit: limit(&file.control_plane),
            gate: file.control_plane.contains("MaxUnavailableStatefulSet=true"),
            wall_phase: Span::from_secs_f64(file.t0_unix.rem_euclid(1.0)),
            spec: spec(&file, kind)?,
            available: available(&file, kind),
            steps: steps::read(&file)?,
            summary: Summary {
                duration: file.summary.rollout_duration_s,
                settled: file.summary.final_ok,
                target: version(&file.summary.target_version)?,
                available_min: file.summary.min_available,
                active_max: file.summary.max_pods_active,
            },
            noise: (file.lab_noise.p50, file.lab_noise.p90, file.lab_noise.max),
            end: file.spec.max_record.unwrap_or(last).max(last),
            id: file.id,
            class: file.class,
            release: file.kubernetes_version,
            pods,
        })
    }

    /// When the last change from outside was made, in seconds.
    pub fn last_op(&self) -> f64 {
        self.spec.ops.iter().map(|(at, _)| *at).fold(0.0, f64::max)
    }

    /// How many pods are wanted at the end.
    pub fn wanted(&self) -> u32 {
        let scaled = self.spec.ops.iter().rev().find_map(|(_, op)| match op {
            Op::Scale(replicas) => Some(*replicas),
            _ => None,
        });
        scaled.unwrap_or(self.spec.replicas)
    }
}

/// `v1` is the old version, `v2` the new one, and so on.
fn version(name: &str) -> Result<VersionId, RecordingError> {
    let number = name.strip_prefix('v').and_then(|digits| digits.parse::<u8>().ok());
    let number = number.filter(|number| *number > 0);
    let number = number.ok_or_else(|| RecordingError::Damaged(format!("version `{name}`")))?;
    Ok(VersionId(number - 1))
}

/// `qps=2000 burst=4000 gates=`.
fn limit(control_plane: &str) -> (f64, u32) {
    let field = |name: &str| {
        let mut words = control_plane.split_whitespace();
        words.find_map(|word| word.strip_prefix(name)?.parse::<f64>().ok())
    };
    (field("qps=").unwrap_or(20.0), field("burst=").unwrap_or(30.0) as u32)
}

fn spec(file: &raw::File, kind: Kind) -> Result<Spec, RecordingError> {
    let damaged = |what: String| RecordingError::Damaged(what);
    let raw = &file.spec;
    let replicas = if kind == Kind::DaemonSet { raw.nodes } else { raw.replicas };
    let amount = |amount: &Option<raw::Amount>| match amount {
        None => Ok(None),
        Some(raw::Amount::Count(count)) => Ok(Some(CountOrPercent::Count(*count))),
        Some(raw::Amount::Text(text)) => {
            text.parse().map(Some).map_err(|_| damaged(format!("amount `{text}`")))
        }
    };
    let mut delays = Vec::new();
    for (name, delay) in &raw.delays {
        let place = usize::from(version(name)?.0);
        let list = |seconds: &raw::Seconds| match seconds {
            raw::Seconds::One(one) => vec![*one],
            raw::Seconds::Many(many) => many.clone(),
        };
        if delays.len() <= place {
            delays.resize(place + 1, (vec![0.0], vec![0.0]));
        }
        delays[place] = (list(&delay.start), list(&delay.term));
    }
    let mut behaviours = vec![None; delays.len()];
    for (name, raw) in raw.behaviour.iter().flatten() {
        let place = usize::from(version(name)?.0);
        if behaviours.len() <= place {
            behaviours.resize(place + 1, None);
        }
        behaviours[place] = Some(behaviour(raw)?);
    }
    let ops = raw.ops.iter().flatten().map(op).collect::<Result<_, _>>()?;
    Ok(Spec {
        replicas: replicas.ok_or_else(|| damaged("no number of replicas".to_owned()))?,
        recreate: raw.strategy.as_deref() == Some("Recreate"),
        max_surge: amount(&raw.max_surge)?,
        max_unavailable: amount(&raw.max_unavailable)?,
        min_ready: Span::from_secs(raw.min_ready_seconds),
        progress_deadline: Span::from_secs(raw.progress_deadline_seconds.unwrap_or(600)),
        parallel: raw.pod_management_policy.as_deref() == Some("Parallel"),
        partition: raw.partition,
        delays,
        behaviour: behaviours,
        ops,
    })
}

fn behaviour(raw: &raw::Behaviour) -> Result<Behaviour, RecordingError> {
    let after = raw.after_s.unwrap_or(0.0);
    let misbehaves = match raw.what.as_str() {
        "never_ready" => Misbehaves::NeverReady,
        "crashloop_before_ready" => Misbehaves::CrashLoop,
        "fail_before_ready" => Misbehaves::FailsBeforeReady,
        "crash_after_ready" => {
            let back = raw.restart_s.unwrap_or(0.0);
            Misbehaves::Crashes { after, back, times: raw.times }
        }
        "fail_after_ready" => Misbehaves::Fails { after },
        other => return Err(RecordingError::Damaged(format!("unknown behaviour `{other}`"))),
    };
    Ok(Behaviour { misbehaves, only: raw.only_ordinals.clone() })
}

fn op(raw: &raw::Op) -> Result<(f64, Op), RecordingError> {
    let missing = || RecordingError::Damaged(format!("operation `{}` lacks its value", raw.what));
    let of = || version(raw.version.as_deref().ok_or_else(missing)?);
    let op = match raw.what.as_str() {
        "set_version" => Op::Set(of()?),
        "scale" => Op::Scale(raw.replicas.ok_or_else(missing)?),
        "pause" => Op::Pause,
        "resume" => Op::Resume,
        "set_partition" => Op::Partition(raw.partition.ok_or_else(missing)?),
        "delete_pods" => Op::Delete(of()?, raw.count.ok_or_else(missing)?),
        "fail_pods" => Op::Fail(of()?, raw.count.ok_or_else(missing)?),
        other => return Err(RecordingError::Damaged(format!("unknown operation `{other}`"))),
    };
    Ok((raw.at_s, op))
}

fn available(file: &raw::File, kind: Kind) -> Vec<(f64, u32)> {
    let field = match kind {
        Kind::Deployment | Kind::StatefulSet => "status.availableReplicas",
        Kind::DaemonSet => "status.numberAvailable",
    };
    let count = |value: &serde_json::Value| value.as_u64().unwrap_or(0) as u32;
    let workload = |object: &&std::collections::BTreeMap<String, serde_json::Value>| {
        object.get("kind").is_some_and(|name| name == kind.name())
    };
    let before = file.initial.objects.iter().find(workload).and_then(|object| object.get(field));
    let mut available = vec![(0.0, before.map_or(0, count))];
    let changes = file.events.iter().filter(|e| e.kind == kind.name() && e.field == field);
    available.extend(changes.map(|event| (event.t_s, count(&event.new))));
    available
}

#[cfg(test)]
mod tests {
    use super::{Behaviour, Kind, Misbehaves, Recording, Step};
    use crate::trace::VersionId;
    use crate::trace::recorded::{self, RecordingError};
    use crate::units::Span;

    const CRASH_LOOP: &[u8] = include_bytes!("../../../../tests/data/traces/r1e1c36b1.json");
    const RECREATE: &[u8] = include_bytes!("../../../../tests/data/traces/rc20f16b8.json");
    const PARTITION: &[u8] = include_bytes!("../../../../tests/data/traces/rf6589c98.json");

    fn read(bytes: &[u8]) -> Recording {
        match recorded::parse(bytes).unwrap() {
            recorded::Recording::Kubernetes(recording) => *recording,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_stateful_set_is_read_whole() {
        let recording = read(PARTITION);
        assert_eq!(
            (recording.kind, recording.class.as_str()),
            (Kind::StatefulSet, "sts_partition")
        );
        assert_eq!(recording.limit, (2000.0, 4000));
        assert!(!recording.gate);
        let spec = &recording.spec;
        assert_eq!((spec.replicas, spec.partition, spec.parallel), (3, 2, true));
        assert_eq!(spec.min_ready, Span::from_secs(1));
        assert_eq!(spec.delays[0], (vec![1.78, 0.72, 1.16], vec![1.4, 0.81, 0.17]));
        assert_eq!(spec.delays[1], (vec![0.94], vec![1.05]));
        assert_eq!(recording.pods.len(), 4);
        let created = recording.pods.last().unwrap();
        assert_eq!((created.version, created.ordinal), (VersionId::NEW, 2));
        assert!((created.start().unwrap() - (1.207_448 - 0.247_575)).abs() < 1e-9);
        let told = &recording.pods[2];
        assert!((told.stop().unwrap() - (0.228_942 - 0.042_327)).abs() < 1e-9);
        assert_eq!(recording.available, [(0.0, 3), (0.252_246, 2), (2.158_604, 3)]);
        let version = VersionId::OLD;
        let first = Step::Pod { at: 0.042_327, add: false, place: 2, version };
        assert_eq!(recording.steps[0], first);
        assert_eq!(recording.summary.duration, Some(1.228_171));
        assert_eq!((recording.last_op(), recording.wanted()), (0.0, 3));
    }

    #[test]
    fn a_deployment_that_crash_loops_is_read() {
        let recording = read(CRASH_LOOP);
        let expected = Behaviour { misbehaves: Misbehaves::CrashLoop, only: None };
        assert_eq!(recording.spec.behaviour[1], Some(expected));
        assert_eq!(recording.summary.duration, None);
        assert!(!recording.summary.settled);
        let Step::Sizes { at, sizes } = &recording.steps[0] else { panic!("sizes") };
        let before = [(VersionId::OLD, recording.spec.replicas)];
        assert_eq!((*at, sizes.as_slice()), (0.0, &before[..]));
        assert!(read(RECREATE).spec.recreate);
    }

    #[test]
    fn what_is_no_recording_is_told_apart_from_a_damaged_one() {
        let foreign = recorded::parse(br#"{"apiVersion": "v1", "kind": "Pod"}"#).unwrap_err();
        assert!(matches!(foreign, RecordingError::Foreign(_)), "{foreign}");
        assert!(foreign.to_string().contains("`apiVersion`"), "{foreign}");
        let cut = recorded::parse(&CRASH_LOOP[..900]).unwrap_err();
        assert!(matches!(cut, RecordingError::Json(_)), "{cut}");
        let text = std::str::from_utf8(CRASH_LOOP).unwrap();
        let unknown = text.replace("crashloop_before_ready", "explodes");
        let damaged = recorded::parse(unknown.as_bytes()).unwrap_err();
        assert!(damaged.to_string().contains("unknown behaviour `explodes`"), "{damaged}");
    }
}
