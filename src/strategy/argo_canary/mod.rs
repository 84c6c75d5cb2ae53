//! Argo Rollouts, canary: steps of weights, pauses and analyses, made of pods or sent by a
//! traffic router.
//!
//! # Source
//! argo-rollouts at 9f8d111 (August 2026): `utils/replicaset/canary.go`, `rollout/{canary,
//! replicaset,trafficrouting,analysis}.go`, `utils/defaults`, `utils/conditions`, `analysis`, and
//! its `docs/features`. Pods themselves are those of a Kubernetes `ReplicaSet`.
//!
//! # Rules
//! - Two controllers. *rollout* writes the sizes of the stable set and of the canary, one set a
//!   sync (stable first, then canary, then others) and does the steps; *replicaset* creates and
//!   deletes pods and writes each set's status.
//! - **By pods** a weight becomes the count nearest to it: up or down out of N, and with a surge
//!   out of N + 1 too; a tie goes up; between 1 and 99 % never nobody if two fit. Sets grow within
//!   N + surge (counting sizes) and shrink while more than N − unavailable are counted on: of the
//!   set that grows only available pods. Sets that are neither stable nor canary go first, those
//!   that are not available without a limit.
//! - **By traffic** the canary has ⌈weight·N/max⌉ pods, at least `min_pods_per_replica_set`; the
//!   stable set keeps N, or with `dynamic_stable_scale` ⌈(max − weight)·N/max⌉ and never less than
//!   its present traffic needs. The weight is sent only when the canary of the step is available
//!   (`replica_progress_threshold` of it); until then that of the last step holds. A canary with
//!   nobody available gets nothing.
//! - `set_weight` and `set_canary_scale` are done when the canary is; `pause` after its time or
//!   when somebody promotes; `analysis` when it has ended well; `experiment` after its time.
//! - The end: all steps done and N of the canary available. It is then the stable set and gets
//!   everything. By traffic the old set stays `scale_down_delay` longer.
//! - **Analysis**: a measurement fails above `max_error_share`. More failures than
//!   `failure_limit`, in all, abort; more inconclusive ones than `inconclusive_limit` pause until
//!   somebody promotes; more than `consecutive_error_limit` measurements in a row without a value
//!   (no canary answers; repeated every 10 s) abort.
//! - **Abort**: weight 0, step 0. By traffic at once (with `dynamic_stable_scale` as fast as the
//!   stable set comes back); the canary stays until the stable set is whole and then for
//!   `abort_scale_down_delay`. By pods the canary shrinks as the stable set grows.
//! - Undo before the end skips the steps; after it, the way back is a canary rollout like any
//!   other, with all its steps. A third version begins at step 0.
//! - Promote ends a pause, or skips the present step if nothing is paused.
//!
//! # Settings and defaults
//! Surge 25 % (rounded up), unavailable 25 % (rounded down; both zero make it 1), min ready 0 s,
//! progress deadline 10 min without abort, both scale-down delays 30 s (no delay after an abort
//! with `dynamic_stable_scale` unless written), an analysis' limits 0 failures, 0 inconclusive, 4
//! without a value in a row.
//!
//! # Known surprises
//! - The code's 25 % and 25 % contradict its specification page, which says 1 and 0.
//! - By pods 25 % of 10 is 3 of 11 with a surge. Without a surge 95 % of 10 is *no canary at all*.
//! - After an abort the template still names the new version: Argo says *Degraded* for ever.
//! - `analysis` without `count` runs beside the steps until the end; as a step it is refused.
//! - The progress deadline does not run during pauses, analyses and experiments, and any progress
//!   resets it: pods that come and go never expire.
//! - With `abort_scale_down_delay = 0` the canary stays for ever, without traffic.
//!
//! # Where we depart
//! - Metrics are perfect: a measurement is the new version's true share of errors, not a sample.
//! - An abort is reported as rolling back until the stable set is whole and has all of the
//!   traffic, then as rolled back: that is what is, although Argo says *Degraded*.
//! - `setHeaderRoute`, `setMirrorRoute`, step plugins and the pods of an experiment are left out.
//! - Weights are verified at once. A data-plane node follows a weight as soon as it knows the
//!   pods that were ready before; beyond that a router has no delay. No rollback window, no
//!   `promote --full`, no revision limits.
//! - A weight concerns versions: with a third one on its way, old against all others.
//! - Deadlines are exact, not in whole seconds.

