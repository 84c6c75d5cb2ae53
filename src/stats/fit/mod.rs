//! Which law measured times follow: maximum likelihood with rounded and censored values, intervals
//! by the observed information, and goodness of fit.
//!
//! A clock that shows whole ticks makes of a time x, that begins anywhere within a tick, the
//! difference of two truncated numbers: k with probability (1 − |x − k|)⁺. A value of 7 s therefore
//! means anything between 6 s and 8 s, and its likelihood is ∫ f(x) (1 − |x − k|)⁺ dx, the second
//! difference of ∫∫ f. What had not ended when it was last seen (right-censored) contributes the
//! probability of lasting longer.

mod between;
mod climb;
mod goodness;
mod law;
mod posterior;

pub use between::{Between, between};
pub use goodness::Goodness;
pub use law::{Family, Law};
pub use posterior::{plausible, plausible_of_few, redrawn};

use climb::{inverse_curvature, lowest};

use crate::engine::special::student_t_upper;

/// Times that are not censored below which nothing is fitted.
pub const FEWEST: usize = 5;
/// The normal quantile of a two-sided 90 % interval.
const Z90: f64 = 1.644_853_626_951_472_2;

/// Measured times.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The clock's resolution; 0 where it shows fractions.
    tick: f64,
    /// Distinct values in order, with how often each occurs.
    values: Vec<(f64, f64)>,
    /// The same of the lower bounds of those that had not ended.
    beyond: Vec<(f64, f64)>,
    /// Where the area is needed: in order, without repetition.
    points: Vec<f64>,
    /// By value: the places of value − tick, value, value + tick among the points.
    places: Vec<[usize; 3]>,
}

/// Why nothing can be fitted.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum FitError {
    /// Too few.
    #[error("{0} values that are not censored; {FEWEST} are the fewest from which a law is fitted")]
    TooFew(usize),
    /// They may all be the same time.
    #[error("the values do not differ by more than the clock's resolution")]
    NoSpread {
        /// The time that makes them most likely.
        value: f64,
    },
    /// A time is zero or less where the clock shows fractions.
    #[error("a value is not above zero")]
    NotPositive,
}

/// A value with its 90 % interval. An end is infinite (or zero) where the values do not bound it.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Interval {
    /// The estimate.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A law fitted to a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The law of greatest likelihood in its family.
    pub law: Law,
    /// Logarithm of the likelihood.
    pub log_likelihood: f64,
    /// Akaike's criterion: 2 · parameters − 2 · log-likelihood. Smaller is better.
    pub aic: f64,
    /// Its place in the space of the climb.
    at: Vec<f64>,
    /// Covariance there: the inverse of the observed information.
    covariance: Option<Vec<Vec<f64>>>,
    /// Values that were seen to their end, beyond one for each parameter.
    freedom: f64,
}

impl Sample {
    /// Values as a clock of this resolution shows them (`tick` 0: exactly), and of those that had
    /// not ended how long they had lasted at least.
    pub fn new(tick: f64, values: &[f64], beyond: &[f64]) -> Self {
        let values = counted(values);
        let mut points: Vec<f64> = Vec::new();
        if tick > 0.0 {
            points = values.iter().flat_map(|(v, _)| [v - tick, *v, v + tick]).collect();
            points.sort_by(f64::total_cmp);
            // Neighbours that are multiples of the tick differ by rounding at most.
            points.dedup_by(|a, b| (*a - *b).abs() < tick * 1e-6);
        }
        let place = |x: f64| points.partition_point(|p| *p < x - tick * 1e-6);
        let of = |(v, _): &(f64, f64)| [place(v - tick), place(*v), place(v + tick)];
        let places = values.iter().map(of).collect();
        Self { tick, places, beyond: counted(beyond), points, values }
    }

    /// How many ended.
    pub fn ended(&self) -> usize {
        self.values.iter().map(|(_, count)| *count).sum::<f64>() as usize
    }

    /// How many had not.
    pub fn censored(&self) -> usize {
        self.beyond.iter().map(|(_, count)| *count).sum::<f64>() as usize
    }

    /// The resolution of its clock.
    pub fn tick(&self) -> f64 {
        self.tick
    }

