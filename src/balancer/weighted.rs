//! At random, in proportion to weights.

use super::{Loads, Policy};

/// Cumulated weights, made anew when the membership changes.
#[derive(Debug, Clone, Default)]
pub struct Weighted {
    members: Vec<(u32, f64)>,
    cumulated: Vec<f64>,
}

impl Weighted {
    fn rebuild(&mut self) {
        self.cumulated.clear();
        let mut sum = 0.0;
        for (_, weight) in &self.members {
            sum += weight;
            self.cumulated.push(sum);
        }
    }
}

impl Policy for Weighted {
    #[inline]
    fn pick(&mut self, members: &[u32], _: u64, bits: u64, _: &mut impl Loads) -> u32 {
        let total = self.cumulated.last().copied().unwrap_or(0.0);
        if total <= 0.0 {
            // All weights zero: as if they were equal.
            return members[super::index((bits >> 32) as u32, members.len())];
        }
        let point = (bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64) * total;
        let place = self.cumulated.partition_point(|sum| *sum <= point);
        self.members[place.min(self.members.len() - 1)].0
    }

    fn joined(&mut self, instance: u32, weight: f64) {
        match self.members.iter_mut().find(|(member, _)| *member == instance) {
            Some((_, old)) => *old = weight,
            None => self.members.push((instance, weight)),
        }
        self.rebuild();
    }

    fn left(&mut self, instance: u32) {
        self.members.retain(|(member, _)| *member != instance);
        self.rebuild();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balancer::testing::{Fixed, bits};

    #[test]
    fn shares_follow_weights() {
        let mut policy = Weighted::default();
        policy.joined(4, 3.0);
        policy.joined(5, 2.0);
        policy.joined(5, 1.0);
        let mut loads = Fixed(vec![]);
        let hits = (0..100_000).filter(|i| policy.pick(&[4, 5], 0, bits(*i), &mut loads) == 4);
        let share = hits.count() as f64 / 100_000.0;
        assert!((share - 0.75).abs() < 0.01, "{share}");
        policy.left(4);
        assert_eq!(policy.pick(&[5], 0, bits(1), &mut loads), 5);
    }
}
