//! Changes that are passed on together: at most one round in a while.

use crate::units::{Span, Time};

/// Passes changes on in rounds that are at least a while apart. A change that comes when no round
/// was lately goes out at once; one that comes soon after a round waits for the next, together
/// with all that come until then. (`endpointSliceChangeMinSyncDelay` of Kubernetes and
/// `minSyncPeriod` of kube-proxy work so, 1 s each.)
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Throttle {
    /// The last round that is known, in the past or the future.
    last: Option<Time>,
}

impl Throttle {
    /// The round with which a change of `at` goes out.
    pub fn next(&mut self, at: Time, apart: Span) -> Time {
        if apart == Span::ZERO || at == Time::NEVER {
            return at;
        }
        let round = match self.last {
            // One is due: this change goes with it.
            Some(last) if at <= last => last,
            Some(last) => at.max(last + apart),
            None => at,
        };
        self.last = Some(round);
        round
    }
}

#[cfg(test)]
mod tests {
    use super::Throttle;
    use crate::units::{Span, Time};

    #[test]
    fn the_first_goes_at_once_and_the_rest_together() {
        let mut throttle = Throttle::default();
        let rounds = [5, 6, 9, 15, 15, 16, 40, 41].map(|at| throttle.next(Time(at), Span(10)).0);
        assert_eq!(rounds, [5, 15, 15, 15, 15, 25, 40, 50]);
    }

    #[test]
    fn without_a_delay_nothing_waits() {
        let mut throttle = Throttle::default();
        assert_eq!([3, 3, 4].map(|at| throttle.next(Time(at), Span::ZERO).0), [3, 3, 4]);
        assert_eq!(throttle.next(Time::NEVER, Span(10)), Time::NEVER);
        assert_eq!(throttle.next(Time(7), Span(10)), Time(7), "never is no round");
    }
}
