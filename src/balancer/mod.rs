//! Whom to choose. Pure rules: random bits, loads and the time come in as arguments, so that a
//! simulated data plane and a real proxy run the same code.
//!
//! Each data-plane node has a policy of its own, which knows only what that node knows.

mod consistent_hash;
mod least_outstanding;
mod membership;
mod peak_ewma;
mod power_of_choices;
mod random;
mod round_robin;
mod slow_start;
mod weighted;

pub use consistent_hash::ConsistentHash;
pub use least_outstanding::LeastOutstanding;
pub use membership::{Mark, Membership, Mode, Resort};
pub use peak_ewma::PeakEwma;
pub use power_of_choices::PowerOfChoices;
pub use random::Random;
pub use round_robin::RoundRobin;
pub use slow_start::slow_start_weight;
pub use weighted::Weighted;

/// What a node can see of its instances when it chooses.
pub trait Loads {
    /// Requests of this node that are outstanding at the instance.
    fn outstanding(&mut self, instance: u32) -> u32;
}

/// A rule for choosing an instance.
pub trait Policy {
    /// Whether [`Policy::started`] and [`Policy::ended`] must be called, each in order of time.
    const WATCHES: bool = false;

    /// Chooses one of `members`, which is not empty. `now` in nanoseconds.
    fn pick(&mut self, members: &[u32], now: u64, bits: u64, loads: &mut impl Loads) -> u32;

    /// The instances that [`Policy::pick`] will look at for these bits, as far as that is known
    /// beforehand: a hint for fetching them early.
    fn candidates(&self, members: &[u32], bits: u64) -> Option<[u32; 2]> {
        let _ = (members, bits);
        None
    }

    /// An instance came into rotation, or its weight changed.
    fn joined(&mut self, instance: u32, weight: f64) {
        let _ = (instance, weight);
    }

    /// An instance left the rotation.
    fn left(&mut self, instance: u32) {
        let _ = instance;
    }

    /// A request went to the instance.
    fn started(&mut self, instance: u32) {
        let _ = instance;
    }

    /// A request at the instance ended, `latency` nanoseconds after it was sent.
    fn ended(&mut self, instance: u32, latency: u64, now: u64) {
        let _ = (instance, latency, now);
    }
}

/// An index below `len` from 32 random bits, by multiplication (Lemire, 2019; the bias is below
/// `len`/2³²).
#[inline]
fn index(bits: u32, len: usize) -> usize {
    ((u64::from(bits) * len as u64) >> 32) as usize
}

#[cfg(test)]
mod testing {
    use super::Loads;

    /// Fixed loads for tests.
    pub(super) struct Fixed(pub(super) Vec<u32>);

    impl Loads for Fixed {
        fn outstanding(&mut self, instance: u32) -> u32 {
            self.0[instance as usize]
        }
    }

    /// Spreads small counters over 64 bits.
    pub(super) fn bits(i: u64) -> u64 {
        (i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (i << 17).wrapping_mul(0xD6E8_FEB8_6659_FD93)
    }
}
