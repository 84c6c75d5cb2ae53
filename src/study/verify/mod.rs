//! Recorded real rollouts against the simulator: what was, what it says, and how far apart.

mod verdict;

pub use verdict::{Curves, Inputs, Pair, Verdict};
