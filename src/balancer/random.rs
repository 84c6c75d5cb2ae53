//! Uniformly at random.

use super::{Loads, Policy, index};

/// Any member, each as likely.
#[derive(Debug, Clone, Default)]
pub struct Random;

impl Policy for Random {
    #[inline]
    fn pick(&mut self, members: &[u32], _: u64, bits: u64, _: &mut impl Loads) -> u32 {
        members[index((bits >> 32) as u32, members.len())]
    }

    fn candidates(&self, members: &[u32], bits: u64) -> Option<[u32; 2]> {
        let member = *members.get(index((bits >> 32) as u32, members.len()))?;
        Some([member, member])
    }
}
