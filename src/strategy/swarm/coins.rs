//! What goroutines and map order leave to chance.

use crate::strategy::Draws;

/// Purposes of the draws.
mod purpose {
    pub(super) const SLOT_ORDER: u32 = 1;
    pub(super) const TASK_ORDER: u32 = 2;
    pub(super) const RESTARTS_FIRST: u32 = 3;
    pub(super) const WORKER_FIRST: u32 = 4;
}

/// Tosses that belong to tasks and slots.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coins {
    draws: Draws,
}

impl Coins {
    pub(super) fn new(draws: Draws) -> Self {
        Self { draws }
    }

    /// Where a slot stands in the order of updater number `run` (Go's maps have no order).
    pub(super) fn slot_order(self, run: u32, slot: u32) -> u64 {
        self.draws.bits(purpose::SLOT_ORDER + 16 * run, slot)
    }

    /// Where a task stands in its slot (tasks are stored by random identifiers).
    pub(super) fn task_order(self, task: u32) -> u64 {
        self.draws.bits(purpose::TASK_ORDER, task)
    }

    /// The restart supervisor notices the end of this task before the updater does, as in three of
    /// four recorded rollbacks.
    pub(super) fn restarts_first(self, task: u32) -> bool {
        !self.draws.bits(purpose::RESTARTS_FIRST, task).is_multiple_of(4)
    }

    /// The worker notices the end of this task before the updater does, and takes another slot.
    pub(super) fn worker_first(self, task: u32) -> bool {
        self.draws.bits(purpose::WORKER_FIRST, task) & 1 == 1
    }
}
