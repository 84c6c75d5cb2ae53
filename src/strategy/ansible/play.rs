//! One play: batch after batch, task after task, host by host.

use serde::{Deserialize, Serialize};

use super::{Ansible, State};
use crate::strategy::seats::{Places, Seat};
use crate::strategy::verdict::{Standing, Teller};
use crate::strategy::{Decision, InstanceView, View};
use crate::trace::{Moment, Phase, VersionId};
use crate::units::Time;

/// A run of the play.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Play {
    /// All hosts, in order.
    hosts: Vec<u32>,
    /// Index of the batch.
    batch: usize,
    task: Task,
    /// The hosts of the batch, in order.
    work: Vec<Work>,
    /// Hosts failed or lost in earlier batches.
    broken: u32,
    standing: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Task {
    /// Take out, drain, stop.
    Out,
    /// Start, wait until ready, put back.
    In,
}

/// A host in the present task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Work {
    /// Its turn has not come.
    Todo,
    /// A fork is at it.
    Busy,
    /// Through with the task.
    Through,
    /// Needs nothing.
    Ok,
    /// Failed.
    Failed,
    /// Its host is gone.
    Unreachable,
}

impl Play {
    pub(super) fn new(hosts: Vec<u32>) -> Self {
        let (task, standing) = (Task::Out, Standing::Running);
        Self { hosts, batch: 0, task, work: Vec::new(), broken: 0, standing }
    }

    pub(super) fn is_running(&self) -> bool {
        self.standing == Standing::Running
    }

    fn count(&self, of: Work) -> usize {
        self.work.iter().filter(|work| **work == of).count()
    }
}

/// What a host is worked on with.
struct Bench<'a, 'v> {
    ansible: &'a Ansible,
    target: VersionId,
    now: Time,
    view: &'a View<'v>,
    places: &'a mut Places,
    teller: &'a mut Teller,
    decision: &'a mut Decision,
}

impl Ansible {
    /// Begins the batch that the play is at.
    pub(super) fn open_batch(&self, state: &mut State, decision: &mut Decision) {
        let Some(play) = &mut state.play else { return };
        play.task = Task::Out;
        play.work = vec![Work::Todo; self.batches[play.batch].len()];
        decision.moments.push(Moment::Batch(play.batch as u32 + 1));
    }

    /// Goes on as far as possible.
    pub(super) fn play(
        &self,
        state: &mut State,
        now: Time,
        view: &View<'_>,
        decision: &mut Decision,
    ) -> Standing {
        while let Some(play) = state.play.as_mut().filter(|play| play.is_running()) {
            let (target, places, teller) =
                (state.errand.target, &mut state.places, &mut state.teller);
            let mut bench = Bench {
                ansible: self,
                target,
                now,
                view,
                places,
                teller,
                decision: &mut *decision,
            };
            bench.task(play, &self.batches[play.batch]);
            if play.count(Work::Todo) + play.count(Work::Busy) > 0 {
                break;
            }
            if self.breaks(play) {
                play.standing = Standing::Failed;
            } else if play.task == Task::Out {
                play.task = Task::In;
                for work in play.work.iter_mut().filter(|work| **work == Work::Through) {
                    *work = Work::Todo;
                }
            } else {
                play.broken += (play.count(Work::Failed) + play.count(Work::Unreachable)) as u32;
                play.batch += 1;
                if play.batch < self.batches.len() {
                    self.open_batch(state, decision);
                } else {
                    let whole = play.broken == 0;
                    play.standing = if whole { Standing::Done } else { Standing::Failed };
                }
            }
        }
        state.play.as_ref().map_or(Standing::Done, |play| play.standing)
    }

    /// Whether the play stops after this task.
    fn breaks(&self, play: &Play) -> bool {
        let (failed, unreachable) = (play.count(Work::Failed), play.count(Work::Unreachable));
        let batch = play.work.len();
        let share = failed as f64 / batch as f64;
        (self.settings.any_errors_fatal && failed + unreachable > 0)
            || self.settings.max_fail_percentage.is_some_and(|most| share > most / 100.0)
            || failed + unreachable == batch
    }
}

impl Bench<'_, '_> {
    /// The present task on the hosts of the batch.
    fn task(&mut self, play: &mut Play, batch: &std::ops::Range<usize>) {
        let mut free =
            (self.ansible.settings.forks as usize).saturating_sub(play.count(Work::Busy));
        let (hosts, task) = (&play.hosts[batch.clone()], play.task);
        for (work, host) in play.work.iter_mut().zip(hosts) {
            if *work == Work::Todo && free > 0 {
                *work = Work::Busy;
                free -= 1;
            }
            if *work == Work::Busy {
                *work = match task {
                    Task::Out => self.out(*host),
                    Task::In => self.bring_in(*host),
                };
                free += usize::from(*work != Work::Busy);
            }
        }
    }

    fn out(&mut self, host: u32) -> Work {
        let seat = self.places.get(host).main;
        match seat {
            Seat::Taken(_) => {
                let good = |i: &InstanceView| i.version == self.target && i.phase.is_ready();
                if seat.instance(self.view).is_some_and(good) {
                    return Work::Ok;
                }
                self.places.stop(host, self.decision);
                Work::Busy
            }
            Seat::Awaited | Seat::Leaving(_) => Work::Busy,
            Seat::Empty => Work::Through,
            Seat::Lost => self.unreachable(),
        }
    }

    fn bring_in(&mut self, host: u32) -> Work {
        let seat = self.places.get(host).main;
        match seat {
            Seat::Empty => {
                self.places.start(host, self.target, self.decision);
                Work::Busy
            }
            Seat::Awaited => Work::Busy,
            Seat::Taken(id) => {
                let Some(i) = seat.instance(self.view) else { return self.unreachable() };
                let deadline = i.created + self.ansible.settings.start_timeout;
                if i.phase.is_ready() {
                    Work::Through
                } else if i.phase == Phase::Failed || self.now >= deadline {
                    self.teller.failure(id, self.decision);
                    Work::Failed
                } else {
                    self.decision.wake(deadline);
                    Work::Busy
                }
            }
            Seat::Leaving(id) => {
                self.teller.failure(id, self.decision);
                Work::Failed
            }
            Seat::Lost => self.unreachable(),
        }
    }

    fn unreachable(&mut self) -> Work {
        self.teller.detect(self.decision);
        Work::Unreachable
    }
}
