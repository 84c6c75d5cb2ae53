//! Argo Rollouts, blue-green: a second fleet beside the first, and one switch.
//!
//! # Source
//! argo-rollouts at 9f8d111 (August 2026): `utils/replicaset/bluegreen.go`, `rollout/{bluegreen,
//! replicaset,service,pause,analysis}.go`, `utils/defaults`, and `docs/features/bluegreen.md`.
//! Pods themselves are those of a Kubernetes `ReplicaSet`.
//!
//! # Rules
//! - The new set starts with `preview_replica_count` pods, or all; no user is sent there. The
//!   stable set keeps N.
//! - When the new set is available: `pre_promotion_analysis`, then the pause if there is one
//!   (`auto_promotion_enabled = false`, or `auto_promotion_seconds`), which ends after those
//!   seconds or when somebody promotes; then the set grows to N.
//! - With N available the active service switches: all of the traffic at once.
//! - `post_promotion_analysis` follows; when it has ended well (or there is none) the new set is
//!   the stable one, and the old set stays `scale_down_delay` longer.
//! - **Abort** (by an analysis, by the deadline if `progress_deadline_abort`, by an operator): the
//!   active service is the stable one again; the new set stays until the stable set is whole and
//!   then for `abort_scale_down_delay`.
//! - Undo before the promotion drops the new set after `scale_down_delay`. After it: while the
//!   old set still waits for its end, the switch back needs no pause and no analysis; later a
//!   whole fleet has to start first.
//!
//! # Settings and defaults
//! The whole fleet as preview, promotion without a pause, both delays 30 s, min ready 0 s,
//! progress deadline 10 min without abort.
//!
//! # Known surprises
//! - Twice the fleet runs, from the preview's growth until `scale_down_delay` after the switch.
//! - `auto_promotion_seconds` pauses even if `auto_promotion_enabled` is true.
//! - With `preview_replica_count` the pods that are added after the tests were never tested.
//! - An aborted Rollout stays *Degraded*: its template still names the new version.
//!
//! # Where we depart
//! - Metrics are perfect: a measurement is the new version's true share of errors. A preview has
//!   no users, so a real one shows only what tests cause.
//! - An abort is reported as rolling back until the stable set is whole and active, then as
//!   rolled back, although Argo says *Degraded*.
//! - A data-plane node follows the switch as soon as it knows the pods that were ready before;
//!   beyond that the switch takes no time, so that `scale_down_delay` is never too short.
//! - No `scaleDownDelayRevisionLimit`; deadlines are exact, not in whole seconds.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::analysis::{Run, Verdict};
use super::argo::{ALL, CONTROLLERS, REPLICASET, ROLLOUT, Rollout, errors, wake};
use super::kubernetes::SetController;
use super::{Budget, Command, Controller, Decision, Draws, Rules, View};
use crate::scenario::settings::{self, Operation};
#[cfg(doc)]
use crate::trace::Said;
use crate::trace::{Moment, VersionId};
use crate::units::{Span, Time};

/// An Argo Rollout, blue-green.
#[derive(Debug, Clone)]
pub struct ArgoBluegreen {
    settings: settings::ArgoBluegreen,
    instances: u32,
    controller: SetController,
}

/// The Rollout as its controller knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    rollout: Rollout,
    /// The version that the active service selects.
    active: VersionId,
    /// The preview may have its full size.
    scaled_up: bool,
    /// When the pause before the switch began.
    paused_since: Option<Time>,
    /// Somebody ended it.
    promoted: bool,
    /// Neither pause nor analyses: the version was active a moment ago.
    fast: bool,
    pre: Option<Run>,
    post: Option<Run>,
}

impl ArgoBluegreen {
    /// From checked settings and the desired number of instances.
    pub fn new(settings: settings::ArgoBluegreen, instances: u32) -> Self {
        let controller = SetController::new(settings.min_ready);
        Self { settings, instances, controller }
    }

    /// One sync of the Rollout.
    fn sync(&self, state: &mut State, now: Time, view: &View<'_>, decision: &mut Decision) {
        while let Some(operation) = state.rollout.take_due(&self.settings.operations, now) {
            Self::operate(state, operation);
        }
        if !state.rollout.has_begun() {
            return;
        }
        let mut changed = self.scale_sets(state, now);
        if !changed && !state.rollout.aborted && !state.rollout.paused {
            changed = self.advance(state, now, view);
        }
        let active = state.active;
        state.rollout.route(active, ALL, active, decision);
        Self::note_end(state);
        let step = u32::from(state.active.0) * 2 + u32::from(state.scaled_up);
        let (suspended, deadline) = (Self::is_suspended(state), self.settings.progress_deadline);
        let late = state.rollout.note_progress(step, suspended, deadline, now);
        if late && self.settings.progress_deadline_abort {
            changed |= Self::abort(state, true);
        }
        if changed {
            decision.notify |= 1 << ROLLOUT | 1 << REPLICASET;
        }
        let waits = self.waits_for_somebody(state);
        let said = state.rollout.verdict(waits, &self.settings.operations);
        state.rollout.report(said, decision);
        self.wake(state, now, decision);
    }

