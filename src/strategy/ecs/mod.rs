//! Amazon ECS: rolling update of a replica service, circuit breaker, alarms.
//!
//! # Source
//! Amazon ECS Developer Guide ("Rolling update", "Service definition parameters", "How the
//! deployment circuit breaker detects failures", "How CloudWatch alarms detect failures", "Load
//! balancer connection draining") and the API pages `DeploymentConfiguration`,
//! `DeploymentCircuitBreaker` and `ThresholdConfiguration`. The scheduler itself is not public.
//!
//! # Rules
//! - `lo` = ⌈`minimum_healthy_percent` · desired⌉, `hi` = ⌊`maximum_percent` · desired⌋.
//! - New tasks are started while fewer than desired run and fewer than `hi` (and than `room`) are
//!   there; stopping tasks count until they are gone.
//! - Old tasks are stopped while more than `lo` tasks of any version are healthy, unhealthy ones
//!   first, then one of the host that has most tasks of the service.
//! - A checked task is healthy while its check passes; an unchecked one after it has run for
//!   40 s. Failed tasks are replaced.
//! - Circuit breaker: every new task that fails (it ends, or its health check ends it) counts; a
//!   task that becomes healthy sets the count to zero unless `reset_on_healthy_task` is false.
//!   At the threshold (of the desired count at that time) the deployment has failed.
//! - Alarm: it is watched from the first new task that answers until `bake_time` after the last
//!   old task has gone. One that is up when the deployment begins is ignored.
//! - A failed deployment starts nothing any more. With rollback the last completed deployment is
//!   deployed again, by the same rules; if that fails too, nothing is left to go back to.
//! - Completed: the desired number of new tasks is healthy and no old one is left.
//! - Operations: `undo` and `abort` deploy the old version again, `scale` sets the desired count,
//!   `rollover` and `set` begin another deployment. There is no pause.
//!
//! # Settings and defaults
//! Healthy tasks between 100 % and 200 %, no circuit breaker, no alarm; the breaker's threshold
//! is half of the desired count, at least 3 and at most 200. Around it: checks as of an
//! Application Load Balancer, each 30 s, two failures end the task;
//! `healthCheckGracePeriodSeconds` is `probes.start_period`; the deregistration delay (300 s,
//! less if idle) is `shutdown.drain_wait`; `stopTimeout` is `shutdown.grace`, counted from
//! SIGTERM.
//!
//! # Known surprises
//! - Rounding can leave nothing to do: 3 tasks at 125 %, 2 tasks at 75 %/100 %, 1 task at
//!   100 %/100 %. Then the service says nothing, for ever.
//! - Without the breaker a version that never works is tried for ever.
//! - The breaker counts failures in a row: a version that works now and then never trips it.
//! - At 100 %/200 % a service needs twice its room, and the whole deregistration delay passes
//!   before the rollout is complete.
//!
//! # Where we depart
//! - Whether stopping tasks count towards `maximum_percent` is not documented; they do here.
//! - Where `minimum_healthy_percent` is below 100, old tasks go at once even if new ones would
//!   fit beside them: the documentation leaves the order open.
//! - Of the slow-down of starts that fail again and again only the longest wait is published, 27
//!   minutes ("Service throttle logic"). Here it begins with 1 s and doubles each time that a
//!   task fails, until one becomes healthy or another deployment begins.
//! - The scheduler's own periods are not published and are left out.
//! - Any failure of a new task counts for the breaker, also after it was healthy. A lost host
//!   does not count.
//! - The bake time is computed by ECS from the alarm, by a rule that is not published: here it is
//!   a setting.
//! - Zones are not balanced, hosts are.

pub(crate) mod breaker;
mod scheduler;
#[cfg(test)]
mod tests;
mod throttle;

use serde::{Deserialize, Serialize};

use super::alarm::AlarmWatch;
use super::ledger::Ledger;
use super::schedule::Schedule;
use super::verdict::Teller;
use super::{Action, Budget, Command, Controller, Decision, Draws, InstanceView, Rules, View};
use crate::scenario::settings::{self, Operation, TaskHealth};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{Span, Time};
use breaker::Failures;
use throttle::Throttle;

/// A task that nothing checks is healthy after running so long (API page of `Deployment`).
const RUNNING_FOR: Span = Span::from_secs(40);

/// An ECS service with its settings.
#[derive(Debug, Clone)]
pub struct Ecs {
    settings: settings::Ecs,
    instances: u32,
}

