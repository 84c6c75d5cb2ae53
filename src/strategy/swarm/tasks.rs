//! The managers' record of tasks, and the instances that they became.

use serde::{Deserialize, Serialize};

use crate::strategy::{Action, Decision, InstanceView, View};
use crate::trace::{Phase, VersionId};
use crate::units::Time;

/// What the managers want of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Desired {
    /// Prepared, not started.
    Ready,
    Running,
    Shutdown,
    /// Shut down, and forgotten when it has ended.
    Remove,
}

/// What the agent last reported of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Status {
    /// Anything before running.
    Preparing,
    Running,
    /// Failed, complete, rejected, shut down.
    Ended,
}

/// One task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Task {
    /// Its number, in order of creation.
    pub(super) id: u32,
    pub(super) slot: u32,
    pub(super) version: VersionId,
    pub(super) desired: Desired,
    pub(super) status: Status,
    /// What it became, once that is seen.
    pub(super) instance: Option<u32>,
    /// The host of that; `u32::MAX` before.
    pub(super) host: u32,
    /// Its start has been asked for, held or not.
    asked: bool,
    /// Its process must wait until it is released.
    held: bool,
    /// It was told to stop.
    told: bool,
}

/// All tasks that somebody may still care about, by ascending number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Tasks {
    all: Vec<Task>,
    next: u32,
    /// Instances with smaller numbers have been seen.
    next_instance: u32,
    /// Ended since the last look.
    ended: Vec<u32>,
}

impl Tasks {
    pub(super) fn new(replicas: u32) -> Self {
        let running = |id| Task {
            id,
            slot: id,
            version: VersionId::OLD,
            desired: Desired::Running,
            status: Status::Running,
            instance: Some(id),
            host: u32::MAX,
            asked: true,
            held: false,
            told: false,
        };
        let all = (0..replicas).map(running).collect();
        Self { all, next: replicas, next_instance: replicas, ended: Vec::new() }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Task> {
        self.all.iter()
    }

    /// `None`: history.
    pub(super) fn get(&self, id: u32) -> Option<&Task> {
        let at = self.all.binary_search_by_key(&id, |task| task.id).ok()?;
        Some(&self.all[at])
    }

    fn get_mut(&mut self, id: u32) -> Option<&mut Task> {
        let at = self.all.binary_search_by_key(&id, |task| task.id).ok()?;
        Some(&mut self.all[at])
    }

    /// Whether it is over.
    pub(super) fn has_ended(&self, id: u32) -> bool {
        self.get(id).is_none_or(|task| task.status == Status::Ended)
    }

    /// A new task; the agent hears of it at the end of the look.
    pub(super) fn create(&mut self, slot: u32, version: VersionId, desired: Desired) -> u32 {
        let id = self.next;
        self.next += 1;
        self.all.push(Task {
            id,
            slot,
            version,
            desired,
            status: Status::Preparing,
            instance: None,
            host: u32::MAX,
            asked: false,
            held: false,
            told: false,
        });
        id
    }

    /// Changes what is wanted of it; never back from shutdown.
    pub(super) fn want(&mut self, id: u32, desired: Desired) {
        if let Some(task) = self.get_mut(id) {
            task.desired = task.desired.max(desired);
        }
    }

    /// Takes in what the agents report.
    pub(super) fn observe(&mut self, view: &View<'_>) {
        let fresh = view.instances.partition_point(|i| i.id < self.next_instance);
        for i in &view.instances[fresh..] {
            // A number never shown came and went between two looks.
            for id in self.next_instance..i.id {
                if let Some(task) = self.unseen(|_| true) {
                    task.instance = Some(id);
                }
            }
            self.next_instance = i.id + 1;
            if let Some(task) = self.unseen(|t| t.slot == i.slot && t.version == i.version) {
                task.instance = Some(i.id);
            }
        }
        for task in &mut self.all {
            let Some(id) = task.instance.filter(|_| task.status != Status::Ended) else { continue };
            let instance = view.find(id);
            let status = instance.map_or(Status::Ended, reported);
            task.host = instance.map_or(task.host, |i| i.host);
            // A task that ran has run, whatever its probe says since.
            if status > task.status {
                task.status = status;
                if status == Status::Ended {
                    self.ended.push(task.id);
                }
            }
        }
    }

    fn unseen(&mut self, is_it: impl Fn(&Task) -> bool) -> Option<&mut Task> {
        self.all.iter_mut().find(|task| task.asked && task.instance.is_none() && is_it(task))
    }

    /// Those that ended since this was last asked.
    pub(super) fn take_ended(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.ended)
    }

    /// Tells the agents what is wanted, as far as they do not know.
    pub(super) fn act(&mut self, view: &View<'_>, decision: &mut Decision) {
        for task in &mut self.all {
            if !task.asked {
                task.asked = true;
                if task.desired >= Desired::Shutdown {
                    // Made and taken back in the same instant: no agent hears of it.
                    task.status = Status::Ended;
                    task.instance = Some(u32::MAX);
                    continue;
                }
                task.held = task.desired == Desired::Ready;
                let (version, slot, held) = (task.version, task.slot, task.held);
                decision.actions.push(Action::Start { version, slot, held });
            }
            let Some(id) = task.instance.filter(|_| !task.told) else { continue };
            let Some(i) = view.find(id).filter(|i| i.phase.is_active()) else { continue };
            match task.desired {
                Desired::Ready => {}
                Desired::Running => {
                    if task.held && matches!(i.phase, Phase::Pending | Phase::Starting) {
                        task.held = false;
                        decision.actions.push(Action::Release { instance: id });
                    }
                }
                Desired::Shutdown | Desired::Remove => {
                    task.told = true;
                    decision.actions.push(Action::Stop { instance: id });
                }
            }
        }
    }

    /// Drops what has ended, unless it is the latest of its slot or somebody waits for it.
    pub(super) fn forget(&mut self, is_waited_for: impl Fn(u32) -> bool) {
        let latest = |all: &[Task], slot| all.iter().rev().find(|t| t.slot == slot).map(|t| t.id);
        let over = |task: &Task| {
            let is_latest = || latest(&self.all, task.slot) == Some(task.id);
            task.status == Status::Ended
                && (task.desired == Desired::Remove
                    || (task.desired == Desired::Shutdown && !is_latest()))
                && !is_waited_for(task.id)
        };
        let over: Vec<u32> = self.all.iter().filter(|t| over(t)).map(|t| t.id).collect();
        self.all.retain(|task| !over.contains(&task.id));
    }
}

fn reported(i: &InstanceView) -> Status {
    match i.phase {
        Phase::Ready | Phase::Available => Status::Running,
        Phase::Failed | Phase::Stopped | Phase::Lost => Status::Ended,
        // While it stops it is what it was.
        Phase::Pending | Phase::Starting | Phase::Draining => Status::Preparing,
    }
}

/// When something is due, if that is later than now.
pub(super) fn later(at: Time, now: Time) -> Option<Time> {
    (at > now && at != Time::NEVER).then_some(at)
}
