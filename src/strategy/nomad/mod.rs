//! HashiCorp Nomad: deployments of one task group of a service job.
//!
//! # Source
//! Nomad's `scheduler/reconciler/reconcile_cluster.go` (`computeGroup`,
//! `computeUnderProvisionedBy`, `computeDestructiveUpdates`, `placeAllocs`, `computeCanaries`,
//! `cancelUnneededCanaries`, `computeStop`, `isDeploymentComplete`),
//! `nomad/deploymentwatcher/deployment_watcher.go`, `client/allochealth/tracker.go`,
//! `client/allocwatcher` and `nomad/structs/structs.go`, as of 2026-08.
//!
//! # Rules
//! - A window, not batches: as many old allocations are replaced as `max_parallel` leaves when
//!   those of the deployment that are not yet healthy are taken off. One unhealthy allocation
//!   freezes the group. Lowest name (index) first.
//! - Stop first: the replacement has the same name and waits, wherever it is, until its
//!   predecessor has ended.
//! - Healthy: ready (its checks pass) without a break for `min_healthy_time`. Unhealthy: failed
//!   for good, or not healthy `healthy_deadline` after its predecessor ended. Both are final.
//! - Canaries are extra allocations of the new version with names of old ones. Nothing else moves
//!   until they are promoted: by `auto_promote` when all are healthy, or by an operator. Then the
//!   old ones with their names stop at once, and the window goes on.
//! - The progress deadline begins with the first placement and moves to each time of health (and
//!   promotion) plus `progress_deadline`. When it passes the deployment fails, unless its
//!   canaries are healthy and wait for promotion. With 0 the first unhealthy allocation fails it.
//! - Failed allocations are replaced after the reschedule delay, which doubles each time; when
//!   attempts are used up the deployment fails. Those of a failed deployment are not replaced.
//! - A failed deployment stops its canaries unless promoted. With `auto_revert` the last stable
//!   version is submitted, if it is another one, as a new deployment with all of these rules,
//!   canaries included. Allocations that run it already stay and are judged anew.
//! - A version is stable once its deployment has succeeded.
//! - `max_parallel = 0`: no deployment, everything is replaced at once.
//! - The servers learn of health 250 ms later and evaluate the group 1 s after that; what else
//!   became known meanwhile is looked at together.
//! - Operations: `promote` (refused unless all canaries are healthy), `pause` and `resume`,
//!   `abort` (fail the deployment), `undo` (revert), `scale`, `set`, `rollover`. With
//!   `health_check = "manual"` `promote` also calls all ready allocations healthy.
//!
//! # Settings and defaults
//! One at a time, no canaries, 10 s to be healthy, 5 min for each allocation, 10 min for
//! progress, no revert; rescheduling after 30 s, doubling up to 1 h, without limit. Around it:
//! `kill_timeout` 5 s is `shutdown.grace`, `shutdown_delay` 0 s is `shutdown.pre_stop`, two
//! restarts 15 s apart are `[restart]`, a check every 10 s.
//!
//! # Known surprises
//! - Capacity falls by `max_parallel` for the time of stop, pull, start and `min_healthy_time`;
//!   only canaries come before something goes.
//! - `healthy_deadline` includes the pull of the image.
//! - An allocation that runs but never passes its checks is not replaced: the group stands still
//!   until the progress deadline.
//! - `auto_revert` after a promotion goes through canaries again, and waits for their promotion.
//! - Canaries that nobody promotes wait for ever.
//! - `min_healthy_time` does not keep requests away.
//!
//! # Where we depart
//! - `task_states` judges by readiness like `checks`: with `probes.enabled = false` that is the
//!   start of the process.
//! - The evaluation after a submission, a promotion or a failure is immediate; the 250 ms and the
//!   1 s are fixed, without the batching of many jobs.
//! - A predecessor's end is known on other clients 250 ms later, on whatever client it was.
//! - Allocations whose host is lost are placed again at once.
//! - Job versions differ in all allocations: an update in place happens only when one returns to
//!   the version that runs. System and batch jobs are left out, and drains.
//! - `[restart]` makes the first restart at once and the second after 15 s.

