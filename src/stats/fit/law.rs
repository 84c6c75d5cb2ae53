//! Laws of positive quantities, with the integrals that rounded values need.

use crate::scenario::dist::{gamma_p, normal_quantile};

/// The smallest probability whose logarithm is still taken.
const TINY: f64 = 1e-300;

/// A law of a positive quantity.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "law")]
pub enum Law {
    /// Exponential.
    Exponential {
        /// Mean.
        mean: f64,
    },
    /// The logarithm is normal.
    LogNormal {
        /// Mean of the logarithm.
        mu: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
    },
    /// Gamma, of shape 1/cv².
    Gamma {
        /// Mean.
        mean: f64,
        /// Standard deviation / mean.
        cv: f64,
    },
    /// Weibull.
    Weibull {
        /// Scale parameter.
        scale: f64,
        /// Shape parameter.
        shape: f64,
    },
}

/// The families that are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// [`Law::Exponential`].
    Exponential,
    /// [`Law::LogNormal`].
    LogNormal,
    /// [`Law::Gamma`].
    Gamma,
    /// [`Law::Weibull`].
    Weibull,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Exponential, Self::LogNormal, Self::Gamma, Self::Weibull];

    /// As files name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exponential => "exponential",
            Self::LogNormal => "lognormal",
            Self::Gamma => "gamma",
            Self::Weibull => "weibull",
        }
    }

    /// Names of its parameters, in the order of [`Law::parameters`].
    pub fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Exponential => &["mean"],
            Self::LogNormal => &["mu", "sigma"],
            Self::Gamma => &["mean", "cv"],
            Self::Weibull => &["scale", "shape"],
        }
    }

    /// The law at a point of the unbounded space in which the likelihood is climbed: logarithms
    /// of the parameters (`mu` as it is).
    pub(super) fn law(self, at: &[f64]) -> Law {
        let e = libm::exp;
        match self {
            Self::Exponential => Law::Exponential { mean: e(at[0]) },
            Self::LogNormal => Law::LogNormal { mu: at[0], sigma: e(at[1]) },
            Self::Gamma => Law::Gamma { mean: e(at[0]), cv: e(at[1]) },
            Self::Weibull => Law::Weibull { scale: e(at[0]), shape: e(at[1]) },
        }
    }

    /// A point to begin at, from a mean and a coefficient of variation.
    pub(super) fn begin(self, mean: f64, cv: f64) -> Vec<f64> {
        let ln = libm::log;
        let variance = libm::log1p(cv * cv);
        match self {
            Self::Exponential => vec![ln(mean)],
            Self::LogNormal => vec![ln(mean) - variance / 2.0, ln(variance) / 2.0],
            Self::Gamma => vec![ln(mean), ln(cv)],
            // Justus et al. (1978): shape ≈ cv^−1.086.
            Self::Weibull => {
                let shape = libm::pow(cv, -1.086).min(50.0);
                vec![ln(mean / libm::tgamma(1.0 + 1.0 / shape)), ln(shape)]
            }
        }
    }
}

impl Law {
    /// Its family.
    pub fn family(&self) -> Family {
        match self {
            Self::Exponential { .. } => Family::Exponential,
            Self::LogNormal { .. } => Family::LogNormal,
            Self::Gamma { .. } => Family::Gamma,
            Self::Weibull { .. } => Family::Weibull,
        }
    }

    /// Its parameters, named by [`Family::parameters`].
    pub fn parameters(&self) -> Vec<f64> {
        match *self {
            Self::Exponential { mean } => vec![mean],
            Self::LogNormal { mu, sigma } => vec![mu, sigma],
            Self::Gamma { mean, cv } => vec![mean, cv],
            Self::Weibull { scale, shape } => vec![scale, shape],
        }
    }

    /// Its mean.
    pub fn mean(&self) -> f64 {
        match *self {
            Self::Exponential { mean } | Self::Gamma { mean, .. } => mean,
            Self::LogNormal { mu, sigma } => libm::exp(mu + sigma * sigma / 2.0),
            Self::Weibull { scale, shape } => scale * libm::tgamma(1.0 + 1.0 / shape),
        }
    }

    /// P(at most x).
    pub fn cdf(&self, x: f64) -> f64 {
        if x <= 0.0 {
            return 0.0;
        }
        match *self {
            Self::Exponential { mean } => -libm::expm1(-x / mean),
            Self::LogNormal { mu, sigma } => normal_cdf((libm::log(x) - mu) / sigma),
            Self::Gamma { mean, cv } => {
                let shape = 1.0 / (cv * cv);
                gamma_p(shape, x * shape / mean)
            }
            Self::Weibull { scale, shape } => -libm::expm1(-libm::pow(x / scale, shape)),
        }
    }

    /// P(more than x), without loss of digits in the tail where there is a closed form.
    pub fn survival(&self, x: f64) -> f64 {
        if x <= 0.0 {
            return 1.0;
        }
        match *self {
            Self::Exponential { mean } => libm::exp(-x / mean),
            Self::LogNormal { mu, sigma } => normal_cdf((mu - libm::log(x)) / sigma),
            Self::Gamma { .. } => (1.0 - self.cdf(x)).max(0.0),
            Self::Weibull { scale, shape } => libm::exp(-libm::pow(x / scale, shape)),
        }
    }

