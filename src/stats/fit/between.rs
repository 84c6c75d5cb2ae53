//! Groups of values that differ by more than chance: a service's rollouts on different days.

use super::goodness::Chance;
use super::posterior::{chi_square, normal};

/// The normal quantile of 95 %.
const Z95: f64 = 1.644_853_626_951_472_2;

/// How groups differ, as factors of their values.
#[derive(Debug, Clone, PartialEq)]
pub struct Between {
    /// By group: its values are so many times those of the typical group.
    pub factors: Vec<f64>,
    /// Standard deviation of the logarithm of these factors, the chance within groups taken off.
    pub spread: f64,
}

/// Whether groups of positive values differ in level: Cochran's Q on the means of their
/// logarithms at 5 %, the spread by the moments of `DerSimonian` and Laird (1986). `None` if they
/// may all be alike, or are too few to tell.
pub fn between(groups: &[Vec<f64>]) -> Option<Between> {
    let logs: Vec<Vec<f64>> =
        groups.iter().map(|group| group.iter().map(|x| libm::log(x.max(1e-9))).collect()).collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let known: Vec<&Vec<f64>> = logs.iter().filter(|group| !group.is_empty()).collect();
    let freedom: usize = known.iter().map(|group| group.len() - 1).sum();
    if known.len() < 2 || freedom < 3 {
        return None;
    }
    let squares = |group: &&&Vec<f64>| {
        let centre = mean(group);
        group.iter().map(|x| (x - centre) * (x - centre)).sum::<f64>()
    };
    let within =
        (known.iter().map(|group| squares(&group)).sum::<f64>() / freedom as f64).max(1e-9);
    let weights: Vec<f64> = known.iter().map(|group| group.len() as f64 / within).collect();
    let total: f64 = weights.iter().sum();
    let means: Vec<f64> = known.iter().map(|group| mean(group)).collect();
    let centre = weights.iter().zip(&means).map(|(w, m)| w * m).sum::<f64>() / total;
    let q: f64 = weights.iter().zip(&means).map(|(w, m)| w * (m - centre) * (m - centre)).sum();
    let k = (known.len() - 1) as f64;
    // Wilson and Hilferty's quantile of chi-square.
    let part = 2.0 / (9.0 * k);
    let limit = k * libm::pow(1.0 - part + Z95 * part.sqrt(), 3.0);
    if q <= limit {
        return None;
    }
    let heavy: f64 = weights.iter().map(|w| w * w).sum::<f64>() / total;
    let spread = ((q - k) / (total - heavy)).max(0.0).sqrt();
    // With differences this large groups count alike.
    let middle = mean(&means);
    let factor = |group: &Vec<f64>| {
        if group.is_empty() { 1.0 } else { libm::exp(mean(group) - middle) }
    };
    Some(Between { factors: logs.iter().map(factor).collect(), spread })
}

impl Between {
    /// Factors of the next group, each as likely as the other: how the groups spread, and how
    /// little so many tell of that (Student's t).
    pub fn next(&self, count: usize, seed: u64) -> Vec<f64> {
        let n = self.factors.len() as f64;
        let freedom = self.factors.len().saturating_sub(1).max(1) as u32;
        let mut chance = Chance::new(seed ^ 0x7f4a_7c15_9e37_79b9);
        let one = |_| {
            let t = normal(&mut chance)
                / (chi_square(freedom, &mut chance) / f64::from(freedom)).sqrt();
            // A factor beyond e³ is no forecast any more.
            libm::exp((self.spread * (1.0 + 1.0 / n).sqrt() * t).clamp(-3.0, 3.0))
        };
        (0..count).map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Chance, between, normal};

    fn groups(count: usize, spread: f64, seed: u64) -> Vec<Vec<f64>> {
        let mut chance = Chance::new(seed * 7919);
        let group = |_| {
            let level = spread * normal(&mut chance);
            (0..10).map(|_| libm::exp(2.0 + level + 0.3 * normal(&mut chance))).collect()
        };
        (0..count).map(group).collect()
    }

    #[test]
    fn equal_groups_are_rarely_taken_for_different_ones() {
        let taken = (1..=100).filter(|seed| between(&groups(5, 0.0, *seed)).is_some()).count();
        // Of 100 at 5 % more than 12 are taken with probability 0.1 %.
        assert!(taken <= 12, "{taken}");
        assert_eq!(between(&groups(1, 0.0, 1)), None);
    }

    #[test]
    fn the_next_group_lies_where_it_is_foretold() {
        let (mut held, mut found) = (0, 0);
        for seed in 1..=150 {
            let mut all = groups(6, 0.5, seed);
            let last = all.pop().unwrap();
            let level = last.iter().map(|x| libm::log(*x)).sum::<f64>() / last.len() as f64;
            let Some(between) = between(&all) else { continue };
            found += 1;
            let logs = all.iter().flatten().map(|x| libm::log(*x));
            let centre = logs.sum::<f64>() / 50.0;
            let mut next = between.next(400, seed);
            next.sort_by(f64::total_cmp);
            let at = |p: f64| centre + libm::log(next[(p * 400.0) as usize]);
            held += u32::from(at(0.05) <= level && level <= at(0.95));
        }
        let share = f64::from(held) / f64::from(found);
        assert!(found > 130 && (0.82..=0.97).contains(&share), "{share} of {found}");
    }
}
