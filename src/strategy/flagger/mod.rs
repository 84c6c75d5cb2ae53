//! Flagger: a canary Deployment beside the primary one; ticks, weights, promotion by copying.
//!
//! # Source
//! flagger at 15bd6ad (July 2026): `pkg/controller/scheduler.go`, `pkg/canary/{spec,
//! deployment_ready}.go`, `pkg/apis/flagger/v1beta1/canary.go`. Both Deployments are Kubernetes
//! Deployments: see `strategy.kubernetes`.
//!
//! # Rules
//! - There are two Deployments: the *primary*, which serves, and the *canary*, which has no pods
//!   between rollouts. Flagger acts only at ticks, every `interval`.
//! - A new template is noticed at a tick: the canary is scaled to N (after somebody has confirmed
//!   it, with `confirm_rollout`). Every later tick does the first of these that applies:
//!   1. Primary not ready, or canary not ready: wait; past the progress deadline: roll back.
//!   2. Failed checks have reached `threshold`: roll back.
//!   3. Check the metric, unless the canary has had no traffic yet. If the new version's errors
//!      exceed `max_error_share`, or nobody of it answers: one failed check more, nothing else.
//!      Failed checks are counted in all, they are never forgiven.
//!   4. Below `max_weight` (the last of `step_weights`): the next weight.
//!   5. Else (with `confirm_promotion`: after somebody has confirmed it) promotion: the template
//!      is copied to the primary, which does an ordinary rolling update.
//! - When the primary is ready again its traffic comes back, at once or `step_weight_promotion`
//!   a tick; a tick later the canary is scaled to nothing.
//! - With `iterations` (blue-green) no traffic moves for so many checks; then a tick sends all of
//!   it to the canary (`provider = "mesh"` only) and the next one promotes.
//! - Rolling back: all traffic to the primary at once, canary to nothing.
//! - A third version during the analysis: weight 0, failed checks forgotten, analysis anew.
//! - `skip_analysis`: as soon as the canary is ready the primary is updated and the canary goes.
//! - Undo writes the promoted template again. Flagger takes no notice while it analyses: it goes
//!   on, with old pods, to its end, and then finds that template new. After a promotion it is a
//!   new version like any other. `abort`, and a pipeline's rollback before the promotion, are the
//!   rollback hook: back at the next tick.
//!
//! # Settings and defaults
//! Interval 60 s (at least 10 s), threshold 1, greatest weight 100, iterations 0 (10 with
//! `provider = "kubernetes"`), progress deadline 10 min, ready thresholds 100 %. `step_weight =
//! 10` and `max_error_share = "1%"` are choices of ours. The Deployments have Kubernetes' own 25
//! % and 25 %.
//!
//! # Known surprises
//! - A rollout takes at least `interval` · `max_weight` / `step_weight`, and two full
//!   deployments.
//! - About 2N pods run while the analysis lasts, and more while the primary rolls.
//! - With threshold 1 a single bad check rolls back, at the tick after it.
//! - The first weight is given without any check.
//! - The last step may pass `max_weight`: 30 a step and at most 50 give 30, then 60.
//! - A promotion that gets stuck is "rolled back" by scaling the healthy canary to nothing; the
//!   primary keeps the new template.
//! - With `skip_analysis` Flagger reports success while the primary still rolls.
//!
//! # Where we depart
//! - Metrics are perfect: a check sees the new version's true share of errors.
//! - Traffic is drawn by version, not by Deployment: what the primary's new pods get is shared
//!   with the canary's. The weight is kept right at every moment; with `provider = "kubernetes"`
//!   the canary's pods get a part of the new version's share too.
//! - A failed canary is reported as rolled back once its pods are gone, since the fleet is
//!   what it was; as failed if the primary has the new template.
//! - The first tick falls at random into the first interval. Hooks always agree; there is no
//!   mirroring, no A/B matching, no autoscaler.

mod fleet;
#[cfg(test)]
mod tests;
mod ticks;

use serde::{Deserialize, Serialize};

