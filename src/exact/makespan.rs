//! How long it takes to update everything, by the law of one update.

use super::normal;
use super::root;

/// A lognormal law by its mean and standard deviation, both greater than 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lognormal {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub sd: f64,
}

/// Step of the trapezoid rule in standard deviations. For an analytic integrand with normal
/// tails the rule's error falls like exp(−2π²/step²): far below the last digit here.
const STEP: f64 = 1.0 / 64.0;
/// Standard deviations on either side of the peak beyond which nothing is left.
const REACH: f64 = 10.0;

impl Lognormal {
    /// Mean of the logarithm.
    pub fn mu(&self) -> f64 {
        let sigma = self.sigma();
        libm::log(self.mean) - sigma * sigma / 2.0
    }

    /// Standard deviation of the logarithm.
    pub fn sigma(&self) -> f64 {
        let cv = self.sd / self.mean;
        libm::log1p(cv * cv).sqrt()
    }

    /// The value that a share `p` (0 to 1, exclusive) of draws keeps.
    pub fn quantile(&self, p: f64) -> f64 {
        // The law has no closed quantile: search its tail, which keeps the digits of small ones.
        let (mu, sigma) = (self.mu(), self.sigma());
        let tail = |x: f64| normal::cumulative((mu - libm::log(x)) / sigma);
        root::of_falling(|x| tail(x) - (1.0 - p), self.mean)
    }

    /// Mean of the largest of `count` independent draws; 0 for none.
    pub fn mean_max(&self, count: u32) -> f64 {
        let (mu, sigma) = (self.mu(), self.sigma());
        let count = f64::from(count);
        // E max = ∫ e^{μ+σz} n Φ(z)^{n−1} φ(z) dz. The factor n Φ^{n−1} moves the peak up by
        // less than √(2 ln n).
        let low = -REACH;
        let high = sigma + REACH + (2.0 * libm::log(count.max(1.0))).sqrt();
        let points = ((high - low) / STEP).ceil() as u32;
        let at = |i: u32| {
            let z = low + f64::from(i) * STEP;
            let others = libm::pow(normal::cumulative(z), count - 1.0);
            libm::exp(mu + sigma * z) * count * others * normal::density(z)
        };
        (0..=points).map(at).sum::<f64>() * STEP
    }

    /// Mean time to update `servers` in batches of `batch`, each as long as its slowest: every
    /// batch counts, a smaller last one too.
    pub fn mean_batches(&self, servers: u32, batch: u32) -> f64 {
        f64::from(servers / batch) * self.mean_max(batch) + self.mean_max(servers % batch)
    }

    /// Upper bound of the mean time to update `servers`, at most `at_once` at a time, a new one
    /// starting whenever one ends (Graham's list scheduling bound): N m/b + (1 − 1/b) E max of N.
    pub fn mean_window_bound(&self, servers: u32, at_once: u32) -> f64 {
        let share = 1.0 / f64::from(at_once);
        f64::from(servers) * self.mean * share + (1.0 - share) * self.mean_max(servers)
    }
}

/// The harmonic number 1 + 1/2 + … + 1/n: the mean of the largest of n exponential draws of
/// mean 1.
pub fn harmonic(n: u32) -> f64 {
    (1..=n).rev().map(|k| 1.0 / f64::from(k)).sum()
}

/// Mean time to update `servers` in batches of `batch` where one update takes Exp(`mean`).
pub fn exponential_mean_batches(servers: u32, batch: u32, mean: f64) -> f64 {
    mean * (f64::from(servers / batch) * harmonic(batch) + harmonic(servers % batch))
}

/// Mean time to update `servers`, at most `at_once` at a time, a new one starting whenever one
/// ends, where one update takes Exp(`mean`): τ((N−b)/b + `H_b`).
pub fn exponential_mean_window(servers: u32, at_once: u32, mean: f64) -> f64 {
    let at_once = at_once.min(servers);
    mean * (f64::from(servers - at_once) / f64::from(at_once) + harmonic(at_once))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_of_one_is_the_mean() {
        for sd in [0.1, 1.0, 7.1, 60.0] {
            let law = Lognormal { mean: 3.24, sd };
            assert!((law.mean_max(1) / 3.24 - 1.0).abs() < 1e-12, "sd = {sd}");
            assert_eq!(law.mean_max(0), 0.0);
        }
    }

    #[test]
    fn the_largest_of_two_has_a_closed_form() {
        // E max(X, Y) = 2 m Φ(σ/√2) for two independent lognormal draws.
        let law = Lognormal { mean: 5.0, sd: 3.0 };
        let wanted = 2.0 * law.mean * normal::cumulative(law.sigma() / 2f64.sqrt());
        assert!((law.mean_max(2) / wanted - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_window_is_never_slower_than_batches() {
        for batch in 1..=20 {
            let window = exponential_mean_window(20, batch, 60.0);
            assert!(window <= exponential_mean_batches(20, batch, 60.0) + 1e-9, "{batch}");
        }
    }
}