    /// Logarithm of the density at a positive x.
    pub fn ln_density(&self, x: f64) -> f64 {
        let ln = libm::log;
        match *self {
            Self::Exponential { mean } => -x / mean - ln(mean),
            Self::LogNormal { mu, sigma } => {
                let z = (ln(x) - mu) / sigma;
                -z * z / 2.0 - ln(x * sigma) - ln(std::f64::consts::TAU) / 2.0
            }
            Self::Gamma { mean, cv } => {
                let shape = 1.0 / (cv * cv);
                let scale = mean / shape;
                (shape - 1.0) * ln(x) - x / scale - shape * ln(scale) - libm::lgamma(shape)
            }
            Self::Weibull { scale, shape } => {
                ln(shape / scale) + (shape - 1.0) * ln(x / scale) - libm::pow(x / scale, shape)
            }
        }
    }

    /// The value below which a share `p` lies, by bisection.
    pub fn quantile(&self, p: f64) -> f64 {
        if let Self::LogNormal { mu, sigma } = *self {
            return libm::exp(mu + sigma * normal_quantile(p));
        }
        let (mut low, mut high) = (0.0, self.mean());
        while self.cdf(high) < p && high < 1e300 {
            (low, high) = (high, high * 2.0);
        }
        for _ in 0..44 {
            let middle = f64::midpoint(low, high);
            if self.cdf(middle) < p { low = middle } else { high = middle }
        }
        f64::midpoint(low, high)
    }

    /// ∫₀ˣ F(t) dt = x F(x) − ∫₀ˣ t f(t) dt; the last term is the mean times a distribution
    /// function of the same kind.
    pub fn area(&self, x: f64) -> f64 {
        if x <= 0.0 {
            return 0.0;
        }
        let share = match *self {
            Self::Exponential { mean } => return x + mean * libm::expm1(-x / mean),
            Self::LogNormal { mu, sigma } => normal_cdf((libm::log(x) - mu) / sigma - sigma),
            Self::Gamma { mean, cv } => {
                let shape = 1.0 / (cv * cv);
                gamma_p(shape + 1.0, x * shape / mean)
            }
            Self::Weibull { scale, shape } => {
                gamma_p(1.0 + 1.0 / shape, libm::pow(x / scale, shape))
            }
        };
        x * self.cdf(x) - self.mean() * share
    }

    /// ∫ f(x) (1 − |x − value|/tick)⁺ dx by quadrature: for tails, where the difference of areas
    /// has lost its digits.
    pub(super) fn tent(&self, value: f64, tick: f64) -> f64 {
        // Gauss–Legendre with five points on each side (Abramowitz & Stegun 25.4.29).
        const POINTS: [(f64, f64); 5] = [
            (-0.906_179_845_938_664, 0.236_926_885_056_189),
            (-0.538_469_310_105_683, 0.478_628_670_499_366),
            (0.0, 0.568_888_888_888_889),
            (0.538_469_310_105_683, 0.478_628_670_499_366),
            (0.906_179_845_938_664, 0.236_926_885_056_189),
        ];
        let side = |sign: f64| {
            let point = |(place, weight): &(f64, f64)| {
                let away = (place + 1.0) / 2.0;
                let x = value + sign * away * tick;
                let density = if x > 0.0 { libm::exp(self.ln_density(x)) } else { 0.0 };
                weight / 2.0 * tick * density * (1.0 - away)
            };
            POINTS.iter().map(point).sum::<f64>()
        };
        (side(-1.0) + side(1.0)).max(TINY)
    }

    /// ln P(more than x), bounded below.
    pub(super) fn ln_survival(&self, x: f64) -> f64 {
        libm::log(self.survival(x).max(TINY))
    }
}

fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

#[cfg(test)]
pub(super) mod tests {
    use super::Law;

    pub(in super::super) const LAWS: [Law; 6] = [
        Law::Exponential { mean: 7.0 },
        Law::LogNormal { mu: 2.3, sigma: 0.3 },
        Law::LogNormal { mu: 0.5, sigma: 1.2 },
        Law::Gamma { mean: 12.0, cv: 0.4 },
        Law::Gamma { mean: 3.0, cv: 1.6 },
        Law::Weibull { scale: 9.0, shape: 2.5 },
    ];

    #[test]
    fn densities_integrate_to_distribution_functions_and_these_to_areas() {
        for law in LAWS {
            let (steps, from, to) = (20_000, 0.5, 15.0);
            let width = (to - from) / f64::from(steps);
            let (mut mass, mut area) = (0.0, 0.0);
            for i in 0..steps {
                let x = from + (f64::from(i) + 0.5) * width;
                mass += libm::exp(law.ln_density(x)) * width;
                area += law.cdf(x) * width;
            }
            assert!((mass - (law.cdf(to) - law.cdf(from))).abs() < 1e-6, "{law:?}");
            assert!((area - (law.area(to) - law.area(from))).abs() < 1e-6, "{law:?}");
            assert!((law.survival(to) + law.cdf(to) - 1.0).abs() < 1e-12);
            for p in [0.01, 0.5, 0.95] {
                assert!((law.cdf(law.quantile(p)) - p).abs() < 1e-9, "{law:?}");
            }
        }
    }

    #[test]
    fn the_tent_is_the_second_difference_of_the_area() {
        for law in LAWS {
            for value in [3.0, 8.0, 14.0] {
                let areas = law.area(value + 1.0) - 2.0 * law.area(value) + law.area(value - 1.0);
                assert!((law.tent(value, 1.0) / areas - 1.0).abs() < 1e-3, "{law:?} {value}");
            }
        }
    }
}
