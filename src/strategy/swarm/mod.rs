//! Docker Swarm: an updater with workers, a restart supervisor, an orchestrator that reconciles.
//!
//! # Source
//! Swarmkit as in Docker Engine 20.10: `manager/orchestrator/update/updater.go`,
//! `restart/restart.go`, `replicated/services.go` and `slot.go`; held against 48 recorded
//! updates of a single-node swarm.
//!
//! # Rules
//! 1. A service has as many *slots* as replicas. An update hands the slots whose task is not of
//!    the wanted version, in random order, to `parallelism` workers: a sliding window, no batches.
//! 2. Stop-first: a worker tells the old task to stop and makes the new one at once. The new one
//!    is prepared meanwhile and starts when the old one has ended, or after 60 s.
//! 3. Start-first: the new task starts at once. When it runs the old one is told to stop, and
//!    nobody waits for that.
//! 4. A worker is free again `delay` after its new task ran, or failed. It also rests after its
//!    last slot.
//! 5. A failure counts if the updater made the task, once a task, and if it ended before it ran
//!    or no longer than `monitor` after (measured when the failure is looked at, not when it
//!    happened; nobody looks between the last slot's handing out and the last worker's rest).
//! 6. The action follows when failures / slots > `max_failure_ratio`, strictly and in single
//!    precision. Pause: no more slots are handed out, workers finish theirs. Rollback: the
//!    service goes back to its previous specification, with the rollback's own settings. A
//!    rollback that fails is paused, never rolled back.
//! 7. The update is completed `monitor` after the last worker's rest; with `delay` >= `monitor`
//!    it is `delay` + 1 s.
//!
//! A task that ends by itself is followed by another in its slot, of the version that the service
//! wants by then, after `restart_delay`; such a task never counts as a failure of the update.
//! Whenever the service or its update's state changes, all slots are looked at again: those with
//! two tasks, or one of another version, are updated once more, even after the end.
//!
//! # Settings and defaults
//! In Docker's words: `parallelism` 1, `delay` 0, `order` stop-first, `monitor` 5s,
//! `max_failure_ratio` 0, `failure_action` pause, the same with `rollback_` before them, and
//! `restart_condition` any, `restart_delay` 5s, `restart_max_attempts` without end. The health
//! check is the scenario's `[probes]`: there is none unless that table is written (or says
//! `enabled = false`); its first run is one `period` after the start. `stop_grace_period` is
//! `shutdown.grace`, 10 s from SIGTERM. `shutdown.pre_stop` is the engine's own way to SIGTERM:
//! 1.2 s; write 3.2s for services on an overlay network (2 s more for gossip). `docker service
//! scale`, `update` and `rollback` in mid-update are `operations`: `scale`, `set` (or `do =
//! "rollover"`), `do = "undo"`; `do = "resume"` is the same update once more.
//!
//! # Known surprises
//! 1. Start-first without a health check protects nobody: a process that exits at once has run,
//!    and that is enough to stop the good old task.
//! 2. A failed and rolled-back update can say "completed" in the end: slots that still hold two
//!    tasks are updated once more, and that overwrites the state.
//! 3. Good old tasks may be stopped after the end: in a slot with a good old task and a waiting
//!    replacement of the new version the replacement is the valid one.
//! 4. "Completed" says nothing about health.
//! 5. A container that is stopped because it is unhealthy may look complete, not failed.
//! 6. A pause does not stop the bad version: its failed tasks are started again for ever.
//! 7. One slot too many: with `delay` 0 the next slot may be taken before a failure is known.
//! 8. Start-first is not bounded by `parallelism`: old tasks that take long to stop add up.
//! 9. `max_failure_ratio` 1.0 never triggers.
//! 10. Nothing times out: an update whose task cannot be placed goes on for ever.
//! 11. `delay` >= `monitor` prolongs the end, not the time in which failures count.
//! 12. A health check stricter than the start kills a good version.
//! 13. A missing image with stop-first costs no capacity: the rollback's task runs before the old
//!     one gets SIGTERM.
//! 14. An old task that is killed during the update comes back as the new version; its slot
//!     still costs one `delay`.
//! 15. Without a change of the tasks' specification there is no update at all; the same update
//!     once more resumes a paused one.
//! 16. A second update takes over at once and leaves slots in hand as they are. A change of the
//!     number of replicas is one, too: it makes the present version the previous one, and a
//!     rollback after it rolls nothing back.
//! 17. A paused rollback leaves the crash loop of the old version alone, too.
//! 18. Equal updates differ by several percent.
//!
//! # Where we depart
//! - What happens in the same instant in the source (a failure noticed by a worker, by the
//!   updater and by the restart supervisor) is ordered by the toss of a coin, once a task.
//! - The pass after the end always finds the updater gone; in the source it may come too early
//!   and leave two tasks in a slot.
//! - A task that ran and ended between two looks counts as one that never ran.
//! - Exit codes are not known: `restart_condition = "on-failure"` starts again after every end.
//! - Scaling down keeps running tasks, spread over hosts, and then the lowest slots.
//! - Global services are not modelled.

mod coins;
mod delays;
mod pass;
mod restart;
mod service;
mod tasks;
#[cfg(test)]
mod tests;
mod updater;
mod worker;

use serde::{Deserialize, Serialize};

use super::{Budget, Command, Controller, Decision, Draws, Rules, View};
use crate::scenario::settings::{self, Order};
use crate::trace::{Moment, Said, VersionId};
use crate::units::Time;
use coins::Coins;
use delays::Delays;
use restart::History;
use service::{Service, Status};
use tasks::Tasks;
use updater::Run;

