//! An evaluation of the group: what to place, replace and stop (`computeGroup`).

use std::collections::BTreeSet;

use super::allocs::{Alloc, Health, Stage, reschedule_at};
use super::{Deployment, Nomad, State, Status, UPDATE_BATCH};
use crate::strategy::Decision;
use crate::strategy::View;
use crate::units::{Span, Time};

impl Nomad {
    /// One evaluation.
    pub(super) fn evaluate(
        &self,
        state: &mut State,
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) {
        let first = std::mem::take(&mut state.submitted);
        state.cancel_canaries(first, decision);
        if first && self.settings.max_parallel > 0 {
            self.create_deployment(state, now);
        }
        let canarying = state.deployment.as_ref().is_some_and(Deployment::is_canarying);
        let held = state
            .deployment
            .as_ref()
            .is_some_and(|d| matches!(d.status, Status::Paused | Status::Failed));
        let mut limit = if canarying || held { 0 } else { self.limit(state, first) };
        if canarying && !held {
            self.place_canaries(state, now, decision);
        }
        let placed = self.replace_failed(state, now, decision)
            + self.place_missing(state, canarying || held, now, decision);
        if !canarying && !held {
            limit = limit.saturating_sub(placed);
        }
        state.stop_surplus(decision);
        self.replace_destructive(state, limit, now, view, decision);
        state.complete();
    }

    /// What a new version of the job begins with. Allocations that run it already are updated in
    /// place, all at once, and judged anew.
    fn create_deployment(&self, state: &mut State, now: Time) {
        state.deployments += 1;
        let (number, target) = (state.deployments, state.target);
        let destructive = state.allocs.iter().any(|alloc| alloc.version != target);
        let mut deployment = Deployment {
            number,
            status: Status::Running,
            canaries: if destructive { self.settings.canary } else { 0 },
            promoted: false,
            progress_by: Time::NEVER,
        };
        for alloc in state.allocs.iter_mut().filter(|alloc| alloc.version == target) {
            (alloc.deployment, alloc.since) = (number, now);
            (alloc.health, alloc.reported) = (None, false);
            self.begin_progress(&mut deployment, now);
            // Its client hears of it then.
            state.evaluated_at = now + UPDATE_BATCH;
        }
        state.deployment = Some(deployment);
    }

    fn begin_progress(&self, deployment: &mut Deployment, now: Time) {
        let deadline = self.settings.progress_deadline;
        if deployment.progress_by == Time::NEVER && deadline != Span::ZERO {
            deployment.progress_by = now + deadline;
        }
    }

    /// How many may be replaced (`computeUnderProvisionedBy`).
    fn limit(&self, state: &State, first: bool) -> u32 {
        let window = self.settings.max_parallel;
        let Some(deployment) = state.deployment.as_ref().filter(|_| window > 0) else {
            return u32::MAX;
        };
        if first {
            return window;
        }
        let mut limit = window;
        for alloc in state.of(deployment.number) {
            match alloc.known() {
                Some(Health::Unhealthy) => return 0,
                Some(Health::Healthy(_)) => {}
                None => limit = limit.saturating_sub(1),
            }
        }
        limit
    }

    fn place_canaries(&self, state: &mut State, now: Time, decision: &mut Decision) {
        let Some(deployment) = state.deployment.as_ref() else { return };
        let (number, target) = (deployment.number, state.target);
        let canaries = state.allocs.iter().filter(|alloc| alloc.canary);
        let used: BTreeSet<u32> = canaries.map(|alloc| alloc.slot).collect();
        let wanted = (deployment.canaries as usize).saturating_sub(used.len());
        let names: BTreeSet<u32> = state
            .allocs
            .iter()
            .filter(|alloc| !alloc.canary && alloc.version != target)
            .map(|alloc| alloc.slot)
            .collect();
        let beyond = state.desired..;
        let free = names.iter().copied().chain(beyond.filter(|slot| !names.contains(slot)));
        let slots: Vec<u32> = free.filter(|slot| !used.contains(slot)).take(wanted).collect();
        for slot in slots {
            let mut alloc = Alloc::new(slot, target, number, Stage::Asked);
            alloc.canary = true;
            state.ledger.start_in(slot, target, decision);
            self.place(state, alloc, now);
        }
    }

    fn place(&self, state: &mut State, alloc: Alloc, now: Time) {
        if let Some(deployment) = state.deployment.as_mut().filter(|d| d.number == alloc.deployment)
        {
            self.begin_progress(deployment, now);
        }
        state.allocs.push(alloc);
    }

    /// Reschedules failed allocations that are due; says how many.
    fn replace_failed(&self, state: &mut State, now: Time, decision: &mut Decision) -> u32 {
        let deployment = state.deployment.clone();
        let mut replaced = 0;
        for at in 0..state.allocs.len() {
            let alloc = &state.allocs[at];
            let own = deployment.as_ref().filter(|d| d.number == alloc.deployment);
            let given_up = own.is_some_and(|d| d.status == Status::Failed);
            let unknown = own.is_some_and(Deployment::is_active) && !alloc.reported;
            let Stage::Placed(id) = alloc.stage else { continue };
            if !alloc.has_failed() || given_up || unknown {
                continue;
            }
            let policy = &self.settings.reschedule;
            let due = reschedule_at(policy, alloc.failed_at, &alloc.rescheduled);
            let Some(due) = due else { continue };
            if due > now {
                state.evaluated_at = state.evaluated_at.min(due);
                continue;
            }
            state.ledger.stop(id, decision);
            let next = state.successor(at, now);
            state.allocs[at] = next;
            replaced += 1;
        }
        replaced
    }

