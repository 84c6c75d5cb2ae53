//! How long to wait before a retry, and whether there may be one.

use crate::engine::{Sampler, math};
use crate::scenario::conduct::{Backoff, Budget, Jitter};

/// Windows in which a ratio budget forgets (as Finagle's `LeakyTokenBucket`).
const WINDOWS: usize = 10;
/// A retry, in the unit in which tokens are counted.
const TOKEN: i64 = 1_000_000;

/// The wait before retry number `n` ≥ 1, nanoseconds.
pub(super) fn wait(backoff: Option<Backoff>, delay: &Sampler, n: u32, bits: u64) -> u64 {
    let Some(Backoff { base, factor, max, jitter }) = backoff else { return delay.at(bits) as u64 };
    let mut whole = base.0 as f64;
    // Powers by multiplication: the platform's `powi` need not round alike everywhere.
    for _ in 1..n {
        whole = (whole * factor).min(max.0 as f64);
        if whole >= max.0 as f64 {
            break;
        }
    }
    let part = math::open_unit(bits);
    let share = match jitter {
        Jitter::Full => part,
        Jitter::Equal => 0.5 + 0.5 * part,
        Jitter::None => 1.0,
    };
    (whole.min(max.0 as f64) * share) as u64
}

/// What a node has spent of its budget.
#[derive(Debug, Clone, Default)]
pub(super) struct Account {
    /// Tokens that came and went, by window; all together are the balance.
    windows: [i64; WINDOWS],
    balance: i64,
    /// Number of the current window, and when it ends.
    current: u64,
    place: usize,
    ends: u64,
    /// Requests that have not ended.
    pub(super) requests: u32,
    /// Retries and hedges under way or waiting.
    pub(super) extra: u32,
}

impl Account {
    #[inline(always)]
    fn turn(&mut self, ttl: u64, now: u64) {
        if now >= self.ends {
            self.forget(ttl, now);
        }
    }

    #[cold]
    fn forget(&mut self, ttl: u64, now: u64) {
        let length = (ttl / WINDOWS as u64).max(1);
        let window = now / length;
        let passed = (window - self.current).min(WINDOWS as u64);
        for step in 1..=passed {
            let place = ((self.current + step) % WINDOWS as u64) as usize;
            self.balance -= std::mem::take(&mut self.windows[place]);
        }
        self.current = window;
        self.place = (window % WINDOWS as u64) as usize;
        self.ends = (window + 1) * length;
    }

    fn add(&mut self, tokens: i64) {
        self.windows[self.place] += tokens;
        self.balance += tokens;
    }

    /// A request arrives.
    #[inline(always)]
    pub(super) fn arrive(&mut self, budget: Option<Budget>, now: u64) {
        self.requests += 1;
        if let Some(Budget::Ratio { ratio, ttl, .. }) = budget {
            self.turn(ttl.0, now);
            self.add((ratio.0 * TOKEN as f64) as i64);
        }
    }

    /// Whether one more retry is allowed; it is then counted as under way.
    pub(super) fn allow(&mut self, budget: Option<Budget>, now: u64) -> bool {
        let allowed = match budget {
            None => true,
            Some(Budget::Ratio { ttl, least, .. }) => {
                self.turn(ttl.0, now);
                let reserve = (least.0 * ttl.as_secs_f64() * TOKEN as f64) as i64;
                let enough = self.balance + reserve >= TOKEN;
                if enough {
                    self.add(-TOKEN);
                }
                enough
            }
            Some(Budget::Active { share, least }) => {
                let most = (f64::from(self.requests) * share.0) as u32;
                self.extra < most.max(least)
            }
        };
        self.extra += u32::from(allowed);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Rate, Share, Span};

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_ratio_allows_that_share_and_forgets() {
        let budget =
            Some(Budget::Ratio { ratio: Share(0.2), ttl: Span::from_secs(10), least: Rate(1.0) });
        let mut account = Account::default();
        // Ten in reserve: one a second for ten seconds.
        let allowed =
            |account: &mut Account, now| (0..1000).filter(|_| account.allow(budget, now)).count();
        assert_eq!(allowed(&mut account, 0), 10);
        (0..100).for_each(|_| account.arrive(budget, SECOND));
        assert_eq!(allowed(&mut account, 2 * SECOND), 20);
        // The ten of the reserve come back once they are older than ten seconds; the twenty
        // tokens and the twenty retries that they paid for go together.
        assert_eq!(allowed(&mut account, 10 * SECOND + SECOND / 2), 10);
        assert_eq!(allowed(&mut account, 40 * SECOND), 10);
    }

    #[test]
    fn an_active_share_has_a_floor() {
        let budget = Some(Budget::Active { share: Share(0.2), least: 3 });
        let mut account = Account { requests: 10, ..Account::default() };
        assert_eq!((0..9).filter(|_| account.allow(budget, 0)).count(), 3);
        account.requests = 100;
        assert_eq!((0..99).filter(|_| account.allow(budget, 0)).count(), 17);
        assert_eq!(account.extra, 20);
        account.extra -= 5;
        assert_eq!((0..99).filter(|_| account.allow(budget, 0)).count(), 5);
    }

    #[test]
    fn backoff_grows_to_its_end() {
        let backoff = |jitter| {
            let (base, max) = (Span::from_millis(50), Span::from_millis(300));
            Some(Backoff { base, factor: 2.0, max, jitter })
        };
        let delay = Sampler::fixed(7.0);
        let millis = |jitter, n, bits| wait(backoff(jitter), &delay, n, bits) as f64 / 1e6;
        let whole = [1, 2, 3, 4, 90].map(|n| millis(Jitter::None, n, 0));
        assert_eq!(whole, [50.0, 100.0, 200.0, 300.0, 300.0]);
        assert!(millis(Jitter::Full, 2, 0) < 0.001 && millis(Jitter::Full, 2, u64::MAX) > 99.99);
        assert!((millis(Jitter::Equal, 2, 0) - 50.0).abs() < 0.001);
        assert_eq!(wait(None, &delay, 3, 0), 7);
    }
}
