//! Whether the new version fails more often: the exact test of two counts, fit for few errors.

use crate::engine::special::{binomial_from, normal_upper};
use crate::judge::evidence::{Evidence, Side, Totals};

/// Errors of both sides, in the scrapes in which both answered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counts {
    /// Of the new version.
    pub canary: Totals,
    /// Of the old one.
    pub baseline: Totals,
    /// How many times the variance of the old version's errors is that of independent ones; at
    /// least 1.
    pub bursts: f64,
}

impl Counts {
    /// Of everything scraped since there is a canary.
    pub fn of(evidence: &Evidence) -> Self {
        let (mut canary, mut baseline) = (Totals::default(), Totals::default());
        for scrape in evidence.canary_scrapes() {
            let (new, old) =
                (evidence.at(Side::Canary, scrape), evidence.at(Side::Baseline, scrape));
            if new.requests > 0 && old.requests > 0 {
                (canary, baseline) = (canary.plus(new), baseline.plus(old));
            }
        }
        Self { canary, baseline, bursts: bursts(evidence, baseline) }
    }

    /// By how much the new version's share of errors is the larger.
    pub fn excess(&self) -> f64 {
        let share = |totals: Totals| totals.error_share().unwrap_or(0.0);
        share(self.canary) - share(self.baseline)
    }

    /// The excess may be as large as this, exceeded with probability `tail`.
    pub fn excess_high(&self, tail: f64) -> f64 {
        let variance = |totals: Totals| {
            let requests = totals.requests as f64;
            if requests > 0.0 { (totals.errors as f64 + 1.0) / (requests * requests) } else { 1.0 }
        };
        let both = self.bursts * (variance(self.canary) + variance(self.baseline));
        self.excess() + normal_upper(tail) * both.sqrt()
    }

    /// How likely so many of all the errors fall upon the new version if it is no worse
    /// (Przyborowski and Wilenski, 1940). Errors in bursts count as so many fewer.
    pub fn chance(&self) -> f64 {
        let both = self.canary.plus(self.baseline);
        if both.requests == 0 {
            return 1.0;
        }
        let share = self.canary.requests as f64 / both.requests as f64;
        let counted = |errors: u64| (errors as f64 / self.bursts).floor() as u64;
        binomial_from(counted(self.canary.errors), counted(both.errors), share)
    }
}

/// Blocks of time in which errors are compared.
const BLOCKS: u32 = 6;

/// The dispersion of the old version's errors, between hosts or between blocks of time, whichever
/// is the larger.
fn bursts(evidence: &Evidence, baseline: Totals) -> f64 {
    let Some(share) = baseline.error_share().filter(|share| *share > 0.0) else { return 1.0 };
    let scrapes = evidence.canary_scrapes();
    let hosts = evidence.series().iter().filter(|series| series.side == Side::Baseline);
    let hosts = hosts.map(|series| {
        let readings = scrapes.clone().filter_map(|scrape| series.at(scrape));
        readings.fold((0, 0), |(errors, all), r| (errors + r.errors, all + r.requests))
    });
    let length = scrapes.len() as u32;
    let edge = |block: u32| scrapes.start + length * block / BLOCKS;
    let blocks = (0..BLOCKS).map(|block| {
        let totals = evidence.totals(Side::Baseline, edge(block)..edge(block + 1));
        (totals.errors, totals.requests)
    });
    dispersion(hosts, share).max(dispersion(blocks, share)).max(1.0)
}

/// Pearson's statistic over its degrees of freedom.
fn dispersion(cells: impl Iterator<Item = (u64, u64)>, share: f64) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for (errors, requests) in cells.filter(|(_, requests)| *requests > 0) {
        let expected = share * requests as f64;
        sum += (errors as f64 - expected) * (errors as f64 - expected) / expected;
        count += 1.0;
    }
    if count < 2.0 { 1.0 } else { sum / (count - 1.0) }
}