use super::kubernetes::{Deployment, State as DeploymentState, fenceposts};
use super::{Budget, Command, Controller, Decision, Draws, Rules, View};
use crate::scenario::settings::Operation;
use crate::scenario::settings::{self, AvailabilityTiming, DeploymentKind, KubernetesDeployment};
use crate::trace::{Moment, Said, VersionId};
use crate::units::{Rounding, Span, Time};

const FLAGGER: Controller = 0;
const DEPLOYMENT: Controller = 1;
const REPLICASET: Controller = 2;

/// Purpose of the draw of the first tick.
const TICK: u32 = 40;

/// A Flagger Canary.
#[derive(Debug, Clone)]
pub struct Flagger {
    settings: settings::Flagger,
    instances: u32,
    /// The rules of both Deployments.
    deployment: Deployment,
}

/// `status.phase` of the Canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    /// `Initialized` or `Succeeded`.
    Idle,
    /// Waits for the rollout to be confirmed.
    Waiting,
    Progressing,
    /// Waits for the promotion to be confirmed.
    WaitingPromotion,
    Promoting,
    Finalising,
    Failed,
}

/// The Canary and its Deployments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    primary: DeploymentState,
    canary: DeploymentState,
    /// Pods of the canary Deployment, ascending.
    members: Vec<u32>,
    /// Starts of the canary that have not been seen.
    awaited: Vec<VersionId>,
    /// Instances with smaller numbers have been seen.
    next_instance: u32,
    /// `lastAppliedSpec` and `lastPromotedSpec`.
    applied: VersionId,
    promoted: VersionId,
    phase: Phase,
    /// The primary was given another template by a promotion that has not ended well.
    half_promoted: bool,
    /// Percentage of the traffic that goes to the canary.
    weight: u32,
    iterations: u32,
    failed_checks: u32,
    /// Somebody confirmed what waits for it.
    confirmed: bool,
    /// The rollback hook was called.
    rollback_hook: bool,
    /// `spec.suspend`.
    suspended: bool,
    /// The last tick found a gate closed and all else in order: further ticks would too, until
    /// something changes.
    resting: bool,
    desired: u32,
    announced: u32,
    begun: Option<Time>,
    /// Some tick; the others are whole intervals away.
    tick_base: Option<Time>,
    next_tick: Option<Time>,
    /// Since when too few pods of primary and canary are available.
    short_since: [Option<Time>; 2],
    operations_done: usize,
    routed: Option<u32>,
    said: Said,
    untold: Vec<Moment>,
}

impl Flagger {
    /// From checked settings and the desired number of instances.
    pub fn new(settings: settings::Flagger, instances: u32) -> Self {
        let deployment = KubernetesDeployment {
            kind: DeploymentKind::RollingUpdate,
            max_surge: settings.max_surge,
            max_unavailable: settings.max_unavailable,
            min_ready: settings.min_ready,
            progress_deadline: settings.progress_deadline,
            timing: AvailabilityTiming::WholeSeconds,
            operations: Vec::new(),
        };
        Self { settings, instances, deployment: Deployment::new(deployment, instances) }
    }

    fn operate(state: &mut State, operation: Operation) {
        state.resting = false;
        let template = match operation {
            Operation::Undo => Some(VersionId::OLD),
            Operation::Set(version) => Some(VersionId(version)),
            Operation::Rollover => {
                let newest = state.canary.template().max(state.primary.template());
                Some(VersionId(newest.max(VersionId::NEW).0.saturating_add(1)))
            }
            _ => None,
        };
        if let Some(version) = template {
            if version < state.canary.template() {
                state.untold.push(Moment::RollbackDecided);
            }
            return Self::set_template(state, version);
        }
        match operation {
            Operation::Scale(desired) => {
                state.desired = desired;
                state.primary.operate(operation);
                if state.canary.report().desired > 0 {
                    state.canary.operate(operation);
                }
            }
            Operation::Pause => state.suspended = true,
            Operation::Promote | Operation::Resume => {
                if !std::mem::take(&mut state.suspended) {
                    state.confirmed = true;
                }
            }
            Operation::Abort => state.rollback_hook = state.is_before_promotion(),
            // Written above, or of another orchestrator.
            Operation::Undo | Operation::Rollover | Operation::Set(_) | Operation::Partition(_) => {
            }
        }
    }

