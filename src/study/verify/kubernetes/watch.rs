//! What one run shows of itself to somebody who watches it as the recorder did.

use std::fmt::Write as _;

use super::super::forecast::Play;
use super::super::steps::Change;
use crate::sim::script::Status;
use crate::trace::recorded::kubernetes::{Kind, Op, Recording};
use crate::trace::{Cause, Phase, Record, Sink, VersionId};
use crate::units::Time;

/// Follows one run.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    recording: &'a Recording,
    /// By number of the instance.
    phases: Vec<(Phase, VersionId)>,
    active: u32,
    active_max: u32,
    /// Pods created and told to stop.
    changes: Vec<(Time, bool, u32)>,
}

impl<'a> Watch<'a> {
    /// For a run of this recording.
    pub(super) fn new(recording: &'a Recording) -> Self {
        Self { recording, phases: Vec::new(), active: 0, active_max: 0, changes: Vec::new() }
    }

    /// What was seen, given what the API showed.
    pub(super) fn finish(self, statuses: &[(Time, Status)]) -> (Play, Vec<Change>) {
        let after = self.recording.last_op();
        let done = statuses.iter().find(|(at, status)| status.done && at.as_secs_f64() >= after);
        let wanted = self.recording.wanted();
        let target = self.recording.summary.target;
        let has = |phase| self.phases.iter().any(|(p, _)| *p == phase);
        let available = |version: &VersionId| *version == target;
        let at_target = self
            .phases
            .iter()
            .filter(|(phase, version)| *phase == Phase::Available && available(version))
            .count() as u32;
        let play = Play {
            done: done.map(|(at, _)| at.as_secs_f64()),
            settled: at_target == wanted && self.active == wanted && !has(Phase::Draining),
            at_target,
            active_max: self.active_max,
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
            Kind::StatefulSet | Kind::DaemonSet => Vec::new(),
        };
        (play, order)
    }
}

fn counts(phase: Phase) -> bool {
    matches!(phase, Phase::Pending | Phase::Starting | Phase::Ready | Phase::Available)
}

impl Sink for Watch<'_> {
    fn record(&mut self, at: Time, record: Record) {
        let Record::Phase { instance, version, to, cause } = record else { return };
        let place = instance as usize;
        if self.phases.len() <= place {
            self.phases.push((Phase::Stopped, version));
        }
        let before = std::mem::replace(&mut self.phases[place].0, to);
        match (counts(before), counts(to)) {
            (false, true) => self.active += 1,
            (true, false) => self.active -= 1,
            _ => {}
        }
        self.active_max = self.active_max.max(self.active);
        if to == Phase::Pending && cause == Cause::Strategy {
            self.changes.push((at, true, instance));
        } else if to == Phase::Draining {
            self.changes.push((at, false, instance));
        }
    }
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
pub(super) fn pod(kind: Kind, add: bool, place: u32, version: VersionId) -> String {
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
