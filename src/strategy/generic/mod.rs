//! Batches or a sliding window: what most home-made rollouts do.
//!
//! # Source
//! The common ground of deployment scripts and of playbooks with a batch size: no single
//! original. Rounding and the strict comparison of failures follow Ansible (`serial` is truncated
//! and at least 1; `max_fail_percentage` must be exceeded).
//!
//! # Rules
//! - A *slot* replaces one instance. Stop-first: stop the old one, when it is gone start the new
//!   one, wait until that is ready. Start-first: start the new one, when it is ready stop the old
//!   one. Failed instances go first, then the lowest number.
//! - Barrier: as many slots as the batch says begin together; when all their new instances are
//!   ready the bake runs; then (start-first: when the old ones are stopped and gone) the next
//!   batch begins. The last batch is baked too. Batches are announced, counted from 1.
//! - Sliding: at most that many slots at a time; each is free again when its new instance has
//!   been ready for the bake (start-first: and the old one was told to stop).
//! - A new instance that is not ready `ready_deadline` after its creation, or crashes before its
//!   slot is done, has failed: it is stopped and, once gone, tried again. More failures than
//!   allowed pause the rollout, turn it back, or are ignored.
//! - A new instance that comes back from a crash with the old image is no failure: its slot is
//!   done, and it is replaced again in a later batch.
//! - Turning back is the same with the versions exchanged, without a failure limit. Slots in
//!   progress give up their new instance first.
//! - A ready instance is available.
//!
//! # Settings and defaults
//! One at a time, stop first, without a bake; the first failure pauses. Around it are the defaults
//! of the scenario's other tables.
//!
//! # Known surprises
//! - A pause leaves the instances that were just stopped without a replacement.
//! - With stop-first a failed instance is missing for `ready_deadline` plus a second start.
//!
//! # Where we depart
//! - Instances whose host is lost are not replaced, nor is the fleet scaled: `Scale` and
//!   `Rollover` are not operations of this strategy and are ignored.

mod slots;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::{Budget, Command, Controller, Decision, Draws, Rules, View};
use crate::scenario::settings::{self, Operation, Order, Window};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{Rounding, Time};
use slots::{Slot, Step};

/// The generic strategy with its settings.
#[derive(Debug, Clone)]
pub struct Generic {
    settings: settings::Generic,
    instances: u32,
}

/// Where the rollout is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// What all instances shall run.
    target: VersionId,
    begun: bool,
    paused: bool,
    /// Replacements in progress.
    slots: Vec<Slot>,
    /// Batches begun.
    batches: u32,
    /// New instances that failed.
    failures: u32,
    /// The first failure has been told.
    detected: bool,
    /// An operator undid the rollout and no decision has told so yet.
    undone: bool,
    /// Instances told to stop that still look active.
    told: Vec<u32>,
    /// Instances with smaller numbers have been seen.
    next_instance: u32,
    /// The present target was reached once.
    finished: bool,
    /// What was said last.
    said: Said,
}

impl Generic {
    /// From checked settings and the number of instances.
    pub fn new(settings: settings::Generic, instances: u32) -> Self {
        Self { settings, instances }
    }

    /// Slots at a time.
    fn width(&self) -> usize {
        self.settings.batch.of(self.instances, Rounding::Down).max(1) as usize
    }

    fn open_slots(&self, state: &mut State, view: &View<'_>, decision: &mut Decision) {
        let width = self.width();
        let open = match self.settings.window {
            Window::Barrier if !state.slots.is_empty() => return,
            Window::Barrier => width,
            Window::Sliding => width.saturating_sub(state.slots.len()),
        };
        if open == 0 {
            return;
        }
        let from = state.slots.len();
        for failed in [true, false] {
            for i in view.instances {
                if state.slots.len() - from == open {
                    break;
                }
                if (i.phase == Phase::Failed) == failed && state.is_candidate(i) {
                    state.slots.push(Slot { old: Some(i.id), step: Step::Open });
                }
            }
        }
        if state.slots.len() == from {
            return;
        }
        if self.settings.window == Window::Barrier {
            state.batches += 1;
            decision.moments.push(Moment::Batch(state.batches));
        }
        for at in from..state.slots.len() {
            let mut slot = state.slots[at];
            match self.settings.order {
                Order::StopFirst => {
                    let old = slot.old.take().expect("a new slot replaces something");
                    state.stop(old, decision);
                    slot.step = Step::Emptying(old);
                }
                Order::StartFirst => slot.step = state.start(decision),
            }
            state.slots[at] = slot;
        }
    }

