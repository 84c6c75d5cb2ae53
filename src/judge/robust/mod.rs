//! The default judge: it takes into account that hosts differ for good, and that what is measured
//! now resembles what was measured a moment ago.
//!
//! - **Latency** ([`hosts`]): one number an instance, the mean logarithm of its latency against
//!   the old version's at the same times. How much instances of one version differ is the measure
//!   for how much the versions may, by Student's law with as many degrees of freedom as there are
//!   instances to compare. That holds whatever the noise of hosts and the memory of the series;
//!   where neither is there the instances hardly differ, and a small shift is seen.
//! - **Errors** ([`errors`]): the exact conditional test of two counts, deflated if the old
//!   version's errors come in bursts or from few hosts.
//! - **Spread** ([`spread`]): a version whose latency varies more than the old one's does not pass.
//!
//! It may be asked at every scrape, but tests at a few: after `samples` scrapes, at halves of that
//! before, at doubles after. Its chance of stopping a good release is split among these looks, so
//! that together they do not exceed `alpha`, however they depend on each other.

pub mod errors;
pub mod hosts;
pub mod spread;

use std::cmp::Ordering;

use super::Verdict;
use super::evidence::{Evidence, Side};
use crate::scenario::pieces::Metric;

/// Settings of the judge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Robust {
    /// Scrapes after which most of `alpha` is spent.
    pub samples: u32,
    /// Chance of ever stopping a good release.
    pub alpha: f64,
    /// A slow-down below this is not worth a stop.
    pub slower: f64,
    /// Share of additional errors below which it is not worth a stop, and good.
    pub worse: f64,
    /// A pass says that the slow-down is below this.
    pub margin: f64,
    /// Coefficient of variation between hosts, where that cannot be seen.
    pub host_noise: f64,
}

impl Default for Robust {
    fn default() -> Self {
        Self {
            samples: 60,
            alpha: 0.017,
            slower: 0.02,
            worse: 0.001,
            margin: 0.05,
            host_noise: 0.02,
        }
    }
}

/// How a chance of error is split among looks.
#[derive(Debug, Clone, Copy)]
struct Spending {
    /// At the look after `samples` scrapes.
    planned: f64,
    /// At the first half before; half of that at the next, and so on.
    before: f64,
    /// At the double; half of that at the next, and so on.
    after: f64,
}

/// A slow-down is sure only after a while, so nearly everything is spent at the planned look.
const LATENCY: Spending = Spending { planned: 0.9, before: 0.02, after: 0.03 };
/// Errors may be sure at once.
const ERRORS: Spending = Spending { planned: 0.4, before: 0.2, after: 0.1 };

impl Spending {
    /// The share for a look after so many scrapes; `None` if there is no look then.
    fn at(self, scrapes: u32, samples: u32) -> Option<f64> {
        let step = |find: &dyn Fn(u32) -> bool| (1..32u32).find(|step| find(*step));
        let halved = |share: f64, step: u32| share * 0.5f64.powi(step as i32 - 1);
        match scrapes.cmp(&samples) {
            Ordering::Equal => Some(self.planned),
            Ordering::Less => {
                let step = step(&|step| scrapes > 0 && samples >> step == scrapes)?;
                Some(halved(self.before, step))
            }
            Ordering::Greater => {
                let step = step(&|step| u64::from(samples) << step == u64::from(scrapes))?;
                Some(halved(self.after, step))
            }
        }
    }
}

/// A pass is wrong with at most this chance at each look.
const PASS: f64 = 0.05;

impl Robust {
    /// Inconclusive between looks.
    pub fn judge(&self, evidence: &Evidence, metric: Metric) -> Verdict {
        let judged = evidence.judged();
        if judged == 0 || evidence.while_judged(Side::Baseline).requests == 0 {
            return Verdict::NoData;
        }
        let alpha = if metric == Metric::Both { self.alpha / 2.0 } else { self.alpha };
        let spent = |spending: Spending| Some(spending.at(judged, self.samples)? * alpha);
        let may_pass = judged >= self.samples;
        let mut told = Vec::new();
        if metric != Metric::Errors {
            told.push(spent(LATENCY).map(|alpha| self.latency(evidence, alpha)));
        }
        if metric != Metric::Latency {
            told.push(spent(ERRORS).map(|alpha| self.errors(evidence, alpha)));
        }
        if told.contains(&Some(Verdict::Fail)) {
            Verdict::Fail
        } else if may_pass && told.iter().all(|verdict| *verdict == Some(Verdict::Pass)) {
            Verdict::Pass
        } else {
            Verdict::Inconclusive
        }
    }

    fn latency(&self, evidence: &Evidence, alpha: f64) -> Verdict {
        let Some(shift) = hosts::shift(evidence, self.host_noise) else {
            return Verdict::Inconclusive;
        };
        if shift.low(alpha) > 0.0 && shift.estimate >= libm::log1p(self.slower) {
            Verdict::Fail
        } else if shift.high(PASS) <= libm::log1p(self.margin) && !spread::has_grown(evidence) {
            Verdict::Pass
        } else {
            Verdict::Inconclusive
        }
    }

    fn errors(&self, evidence: &Evidence, alpha: f64) -> Verdict {
        let counts = errors::Counts::of(evidence);
        if counts.excess() >= self.worse && counts.chance() <= alpha {
            Verdict::Fail
        } else if counts.excess_high(PASS) <= self.worse {
            Verdict::Pass
        } else {
            Verdict::Inconclusive
        }
    }
}

#[cfg(test)]
mod tests;
