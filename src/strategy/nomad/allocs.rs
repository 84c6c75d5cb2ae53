//! Allocations as the servers keep them.

use serde::{Deserialize, Serialize};

use super::{Deployment, State};
use crate::scenario::settings::{DelayFunction, Reschedule};
use crate::trace::VersionId;
use crate::units::{Span, Time};

/// An allocation that is wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Alloc {
    /// The index in its name; two may have the same while one is a canary.
    pub(super) slot: u32,
    pub(super) version: VersionId,
    /// The number of its deployment; 0 if none.
    pub(super) deployment: u32,
    pub(super) canary: bool,
    pub(super) stage: Stage,
    /// It is judged from then on.
    pub(super) since: Time,
    pub(super) health: Option<Health>,
    /// The servers know of its health.
    pub(super) reported: bool,
    /// When it failed for good; never if it has not.
    pub(super) failed_at: Time,
    /// When predecessors of it were rescheduled.
    pub(super) rescheduled: Vec<Time>,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stage {
    /// Until this instance has ended.
    Blocked(u32),
    /// Its client learns then that it may start.
    Unblocked(Time),
    /// Its start was asked for.
    Asked,
    /// This instance.
    Placed(u32),
}

/// The judgement of its client, which is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Health {
    /// Since then.
    Healthy(Time),
    Unhealthy,
}

impl Alloc {
    /// One of those that run before the rollout.
    pub(super) fn initial(slot: u32) -> Self {
        let stage = Stage::Placed(slot);
        let mut alloc = Self::new(slot, VersionId::OLD, 0, stage);
        (alloc.health, alloc.reported) = (Some(Health::Healthy(Time::ZERO)), true);
        alloc
    }

    pub(super) fn new(slot: u32, version: VersionId, deployment: u32, stage: Stage) -> Self {
        Self {
            slot,
            version,
            deployment,
            canary: false,
            stage,
            since: Time::ZERO,
            health: None,
            reported: false,
            failed_at: Time::NEVER,
            rescheduled: Vec::new(),
        }
    }

    /// As far as the servers know.
    pub(super) fn known(&self) -> Option<Health> {
        self.health.filter(|_| self.reported)
    }

    pub(super) fn is_placed(&self) -> bool {
        matches!(self.stage, Stage::Placed(_))
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed_at != Time::NEVER
    }
}

impl State {
    /// Allocations of a deployment.
    pub(super) fn of(&self, deployment: u32) -> impl Iterator<Item = &Alloc> {
        self.allocs.iter().filter(move |alloc| alloc.deployment == deployment)
    }

    /// All canaries are there and known to be healthy.
    pub(super) fn canaries_are_healthy(&self, deployment: &Deployment) -> bool {
        let well = self
            .of(deployment.number)
            .filter(|a| a.canary && matches!(a.known(), Some(Health::Healthy(_))));
        well.count() as u32 >= deployment.canaries
    }
}

/// When an allocation that failed then, after these reschedulings, is rescheduled; `None` if it
/// is not (`NextRescheduleTime`).
pub(super) fn reschedule_at(policy: &Reschedule, failed: Time, earlier: &[Time]) -> Option<Time> {
    if let Some(attempts) = policy.attempts {
        let recent = earlier.iter().filter(|at| failed.since(**at) < policy.interval).count();
        if recent as u32 >= attempts {
            return None;
        }
    }
    Some(failed + delay(policy, earlier.len() as u32))
}

/// The delay before the next rescheduling after so many (`NextDelay`).
fn delay(policy: &Reschedule, earlier: u32) -> Span {
    let first = policy.delay.0;
    let factor = match policy.function {
        DelayFunction::Constant => 1,
        DelayFunction::Exponential => 1u64.checked_shl(earlier).unwrap_or(u64::MAX),
        DelayFunction::Fibonacci => {
            let (mut last, mut this) = (0u64, 1u64);
            for _ in 0..earlier {
                (last, this) = (this, this.saturating_add(last));
            }
            this
        }
    };
    Span(first.saturating_mul(factor)).min(policy.max_delay)
}

#[cfg(test)]
mod tests {
    use super::{delay, reschedule_at};
    use crate::scenario::settings::{DelayFunction, Reschedule};
    use crate::units::{Span, Time};

    fn policy(function: DelayFunction) -> Reschedule {
        let (delay, max_delay) = (Span::from_secs(30), Span::from_secs(3600));
        Reschedule { delay, function, max_delay, attempts: None, interval: Span::from_secs(600) }
    }

    #[test]
    fn delays_grow_by_their_function_up_to_the_longest() {
        let delays = |function| {
            (0..9).map(|k| delay(&policy(function), k).0 / 1_000_000_000).collect::<Vec<_>>()
        };
        assert_eq!(delays(DelayFunction::Constant), [30; 9]);
        let doubled = [30, 60, 120, 240, 480, 960, 1920, 3600, 3600];
        assert_eq!(delays(DelayFunction::Exponential), doubled);
        let summed = [30, 30, 60, 90, 150, 240, 390, 630, 1020];
        assert_eq!(delays(DelayFunction::Fibonacci), summed);
        assert_eq!(delay(&policy(DelayFunction::Exponential), 200), Span::from_secs(3600));
    }

    #[test]
    fn attempts_are_counted_within_the_interval() {
        let at = |s| Time::ZERO + Span::from_secs(s);
        let limited = Reschedule { attempts: Some(2), ..policy(DelayFunction::Constant) };
        assert_eq!(reschedule_at(&limited, at(1000), &[]), Some(at(1030)));
        assert_eq!(reschedule_at(&limited, at(1000), &[at(500), at(900)]), None);
        assert_eq!(reschedule_at(&limited, at(1000), &[at(300), at(900)]), Some(at(1030)));
        let never = Reschedule { attempts: Some(0), ..limited };
        assert_eq!(reschedule_at(&never, at(1000), &[]), None);
    }
}
