//! How long streams live, and how much longer those do that are found open.

use crate::engine::{Sampler, Stream};
use crate::scenario::Dist;
use crate::sim::model;
use crate::units::Span;

const POINTS: usize = 4096;

/// Lengths of streams.
#[derive(Debug)]
pub(super) struct Length {
    sampler: Sampler,
    /// Quantiles of the length, seconds, and their sums up to each.
    quantiles: Vec<f64>,
    sums: Vec<f64>,
}

impl Length {
    pub(super) fn new(dist: &Dist) -> Self {
        let quantile = |i: usize| dist.quantile((i as f64 + 0.5) / POINTS as f64).as_secs_f64();
        let quantiles: Vec<f64> = (0..POINTS).map(quantile).collect();
        let mut sum = 0.0;
        let add = |quantile: &f64| {
            sum += quantile;
            sum
        };
        let sums = quantiles.iter().map(add).collect();
        Self { sampler: model::sampler(dist), quantiles, sums }
    }

    pub(super) fn mean_secs(&self) -> f64 {
        self.sums[POINTS - 1] / POINTS as f64
    }

    /// Of a stream that begins.
    pub(super) fn draw(&self, chance: &mut Stream) -> Span {
        Span(self.sampler.at(chance.bits()).max(1.0) as u64)
    }

    /// What is left of a stream that is found open at a random instant: a long one is met in
    /// proportion to its length, at a uniform place of it.
    pub(super) fn residual(&self, chance: &mut Stream) -> Span {
        let point = chance.uniform() * self.sums[POINTS - 1];
        let met = self.sums.partition_point(|sum| *sum < point).min(POINTS - 1);
        Span::from_secs_f64(self.quantiles[met] * chance.uniform())
    }
}

#[cfg(test)]
mod tests {
    use super::Length;
    use crate::engine::Seeds;
    use crate::scenario::Dist;
    use crate::units::Span;

    /// E\[residual\] = E\[L²\]/(2·E\[L\]): for exponential lengths the mean once more, for fixed
    /// ones half of it.
    #[test]
    fn what_is_left_has_the_mean_that_renewal_theory_gives() {
        let mean = Span::from_secs(60);
        for (dist, expected, deviation) in [
            (Dist::Exponential { mean }, 60.0, 60.0),
            (Dist::Fixed(mean), 30.0, 60.0 / 12.0_f64.sqrt()),
        ] {
            let length = Length::new(&dist);
            let mut chance = Seeds::new(1, 0).stream(1, 0);
            let count = 100_000;
            let sum: f64 = (0..count).map(|_| length.residual(&mut chance).as_secs_f64()).sum();
            let error = deviation / f64::from(count).sqrt();
            // The quantiles stop at 1 - 1/8192: a thousandth of an exponential's square is lost.
            let off = (sum / f64::from(count) - expected).abs();
            assert!(off < 4.0 * error + 0.002 * expected, "{dist:?}: {off}");
        }
    }
}
