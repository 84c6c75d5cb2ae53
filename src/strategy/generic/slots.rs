//! The life of a slot: one instance replaced by another.

use serde::{Deserialize, Serialize};

use super::{Generic, State};
use crate::scenario::settings::{OnFailure, Order, Window};
use crate::strategy::{Action, Decision, InstanceView, View};
use crate::trace::{Moment, Phase, VersionId};
use crate::units::{Rounding, Time};

/// One replacement in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Slot {
    /// The instance to replace, as long as it has not been told to stop.
    pub(super) old: Option<u32>,
    pub(super) step: Step,
}

/// Where a slot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Step {
    /// The next thing is to start a new instance.
    Open,
    /// This instance was told to stop; when it is gone a new one is started.
    Emptying(u32),
    /// A start of this version was asked for and has not been seen.
    Awaiting(VersionId),
    /// This one is not ready yet.
    Booting(u32),
    /// This one is ready and watched.
    Watching(u32),
    /// The slot is done when this instance is gone.
    Leaving(u32),
    /// Nothing is left to do.
    Done,
}

impl State {
    /// Matches new instances to the slots that wait for them, and forgets stops that can be seen.
    pub(super) fn observe(&mut self, view: &View<'_>) {
        let fresh = view.instances.partition_point(|i| i.id < self.next_instance);
        for i in &view.instances[fresh..] {
            // A number never shown came and went between two looks: try again.
            for _ in self.next_instance..i.id {
                if let Some(slot) = self.awaiting(|_| true) {
                    slot.step = Step::Open;
                }
            }
            self.next_instance = i.id + 1;
            if let Some(slot) = self.awaiting(|version| version == i.version) {
                slot.step = Step::Booting(i.id);
            }
        }
        if !self.told.is_empty() {
            self.told.retain(|&id| view.find(id).is_some_and(|i| i.phase.is_active()));
        }
    }

    fn awaiting(&mut self, which: impl Fn(VersionId) -> bool) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|s| matches!(s.step, Step::Awaiting(v) if which(v)))
    }

    /// Whether this instance must be replaced and nobody is at it.
    pub(super) fn is_candidate(&self, i: &InstanceView) -> bool {
        i.phase.is_active()
            && (i.version != self.target || i.phase == Phase::Failed)
            && !self.told.contains(&i.id)
            && !self.slots.iter().any(|s| {
                s.old == Some(i.id)
                    || matches!(s.step, Step::Booting(id) | Step::Watching(id)
                    if id == i.id)
            })
    }

    pub(super) fn start(&self, decision: &mut Decision) -> Step {
        decision.actions.push(Action::start(self.target));
        Step::Awaiting(self.target)
    }

    /// Tells an instance to stop, unless it is gone, stopping or told already.
    pub(super) fn stop(&mut self, instance: u32, decision: &mut Decision) {
        if !self.told.contains(&instance) {
            self.told.push(instance);
            decision.actions.push(Action::Stop { instance });
        }
    }

    /// Exchanges the versions. Slots notice at their next step.
    pub(super) fn turn_back(&mut self) {
        self.finished &= self.target == VersionId::OLD;
        self.target = VersionId::OLD;
        self.paused = false;
    }
}

impl Generic {
    /// Moves every slot as far as it can go and removes those that are done.
    pub(super) fn advance(
        &self,
        state: &mut State,
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) {
        let mut slots = std::mem::take(&mut state.slots);
        loop {
            let target = state.target;
            for slot in &mut slots {
                self.step(slot, state, now, view, decision);
            }
            // A decision to turn back in the middle concerns the slots before it too.
            if state.target == target {
                break;
            }
        }
        if !state.paused {
            self.finish(&mut slots, state, now, view, decision);
        }
        slots.retain(|s| s.step != Step::Done);
        state.slots = slots;
    }

    fn step(
        &self,
        slot: &mut Slot,
        state: &mut State,
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) {
        if let Step::Booting(id) | Step::Watching(id) = slot.step {
            let Some(i) = view.find(id).filter(|i| i.phase.is_active()) else {
                return self.fail(slot, id, false, state, decision);
            };
            if i.version != state.target && i.restarts > 0 {
                // It fell back to the old image: it has had its turn, and gets another one.
                slot.step = if i.phase.is_ready() { Step::Done } else { slot.step };
                return;
            }
            if i.version != state.target {
                return give_up(slot, id, state, view, decision);
            }
            let deadline = i.created + self.settings.ready_deadline;
            if i.phase.is_ready() {
                slot.step = Step::Watching(id);
            } else if i.phase == Phase::Failed || now >= deadline {
                self.fail(slot, id, true, state, decision);
            } else {
                slot.step = Step::Booting(id);
                wake(decision, deadline);
            }
        }
        if let Step::Emptying(id) = slot.step
            && view.find(id).is_none()
        {
            slot.step = if keeps_old(slot, state, view) { Step::Done } else { Step::Open };
        }
        if slot.step == Step::Open && !state.paused {
            slot.step = state.start(decision);
        }
        if let Step::Leaving(id) = slot.step
            && view.find(id).is_none()
        {
            slot.step = Step::Done;
        }
    }