mod allocs;
mod client;
mod evaluate;
#[cfg(test)]
mod tests;
mod watcher;

use serde::{Deserialize, Serialize};

use super::ledger::Ledger;
use super::schedule::Schedule;
use super::verdict::Teller;
use super::{Budget, Command, Controller, Decision, Draws, Rules, View};
use crate::scenario::settings::{self, HealthCheck, Operation};
use crate::trace::{Said, VersionId};
use crate::units::{Span, Time};
use allocs::Alloc;

/// Updates of allocations reach the servers after this (`allocSyncIntvl` and the servers' batch).
const UPDATE_BATCH: Span = Span::from_millis(250);
/// Evaluations that follow health are batched (`perJobEvalBatchPeriod`).
const EVALUATION_BATCH: Span = Span::from_secs(1);

/// A task group with its settings.
#[derive(Debug, Clone)]
pub struct Nomad {
    settings: settings::Nomad,
    instances: u32,
}

/// What the servers know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    schedule: Schedule,
    ledger: Ledger,
    /// `count` of the group.
    desired: u32,
    announced: u32,
    /// Names below this were filled once.
    filled: u32,
    /// The job's version, and the last stable one.
    target: VersionId,
    stable: VersionId,
    /// Allocations that the servers want to run.
    allocs: Vec<Alloc>,
    /// The deployment, if the job's version has one.
    deployment: Option<Deployment>,
    /// Deployments so far.
    deployments: u32,
    /// The job's version was changed and has not been evaluated.
    submitted: bool,
    /// When the servers learn of what clients know, and when they evaluate; never if nothing
    /// waits.
    reported_at: Time,
    evaluated_at: Time,
    /// Somebody said that what is ready is healthy, and clients have not heard of it.
    vouched: bool,
    /// Somebody wants the canaries promoted when they are known to be healthy.
    promotion: bool,
    /// The version runs everywhere, without a deployment.
    settled: bool,
    teller: Teller,
}

/// A deployment of the job's version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Deployment {
    number: u32,
    status: Status,
    /// Canaries wanted; 0 if there was nothing to replace.
    canaries: u32,
    promoted: bool,
    /// It fails then.
    progress_by: Time,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Status {
    Running,
    Paused,
    Failed,
    Successful,
}

impl Deployment {
    fn is_active(&self) -> bool {
        matches!(self.status, Status::Running | Status::Paused)
    }

    /// Its canaries have not been promoted.
    fn is_canarying(&self) -> bool {
        self.canaries > 0 && !self.promoted
    }
}

impl Nomad {
    /// From checked settings and the number of instances.
    pub fn new(settings: settings::Nomad, instances: u32) -> Self {
        Self { settings, instances }
    }

    fn report(&self, state: &mut State, decision: &mut Decision) {
        let back = state.target == VersionId::OLD;
        let status = state.deployment.as_ref().map(|deployment| deployment.status);
        let done = status == Some(Status::Successful) || (status.is_none() && state.settled);
        let waits = status == Some(Status::Paused) || self.waits_for_a_person(state);
        let said = match (done, status == Some(Status::Failed), waits) {
            (true, _, _) => [Said::Completed, Said::RolledBack][usize::from(back)],
            (_, true, _) => Said::Failed,
            (_, _, true) => [Said::Paused, Said::RollbackPaused][usize::from(back)],
            (false, false, false) => [Said::Progressing, Said::RollingBack][usize::from(back)],
        };
        state.teller.say(said, decision);
        if state.desired != state.announced {
            state.announced = state.desired;
            decision.desired = Some(state.desired);
        }
    }

