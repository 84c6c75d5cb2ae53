//! How long an instance takes to finish what it has begun, where requests are not simulated.

use crate::engine::Sampler;
use crate::scenario::{Scenario, Version};
use crate::traffic;
use crate::units::Time;

const POINTS: usize = 4096;

/// Time until the last request in flight is answered, as if none had to wait: in the M/G/∞
/// queue P(T ≤ t) = exp(−λ·E\[(S − t)⁺\]) with λ the arrival rate at one instance.
pub(crate) fn sampler(scenario: &Scenario, version: &Version) -> Sampler {
    let Some(traffic) = &scenario.traffic else { return Sampler::fixed(0.0) };
    let rate = traffic::rate_at(traffic, Time::ZERO, Time::ZERO)
        / f64::from(scenario.service.instances.max(1));
    let residual = Residual::new(version);
    if rate <= 0.0 {
        return Sampler::fixed(0.0);
    }
    Sampler::tabulate(|p| {
        // The expected number still in flight at the wanted time.
        let left = -libm::log(p.max(1e-300));
        residual.time_at(left / rate) * 1e9
    })
}

/// E\[(S − t)⁺\] from the quantiles of S.
struct Residual {
    /// Ascending, seconds.
    quantiles: Vec<f64>,
    /// Sum of the quantiles from this one on.
    sums: Vec<f64>,
}

impl Residual {
    fn new(version: &Version) -> Self {
        let quantile = |i: usize| {
            version.service_time.quantile((i as f64 + 0.5) / POINTS as f64).as_secs_f64()
        };
        let quantiles: Vec<f64> = (0..POINTS).map(quantile).collect();
        let mut sums = vec![0.0; POINTS + 1];
        for i in (0..POINTS).rev() {
            sums[i] = sums[i + 1] + quantiles[i];
        }
        Self { quantiles, sums }
    }

    fn at(&self, t: f64) -> f64 {
        let first = self.quantiles.partition_point(|q| *q <= t);
        (self.sums[first] - (POINTS - first) as f64 * t) / POINTS as f64
    }

    /// The time at which E\[(S − t)⁺\] has fallen to `value`; zero if it begins below it.
    fn time_at(&self, value: f64) -> f64 {
        if self.at(0.0) <= value {
            return 0.0;
        }
        let (mut low, mut high) = (0.0, self.quantiles[POINTS - 1]);
        for _ in 0..50 {
            let middle = f64::midpoint(low, high);
            if self.at(middle) > value {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }
}
