//! Tasks that wait for leave to start: for a delay, and for the task that they replace.

use serde::{Deserialize, Serialize};

use super::tasks::{Desired, Tasks, later};
use crate::units::{Span, Time};

/// The task that is replaced is waited for no longer than this (`defaultOldTaskTimeout`).
const OLD_TASK_TIMEOUT: Span = Span::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Delay {
    task: u32,
    not_before: Time,
    /// It has ended, or is no longer waited for.
    old: Option<u32>,
    timeout: Time,
}

/// All tasks that wait.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Delays {
    all: Vec<Delay>,
}

impl Delays {
    /// `task` may start after `delay`, and when `old` has ended. What was said of it before no
    /// longer holds.
    pub(super) fn start_after(&mut self, task: u32, delay: Span, old: Option<u32>, now: Time) {
        self.all.retain(|delay| delay.task != task);
        let (not_before, timeout) = (now + delay, now + OLD_TASK_TIMEOUT);
        self.all.push(Delay { task, not_before, old, timeout });
    }

    /// Gives leave to those whose time has come.
    pub(super) fn step(&mut self, tasks: &mut Tasks, now: Time) {
        self.all.retain(|delay| {
            let free = delay.old.is_none_or(|old| now >= delay.timeout || tasks.has_ended(old));
            let waits = now < delay.not_before || !free;
            if !waits {
                tasks.want(delay.task, Desired::Running);
            }
            waits
        });
    }

    /// Whether this task still waits.
    pub(super) fn holds(&self, task: u32) -> bool {
        self.all.iter().any(|delay| delay.task == task)
    }

    /// Whether somebody waits for this task's end.
    pub(super) fn waits_for(&self, task: u32) -> bool {
        self.all.iter().any(|delay| delay.old == Some(task))
    }

    pub(super) fn next(&self, now: Time) -> Option<Time> {
        let due = |delay: &Delay| {
            let timeout = delay.old.and_then(|_| later(delay.timeout, now));
            [later(delay.not_before, now), timeout].into_iter().flatten().min()
        };
        self.all.iter().filter_map(due).min()
    }
}
