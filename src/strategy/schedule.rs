//! Operations that the settings schedule.

use serde::{Deserialize, Serialize};

use super::Decision;
use crate::scenario::settings::Operation;
use crate::units::{Span, Time};

/// How far along its list a rollout is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Schedule {
    begun: Option<Time>,
    done: usize,
}

impl Schedule {
    /// The clock of the list starts, if it has not.
    pub(super) fn begin(&mut self, now: Time) {
        self.begun.get_or_insert(now);
    }

    /// Whether it has started.
    pub(super) fn has_begun(&self) -> bool {
        self.begun.is_some()
    }

    /// When the next one is due.
    pub(super) fn next(&self, operations: &[(Span, Operation)]) -> Option<Time> {
        let (after, _) = operations.get(self.done)?;
        Some(self.begun? + *after)
    }

    /// The next one, if it is due; else asks for a look when it will be.
    pub(super) fn take_or_wake(
        &mut self,
        operations: &[(Span, Operation)],
        now: Time,
        decision: &mut Decision,
    ) -> Option<Operation> {
        let next = self.take(operations, now);
        if let (None, Some(due)) = (next, self.next(operations)) {
            decision.wake(due);
        }
        next
    }

    /// The next one, if it is due; it counts as done.
    pub(super) fn take(
        &mut self,
        operations: &[(Span, Operation)],
        now: Time,
    ) -> Option<Operation> {
        self.next(operations).filter(|due| *due <= now)?;
        self.done += 1;
        Some(operations[self.done - 1].1)
    }
}