    fn report(&self, state: &mut State, view: &View<'_>, decision: &mut Decision) {
        let back = state.target == VersionId::OLD;
        if !state.paused && !state.finished && state.slots.is_empty() {
            state.finished = self.is_complete(state, view);
        }
        let said = match (state.paused, state.finished, back) {
            (true, _, _) => Said::Paused,
            (false, true, false) => Said::Completed,
            (false, true, true) => Said::RolledBack,
            (false, false, false) => Said::Progressing,
            (false, false, true) => Said::RollingBack,
        };
        if said != state.said {
            state.said = said;
            decision.said = Some(said);
        }
    }

    fn is_complete(&self, state: &State, view: &View<'_>) -> bool {
        let mut ready = 0;
        for i in view.instances {
            if state.is_candidate(i) {
                return false;
            }
            ready += u32::from(i.version == state.target && i.phase.is_ready());
        }
        ready == self.instances
    }
}

impl Rules for Generic {
    type State = State;

    const CONTROLLERS: &'static [&'static str] = &["rollout"];

    fn initial(&self) -> State {
        State {
            target: VersionId::OLD,
            begun: false,
            paused: false,
            slots: Vec::new(),
            batches: 0,
            failures: 0,
            detected: false,
            undone: false,
            told: Vec::new(),
            next_instance: self.instances,
            finished: true,
            said: Said::Completed,
        }
    }

    fn command(&self, state: &mut State, command: Command, _: Time) {
        match command {
            Command::Begin => {
                state.begun = true;
                state.finished &= state.target == VersionId::NEW;
                state.target = VersionId::NEW;
            }
            Command::Rollback => state.turn_back(),
            Command::Operate(Operation::Undo) => {
                state.undone |= state.target != VersionId::OLD;
                state.turn_back();
            }
            Command::Operate(Operation::Pause) => state.paused = true,
            Command::Operate(Operation::Resume) => state.paused = false,
            Command::Operate(
                Operation::Scale(_)
                | Operation::Rollover
                | Operation::Set(_)
                | Operation::Partition(_)
                | Operation::Promote
                | Operation::Abort,
            ) => {}
        }
    }

    fn reconcile(
        &self,
        state: &mut State,
        _: Controller,
        now: Time,
        view: &View<'_>,
        _: Draws,
        decision: &mut Decision,
    ) {
        decision.mark_ready(view);
        state.observe(view);
        if !state.begun {
            return;
        }
        if std::mem::take(&mut state.undone) {
            decision.moments.push(Moment::RollbackDecided);
        }
        if !state.paused {
            self.advance(state, now, view, decision);
        }
        if !state.paused {
            // A slot that became free, or turned round, may go on at once.
            self.open_slots(state, view, decision);
        }
        self.report(state, view, decision);
    }

    /// A batch at a time.
    fn budget(&self) -> Budget {
        let instances = self.instances;
        let batch = self.settings.batch.of(instances, Rounding::Down).clamp(1, instances);
        let stop_first = self.settings.order == Order::StopFirst;
        Budget {
            instances,
            out: if stop_first { batch } else { 0 },
            above: if stop_first { 0 } else { batch },
            rounds: instances.div_ceil(batch),
            wait: self.settings.bake,
            out_key: "strategy.generic.batch",
            above_key: "strategy.generic.batch",
        }
    }
}
