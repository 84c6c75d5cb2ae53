//! `advanceCanary`: what a tick does.

use super::{Flagger, Phase, State, share_of};
use crate::scenario::settings::{FlaggerProvider, Operation};
use crate::strategy::View;
use crate::strategy::kubernetes::Report;
use crate::trace::Moment;
use crate::units::{Span, Time};

/// What is known of a Deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Readiness {
    Ready,
    /// It may still become ready.
    Waiting,
    /// Its deadline has passed.
    Late,
}

impl Flagger {
    pub(super) fn tick(&self, state: &mut State, now: Time, view: &View<'_>) {
        if !state.should_advance() {
            return;
        }
        if !self.settings.skip_analysis {
            let threshold = self.settings.primary_ready_threshold;
            match self.readiness(state.primary.report(), threshold, state.short_since[0], now) {
                Readiness::Ready => {}
                Readiness::Waiting => return,
                Readiness::Late => return Self::roll_back(state),
            }
        }
        if matches!(state.phase, Phase::Idle | Phase::Failed | Phase::Waiting) {
            return self.detect(state);
        }
        let analysing = matches!(state.phase, Phase::Progressing | Phase::WaitingPromotion);
        if analysing && state.has_new_revision() {
            state.applied = state.canary.template();
            state.start(Phase::Progressing);
            return;
        }
        let threshold = self.settings.canary_ready_threshold;
        match self.readiness(state.canary.report(), threshold, state.short_since[1], now) {
            Readiness::Ready => {}
            Readiness::Waiting => return,
            Readiness::Late => return Self::roll_back(state),
        }
        if self.settings.skip_analysis {
            state.weight = 0;
            state.promote();
            return state.finish();
        }
        if analysing && std::mem::take(&mut state.rollback_hook) {
            return Self::roll_back(state);
        }
        match state.phase {
            Phase::Promoting => self.give_back(state),
            Phase::Finalising => state.finish(),
            Phase::Idle
            | Phase::Waiting
            | Phase::Progressing
            | Phase::WaitingPromotion
            | Phase::Failed => self.analyse(state, view),
        }
    }

    /// `checkCanaryStatus`: a new template; the canary starts once that is confirmed.
    fn detect(&self, state: &mut State) {
        state.applied = state.canary.template();
        if std::mem::take(&mut state.rollback_hook) {
            state.start(Phase::Failed);
            return;
        }
        if self.settings.confirm_rollout && !std::mem::take(&mut state.confirmed) {
            state.start(Phase::Waiting);
            state.resting = true;
            return;
        }
        state.canary.operate(Operation::Scale(state.desired));
        state.start(Phase::Progressing);
    }

    /// Failed checks, the metric, the next weight or iteration.
    fn analyse(&self, state: &mut State, view: &View<'_>) {
        if state.failed_checks >= self.settings.threshold {
            return Self::roll_back(state);
        }
        let unseen = state.weight == 0 && state.iterations == 0;
        if !unseen && !self.check(state, view) {
            if state.failed_checks == 0 {
                state.untold.push(Moment::Detected);
            }
            state.failed_checks += 1;
            return;
        }
        if self.settings.iterations > 0 {
            return self.iterate(state);
        }
        if state.weight < self.max_weight() {
            state.weight = (state.weight + self.next_step(state.weight)).min(100);
        } else if self.may_promote(state) {
            state.promote();
        }
    }

    /// Whether the metric of whatever the canary runs is good; no value is not.
    fn check(&self, state: &State, view: &View<'_>) -> bool {
        let version = state.canary.template();
        view.instances.iter().any(|i| i.phase.is_ready() && state.is_member(i.id))
            && view.errors[usize::from(version.0).min(1)] <= self.settings.max_error_share.0
    }

    /// `runBlueGreen`.
    fn iterate(&self, state: &mut State) {
        if state.iterations < self.settings.iterations {
            state.iterations += 1;
        } else if !self.may_promote(state) {
        } else if state.iterations == self.settings.iterations {
            if self.settings.provider == FlaggerProvider::Mesh {
                state.weight = 100;
            }
            state.iterations += 1;
        } else {
            state.promote();
        }
    }

    /// `runConfirmPromotionHooks`.
    fn may_promote(&self, state: &mut State) -> bool {
        let may = !self.settings.confirm_promotion || state.confirmed;
        if !may {
            state.phase = Phase::WaitingPromotion;
            state.resting = true;
        }
        may
    }

    /// `runPromotionTrafficShift`: the primary gets its traffic back.
    fn give_back(&self, state: &mut State) {
        let step = self.settings.step_weight_promotion;
        let mesh = self.settings.provider == FlaggerProvider::Mesh;
        state.weight = if mesh && step > 0 { state.weight.saturating_sub(step) } else { 0 };
        if state.weight == 0 {
            state.phase = Phase::Finalising;
        }
    }

    /// `rollback`: all traffic to the primary, canary to nothing.
    fn roll_back(state: &mut State) {
        if state.failed_checks == 0 {
            state.untold.push(Moment::Detected);
        }
        state.untold.push(Moment::RollbackDecided);
        state.canary.operate(Operation::Scale(0));
        state.start(Phase::Failed);
    }

    fn max_weight(&self) -> u32 {
        self.settings.step_weights.last().copied().unwrap_or(self.settings.max_weight).min(100)
    }

    /// `nextStepWeight`.
    fn next_step(&self, weight: u32) -> u32 {
        let weights = &self.settings.step_weights;
        if weights.is_empty() {
            return self.settings.step_weight;
        }
        weights.iter().find(|next| **next > weight).map_or(100 - weight, |next| next - weight)
    }

    /// `isDeploymentReady`.
    fn readiness(
        &self,
        report: Report,
        threshold: u32,
        short_since: Option<Time>,
        now: Time,
    ) -> Readiness {
        let Report { desired, replicas, updated, available, timed_out } = report;
        let deadline = self.settings.progress_deadline;
        let patient = |since: Time| deadline == Span::MAX || since + deadline >= now;
        if timed_out {
            Readiness::Late
        } else if updated < desired
            || replicas > updated
            || available < share_of(threshold, updated)
        {
            if short_since.is_none_or(patient) { Readiness::Waiting } else { Readiness::Late }
        } else {
            Readiness::Ready
        }
    }
}

impl State {
    /// A phase in which nothing has been tried yet.
    fn start(&mut self, phase: Phase) {
        self.phase = phase;
        self.rollback_hook = false;
        (self.weight, self.iterations, self.failed_checks) = (0, 0, 0);
    }

    /// The canary's template becomes the primary's.
    fn promote(&mut self) {
        let version = self.canary.template();
        self.half_promoted = version != self.primary.template();
        self.primary.operate(Operation::Set(version.0));
        self.phase = Phase::Promoting;
    }

    fn finish(&mut self) {
        self.canary.operate(Operation::Scale(0));
        self.promoted = self.applied;
        self.half_promoted = false;
        self.confirmed = false;
        self.start(Phase::Idle);
    }
}