    /// A new instance failed: count it, stop it, decide.
    fn fail(
        &self,
        slot: &mut Slot,
        id: u32,
        exists: bool,
        state: &mut State,
        decision: &mut Decision,
    ) {
        decision.moments.push(Moment::InstanceFailed(id));
        if !std::mem::replace(&mut state.detected, true) {
            decision.moments.push(Moment::Detected);
        }
        if exists {
            state.stop(id, decision);
        }
        slot.step = Step::Emptying(id);
        if state.target == VersionId::OLD || state.finished {
            // No limit on the way back, nor for repairs after the end.
            return;
        }
        state.failures += 1;
        let allowed = self.settings.failures_allowed.of(self.instances, Rounding::Down);
        if state.failures > allowed {
            match self.settings.on_failure {
                OnFailure::Pause => state.paused = true,
                OnFailure::Rollback => {
                    decision.moments.push(Moment::RollbackDecided);
                    state.turn_back();
                }
                OnFailure::Continue => {}
            }
        }
    }

    /// Ends slots whose new instance has been watched for long enough: each for itself in a
    /// sliding window, all together behind a barrier.
    fn finish(
        &self,
        slots: &mut [Slot],
        state: &mut State,
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) {
        let bake = self.settings.bake;
        let ready_since = |slot: &Slot| match slot.step {
            Step::Watching(id) => view.find(id).map(|i| i.ready_since),
            _ => None,
        };
        match self.settings.window {
            Window::Sliding => {
                for slot in slots {
                    let Some(since) = ready_since(slot) else { continue };
                    if now < since + bake {
                        wake(decision, since + bake);
                        continue;
                    }
                    // Whether the old one is gone is nobody's concern in a window.
                    if let Some(old) = slot.old.take() {
                        leave(old, state, view, decision);
                    }
                    slot.step = Step::Done;
                }
            }
            Window::Barrier => {
                let mut last = Time::ZERO;
                for slot in slots.iter() {
                    match slot.step {
                        Step::Watching(_) => {
                            last = last.max(ready_since(slot).unwrap_or(Time::NEVER));
                        }
                        Step::Done => {}
                        _ => return,
                    }
                }
                if now < last + bake {
                    return wake(decision, last + bake);
                }
                for slot in slots.iter_mut().filter(|s| s.step != Step::Done) {
                    slot.step = match (self.settings.order, slot.old.take()) {
                        (Order::StartFirst, Some(old)) if leave(old, state, view, decision) => {
                            Step::Leaving(old)
                        }
                        (Order::StartFirst | Order::StopFirst, _) => Step::Done,
                    };
                }
            }
        }
    }
}

/// The new instance is of a version no longer wanted. If the old one is still there it stays.
fn give_up(slot: &mut Slot, id: u32, state: &mut State, view: &View<'_>, decision: &mut Decision) {
    state.stop(id, decision);
    slot.step = if keeps_old(slot, state, view) {
        slot.old = None;
        Step::Leaving(id)
    } else {
        Step::Emptying(id)
    };
}

/// Whether the slot's old instance is there, is what is wanted and was not told to stop.
fn keeps_old(slot: &Slot, state: &State, view: &View<'_>) -> bool {
    slot.old.and_then(|old| view.find(old)).is_some_and(|i| {
        i.version == state.target
            && i.phase.is_active()
            && i.phase != Phase::Failed
            && !state.told.contains(&i.id)
    })
}

/// Stops a replaced instance; says whether there was one left to stop.
fn leave(old: u32, state: &mut State, view: &View<'_>, decision: &mut Decision) -> bool {
    let there = view.find(old).is_some_and(|i| i.phase.is_active());
    if there {
        state.stop(old, decision);
    }
    there
}

fn wake(decision: &mut Decision, time: Time) {
    if time != Time::NEVER {
        decision.wake(time);
    }
}
