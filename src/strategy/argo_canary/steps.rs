//! The steps: which weight holds, what is done, what comes next.

use super::{ArgoCanary, State};
use crate::scenario::settings::{CanaryScale, CanaryStep};
use crate::strategy::View;
use crate::strategy::analysis::{Run, Verdict};
use crate::strategy::argo::errors;
use crate::trace::VersionId;
use crate::units::{Rounding, Time};

impl ArgoCanary {
    /// The present step; `None` behind the last one.
    pub(super) fn step(&self, state: &State) -> Option<&CanaryStep> {
        self.settings.steps.get(state.step)
    }

    /// `GetCurrentSetWeight`.
    pub(super) fn current_weight(&self, state: &State) -> u32 {
        if state.rollout.aborted {
            return 0;
        }
        match self.step(state) {
            None => self.settings.max_weight,
            Some(_) => self.set_weight_before(state.step + 1),
        }
    }

    /// The last weight set by the steps before this index.
    pub(super) fn set_weight_before(&self, end: usize) -> u32 {
        let weight = |step: &CanaryStep| match step {
            CanaryStep::SetWeight(weight) => Some(*weight),
            _ => None,
        };
        self.settings.steps[..end].iter().rev().find_map(weight).unwrap_or(0)
    }

    /// `UseSetCanaryScale`: the scale that holds at the present step, instead of the weight.
    pub(super) fn current_scale(&self, state: &State) -> Option<CanaryScale> {
        self.step(state)?;
        let scale = |step: &CanaryStep| match step {
            CanaryStep::SetCanaryScale(scale) => Some(*scale),
            _ => None,
        };
        let last = self.settings.steps[..=state.step].iter().rev().find_map(scale);
        last.filter(|scale| *scale != CanaryScale::MatchTrafficWeight)
    }

    /// `AtDesiredReplicaCountsForCanary`: whether the canary of this step is there.
    pub(super) fn canary_is_there(&self, state: &State) -> bool {
        let rollout = &state.rollout;
        let (canary, stable) = self.sizes(state, false);
        let new = rollout.new_set();
        let enough = self.settings.replica_progress_threshold.of(canary, Rounding::Up).min(canary);
        if new.size != canary || new.available < enough || new.replicas > canary {
            return false;
        }
        let routed = self.settings.traffic_routing;
        let grows_back = routed && self.settings.dynamic_stable_scale;
        let old = rollout.stable_set();
        if !grows_back
            && rollout.stable != rollout.target
            && (old.size, old.replicas) != (stable, stable)
        {
            return false;
        }
        // Pods of other versions are served too where pods are the weights.
        let others = rollout.other_sets();
        routed || others.iter().all(|v| rollout.sets.counts(*v).available == 0)
    }

    /// Runs the analyses; says whether one ended the rollout or paused it.
    pub(super) fn analyse(&self, state: &mut State, now: Time, view: &View<'_>) -> bool {
        let target = state.rollout.target;
        if state.rollout.aborted || state.rollout.inconclusive || target == state.rollout.stable {
            return false;
        }
        let value = errors(view, target);
        let mut verdicts = [Verdict::Running; 2];
        if let Some(CanaryStep::Analysis(analysis)) = self.step(state).copied() {
            verdicts[0] = Run::go_on(&mut state.step_run, &analysis, now, value);
        }
        if let Some(analysis) = &self.settings.analysis
            && state.step >= self.settings.analysis_starting_step as usize
        {
            verdicts[1] = Run::go_on(&mut state.background, analysis, now, value);
        }
        if verdicts.contains(&Verdict::Failed) {
            return self.abort(state, true);
        }
        state.rollout.inconclusive = verdicts.contains(&Verdict::Inconclusive);
        state.rollout.inconclusive
    }

