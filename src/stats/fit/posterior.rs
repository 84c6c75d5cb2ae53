//! Laws that a sample leaves plausible: what a forecast draws from, instead of taking the best law
//! for the truth.

use super::goodness::Chance;
use super::{Family, FitError, Fitted, Law, Sample, fit_all, height};

/// Candidates of each family.
const CANDIDATES: usize = 300;
/// Degrees of freedom of the candidates' law: its tails are heavier than the likelihood's.
const FREEDOM: u32 = 4;
/// Spread of logarithms that is assumed of a single value.
const USUAL_SIGMA: f64 = 0.5;

/// So many laws drawn from the posterior, with a flat prior in the space of the climb (locations
/// and logarithms of scales and shapes), by importance resampling (Rubin 1988): candidates come
/// from a multivariate t around the most likely law. Families are drawn by Akaike's weights.
///
/// # Errors
/// As [`fit_all`].
pub fn plausible(sample: &Sample, count: usize, seed: u64) -> Result<Vec<Law>, FitError> {
    let all = fit_all(sample)?;
    let mut chance = Chance::new(seed ^ 0x9e6c_63d0_876a_7a31);
    let best = all.iter().map(|one| one.aic).fold(f64::INFINITY, f64::min);
    let shares: Vec<f64> = all.iter().map(|one| libm::exp((best - one.aic) / 2.0)).collect();
    let pools: Vec<Vec<(Law, f64)>> =
        all.iter().map(|one| candidates(one, sample, &mut chance)).collect();
    let draw = |_| {
        let family = chosen(&shares, chance.uniform());
        let weights: Vec<f64> = pools[family].iter().map(|(_, weight)| *weight).collect();
        pools[family][chosen(&weights, chance.uniform())].0
    };
    Ok((0..count).map(draw).collect())
}

/// The same from fewer values than a law is fitted to: lognormal ones, whose posterior under the
/// same prior is known (normal and inverse chi-square). `None` without any value above zero.
pub fn plausible_of_few(values: &[f64], count: usize, seed: u64) -> Option<Vec<Law>> {
    let logs: Vec<f64> = values.iter().filter(|x| **x > 0.0).map(|x| libm::log(*x)).collect();
    let n = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / n;
    let squares = logs.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    // One value tells nothing of the spread, two alike hardly more: a usual spread counts as one.
    let squares = squares + USUAL_SIGMA * USUAL_SIGMA;
    let mut chance = Chance::new(seed ^ 0x51ab_32f1_0c77_d2e5);
    let draw = |_| {
        let freedom = logs.len().max(1) as u32;
        let sigma = (squares / chi_square(freedom, &mut chance)).sqrt();
        let mu = mean + sigma / n.sqrt() * normal(&mut chance);
        Law::LogNormal { mu, sigma: sigma.min(3.0) }
    };
    (!logs.is_empty()).then(|| (0..count).map(draw).collect())
}

/// Values drawn from a sample's, as many as there are, with replacement (Efron's bootstrap).
pub fn redrawn(sample: &Sample, seed: u64) -> Vec<f64> {
    let counts: Vec<f64> = sample.values.iter().map(|(_, count)| *count).collect();
    let mut chance = Chance::new(seed ^ 0x2545_f491_4f6c_dd1d);
    let draw = |_| sample.values[chosen(&counts, chance.uniform())].0;
    (0..sample.ended()).map(draw).collect()
}

/// Laws of a family with their weights.
fn candidates(fitted: &Fitted, sample: &Sample, chance: &mut Chance) -> Vec<(Law, f64)> {
    let family: Family = fitted.law.family();
    let n = fitted.at.len();
    let flat = |i: usize, k: usize| if i == k { 0.25 } else { 0.0 };
    let usual: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|k| flat(i, k)).collect()).collect();
    let root = root(fitted.covariance.as_ref().unwrap_or(&usual));
    let lowest = height(family, sample, &fitted.at);
    let one = |_| {
        let z: Vec<f64> = (0..n).map(|_| normal(chance)).collect();
        let wide = (f64::from(FREEDOM) / chi_square(FREEDOM, chance)).sqrt();
        let step = |i: usize| root[i].iter().zip(&z).map(|(a, b)| a * b).sum::<f64>() * wide;
        let at: Vec<f64> = (0..n).map(|i| fitted.at[i] + step(i)).collect();
        let distance = z.iter().map(|z| z * z).sum::<f64>() * wide * wide;
        let density =
            -0.5 * (f64::from(FREEDOM) + n as f64) * libm::log1p(distance / f64::from(FREEDOM));
        let weight = libm::exp(lowest - height(family, sample, &at) - density);
        (family.law(&at), if weight.is_finite() { weight } else { 0.0 })
    };
    (0..CANDIDATES).map(one).collect()
}

