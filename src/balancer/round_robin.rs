//! In turn.

use super::{Loads, Policy};

/// Members one after the other.
#[derive(Debug, Clone, Default)]
pub struct RoundRobin {
    next: usize,
}

impl RoundRobin {
    /// Begins at a place of its own, so that many nodes do not walk in step.
    pub fn starting_at(next: usize) -> Self {
        Self { next }
    }
}

impl Policy for RoundRobin {
    #[inline]
    fn pick(&mut self, members: &[u32], _: u64, _: u64, _: &mut impl Loads) -> u32 {
        if self.next >= members.len() {
            self.next %= members.len();
        }
        let picked = members[self.next];
        self.next += 1;
        if self.next == members.len() {
            self.next = 0;
        }
        picked
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balancer::testing::Fixed;

    #[test]
    fn goes_round_whatever_the_membership_does() {
        let mut policy = RoundRobin::default();
        let mut loads = Fixed(vec![]);
        let picked: Vec<u32> = (0..5).map(|_| policy.pick(&[7, 8, 9], 0, 0, &mut loads)).collect();
        assert_eq!(picked, [7, 8, 9, 7, 8]);
        assert_eq!(policy.pick(&[7], 0, 0, &mut loads), 7);
    }
}
