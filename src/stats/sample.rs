//! Weighted values of one outcome over runs.

use super::Estimate;
use super::interval::{ERROR, mean_at, quantile_ranks_at, wilson_at};

/// Rounding of sums of weights, relative to their total.
const ROUNDING: f64 = 1e-10;

/// Values in order, with weights. Never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    values: Vec<(f64, f64)>,
    /// Weight of the values up to each.
    cumulative: Vec<f64>,
    effective: f64,
    /// How often an interval may be wrong.
    error: f64,
}

impl Sample {
    /// From (value, weight) pairs; those whose value is not a number or whose weight is not
    /// positive are left out. `None` if that leaves nothing.
    pub fn new(values: &[(f64, f64)]) -> Option<Self> {
        let applies = |(value, weight): &(f64, f64)| !value.is_nan() && *weight > 0.0;
        let mut values: Vec<(f64, f64)> = values.iter().copied().filter(applies).collect();
        // In order of value, so that sums do not depend on the order of runs.
        values.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let (mut total, mut squares) = (0.0, 0.0);
        let mut cumulative = Vec::with_capacity(values.len());
        for (_, weight) in &values {
            total += weight;
            squares += weight * weight;
            cumulative.push(total);
        }
        let effective = total * total / squares;
        (!values.is_empty()).then_some(Self { values, cumulative, effective, error: ERROR })
    }

    /// The same, with intervals that are wrong with this probability; 5 % otherwise.
    #[must_use]
    pub fn with_error(self, error: f64) -> Self {
        Self { error, ..self }
    }

    /// How often an interval may be wrong.
    pub(super) fn error(&self) -> f64 {
        self.error
    }

    /// Number of runs.
    pub fn runs(&self) -> u32 {
        self.values.len() as u32
    }

    /// Number of equally weighted runs that tell as much: (Σw)²/Σw² (Kish 1965).
    pub fn effective_runs(&self) -> f64 {
        self.effective
    }

    /// Smallest value.
    pub fn min(&self) -> f64 {
        self.values[0].0
    }

    /// Largest value.
    pub fn max(&self) -> f64 {
        self.values[self.values.len() - 1].0
    }

    /// Mean with Student's interval.
    pub fn mean(&self) -> Estimate {
        let (mean, sd) = self.moments();
        mean_at(mean, sd, self.effective, self.error)
    }

    /// Share of runs with this property, with Wilson's interval.
    pub fn share(&self, property: impl Fn(f64) -> bool) -> Estimate {
        let hit = self.values.iter().filter(|(value, _)| property(*value));
        let weight: f64 = hit.map(|(_, weight)| weight).sum();
        // All must be exactly 1, however the weights round.
        let seen = if weight >= self.total() { 1.0 } else { weight / self.total() };
        wilson_at(seen, self.effective, self.error)
    }

    /// The smallest value that at least the share `q` of runs do not exceed, with the interval
    /// by order statistics, which holds for every law.
    pub fn quantile(&self, q: f64) -> Estimate {
        let value = self.at(q);
        let trials = (self.effective * (1.0 + ROUNDING)).floor();
        let (lower, upper) = quantile_ranks_at(trials as u64, q, self.error);
        let end = |rank: u64| self.at(rank as f64 / trials);
        Estimate {
            value,
            low: lower.map_or(f64::NEG_INFINITY, end).min(value),
            high: upper.map_or(f64::INFINITY, end).max(value),
        }
    }

    /// The same values with the other sign: "at least" becomes "at most".
    #[must_use]
    pub fn mirrored(&self) -> Self {
        let values: Vec<(f64, f64)> = self.values.iter().map(|(v, w)| (-v, *w)).collect();
        Self::new(&values).expect("as many values as before").with_error(self.error)
    }

    fn total(&self) -> f64 {
        self.cumulative[self.cumulative.len() - 1]
    }

    fn at(&self, share: f64) -> f64 {
        let wanted = (share - ROUNDING) * self.total();
        let index = self.cumulative.partition_point(|weight| *weight < wanted);
        self.values[index.min(self.values.len() - 1)].0
    }