pub(crate) mod counts;
mod sets;
mod steps;
#[cfg(test)]
mod tests;
mod traffic;

use serde::{Deserialize, Serialize};

use super::analysis::Run;
use super::argo::{CONTROLLERS, REPLICASET, ROLLOUT, Rollout, wake};
use super::kubernetes::{SetController, fenceposts};
use super::{Budget, Command, Controller, Decision, Draws, Rules, View};
use crate::scenario::settings::{self, CanaryScale, CanaryStep, Operation};
#[cfg(doc)]
use crate::trace::Said;
use crate::trace::{Moment, VersionId};
use crate::units::{Span, Time};

/// An Argo Rollout with canary steps.
#[derive(Debug, Clone)]
pub struct ArgoCanary {
    settings: settings::ArgoCanary,
    instances: u32,
    controller: SetController,
}

/// The Rollout as its controller knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    rollout: Rollout,
    /// `status.currentStepIndex`.
    step: usize,
    /// When the present step began to wait.
    waiting_since: Option<Time>,
    /// The analysis of the present step.
    step_run: Option<Run>,
    /// The one beside the steps.
    background: Option<Run>,
    /// Who has the canary's weight, and the weight.
    weight: (VersionId, u32),
}

impl State {
    /// Sizes (`spec.replicas`) of the sets, in order of creation.
    pub fn sizes(&self) -> impl Iterator<Item = (VersionId, u32)> {
        let sets = &self.rollout.sets;
        sets.versions().map(|version| (version, sets.counts(version).size))
    }
}

impl ArgoCanary {
    /// From checked settings and the desired number of instances.
    pub fn new(settings: settings::ArgoCanary, instances: u32) -> Self {
        let controller = SetController::new(settings.min_ready);
        Self { settings, instances, controller }
    }

    /// One sync of the Rollout.
    fn sync(&self, state: &mut State, now: Time, view: &View<'_>, decision: &mut Decision) {
        while let Some(operation) = state.rollout.take_due(&self.settings.operations, now) {
            self.operate(state, operation);
        }
        if !state.rollout.has_begun() {
            return;
        }
        let mut changed = false;
        if !state.rollout.sets.versions().any(|v| v == state.rollout.target) {
            let target = state.rollout.target;
            changed = state.rollout.sets.resize(target, 0);
        }
        if self.settings.traffic_routing {
            self.send_traffic(state, decision);
        }
        changed |= self.analyse(state, now, view);
        let scaled = self.scale_sets(state, now);
        changed |= scaled;
        changed |= self.do_steps(state, now, scaled);
        let late = {
            let (step, suspended) = (state.step as u32, self.is_suspended(state));
            let deadline = self.settings.progress_deadline;
            state.rollout.note_progress(step, suspended, deadline, now)
        };
        if late && self.settings.progress_deadline_abort {
            changed |= self.abort(state, true);
        }
        if changed {
            decision.notify |= 1 << ROLLOUT | 1 << REPLICASET;
        }
        let waits = self.waits_for_somebody(state);
        let said = state.rollout.verdict(waits, &self.settings.operations);
        state.rollout.report(said, decision);
        self.wake(state, now, decision);
    }

    fn operate(&self, state: &mut State, operation: Operation) {
        if let Some(target) = state.rollout.template(operation) {
            if target < state.rollout.target {
                state.rollout.tell(Moment::RollbackDecided);
            }
            return self.set_target(state, target);
        }
        match operation {
            Operation::Scale(desired) => {
                state.rollout.desired = desired;
                state.rollout.finished = false;
            }
            Operation::Pause => state.rollout.paused = true,
            Operation::Resume => self.promote(state, false),
            Operation::Promote => self.promote(state, true),
            Operation::Abort => drop(self.abort(state, false)),
            // Written above, or of another orchestrator.
            Operation::Undo | Operation::Rollover | Operation::Set(_) | Operation::Partition(_) => {
            }
        }
    }

    fn set_target(&self, state: &mut State, target: VersionId) {
        if state.rollout.set_target(target) {
            state.rollout.clear_deadline(target);
            self.restart_steps(state);
        }
    }

