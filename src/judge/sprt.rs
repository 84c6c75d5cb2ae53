//! Wald's sequential probability ratio test on errors.

use super::Verdict;
use super::evidence::{Evidence, Side};
use crate::scenario::pieces::ErrorLaw;

/// The test between two shares of errors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sprt {
    /// What an error adds to the logarithm of the likelihood ratio.
    pub error: f64,
    /// What a good answer adds (Bernoulli), or any answer (Poisson): negative.
    pub answer: f64,
    /// Above this the version is bad.
    pub upper: f64,
    /// Below this it is good.
    pub lower: f64,
    law: ErrorLaw,
}

impl Sprt {
    /// Between `p0` (good) and `p1` (bad), with Wald's limits for these chances of error.
    pub fn new((p0, p1): (f64, f64), (alpha, beta): (f64, f64), law: ErrorLaw) -> Self {
        let (error, answer) = match law {
            ErrorLaw::Bernoulli => (libm::log(p1 / p0), libm::log((1.0 - p1) / (1.0 - p0))),
            ErrorLaw::Poisson => (libm::log(p1 / p0), p0 - p1),
        };
        let upper = libm::log((1.0 - beta) / alpha);
        Self { error, answer, upper, lower: libm::log(beta / (1.0 - alpha)), law }
    }

    /// Logarithm of the likelihood ratio after so many errors among so many answers.
    pub fn ratio(&self, errors: u64, requests: u64) -> f64 {
        let others = match self.law {
            ErrorLaw::Bernoulli => requests - errors,
            ErrorLaw::Poisson => requests,
        };
        errors as f64 * self.error + others as f64 * self.answer
    }

    /// The verdict after everything so far. Whoever asks stops at the first that is not
    /// inconclusive.
    pub fn judge(&self, evidence: &Evidence) -> Verdict {
        let seen = evidence.while_judged(Side::Canary);
        if seen.requests == 0 {
            return Verdict::NoData;
        }
        let ratio = self.ratio(seen.errors, seen.requests);
        if ratio >= self.upper {
            Verdict::Fail
        } else if ratio <= self.lower {
            Verdict::Pass
        } else {
            Verdict::Inconclusive
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Reading;

    /// Two errors at once are too few, the third is one too many; a long time without is good.
    #[test]
    fn errors_and_answers_move_it() {
        let sprt = Sprt::new((0.001, 0.01), (0.01, 0.05), ErrorLaw::Bernoulli);
        let say = |errors, requests| {
            let mut evidence = Evidence::default();
            let reading = Reading { requests, errors, latency: 0.0 };
            evidence.scrape([(1, Side::Canary, reading)]);
            sprt.judge(&evidence)
        };
        assert_eq!(say(0, 0), Verdict::NoData);
        assert_eq!(say(1, 10), Verdict::Inconclusive);
        assert_eq!(say(2, 2), Verdict::Fail);
        assert_eq!(say(2, 10), Verdict::Inconclusive);
        assert_eq!(say(3, 10), Verdict::Fail);
        assert_eq!(say(0, 320), Verdict::Inconclusive);
        assert_eq!(say(0, 331), Verdict::Pass);
        let poisson = Sprt::new((0.001, 0.01), (0.01, 0.05), ErrorLaw::Poisson);
        assert!((poisson.ratio(2, 100) - (2.0 * 10f64.ln() - 0.9)).abs() < 1e-12);
    }
}
