//! The cheaper of two random ones by latency and load, as Finagle and Linkerd do.

use super::power_of_choices::distinct_pair;
use super::{Loads, Policy};
use crate::units::Span;

#[derive(Debug, Clone, Copy, Default)]
struct Average {
    nanos: f64,
    updated: u64,
}

/// Cost = peak-sensitive moving average of latency × (outstanding + 1). A latency above the
/// average replaces it at once; below, it decays towards it with time constant `decay`.
#[derive(Debug, Clone)]
pub struct PeakEwma {
    decay_nanos: f64,
    averages: Vec<Average>,
}

impl PeakEwma {
    /// With this time constant.
    pub fn new(decay: Span) -> Self {
        Self { decay_nanos: decay.0.max(1) as f64, averages: Vec::new() }
    }

    fn average(&mut self, instance: u32) -> &mut Average {
        let index = instance as usize;
        if self.averages.len() <= index {
            self.averages.resize(index + 1, Average::default());
        }
        &mut self.averages[index]
    }

    fn cost(&mut self, instance: u32, now: u64, loads: &mut impl Loads) -> f64 {
        let decay = self.decay_nanos;
        let average = *self.average(instance);
        // Nothing heard lately: the average fades, so that a once slow instance is tried again.
        let idle = now.saturating_sub(average.updated) as f64;
        let faded = average.nanos * libm::exp(-idle / decay);
        (faded + 1.0) * f64::from(loads.outstanding(instance) + 1)
    }
}

impl Policy for PeakEwma {
    const WATCHES: bool = true;

    fn pick(&mut self, members: &[u32], now: u64, bits: u64, loads: &mut impl Loads) -> u32 {
        if members.len() == 1 {
            return members[0];
        }
        let (first, second) = distinct_pair(bits, members.len());
        let (first, second) = (members[first], members[second]);
        if self.cost(second, now, loads) < self.cost(first, now, loads) { second } else { first }
    }

    fn ended(&mut self, instance: u32, latency: u64, now: u64) {
        let decay = self.decay_nanos;
        let average = self.average(instance);
        let latency = latency as f64;
        if latency > average.nanos {
            average.nanos = latency;
        } else {
            let keep = libm::exp(-(now.saturating_sub(average.updated) as f64) / decay);
            average.nanos = average.nanos * keep + latency * (1.0 - keep);
        }
        average.updated = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balancer::testing::{Fixed, bits};

    #[test]
    fn avoids_the_slow_one_until_it_is_forgotten() {
        let mut policy = PeakEwma::new(Span(1_000));
        policy.ended(0, 500, 0);
        policy.ended(1, 10, 0);
        let mut loads = Fixed(vec![0, 3]);
        assert_eq!(policy.pick(&[0, 1], 0, bits(1), &mut loads), 1);
        assert_eq!(policy.pick(&[0, 1], 20_000, bits(1), &mut loads), 0);
        policy.ended(1, 900, 10);
        assert!((policy.average(1).nanos - 900.0).abs() < 1e-9, "a peak replaces the average");
    }
}
