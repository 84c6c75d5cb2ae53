//! By the request's key, so that a change of membership moves few keys (Karger et al., 1997).

use super::{Loads, Policy};

/// Points per instance on the ring.
const POINTS: u32 = 128;

/// A ring of hashes.
#[derive(Debug, Clone)]
pub struct ConsistentHash {
    keys: u64,
    ring: Vec<(u64, u32)>,
}

impl ConsistentHash {
    /// Requests have one of `keys` keys, all as likely.
    pub fn new(keys: u32) -> Self {
        Self { keys: u64::from(keys.max(1)), ring: Vec::new() }
    }
}

fn hash(word: u64) -> u64 {
    let mut x = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

impl Policy for ConsistentHash {
    fn pick(&mut self, _: &[u32], _: u64, bits: u64, _: &mut impl Loads) -> u32 {
        let key = ((bits >> 32) * self.keys) >> 32;
        let point = hash(key);
        let place = self.ring.partition_point(|(at, _)| *at < point);
        self.ring[if place == self.ring.len() { 0 } else { place }].1
    }

    fn joined(&mut self, instance: u32, _: f64) {
        if self.ring.iter().any(|(_, member)| *member == instance) {
            return;
        }
        for copy in 0..POINTS {
            // Set apart from the hashes of keys, which are small numbers.
            self.ring.push((hash(1 << 63 | u64::from(instance) << 32 | u64::from(copy)), instance));
        }
        self.ring.sort_unstable();
    }

    fn left(&mut self, instance: u32) {
        self.ring.retain(|(_, member)| *member != instance);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balancer::testing::{Fixed, bits};

    #[test]
    fn a_leaver_moves_only_its_own_keys() {
        let mut policy = ConsistentHash::new(10_000);
        (0..10).for_each(|instance| policy.joined(instance, 1.0));
        let picks = |policy: &mut ConsistentHash| -> Vec<u32> {
            (0..5_000).map(|i| policy.pick(&[], 0, bits(i), &mut Fixed(vec![]))).collect()
        };
        let before = picks(&mut policy);
        policy.left(3);
        let after = picks(&mut policy);
        let moved = before.iter().zip(&after).filter(|(a, b)| a != b);
        assert!(moved.clone().all(|(a, _)| *a == 3));
        let share = moved.count() as f64 / 5_000.0;
        assert!((0.05..0.16).contains(&share), "{share}");
    }
}
