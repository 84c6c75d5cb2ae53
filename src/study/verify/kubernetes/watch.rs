//! What one run shows of itself to somebody who watches it as the recorder did.

use std::fmt::Write as _;

use super::super::forecast::Play;
use super::super::steps::Change;
use super::scene;
use crate::sim::World;
use crate::sim::script::Status;
use crate::trace::recorded::kubernetes::{Kind, Op, Recording};
use crate::trace::{Cause, Phase, Record, Sink, VersionId};
use crate::units::Time;

/// One pod.
#[derive(Debug)]
struct Pod {
    phase: Phase,
    version: VersionId,
}

/// Follows one run.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    recording: &'a Recording,
    /// By number of the instance.
    pods: Vec<Pod>,
    active: u32,
    active_max: u32,
    /// Pods created (`true`) and told to stop.
    changes: Vec<(f64, bool, u32)>,
}

impl<'a> Watch<'a> {
    /// For a run of this recording.
    pub(super) fn new(recording: &'a Recording) -> Self {
        Self { recording, pods: Vec::new(), active: 0, active_max: 0, changes: Vec::new() }
    }

    /// What was seen, given the world after that run.
    pub(super) fn finish(self, world: &World<'_>) -> (Play, Vec<Change>) {
        let statuses = world.statuses();
        let done = first_done(statuses, scene::last_change(self.recording));
        let wanted = self.recording.wanted();
        let target = self.recording.summary.target;
        let has = |phase| self.pods.iter().any(|pod| pod.phase == phase);
        let kept = partition(self.recording);
        let is_due = |(id, pod): &(u32, &Pod)| {
            pod.phase == Phase::Available && (pod.version == target || world.slot(*id) < kept)
        };
        let at_target = (0..).zip(&self.pods).filter(is_due).count() as u32;
        let play = Play {
            done,
            settled: at_target == wanted && self.active == wanted && !has(Phase::Draining),
            at_target,
            active_max: self.active_max,
            size_max: statuses.iter().map(|(_, s)| total(&s.sizes)).max().unwrap_or(0),
            available_min: statuses.iter().map(|(_, s)| s.available).min().unwrap_or(0),
            available: statuses.iter().map(|(t, s)| (t.as_secs_f64(), s.available)).collect(),
        };
        let order = match self.recording.kind {
            Kind::Deployment => {
                let mut order: Vec<Change> = Vec::new();
                for (at, status) in statuses {
                    let text = sizes(&status.sizes);
                    if order.last().is_none_or(|(_, last)| *last != text) {
                        order.push((at.as_secs_f64(), text));
                    }
                }
                order
            }
            Kind::StatefulSet | Kind::DaemonSet => {
                let kind = self.recording.kind;
                let change = |&(at, added, id): &(f64, bool, u32)| {
                    let version = self.pods[id as usize].version;
                    (at, pod_change(kind, added, world.slot(id), version))
                };
                self.changes.iter().map(change).collect()
            }
        };
        (play, order)
    }
}

/// When somebody who waits since `after` (seconds) is first told that the rollout is done.
fn first_done(statuses: &[(Time, Status)], after: f64) -> Option<f64> {
    let later = statuses.partition_point(|(at, _)| at.as_secs_f64() <= after + 1e-9);
    let holds = later.checked_sub(1).is_some_and(|last| statuses[last].1.done);
    if holds {
        return Some(after);
    }
    let done = statuses[later..].iter().find(|(_, status)| status.done);
    done.map(|(at, _)| at.as_secs_f64())
}

fn counts(phase: Phase) -> bool {
    matches!(phase, Phase::Pending | Phase::Starting | Phase::Ready | Phase::Available)
}

impl Sink for Watch<'_> {
    fn record(&mut self, at: Time, record: Record) {
        let Record::Phase { instance, version, to, cause } = record else { return };
        let place = instance as usize;
        if self.pods.len() <= place {
            self.pods.push(Pod { phase: Phase::Stopped, version });
        }
        let pod = &mut self.pods[place];
        let before = std::mem::replace(&mut pod.phase, to);
        match (counts(before), counts(to)) {
            (false, true) => self.active += 1,
            (true, false) => self.active -= 1,
            _ => {}
        }
        self.active_max = self.active_max.max(self.active);
        let added = to == Phase::Pending && cause == Cause::Strategy;
        if added || to == Phase::Draining {
            self.changes.push((at.as_secs_f64(), added, instance));
        }
    }
}

fn total(sizes: &[(VersionId, u32)]) -> u32 {
    sizes.iter().map(|(_, size)| size).sum()
}

/// Sizes in words: `v1 3, v2 1`.
pub(super) fn sizes(sizes: &[(VersionId, u32)]) -> String {
    let mut sizes = sizes.to_vec();
    sizes.sort_unstable();
    let mut text = String::new();
    for (version, size) in sizes {
        let comma = if text.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{comma}v{} {size}", version.0 + 1);
    }
    text
}

/// A change of one pod in words: `+3 v2`. Which node of a `DaemonSet` comes next is not decided
/// by anything that is recorded, so it is left out.
pub(super) fn pod_change(kind: Kind, add: bool, place: u32, version: VersionId) -> String {
    let sign = if add { '+' } else { '-' };
    match kind {
        Kind::DaemonSet => format!("{sign} v{}", version.0 + 1),
        Kind::Deployment | Kind::StatefulSet => format!("{sign}{place} v{}", version.0 + 1),
    }
}

/// Whether the operations change the partition, and to what in the end.
pub(super) fn partition(recording: &Recording) -> u32 {
    let set = recording.spec.ops.iter().rev().find_map(|(_, op)| match op {
        Op::Partition(partition) => Some(*partition),
        _ => None,
    });
    set.unwrap_or(recording.spec.partition)
}
