//! The updater: hands slots to workers, counts failures, acts on them, declares the end.

use serde::{Deserialize, Serialize};

use super::pass::Slot;
use super::service::Status as Update;
use super::tasks::later;
use super::worker::Worker;
use super::{Look, Spec, State};
use crate::scenario::settings::{self, OnFailure, UpdateConfig};
use crate::trace::Moment;
use crate::units::{Span, Time};

/// One updater at work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    /// What it works towards.
    spec: Spec,
    /// It began as a rollback: its own settings apply.
    rollback: bool,
    /// Slots not handed out, the next one last.
    queue: Vec<Slot>,
    /// Slots in all.
    slots: u32,
    pub(super) workers: Vec<Worker>,
    /// Tasks that it made.
    pub(super) made: Vec<Made>,
    failures: u32,
    /// Ends of tasks that it has not looked at.
    ended: Vec<u32>,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    /// Slots are handed out and failures watched.
    Dispatching,
    /// All slots are handed out; nobody watches until the workers are done.
    Finishing,
    /// Failures are watched until then.
    Monitoring(Time),
    /// It has acted on failures: no more slots.
    Stopped,
}

/// A task that the updater made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) task: u32,
    /// When a worker saw that it runs.
    pub(super) ran: Option<Time>,
    counted: bool,
}

impl Made {
    pub(super) fn new(task: u32) -> Self {
        Self { task, ran: None, counted: false }
    }
}

impl Run {
    /// Its settings.
    pub(super) fn config<'a>(&self, settings: &'a settings::Swarm) -> &'a UpdateConfig {
        if self.rollback { &settings.rollback } else { &settings.update }
    }

    pub(super) fn next(&self, now: Time) -> Option<Time> {
        let rest = self.workers.iter().filter_map(|w| w.rests_until().and_then(|t| later(t, now)));
        let end = match self.stage {
            Stage::Monitoring(until) => later(until, now),
            Stage::Dispatching | Stage::Finishing | Stage::Stopped => None,
        };
        rest.chain(end).min()
    }

    /// Before this it declares no end; `None`: it never will.
    pub(super) fn ends_after(&self) -> Option<Time> {
        match self.stage {
            Stage::Monitoring(until) => Some(until),
            Stage::Dispatching | Stage::Finishing => Some(Time::ZERO),
            Stage::Stopped => None,
        }
    }

    pub(super) fn made(&mut self, task: u32) -> Option<&mut Made> {
        self.made.iter_mut().find(|made| made.task == task)
    }

    /// Whether one more failure is too many: in single precision, strictly.
    fn exceeds(&self, config: &UpdateConfig) -> bool {
        self.failures as f32 / self.slots as f32 > config.max_failure_ratio as f32
    }
}

impl State {
    /// An update of these slots, unless one towards the same end is at work.
    pub(super) fn update(&mut self, slots: Vec<Slot>, look: &Look<'_>) {
        let spec = self.service.spec;
        if self.run.as_ref().is_some_and(|run| run.spec == spec) {
            return;
        }
        // Slots in hand are left as they are; tasks that wait to start go on waiting.
        self.run = None;
        if matches!(self.service.status, Update::Paused | Update::RollbackPaused) {
            return;
        }
        let mut queue = slots;
        queue.retain(|slot| slot.is_dirty(spec.version));
        let rollback = self.service.status == Update::RollbackStarted;
        if queue.is_empty() {
            if rollback || self.service.status == Update::Updating {
                self.service.complete();
            }
            return;
        }
        if self.service.status == Update::None {
            self.service.write(Update::Updating);
        }
        self.runs += 1;
        let slots = queue.len() as u32;
        queue.reverse();
        let mut run = Run {
            spec,
            rollback,
            queue,
            slots,
            workers: Vec::new(),
            made: Vec::new(),
            failures: 0,
            ended: Vec::new(),
            stage: Stage::Dispatching,
        };
        let workers = match run.config(look.settings).parallelism {
            0 => slots,
            parallelism => parallelism.min(slots),
        };
        run.workers = vec![Worker::Free; workers as usize];
        self.run = Some(run);
    }

