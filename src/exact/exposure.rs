//! What a bad release reaches before it is stopped, and what escapes a canary.

/// A rollout that grows and shrinks in a straight line; errors are a Poisson process in
/// proportion to the part of the fleet that is bad.
#[derive(Debug, Clone, Copy)]
pub struct Linear {
    /// It is noticed at so many errors.
    pub errors: f64,
    /// Errors per second if the whole fleet were bad.
    pub rate: f64,
    /// Part of the fleet that turns bad per second.
    pub growth: f64,
    /// Part of the fleet that turns well again per second.
    pub shrink: f64,
    /// From when it is noticed until it turns well, seconds.
    pub reaction: f64,
}

impl Linear {
    /// Mean time until it is noticed: Λ(t) = rate·growth·t²/2 at the k-th error is Gamma(k).
    pub fn mean_detection(&self) -> f64 {
        let a = self.rate * self.growth / 2.0;
        let ratio = libm::exp(libm::lgamma(self.errors + 0.5) - libm::lgamma(self.errors));
        ratio / a.sqrt()
    }

    /// Mean number of errors until the fleet is well: those that were needed, those of the
    /// reaction, and those while it shrinks, which are k·growth/shrink.
    pub fn mean_errors(&self) -> f64 {
        let reaction = self.rate * self.growth * self.reaction * self.mean_detection();
        self.errors + reaction + self.errors * self.growth / self.shrink
    }
}

/// Time as if all had been reached, of steps of equal length that reach these parts.
pub fn stepped(step: f64, parts: &[f64]) -> f64 {
    parts.iter().map(|part| part * step).sum()
}

/// Chance that a canary of `hosts` hosts meets nothing of a defect that shows on the share
/// `class` of the hosts only.
pub fn canary_misses(class: f64, hosts: u32) -> f64 {
    libm::pow(1.0 - class, f64::from(hosts))
}

/// Mean of 4x(1 − x) over a rollout that takes one of so many instances after the other, equally
/// long each, from none to all: (2/3)(1 − 1/n²).
pub fn mean_discord(instances: u32) -> f64 {
    let n = f64::from(instances);
    2.0 / 3.0 * (1.0 - 1.0 / (n * n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discord_is_the_mean_over_all_mixtures() {
        for n in [1_u32, 2, 5, 40] {
            let at = |new: u32| {
                let x = f64::from(new) / f64::from(n);
                4.0 * x * (1.0 - x)
            };
            let mean = (0..n).map(at).sum::<f64>() / f64::from(n);
            assert!((mean - mean_discord(n)).abs() < 1e-12, "{n}");
        }
    }

    #[test]
    fn a_canary_misses_what_is_rare() {
        assert!((canary_misses(0.1, 3) - 0.729).abs() < 1e-12);
        assert_eq!(canary_misses(0.3, 0), 1.0);
    }

    #[test]
    fn a_reaction_of_nothing_leaves_what_was_needed() {
        let linear =
            Linear { errors: 10.0, rate: 20.0, growth: 0.002, shrink: 1e12, reaction: 0.0 };
        assert!((linear.mean_errors() - 10.0).abs() < 1e-9);
    }
}
