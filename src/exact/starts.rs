//! Starts that depend on each other: those of one wave by a common factor, those of one host by
//! its processor.

use super::makespan::{Lognormal, harmonic};

/// Starts of one wave: each takes F·Xᵢ, with F lognormal of mean 1 common to the wave and the Xᵢ
/// independent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wave {
    /// Starts in the wave.
    pub count: u32,
    /// Coefficient of variation of F; 0: no common factor.
    pub common_cv: f64,
    /// The law of the Xᵢ.
    pub own: Lognormal,
}

impl Wave {
    /// Mean of the last to end: E F · E max Xᵢ, as if there were no common factor.
    pub fn mean_last(&self) -> f64 {
        self.own.mean_max(self.count)
    }

    /// Standard deviation of the last to end: Var(F M) = (1 + c²) E M² − (E M)². It does not fall
    /// below c·E M however many start, which is what a common cause costs.
    pub fn sd_last(&self) -> f64 {
        // (max Xᵢ)² is the largest of the Xᵢ², which are lognormal too.
        let (mu, sigma) = (2.0 * self.own.mu(), 2.0 * self.own.sigma());
        let mean = libm::exp(mu + sigma * sigma / 2.0);
        let squares = Lognormal { mean, sd: mean * libm::expm1(sigma * sigma).sqrt() };
        let second = (1.0 + self.common_cv * self.common_cv) * squares.mean_max(self.count);
        let mean = self.mean_last();
        (second - mean * mean).sqrt()
    }

    /// Correlation of two starts of the wave: c²/(c² + v² + c²v²) with v the coefficient of
    /// variation of X.
    pub fn correlation(&self) -> f64 {
        let (common, own) =
            (self.common_cv * self.common_cv, (self.own.sd / self.own.mean).powi(2));
        common / (common + own + common * own)
    }
}

/// `count` starts at once on one core, shared equally, each of independent Exp(`mean`) work.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SharedCore {
    /// Starts at once.
    pub count: u32,
    /// Mean work of one.
    pub mean: f64,
}

impl SharedCore {
    /// Mean time until the k-th (from 1) is done. While j are left each gets 1/j of the core, so
    /// the next one ends at rate j·(1/j)/mean: the ends are a Poisson process.
    pub fn mean_kth(&self, k: u32) -> f64 {
        f64::from(k.min(self.count)) * self.mean
    }

    /// Standard deviation of the same: √k·mean.
    pub fn sd_kth(&self, k: u32) -> f64 {
        f64::from(k.min(self.count)).sqrt() * self.mean
    }

    /// Mean time until all are done if each had a core of its own: the largest of n exponentials.
    pub fn mean_apart(&self) -> f64 {
        self.mean * harmonic(self.count)
    }
}

/// When the starts are done that begin at once on one core, shared equally, with this work each:
/// in ascending order of work, tₖ = Σⱼ≤ₖ (n − j + 1)·(wⱼ − wⱼ₋₁). The last is the sum of all.
pub fn shared_ends(work: &[f64]) -> Vec<f64> {
    let mut sorted = work.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (mut at, mut before) = (0.0, 0.0);
    let left = (1..=sorted.len()).rev();
    let ends = sorted.iter().zip(left).map(|(work, left)| {
        at += left as f64 * (work - before);
        before = *work;
        at
    });
    ends.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Lognormal = Lognormal { mean: 20.0, sd: 6.0 };

    #[test]
    fn without_a_common_factor_it_is_the_largest_of_independent_ones() {
        let one = Wave { count: 1, common_cv: 0.0, own: OWN };
        assert!((one.mean_last() - 20.0).abs() < 1e-9 && (one.sd_last() - 6.0).abs() < 1e-9);
        assert_eq!(one.correlation(), 0.0);
        let many = Wave { count: 50, ..one };
        assert!(many.mean_last() > 30.0 && many.sd_last() < 6.0);
    }

    #[test]
    fn a_common_factor_multiplies_and_correlates() {
        // Without spread of their own all starts are the factor.
        let own = Lognormal { mean: 20.0, sd: 1e-6 };
        let same = Wave { count: 10, common_cv: 0.3, own };
        assert!((same.mean_last() - 20.0).abs() < 1e-3 && (same.sd_last() - 6.0).abs() < 1e-3);
        assert!((same.correlation() - 1.0).abs() < 1e-9);
        // One start: the variances of a product of independent factors.
        let one = Wave { count: 1, common_cv: 0.4, own: OWN };
        let cv2: f64 = 1.16 * 1.09 - 1.0;
        assert!((one.sd_last() - 20.0 * cv2.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn equal_work_ends_together_and_the_last_end_is_the_sum() {
        assert_eq!(shared_ends(&[2.0; 10]), [20.0; 10]);
        assert_eq!(shared_ends(&[4.0, 1.0]), [2.0, 5.0]);
        assert_eq!(shared_ends(&[]), [0.0; 0]);
        let shared = SharedCore { count: 10, mean: 3.0 };
        assert_eq!((shared.mean_kth(10), shared.mean_kth(1)), (30.0, 3.0));
        assert!(shared.mean_apart() < 9.0);
    }
}