    /// Mean and standard deviation, the latter corrected for the effective number of runs.
    fn moments(&self) -> (f64, f64) {
        let average = |f: &dyn Fn(f64) -> f64| {
            self.values.iter().map(|(value, weight)| weight * f(*value)).sum::<f64>() / self.total()
        };
        // Equal values must give exactly themselves, however the weights round.
        let mean = average(&|value| value).clamp(self.min(), self.max());
        let variance = average(&|value| (value - mean) * (value - mean));
        let freedom = (self.effective - 1.0).max(0.0);
        let sd = if freedom > 0.0 { (variance * self.effective / freedom).sqrt() } else { 0.0 };
        (mean, sd)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn equal(values: &[f64]) -> Sample {
        let pairs: Vec<(f64, f64)> = values.iter().map(|v| (*v, 1.0)).collect();
        Sample::new(&pairs).unwrap()
    }

    #[test]
    fn a_mean_has_students_interval() {
        // Mean 5, sd √(32/7), t(7) = 2.364624.
        let mean = equal(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).mean();
        let half = 2.364_624_251 * (32.0f64 / 7.0 / 8.0).sqrt();
        assert_eq!(mean.value, 5.0);
        assert!((mean.high - 5.0 - half).abs() < 1e-8 && (5.0 - mean.low - half).abs() < 1e-8);
    }

    #[test]
    fn a_single_run_bounds_nothing() {
        let one = equal(&[3.0]);
        assert_eq!((one.mean().value, one.quantile(0.5).value), (3.0, 3.0));
        assert!(one.mean().low.is_infinite() && one.mean().high.is_infinite());
        assert!(one.quantile(0.5).low.is_infinite() && one.quantile(0.5).high.is_infinite());
    }

    #[test]
    fn what_does_not_apply_is_left_out() {
        let sample = Sample::new(&[(f64::NAN, 1.0), (2.0, 1.0), (9.0, 0.0)]).unwrap();
        assert_eq!((sample.runs(), sample.max()), (1, 2.0));
        assert_eq!(Sample::new(&[(f64::NAN, 1.0)]), None);
    }

    #[test]
    fn uneven_weights_tell_less() {
        let even = Sample::new(&[(1.0, 5.0), (2.0, 5.0), (3.0, 5.0), (4.0, 5.0)]).unwrap();
        let uneven = Sample::new(&[(1.0, 17.0), (2.0, 1.0), (3.0, 1.0), (4.0, 1.0)]).unwrap();
        assert!((even.effective_runs() - 4.0).abs() < 1e-12);
        assert!((uneven.effective_runs() - 400.0 / 292.0).abs() < 1e-12);
        assert_eq!(uneven.quantile(0.85).value, 1.0);
        assert!((uneven.share(|v| v > 1.0).value - 0.15).abs() < 1e-12);
    }

    /// Uniform draws, 0..1: the top bits of a linear congruential generator (Knuth's MMIX).
    fn uniforms() -> impl FnMut() -> f64 {
        let mut state = 1u64;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    #[test]
    fn intervals_hold_for_oversampled_rare_runs() {
        // A tenth of all runs is rare and uniform on 5..15, the others on 0..10; half of the
        // sample is of the rare kind.
        let mut draw = uniforms();
        let mut held = [0u32; 3];
        for _ in 0..2_000 {
            let mut pairs = Vec::new();
            for _ in 0..100 {
                pairs.push((5.0 + 10.0 * draw(), 0.1));
                pairs.push((10.0 * draw(), 0.9));
            }
            let sample = Sample::new(&pairs).unwrap();
            let share = 0.1 * 0.8 + 0.9 * 0.3;
            // P(X > 10) = 0.05, so that 10 is the 95 % quantile.
            let truths = [
                (sample.mean(), 0.1 * 10.0 + 0.9 * 5.0),
                (sample.share(|value| value > 7.0), share),
                (sample.quantile(0.95), 10.0),
            ];
            for (count, (interval, truth)) in held.iter_mut().zip(truths) {
                *count += u32::from(interval.low <= truth && truth <= interval.high);
            }
        }
        assert!(held.iter().all(|count| *count >= 1_880), "{held:?} of 2000");
    }

    proptest! {
        #[test]
        fn the_scale_of_weights_does_not_matter(
            pairs in prop::collection::vec((-9.0..9.0f64, 0.1..9.0f64), 2..80),
            scale in 0.01..100.0f64,
            q in 0.0..=1.0f64,
        ) {
            let scaled: Vec<(f64, f64)> = pairs.iter().map(|(v, w)| (*v, w * scale)).collect();
            let (a, b) = (Sample::new(&pairs).unwrap(), Sample::new(&scaled).unwrap());
            let (high, other) = (a.mean().high, b.mean().high);
            prop_assert!((high - other).abs() < 1e-6 * (1.0 + high.abs()));
            prop_assert_eq!(a.quantile(q).value, b.quantile(q).value);
            let found = a.quantile(q);
            prop_assert!(found.low <= found.value && found.value <= found.high);
            prop_assert!(a.share(|v| v <= found.value).value >= q - 1e-9);
        }

        #[test]
        fn a_mirror_swaps_the_tails(
            values in prop::collection::vec(-9i32..9, 1..60),
            q in 0.01..0.99f64,
        ) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let sample = equal(&values);
            let top = sample.mirrored().quantile(q);
            // At least the share q of runs are at least that.
            prop_assert!(sample.share(|v| v >= -top.value).value >= q - 1e-9);
        }
    }
}