/// Docker Swarm with its settings.
#[derive(Debug, Clone)]
pub struct Swarm {
    settings: settings::Swarm,
    replicas: u32,
}

/// What the managers remember.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The specification and the state of its update.
    service: Service,
    /// All tasks that are not history.
    tasks: Tasks,
    /// Tasks that wait for leave to start.
    delays: Delays,
    /// Restarts by slot.
    history: History,
    /// The updater at work.
    run: Option<Run>,
    /// When the update was handed over; operations count from here.
    begun: Option<Time>,
    /// Operations carried out.
    operated: usize,
    /// Updaters made so far: each has its own order of slots.
    runs: u32,
    /// The first failure has been told.
    detected: bool,
    /// Told since the last decision.
    moments: Vec<Moment>,
    /// What was said last.
    said: Option<Said>,
    /// Replicas as told last.
    desired: u32,
}

/// What one look has at hand.
struct Look<'a> {
    now: Time,
    settings: &'a settings::Swarm,
    coins: Coins,
}

impl Swarm {
    /// From checked settings and the number of replicas.
    pub fn new(settings: settings::Swarm, replicas: u32) -> Self {
        Self { settings, replicas }
    }

    /// When the next operation is due.
    fn next_due(&self, state: &State) -> Option<Time> {
        let (after, _) = self.settings.operations.get(state.operated)?;
        state.begun.map(|begun| begun + *after)
    }

    /// Carries out operations that are due.
    fn operate(&self, state: &mut State, now: Time) {
        let Some(begun) = state.begun else { return };
        while let Some((after, operation)) = self.settings.operations.get(state.operated)
            && now >= begun + *after
        {
            state.operated += 1;
            state.tell(Command::Operate(*operation));
        }
    }
}

impl State {
    fn tell(&mut self, command: Command) {
        if self.service.command(command) {
            self.moments.push(Moment::RollbackDecided);
        }
    }

    /// Lets everybody act until nothing changes any more at this instant.
    fn settle(&mut self, look: &Look<'_>) {
        let ended = self.tasks.take_ended();
        let (first, last): (Vec<u32>, Vec<u32>) =
            ended.iter().partition(|task| look.coins.restarts_first(**task));
        for task in first {
            self.restart(task, look);
        }
        self.run_notices(&ended);
        loop {
            self.delays.step(&mut self.tasks, look.now);
            let moved = self.run_step(look);
            if self.service.take_changed() {
                self.pass(look);
            } else if !moved {
                break;
            }
        }
        for task in last {
            self.restart(task, look);
        }
        self.restart_late(look);
        self.delays.step(&mut self.tasks, look.now);
    }

    /// The next time at which something is due.
    fn next(&self, now: Time) -> Option<Time> {
        let run = self.run.as_ref().and_then(|run| run.next(now));
        [run, self.delays.next(now)].into_iter().flatten().min()
    }

    fn report(&mut self, decision: &mut Decision) {
        decision.moments.append(&mut self.moments);
        if self.service.spec.replicas != self.desired {
            self.desired = self.service.spec.replicas;
            decision.desired = Some(self.desired);
        }
        let said = match self.service.status {
            Status::None => return,
            Status::Updating => Said::Progressing,
            Status::Paused => Said::Paused,
            Status::Completed => Said::Completed,
            Status::RollbackStarted => Said::RollingBack,
            Status::RollbackPaused => Said::RollbackPaused,
            Status::RollbackCompleted => Said::RolledBack,
        };
        if self.said != Some(said) {
            self.said = Some(said);
            decision.said = Some(said);
        }
    }
}

impl Rules for Swarm {
    type State = State;

    const CONTROLLERS: &'static [&'static str] = &["manager"];

    fn initial(&self) -> State {
        State {
            service: Service::new(self.replicas),
            tasks: Tasks::new(self.replicas),
            delays: Delays::default(),
            history: History::default(),
            run: None,
            begun: None,
            operated: 0,
            runs: 0,
            detected: false,
            moments: Vec::new(),
            said: None,
            desired: self.replicas,
        }
    }

    fn command(&self, state: &mut State, command: Command, now: Time) {
        if command == Command::Begin {
            state.begun = Some(now);
        }
        state.tell(command);
    }

    fn next_operation(&self, state: &State) -> Option<Time> {
        let operation = self.next_due(state);
        // An updater at work after the end overwrites what was said.
        let run = state.run.as_ref().and_then(Run::ends_after);
        [operation, run].into_iter().flatten().min()
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
        state.tasks.observe(view);
        self.operate(state, now);
        let look = Look { now, settings: &self.settings, coins: Coins::new(draws) };
        state.settle(&look);
        state.tasks.act(view, decision);
        state.tasks.forget(|task| state.delays.waits_for(task));
        for at in [state.next(now), self.next_due(state)].into_iter().flatten() {
            decision.wake(at);
        }
        state.report(decision);
    }

    /// A window of `parallelism` slots.
    fn budget(&self) -> Budget {
        let instances = self.replicas;
        let update = &self.settings.update;
        let window = match update.parallelism {
            0 => instances,
            parallelism => parallelism.min(instances),
        };
        let stop_first = update.order == Order::StopFirst;
        Budget {
            instances,
            out: if stop_first { window } else { 0 },
            above: if stop_first { 0 } else { window },
            rounds: instances.div_ceil(window.max(1)),
            wait: update.delay,
            out_key: "strategy.swarm.parallelism",
            above_key: "strategy.swarm.parallelism",
        }
    }
}

/// What the service shall run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Spec {
    version: VersionId,
    replicas: u32,
}