    fn operate(state: &mut State, operation: Operation) {
        if let Some(target) = state.rollout.template(operation) {
            if target < state.rollout.target {
                state.rollout.tell(Moment::RollbackDecided);
            }
            return Self::set_target(state, target);
        }
        match operation {
            Operation::Scale(desired) => {
                state.rollout.desired = desired;
                state.rollout.finished = false;
            }
            Operation::Pause => state.rollout.paused = true,
            Operation::Promote | Operation::Resume => {
                if std::mem::take(&mut state.rollout.paused) {
                } else if std::mem::take(&mut state.rollout.inconclusive) {
                    // It is measured anew.
                    (state.pre, state.post) = (None, None);
                } else {
                    state.promoted |= state.paused_since.is_some();
                }
            }
            Operation::Abort => drop(Self::abort(state, false)),
            // Written above, or of another orchestrator.
            Operation::Undo | Operation::Rollover | Operation::Set(_) | Operation::Partition(_) => {
            }
        }
    }

    fn set_target(state: &mut State, target: VersionId) {
        if !state.rollout.set_target(target) {
            return;
        }
        // A set that was active a moment ago needs no second trial.
        let known = state.rollout.deadline(target).is_some() && state.rollout.stable != target;
        state.fast = known || state.rollout.stable == target;
        state.rollout.clear_deadline(target);
        state.scaled_up = state.fast;
        (state.paused_since, state.promoted) = (None, false);
        (state.pre, state.post) = (None, None);
    }

    fn abort(state: &mut State, detected: bool) -> bool {
        let news = state.rollout.abort(detected);
        if news {
            state.active = state.rollout.stable;
            (state.pre, state.post) = (None, None);
        }
        news
    }

    /// Size of the new set.
    fn new_size(&self, state: &State) -> u32 {
        let n = state.rollout.desired;
        let tried = state.scaled_up || state.active == state.rollout.target;
        match self.settings.preview_replica_count {
            Some(count) if !tried => count.min(n),
            Some(_) | None => n,
        }
    }

    /// Writes the sizes: stable, new, others; says whether one changed.
    fn scale_sets(&self, state: &mut State, now: Time) -> bool {
        let size = self.new_size(state);
        let rollout = &mut state.rollout;
        let (target, stable) = (rollout.target, rollout.stable);
        rollout.clear_deadline(stable);
        if stable != target && rollout.sets.resize(stable, rollout.desired) {
            return true;
        }
        if rollout.aborted {
            if rollout.scale_down_aborted(self.settings.abort_scale_down_delay, now) {
                return true;
            }
        } else if rollout.sets.resize(target, size) {
            return true;
        }
        let mut scaled = false;
        let active = state.active;
        for version in rollout.other_sets().into_iter().filter(|v| *v != active) {
            scaled |= rollout.scale_down_after(version, self.settings.scale_down_delay, now);
        }
        scaled
    }

    /// The next thing on the way to the new version; says whether anything was done.
    fn advance(&self, state: &mut State, now: Time, view: &View<'_>) -> bool {
        let new = state.rollout.new_set();
        let (target, desired) = (state.rollout.target, state.rollout.desired);
        if state.rollout.inconclusive {
            return false;
        }
        if state.active == target {
            return target != state.rollout.stable && self.check_after(state, now, view);
        }
        let wanted = self.new_size(state);
        if new.size != wanted || new.available < wanted {
            return false;
        }
        if !state.scaled_up {
            if let Some(analysis) = &self.settings.pre_promotion_analysis {
                let value = errors(view, target);
                let verdict = Run::go_on(&mut state.pre, analysis, now, value);
                if verdict != Verdict::Successful {
                    return Self::heed(state, verdict);
                }
            }
            if self.is_pausing(state, now) {
                return false;
            }
            state.scaled_up = true;
            return true;
        }
        if new.available < desired {
            return false;
        }
        state.active = target;
        true
    }