/// What the service knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    schedule: Schedule,
    ledger: Ledger,
    desired: u32,
    /// The desired number has been told.
    announced: u32,
    /// The version of the deployment and the one it replaces.
    target: VersionId,
    replaced: VersionId,
    /// That of the last completed deployment.
    completed: VersionId,
    rollout: RolloutState,
    failures: Failures,
    throttle: Throttle,
    alarm: AlarmWatch,
    /// All new tasks have been healthy, and no old one was left, since then.
    steady_since: Option<Time>,
    teller: Teller,
}

/// `rolloutState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum RolloutState {
    InProgress,
    Completed,
    Failed,
}

impl Ecs {
    /// From checked settings and the desired count.
    pub fn new(settings: settings::Ecs, instances: u32) -> Self {
        Self { settings, instances }
    }

    /// When a task became, or will be, healthy; [`Time::NEVER`] if it is not running.
    fn healthy_at(&self, i: &InstanceView) -> Time {
        match self.settings.health {
            _ if !i.phase.is_ready() => Time::NEVER,
            // Once marked; those that ran before the rollout too.
            _ if i.phase == Phase::Available => i.ready_since,
            TaskHealth::Checked => i.ready_since,
            TaskHealth::Running => i.ready_since + RUNNING_FOR,
        }
    }

    /// Marks tasks that became healthy.
    fn mark(&self, state: &mut State, now: Time, view: &View<'_>, decision: &mut Decision) {
        for i in view.instances.iter().filter(|i| i.phase == Phase::Ready) {
            let at = self.healthy_at(i);
            if at > now {
                decision.wake(at);
                continue;
            }
            decision.actions.push(Action::MarkAvailable { instance: i.id });
            state.throttle = Throttle::default();
            if i.version == state.target {
                state.failures.task_is_healthy(self.settings.circuit_breaker);
            }
        }
    }

    /// Takes failed tasks away, and counts those of the deployment. Says whether it has failed.
    fn fails(
        &self,
        state: &mut State,
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) -> Option<Rollback> {
        for i in view.instances.iter().filter(|i| i.phase == Phase::Failed) {
            if !state.ledger.stays(i) {
                continue;
            }
            state.ledger.stop(i.id, decision);
            state.throttle.task_failed(now);
            if i.version == state.target {
                decision.moments.push(Moment::InstanceFailed(i.id));
                state.failures.task_failed();
            }
        }
        if state.rollout != RolloutState::InProgress {
            return None;
        }
        if let Some(breaker) = self.settings.circuit_breaker
            && state.failures.trip(breaker.threshold, state.desired)
        {
            return Some(Rollback(breaker.rollback));
        }
        let watched = self.settings.alarm?;
        let versions = (state.replaced, state.target);
        let rises = state.alarm.rises(watched.alarm, versions, now, view, decision);
        rises.then_some(Rollback(watched.rollback))
    }

    fn report(&self, state: &mut State, now: Time, view: &View<'_>, decision: &mut Decision) {
        if state.rollout == RolloutState::InProgress && self.is_done(state, now, view, decision) {
            state.rollout = RolloutState::Completed;
            state.completed = state.target;
        }
        let back = state.target == VersionId::OLD;
        let said = match (state.rollout, back) {
            (RolloutState::InProgress, false) => Said::Progressing,
            (RolloutState::InProgress, true) => Said::RollingBack,
            (RolloutState::Completed, false) => Said::Completed,
            (RolloutState::Completed, true) => Said::RolledBack,
            (RolloutState::Failed, _) => Said::Failed,
        };
        state.teller.say(said, decision);
        if state.desired != state.announced {
            state.announced = state.desired;
            decision.desired = Some(state.desired);
        }
    }

    /// Steady, and the alarm has been watched for long enough.
    fn is_done(
        &self,
        state: &mut State,
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) -> bool {
        if !self.is_steady(state, now, view) {
            state.steady_since = None;
            return false;
        }
        let bake = self.settings.alarm.map_or(Span::ZERO, |alarm| alarm.bake_time);
        let due = *state.steady_since.get_or_insert(now) + bake;
        if due > now {
            decision.wake(due);
        }
        due <= now
    }

