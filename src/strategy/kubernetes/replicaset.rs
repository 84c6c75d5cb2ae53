//! The replicaset controller: makes as many instances as each set's size says, and reports.

use serde::{Deserialize, Serialize};

use super::deployment::old_instances_run;
use super::{DEPLOYMENT, Deployment, ReplicaSet, State, Status, ranking};
use crate::scenario::settings::AvailabilityTiming;
use crate::strategy::seconds::after_whole_second;
use crate::strategy::{Action, Decision, Draws, InstanceView, View};
use crate::trace::Phase;
use crate::units::{Span, Time};

/// `BurstReplicas`: creations or deletions of one set in one sync.
const BURST: u32 = 500;
/// `ExpectationsTimeout`: after this the controller no longer waits for what it asked for.
const PATIENCE: Span = Span::from_secs(300);

/// What the last sync of a set saw; kept for 1.20 timing only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct LastSync {
    fingerprint: u64,
    size: u32,
    at: Time,
    recheck: Option<Time>,
}

/// Memory reused between syncs. All of them are equal: it is no part of the state.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    tallies: Vec<Tally>,
    ranking: ranking::Scratch,
}

impl PartialEq for Scratch {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// One set's instances.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    active: u32,
    ready: u32,
    /// Told to stop and still there.
    terminating: u32,
    /// Marked available before.
    available: u32,
    /// Ready, and now ready for long enough.
    due: u32,
    /// When the next one will be.
    next_due: Option<Time>,
    /// One became ready since the last sync.
    newly_ready: bool,
    fingerprint: u64,
}

impl Deployment {
    /// `syncReplicaSet` for every set.
    pub(super) fn sync_replica_sets(
        &self,
        state: &mut State,
        now: Time,
        view: &View<'_>,
        draws: Draws,
        decision: &mut Decision,
    ) {
        observe(state, now, view);
        let mut scratch = std::mem::take(&mut state.scratch);
        self.tally(state, now, view, &mut scratch.tallies);
        for (index, rs) in state.replica_sets.iter_mut().enumerate() {
            let tally = scratch.tallies[index];
            if !self.takes_turn(rs, &tally, now) {
                continue;
            }
            if tally.due > 0 {
                self.mark_available(rs, now, view, decision);
            }
            manage(rs, &tally, now, view, draws, &mut scratch.ranking, decision);
            let available = tally.available + tally.due;
            // As in the original, what was deleted just now still counts until it is seen.
            let Tally { active, ready, terminating, .. } = tally;
            let status = Status { replicas: active, ready, available, terminating };
            if status != rs.status {
                rs.status = status;
                decision.writes += 1;
                decision.notify |= 1 << DEPLOYMENT;
            }
            self.note_sync(rs, &tally, now);
        }
        for (rs, tally) in state.replica_sets.iter().zip(&scratch.tallies) {
            let due = match self.settings.timing {
                AvailabilityTiming::WholeSeconds => tally.next_due,
                AvailabilityTiming::Rechecked => rs.sync.recheck,
            };
            let expiry = expects(rs).then(|| rs.expected_since + PATIENCE);
            for time in [due, expiry].into_iter().flatten() {
                decision.wake(time);
            }
        }
        state.scratch = scratch;
        if state.waiting && !old_instances_run(state, view) {
            state.waiting = false;
            decision.notify |= 1 << DEPLOYMENT;
        }
    }

    fn tally(&self, state: &State, now: Time, view: &View<'_>, tallies: &mut Vec<Tally>) {
        tallies.clear();
        tallies.resize(state.replica_sets.len(), Tally::default());
        let rechecked = self.settings.timing == AvailabilityTiming::Rechecked;
        let mut index = 0;
        for i in view.instances {
            if state.replica_sets[index].version != i.version {
                let found = state.replica_sets.iter().position(|rs| rs.version == i.version);
                let Some(found) = found else { continue };
                index = found;
            }
            let tally = &mut tallies[index];
            if rechecked {
                let sync = &state.replica_sets[index].sync;
                tally.fingerprint = mix(tally.fingerprint, i);
                tally.newly_ready |= i.phase == Phase::Ready && i.ready_since >= sync.at;
            }
            if !ranking::is_active(i.phase) {
                tally.terminating += u32::from(i.phase == Phase::Draining && !rechecked);
                continue;
            }
            tally.active += 1;
            if i.phase == Phase::Available {
                tally.ready += 1;
                tally.available += 1;
            } else if i.phase == Phase::Ready {
                tally.ready += 1;
                let due = self.due(i, view);
                if due <= now {
                    tally.due += 1;
                } else {
                    tally.next_due = Some(tally.next_due.map_or(due, |t| t.min(due)));
                }
            }
        }
    }

    /// When a ready instance becomes available: at once without min-ready, else from the whole
    /// wall-clock second in which it became ready.
    fn due(&self, i: &InstanceView, view: &View<'_>) -> Time {
        if self.settings.min_ready == Span::ZERO {
            return i.ready_since;
        }
        after_whole_second(view.wall_phase, i.ready_since, self.settings.min_ready)
    }