    /// Back to the first step; behind the last one if the template is the stable one.
    fn restart_steps(&self, state: &mut State) {
        let skips = state.rollout.target == state.rollout.stable;
        state.step = if skips { self.settings.steps.len() } else { 0 };
        state.waiting_since = None;
        state.step_run = None;
        state.background = None;
    }

    fn abort(&self, state: &mut State, detected: bool) -> bool {
        let news = state.rollout.abort(detected);
        if news {
            self.restart_steps(state);
        }
        news
    }

    fn wake(&self, state: &State, now: Time, decision: &mut Decision) {
        let pause = match (self.step(state), state.waiting_since) {
            (Some(CanaryStep::Pause(Some(span)) | CanaryStep::Experiment(span)), Some(since)) => {
                Some(since + *span)
            }
            _ => None,
        };
        let due = |run: Option<Run>| run.and_then(|run| run.due());
        let times = [
            pause,
            due(state.step_run),
            due(state.background),
            state.rollout.progress_ends(self.settings.progress_deadline),
            state.rollout.next_due(&self.settings.operations),
        ];
        wake(times, now, decision);
    }

    /// Pods of both sets together, at the most, where traffic is routed.
    fn most_routed(&self) -> u32 {
        let settings = &self.settings;
        let scaled = settings.steps.iter().filter_map(|step| match step {
            CanaryStep::SetCanaryScale(CanaryScale::Replicas(count)) => Some(*count),
            _ => None,
        });
        let least = settings.min_pods_per_replica_set;
        let canary = scaled.max().unwrap_or(0).max(self.instances).max(least);
        let least = if settings.dynamic_stable_scale { least } else { 0 };
        canary + self.instances.max(least)
    }

    /// Pods that start one after another, at least: the rises of the canary from step to step.
    fn rises(&self) -> u32 {
        let posts = fenceposts::resolve(
            self.settings.max_surge,
            self.settings.max_unavailable,
            self.instances,
        );
        let size = |weight: u32| {
            if self.settings.traffic_routing {
                counts::routed(self.instances, weight, self.settings.max_weight)
            } else {
                counts::approximate(self.instances, weight, posts.surge).0
            }
        };
        let weights = self.settings.steps.iter().filter_map(|step| match step {
            CanaryStep::SetWeight(weight) => Some(*weight),
            _ => None,
        });
        let scaled = |step: &CanaryStep| matches!(step, CanaryStep::SetCanaryScale(_));
        if self.settings.steps.iter().any(scaled) {
            // A scale may have put all of the canary there at once.
            return 1;
        }
        let (mut highest, mut rises) = (0, 0);
        for size in weights.map(size).chain([self.instances]) {
            if size > highest {
                (highest, rises) = (size, rises + 1);
            }
        }
        rises
    }
}

impl Rules for ArgoCanary {
    type State = State;

    const CONTROLLERS: &'static [&'static str] = CONTROLLERS;

    fn initial(&self) -> State {
        State {
            rollout: Rollout::new(&self.controller, self.instances),
            step: self.settings.steps.len(),
            waiting_since: None,
            step_run: None,
            background: None,
            weight: (VersionId::OLD, 0),
        }
    }

    fn command(&self, state: &mut State, command: Command, now: Time) {
        match command {
            Command::Begin => {
                state.rollout.begin(now);
                self.set_target(state, VersionId::NEW);
            }
            Command::Rollback => {
                state.rollout.paused = false;
                self.set_target(state, VersionId::OLD);
            }
            Command::Operate(operation) => self.operate(state, operation),
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

    /// By pods within the budgets; by traffic a second fleet grows and nobody goes before.
    fn budget(&self) -> Budget {
        let settings = &self.settings;
        let n = self.instances;
        let posts = fenceposts::resolve(settings.max_surge, settings.max_unavailable, n);
        let (out, above, above_key) = if settings.traffic_routing {
            (0, self.most_routed() - n, "strategy.argo_canary.traffic_routing")
        } else {
            (posts.unavailable.min(n), posts.surge, "strategy.argo_canary.max_surge")
        };
        Budget {
            instances: n,
            out,
            above,
            rounds: self.rises(),
            // Counted from a whole second: it may be up to 1 s shorter.
            wait: self.settings.min_ready - Span::from_secs(1),
            out_key: "strategy.argo_canary.max_unavailable",
            above_key,
        }
    }
}
