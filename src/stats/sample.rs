//! Weighted values of one outcome over runs, which may be of several kinds that were played apart.

use super::Estimate;
use super::interval::{ERROR, mean_at, mixture, quantile_ranks_at, wilson_at};
use crate::scenario::Measure;

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
    /// Of a mixture: its parts with their weights, which add up to 1.
    parts: Vec<(f64, Sample)>,
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
        let (error, parts) = (ERROR, Vec::new());
        (!values.is_empty()).then_some(Self { values, cumulative, effective, error, parts })
    }

    /// The same, with intervals that are wrong with this probability; 5 % otherwise.
    #[must_use]
    pub fn with_error(self, error: f64) -> Self {
        let parts = self.parts.into_iter().map(|(weight, part)| (weight, part.with_error(error)));
        Self { error, parts: parts.collect(), ..self }
    }

    /// How often an interval may be wrong.
    pub(super) fn error(&self) -> f64 {
        self.error
    }

    /// A mixture of runs of several kinds: for each the weight of its kind, and its (value,
    /// weight) pairs. A kind counts for less where the outcome does not apply to all of its runs.
    pub fn mixed(kinds: &[(f64, Vec<(f64, f64)>)]) -> Option<Self> {
        let mut parts: Vec<(f64, Self)> = Vec::new();
        for (weight, values) in kinds {
            let Some(part) = Self::new(values).filter(|_| *weight > 0.0) else { continue };
            let all: f64 = values.iter().map(|(_, weight)| weight.max(0.0)).sum();
            parts.push((weight * part.total() / all, part));
        }
        let total: f64 = parts.iter().map(|(weight, _)| weight).sum();
        for (weight, _) in &mut parts {
            *weight /= total;
        }
        if parts.len() < 2 {
            return parts.pop().map(|(_, part)| part);
        }
        let pooled: Vec<(f64, f64)> = parts
            .iter()
            .flat_map(|(weight, part)| {
                let scale = weight / part.total();
                part.values.iter().map(move |(value, w)| (*value, w * scale))
            })
            .collect();
        let effective = parts.iter().map(|(weight, part)| weight * weight / part.effective);
        let effective = 1.0 / effective.sum::<f64>();
        Self::new(&pooled).map(|pooled| Self { effective, parts, ..pooled })
    }

    /// Of a mixture, what holds for it by what holds for each of its parts.
    fn mix(&self, of: impl Fn(&Self) -> Estimate) -> Option<Estimate> {
        let parts: Vec<_> = self.parts.iter().map(|(weight, part)| (*weight, of(part))).collect();
        (!parts.is_empty()).then(|| mixture(&parts))
    }

    /// Number of runs.
    pub fn runs(&self) -> u32 {
        self.values.len() as u32
    }

    /// Number of equally weighted runs that tell as much: (Σw)²/Σw² (Kish 1965); of a mixture,
    /// by its parts.
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
        if let Some(mixed) = self.mix(Self::mean) {
            return mixed;
        }
        let (mean, sd) = self.moments();
        mean_at(mean, sd, self.effective, self.error)
    }

    /// Share of runs with this property, with Wilson's interval.
    pub fn share(&self, property: impl Fn(f64) -> bool) -> Estimate {
        self.share_with(&property)
    }

    fn share_with(&self, property: &dyn Fn(f64) -> bool) -> Estimate {
        if let Some(mixed) = self.mix(|part| part.share_with(property)) {
            return Estimate { low: mixed.low.max(0.0), high: mixed.high.min(1.0), ..mixed };
        }
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
        if !self.parts.is_empty() {
            return self.mixed_quantile(value, q);
        }
        let trials = (self.effective * (1.0 + ROUNDING)).floor();
        let (lower, upper) = quantile_ranks_at(trials as u64, q, self.error);
        let end = |rank: u64| self.at(rank as f64 / trials);
        Estimate {
            value,
            low: lower.map_or(f64::NEG_INFINITY, end).min(value),
            high: upper.map_or(f64::INFINITY, end).max(value),
        }
    }

    /// What a gate or a goal names of them, over runs.
    pub fn measured(&self, measure: Measure) -> Estimate {
        match measure {
            Measure::Quantile(q) => self.quantile(q),
            Measure::Probability => self.share(|value| value > 0.0),
            Measure::Mean | Measure::InRuns(_) => self.mean(),
        }
    }

    /// The ends are where the share of runs below could just be `q`.
    fn mixed_quantile(&self, value: f64, q: f64) -> Estimate {
        let end = |reaches: &dyn Fn(Estimate) -> bool| {
            let place = self.values.partition_point(|(value, _)| !reaches(self.up_to(*value)));
            self.values.get(place).map_or(f64::INFINITY, |(value, _)| *value)
        };
        let low = if self.up_to(f64::NEG_INFINITY).high >= q {
            f64::NEG_INFINITY
        } else {
            end(&|below| below.high >= q)
        };
        let high = end(&|below| below.low >= q);
        Estimate { value, low: low.min(value), high: high.max(value) }
    }

    /// Share of runs with at most this value.
    fn up_to(&self, value: f64) -> Estimate {
        if let Some(mixed) = self.mix(|part| part.up_to(value)) {
            return mixed;
        }
        let place = self.values.partition_point(|(other, _)| *other <= value);
        let weight = place.checked_sub(1).map_or(0.0, |last| self.cumulative[last]);
        wilson_at(weight / self.total(), self.effective, self.error)
    }

    /// The same values with the other sign: "at least" becomes "at most".
    #[must_use]
    pub fn mirrored(&self) -> Self {
        let values: Vec<(f64, f64)> = self.values.iter().map(|(v, w)| (-v, *w)).collect();
        let mirror = Self::new(&values).expect("as many values as before");
        let parts = self.parts.iter().map(|(weight, part)| (*weight, part.mirrored())).collect();
        Self { effective: self.effective, error: self.error, parts, ..mirror }
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

    #[test]
    fn intervals_hold_for_mixtures() {
        // A share of 30 % is bad, and a bad run loses 5..15, a good one 0..1; 60 good ones were
        // played and 40 bad ones.
        let mut draw = uniforms();
        let mut held = [0u32; 4];
        let mut width = 0.0;
        for _ in 0..2_000 {
            let good: Vec<_> = (0..60).map(|_| (draw(), 1.0)).collect();
            let bad: Vec<_> = (0..40).map(|_| (5.0 + 10.0 * draw(), 1.0)).collect();
            let sample = Sample::mixed(&[(0.7, good), (0.3, bad)]).unwrap();
            let truths = [
                (sample.mean(), 0.7 * 0.5 + 0.3 * 10.0),
                (sample.share(|value| value > 11.0), 0.3 * 0.4),
                // P(X > 12) = 0.3·0.3 and P(X > 0.5) = 0.3 + 0.7·0.5.
                (sample.quantile(0.91), 12.0),
                (sample.quantile(0.35), 0.5),
            ];
            width += truths[0].0.high - truths[0].0.low;
            for (count, (interval, truth)) in held.iter_mut().zip(truths) {
                *count += u32::from(interval.low <= truth && truth <= interval.high);
            }
        }
        assert!(held.iter().all(|count| *count >= 1_870), "{held:?} of 2000");
        assert!(held[0] <= 1_950, "{held:?}: too wide");
        // What lies between the kinds is no error: 0.3·2.89·2·2.02/√40.
        let theory = 2.0 * 2.023 * 0.3 * (100.0f64 / 12.0 / 40.0).sqrt();
        assert!((width / 2_000.0 / theory - 1.0).abs() < 0.05, "{}", width / 2_000.0);
    }

    #[test]
    fn a_kind_counts_as_far_as_the_outcome_applies() {
        let good = vec![(1.0, 1.0), (f64::NAN, 1.0), (1.0, 1.0), (1.0, 1.0)];
        let bad = vec![(f64::NAN, 1.0), (3.0, 1.0)];
        // Of 0.9·¾ and 0.1·½.
        let mean = Sample::mixed(&[(0.9, good.clone()), (0.1, bad.clone())]).unwrap().mean();
        assert!((mean.value - (0.675 + 3.0 * 0.05) / 0.725).abs() < 1e-12);
        let never = Sample::mixed(&[(1.0, good.clone()), (0.0, bad)]).unwrap();
        assert_eq!(never, Sample::new(&good).unwrap());
        assert_eq!(Sample::mixed(&[(1.0, vec![(f64::NAN, 1.0)])]), None);
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
