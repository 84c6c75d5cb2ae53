//! The Deployment's status: totals, the `Progressing` condition and its deadline.

use serde::{Deserialize, Serialize};

use super::{Deployment, State};
use crate::scenario::settings::Operation;
use crate::strategy::Decision;
use crate::strategy::seconds::after_whole_second;
use crate::trace::{Said, VersionId};
use crate::units::{Span, Time};

/// Sums over the replica sets' statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Totals {
    pub(super) replicas: u32,
    pub(super) updated: u32,
    pub(super) ready: u32,
    pub(super) available: u32,
    #[serde(default)]
    pub(super) terminating: u32,
}

impl Totals {
    /// Of `n` that are all updated and available.
    pub(super) fn whole(n: u32) -> Self {
        Self { replicas: n, updated: n, ready: n, available: n, terminating: 0 }
    }
}

/// Reasons of the `Progressing` condition, as far as they are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Condition {
    /// `NewReplicaSetAvailable`.
    Available,
    /// `NewReplicaSetCreated`, `ReplicaSetUpdated` or `DeploymentResumed`.
    Progressing,
    /// `ProgressDeadlineExceeded`.
    TimedOut,
    /// `DeploymentPaused`.
    Paused,
}

/// `checkPausedConditions`: pausing suspends the deadline, resuming starts it anew. A reported
/// timeout is not overwritten.
pub(super) fn note_pause(state: &mut State, now: Time) {
    match (state.condition, state.paused) {
        (Condition::TimedOut, _) => {}
        (Condition::Paused, false) => {
            state.condition = Condition::Progressing;
            state.progressed = now;
        }
        (_, true) => state.condition = Condition::Paused,
        (_, false) => {}
    }
}

impl Deployment {
    /// `syncRolloutStatus`, or with `estimate` false `syncDeploymentStatus`, which only writes
    /// the totals.
    pub(super) fn update_status(&self, state: &mut State, now: Time, phase: Span, estimate: bool) {
        let totals = totals(state);
        let complete = is_complete(state, totals);
        let rests = state.condition == Condition::Available && totals.replicas == totals.updated;
        if estimate && !rests {
            if complete {
                state.condition = Condition::Available;
                state.progressed = now;
            } else if has_progressed(state.observed, totals) {
                state.condition = Condition::Progressing;
                state.progressed = now;
            } else if self.timed_out(state, now, phase) {
                state.condition = Condition::TimedOut;
            }
        }
        state.observed = totals;
        state.unseen = false;
        state.finished |= complete;
    }

    /// Tells what changed, and when to look at the deadline.
    pub(super) fn report(&self, state: &mut State, phase: Span, decision: &mut Decision) {
        if state.begun.is_none() {
            return;
        }
        let said = self.verdict(state);
        if said != state.said {
            state.said = said;
            decision.said = Some(said);
        }
        let deadline = self.settings.progress_deadline;
        if state.condition == Condition::Progressing && deadline != Span::MAX {
            // The original adds a second to be past the truncated time stamp for certain.
            let patience = deadline + Span::from_secs(1);
            decision.wake(after_whole_second(phase, state.progressed, patience));
        }
    }

    fn verdict(&self, state: &State) -> Said {
        let back = state.target == VersionId::OLD;
        let ahead = &self.settings.operations[state.operations_done..];
        let resumes = ahead.iter().any(|(_, operation)| *operation == Operation::Resume);
        if state.paused && !resumes {
            Said::Paused
        } else if state.finished {
            if back { Said::RolledBack } else { Said::Completed }
        } else if state.condition == Condition::TimedOut {
            Said::DeadlineExceeded
        } else if back {
            Said::RollingBack
        } else {
            Said::Progressing
        }
    }

    /// `DeploymentTimedOut`: more than the deadline after the whole second of the last progress.
    fn timed_out(&self, state: &State, now: Time, phase: Span) -> bool {
        let deadline = self.settings.progress_deadline;
        state.condition == Condition::Progressing
            && deadline != Span::MAX
            && now > after_whole_second(phase, state.progressed, deadline)
    }
}

fn totals(state: &State) -> Totals {
    let mut sum = Totals::whole(0);
    for rs in &state.replica_sets {
        sum.replicas += rs.status.replicas;
        sum.ready += rs.status.ready;
        sum.available += rs.status.available;
        sum.terminating += rs.status.terminating;
        if rs.version == state.target {
            sum.updated = rs.status.replicas;
        }
    }
    sum
}

/// `DeploymentComplete`. Needs the target's set, so that an empty Deployment is not done early.
fn is_complete(state: &State, totals: Totals) -> bool {
    let n = state.desired;
    state.new_set().is_some() && (totals.updated, totals.replicas, totals.available) == (n, n, n)
}

/// `DeploymentProgressing`: more updated, fewer old, more ready or more available.
fn has_progressed(before: Totals, after: Totals) -> bool {
    let old = |t: Totals| t.replicas.saturating_sub(t.updated);
    after.updated > before.updated
        || old(after) < old(before)
        || after.ready > before.ready
        || after.available > before.available
}
