//! Shares of the fleet at which a rollout waits.

use serde::{Deserialize, Serialize};

use crate::units::{CountOrPercent, Rounding, Span, Time};

/// How far a rollout may go: to the next of its checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoints {
    passed: usize,
    /// When the next one was reached; [`Time::NEVER`] if it was not.
    reached: Time,
}

impl Checkpoints {
    /// Before the first.
    pub(super) const START: Self = Self { passed: 0, reached: Time::NEVER };

    /// New instances that may be made now: up to the next checkpoint (a percentage of
    /// `instances`, rounded up: it is reached when at least that share is new).
    pub(super) fn limit(self, percentages: &[u32], instances: u32) -> u32 {
        match percentages.get(self.passed).or(percentages.last()) {
            Some(percentage) => count(*percentage, instances),
            None => instances,
        }
    }

    /// Passes what may be passed when `done` instances are new. While it waits, says until when.
    /// Behind the last checkpoint there is nothing to wait for.
    pub(super) fn pass(
        &mut self,
        percentages: &[u32],
        instances: u32,
        done: u32,
        delay: Span,
        now: Time,
    ) -> Option<Time> {
        while self.passed + 1 < percentages.len() && done >= self.limit(percentages, instances) {
            if self.reached == Time::NEVER {
                self.reached = now;
            }
            let until = self.reached + delay;
            if now < until {
                return Some(until);
            }
            *self = Self { passed: self.passed + 1, reached: Time::NEVER };
        }
        None
    }
}

/// New instances behind the last checkpoint; all, if there is none.
pub(super) fn last(percentages: &[u32], instances: u32) -> u32 {
    percentages.last().map_or(instances, |percentage| count(*percentage, instances))
}

/// The largest step between two checkpoints, in instances.
pub(super) fn longest_step(percentages: &[u32], instances: u32) -> u32 {
    let counts = percentages.iter().map(|percentage| count(*percentage, instances));
    let steps = counts.scan(0, |before, count| {
        let step = count - *before;
        *before = count;
        Some(step)
    });
    steps.max().unwrap_or(instances)
}

fn count(percentage: u32, instances: u32) -> u32 {
    CountOrPercent::Percent(f64::from(percentage)).of(instances, Rounding::Up)
}

#[cfg(test)]
mod tests {
    use super::{Checkpoints, last, longest_step};
    use crate::units::{Span, Time};

    #[test]
    fn a_checkpoint_is_a_minimum_share_and_holds_for_the_delay() {
        let (at, hour) = (Time::from_secs, Span::from_secs(3600));
        let mut points = Checkpoints::START;
        assert_eq!(points.limit(&[], 7), 7);
        let list = [20, 50, 100];
        assert_eq!(points.limit(&list, 7), 2);
        assert_eq!(points.pass(&list, 7, 1, hour, at(5)), None);
        assert_eq!(points.pass(&list, 7, 2, hour, at(9)), Some(at(3609)));
        assert_eq!(points.pass(&list, 7, 2, hour, at(3608)), Some(at(3609)));
        assert_eq!(points.limit(&list, 7), 2);
        assert_eq!(points.pass(&list, 7, 2, hour, at(3609)), None);
        assert_eq!(points.limit(&list, 7), 4);
        assert_eq!(points.pass(&list, 7, 4, Span::ZERO, at(4000)), None);
        assert_eq!(points.limit(&list, 7), 7);
        assert_eq!(points.pass(&list, 7, 7, hour, at(5000)), None, "nothing is left to hold back");
        assert_eq!((last(&[], 7), last(&[1, 30], 7), last(&list, 7)), (7, 3, 7));
        assert_eq!(longest_step(&list, 7), 3);
        assert_eq!(longest_step(&[30], 10), 3);
        assert_eq!(longest_step(&[], 10), 10);
    }
}