    /// Logarithm of the likelihood of a law.
    pub fn log_likelihood(&self, law: &Law) -> f64 {
        let censored: f64 = self.beyond.iter().map(|(c, n)| n * law.ln_survival(*c)).sum();
        if self.tick == 0.0 {
            return censored + self.values.iter().map(|(v, n)| n * law.ln_density(*v)).sum::<f64>();
        }
        let areas: Vec<f64> = self.points.iter().map(|x| law.area(*x)).collect();
        let one = |((value, count), [a, b, c]): (&(f64, f64), &[usize; 3])| {
            let share = (areas[*c] - 2.0 * areas[*b] + areas[*a]) / self.tick;
            let share = if share > 1e-8 { share } else { law.tent(*value, self.tick) / self.tick };
            count * libm::log(share)
        };
        censored + self.values.iter().zip(&self.places).map(one).sum::<f64>()
    }

    /// Why no law can be fitted, if none can.
    fn refused(&self) -> Option<FitError> {
        let ended = self.ended();
        if ended < FEWEST {
            return Some(FitError::TooFew(ended));
        }
        let (low, high) = (self.values[0].0, self.values[self.values.len() - 1].0);
        if self.tick == 0.0 && low <= 0.0 {
            return Some(FitError::NotPositive);
        }
        // Between k and k + 1 ticks the share of the latter is the part above k.
        let alike = high - low <= self.tick * (1.0 + 1e-6);
        let beyond = self.beyond.last().map_or(0.0, |(c, _)| *c);
        (alike && beyond <= high).then(|| {
            let sum: f64 = self.values.iter().map(|(v, n)| v * n).sum();
            FitError::NoSpread { value: sum / ended as f64 }
        })
    }

    /// Mean and coefficient of variation to begin with, the censored as if they had ended.
    fn moments(&self) -> (f64, f64) {
        let all = || self.values.iter().chain(&self.beyond);
        let count: f64 = all().map(|(_, n)| n).sum();
        let mean = (all().map(|(v, n)| v * n).sum::<f64>() / count).max(self.tick / 4.0);
        let square = all().map(|(v, n)| n * (v - mean) * (v - mean)).sum::<f64>() / count;
        (mean, (square.sqrt() / mean).max(0.02))
    }
}

/// Distinct values in order with their counts.
fn counted(values: &[f64]) -> Vec<(f64, f64)> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut counted: Vec<(f64, f64)> = Vec::new();
    for value in sorted {
        match counted.last_mut() {
            Some((last, count)) if *last == value => *count += 1.0,
            _ => counted.push((value, 1.0)),
        }
    }
    counted
}

/// The law of greatest likelihood in a family.
///
/// # Errors
/// If the sample is too small or its values may all be the same.
pub fn fit(family: Family, sample: &Sample) -> Result<Fitted, FitError> {
    if let Some(why) = sample.refused() {
        return Err(why);
    }
    let (mean, cv) = sample.moments();
    let at = climb(family, sample, &family.begin(mean, cv), 1e-9);
    let law = family.law(&at);
    let log_likelihood = sample.log_likelihood(&law);
    let covariance = inverse_curvature(|at| height(family, sample, at), &at);
    let aic = 2.0 * at.len() as f64 - 2.0 * log_likelihood;
    let seen: f64 = sample.values.iter().map(|(_, n)| n).sum();
    // A law of one parameter says itself how far its values spread.
    let freedom = if at.len() > 1 { (seen - at.len() as f64).max(1.0) } else { f64::INFINITY };
    Ok(Fitted { law, log_likelihood, aic, at, covariance, freedom })
}

/// Every family fitted, the best (by Akaike's criterion) first.
///
/// # Errors
/// As [`fit`].
pub fn fit_all(sample: &Sample) -> Result<Vec<Fitted>, FitError> {
    let fitted: Result<Vec<Fitted>, FitError> =
        Family::ALL.iter().map(|family| fit(*family, sample)).collect();
    let mut fitted = fitted?;
    fitted.sort_by(|a, b| a.aic.total_cmp(&b.aic));
    Ok(fitted)
}

fn climb(family: Family, sample: &Sample, begin: &[f64], precision: f64) -> Vec<f64> {
    lowest(|at| height(family, sample, at), begin, 0.2, precision)
}