    /// The updater hears of tasks that ended; one that ignores failures does not listen.
    pub(super) fn run_notices(&mut self, ended: &[u32]) {
        if let Some(run) = &mut self.run {
            run.ended.extend(ended);
        }
    }

    /// Moves the updater as far as it can go now; says whether anything moved.
    pub(super) fn run_step(&mut self, look: &Look<'_>) -> bool {
        let Some(mut run) = self.run.take() else { return false };
        let before = (run.workers.clone(), run.queue.len(), run.stage);
        let eager = self.workers_step(&mut run, look);
        if run.stage == Stage::Dispatching {
            // Whoever was quicker than the news of a failure has its next slot already.
            for worker in eager {
                self.hand_out(&mut run, worker, look);
            }
        }
        if matches!(run.stage, Stage::Dispatching | Stage::Monitoring(_)) {
            self.count_failures(&mut run, look);
        }
        for worker in 0..run.workers.len() {
            if run.stage == Stage::Dispatching && run.workers[worker] == Worker::Free {
                self.hand_out(&mut run, worker, look);
            }
        }
        let over = self.proceed(&mut run, look);
        let moved = over || before != (run.workers.clone(), run.queue.len(), run.stage);
        if !over {
            self.run = Some(run);
        }
        moved
    }

    fn hand_out(&mut self, run: &mut Run, worker: usize, look: &Look<'_>) {
        if let Some(slot) = run.queue.pop() {
            run.workers[worker] = self.take_slot(run, &slot, look);
        }
        if run.queue.is_empty() {
            run.stage = Stage::Finishing;
        }
    }

    /// The end of the queue, of the workers' rest, of the watch; says whether that was all.
    fn proceed(&mut self, run: &mut Run, look: &Look<'_>) -> bool {
        let done = run.workers.iter().all(|worker| *worker == Worker::Free);
        match run.stage {
            Stage::Stopped => return done,
            Stage::Finishing if done => {
                let config = run.config(look.settings);
                // A watch no longer than the rest would miss what happened during it
                // (moby/moby#37972).
                let watch = if config.delay >= config.monitor {
                    config.delay + Span::from_secs(1)
                } else {
                    config.monitor
                };
                run.stage = Stage::Monitoring(look.now + watch);
            }
            Stage::Monitoring(until) if look.now >= until => {
                self.service.complete();
                return true;
            }
            Stage::Dispatching | Stage::Finishing | Stage::Monitoring(_) => {}
        }
        false
    }

    /// Looks at all ends of tasks that it has heard of.
    fn count_failures(&mut self, run: &mut Run, look: &Look<'_>) {
        let config = *run.config(look.settings);
        let ended = std::mem::take(&mut run.ended);
        if config.failure_action == OnFailure::Continue {
            return;
        }
        for task in ended {
            let Some(made) = run.made(task).filter(|made| !made.counted) else { continue };
            if made.ran.is_some_and(|ran| look.now.since(ran) > config.monitor) {
                continue;
            }
            made.counted = true;
            run.failures += 1;
            self.tell_failure(task);
            if run.exceeds(&config) {
                run.stage = Stage::Stopped;
                run.queue.clear();
                return self.act_on_failures(config.failure_action, run.rollback);
            }
        }
    }

    fn act_on_failures(&mut self, action: OnFailure, rolls_back: bool) {
        match action {
            OnFailure::Rollback if !rolls_back => {
                if self.service.roll_back() {
                    self.moments.push(Moment::RollbackDecided);
                }
            }
            OnFailure::Pause | OnFailure::Rollback => self.service.pause(),
            OnFailure::Continue => {}
        }
    }

    fn tell_failure(&mut self, task: u32) {
        if let Some(instance) = self.tasks.get(task).and_then(|task| task.instance) {
            self.moments.push(Moment::InstanceFailed(instance));
        }
        if !std::mem::replace(&mut self.detected, true) {
            self.moments.push(Moment::Detected);
        }
    }
}
