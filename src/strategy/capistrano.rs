//! Capistrano: a restart over SSH, on all servers at once, in groups or one by one.
//!
//! # Source
//! capistrano/capistrano `72fa723`: `tasks/{deploy,framework}.rake`, `defaults.rb`, documentation;
//! capistrano/sshkit: `runners/{parallel,group,sequential}.rb`.
//!
//! # Rules
//! - Everything before the restart (a release directory, the `current` link) changes no process and
//!   takes no time here. The restart is the user's task; its `in` says how servers are taken:
//!   `parallel` all at once, `groups` so many at once as `limit` says, `sequence` one by one.
//! - A restart stops the old process and, once it is gone, starts the new one in the same place.
//!   The command returns `restart_time` after that. It looks at no health check: a process that is
//!   not ready by then is fine, one that has ended by then is a failure.
//! - When the command has returned on all servers of a group, `wait` is waited, then the next group
//!   begins. There is no wait after the last group: the deploy is completed.
//! - The first server that fails, or cannot be reached, ends the run: no further server is begun.
//! - Nothing is rolled back by itself. A rollback from outside (`deploy:rollback`) ends the run at
//!   once, points the link back, and restarts all servers the same way.
//!
//! # Settings and defaults
//! `in` (parallel), `limit` (2), `wait` (2 s, SSHKit's own default), `restart_time` (1 s). The
//! world's defaults are a balancer that finds out by its own checks (`inter 2s rise 2 fall 3`), and
//! systemd's 90 s before SIGKILL.
//!
//! # Known surprises
//! - It completes while nobody may be ready yet: `wait` is the only thing between one group's start
//!   and the next group's stop.
//! - Nobody tells the balancer: until its checks have failed often enough, it sends requests to
//!   servers that restart.
//! - After a failure part of the fleet runs the new version and part the old one, but on disk
//!   `current` points to the new one everywhere: a server that restarts later changes version.
//!
//! # Where we depart
//! - `restart_time` is our key: what `systemctl restart`, or whatever the task calls, needs.
//! - A restart that was begun goes on when the run is aborted, as the service manager's does.
//! - Servers that restart later by themselves keep their version.
//! - Pausing, scaling, partitions and further versions are not Capistrano's; they are ignored.

#[cfg(test)]
mod tests;

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::errand::Errand;
use super::seats::{Places, Seat};
use super::verdict::{Standing, Teller};
use super::{Budget, Command, Controller, Decision, Draws, Rules, View, batches};
use crate::scenario::settings::{self, Runner};
use crate::trace::{Moment, Phase, VersionId};
use crate::units::{Span, Time};

/// Capistrano with its settings.
#[derive(Debug, Clone)]
pub struct Capistrano {
    settings: settings::Capistrano,
    instances: u32,
    groups: Vec<Range<usize>>,
    wait: Span,
}

/// Where the run is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// What servers are restarted into.
    errand: Errand,
    places: Places,
    run: Option<Run>,
    teller: Teller,
}

/// A run of the restart task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    /// Index of the group.
    group: usize,
    /// Its servers, in order.
    work: Vec<Work>,
    /// Its servers are through; the next group begins then.
    waiting_until: Option<Time>,
    standing: Standing,
}

/// A server in its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Work {
    /// The old process runs or stops.
    Stopping,
    /// The new process was started.
    Starting,
    /// The command has returned.
    Done,
    /// The command has failed.
    Failed,
}

impl Capistrano {
    /// From checked settings and the number of servers.
    pub fn new(settings: settings::Capistrano, instances: u32) -> Self {
        let (limit, wait) = match settings.runner {
            Runner::Parallel => (0, Span::ZERO),
            Runner::Groups { limit, wait } => (limit, wait),
            Runner::Sequence { wait } => (1, wait),
        };
        let groups = batches::cut(instances, |_| limit);
        Self { settings, instances, groups, wait }
    }

