//! When a prober with a rhythm of its own notices that something has changed.

use crate::units::{Span, Time};

/// Probes at `first`, `first` + interval, `first` + 2·interval, …
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// The first probe.
    pub first: Time,
    /// Between probes; not zero.
    pub interval: Span,
}

impl Rhythm {
    /// The `needed`-th probe at or after `from`: with what holds from `from` on, the one that
    /// changes the prober's mind. Zero counts as one. An answer takes no time, and a process
    /// that is not there refuses, which takes none either.
    pub fn nth_from(self, from: Time, needed: u32) -> Time {
        if from == Time::NEVER {
            return Time::NEVER;
        }
        let interval = self.interval.0.max(1);
        let before = from.since(self.first).0.div_ceil(interval);
        let more = u64::from(needed.max(1) - 1);
        self.first + Span(before.saturating_add(more).saturating_mul(interval))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Rhythm;
    use crate::health::{Change, Health, Thresholds};
    use crate::units::{Span, Time};

    proptest! {
        /// The formula says what a prober with its counter says, down and up again.
        #[test]
        fn counting_probe_by_probe_agrees(
            first in 0_u64..100,
            interval in 1_u64..40,
            dies in 0_u64..300,
            for_so_long in 1_u64..300,
            rise in 0_u32..5,
            fall in 0_u32..5,
        ) {
            let rhythm = Rhythm { first: Time(first), interval: Span(interval) };
            let back = dies + for_so_long;
            let mut health = Health::up();
            let mut seen = Vec::new();
            for probe in 0..100_000 / interval {
                let at = first + probe * interval;
                let success = at < dies || at >= back;
                if let Some(change) = health.observe(success, Thresholds { rise, fall }) {
                    seen.push((Time(at), change));
                }
            }
            let down = rhythm.nth_from(Time(dies), fall);
            let mut expected = Vec::new();
            if down < Time(back) {
                expected = vec![
                    (down, Change::Down),
                    (rhythm.nth_from(Time(back), rise), Change::Up),
                ];
            }
            prop_assert_eq!(seen, expected);
        }
    }

    #[test]
    fn never_stays_never() {
        let rhythm = Rhythm { first: Time(3), interval: Span(5) };
        assert_eq!(rhythm.nth_from(Time::NEVER, 2), Time::NEVER);
        assert_eq!(rhythm.nth_from(Time(0), 1), Time(3));
        assert_eq!(rhythm.nth_from(Time(8), 2), Time(13));
    }
}