    /// Whether this set is synced in this call. With 1.36 timing a sync without cause changes
    /// nothing, so every call may be one; 1.20 looks at availability only when something else
    /// happened to the set or its re-check is due.
    fn takes_turn(&self, rs: &ReplicaSet, tally: &Tally, now: Time) -> bool {
        match self.settings.timing {
            AvailabilityTiming::WholeSeconds => true,
            AvailabilityTiming::Rechecked => {
                self.settings.min_ready == Span::ZERO
                    || rs.sync.fingerprint != tally.fingerprint
                    || rs.sync.size != rs.size
                    || rs.sync.recheck.is_some_and(|t| t <= now)
            }
        }
    }

    /// Remembers what 1.20 timing needs. Its controller comes back `min_ready` + 1 s after it
    /// saw an instance become ready, and `min_ready` after a sync that found all ready but not
    /// all available. One such return a set is pending at a time and the earliest wins, as in
    /// the original's delaying queue; hence an instance may be noticed late.
    fn note_sync(&self, rs: &mut ReplicaSet, tally: &Tally, now: Time) {
        let min_ready = self.settings.min_ready;
        if self.settings.timing != AvailabilityTiming::Rechecked || min_ready == Span::ZERO {
            return;
        }
        let lags = rs.status.ready == rs.size && rs.status.available != rs.size;
        let pending = rs.sync.recheck.filter(|&t| t > now);
        let seen = tally.newly_ready.then(|| now + min_ready + Span::from_secs(1));
        let lagging = lags.then(|| now + min_ready);
        let recheck = [pending, seen, lagging].into_iter().flatten().min();
        let fingerprint = tally.fingerprint;
        rs.sync = LastSync { fingerprint, size: rs.size, at: now, recheck };
    }

    fn mark_available(&self, rs: &ReplicaSet, now: Time, view: &View<'_>, decision: &mut Decision) {
        let due = view.instances.iter().filter(|i| {
            i.version == rs.version && i.phase == Phase::Ready && self.due(i, view) <= now
        });
        decision.actions.extend(due.map(|i| Action::MarkAvailable { instance: i.id }));
    }
}

/// Brings the expectations up to date: creations that can be seen now, deletions that can, and
/// what has been waited for in vain.
fn observe(state: &mut State, now: Time, view: &View<'_>) {
    let fresh = view.instances.partition_point(|i| i.id < state.next_instance);
    for i in &view.instances[fresh..] {
        // A number that was never shown came and went between two looks. Whose it was is not
        // known; the set that waits for most is the likeliest.
        for _ in state.next_instance..i.id {
            if let Some(rs) = state.replica_sets.iter_mut().max_by_key(|rs| rs.creating) {
                rs.creating = rs.creating.saturating_sub(1);
            }
        }
        state.next_instance = i.id + 1;
        if let Some(rs) = state.replica_sets.iter_mut().find(|rs| rs.version == i.version) {
            rs.creating = rs.creating.saturating_sub(1);
        }
    }
    for rs in &mut state.replica_sets {
        if now >= rs.expected_since + PATIENCE {
            rs.creating = 0;
            rs.deleting.clear();
        }
        if !rs.deleting.is_empty() {
            rs.deleting.retain(|&id| view.find(id).is_some_and(|i| i.phase.is_active()));
        }
    }
}

fn expects(rs: &ReplicaSet) -> bool {
    rs.creating > 0 || !rs.deleting.is_empty()
}

/// `manageReplicas`: creates what is missing, deletes what is too much; nothing while the
/// results of the last time cannot be seen yet.
fn manage(
    rs: &mut ReplicaSet,
    tally: &Tally,
    now: Time,
    view: &View<'_>,
    draws: Draws,
    scratch: &mut ranking::Scratch,
    decision: &mut Decision,
) {
    if tally.active == rs.size || expects(rs) {
        return;
    }
    rs.expected_since = now;
    if tally.active < rs.size {
        let count = (rs.size - tally.active).min(BURST);
        rs.creating = count;
        let start = Action::start(rs.version);
        decision.actions.extend(std::iter::repeat_n(start, count as usize));
    } else {
        let count = (tally.active - rs.size).min(BURST);
        let what = (rs.version, tally.active, count);
        ranking::choose(what, now, view, draws, scratch, &mut rs.deleting);
        rs.deleting.truncate(count as usize);
        decision.actions.extend(rs.deleting.iter().map(|&instance| Action::Stop { instance }));
    }
}

/// Folds what an informer would report as a change of this instance.
fn mix(seed: u64, i: &InstanceView) -> u64 {
    let phase = if i.phase == Phase::Available { Phase::Ready } else { i.phase };
    let word = u64::from(i.id) << 8 | phase as u64;
    let mixed = (seed ^ word ^ i.ready_since.0.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ (mixed >> 29)
}
