//! One deploy: group after group, host by host.

use serde::{Deserialize, Serialize};

use super::{Kamal, State};
use crate::strategy::seats::{Places, Seat};
use crate::strategy::verdict::{Standing, Teller};
use crate::strategy::{Decision, View};
use crate::trace::{Moment, Phase, VersionId};
use crate::units::Time;

/// A run of `kamal deploy` or `kamal rollback`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Deploy {
    /// Index of the group.
    group: usize,
    /// Its hosts, in order.
    work: Vec<Work>,
    barrier: Barrier,
    /// Its hosts are through; the next group begins then.
    waiting_until: Option<Time>,
    standing: Standing,
}

/// Where hosts of other roles wait for the primary one. What happens first counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Barrier {
    Undecided,
    Open,
    Closed,
}

/// A host in its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Work {
    /// Nothing was started.
    Todo,
    /// The new container is not healthy yet.
    Booting,
    /// The old container drains and stops.
    Replacing,
    /// The failed new container stops.
    Clearing,
    Done,
    Failed,
}

impl Deploy {
    pub(super) fn new() -> Self {
        Self {
            group: 0,
            work: Vec::new(),
            barrier: Barrier::Undecided,
            waiting_until: None,
            standing: Standing::Running,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.standing == Standing::Running
    }

    pub(super) fn standing(&self) -> Standing {
        self.standing
    }
}

/// What a host is worked on with.
struct Bench<'a, 'v> {
    kamal: &'a Kamal,
    target: VersionId,
    now: Time,
    view: &'a View<'v>,
    places: &'a mut Places,
    teller: &'a mut Teller,
    decision: &'a mut Decision,
}

impl Kamal {
    /// Begins the group that the deploy is at.
    pub(super) fn open_group(&self, state: &mut State, decision: &mut Decision) {
        let Some(deploy) = &mut state.deploy else { return };
        deploy.work = vec![Work::Todo; self.groups[deploy.group].len()];
        deploy.waiting_until = None;
        decision.moments.push(Moment::Batch(deploy.group as u32 + 1));
    }

    /// Goes on as far as possible.
    pub(super) fn boot(
        &self,
        state: &mut State,
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) -> Standing {
        loop {
            let Some(deploy) = &mut state.deploy else { return Standing::Done };
            let (target, places, teller) =
                (state.errand.target, &mut state.places, &mut state.teller);
            let mut bench =
                Bench { kamal: self, target, now, view, places, teller, decision: &mut *decision };
            bench.group(deploy, self.groups[deploy.group].start as u32);
            if deploy.work.iter().any(|work| !matches!(work, Work::Done | Work::Failed)) {
                return Standing::Running;
            }
            if deploy.work.contains(&Work::Failed) {
                deploy.standing = Standing::Failed;
                return Standing::Failed;
            }
            let until = *deploy.waiting_until.get_or_insert(now + self.settings.boot_wait);
            if now < until {
                decision.wake(until);
                return Standing::Running;
            }
            deploy.group += 1;
            if deploy.group == self.groups.len() {
                deploy.standing = Standing::Done;
                return Standing::Done;
            }
            self.open_group(state, decision);
        }
    }
}

impl Bench<'_, '_> {
    /// All hosts of the group; the first of which has this number.
    fn group(&mut self, deploy: &mut Deploy, first: u32) {
        let barrier = deploy.barrier;
        for (work, host) in deploy.work.iter_mut().zip(first..) {
            self.host(work, host, &mut deploy.barrier);
        }
        if barrier != deploy.barrier {
            // Somebody before may have waited for this.
            for (work, host) in deploy.work.iter_mut().zip(first..) {
                self.host(work, host, &mut deploy.barrier);
            }
        }
    }

    fn host(&mut self, work: &mut Work, host: u32, barrier: &mut Barrier) {
        let primary = host < self.kamal.primaries;
        loop {
            let before = *work;
            *work = match before {
                Work::Todo => self.begin(host, primary, *barrier),
                Work::Booting => {
                    let next = self.booting(host);
                    if primary && *barrier == Barrier::Undecided && next != Work::Booting {
                        let healthy = next == Work::Replacing;
                        *barrier = if healthy { Barrier::Open } else { Barrier::Closed };
                    }
                    next
                }
                Work::Replacing => self.replacing(host),
                Work::Clearing => self.clearing(host),
                Work::Done | Work::Failed => return,
            };
            if *work == before {
                return;
            }
        }
    }

    /// Settles what an interrupted deploy left behind, waits at the barrier, starts.
    fn begin(&mut self, host: u32, primary: bool, barrier: Barrier) -> Work {
        let place = self.places.get(host);
        match (place.main, place.beside) {
            (Seat::Awaited | Seat::Leaving(_), _) | (_, Seat::Awaited | Seat::Leaving(_)) => {
                return Work::Todo;
            }
            (Seat::Empty | Seat::Lost, Seat::Taken(_)) => self.places.promote(host),
            (Seat::Taken(_), Seat::Taken(_)) => {
                self.places.stop_beside(host, self.decision);
                return Work::Todo;
            }
            (Seat::Lost, Seat::Empty | Seat::Lost) => {
                self.teller.detect(self.decision);
                return Work::Failed;
            }
            (_, Seat::Lost) => self.places.clear_beside(host),
            (Seat::Empty | Seat::Taken(_), Seat::Empty) => {}
        }
        match barrier {
            Barrier::Undecided if !primary => Work::Todo,
            Barrier::Closed if !primary => Work::Failed,
            Barrier::Undecided | Barrier::Open | Barrier::Closed => {
                self.places.start_beside(host, self.target, self.decision);
                Work::Booting
            }
        }
    }

    fn booting(&mut self, host: u32) -> Work {
        let settings = &self.kamal.settings;
        let seat = self.places.get(host).beside;
        let Some(i) = seat.instance(self.view) else {
            return match seat {
                Seat::Awaited => Work::Booting,
                Seat::Taken(id) | Seat::Leaving(id) => {
                    self.teller.failure(id, self.decision);
                    Work::Clearing
                }
                Seat::Empty | Seat::Lost => {
                    self.teller.detect(self.decision);
                    Work::Clearing
                }
            };
        };
        let healthy_at =
            if settings.proxy { i.ready_since } else { i.ready_since + settings.readiness_delay };
        let deadline = i.created + settings.deploy_timeout;
        if i.phase.is_ready() && self.now >= healthy_at {
            self.places.stop(host, self.decision);
            return Work::Replacing;
        }
        if i.phase == Phase::Failed || (self.now >= deadline && !i.phase.is_ready()) {
            self.teller.failure(i.id, self.decision);
            self.places.stop_beside(host, self.decision);
            return Work::Clearing;
        }
        self.decision.wake(if i.phase.is_ready() { healthy_at } else { deadline });
        Work::Booting
    }

    fn replacing(&mut self, host: u32) -> Work {
        match self.places.get(host).main {
            Seat::Empty | Seat::Lost => {
                self.places.promote(host);
                Work::Done
            }
            Seat::Awaited | Seat::Taken(_) | Seat::Leaving(_) => Work::Replacing,
        }
    }

    fn clearing(&mut self, host: u32) -> Work {
        match self.places.get(host).beside {
            Seat::Empty | Seat::Lost => {
                self.places.clear_beside(host);
                Work::Failed
            }
            Seat::Awaited | Seat::Taken(_) | Seat::Leaving(_) => Work::Clearing,
        }
    }
}
