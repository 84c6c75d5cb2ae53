//! A metric above a multiple of the old version's, so many scrapes in a row.

use super::evidence::{Evidence, Side};
use super::threshold::in_a_row;
use super::{Verdict, value};
use crate::scenario::pieces::Metric;

/// Bad if in the last `scrapes` scrapes the new version's value was above `factor` times that of
/// the old one in the same scrape. An old version without errors makes every error too many.
pub fn judge(evidence: &Evidence, metric: Metric, factor: f64, scrapes: u32) -> Verdict {
    let bad = |scrape: u32| {
        let canary = value(metric, evidence.at(Side::Canary, scrape))?;
        let baseline = value(metric, evidence.at(Side::Baseline, scrape))?;
        Some(canary > factor * baseline)
    };
    in_a_row(evidence.canary_scrapes().rev().map(bad), scrapes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Reading;

    #[test]
    fn the_old_version_is_the_measure() {
        let mut evidence = Evidence::default();
        let latency = |latency| Reading { requests: 1, errors: 0, latency };
        for (old, new) in [(0.1, 0.2), (0.1, 0.16), (0.2, 0.31)] {
            evidence.scrape([(0, Side::Baseline, latency(old)), (1, Side::Canary, latency(new))]);
        }
        assert_eq!(judge(&evidence, Metric::Latency, 1.5, 3), Verdict::Fail);
        assert_eq!(judge(&evidence, Metric::Latency, 1.5, 4), Verdict::Inconclusive);
        assert_eq!(judge(&evidence, Metric::Latency, 1.6, 1), Verdict::Pass);
        evidence.scrape([(1, Side::Canary, latency(9.0))]);
        assert_eq!(judge(&evidence, Metric::Latency, 1.5, 1), Verdict::NoData);
    }
}