/// Cholesky's root of a matrix of one or two rows.
fn root(matrix: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let a = matrix[0][0].max(0.0).sqrt();
    if matrix.len() == 1 {
        return vec![vec![a]];
    }
    let b = matrix[1][0] / a;
    let c = (matrix[1][1] - b * b).max(0.0).sqrt();
    vec![vec![a, 0.0], vec![b, c]]
}

/// An index, by weight.
fn chosen(weights: &[f64], u: f64) -> usize {
    let total: f64 = weights.iter().sum();
    let mut left = u * total;
    let found = weights.iter().position(|weight| {
        left -= weight;
        left < 0.0
    });
    found.unwrap_or(0)
}

/// Box and Muller's normal.
pub(super) fn normal(chance: &mut Chance) -> f64 {
    let (u, v) = (chance.uniform(), chance.uniform());
    (-2.0 * libm::log(u)).sqrt() * libm::cos(std::f64::consts::TAU * v)
}

pub(super) fn chi_square(freedom: u32, chance: &mut Chance) -> f64 {
    (0..freedom).map(|_| normal(chance)).map(|z| z * z).sum::<f64>().max(1e-12)
}

#[cfg(test)]
mod tests {
    use super::super::Sample;
    use super::{Chance, Law, plausible, plausible_of_few, redrawn};

    fn draws(law: Law, n: usize, seed: u64) -> Vec<f64> {
        let mut chance = Chance::new(seed * 7919);
        (0..n).map(|_| law.quantile(chance.uniform())).collect()
    }

    /// How often the next value lies in the middle 90 % of those that the laws foretell.
    fn coverage(n: usize, foretell: impl Fn(&[f64], u64) -> Vec<Law>) -> f64 {
        let law = Law::LogNormal { mu: 2.0, sigma: 0.4 };
        let (mut held, seeds) = (0, 150u64);
        for seed in 1..=seeds {
            let mut values = draws(law, n + 1, seed);
            let next = values.pop().unwrap();
            let laws = foretell(&values, seed);
            let mut chance = Chance::new(seed);
            let mut foretold: Vec<f64> =
                laws.iter().flat_map(|law| [law.quantile(chance.uniform())]).collect();
            foretold.sort_by(f64::total_cmp);
            let at = |p: f64| foretold[(p * foretold.len() as f64) as usize];
            held += u32::from(at(0.05) <= next && next <= at(0.95));
        }
        f64::from(held) / seeds as f64
    }

    #[test]
    fn forecasts_from_few_values_hold_what_they_promise() {
        let laws =
            |values: &[f64], seed| plausible(&Sample::new(0.0, values, &[]), 400, seed).unwrap();
        // 150 answers: 90 % ± 5 % at two standard errors.
        for n in [6, 20] {
            let share = coverage(n, laws);
            assert!((0.84..=0.96).contains(&share), "{n} values: {share}");
        }
        // The spread that is assumed of few is wider than this law's.
        let few = coverage(3, |values, seed| plausible_of_few(values, 400, seed).unwrap());
        assert!((0.86..1.0).contains(&few), "{few}");
    }

    #[test]
    fn the_best_law_alone_would_be_too_sure() {
        let best = |values: &[f64], _| {
            let sample = Sample::new(0.0, values, &[]);
            vec![super::fit_all(&sample).unwrap()[0].law; 400]
        };
        let share = coverage(6, best);
        assert!(share < 0.85, "{share}");
    }

    #[test]
    fn what_is_drawn_again_was_there() {
        let sample = Sample::new(1.0, &[3.0, 3.0, 8.0, 9.0], &[20.0]);
        let again = redrawn(&sample, 5);
        assert_eq!(again.len(), 4);
        assert!(again.iter().all(|x| [3.0, 8.0, 9.0].contains(x)), "{again:?}");
        assert!(plausible_of_few(&[0.0], 9, 1).is_none());
    }
}
