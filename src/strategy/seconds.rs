//! Whole wall-clock seconds: API timestamps have no fractions.

use crate::units::{Span, Time};

const SECOND: u64 = 1_000_000_000;

/// floor(wall clock at `time`) + `span`, as simulation time. `phase` is the fraction of a second
/// that the wall clock shows at [`Time::ZERO`].
pub(super) fn after_whole_second(phase: Span, time: Time, span: Span) -> Time {
    let wall = time.0.saturating_add(phase.0);
    let floor = wall - wall % SECOND;
    Time(floor.saturating_add(span.0).saturating_sub(phase.0))
}

/// Nanoseconds from floor(wall clock at `time`) until `now`.
pub(super) fn since_whole_second(phase: Span, time: Time, now: Time) -> u64 {
    let wall = time.0.saturating_add(phase.0);
    now.0.saturating_add(phase.0).saturating_sub(wall - wall % SECOND)
}

#[cfg(test)]
mod tests {
    use super::{after_whole_second, since_whole_second};
    use crate::units::{Span, Time};

    #[test]
    fn seconds_are_those_of_the_wall_clock() {
        let phase = Span::from_millis(700);
        let second = Span::from_secs(1);
        // Ready at wall 0.8 s: available at wall 1.0 s, which is 0.3 s here.
        let ready = Time(100_000_000);
        assert_eq!(after_whole_second(phase, ready, second), Time(300_000_000));
        assert_eq!(since_whole_second(phase, ready, Time(300_000_000)), 1_000_000_000);
        // Ready at wall 1.0 s sharp: the full second.
        assert_eq!(after_whole_second(phase, Time(300_000_000), second), Time(1_300_000_000));
    }
}
