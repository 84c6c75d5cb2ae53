//! What a controller may write to the API: a token bucket.

use crate::scenario::WriteLimit;
use crate::units::{Span, Time};

/// A token bucket that is full at the beginning, kept as one number: when it would be full
/// again (the generic cell rate algorithm, ITU-T I.371, is the same thing).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bucket {
    full_at: Time,
}

impl Bucket {
    /// Takes a token for a write that is asked for at `at`; returns when it may go out. Writes
    /// go out in the order in which they are asked for.
    pub(crate) fn take(&mut self, at: Time, limit: Option<WriteLimit>) -> Time {
        let Some(WriteLimit { rate, burst }) = limit else { return at };
        let token = Span((1e9 / rate.0.max(1e-9)) as u64);
        let all_but_one = Span(token.0.saturating_mul(u64::from(burst.max(1) - 1)));
        let free = Time(self.full_at.0.saturating_sub(all_but_one.0));
        let granted = at.max(free);
        self.full_at = self.full_at.max(granted) + token;
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::Bucket;
    use crate::scenario::WriteLimit;
    use crate::units::{Rate, Time};

    #[test]
    fn a_burst_then_the_rate_then_a_burst_again() {
        let limit = Some(WriteLimit { rate: Rate(20.0), burst: 3 });
        let mut bucket = Bucket::default();
        let mut take =
            |millis| bucket.take(Time::ZERO + crate::units::Span::from_millis(millis), limit);
        let at = |millis| Time::ZERO + crate::units::Span::from_millis(millis);
        assert_eq!([0, 0, 0, 0, 0].map(&mut take), [0, 0, 0, 50, 100].map(at));
        // The next tokens come at 150 and 200; by 260 there is one more.
        assert_eq!([200, 260, 260, 260].map(&mut take), [200, 260, 260, 300].map(at));
        // After a long rest it is full, and no fuller.
        assert_eq!([9000, 9000, 9000, 9000].map(&mut take), [9000, 9000, 9000, 9050].map(at));
    }

    #[test]
    fn without_a_limit_nothing_waits() {
        let mut bucket = Bucket::default();
        for at in [5, 5, 5, 3] {
            assert_eq!(bucket.take(Time(at), None), Time(at));
        }
    }
}
