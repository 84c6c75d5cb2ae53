//! A monitored upgrade of a Service Fabric application: one upgrade domain after the other, each
//! watched by clocks that start again whenever health flips.
//!
//! # Source
//! The public C++ source of Service Fabric (the cluster manager's `RollingUpgradeMonitoringPolicy`
//! and the health checks of its upgrade contexts, `ManagementConfig.h`) and its documentation.
//!
//! # Rules
//! - An instance is in the upgrade domain of its place modulo `upgrade_domains`. Domains are taken
//!   in ascending order, on the way back in descending order. All instances of a domain are
//!   stopped, and each place is filled with the new version when it is empty.
//! - A domain is taken when that is safe: the larger of `min_instance_count` and
//!   `min_instance_percentage` (rounded up) are up outside of it, as far as there are so many
//!   outside; or when `upgrade_replica_set_check_timeout` is over.
//! - When all new instances of the domain are placed, it is upgraded. After `health_check_wait`
//!   its health is evaluated, then every `health_check_interval`; nothing is noticed in between.
//! - Healthy: at most `max_percent_unhealthy_deployed_applications` of the upgraded instances, and
//!   at most `max_percent_unhealthy_replicas_per_partition` of all instances, are not up (each
//!   rounded up, so that a percentage above zero tolerates one); and the new version's share of
//!   errors is not above `watchdog`.
//! - The elapsed time starts at the end of the wait. Every flip between healthy and unhealthy sets
//!   it back to zero. Healthy for `health_check_stable`: the next domain, or after the last one the
//!   end. Unhealthy for `health_check_retry_timeout`: failure.
//! - A domain longer than `upgrade_domain_timeout`, or an upgrade longer than `upgrade_timeout`, is
//!   a failure.
//! - Failure, `Manual`: the upgrade stops where it is. `resume` goes on, monitored, with fresh
//!   clocks; `promote` moves to the next domain and stops again behind it.
//! - Failure, `Rollback`: domain by domain back to the old version, without health monitoring and
//!   without a further way back. A domain is done when its instances are up, have failed, or have
//!   had 1200 s.
//! - The clocks are part of the state, so a manager that fails over goes on where it was.
//!
//! # Settings and defaults
//! The defaults are the code's (the examples of the documentation use `Rollback`). Around it:
//! readiness is known at once (nobody probes), restarts without limit, 10 s apart at first.
//!
//! # Known surprises
//! - With the defaults a domain takes at least two minutes, and one that starts slower than
//!   `health_check_wait` is first seen unhealthy: the flip costs up to another interval.
//! - Flapping health never ends: neither clock runs out. Only the two timeouts do, and they are
//!   infinite.
//! - A rollback does not look at health: it takes domain after domain even if nothing comes up.
//!
//! # Where we depart
//! - The application is one stateless service with one partition; an instance stands for its
//!   replica, its deployed application and its node.
//! - The source promises no order of domains; we take the lowest, and on the way back the highest,
//!   which is the one that failed.
//! - When a domain counts as upgraded is decided on the nodes; we take "placed" on the way forward,
//!   because a process that crashes at its start is found by the health check, not before.
//! - Flips between two evaluations are not seen; nor are they there. Evaluation itself takes no
//!   time.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::domains;
use super::flips::Flips;
use super::in_place::{Exchange, Places};
use super::verdict::Teller;
use super::{Budget, Command, Controller, Decision, Draws, Rules, View};
use crate::scenario::settings::{self, FailureAction, Operation};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{CountOrPercent, Rounding, Span, Time};

/// `UpgradeReplicaSetCheckTimeout` during a rollback.
const ROLLBACK_CHECK: Span = Span::from_secs(1200);

/// The rules with their settings.
#[derive(Debug, Clone)]
pub struct ServiceFabric {
    settings: settings::ServiceFabric,
    instances: u32,
}

/// Where the upgrade is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    target: VersionId,
    step: Step,
    places: Places,
    /// Domains taken.
    taken: u32,
    /// When the upgrade, and the present domain, began.
    began: Time,
    domain_began: Time,
    /// Waits for an operator.
    manual: bool,
    /// An operator moves one domain without monitoring.
    moving: bool,
    teller: Teller,
}

/// What the upgrade is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Step {
    /// No upgrade so far.
    Idle,
    /// The next domain is looked for.
    Next,
    /// This domain waits until it is safe to take.
    Safety(u32),
    /// This domain is being upgraded, since then.
    Upgrading(u32, Time),
    /// Its health is watched: the clock and the next evaluation.
    Watching(Flips, Time),
    /// All domains are upgraded.
    Done,
}

impl ServiceFabric {
    /// From checked settings and the number of instances.
    pub fn new(settings: settings::ServiceFabric, instances: u32) -> Self {
        Self { settings, instances }
    }