    fn open_group(&self, group: usize, state: &mut State, decision: &mut Decision) {
        let work = vec![Work::Stopping; self.groups[group].len()];
        state.run = Some(Run { group, work, waiting_until: None, standing: Standing::Running });
        decision.moments.push(Moment::Batch(group as u32 + 1));
    }

    /// Goes on as far as possible.
    fn go_on(
        &self,
        state: &mut State,
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) -> Standing {
        loop {
            let Some(run) = &mut state.run else { return Standing::Done };
            let first = self.groups[run.group].start as u32;
            for (work, server) in run.work.iter_mut().zip(first..) {
                let places = &mut state.places;
                *work =
                    self.server(*work, server, places, state.errand.target, now, view, decision);
            }
            if run.work.contains(&Work::Failed) && run.standing == Standing::Running {
                run.standing = Standing::Failed;
                tell_failures(run, first, &state.places, &mut state.teller, decision);
            }
            let through = run.work.iter().all(|work| *work == Work::Done);
            if !through || run.standing != Standing::Running {
                return run.standing;
            }
            let group = run.group + 1;
            if group == self.groups.len() {
                run.standing = Standing::Done;
                return Standing::Done;
            }
            let until = *run.waiting_until.get_or_insert(now + self.wait);
            if now < until {
                decision.wake(until);
                return Standing::Running;
            }
            self.open_group(group, state, decision);
        }
    }

    #[allow(clippy::too_many_arguments, reason = "a server is worked on with all of it")]
    fn server(
        &self,
        mut work: Work,
        server: u32,
        places: &mut Places,
        target: VersionId,
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) -> Work {
        if work == Work::Stopping {
            match places.get(server).main {
                Seat::Taken(_) => places.stop(server, decision),
                Seat::Awaited | Seat::Leaving(_) => {}
                Seat::Empty => {
                    places.start(server, target, decision);
                    work = Work::Starting;
                }
                Seat::Lost => work = Work::Failed,
            }
        }
        if work != Work::Starting {
            return work;
        }
        let seat = places.get(server).main;
        let Some(i) = seat.instance(view) else {
            return if seat == Seat::Awaited { work } else { Work::Failed };
        };
        let returns = i.created + self.settings.restart_time;
        if i.phase == Phase::Failed {
            Work::Failed
        } else if now < returns {
            decision.wake(returns);
            work
        } else {
            Work::Done
        }
    }
}

fn tell_failures(
    run: &Run,
    first: u32,
    places: &Places,
    teller: &mut Teller,
    decision: &mut Decision,
) {
    for (work, server) in run.work.iter().zip(first..) {
        match places.get(server).main {
            Seat::Taken(id) | Seat::Leaving(id) if *work == Work::Failed => {
                teller.failure(id, decision);
            }
            _ => {}
        }
    }
    teller.detect(decision);
}

impl Rules for Capistrano {
    type State = State;

    const CONTROLLERS: &'static [&'static str] = &["cap"];

    fn initial(&self) -> State {
        State {
            errand: Errand::new(),
            places: Places::new(self.instances),
            run: None,
            teller: Teller::new(),
        }
    }

    fn command(&self, state: &mut State, command: Command, _: Time) {
        let running = state.run.as_ref().is_some_and(|run| run.standing == Standing::Running);
        state.errand.command(command, running, &mut state.teller);
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
        if state.errand.begins() {
            self.open_group(0, state, decision);
        }
        if state.run.is_none() {
            return;
        }
        let standing = self.go_on(state, now, view, decision);
        state.teller.tell(state.errand.target, standing, decision);
    }

    /// A group at a time at least; nothing is waited for that depends on a start.
    fn budget(&self) -> Budget {
        Budget {
            instances: self.instances,
            out: batches::largest(&self.groups),
            above: 0,
            rounds: 0,
            wait: self.wait,
            out_key: "strategy.capistrano.limit",
            above_key: "strategy.capistrano.limit",
        }
    }
}
