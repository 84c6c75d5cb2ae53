//! The deployment circuit breaker.

use serde::{Deserialize, Serialize};

use crate::scenario::settings::{BreakerThreshold, CircuitBreaker};
use crate::units::{CountOrPercent, Rounding};

/// Failed tasks of one deployment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failures {
    /// Since the last healthy one, or in all.
    count: u32,
}

impl Failures {
    pub(super) fn task_failed(&mut self) {
        self.count += 1;
    }

    pub(super) fn task_is_healthy(&mut self, breaker: Option<CircuitBreaker>) {
        if breaker.is_some_and(|breaker| breaker.reset_on_healthy_task) {
            self.count = 0;
        }
    }

    pub(super) fn trip(self, threshold: BreakerThreshold, desired: u32) -> bool {
        self.count >= tasks(threshold, desired)
    }
}

/// Failed tasks that trip the breaker of a service with this desired count.
pub(crate) fn tasks(threshold: BreakerThreshold, desired: u32) -> u32 {
    let share = |percent| CountOrPercent::Percent(f64::from(percent)).of(desired, Rounding::Up);
    match threshold {
        BreakerThreshold::BoundedPercent(percent) => share(percent).clamp(3, 200),
        // Nothing is said of a desired count of 0; no failures are no failure.
        BreakerThreshold::UnboundedPercent(percent) => share(percent).max(1),
        BreakerThreshold::Count(count) => count,
    }
}

#[cfg(test)]
mod tests {
    use super::tasks;
    use crate::scenario::settings::BreakerThreshold;

    #[test]
    fn half_of_the_desired_count_within_3_and_200() {
        let desired = [1, 3, 5, 6, 7, 10, 25, 100, 400, 1000];
        let bounded = desired.map(|n| tasks(BreakerThreshold::BoundedPercent(50), n));
        assert_eq!(bounded, [3, 3, 3, 3, 4, 5, 13, 50, 200, 200]);
        let unbounded = desired.map(|n| tasks(BreakerThreshold::UnboundedPercent(50), n));
        assert_eq!(unbounded, [1, 2, 3, 3, 4, 5, 13, 50, 200, 500]);
        assert_eq!(desired.map(|n| tasks(BreakerThreshold::Count(7), n)), [7; 10]);
    }
}