    /// After the switch: the analysis, then the new set is the stable one.
    fn check_after(&self, state: &mut State, now: Time, view: &View<'_>) -> bool {
        let target = state.rollout.target;
        if let Some(analysis) =
            self.settings.post_promotion_analysis.as_ref().filter(|_| !state.fast)
        {
            let verdict = Run::go_on(&mut state.post, analysis, now, errors(view, target));
            if verdict != Verdict::Successful {
                return Self::heed(state, verdict);
            }
        }
        state.rollout.stable = target;
        true
    }

    fn heed(state: &mut State, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Failed => Self::abort(state, true),
            Verdict::Inconclusive => {
                state.rollout.inconclusive = true;
                true
            }
            Verdict::Running | Verdict::Successful => false,
        }
    }

    /// Whether the pause before the switch lasts; it begins here.
    fn is_pausing(&self, state: &mut State, now: Time) -> bool {
        let wait = self.settings.auto_promotion_seconds;
        if self.settings.auto_promotion_enabled && wait == Span::ZERO {
            return false;
        }
        let since = *state.paused_since.get_or_insert(now);
        !state.promoted && (wait == Span::ZERO || now < since + wait)
    }

    fn note_end(state: &mut State) {
        let rollout = &state.rollout;
        let (n, stable) = (rollout.desired, rollout.stable_set());
        let whole = (stable.size, stable.replicas, stable.available) == (n, n, n);
        let ended = rollout.aborted || rollout.target == rollout.stable;
        state.rollout.finished |= ended && whole && state.active == state.rollout.stable;
    }

    /// Whether the pause before the switch has begun and not ended.
    fn is_paused(state: &State) -> bool {
        state.paused_since.is_some() && !state.scaled_up
    }

    fn is_suspended(state: &State) -> bool {
        let measures = |run: Option<Run>| run.is_some_and(|run| run.due().is_some());
        let rollout = &state.rollout;
        Self::is_paused(state)
            || (measures(state.pre) && !state.scaled_up)
            || measures(state.post)
            || rollout.paused
            || rollout.inconclusive
            || rollout.aborted
            || rollout.finished
    }

    fn waits_for_somebody(&self, state: &State) -> bool {
        let forever = self.settings.auto_promotion_seconds == Span::ZERO
            && Self::is_paused(state)
            && !state.promoted;
        forever || state.rollout.paused || state.rollout.inconclusive
    }

    fn wake(&self, state: &State, now: Time, decision: &mut Decision) {
        let wait = self.settings.auto_promotion_seconds;
        let due = |run: Option<Run>| run.and_then(|run| run.due());
        let times = [
            state.paused_since.filter(|_| Self::is_paused(state)).map(|since| since + wait),
            due(state.pre),
            due(state.post),
            state.rollout.progress_ends(self.settings.progress_deadline),
            state.rollout.next_due(&self.settings.operations),
        ];
        wake(times, now, decision);
    }
}

impl Rules for ArgoBluegreen {
    type State = State;

    const CONTROLLERS: &'static [&'static str] = CONTROLLERS;

    fn initial(&self) -> State {
        State {
            rollout: Rollout::new(&self.controller, self.instances),
            active: VersionId::OLD,
            scaled_up: true,
            paused_since: None,
            promoted: false,
            fast: true,
            pre: None,
            post: None,
        }
    }

    fn command(&self, state: &mut State, command: Command, now: Time) {
        match command {
            Command::Begin => {
                state.rollout.begin(now);
                Self::set_target(state, VersionId::NEW);
            }
            Command::Rollback => {
                state.rollout.paused = false;
                Self::set_target(state, VersionId::OLD);
            }
            Command::Operate(operation) => Self::operate(state, operation),
        }
    }

    fn next_operation(&self, state: &State) -> Option<Time> {
        state.rollout.next_due(&self.settings.operations)
    }

    fn reconcile(
        &self,
        state: &mut State,
        controller: Controller,
        now: Time,
        view: &View<'_>,
        draws: Draws,
        decision: &mut Decision,
    ) {
        match controller {
            ROLLOUT => self.sync(state, now, view, decision),
            REPLICASET => {
                self.controller.sync(&mut state.rollout.sets, now, view, draws, decision);
            }
            _ => unreachable!("a Rollout has two controllers"),
        }
    }

    /// A second fleet, in one piece or after its preview.
    fn budget(&self) -> Budget {
        let previews = self.settings.preview_replica_count.is_some_and(|c| c < self.instances);
        Budget {
            instances: self.instances,
            out: 0,
            above: self.instances,
            rounds: 1 + u32::from(previews),
            // Counted from a whole second: it may be up to 1 s shorter.
            wait: self.settings.min_ready - Span::from_secs(1),
            out_key: "strategy.argo_bluegreen.scale_down_delay",
            above_key: "strategy.argo_bluegreen.preview_replica_count",
        }
    }
}