    fn set_template(state: &mut State, version: VersionId) {
        state.canary.operate(Operation::Set(version.0));
    }

    /// When the next operation is due.
    fn due(&self, state: &State) -> Option<Time> {
        let (after, _) = self.settings.operations.get(state.operations_done)?;
        Some(state.begun? + *after)
    }

    fn look(
        &self,
        state: &mut State,
        now: Time,
        view: &View<'_>,
        draws: Draws,
        decision: &mut Decision,
    ) {
        while self.due(state).is_some_and(|due| due <= now) {
            let (_, operation) = self.settings.operations[state.operations_done];
            state.operations_done += 1;
            Self::operate(state, operation);
            decision.notify |= 1 << DEPLOYMENT;
        }
        let Some(begun) = state.begun else { return };
        let interval = self.settings.interval;
        let base = *state.tick_base.get_or_insert_with(|| {
            let unit = (draws.bits(TICK, 0) >> 11) as f64 / (1u64 << 53) as f64;
            begun + interval * unit
        });
        if state.next_tick.is_some_and(|tick| tick <= now) {
            state.next_tick = None;
            if !state.suspended {
                state.resting = false;
                self.tick(state, now, view);
                if !state.resting {
                    decision.notify |= 1 << DEPLOYMENT;
                }
            }
        }
        if state.should_advance() && !state.suspended && !state.resting {
            let tick = *state.next_tick.get_or_insert_with(|| next_on_grid(base, interval, now));
            decision.wake(tick);
        }
        for time in self.due(state).into_iter().filter(|time| *time > now) {
            decision.wake(time);
        }
    }

    fn report(&self, state: &mut State, decision: &mut Decision) {
        if state.begun.is_none() {
            return;
        }
        if state.announced != state.desired {
            state.announced = state.desired;
            decision.desired = Some(state.desired);
            // Whoever scaled may have done so by a command: the sets have yet to follow.
            decision.notify |= 1 << DEPLOYMENT;
        }
        decision.moments.append(&mut state.untold);
        let said = self.verdict(state);
        if said != state.said {
            state.said = said;
            decision.said = Some(said);
        }
    }

    fn verdict(&self, state: &State) -> Said {
        let back = state.canary.template() == VersionId::OLD;
        let ahead = &self.settings.operations[state.operations_done..];
        let comes = |op: &Operation| matches!(op, Operation::Promote | Operation::Resume);
        let helped = state.confirmed && !state.suspended;
        let waits = !helped && !ahead.iter().any(|(_, op)| comes(op));
        match state.phase {
            Phase::Failed if !state.is_cleared() => Said::RollingBack,
            Phase::Failed if state.half_promoted => Said::Failed,
            Phase::Failed => Said::RolledBack,
            Phase::Idle if !state.should_advance() => {
                if back {
                    Said::RolledBack
                } else {
                    Said::Completed
                }
            }
            Phase::Waiting | Phase::WaitingPromotion if waits => {
                if back {
                    Said::RollbackPaused
                } else {
                    Said::Paused
                }
            }
            _ if state.suspended && waits => Said::Paused,
            Phase::Idle
            | Phase::Waiting
            | Phase::Progressing
            | Phase::WaitingPromotion
            | Phase::Promoting
            | Phase::Finalising => {
                if back {
                    Said::RollingBack
                } else {
                    Said::Progressing
                }
            }
        }
    }
}

impl State {
    /// Whether the canary's pods have been reported gone.
    fn is_cleared(&self) -> bool {
        self.canary.report().replicas == 0 && self.awaited.is_empty()
    }

    fn is_before_promotion(&self) -> bool {
        matches!(self.phase, Phase::Waiting | Phase::Progressing | Phase::WaitingPromotion)
    }