/// What is brought down: the negative logarithm of the likelihood.
fn height(family: Family, sample: &Sample, at: &[f64]) -> f64 {
    // Beyond shapes of e±9 all families are a point or a power.
    let beyond =
        at.iter().any(|x| !x.is_finite() || x.abs() > 60.0) || (at.len() > 1 && at[1].abs() > 9.0);
    if beyond {
        return f64::MAX;
    }
    let height = -sample.log_likelihood(&family.law(at));
    if height.is_nan() { f64::MAX } else { height }
}

impl Fitted {
    /// A positive quantity of the law with its 90 % interval, by the delta method on its
    /// logarithm.
    pub fn interval(&self, of: impl Fn(&Law) -> f64) -> Interval {
        let interval = self.delta(|law| libm::log(of(law)));
        let e = libm::exp;
        Interval { value: of(&self.law), low: e(interval.low), high: e(interval.high) }
    }

    /// Its parameters with their 90 % intervals, named by [`Family::parameters`].
    pub fn parameters(&self) -> Vec<(&'static str, Interval)> {
        let names = self.law.family().parameters();
        let one = |(index, name): (usize, &&'static str)| {
            // A logarithm already, and maybe negative.
            let interval = if *name == "mu" {
                self.delta(|law| law.parameters()[index])
            } else {
                self.interval(|law| law.parameters()[index])
            };
            (*name, interval)
        };
        names.iter().enumerate().map(one).collect()
    }

    fn delta(&self, of: impl Fn(&Law) -> f64) -> Interval {
        let (value, half) = (of(&self.law), self.t90() * self.standard_error(&of));
        Interval { value, low: value - half, high: value + half }
    }

    /// How many standard errors the half of a 90 % interval is.
    fn t90(&self) -> f64 {
        if self.freedom.is_infinite() {
            return Z90;
        }
        student_t_upper(0.05, self.freedom)
    }

    /// By the delta method; infinite where the likelihood has no peak. The likelihood takes its
    /// parameters for known when it says how far values spread: that is made up for as in a normal
    /// sample.
    fn standard_error(&self, of: impl Fn(&Law) -> f64) -> f64 {
        let Some(covariance) = &self.covariance else { return f64::INFINITY };
        let slope = |k: usize| {
            let shifted = |by: f64| {
                let mut at = self.at.clone();
                at[k] += by;
                of(&self.law.family().law(&at))
            };
            (shifted(1e-4) - shifted(-1e-4)) / 2e-4
        };
        let slopes: Vec<f64> = (0..self.at.len()).map(slope).collect();
        let mut variance = 0.0;
        for (row, a) in covariance.iter().zip(&slopes) {
            variance += row.iter().zip(&slopes).map(|(c, b)| a * b * c).sum::<f64>();
        }
        (variance.max(0.0) * (1.0 + self.at.len() as f64 / self.freedom)).sqrt()
    }

    /// Like [`Fitted::interval`], but without taking it for certain that this is the right family:
    /// standard errors and distances of all families, weighted by Akaike's criterion (Buckland,
    /// Burnham and Augustin 1997).
    pub fn interval_among(&self, all: &[Self], of: impl Fn(&Law) -> f64) -> Interval {
        let ln = |law: &Law| libm::log(of(law));
        let (value, centre) = (of(&self.law), ln(&self.law));
        let best = all.iter().map(|one| one.aic).fold(self.aic, f64::min);
        let (mut total, mut error) = (0.0, 0.0);
        for one in all {
            let weight = libm::exp((best - one.aic) / 2.0);
            // A family that cannot be right says nothing.
            if weight > 1e-6 {
                total += weight;
                error += weight * libm::hypot(one.standard_error(ln), ln(&one.law) - centre);
            }
        }
        let factor = libm::exp(self.t90() * error / total);
        Interval { value, low: value / factor, high: value * factor }
    }
}

#[cfg(test)]
mod tests {
    use super::goodness::Chance;
    use super::law::tests::LAWS;
    use super::{Family, FitError, Law, Sample, fit, fit_all};