    /// Nothing happens any more without somebody who promotes, or who says what is healthy.
    fn waits_for_a_person(&self, state: &State) -> bool {
        let Some(deployment) = state.deployment.as_ref().filter(|d| d.status == Status::Running)
        else {
            return false;
        };
        let promotable = deployment.is_canarying() && state.canaries_are_healthy(deployment);
        let idle = state.reported_at == Time::NEVER && state.evaluated_at == Time::NEVER;
        let judged = self.settings.health_check == HealthCheck::Manual
            && self.settings.progress_deadline == Span::ZERO
            && state.of(deployment.number).all(Alloc::is_placed);
        promotable && !self.settings.auto_promote || judged && idle
    }
}

impl State {
    /// `nomad job run`, or `revert`, of this version.
    fn submit(&mut self, version: VersionId) {
        if version == self.target {
            return;
        }
        if version < self.target {
            self.teller.undo(self.target, version);
        }
        self.target = version;
        self.deployment = None;
        self.settled = false;
        self.promotion = false;
        self.submitted = true;
    }

    fn operate(&mut self, operation: Operation, rules: &Nomad, now: Time) {
        match operation {
            Operation::Scale(desired) => {
                self.desired = desired;
                self.evaluated_at = now;
            }
            Operation::Pause => self.set_status(Status::Running, Status::Paused),
            Operation::Resume => {
                self.set_status(Status::Paused, Status::Running);
                self.evaluated_at = now;
            }
            Operation::Promote => rules.promote_by_hand(self, now),
            Operation::Abort => rules.fail(self),
            Operation::Undo => self.submit(VersionId::OLD),
            Operation::Set(version) => self.submit(VersionId(version)),
            Operation::Rollover => self.submit(VersionId(self.target.0.max(1).saturating_add(1))),
            // A task group has none.
            Operation::Partition(_) => {}
        }
    }

    fn set_status(&mut self, from: Status, to: Status) {
        if let Some(deployment) = self.deployment.as_mut().filter(|d| d.status == from) {
            deployment.status = to;
        }
    }
}

impl Rules for Nomad {
    type State = State;

    const CONTROLLERS: &'static [&'static str] = &["nomad"];

    fn initial(&self) -> State {
        State {
            schedule: Schedule::default(),
            ledger: Ledger::new(self.instances),
            desired: self.instances,
            announced: self.instances,
            filled: self.instances,
            target: VersionId::OLD,
            stable: VersionId::OLD,
            allocs: (0..self.instances).map(Alloc::initial).collect(),
            deployment: None,
            deployments: 0,
            submitted: false,
            reported_at: Time::NEVER,
            evaluated_at: Time::NEVER,
            vouched: false,
            promotion: false,
            settled: true,
            teller: Teller::saying(Said::Completed),
        }
    }

    fn command(&self, state: &mut State, command: Command, now: Time) {
        match command {
            Command::Begin => {
                state.schedule.begin(now);
                state.submit(VersionId::NEW);
            }
            Command::Rollback => state.submit(VersionId::OLD),
            Command::Operate(operation) => state.operate(operation, self, now),
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
        while let Some(operation) = state.schedule.take(&self.settings.operations, now) {
            state.operate(operation, self, now);
        }
        self.look_at_clients(state, now, view, decision);
        if !state.schedule.has_begun() {
            return;
        }
        self.watch(state, now, decision);
        if state.submitted || state.evaluated_at <= now {
            state.evaluated_at = Time::NEVER;
            self.evaluate(state, now, view, decision);
        }
        state.settle(view);
        self.wake(state, now, decision);
        state.teller.tell_undone(decision);
        self.report(state, decision);
    }

    /// A window of `max_parallel`; what canaries replace goes when all of it is healthy.
    fn budget(&self) -> Budget {
        let (n, canary) = (self.instances, self.settings.canary);
        let window = if self.settings.max_parallel == 0 { n } else { self.settings.max_parallel };
        let left = n.saturating_sub(canary);
        Budget {
            instances: n,
            out: window.min(left),
            above: canary,
            rounds: left.div_ceil(window) + u32::from(canary > 0),
            wait: if self.settings.max_parallel == 0 {
                Span::ZERO
            } else {
                self.settings.min_healthy_time
            },
            out_key: "strategy.nomad.max_parallel",
            above_key: "strategy.nomad.canary",
        }
    }
}
