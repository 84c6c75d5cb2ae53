//! Distributions of durations, as a scenario may state them.

use crate::units::Span;

/// A distribution of a duration. Sampled by inverse distribution function, so that the same
/// uniform draw gives a longer value whenever the distribution is stochastically longer.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub enum Dist {
    /// Always this.
    Fixed(Span),
    /// Exponential with this mean.
    Exponential {
        /// Mean.
        mean: Span,
    },
    /// Lognormal: the logarithm of the value in seconds is normal(`mu`, `sigma`).
    LogNormal {
        /// Mean of ln(seconds).
        mu: f64,
        /// Standard deviation of ln(seconds).
        sigma: f64,
    },
    /// Gamma with this mean and coefficient of variation.
    Gamma {
        /// Mean.
        mean: Span,
        /// Standard deviation / mean.
        cv: f64,
    },
    /// Weibull.
    Weibull {
        /// Scale parameter.
        scale: Span,
        /// Shape parameter; below 1 the hazard falls.
        shape: f64,
    },
    /// Pareto (type I).
    Pareto {
        /// Smallest value.
        min: Span,
        /// Tail index.
        alpha: f64,
    },
    /// Uniform between two values.
    Uniform {
        /// Smallest.
        low: Span,
        /// Largest.
        high: Span,
    },
    /// Given quantiles `(probability, value)`, ascending in both, three or more; monotone
    /// interpolation in between, flat beyond the ends.
    Quantiles(Vec<(f64, Span)>),
    /// Measured values, sorted; the empirical distribution with linear interpolation.
    Data(Vec<Span>),
    /// Another distribution with every value multiplied.
    Scaled(Box<Dist>, f64),
}

impl Dist {
    /// A lognormal with this mean and standard deviation, both in seconds:
    /// σ² = ln(1 + (sd/mean)²), µ = ln(mean) − σ²/2.
    pub fn lognormal_mean_sd(mean: f64, sd: f64) -> Self {
        let variance = libm::log1p((sd / mean) * (sd / mean));
        Self::LogNormal { mu: libm::log(mean) - variance / 2.0, sigma: variance.sqrt() }
    }

    /// A lognormal through two quantiles `(probability, value)`.
    pub fn lognormal_quantiles(a: (f64, Span), b: (f64, Span)) -> Self {
        let (za, zb) = (normal_quantile(a.0), normal_quantile(b.0));
        let (la, lb) = (libm::log(a.1.as_secs_f64()), libm::log(b.1.as_secs_f64()));
        let sigma = (lb - la) / (zb - za);
        Self::LogNormal { mu: la - sigma * za, sigma }
    }

    /// The value below which a share `p` of draws lies.
    pub fn quantile(&self, p: f64) -> Span {
        Span::from_secs_f64(self.quantile_secs(p.clamp(0.0, 1.0 - 1e-16)))
    }

    fn quantile_secs(&self, p: f64) -> f64 {
        match self {
            Self::Fixed(value) => value.as_secs_f64(),
            Self::Exponential { mean } => -mean.as_secs_f64() * libm::log1p(-p),
            Self::LogNormal { mu, sigma } => libm::exp(mu + sigma * normal_quantile(p)),
            Self::Gamma { mean, cv } => gamma_quantile(p, mean.as_secs_f64(), *cv),
            Self::Weibull { scale, shape } => {
                scale.as_secs_f64() * libm::pow(-libm::log1p(-p), 1.0 / shape)
            }
            Self::Pareto { min, alpha } => min.as_secs_f64() * libm::pow(1.0 - p, -1.0 / alpha),
            Self::Uniform { low, high } => {
                low.as_secs_f64() + p * (high.as_secs_f64() - low.as_secs_f64())
            }
            Self::Quantiles(points) => interpolate(points, p),
            Self::Data(values) => {
                let position = p * (values.len() - 1) as f64;
                let index = (position as usize).min(values.len() - 1);
                let next = (index + 1).min(values.len() - 1);
                let part = position - index as f64;
                values[index].as_secs_f64() * (1.0 - part) + values[next].as_secs_f64() * part
            }
            Self::Scaled(inner, factor) => inner.quantile_secs(p) * factor,
        }
    }

    /// The mean, in seconds; numerically (4096 mid-point quantiles) where no closed form is at
    /// hand. Infinite for a Pareto with `alpha` ≤ 1.
    pub fn mean_secs(&self) -> f64 {
        match self {
            Self::Fixed(value) => value.as_secs_f64(),
            Self::Exponential { mean } | Self::Gamma { mean, .. } => mean.as_secs_f64(),
            Self::LogNormal { mu, sigma } => libm::exp(mu + sigma * sigma / 2.0),
            Self::Weibull { scale, shape } => scale.as_secs_f64() * libm::tgamma(1.0 + 1.0 / shape),
            Self::Pareto { min, alpha } if *alpha > 1.0 => {
                min.as_secs_f64() * alpha / (alpha - 1.0)
            }
            Self::Pareto { .. } => f64::INFINITY,
            Self::Uniform { low, high } => f64::midpoint(low.as_secs_f64(), high.as_secs_f64()),
            Self::Quantiles(_) | Self::Data(_) => {
                let n = 4096;
                (0..n).map(|i| self.quantile_secs((f64::from(i) + 0.5) / f64::from(n))).sum::<f64>()
                    / f64::from(n)
            }
            Self::Scaled(inner, factor) => inner.mean_secs() * factor,
        }
    }
}

