//! Rolling upgrades whose instances may fall back: an absorbing Markov chain in discrete time,
//! after Sun et al., "Quantifying failure risk of version switch for rolling upgrade on clouds"
//! (2014).

/// Expected rounds until all of `instances` run the new version at once, from none.
///
/// In each round first every upgraded instance fails with probability `reverts` and comes back
/// with the old image; then up to `batch` instances that run the old one are upgraded, each with
/// probability `succeeds`. The expectations h solve h = 1 + P·h over the transient states.
pub fn rounds_to_upgrade(instances: u32, batch: u32, reverts: f64, succeeds: f64) -> f64 {
    let n = instances as usize;
    let mut system: Vec<Vec<f64>> = (0..n)
        .map(|upgraded| {
            let mut row = vec![0.0; n + 1];
            let falls = binomial(upgraded, reverts);
            for (fallen, p_fall) in falls.iter().enumerate() {
                let left = upgraded - fallen;
                let rises = binomial((batch as usize).min(n - left), succeeds);
                for (risen, p_rise) in rises.iter().enumerate() {
                    // All at once is the end: nothing more is to be waited for.
                    if left + risen < n {
                        row[left + risen] -= p_fall * p_rise;
                    }
                }
            }
            row[upgraded] += 1.0;
            row[n] = 1.0;
            row
        })
        .collect();
    solve(&mut system)
}

/// Chances of 0 … `n` successes.
fn binomial(n: usize, p: f64) -> Vec<f64> {
    let mut chances = vec![1.0];
    for _ in 0..n {
        let mut next = vec![0.0; chances.len() + 1];
        for (k, chance) in chances.iter().enumerate() {
            next[k] += chance * (1.0 - p);
            next[k + 1] += chance * p;
        }
        chances = next;
    }
    chances
}

/// Gauss with pivots; the first unknown.
fn solve(system: &mut [Vec<f64>]) -> f64 {
    let n = system.len();
    for column in 0..n {
        let largest =
            |a: &usize, b: &usize| system[*a][column].abs().total_cmp(&system[*b][column].abs());
        let pivot = (column..n).max_by(largest).unwrap_or(column);
        system.swap(column, pivot);
        let row = system[column].clone();
        for other in system.iter_mut().skip(column + 1) {
            let factor = other[column] / row[column];
            for (value, above) in other.iter_mut().zip(&row).skip(column) {
                *value -= factor * above;
            }
        }
    }
    let mut solution = vec![0.0; n];
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|column| system[row][column] * solution[column]).sum();
        solution[row] = (system[row][n] - known) / system[row][row];
    }
    solution[0]
}

#[cfg(test)]
mod tests {
    use super::rounds_to_upgrade;

    #[test]
    fn without_failures_it_is_a_division() {
        assert!((rounds_to_upgrade(20, 3, 0.0, 1.0) - 7.0).abs() < 1e-9);
        // One instance: a geometric number of tries.
        assert!((rounds_to_upgrade(1, 1, 0.0, 0.25) - 4.0).abs() < 1e-9);
    }

    #[test]
    fn failures_cost_rounds() {
        assert!((rounds_to_upgrade(20, 10, 0.01, 0.98) - 2.407_864).abs() < 1e-6);
        assert!((rounds_to_upgrade(20, 1, 0.01, 0.98) - 22.692_959_479_9).abs() < 1e-6);
    }
}
