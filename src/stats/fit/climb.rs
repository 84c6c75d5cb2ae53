//! The lowest point of a function of one or two variables, and its curvature there.

/// Nelder and Mead's simplex (1965) from `begin` with first steps of `step`, until the values at
/// its corners differ by less than `precision` and the corners themselves lie close together.
pub(super) fn lowest(
    f: impl Fn(&[f64]) -> f64,
    begin: &[f64],
    step: f64,
    precision: f64,
) -> Vec<f64> {
    let n = begin.len();
    let corner = |i: usize| {
        let mut at = begin.to_vec();
        if i > 0 {
            at[i - 1] += step;
        }
        (f(&at), at)
    };
    let mut corners: Vec<(f64, Vec<f64>)> = (0..=n).map(corner).collect();
    // It needs some fifty rounds; the bound only guards against functions beyond reason.
    for _ in 0..400 {
        corners.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Two corners at equal heights on both sides of the valley are not its bottom.
        let (best, others) = (&corners[0].1, &corners[1..]);
        let apart = |other: &(f64, Vec<f64>)| {
            other.1.iter().zip(best).map(|(x, b)| (x - b).abs()).fold(0.0, f64::max)
        };
        let close = others.iter().map(apart).fold(0.0, f64::max) < 10.0 * precision.sqrt();
        if close && corners[n].0 - corners[0].0 < precision {
            break;
        }
        let centre: Vec<f64> =
            (0..n).map(|k| corners[..n].iter().map(|c| c.1[k]).sum::<f64>() / n as f64).collect();
        let towards = |share: f64| {
            let worst = &corners[n].1;
            let at: Vec<f64> = centre.iter().zip(worst).map(|(c, w)| c + share * (c - w)).collect();
            (f(&at), at)
        };
        let mirrored = towards(1.0);
        if mirrored.0 < corners[0].0 {
            let further = towards(2.0);
            corners[n] = if further.0 < mirrored.0 { further } else { mirrored };
        } else if mirrored.0 < corners[n - 1].0 {
            corners[n] = mirrored;
        } else {
            let nearer = if mirrored.0 < corners[n].0 { towards(0.5) } else { towards(-0.5) };
            if nearer.0 < corners[n].0.min(mirrored.0) {
                corners[n] = nearer;
            } else {
                let best = corners[0].1.clone();
                for corner in &mut corners[1..] {
                    let at = corner.1.iter().zip(&best).map(|(x, b)| f64::midpoint(*x, *b));
                    corner.1 = at.collect();
                    corner.0 = f(&corner.1);
                }
            }
        }
    }
    corners.sort_by(|a, b| a.0.total_cmp(&b.0));
    corners.swap_remove(0).1
}

/// The inverse of the matrix of second derivatives at `at` (central differences), row by row;
/// `None` where it does not exist or is not that of a lowest point.
pub(super) fn inverse_curvature(f: impl Fn(&[f64]) -> f64, at: &[f64]) -> Option<Vec<Vec<f64>>> {
    const STEP: f64 = 1e-3;
    let shifted = |moves: &[(usize, f64)]| {
        let mut point = at.to_vec();
        for (k, by) in moves {
            point[*k] += by * STEP;
        }
        f(&point)
    };
    let middle = f(at);
    let second =
        |k: usize| (shifted(&[(k, 1.0)]) - 2.0 * middle + shifted(&[(k, -1.0)])) / (STEP * STEP);
    let positive = |x: f64| Some(x).filter(|x| x.is_finite() && *x > 0.0);
    let a = positive(second(0))?;
    if at.len() == 1 {
        return Some(vec![vec![1.0 / a]]);
    }
    let c = positive(second(1))?;
    let both = |i: f64, j: f64| shifted(&[(0, i), (1, j)]);
    let b = (both(1.0, 1.0) - both(1.0, -1.0) - both(-1.0, 1.0) + both(-1.0, -1.0))
        / (4.0 * STEP * STEP);
    let determinant = positive(a * c - b * b)?;
    Some(vec![vec![c / determinant, -b / determinant], vec![-b / determinant, a / determinant]])
}

#[cfg(test)]
mod tests {
    use super::{inverse_curvature, lowest};

    #[test]
    fn a_tilted_bowl_is_found_with_its_curvature() {
        // Curvature ((4, 1), (1, 6)), lowest at (2, −1).
        let bowl = |at: &[f64]| {
            let (x, y) = (at[0] - 2.0, at[1] + 1.0);
            2.0 * x * x + x * y + 3.0 * y * y
        };
        let found = lowest(bowl, &[0.0, 0.0], 0.5, 1e-12);
        assert!((found[0] - 2.0).abs() < 1e-4 && (found[1] + 1.0).abs() < 1e-4, "{found:?}");
        let inverse = inverse_curvature(bowl, &found).unwrap();
        assert!((inverse[0][0] - 6.0 / 23.0).abs() < 1e-6);
        assert!((inverse[0][1] + 1.0 / 23.0).abs() < 1e-6);
        let line = lowest(|at| libm::cosh(at[0] - 3.0), &[0.0], 0.5, 1e-12);
        assert!((line[0] - 3.0).abs() < 1e-4, "{line:?}");
        assert_eq!(inverse_curvature(|at| -at[0] * at[0], &[0.0]), None);
    }
}
