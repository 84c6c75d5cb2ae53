//! Variates drawn in blocks, so that the transforms run in vector loops.

use super::{Sampler, Stream, math};

/// Variates per block.
pub const BLOCK: usize = 256;

/// A law whose variates are drawn in blocks. Values are nanoseconds as floats.
#[derive(Debug, Clone)]
pub enum Law {
    /// Always this.
    Fixed(f64),
    /// Exponential with this mean.
    Exponential(f64),
    /// e^(mu + sigma·z), z standard normal.
    LogNormal {
        /// Mean of the logarithm.
        mu: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// Anything else, by its tabulated inverse.
    Tabulated(Sampler),
}

impl Law {
    /// Fills a block from `stream`.
    pub fn fill(&self, stream: &mut Stream, out: &mut [f64; BLOCK]) {
        match self {
            Self::Fixed(value) => out.fill(*value),
            Self::Exponential(mean) => fill_exponential(stream, *mean, out),
            Self::LogNormal { mu, sigma } => {
                fill_normal(stream, out);
                for value in out.iter_mut() {
                    *value = math::exp(mu + sigma * *value);
                }
            }
            Self::Tabulated(sampler) => {
                for value in out.iter_mut() {
                    *value = sampler.at(stream.bits());
                }
            }
        }
    }
}

/// Exponential variates with this mean.
pub fn fill_exponential(stream: &mut Stream, mean: f64, out: &mut [f64; BLOCK]) {
    let mut bits = [0u64; BLOCK];
    stream.fill(&mut bits);
    for (value, bits) in out.iter_mut().zip(&bits) {
        *value = -mean * math::ln(math::open_unit(*bits));
    }
}

/// Standard normal variates, two from two uniforms (Box and Muller, 1958).
pub fn fill_normal(stream: &mut Stream, out: &mut [f64; BLOCK]) {
    let mut bits = [0u64; BLOCK];
    stream.fill(&mut bits);
    let (radius_bits, angle_bits) = bits.split_at(BLOCK / 2);
    let (first, second) = out.split_at_mut(BLOCK / 2);
    for i in 0..BLOCK / 2 {
        let radius = (-2.0 * math::ln(math::open_unit(radius_bits[i]))).sqrt();
        let (sin, cos) = math::sin_cos_turn(math::open_unit(angle_bits[i]));
        first[i] = radius * cos;
        second[i] = radius * sin;
    }
}

/// A law with its stream and its current block.
#[derive(Debug, Clone)]
pub struct VariateBlock {
    law: Law,
    stream: Stream,
    /// The current variates.
    pub values: [f64; BLOCK],
}

impl VariateBlock {
    /// Starts before the first block: call [`Self::refill`].
    pub fn new(law: Law, stream: Stream) -> Self {
        Self { law, stream, values: [0.0; BLOCK] }
    }

    /// Draws the next block.
    pub fn refill(&mut self) {
        self.law.fill(&mut self.stream, &mut self.values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Seeds;

    /// Mean and variance over many blocks, held against their own standard errors (5 of them).
    fn check(law: &Law, mean: f64, sd: f64) {
        let mut stream = Seeds::new(7, 0).stream(1, 0);
        let mut block = [0.0; BLOCK];
        let blocks = 4000;
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..blocks {
            law.fill(&mut stream, &mut block);
            sum += block.iter().sum::<f64>();
            squares += block.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
        }
        let n = f64::from(blocks) * BLOCK as f64;
        assert!((sum / n - mean).abs() < 5.0 * sd / n.sqrt(), "mean {}", sum / n);
        assert!((squares / n / (sd * sd) - 1.0).abs() < 0.05, "variance {}", squares / n);
    }

    #[test]
    fn laws_have_their_moments() {
        check(&Law::Exponential(5.0), 5.0, 5.0);
        let sigma: f64 = 0.5;
        let mean = (sigma * sigma / 2.0).exp();
        let sd = mean * ((sigma * sigma).exp() - 1.0).sqrt();
        check(&Law::LogNormal { mu: 0.0, sigma }, mean, sd);
    }
}