    /// Fills names that nobody has. Lost ones always, others not while the group is held.
    fn place_missing(
        &self,
        state: &mut State,
        held: bool,
        now: Time,
        decision: &mut Decision,
    ) -> u32 {
        let taken: BTreeSet<u32> =
            state.allocs.iter().filter(|alloc| !alloc.canary).map(|alloc| alloc.slot).collect();
        let until = if held { state.filled.min(state.desired) } else { state.desired };
        let missing: Vec<u32> = (0..until).filter(|slot| !taken.contains(slot)).collect();
        let active = state.deployment.as_ref().filter(|d| d.is_active());
        let canarying = active.is_some_and(Deployment::is_canarying);
        let version = if canarying { state.stable } else { state.target };
        let number = active.filter(|_| version == state.target).map_or(0, |d| d.number);
        for slot in &missing {
            state.ledger.start_in(*slot, version, decision);
            self.place(state, Alloc::new(*slot, version, number, Stage::Asked), now);
        }
        state.filled = state.filled.max(until);
        missing.len() as u32
    }

    /// Replaces allocations of other versions, lowest names first.
    fn replace_destructive(
        &self,
        state: &mut State,
        limit: u32,
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) {
        let number = state.deployment.as_ref().map_or(0, |d| d.number);
        let mut old: Vec<usize> = (0..state.allocs.len())
            .filter(|at| !state.allocs[*at].canary && state.allocs[*at].version != state.target)
            .collect();
        old.sort_by_key(|at| state.allocs[*at].slot);
        for at in old.into_iter().take(limit as usize) {
            let alloc = &state.allocs[at];
            let next = Alloc::new(alloc.slot, state.target, number, alloc.after());
            if alloc.stage == Stage::Asked {
                // What was asked for before is stopped when it comes.
                state.ledger.start_in(next.slot, state.target, decision);
            } else if let Stage::Placed(id) = alloc.stage
                && view.find(id).is_some()
            {
                state.ledger.stop(id, decision);
            }
            state.allocs[at] = next;
            if let Some(deployment) = state.deployment.as_mut() {
                self.begin_progress(deployment, now);
            }
        }
    }
}

impl Alloc {
    /// Where its successor begins.
    fn after(&self) -> Stage {
        match self.stage {
            Stage::Placed(id) => Stage::Blocked(id),
            Stage::Blocked(_) | Stage::Unblocked(_) | Stage::Asked => self.stage,
        }
    }
}

impl State {
    /// What takes the place of a failed allocation: the job's version, but the running one beside
    /// canaries that are not promoted.
    fn successor(&self, at: usize, now: Time) -> Alloc {
        let alloc = &self.allocs[at];
        let active = self.deployment.as_ref().filter(|d| d.is_active());
        let stays = active.is_some_and(|d| d.is_canarying() && !alloc.canary);
        let version = if stays { alloc.version } else { self.target };
        let number = active.filter(|_| version == self.target).map_or(0, |d| d.number);
        let mut next = Alloc::new(alloc.slot, version, number, alloc.after());
        next.canary = alloc.canary;
        next.rescheduled.clone_from(&alloc.rescheduled);
        next.rescheduled.push(now);
        next
    }

    /// `isDeploymentComplete`.
    fn complete(&mut self) {
        let Some(deployment) = self.deployment.as_ref().filter(|d| d.status == Status::Running)
        else {
            return;
        };
        let all_new = self.allocs.iter().all(|alloc| alloc.version == self.target);
        let enough = self.healthy(deployment) >= self.desired;
        let full = self.allocs.len() == self.desired as usize;
        if all_new && full && enough && !deployment.is_canarying() {
            self.set_status(Status::Running, Status::Successful);
            self.stable = self.target;
        }
    }
    fn remove(&mut self, which: impl Fn(&Alloc) -> bool, decision: &mut Decision) {
        let allocs = std::mem::take(&mut self.allocs);
        let (gone, left) = allocs.into_iter().partition(which);
        self.allocs = left;
        let gone: Vec<Alloc> = gone;
        for alloc in gone {
            if let Stage::Placed(id) = alloc.stage {
                self.ledger.stop(id, decision);
            }
        }
    }

    /// Canaries of earlier deployments, and of a failed one (`cancelUnneededCanaries`).
    fn cancel_canaries(&mut self, submitted: bool, decision: &mut Decision) {
        let failed = self.deployment.as_ref().is_some_and(|d| d.status == Status::Failed);
        if submitted || failed {
            self.remove(|alloc| alloc.canary, decision);
        }
    }

    /// What is too much: first those whose names promoted canaries have, then the highest names.
    fn stop_surplus(&mut self, decision: &mut Decision) {
        let target = self.target;
        let promoted: BTreeSet<u32> = self
            .allocs
            .iter()
            .filter(|alloc| alloc.version == target && !alloc.canary)
            .map(|alloc| alloc.slot)
            .collect();
        let is_namesake = |alloc: &Alloc| alloc.version != target && promoted.contains(&alloc.slot);
        self.remove(is_namesake, decision);
        let mut slots: Vec<u32> =
            self.allocs.iter().filter(|alloc| !alloc.canary).map(|alloc| alloc.slot).collect();
        slots.sort_unstable();
        let surplus: BTreeSet<u32> =
            slots.split_off(slots.len().min(self.desired as usize)).into_iter().collect();
        self.remove(|alloc| !alloc.canary && surplus.contains(&alloc.slot), decision);
    }
}
