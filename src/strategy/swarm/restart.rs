//! The restart supervisor: a task that ended by itself is followed by another in its slot.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::tasks::{Desired, Status, Task};
use super::{Look, State};
use crate::scenario::settings::{RestartCondition, RestartPolicy};
use crate::trace::VersionId;
use crate::units::{Span, Time};

/// Restarts by slot; of one version only: an update clears the record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct History {
    slots: BTreeMap<u32, (VersionId, Vec<Time>)>,
}

impl History {
    fn note(&mut self, slot: u32, version: VersionId, now: Time) {
        let record = self.slots.entry(slot).or_insert((version, Vec::new()));
        if record.0 != version {
            *record = (version, Vec::new());
        }
        record.1.push(now);
    }

    /// Restarts of this version in this slot, not longer ago than `window` (zero: all).
    fn restarts(&self, task: &Task, window: Span, now: Time) -> usize {
        match self.slots.get(&task.slot) {
            Some((version, times)) if *version == task.version => {
                times.iter().filter(|at| window == Span::ZERO || **at + window > now).count()
            }
            _ => 0,
        }
    }

    /// Whether an ended task is to be followed by another.
    pub(super) fn allows(&self, task: &Task, policy: &RestartPolicy, now: Time) -> bool {
        policy.condition != RestartCondition::None
            && (policy.max_attempts == 0
                || self.restarts(task, policy.window, now) < policy.max_attempts as usize)
    }
}

impl State {
    /// This task has ended: it is shut down, and followed by another of the version that the
    /// service wants now.
    pub(super) fn restart(&mut self, id: u32, look: &Look<'_>) {
        let Some(task) = self.tasks.get(id).copied() else { return };
        // One that waits for leave to start is restarted when it gets it: no tight loops.
        if task.desired >= Desired::Shutdown || self.delays.holds(id) {
            return;
        }
        self.tasks.want(id, Desired::Shutdown);
        let policy = &look.settings.restart;
        if !self.history.allows(&task, policy, look.now) {
            return;
        }
        let version = self.service.spec.version;
        let next = self.tasks.create(task.slot, version, Desired::Ready);
        if policy.max_attempts > 0 {
            self.history.note(task.slot, version, look.now);
        }
        self.delays.start_after(next, policy.delay, None, look.now);
    }

    /// Tasks that ended while they waited for leave to start.
    pub(super) fn restart_late(&mut self, look: &Look<'_>) {
        let ended = |t: &&Task| t.status == Status::Ended && t.desired < Desired::Shutdown;
        let late: Vec<u32> = self.tasks.iter().filter(ended).map(|t| t.id).collect();
        for task in late {
            self.restart(task, look);
        }
    }
}