fn interpolate(points: &[(f64, Span)], p: f64) -> f64 {
    let value = |i: usize| points[i].1.as_secs_f64();
    let above = points.iter().position(|point| point.0 >= p);
    match above {
        Some(0) => value(0),
        None => value(points.len() - 1),
        Some(i) => {
            let (p0, p1) = (points[i - 1].0, points[i].0);
            // Geometric where possible: durations are rather log-linear between quantiles.
            let part = (p - p0) / (p1 - p0);
            if value(i - 1) > 0.0 {
                value(i - 1) * libm::pow(value(i) / value(i - 1), part)
            } else {
                value(i - 1) + part * (value(i) - value(i - 1))
            }
        }
    }
}

/// Quantile of the standard normal distribution, |relative error| < 1e-13 after one Halley step
/// on Acklam's rational approximation (P. J. Acklam, 2003).
pub fn normal_quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 5] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 4] = [
        7.784_695_709_041_462e-3,
        3.224_671_290_700_398e-1,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
    ];
    let p = p.clamp(1e-300, 1.0 - 1e-16);
    let tail = |q: f64| {
        (((((C[0] * q + C[1]) * q + C[2]) * q + C[3]) * q + C[4]) * q + C[5])
            / ((((D[0] * q + D[1]) * q + D[2]) * q + D[3]) * q + 1.0)
    };
    let x = if p < 0.02425 {
        tail((-2.0 * libm::log(p)).sqrt())
    } else if p > 1.0 - 0.02425 {
        -tail((-2.0 * libm::log1p(-p)).sqrt())
    } else {
        let q = p - 0.5;
        let r = q * q;
        (((((A[0] * r + A[1]) * r + A[2]) * r + A[3]) * r + A[4]) * r + A[5]) * q
            / (((((B[0] * r + B[1]) * r + B[2]) * r + B[3]) * r + B[4]) * r + 1.0)
    };
    let error = 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2) - p;
    let u = error * (2.0 * std::f64::consts::PI).sqrt() * libm::exp(x * x / 2.0);
    x - u / (1.0 + x * u / 2.0)
}

/// Gamma quantile by bisection on the regularised incomplete gamma function.
fn gamma_quantile(p: f64, mean: f64, cv: f64) -> f64 {
    if cv <= 0.0 || p <= 0.0 {
        return if p <= 0.0 { 0.0 } else { mean };
    }
    let shape = 1.0 / (cv * cv);
    let scale = mean / shape;
    let (mut low, mut high) = (0.0, shape + 1.0);
    while gamma_p(shape, high) < p {
        high *= 2.0;
    }
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if gamma_p(shape, middle) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high) * scale
}

/// Regularised lower incomplete gamma function P(a, x): series below a + 1, continued fraction
/// (modified Lentz) above. Abramowitz & Stegun 6.5.29 and 6.5.31.
pub fn gamma_p(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let front = libm::exp(a * libm::log(x) - x - libm::lgamma(a));
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
        while term > sum * 1e-17 {
            n += 1.0;
            term *= x / n;
            sum += term;
        }
        return sum * front;
    }
    let tiny = 1e-300;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / tiny;
    let mut d = 1.0 / b;
    let mut h = d;
    for i in 1..10_000 {
        let an = -f64::from(i) * (f64::from(i) - a);
        b += 2.0;
        d = 1.0 / nonzero(an * d + b, tiny);
        c = nonzero(b + an / c, tiny);
        let delta = d * c;
        h *= delta;
        if (delta - 1.0).abs() < 1e-16 {
            break;
        }
    }
    1.0 - front * h
}

fn nonzero(x: f64, tiny: f64) -> f64 {
    if x.abs() < tiny { tiny } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lognormal_of_mean_and_sd_matches_the_published_parameters() {
        // theory.csv, rows lognormal_huawei
        let Dist::LogNormal { mu, sigma } = Dist::lognormal_mean_sd(3.24, 7.1) else { panic!() };
        assert!((mu - 0.296_467_678_771).abs() < 1e-11);
        assert!((sigma - 1.325_975_603_87).abs() < 1e-11);
    }

    #[test]
    fn quantiles_invert_the_distribution() {
        let dist = Dist::Gamma { mean: Span::from_secs(2), cv: 0.5 };
        let x = dist.quantile(0.9).as_secs_f64();
        assert!((gamma_p(4.0, x / 0.5) - 0.9).abs() < 1e-8);
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-12);
        let fitted =
            Dist::lognormal_quantiles((0.5, Span::from_secs(22)), (0.95, Span::from_secs(41)));
        assert!((fitted.quantile(0.95).as_secs_f64() - 41.0).abs() < 1e-6);
    }
}
