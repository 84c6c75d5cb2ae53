//! Named streams of random bits: adding one, or drawing more from one, moves no other.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

/// `SplitMix64`'s finaliser (Steele, Lea and Flood, 2014).
#[inline]
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// All chance of one replication: makes streams and single draws by purpose and index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seeds {
    key: u64,
}

impl Seeds {
    /// From the user's seed and the number of the replication.
    pub fn new(seed: u64, replication: u64) -> Self {
        Self { key: mix(mix(seed.wrapping_add(GOLDEN)) ^ replication.wrapping_mul(GOLDEN)) }
    }

    /// 64 bits that belong to (purpose, index) alone.
    #[inline]
    pub fn bits(self, purpose: u32, index: u64) -> u64 {
        let named = self.key ^ mix(u64::from(purpose).wrapping_mul(GOLDEN).wrapping_add(1));
        mix(named.wrapping_add(index.wrapping_mul(GOLDEN)))
    }

    /// The stream that belongs to (purpose, index).
    pub fn stream(self, purpose: u32, index: u64) -> Stream {
        Stream { generator: Xoshiro256PlusPlus::seed_from_u64(self.bits(purpose, index)) }
    }
}

/// A stream of random bits (Xoshiro256++, a reproducible generator by promise of its crate).
#[derive(Debug, Clone)]
pub struct Stream {
    generator: Xoshiro256PlusPlus,
}

impl Stream {
    /// The next 64 bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// Fills `out` with bits.
    #[inline]
    pub fn fill(&mut self, out: &mut [u64]) {
        for slot in out {
            *slot = self.generator.next_u64();
        }
    }

    /// Uniform in (0, 1).
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        super::math::open_unit(self.bits())
    }
}

#[cfg(test)]
mod tests {
    use super::Seeds;

    #[test]
    fn streams_are_independent_of_each_other() {
        let seeds = Seeds::new(1, 0);
        let mut first = seeds.stream(1, 0);
        let mut again = seeds.stream(1, 0);
        let mut other = seeds.stream(2, 0);
        let drawn: Vec<u64> = (0..4).map(|_| first.bits()).collect();
        let _ = other.bits();
        assert_eq!(drawn, (0..4).map(|_| again.bits()).collect::<Vec<_>>());
        assert_ne!(Seeds::new(1, 1).bits(1, 0), seeds.bits(1, 0));
        assert_ne!(seeds.bits(1, 1), seeds.bits(1, 0));
        assert_ne!(seeds.bits(1, 0), seeds.bits(2, 0));
    }
}
