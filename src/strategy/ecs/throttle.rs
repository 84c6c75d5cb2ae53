//! Tasks that fail again and again are started ever more slowly.

use serde::{Deserialize, Serialize};

use crate::units::{Span, Time};

/// Before the first start that follows a failed one.
const SHORTEST: Span = Span::from_secs(1);
/// Published as the longest wait between two starts.
const LONGEST: Span = Span::from_secs(27 * 60);

/// Failures in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Throttle {
    rounds: u32,
    until: Time,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { rounds: 0, until: Time::ZERO }
    }
}

impl Throttle {
    /// A task has failed. What fails while starts wait is of the same round.
    pub(super) fn task_failed(&mut self, now: Time) {
        if now >= self.until {
            let wait = SHORTEST * f64::from(2_u32.pow(self.rounds.min(20)));
            self.rounds += 1;
            self.until = now + wait.min(LONGEST);
        }
    }

    /// No task is started before.
    pub(super) fn until(self) -> Time {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Throttle};
    use crate::units::{Span, Time};

    #[test]
    fn twice_as_long_each_time_up_to_the_longest() {
        let (mut throttle, mut now) = (Throttle::default(), Time::ZERO);
        let mut waits = Vec::new();
        for _ in 0..13 {
            throttle.task_failed(now);
            throttle.task_failed(now);
            waits.push(throttle.until().since(now));
            now = throttle.until();
        }
        let seconds = |s| Span::from_secs(s);
        assert_eq!(waits[..4], [seconds(1), seconds(2), seconds(4), seconds(8)]);
        assert_eq!(waits[11..], [LONGEST, LONGEST]);
    }
}
