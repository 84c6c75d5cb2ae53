//! Kayenta's judge of a metric (Netflix's automated canary analysis): the interval of the shift
//! between two samples by Mann and Whitney's test, against a share of the shift itself.
//!
//! Told from its behaviour: two-sided interval by the normal approximation with a correction of
//! one half and for ties, each end where the rank statistic passes its quantile; the shift itself
//! (Hodges and Lehmann's estimate) where it passes zero. High if the lower end lies above
//! `tolerance` times the shift's size and the ratio of means is at least `increase`. Equal samples
//! pass, a side without data says nothing. There is no least effect: a small shift that is sure is
//! bad, a huge one whose interval touches zero passes.

use super::evidence::{Evidence, Side};
use super::{Verdict, value};
use crate::engine::special::normal_upper;
use crate::scenario::pieces::Metric;

/// The rule and its settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kayenta {
    /// Scrapes compared.
    pub samples: u32,
    /// Confidence of the interval.
    pub confidence: f64,
    /// Share of the shift.
    pub tolerance: f64,
    /// Ratio of means.
    pub increase: f64,
}

impl Default for Kayenta {
    fn default() -> Self {
        Self { samples: 60, confidence: 0.98, tolerance: 0.25, increase: 1.0 }
    }
}

/// An interval of the shift of the first sample against the second, and the shift.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shift {
    /// Lower end.
    pub low: f64,
    /// Hodges and Lehmann's estimate.
    pub estimate: f64,
    /// Upper end.
    pub high: f64,
}

impl Kayenta {
    /// Looks whenever there are `samples` more scrapes, at the last of them.
    pub fn judge(&self, evidence: &Evidence, metric: Metric) -> Verdict {
        let judged = evidence.judged();
        if judged == 0 {
            return Verdict::NoData;
        }
        if !judged.is_multiple_of(self.samples) {
            return Verdict::Inconclusive;
        }
        let scrapes = evidence.scrapes() - self.samples..evidence.scrapes();
        let values = |side| -> Vec<f64> {
            scrapes.clone().filter_map(|scrape| value(metric, evidence.at(side, scrape))).collect()
        };
        self.classify(&values(Side::Canary), &values(Side::Baseline))
    }

    /// The verdict on two samples.
    pub fn classify(&self, canary: &[f64], baseline: &[f64]) -> Verdict {
        if canary.is_empty() || baseline.is_empty() {
            return Verdict::NoData;
        }
        if canary == baseline {
            return Verdict::Pass;
        }
        let Some(shift) = shift(canary, baseline, self.confidence) else { return Verdict::Pass };
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let ratio = mean(canary) / mean(baseline);
        let is_high = shift.low > self.tolerance * shift.estimate.abs();
        // Without anything in the baseline there is no ratio to fall short of.
        let is_enough = ratio.is_nan() || ratio >= self.increase;
        if is_high && is_enough { Verdict::Fail } else { Verdict::Pass }
    }
}

/// The shift of `x` against `y`; `None` if all values are the same.
pub fn shift(x: &[f64], y: &[f64], confidence: f64) -> Option<Shift> {
    let (n, m) = (x.len() as f64, y.len() as f64);
    let mut differences: Vec<f64> = x.iter().flat_map(|x| y.iter().map(move |y| x - y)).collect();
    let first = differences.first().copied()?;
    if tied(x) == cube(n) && tied(y) == cube(m) && first == 0.0 {
        return None;
    }
    let ties = tied(x) + tied(y);
    let sigma = (n * m / 12.0 * (n + m + 1.0 - ties / ((n + m) * (n + m - 1.0)))).sqrt();
    let z = normal_upper((1.0 - confidence) / 2.0);
    // At shift d the statistic is how many differences lie above d, less half of all; each root
    // is the difference at which (statistic ∓ ½) / σ passes the quantile.
    let count = differences.len();
    let mut at = |statistic: f64| {
        let above = n * m / 2.0 + statistic;
        let index = ((count as f64 - above).floor().max(0.0) as usize).min(count - 1);
        *differences.select_nth_unstable_by(index, f64::total_cmp).1
    };
    Some(Shift {
        low: at(z * sigma + 0.5),
        estimate: f64::midpoint(at(0.5), at(-0.5)),
        high: at(-z * sigma - 0.5),
    })
}

fn cube(count: f64) -> f64 {
    count * count * count - count
}

/// Sum of t³ − t over groups of equal values.
fn tied(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted.chunk_by(|a, b| a == b).map(|group| cube(group.len() as f64)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The statistic as its definition says it, without ties at `d`.
    fn statistic(x: &[f64], y: &[f64], d: f64) -> f64 {
        let above = x.iter().flat_map(|x| y.iter().map(move |y| x - y - d)).filter(|v| *v > 0.0);
        above.count() as f64 - x.len() as f64 * y.len() as f64 / 2.0
    }

    #[test]
    fn ends_are_where_the_statistic_passes_its_quantiles() {
        let x = [1.4, 0.3, 2.2, 3.7, 5.1, 1.9, 2.8, 4.4];
        let y = [0.1, 1.2, 0.7, 2.6, 1.05, 0.45, 3.3];
        let found = shift(&x, &y, 0.9).unwrap();
        let sigma = (8.0 * 7.0 / 12.0 * 16.0f64).sqrt();
        let z = 1.644_853_626_951_472_7;
        let score = |d: f64| {
            let dz = statistic(&x, &y, d);
            (dz - 0.5 * dz.signum()) / sigma
        };
        for (end, quantile) in [(found.low, z), (found.high, -z)] {
            assert!(score(end - 1e-6) >= quantile && score(end + 1e-6) < quantile, "{end}");
        }
        assert!(found.low < found.estimate && found.estimate < found.high);
        assert!(statistic(&x, &y, found.estimate - 0.2) > 0.0);
        assert!(statistic(&x, &y, found.estimate + 0.2) < 0.0);
    }

    #[test]
    fn no_data_equal_data_and_clear_data() {
        let rule = Kayenta::default();
        let rising: Vec<f64> = (0..30).map(|i| 100.0 + f64::from(i) * 0.1).collect();
        let higher: Vec<f64> = rising.iter().map(|v| v + 5.0).collect();
        assert_eq!(rule.classify(&[], &rising), Verdict::NoData);
        assert_eq!(rule.classify(&rising, &rising.clone()), Verdict::Pass);
        assert_eq!(rule.classify(&higher, &rising), Verdict::Fail);
        assert_eq!(rule.classify(&rising, &higher), Verdict::Pass, "better is not high");
        let tolerant = Kayenta { increase: 1.1, ..rule };
        assert_eq!(tolerant.classify(&higher, &rising), Verdict::Pass);
        assert_eq!(rule.classify(&[0.0; 9], &[0.0; 8]), Verdict::Pass);
    }

    /// Kayenta #780, #426 and Spinnaker #6278: what it is known to let through.
    #[test]
    fn what_kayenta_is_known_to_let_through() {
        for (canary, baseline) in crate::judge::cases::known_to_pass() {
            let verdict = Kayenta::default().classify(&canary, &baseline);
            assert_eq!(verdict, Verdict::Pass, "{canary:?}");
        }
    }
}