    /// `hasSpecChanged`: another template than the last one analysed, and not the promoted one.
    fn has_new_revision(&self) -> bool {
        let template = self.canary.template();
        template != self.applied && template != self.promoted
    }

    /// `shouldAdvance`: whether ticks do anything.
    fn should_advance(&self) -> bool {
        match self.phase {
            Phase::Idle | Phase::Failed => self.has_new_revision(),
            Phase::Waiting
            | Phase::Progressing
            | Phase::WaitingPromotion
            | Phase::Promoting
            | Phase::Finalising => true,
        }
    }
}

/// The first time after `now` that is whole intervals after `base`.
fn next_on_grid(base: Time, interval: Span, now: Time) -> Time {
    if now < base {
        return base;
    }
    let passed = (now.0 - base.0) / interval.0 + 1;
    Time(base.0 + passed * interval.0)
}

impl Rules for Flagger {
    type State = State;

    const CONTROLLERS: &'static [&'static str] = &["flagger", "deployment", "replicaset"];

    fn initial(&self) -> State {
        let mut canary = self.deployment.initial();
        canary.empty();
        State {
            primary: self.deployment.initial(),
            canary,
            members: Vec::new(),
            awaited: Vec::new(),
            next_instance: self.instances,
            applied: VersionId::OLD,
            promoted: VersionId::OLD,
            phase: Phase::Idle,
            half_promoted: false,
            weight: 0,
            iterations: 0,
            failed_checks: 0,
            confirmed: false,
            rollback_hook: false,
            suspended: false,
            resting: false,
            desired: self.instances,
            announced: self.instances,
            begun: None,
            tick_base: None,
            next_tick: None,
            short_since: [None; 2],
            operations_done: 0,
            routed: None,
            said: Said::Completed,
            untold: Vec::new(),
        }
    }

    fn command(&self, state: &mut State, command: Command, now: Time) {
        match command {
            Command::Begin => {
                state.begun.get_or_insert(now);
                state.primary.watch(now);
                state.canary.watch(now);
                Self::set_template(state, VersionId::NEW);
            }
            Command::Rollback => {
                state.resting = false;
                state.suspended = false;
                state.confirmed = true;
                state.rollback_hook = state.is_before_promotion();
                Self::set_template(state, VersionId::OLD);
            }
            Command::Operate(operation) => Self::operate(state, operation),
        }
    }

    fn next_operation(&self, state: &State) -> Option<Time> {
        self.due(state)
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
            FLAGGER => self.look(state, now, view, draws, decision),
            DEPLOYMENT | REPLICASET => {
                self.sync_fleet(state, controller, now, view, draws, decision);
            }
            _ => unreachable!("Flagger and the two controllers of Deployments"),
        }
        Self::route(state, view, decision);
        self.report(state, decision);
    }

    /// The canary's pods, then the primary's rolling update.
    fn budget(&self) -> Budget {
        let n = self.instances;
        let posts = fenceposts::resolve(self.settings.max_surge, self.settings.max_unavailable, n);
        // What the primary takes out a whole canary has added.
        let settings = &self.settings;
        let whole = settings.canary_ready_threshold.min(settings.primary_ready_threshold) == 100;
        let covered = whole && !settings.skip_analysis;
        let at_once = (posts.surge + posts.unavailable.min(n)).max(1);
        Budget {
            instances: n,
            out: if covered { 0 } else { posts.unavailable.min(n) },
            above: n + posts.surge,
            rounds: 1 + n.div_ceil(at_once),
            // Counted from a whole second: it may be up to 1 s shorter.
            wait: self.settings.min_ready - Span::from_secs(1),
            out_key: "strategy.flagger.max_unavailable",
            above_key: "strategy.flagger.max_surge",
        }
    }
}

/// A percentage of a count, rounded up.
fn share_of(percent: u32, count: u32) -> u32 {
    crate::units::CountOrPercent::Percent(f64::from(percent)).of(count, Rounding::Up)
}
