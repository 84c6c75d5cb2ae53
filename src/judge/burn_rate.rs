//! The error budget goes too fast, over a long window and a short one (Google's SRE workbook,
//! chapter 5): the long one says that it matters, the short one that it still goes on.

use super::Verdict;
use super::evidence::{Evidence, Side, Totals};

/// An alert on all answers of the service.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BurnRate {
    /// Share of good answers that was promised.
    pub slo: f64,
    /// The budget goes so many times too fast.
    pub burn: f64,
    /// The long window, in scrapes.
    pub long: u32,
    /// The short window, in scrapes.
    pub short: u32,
}

impl BurnRate {
    /// Bad if both windows burn too fast. What lies before the first scrape was as it was until
    /// there was a canary.
    pub fn judge(&self, evidence: &Evidence) -> Verdict {
        if evidence.judged() == 0 {
            return Verdict::NoData;
        }
        // Reached is passed, whatever the rounding of shares.
        let limit = self.burn * (1.0 - self.slo) * (1.0 - 1e-9);
        let burns = |window| share(evidence, window).is_some_and(|share| share >= limit);
        if burns(self.long) && burns(self.short) { Verdict::Fail } else { Verdict::Pass }
    }
}

/// Share of errors over the last `window` scrapes.
fn share(evidence: &Evidence, window: u32) -> Option<f64> {
    let all = evidence.scrapes();
    let over = |range: std::ops::Range<u32>| {
        let both = [Side::Baseline, Side::Canary].map(|side| evidence.totals(side, range.clone()));
        both[0].plus(both[1])
    };
    let seen = over(all.saturating_sub(window)..all);
    let missing = f64::from(window.saturating_sub(all));
    let before = evidence.canary_scrapes().start;
    let known = if before > 0 { over(0..before) } else { Totals { errors: 0, ..seen } };
    let scrapes = f64::from(if before > 0 { before } else { all });
    let errors = seen.errors as f64 + known.errors as f64 / scrapes * missing;
    let requests = seen.requests as f64 + known.requests as f64 / scrapes * missing;
    (requests > 0.0).then(|| errors / requests)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Reading;

    /// SRE workbook: (1 − SLO) / error share × window × burn.
    #[test]
    fn time_to_alert_is_that_of_the_workbook() {
        let rule = BurnRate { slo: 0.999, burn: 14.4, long: 3600, short: 300 };
        for (errors, expected) in [(1000, 52), (100, 519), (20, 2592)] {
            let mut evidence = Evidence::default();
            let good = Reading { requests: 1000, errors: 0, latency: 0.0 };
            evidence.scrape([(0, Side::Baseline, good)]);
            let alert = (1..4000).find(|_| {
                evidence.scrape([(1, Side::Canary, Reading { errors, ..good })]);
                rule.judge(&evidence) == Verdict::Fail
            });
            assert_eq!(alert, Some(expected), "{errors}");
        }
    }

    #[test]
    fn what_is_over_does_not_alert() {
        let rule = BurnRate { slo: 0.99, burn: 2.0, long: 10, short: 2 };
        let mut evidence = Evidence::default();
        let reading = |errors| Reading { requests: 100, errors, latency: 0.0 };
        let mut told = Vec::new();
        for errors in [0, 20, 20, 0, 0] {
            evidence.scrape([(1, Side::Canary, reading(errors))]);
            told.push(rule.judge(&evidence) == Verdict::Fail);
        }
        assert_eq!(told, [false, true, true, true, false]);
    }
}
