//! A share of the targets that grows with time: AWS AppConfig, and the linear and canary shifts
//! of CodeDeploy for ECS and Lambda.
//!
//! # Source
//! AWS AppConfig user guide, "Working with deployment strategies" and "Using predefined
//! deployment strategies"; `CreateDeploymentStrategy` in its API reference; AWS CodeDeploy user
//! guide, "Working with deployment configurations". No source code is public.
//!
//! # Rules
//! - A deployment goes in n steps until all targets are changed. LINEAR: n = ⌈1 / G⌉, step k
//!   reaches k·G. EXPONENTIAL: the steps reach G, 2·G, 4·G, … (G·2^N). Canary (presets only): G,
//!   then all.
//! - `deployment_duration` is cut into n equal intervals; each step is made at the end of its
//!   interval: 20 % linear over ten hours is 0 % at first, 20 % after two hours, 100 % after ten.
//!   CodeDeploy's presets make the first step at once.
//! - Steps are made by the clock. Nobody looks whether the targets of the step before are ready.
//! - The share of targets is rounded up. Which ones come first is random, and stays so: a target
//!   that was changed stays changed.
//! - After the last step alarms are watched for `final_bake_time`; then the deployment is
//!   completed.
//! - An alarm that goes off before that rolls the deployment back: all changed targets at once. An
//!   alarm goes off when for `alarm_after` on end more requests of the whole service than
//!   `alarm_errors` failed, or more changed targets than `alarm_unready` were not ready with their
//!   new version.
//! - A rollback from outside (a pipeline, an operator's undo or abort, `StopDeployment`) does the
//!   same. It has rolled back when no target has the new version any more.
//!
//! # Settings and defaults
//! `preset` (none), `growth_type` (LINEAR), `growth_factor` (20 %), `deployment_duration` (30 min),
//! `final_bake_time` (0), `apply` (live), `alarm_errors` and `alarm_unready` (none: nothing rolls
//! back by itself), `alarm_after` (1 min). The
//! presets (… is ECS or Lambda, and an interval):
//!
//! | preset | growth | duration | bake |
//! |---|---|---|---|
//! | `AppConfig.AllAtOnce` | all at once | 0 | 10 min |
//! | `AppConfig.Linear20PercentEvery6Minutes` | 20 % linear | 30 min | 30 min |
//! | `AppConfig.Linear50PercentEvery30Seconds` | 50 % linear | 1 min | 1 min |
//! | `AppConfig.Canary10Percent20Minutes` | 10 % exponential | 20 min | 10 min |
//! | `CodeDeployDefault.…Linear10Percent…` | 10 % linear | 9 intervals | 0 |
//! | `CodeDeployDefault.…Canary10Percent…` | 10 %, then all | 1 interval | 0 |
//! | `CodeDeployDefault.…AllAtOnce` | all at once | 0 | 0 |
//!
//! # Known surprises
//! - Completed means that the time is over, not that a target is well.
//! - The canary of `AppConfig.Canary10Percent20Minutes` is no canary: it doubles every four
//!   minutes.
//! - An alarm on the error share of the whole service is diluted: with 10 % changed targets, of
//!   whose requests 5 % fail, the service shows 0.5 %.
//! - `AllAtOnce` without an alarm changes everything in one moment and never looks back.
//! - Without alarms no strategy rolls back, however long it bakes.
//!
//! # Where we depart
//! - AppConfig moves configuration to processes that go on running, and CodeDeploy moves
//!   traffic between two sets of tasks. Here a target is an instance that is replaced in its place.
//!   `apply = "live"`: the new one starts beside the old one and takes over when it is ready, so
//!   that no capacity is missing; while both run they count as two instances. A target whose new
//!   version never gets ready goes on with the old one. `apply = "restart"`: stopped, then started.
//! - How soon a target asks for its configuration (the agent polls every 45 s) is part of
//!   `versions.new.start`.
//! - That exponential steps are evenly spaced, that shares are rounded up, and that a rollback
//!   reaches all targets at once is our reading; the documentation is silent.
//! - `apply`, `alarm_errors`, `alarm_unready` and `alarm_after` are our keys; in AWS they are the
//!   application's habit and CloudWatch alarms.
//! - Pausing, scaling, partitions and further versions are not AppConfig's; they are ignored.

mod growth;
mod targets;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::seats::Places;
use super::verdict::{Standing, Teller};
use super::{Budget, Command, Controller, Decision, Draws, Rules, View, errand};
use crate::scenario::settings::{self, Apply};
use crate::trace::{Moment, VersionId};
use crate::units::{Rounding, Span, Time};

/// Purpose of the draws that choose targets; the index is the target.
const CHOICE: u32 = 1;

/// A deployment strategy of `AppConfig` with its settings.
#[derive(Debug, Clone)]
pub struct AppConfig {
    settings: settings::AppConfig,
    instances: u32,
    /// When, after the beginning, how many targets are changed at least.
    steps: Vec<(Span, u32)>,
}

/// Where the deployment is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// What changed targets shall have.
    target: VersionId,
    places: Places,
    /// When the deployment began.
    begun: Option<Time>,
    /// A deployment shall begin.
    asked: bool,
    /// Targets in the order in which they are changed.
    order: Vec<u32>,
    /// Steps made.
    steps: usize,
    /// Since when an alarm's condition holds.
    alarmed: Option<Time>,
    /// How it stands.
    standing: Standing,
    teller: Teller,
}

