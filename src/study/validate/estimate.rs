//! Means over independent replications, with control variates.

use std::ops::Range;

use rayon::prelude::*;

use crate::stats::interval;

/// What one replication saw.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// One value a quantity.
    pub(super) values: Vec<f64>,
    /// Things that drive the values and whose mean is known: their distance from it.
    pub(super) controls: Vec<f64>,
}

/// A mean with its error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Estimate {
    pub(super) value: f64,
    /// Of the 95 % interval by Student's t.
    pub(super) half_width: f64,
}

impl Estimate {
    /// In another unit.
    pub(super) fn scaled(self, factor: f64) -> Self {
        Self { value: self.value * factor, half_width: self.half_width * factor }
    }

    /// Of what is left when a known number is taken off.
    pub(super) fn less(self, known: f64) -> Self {
        Self { value: self.value - known, ..self }
    }
}

/// Plays these replications in parallel; one estimate a value.
///
/// Replications are independent by their seeds, so that their spread is the error of their mean
/// whatever the correlation within each: no batch length has to be guessed. They are reduced in
/// order, so that threads do not show. Each value is regressed on the controls (Lavenberg and
/// Welch, 1981): the intercept estimates the same mean with the controls' share of the variance
/// taken out, at the price of a degree of freedom each.
pub(super) fn replicate(
    replications: Range<u64>,
    play: impl Fn(u64) -> Seen + Sync,
) -> Vec<Estimate> {
    let seen: Vec<Seen> = replications.into_par_iter().map(&play).collect();
    let controls: Vec<&[f64]> = seen.iter().map(|s| s.controls.as_slice()).collect();
    (0..seen[0].values.len())
        .map(|i| intercept(&seen.iter().map(|s| s.values[i]).collect::<Vec<f64>>(), &controls))
        .collect()
}

/// The intercept of the least-squares fit of `values` on `controls`.
fn intercept(values: &[f64], controls: &[&[f64]]) -> Estimate {
    let (runs, count) = (values.len(), controls[0].len());
    let design = |run: usize, i: usize| if i == 0 { 1.0 } else { controls[run][i - 1] };
    // Normal equations, solved for the coefficients and for the first column of the inverse.
    let mut rows: Vec<Vec<f64>> = (0..=count)
        .map(|i| {
            let product = |other: &dyn Fn(usize) -> f64| {
                (0..runs).map(|run| design(run, i) * other(run)).sum::<f64>()
            };
            let mut row: Vec<f64> = (0..=count).map(|j| product(&|run| design(run, j))).collect();
            row.push(product(&|run| values[run]));
            row.push(if i == 0 { 1.0 } else { 0.0 });
            row
        })
        .collect();
    eliminate(&mut rows);
    let fitted = |run: usize| (0..=count).map(|i| rows[i][count + 1] * design(run, i)).sum::<f64>();
    let residual: f64 = (0..runs).map(|run| (values[run] - fitted(run)).powi(2)).sum();
    let freedom = runs as f64 - count as f64 - 1.0;
    let standard_error = (residual / freedom * rows[0][count + 2]).sqrt();
    // Student's t of `freedom` degrees, from the interval of a mean of one more.
    let t = interval::mean(0.0, (freedom + 1.0).sqrt(), freedom + 1.0).high;
    Estimate { value: rows[0][count + 1], half_width: t * standard_error }
}

/// Gauss-Jordan without pivoting: the matrix of normal equations is positive definite. A control
/// that does not vary is left out.
fn eliminate(rows: &mut [Vec<f64>]) {
    let size = rows.len();
    for pivot in 0..size {
        let diagonal = rows[pivot][pivot];
        if diagonal.abs() < 1e-300 {
            rows[pivot].fill(0.0);
            continue;
        }
        rows[pivot].iter_mut().for_each(|x| *x /= diagonal);
        let line = rows[pivot].clone();
        for (index, row) in rows.iter_mut().enumerate() {
            if index != pivot {
                let factor = row[pivot];
                row.iter_mut().zip(&line).for_each(|(x, y)| *x -= factor * y);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Seeds;

    #[test]
    fn without_controls_it_is_students_interval() {
        let values = [1.0, 4.0, 2.0, 5.0];
        let none: &[f64] = &[];
        let found = intercept(&values, &[none; 4]);
        let sd = (10.0 / 3.0f64).sqrt();
        let wanted = interval::mean(3.0, sd, 4.0);
        assert!((found.value - 3.0).abs() < 1e-12);
        assert!((found.half_width - (wanted.high - 3.0)).abs() < 1e-9);
    }

    #[test]
    fn a_control_takes_its_share_of_the_variance() {
        let play = |with: bool| {
            replicate(0..400, |replication| {
                let mut stream = Seeds::new(5, replication).stream(1, 0);
                let (x, y) = (stream.uniform() - 0.5, stream.uniform() - 0.5);
                let controls = if with { vec![x] } else { Vec::new() };
                Seen { values: vec![3.0 + 2.0 * x + 0.1 * y], controls }
            })[0]
        };
        let (plain, controlled) = (play(false), play(true));
        let wanted = 1.97 * 0.1 / 12f64.sqrt() / 20.0;
        assert!((controlled.half_width / wanted - 1.0).abs() < 0.1);
        assert!(plain.half_width > 15.0 * controlled.half_width);
        assert!((controlled.value - 3.0).abs() < 2.0 * controlled.half_width);
    }
}