    /// Goes on as far as it can now.
    fn advance(&self, state: &mut State, now: Time, view: &View<'_>, decision: &mut Decision) {
        if self.is_late(state, now, decision) {
            self.fail(state, now, decision);
        }
        loop {
            let before = state.step;
            match state.step {
                Step::Idle | Step::Done => return,
                Step::Next => self.next(state, now),
                Step::Safety(domain) => self.take(state, domain, now, view, decision),
                Step::Upgrading(domain, since) => {
                    self.complete(state, domain, since, now, view, decision);
                }
                Step::Watching(clock, at) => self.watch(state, clock, at, now, view, decision),
            }
            // A move, or nothing more to do now. Evaluations only change the clock.
            if state.manual
                || std::mem::discriminant(&state.step) == std::mem::discriminant(&before)
            {
                return;
            }
        }
    }

    /// Whether one of the two timeouts is over.
    fn is_late(&self, state: &State, now: Time, decision: &mut Decision) -> bool {
        let forward = state.target == VersionId::NEW;
        let runs = !matches!(state.step, Step::Idle | Step::Done) && !state.manual && !state.moving;
        if !forward || !runs {
            return false;
        }
        let of_domain = match state.step {
            Step::Next => Time::NEVER,
            _ => state.domain_began + self.settings.upgrade_domain_timeout,
        };
        let due = of_domain.min(state.began + self.settings.upgrade_timeout);
        wake(decision, due, now);
        now >= due
    }

    fn next(&self, state: &mut State, now: Time) {
        let is_open = |slot: u32| state.places.goal(slot) != state.target;
        let domains = self.settings.upgrade_domains;
        let domain = if state.target == VersionId::NEW {
            domains::next(self.instances, domains, is_open)
        } else {
            domains::last(self.instances, domains, is_open)
        };
        state.step = domain.map_or(Step::Done, Step::Safety);
        state.domain_began = now;
    }

    /// Takes the domain if enough instances are up outside of it.
    fn take(
        &self,
        state: &mut State,
        domain: u32,
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) {
        let domains = self.settings.upgrade_domains;
        let outside = |slot: u32| slot % domains != domain;
        let up = view.instances.iter().filter(|i| i.phase.is_ready() && outside(i.slot)).count();
        let size = domains::members(self.instances, domains, domain).count() as u32;
        let share = f64::from(self.settings.min_instance_percentage);
        let share = CountOrPercent::Percent(share).of(self.instances, Rounding::Up);
        let needed = share.max(self.settings.min_instance_count).min(self.instances - size);
        let forward = state.target == VersionId::NEW;
        let patience =
            if forward { self.settings.upgrade_replica_set_check_timeout } else { ROLLBACK_CHECK };
        let until = state.domain_began + patience;
        if (up as u32) < needed && now < until {
            return wake(decision, until, now);
        }
        for slot in domains::members(self.instances, domains, domain) {
            state.places.set(slot, state.target);
        }
        state.taken += 1;
        decision.moments.push(Moment::Batch(state.taken));
        state.step = Step::Upgrading(domain, now);
    }

    /// Forward a domain is upgraded when its instances are placed; on the way back, where nobody
    /// watches, when they are up.
    fn complete(
        &self,
        state: &mut State,
        domain: u32,
        since: Time,
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) {
        let forward = state.target == VersionId::NEW;
        let occupants = state.places.occupants(view);
        let is_there = |slot: u32| {
            occupants[slot as usize].is_some_and(|i| match i.phase {
                Phase::Ready | Phase::Available | Phase::Failed => true,
                Phase::Starting => forward,
                Phase::Pending | Phase::Draining | Phase::Stopped | Phase::Lost => false,
            })
        };
        let domains = self.settings.upgrade_domains;
        let complete = domains::members(self.instances, domains, domain).all(is_there);
        let until = since + ROLLBACK_CHECK;
        if !complete && (forward || now < until) {
            if !forward {
                wake(decision, until, now);
            }
            return;
        }
        if !forward {
            state.step = Step::Next;
        } else if std::mem::take(&mut state.moving) {
            state.step = Step::Next;
            let is_open = |slot: u32| state.places.goal(slot) != state.target;
            state.manual = (0..self.instances).any(is_open);
        } else {
            let start = now + self.settings.health_check_wait;
            state.step = Step::Watching(Flips::from(start), start);
        }
    }

    /// Evaluates the health when it is time, and draws the conclusion.
    fn watch(
        &self,
        state: &mut State,
        mut clock: Flips,
        at: Time,
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) {
        if now < at {
            return decision.wake(at);
        }
        clock.note(self.is_healthy(state, view), now);
        if now >= clock.due(true, self.settings.health_check_stable) {
            state.step = Step::Next;
        } else if now >= clock.due(false, self.settings.health_check_retry_timeout) {
            self.fail(state, now, decision);
        } else {
            let next = now + self.settings.health_check_interval;
            state.step = Step::Watching(clock, next);
            decision.wake(next);
        }
    }

