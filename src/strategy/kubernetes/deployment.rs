//! The deployment controller: decides the sizes of the replica sets, one step a sync.

use super::{DEPLOYMENT, Deployment, REPLICASET, ReplicaSet, State, progress, scaling};
use crate::scenario::settings::DeploymentKind;
use crate::strategy::{Decision, Rules, View};
use crate::trace::{Moment, Phase, VersionId};
use crate::units::Time;

impl Deployment {
    /// `syncDeployment`.
    pub(super) fn sync_deployment(
        &self,
        state: &mut State,
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) {
        self.apply_operations(state, now, decision);
        progress::note_pause(state, now);
        let scales = state.paused || is_scaling_event(state);
        let wrote = if scales {
            scaling::scale(self, state)
        } else {
            match self.settings.kind {
                DeploymentKind::RollingUpdate => self.step_rolling(state, now),
                DeploymentKind::Recreate => self.step_recreate(state, now, view),
            }
        };
        if wrote {
            // A written replica set is an event for its own controller and for this one.
            decision.notify |= 1 << DEPLOYMENT | 1 << REPLICASET;
            decision.writes += 1;
        }
        let before = state.observed;
        self.update_status(state, now, view.wall_phase, !scales);
        decision.writes += u32::from(state.observed != before);
        self.report(state, view.wall_phase, decision);
        if let Some(due) = self.next_operation(state) {
            decision.wake(due);
        }
    }

    fn apply_operations(&self, state: &mut State, now: Time, decision: &mut Decision) {
        while self.next_operation(state).is_some_and(|due| due <= now) {
            let (_, operation) = self.settings.operations[state.operations_done];
            state.operations_done += 1;
            state.operate(operation);
        }
        if state.announced != state.desired {
            state.announced = state.desired;
            decision.desired = Some(state.desired);
        }
        if std::mem::take(&mut state.undone) {
            decision.moments.push(Moment::RollbackDecided);
        }
    }

    /// `rolloutRolling`: the first of the possible steps.
    fn step_rolling(&self, state: &mut State, now: Time) -> bool {
        let Some(new) = state.new_set() else {
            self.create_new_set(state, now);
            return true;
        };
        self.size_new_up(state, new) || self.size_old_down(state, new)
    }

    /// `rolloutRecreate`: old sets to nothing, wait for the last old instance, new set at once.
    fn step_recreate(&self, state: &mut State, now: Time, view: &View<'_>) -> bool {
        state.waiting = false;
        let (desired, max) = (state.desired, state.desired);
        let mut wrote = false;
        for rs in &mut state.replica_sets {
            if rs.version != state.target && rs.size > 0 {
                wrote |= rs.scale(0, desired, max);
            }
        }
        if wrote {
            // Also if nothing is left to be reported: the wait itself must be noticed.
            state.waiting = true;
            return true;
        }
        if old_instances_run(state, view) {
            state.waiting = true;
            return false;
        }
        match state.new_set() {
            None => {
                self.create_new_set(state, now);
                true
            }
            Some(new) => {
                let rs = &mut state.replica_sets[new];
                rs.size != desired && rs.scale(desired, desired, max)
            }
        }
    }

    /// Creates the set of the target version, already sized.
    fn create_new_set(&self, state: &mut State, now: Time) {
        let (desired, surge) = (state.desired, self.surge(state.desired));
        let size = self.new_size(state, 0);
        state.replica_sets.push(ReplicaSet::new(state.target, size, desired, desired + surge));
        state.condition = progress::Condition::Progressing;
        state.progressed = now;
    }

    /// `NewRSNewReplicas`: what the new set may have, given that it has `size`. Counts sizes of
    /// all sets; terminating instances do not count.
    fn new_size(&self, state: &State, size: u32) -> u32 {
        match self.settings.kind {
            DeploymentKind::RollingUpdate => {
                let limit = state.desired + self.surge(state.desired);
                let room = limit.saturating_sub(state.total_size());
                size + room.min(state.desired - size)
            }
            DeploymentKind::Recreate => state.desired,
        }
    }

    /// `reconcileNewReplicaSet`.
    fn size_new_up(&self, state: &mut State, new: usize) -> bool {
        let (desired, size) = (state.desired, state.replica_sets[new].size);
        let wanted = if size >= desired { desired } else { self.new_size(state, size) };
        let max = desired + self.surge(desired);
        wanted != size && state.replica_sets[new].scale(wanted, desired, max)
    }

    /// `reconcileOldReplicaSets`: sizes on one side of the sum, reported availability on the
    /// other.
    fn size_old_down(&self, state: &mut State, new: usize) -> bool {
        let (desired, target) = (state.desired, state.target);
        let total = i64::from(state.total_size());
        let new_set = &state.replica_sets[new];
        if total == i64::from(new_set.size) {
            return false;
        }
        let floor = i64::from(self.min_available(desired));
        let new_unavailable = i64::from(new_set.size) - i64::from(new_set.status.available);
        let limit = total - floor - new_unavailable;
        if limit <= 0 {
            return false;
        }
        let max = desired + self.surge(desired);
        // The reported numbers are those from before this sync's own writes.
        let available: u32 = state.replica_sets.iter().map(|rs| rs.status.available).sum();
        let mut wrote = false;
        let mut left = limit;
        for rs in old_sets(&mut state.replica_sets, target) {
            if left <= 0 {
                break;
            }
            if rs.status.available > rs.size {
                // The status lags behind the last scale-down: the original gives up this sync
                // and waits for the status.
                return wrote;
            }
            let count = (rs.size - rs.status.available).min(left as u32);
            left -= i64::from(count);
            wrote |= count > 0 && rs.scale(rs.size - count, desired, max);
        }
        let mut budget = (i64::from(available) - floor).max(0) as u32;
        for rs in old_sets(&mut state.replica_sets, target) {
            let count = rs.size.min(budget);
            budget -= count;
            wrote |= count > 0 && rs.scale(rs.size - count, desired, max);
        }
        wrote
    }
}

/// Active sets of other versions, oldest first.
fn old_sets(sets: &mut [ReplicaSet], target: VersionId) -> impl Iterator<Item = &mut ReplicaSet> {
    sets.iter_mut().filter(move |rs| rs.version != target && rs.size > 0)
}

/// `isScalingEvent`: some active set was last scaled for another desired number.
fn is_scaling_event(state: &State) -> bool {
    state.replica_sets.iter().any(|rs| rs.size > 0 && rs.desired != state.desired)
}

/// Whether an instance of another version exists that has not failed; terminating ones count.
pub(super) fn old_instances_run(state: &State, view: &View<'_>) -> bool {
    view.instances.iter().any(|i| i.version != state.target && i.phase != Phase::Failed)
}
