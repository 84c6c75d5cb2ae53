//! Any distribution by its tabulated inverse distribution function.

use super::math::open_unit;

const KNOTS: usize = 1024;
const LEVELS: usize = 3;

/// Samples by linear interpolation between quantiles, finer near probability 1: the last of the
/// 1024 intervals is tabulated with 1024 of its own, and the last of those again. The largest
/// value is the quantile at 1 − 1024⁻³ ≈ 1 − 10⁻⁹.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampler {
    /// Quantiles at the interval borders of each level; empty when `fixed`.
    levels: Vec<[f64; KNOTS + 1]>,
    fixed: f64,
}

impl Sampler {
    /// Always `value`.
    pub fn fixed(value: f64) -> Self {
        Self { levels: Vec::new(), fixed: value }
    }

    /// From the inverse distribution function, defined on [0, 1).
    pub fn tabulate(quantile: impl Fn(f64) -> f64) -> Self {
        let n = KNOTS as f64;
        let mut width = 1.0 / n;
        let mut base = 0.0;
        let mut levels = Vec::with_capacity(LEVELS);
        for _ in 0..LEVELS {
            let mut knots = [0.0; KNOTS + 1];
            for (index, knot) in knots.iter_mut().enumerate() {
                // The far end of a level is 1 itself: stop one interval of the next level short.
                let p = base + width * index as f64;
                *knot = quantile(p.min(1.0 - width / n));
            }
            levels.push(knots);
            base = 1.0 - width;
            width /= n;
        }
        Self { levels, fixed: 0.0 }
    }

    /// Whether it has but one value.
    pub fn is_fixed(&self) -> bool {
        self.levels.is_empty()
    }

    /// The value that belongs to 64 random bits.
    #[inline]
    pub fn at(&self, bits: u64) -> f64 {
        let Some(knots) = self.levels.first() else {
            return self.fixed;
        };
        let position = open_unit(bits) * KNOTS as f64;
        let index = position as usize;
        if index == KNOTS - 1 {
            return self.tail(position - index as f64);
        }
        knots[index] + (knots[index + 1] - knots[index]) * (position - index as f64)
    }

    #[cold]
    fn tail(&self, mut part: f64) -> f64 {
        for (level, knots) in self.levels.iter().enumerate().skip(1) {
            let position = part * KNOTS as f64;
            let index = (position as usize).min(KNOTS - 1);
            part = position - index as f64;
            if index < KNOTS - 1 || level == LEVELS - 1 {
                return knots[index] + (knots[index + 1] - knots[index]) * part;
            }
        }
        unreachable!("the last level returns")
    }
}

#[cfg(test)]
mod tests {
    use super::Sampler;
    use crate::engine::Seeds;

    #[test]
    fn tabulated_exponential_keeps_mean_and_tail() {
        let sampler = Sampler::tabulate(|p| -libm::log1p(-p));
        let mut stream = Seeds::new(3, 0).stream(1, 0);
        let n = 2_000_000;
        let (mut sum, mut above) = (0.0, 0);
        for _ in 0..n {
            let x = sampler.at(stream.bits());
            sum += x;
            above += u32::from(x > 9.0);
        }
        let n = f64::from(n);
        assert!((sum / n - 1.0).abs() < 5.0 / n.sqrt());
        let expected = n * libm::exp(-9.0);
        assert!((f64::from(above) - expected).abs() < 5.0 * expected.sqrt());
    }

    #[test]
    fn more_bits_are_longer() {
        let sampler = Sampler::tabulate(|p| p * p);
        let values: Vec<f64> = (0..64).map(|i| sampler.at(u64::MAX / 63 * i)).collect();
        assert!(values.is_sorted());
        assert_eq!(Sampler::fixed(4.0).at(12), 4.0);
    }
}