impl AppConfig {
    /// From checked settings and the number of targets.
    pub fn new(settings: settings::AppConfig, instances: u32) -> Self {
        let steps = growth::steps(&settings, instances);
        Self { settings, instances, steps }
    }

    /// Makes the steps that are due.
    fn advance(&self, state: &mut State, begun: Time, now: Time, decision: &mut Decision) {
        while let Some((after, _)) = self.steps.get(state.steps) {
            if now < begun + *after {
                return decision.wake(begun + *after);
            }
            state.steps += 1;
            decision.moments.push(Moment::Batch(state.steps as u32));
        }
        let end = begun + self.settings.deployment_duration + self.settings.final_bake_time;
        if now < end {
            decision.wake(end);
        } else {
            state.standing = Standing::Done;
        }
    }

    /// How many targets are changed by now.
    fn changed(&self, state: &State) -> usize {
        if state.target == VersionId::OLD {
            return self.instances as usize;
        }
        state.steps.checked_sub(1).map_or(0, |last| self.steps[last].1 as usize)
    }

    /// Whether an alarm goes off.
    fn alarm(
        &self,
        state: &mut State,
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) -> bool {
        let changed = self.changed(state);
        let unready = self.settings.alarm_unready.is_some_and(|most| {
            let unready = state.unready(&state.order[..changed], view);
            unready > most.of(self.instances, Rounding::Down)
        });
        let failing = self.settings.alarm_errors.is_some_and(|most| {
            let new = new_share(view);
            view.errors[0] * (1.0 - new) + view.errors[1] * new > most.0
        });
        if !unready && !failing {
            state.alarmed = None;
            return false;
        }
        let due = *state.alarmed.get_or_insert(now) + self.settings.alarm_after;
        if now < due {
            decision.wake(due);
        }
        now >= due
    }
}

/// Share of the ready instances that run the new version.
fn new_share(view: &View<'_>) -> f64 {
    let ready = view.instances.iter().filter(|i| i.phase.is_ready());
    let (all, new) = ready.fold((0u32, 0u32), |(all, new), i| {
        (all + 1, new + u32::from(i.version == VersionId::NEW))
    });
    if all == 0 { 0.0 } else { f64::from(new) / f64::from(all) }
}

impl State {
    fn turn_back(&mut self) {
        (self.target, self.asked) = (VersionId::OLD, false);
        self.standing = Standing::Running;
        self.begun.get_or_insert(Time::ZERO);
    }
}

impl Rules for AppConfig {
    type State = State;

    const CONTROLLERS: &'static [&'static str] = &["appconfig"];

    fn initial(&self) -> State {
        State {
            target: VersionId::OLD,
            places: Places::new(self.instances),
            begun: None,
            asked: false,
            order: (0..self.instances).collect(),
            steps: 0,
            alarmed: None,
            standing: Standing::Done,
            teller: Teller::new(),
        }
    }

    fn command(&self, state: &mut State, command: Command, _: Time) {
        match errand::wanted(command, state.target, &mut state.teller) {
            Some(VersionId::OLD) => state.turn_back(),
            // What is under way goes on.
            Some(_) => state.asked |= state.target != VersionId::NEW,
            None => {}
        }
    }

    fn reconcile(
        &self,
        state: &mut State,
        _: Controller,
        now: Time,
        view: &View<'_>,
        draws: Draws,
        decision: &mut Decision,
    ) {
        decision.mark_ready(view);
        state.places.observe(view);
        state.teller.tell_undone(decision);
        if std::mem::take(&mut state.asked) {
            state.order.sort_by_key(|target| (draws.bits(CHOICE, *target), *target));
            (state.target, state.begun) = (VersionId::NEW, Some(now));
            (state.steps, state.alarmed, state.standing) = (0, None, Standing::Running);
        }
        let Some(begun) = state.begun else { return };
        if state.target == VersionId::NEW && state.standing == Standing::Running {
            self.advance(state, begun, now, decision);
            if state.standing == Standing::Running && self.alarm(state, now, view, decision) {
                state.teller.detect(decision);
                decision.moments.push(Moment::RollbackDecided);
                state.turn_back();
            }
        }
        let changed = self.changed(state);
        state.change(changed, self.settings.apply, view, decision);
        if state.target == VersionId::OLD && state.standing == Standing::Running {
            let left = view.instances.iter().any(|i| i.version != VersionId::OLD);
            state.standing =
                if left || state.is_busy() { Standing::Running } else { Standing::Done };
        }
        state.teller.tell(state.target, state.standing, decision);
    }

    /// The largest step; more if a step comes before the targets of the last one are ready.
    fn budget(&self) -> Budget {
        let before = std::iter::once(0).chain(self.steps.iter().map(|(_, count)| *count));
        let sizes = self.steps.iter().zip(before).map(|((_, count), before)| count - before);
        let largest = sizes.max().unwrap_or(0);
        let live = self.settings.apply == Apply::Live;
        Budget {
            instances: self.instances,
            out: if live { 0 } else { largest },
            above: if live { largest } else { 0 },
            rounds: 0,
            wait: Span::ZERO,
            out_key: "strategy.appconfig.growth_factor",
            above_key: "strategy.appconfig.growth_factor",
        }
    }
}