    fn is_healthy(&self, state: &State, view: &View<'_>) -> bool {
        let occupants = state.places.occupants(view);
        let is_sick = |slot: &u32| !occupants[*slot as usize].is_some_and(|i| i.phase.is_ready());
        let upgraded = state.places.of(state.target).count() as u32;
        let sick = state.places.of(state.target).filter(is_sick).count() as u32;
        let all_sick = (0..self.instances).filter(is_sick).count() as u32;
        // The computation rounds up, so that few instances tolerate one.
        let tolerated = |percent: u32, of: u32| {
            CountOrPercent::Percent(f64::from(percent)).of(of, Rounding::Up)
        };
        let applications = self.settings.max_percent_unhealthy_deployed_applications;
        let replicas = self.settings.max_percent_unhealthy_replicas_per_partition;
        let barks = self.settings.watchdog.is_some_and(|limit| view.errors[1] > limit.0);
        sick <= tolerated(applications, upgraded)
            && all_sick <= tolerated(replicas, self.instances)
            && !barks
    }

    fn fail(&self, state: &mut State, now: Time, decision: &mut Decision) {
        state.teller.detect(decision);
        match self.settings.failure_action {
            FailureAction::Manual => state.manual = true,
            FailureAction::Rollback => {
                decision.moments.push(Moment::RollbackDecided);
                state.begin(VersionId::OLD, now);
            }
        }
    }
}

impl State {
    fn begin(&mut self, target: VersionId, now: Time) {
        self.target = target;
        self.step = Step::Next;
        self.began = now;
        self.domain_began = now;
        self.manual = false;
        self.moving = false;
    }

    /// Goes on, monitored, with fresh clocks.
    fn resume(&mut self, now: Time) {
        if !std::mem::take(&mut self.manual) {
            return;
        }
        self.began = now;
        self.domain_began = now;
        if let Step::Watching(clock, at) = &mut self.step {
            (*clock, *at) = (Flips::from(now), now);
        }
    }

    /// Moves on by one domain, unmonitored.
    fn promote(&mut self) {
        if !std::mem::take(&mut self.manual) {
            return;
        }
        self.moving = true;
        if matches!(self.step, Step::Watching(..)) {
            self.step = Step::Next;
        }
    }

    fn report(&mut self, decision: &mut Decision) {
        let forward = self.target == VersionId::NEW;
        let said = match (self.step, self.manual, forward) {
            (Step::Idle, ..) => return,
            (Step::Done, _, true) => Said::Completed,
            (Step::Done, _, false) => Said::RolledBack,
            (_, true, true) => Said::Paused,
            (_, true, false) => Said::RollbackPaused,
            (_, false, true) => Said::Progressing,
            (_, false, false) => Said::RollingBack,
        };
        self.teller.say(said, decision);
    }
}

fn wake(decision: &mut Decision, at: Time, now: Time) {
    if at > now && at != Time::NEVER {
        decision.wake(at);
    }
}

impl Rules for ServiceFabric {
    type State = State;

    const CONTROLLERS: &'static [&'static str] = &["cluster-manager"];

    fn initial(&self) -> State {
        State {
            target: VersionId::OLD,
            step: Step::Idle,
            places: Places::new(self.instances),
            taken: 0,
            began: Time::ZERO,
            domain_began: Time::ZERO,
            manual: false,
            moving: false,
            teller: Teller::new(),
        }
    }

    fn command(&self, state: &mut State, command: Command, now: Time) {
        match command {
            Command::Begin => state.begin(VersionId::NEW, now),
            Command::Rollback => state.begin(VersionId::OLD, now),
            Command::Operate(Operation::Undo | Operation::Abort) => {
                state.teller.undo(state.target, VersionId::OLD);
                state.begin(VersionId::OLD, now);
            }
            Command::Operate(Operation::Pause) => state.manual = true,
            Command::Operate(Operation::Resume) => state.resume(now),
            Command::Operate(Operation::Promote) => state.promote(),
            Command::Operate(
                Operation::Scale(_)
                | Operation::Rollover
                | Operation::Set(_)
                | Operation::Partition(_),
            ) => {}
        }
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
        decision.mark_ready(view);
        state.places.observe(view);
        state.teller.tell_undone(decision);
        if !state.manual {
            self.advance(state, now, view, decision);
        }
        state.places.tend(view, Exchange::InPlace, decision);
        state.report(decision);
    }

    fn budget(&self) -> Budget {
        let (instances, domains) = (self.instances, self.settings.upgrade_domains);
        // An instance that may be unhealthy need not have started.
        let strict = self.settings.max_percent_unhealthy_deployed_applications == 0
            || self.settings.max_percent_unhealthy_replicas_per_partition == 0;
        Budget {
            instances,
            out: domains::largest(instances, domains),
            above: 0,
            rounds: if strict { domains.min(instances) } else { 1 },
            wait: self.settings.health_check_stable,
            out_key: "strategy.service_fabric.upgrade_domains",
            above_key: "strategy.service_fabric.upgrade_domains",
        }
    }
}