    fn is_steady(&self, state: &State, now: Time, view: &View<'_>) -> bool {
        let mut healthy = 0;
        for i in view.instances {
            if i.version != state.target {
                return false;
            }
            healthy += u32::from(state.ledger.stays(i) && self.healthy_at(i) <= now);
        }
        state.ledger.starts().is_empty() && healthy == state.desired
    }
}

/// A deployment failed; whether it is followed by a rollback.
struct Rollback(bool);

impl State {
    fn deploy(&mut self, version: VersionId) {
        if version == self.target && self.rollout != RolloutState::Failed {
            return;
        }
        if version != self.target {
            self.replaced = self.target;
        }
        self.target = version;
        self.rollout = RolloutState::InProgress;
        self.failures = Failures::default();
        self.throttle = Throttle::default();
        self.alarm = AlarmWatch::default();
        self.steady_since = None;
    }

    fn go_back(&mut self, version: VersionId) {
        self.teller.undo(self.target, version);
        self.deploy(version);
    }

    fn fail(&mut self, rollback: &Rollback, decision: &mut Decision) {
        self.teller.detect(decision);
        self.rollout = RolloutState::Failed;
        if rollback.0 && self.completed != self.target {
            self.go_back(self.completed);
        }
    }

    fn operate(&mut self, operation: Operation) {
        match operation {
            Operation::Scale(desired) => self.desired = desired,
            Operation::Undo | Operation::Abort => self.go_back(VersionId::OLD),
            Operation::Rollover => self.deploy(VersionId(self.target.0.max(1).saturating_add(1))),
            Operation::Set(version) if VersionId(version) < self.target => {
                self.go_back(VersionId(version));
            }
            Operation::Set(version) => self.deploy(VersionId(version)),
            // A service has none of these.
            Operation::Pause | Operation::Resume | Operation::Partition(_) | Operation::Promote => {
            }
        }
    }
}

impl Rules for Ecs {
    type State = State;

    const CONTROLLERS: &'static [&'static str] = &["service-scheduler"];

    fn initial(&self) -> State {
        State {
            schedule: Schedule::default(),
            ledger: Ledger::new(self.instances),
            desired: self.instances,
            announced: self.instances,
            target: VersionId::OLD,
            replaced: VersionId::OLD,
            completed: VersionId::OLD,
            rollout: RolloutState::Completed,
            failures: Failures::default(),
            throttle: Throttle::default(),
            alarm: AlarmWatch::default(),
            steady_since: None,
            teller: Teller::saying(Said::Completed),
        }
    }

    fn command(&self, state: &mut State, command: Command, now: Time) {
        match command {
            Command::Begin => {
                state.schedule.begin(now);
                state.deploy(VersionId::NEW);
            }
            Command::Rollback => state.go_back(VersionId::OLD),
            Command::Operate(operation) => state.operate(operation),
        }
    }

    fn next_operation(&self, state: &State) -> Option<Time> {
        state.schedule.next(&self.settings.operations)
    }

    fn reconcile(
        &self,
        state: &mut State,
        _: Controller,
        now: Time,
        view: &View<'_>,
        _: Draws,
        decision: &mut Decision,
    ) {
        state.ledger.observe(view);
        self.mark(state, now, view, decision);
        if !state.schedule.has_begun() {
            return;
        }
        let operations = &self.settings.operations;
        while let Some(operation) = state.schedule.take_or_wake(operations, now, decision) {
            state.operate(operation);
        }
        if let Some(rollback) = self.fails(state, now, view, decision) {
            state.fail(&rollback, decision);
        }
        state.teller.tell_undone(decision);
        if state.rollout != RolloutState::Failed {
            self.schedule_tasks(state, now, view, decision);
        }
        self.report(state, now, view, decision);
    }

    /// In each wave what lies between floor and ceiling is exchanged.
    fn budget(&self) -> Budget {
        let instances = self.instances;
        let (low, most) = (self.low(instances), self.most(instances));
        let by_room = self.settings.room.is_some_and(|room| room < self.high(instances));
        let width = most.saturating_sub(low).max(1);
        let wait = match self.settings.health {
            TaskHealth::Checked => Span::ZERO,
            TaskHealth::Running => RUNNING_FOR,
        };
        Budget {
            instances,
            out: instances - low,
            above: most.saturating_sub(instances),
            rounds: instances.div_ceil(width),
            wait,
            out_key: "strategy.ecs.minimum_healthy_percent",
            above_key: if by_room { "strategy.ecs.room" } else { "strategy.ecs.maximum_percent" },
        }
    }
}
