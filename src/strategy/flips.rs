//! How long something has been good or bad without a break.

use serde::{Deserialize, Serialize};

use crate::units::{Span, Time};

/// A clock that a flip from good to bad, or back, starts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Flips {
    good: Option<bool>,
    since: Time,
}

impl Flips {
    /// Nothing is known yet; the first verdict counts from `since`.
    pub(super) fn from(since: Time) -> Self {
        Self { good: None, since }
    }

    /// Takes a verdict at `now`.
    pub(super) fn note(&mut self, good: bool, now: Time) {
        if self.good.is_some_and(|before| before != good) {
            self.since = now;
        }
        self.good = Some(good);
    }

    /// When it will have been as it is, `good` or not, for `span`; never, if it is the other.
    pub(super) fn due(&self, good: bool, span: Span) -> Time {
        if self.good == Some(good) { self.since + span } else { Time::NEVER }
    }
}

#[cfg(test)]
mod tests {
    use super::Flips;
    use crate::units::{Span, Time};

    #[test]
    fn both_clocks_start_again_at_a_flip() {
        let at = Time::from_secs;
        let mut flips = Flips::from(at(10));
        assert_eq!(flips.due(true, Span::from_secs(5)), Time::NEVER);
        flips.note(false, at(12));
        assert_eq!(flips.due(false, Span::from_secs(5)), at(15));
        assert_eq!(flips.due(true, Span::from_secs(5)), Time::NEVER);
        flips.note(false, at(14));
        assert_eq!(flips.due(false, Span::from_secs(5)), at(15));
        flips.note(true, at(14));
        assert_eq!(flips.due(true, Span::from_secs(5)), at(19));
        flips.note(false, at(18));
        assert_eq!(flips.due(false, Span::from_secs(5)), at(23));
    }
}