    /// `n` draws as a clock of whole seconds shows them; those above `patience` are given up then.
    fn draws(law: Law, n: usize, tick: f64, patience: f64, seed: u64) -> Sample {
        let mut chance = Chance::new(seed);
        let (mut values, mut beyond) = (Vec::new(), Vec::new());
        for _ in 0..n {
            let x = law.quantile(chance.uniform());
            let begin = chance.uniform() * tick;
            if x > patience {
                beyond.push(patience);
            } else if tick > 0.0 {
                values.push(((begin + x) / tick).floor() * tick);
            } else {
                values.push(x);
            }
        }
        Sample::new(tick, &values, &beyond)
    }

    #[test]
    fn intervals_hold_the_truth_about_as_often_as_they_say() {
        for law in LAWS {
            for (tick, patience) in [(0.0, 1e9), (1.0, 1e9), (1.0, law.quantile(0.8))] {
                let (mut held, mut asked) = (0, 0);
                for seed in 0..40 {
                    let sample = draws(law, 80, tick, patience, seed);
                    let fitted = fit(law.family(), &sample).unwrap();
                    for ((name, interval), truth) in
                        fitted.parameters().into_iter().zip(law.parameters())
                    {
                        assert!(interval.low < interval.high, "{law:?} {name} {interval:?}");
                        held += u32::from(interval.low <= truth && truth <= interval.high);
                        asked += 1;
                    }
                }
                // Of two parameters that hang together 80 answers are worth some 50: 90 % ± 8 %.
                let share = f64::from(held) / f64::from(asked);
                assert!(share >= 0.82, "{law:?}, tick {tick}, patience {patience}: {share}");
            }
        }
    }

    #[test]
    fn ignoring_the_clock_would_not_do() {
        // A spread of half a tick: taken for exact, the values look wider than they are.
        let law = Law::Gamma { mean: 4.0, cv: 0.1 };
        let rounded = draws(law, 4000, 1.0, 1e9, 7);
        let spread = |sample: &Sample| fit(Family::Gamma, sample).unwrap().law.parameters()[1];
        assert!((spread(&rounded) / 0.1 - 1.0).abs() < 0.1, "{}", spread(&rounded));
        let naive = Sample { tick: 0.0, ..rounded };
        assert!(spread(&naive) > 0.13, "{}", spread(&naive));
    }

    #[test]
    fn exponential_estimates_agree_with_the_closed_form() {
        // With censoring: total time / number that ended; standard error of ln: 1/√ended.
        let sample = Sample::new(0.0, &[1.0, 2.0, 4.0, 6.0, 7.0], &[10.0, 10.0]);
        let fitted = fit(Family::Exponential, &sample).unwrap();
        let mean = fitted.interval(Law::mean);
        assert!((mean.value - 8.0).abs() < 1e-3, "{mean:?}");
        let half = 1.644_853_626_951_472_2 / 5f64.sqrt();
        assert!((libm::log(mean.high / mean.value) - half).abs() < 1e-3, "{mean:?}");
    }

    #[test]
    fn the_right_family_is_usually_best() {
        let law = Law::LogNormal { mu: 2.5, sigma: 0.6 };
        let best = |seed| fit_all(&draws(law, 400, 1.0, 1e9, seed)).unwrap()[0].law.family();
        let right = (0..10).filter(|seed| best(*seed) == Family::LogNormal).count();
        assert!(right >= 8, "{right}");
    }

    #[test]
    fn too_little_is_said_to_be_too_little() {
        let of = |tick, values: &[f64]| fit(Family::Gamma, &Sample::new(tick, values, &[]));
        assert_eq!(of(1.0, &[3.0; 4]).unwrap_err(), FitError::TooFew(4));
        let alike = [7.0, 7.0, 8.0, 8.0, 8.0];
        assert_eq!(of(1.0, &alike).unwrap_err(), FitError::NoSpread { value: 7.6 });
        assert!(of(0.0, &alike).is_ok());
        assert_eq!(of(0.0, &[0.0, 1.0, 2.0, 3.0, 4.0]).unwrap_err(), FitError::NotPositive);
        assert!(of(1.0, &[0.0, 1.0, 2.0, 0.0, 4.0]).is_ok(), "0 s means up to 1 s");
    }
}
