//! What a sample follows, as far as can be told.

use super::Options;
use crate::scenario::Dist;
use crate::stats::fit::{FitError, Fitted, Goodness, Interval, Law, Sample, fit_all};
use crate::units::Span;

/// A law is given up below this p-value.
const LEVEL: f64 = 0.05;
/// Quantiles that stand for values that follow none of the laws.
const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// What a sample follows.
#[derive(Debug, Clone)]
pub enum Answer {
    /// One of the laws: the best by Akaike's criterion among those that cannot be refused.
    Law {
        /// The law.
        fitted: Box<Fitted>,
        /// How well it fits.
        goodness: Goodness,
        /// All families, the best first.
        all: Vec<Fitted>,
    },
    /// None of the laws: quantiles of the values.
    Quantiles {
        /// (probability, seconds).
        points: Vec<(f64, f64)>,
        /// The best law, refused.
        best: Box<Fitted>,
        /// How badly it fits.
        goodness: Goodness,
    },
    /// The values do not differ by more than the clock's resolution.
    Fixed(f64),
    /// Nothing can be said.
    Nothing(FitError),
}

impl Answer {
    /// Of a sample.
    pub fn of(sample: &Sample, options: &Options) -> Self {
        let all = match fit_all(sample) {
            Ok(fitted) => fitted,
            Err(FitError::NoSpread { value }) => return Self::Fixed(value),
            Err(error) => return Self::Nothing(error),
        };
        let goodness = |one: &Fitted| one.goodness(sample, options.resamples, options.seed);
        let mut refused: Option<(Box<Fitted>, Goodness)> = None;
        for one in &all {
            let goodness = goodness(one);
            let fitted = Box::new(one.clone());
            if goodness.p_value >= LEVEL {
                return Self::Law { fitted, goodness, all };
            }
            refused.get_or_insert((fitted, goodness));
        }
        let (best, goodness) = refused.expect("there are laws");
        let points = QUANTILES.iter().map(|p| (*p, sample.quantile(*p))).collect();
        Self::Quantiles { points, best, goodness }
    }

    /// A positive quantity of the law with a 90 % interval that grants that another family may be
    /// the right one.
    pub fn interval(&self, of: impl Fn(&Law) -> f64) -> Option<Interval> {
        match self {
            Self::Law { fitted, all, .. } => Some(fitted.interval_among(all, of)),
            Self::Quantiles { .. } | Self::Fixed(_) | Self::Nothing(_) => None,
        }
    }

    /// As a scenario says it, parameters to four digits.
    pub fn dist(&self) -> Option<Dist> {
        match self {
            Self::Law { fitted, .. } => Some(dist_of(&fitted.law)),
            Self::Quantiles { points, .. } => {
                Some(Dist::Quantiles(points.iter().map(|(p, x)| (*p, span(*x))).collect()))
            }
            Self::Fixed(value) => Some(Dist::Fixed(span(*value))),
            Self::Nothing(_) => None,
        }
    }
}

/// A law as a scenario says it, parameters to four digits.
fn dist_of(law: &Law) -> Dist {
    match *law {
        Law::Exponential { mean } => Dist::Exponential { mean: span(mean) },
        Law::LogNormal { mu, sigma } => {
            Dist::LogNormal { mu: four_digits(mu), sigma: four_digits(sigma) }
        }
        Law::Gamma { mean, cv } => Dist::Gamma { mean: span(mean), cv: four_digits(cv) },
        Law::Weibull { scale, shape } => {
            Dist::Weibull { scale: span(scale), shape: four_digits(shape) }
        }
    }
}

fn span(seconds: f64) -> Span {
    Span::from_secs_f64(four_digits(seconds))
}

fn four_digits(x: f64) -> f64 {
    format!("{x:.3e}").parse().unwrap_or(x)
}

#[cfg(test)]
mod tests {
    use super::{Answer, Options, four_digits};
    use crate::scenario::Dist;
    use crate::stats::fit::{FitError, Sample};
    use crate::units::Span;

    #[test]
    fn values_without_a_law_are_told_by_quantiles() {
        // Half start at once, half wait for something slow: no law with one hump.
        let values: Vec<f64> =
            (0..100).map(|i| f64::from(if i % 2 == 0 { 4 + i % 3 } else { 60 + i % 5 })).collect();
        let options = Options { resamples: 99, seed: 1, ..Options::default() };
        let answer = Answer::of(&Sample::new(1.0, &values, &[]), &options);
        let Answer::Quantiles { goodness, .. } = &answer else { panic!("{answer:?}") };
        assert!(goodness.p_value < 0.05);
        let Some(dist) = answer.dist() else { panic!() };
        assert!(dist.quantile(0.25) < Span::from_secs(8));
        assert!(dist.quantile(0.75) > Span::from_secs(58));
        let fixed = Answer::of(&Sample::new(1.0, &[7.0; 9], &[]), &options).dist();
        assert_eq!(fixed, Some(Dist::Fixed(Span::from_secs(7))));
        let few = Answer::of(&Sample::new(1.0, &[7.0, 20.0], &[9.0]), &options);
        assert!(matches!(few, Answer::Nothing(FitError::TooFew(2))));
        assert_eq!(four_digits(12.345_678), 12.35);
    }
}
