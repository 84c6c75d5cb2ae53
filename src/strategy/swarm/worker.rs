//! A worker of the updater: one slot at a time.

use serde::{Deserialize, Serialize};

use super::pass::{Found, Slot};
use super::tasks::{Desired, Status};
use super::updater::{Made, Run};
use super::{Look, State};
use crate::scenario::settings::Order;
use crate::units::{Span, Time};

/// What a worker does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Worker {
    /// It asks for a slot.
    Free,
    /// It waits until this task runs or has ended; `old` is to be stopped when it runs.
    Watches { task: u32, old: Vec<Found> },
    /// It waits until this existing task may start.
    Lets(u32),
    /// It rests.
    Rests(Time),
}

impl Worker {
    pub(super) fn rests_until(&self) -> Option<Time> {
        match self {
            Self::Rests(until) => Some(*until),
            Self::Free | Self::Watches { .. } | Self::Lets(_) => None,
        }
    }
}

/// None of the tasks could be shut down: somebody else had done it.
struct AlreadyShutDown;

impl State {
    /// A free worker takes a slot.
    pub(super) fn take_slot(&mut self, run: &mut Run, slot: &Slot, look: &Look<'_>) -> Worker {
        let config = run.config(look.settings);
        let (delay, order) = (config.delay, config.order);
        let version = self.service.spec.version;
        let clean = |desired| {
            slot.tasks.iter().find(|f| f.version == version && f.desired == desired).copied()
        };
        let taken = match clean(Desired::Running).or_else(|| clean(Desired::Ready)) {
            Some(existing) => self.use_existing(slot, existing, look),
            None => self.replace(run, slot, order, look),
        };
        taken.unwrap_or_else(|AlreadyShutDown| rest(delay, look.now))
    }

    /// The slot has a task of this version: the others go.
    fn use_existing(
        &mut self,
        slot: &Slot,
        existing: Found,
        look: &Look<'_>,
    ) -> Result<Worker, AlreadyShutDown> {
        let mut others = slot.tasks.clone();
        others.retain(|found| found.id != existing.id);
        let old = if others.is_empty() { None } else { self.remove(&others, look)? };
        if existing.desired == Desired::Ready {
            self.delays.start_after(existing.id, Span::ZERO, old, look.now);
        }
        Ok(Worker::Lets(existing.id))
    }

    /// A new task for the slot.
    fn replace(
        &mut self,
        run: &mut Run,
        slot: &Slot,
        order: Order,
        look: &Look<'_>,
    ) -> Result<Worker, AlreadyShutDown> {
        let version = self.service.spec.version;
        match order {
            Order::StopFirst => {
                let removed = self.remove(&slot.tasks, look)?;
                let task = self.tasks.create(slot.number, version, Desired::Ready);
                run.made.push(Made::new(task));
                self.delays.start_after(task, Span::ZERO, removed, look.now);
                Ok(Worker::Watches { task, old: Vec::new() })
            }
            Order::StartFirst => {
                let task = self.tasks.create(slot.number, version, Desired::Running);
                run.made.push(Made::new(task));
                Ok(Worker::Watches { task, old: slot.tasks.clone() })
            }
        }
    }

    /// Shuts tasks down; says which one to wait for.
    fn remove(&mut self, old: &[Found], look: &Look<'_>) -> Result<Option<u32>, AlreadyShutDown> {
        let mut removed = None;
        for found in old {
            let Some(task) = self.tasks.get(found.id).copied() else { continue };
            // The restart supervisor has replaced it, or will.
            if task.desired >= Desired::Shutdown
                && self.history.allows(&task, &look.settings.restart, look.now)
            {
                continue;
            }
            self.tasks.want(found.id, Desired::Shutdown);
            removed = Some(found.id);
        }
        removed.map(Some).ok_or(AlreadyShutDown)
    }

    /// Moves every worker as far as it can go. Returns those that a failure has set free and
    /// that were quicker than the news of it.
    pub(super) fn workers_step(&mut self, run: &mut Run, look: &Look<'_>) -> Vec<usize> {
        let delay = run.config(look.settings).delay;
        let mut eager = Vec::new();
        for at in 0..run.workers.len() {
            let worker = std::mem::replace(&mut run.workers[at], Worker::Free);
            run.workers[at] = match worker {
                Worker::Watches { task, old } if !self.delays.holds(task) => {
                    let status = self.tasks.get(task).map_or(Status::Ended, |task| task.status);
                    if status == Status::Preparing {
                        Worker::Watches { task, old }
                    } else {
                        if status == Status::Running {
                            if let Some(made) = run.made(task) {
                                made.ran = Some(look.now);
                            }
                            // Somebody else may have shut them down: then there is nothing to do.
                            let _ = self.remove(&old, look);
                        } else if delay == Span::ZERO && look.coins.worker_first(task) {
                            eager.push(at);
                        }
                        rest(delay, look.now)
                    }
                }
                Worker::Lets(task) if !self.delays.holds(task) => rest(delay, look.now),
                Worker::Rests(until) if look.now >= until => Worker::Free,
                waiting => waiting,
            };
        }
        eager
    }
}

fn rest(delay: Span, now: Time) -> Worker {
    if delay == Span::ZERO { Worker::Free } else { Worker::Rests(now + delay) }
}
