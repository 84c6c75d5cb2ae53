//! The least loaded of a few random ones (Mitzenmacher, 1996; Vvedenskaya et al., 1996).

use super::{Loads, Policy, index};

/// Looks at `choices` members and takes the one with fewest outstanding.
#[derive(Debug, Clone)]
pub struct PowerOfChoices {
    choices: u32,
}

impl PowerOfChoices {
    /// Two is the usual number.
    pub fn new(choices: u32) -> Self {
        Self { choices }
    }
}

impl Policy for PowerOfChoices {
    /// Two choices are distinct; more are drawn with replacement, which differs by O(1/members).
    #[inline(always)]
    fn pick(&mut self, members: &[u32], _: u64, bits: u64, loads: &mut impl Loads) -> u32 {
        if members.len() == 1 {
            return members[0];
        }
        let (first, second) = distinct_pair(bits, members.len());
        let (first, second) = (members[first], members[second]);
        let (a, b) = (loads.outstanding(first), loads.outstanding(second));
        let best = if b < a { second } else { first };
        if self.choices == 2 {
            return best;
        }
        self.pick_of_more(members, bits, best, a.min(b), loads)
    }

    fn candidates(&self, members: &[u32], bits: u64) -> Option<[u32; 2]> {
        if members.len() < 2 {
            return None;
        }
        let (first, second) = distinct_pair(bits, members.len());
        Some([members[first], members[second]])
    }
}

impl PowerOfChoices {
    #[cold]
    fn pick_of_more(
        &self,
        members: &[u32],
        bits: u64,
        mut best: u32,
        mut least: u32,
        loads: &mut impl Loads,
    ) -> u32 {
        let mut bits = bits;
        for _ in 2..self.choices {
            bits = bits.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(1);
            let other = members[index((bits >> 32) as u32, members.len())];
            let load = loads.outstanding(other);
            if load < least {
                (best, least) = (other, load);
            }
        }
        best
    }
}

/// Two different indices below `len` ≥ 2, each ordered pair as likely.
#[inline]
pub(super) fn distinct_pair(bits: u64, len: usize) -> (usize, usize) {
    let first = index((bits >> 32) as u32, len);
    let second = index(bits as u32, len - 1);
    (first, second + usize::from(second >= first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balancer::testing::{Fixed, bits};

    #[test]
    fn pairs_are_distinct_and_even() {
        let mut seen = [[0u32; 5]; 5];
        for i in 0..100_000 {
            let (a, b) = distinct_pair(bits(i), 5);
            seen[a][b] += 1;
        }
        for (a, row) in seen.iter().enumerate() {
            for (b, &count) in row.iter().enumerate() {
                assert_eq!(count == 0, a == b);
                assert!(a == b || (4600..5400).contains(&count), "{a} {b} {count}");
            }
        }
    }

    #[test]
    fn takes_the_less_loaded() {
        let mut loads = Fixed(vec![3, 1]);
        for i in 0..10 {
            assert_eq!(PowerOfChoices::new(2).pick(&[0, 1], 0, bits(i), &mut loads), 1);
        }
        let mut policy = PowerOfChoices::new(3);
        let mut loads = Fixed(vec![5, 5, 5, 0]);
        let hits = (0..10_000).filter(|i| policy.pick(&[0, 1, 2, 3], 0, bits(*i), &mut loads) == 3);
        // 1 − P(two distinct miss)·P(third misses) = 1 − 1/2·3/4.
        let share = hits.count() as f64 / 10_000.0;
        assert!((share - 0.625).abs() < 0.02, "{share}");
    }
}