    /// Somebody goes on: after whatever pause there is, else (`skips`) behind the present step.
    pub(super) fn promote(&self, state: &mut State, skips: bool) {
        let rollout = &mut state.rollout;
        if rollout.paused {
            rollout.paused = false;
        } else if rollout.inconclusive {
            // It is measured anew.
            rollout.inconclusive = false;
            (state.step_run, state.background) = (None, None);
        } else if state.step < self.settings.steps.len()
            && !rollout.aborted
            && (skips || state.waiting_since.is_some())
        {
            next_step(state);
        }
    }

    /// Steps that are done, and the end. `scaled`: sets were written in this sync.
    pub(super) fn do_steps(&self, state: &mut State, now: Time, scaled: bool) -> bool {
        let rollout = &mut state.rollout;
        let done = self.settings.steps.len() == state.step;
        let whole = rollout.new_set().available == rollout.desired;
        let mut changed = false;
        if rollout.target != rollout.stable && !rollout.aborted && done && whole && !rollout.paused
        {
            // `promoteStable`. What was stable is one of the others from now on.
            rollout.stable = rollout.target;
            rollout.clear_deadline(rollout.target);
            state.background = None;
            changed = true;
        } else if !scaled && !rollout.aborted && !rollout.paused && !rollout.inconclusive {
            changed = self.do_step(state, now);
        }
        self.note_end(state);
        changed
    }

    fn do_step(&self, state: &mut State, now: Time) -> bool {
        let Some(step) = self.step(state).copied() else { return false };
        let done = match step {
            CanaryStep::SetWeight(weight) => {
                let sent = !self.settings.traffic_routing
                    || state.weight == (state.rollout.target, weight);
                // Nobody can be sent to a canary of nobody.
                let moot = state.rollout.new_set().available == 0;
                self.canary_is_there(state) && (sent || moot)
            }
            CanaryStep::SetCanaryScale(_) => self.canary_is_there(state),
            CanaryStep::Analysis(_) => {
                state.step_run.is_some_and(|run| run.verdict() == Verdict::Successful)
            }
            CanaryStep::Pause(None) => {
                state.waiting_since.get_or_insert(now);
                false
            }
            CanaryStep::Pause(Some(span)) | CanaryStep::Experiment(span) => {
                now >= *state.waiting_since.get_or_insert(now) + span
            }
        };
        if done {
            next_step(state);
        }
        done
    }

    /// Whether the rollout is where it wanted to go.
    fn note_end(&self, state: &mut State) {
        let rollout = &state.rollout;
        let (n, stable) = (rollout.desired, rollout.stable_set());
        let whole = (stable.size, stable.replicas, stable.available) == (n, n, n);
        // By pods everybody else must be gone; by traffic it is enough that nobody asks them.
        let alone = if self.settings.traffic_routing {
            state.weight.1 == 0 || state.weight.0 == rollout.stable
        } else {
            rollout.sets.total().replicas == n
        };
        let ended = rollout.aborted || rollout.target == rollout.stable;
        state.rollout.finished |= ended && whole && alone;
    }

    /// Whether the progress deadline does not run.
    pub(super) fn is_suspended(&self, state: &State) -> bool {
        let rollout = &state.rollout;
        let waits = match self.step(state) {
            Some(CanaryStep::Pause(_) | CanaryStep::Experiment(_) | CanaryStep::Analysis(_)) => {
                true
            }
            Some(CanaryStep::SetWeight(_) | CanaryStep::SetCanaryScale(_)) | None => false,
        };
        waits || rollout.paused || rollout.inconclusive || rollout.aborted || rollout.finished
    }

    /// Whether nothing happens until somebody promotes.
    pub(super) fn waits_for_somebody(&self, state: &State) -> bool {
        let forever = matches!(self.step(state), Some(CanaryStep::Pause(None)))
            && state.waiting_since.is_some();
        forever || state.rollout.paused || state.rollout.inconclusive
    }

    /// The version that other sets than the new and the stable one may still serve.
    pub(super) fn is_served(state: &State, version: VersionId) -> bool {
        state.weight.0 == version && state.weight.1 > 0
    }
}

fn next_step(state: &mut State) {
    state.step += 1;
    state.waiting_since = None;
    state.step_run = None;
}
