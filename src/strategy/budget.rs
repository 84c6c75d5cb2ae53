//! What a strategy's own arithmetic says, without chance.

use crate::units::Span;

/// The arithmetic of a rollout without failures and without operators' changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Desired instances.
    pub instances: u32,
    /// Taken out at once, in every run.
    pub out: u32,
    /// Started above the desired number, in every run.
    pub above: u32,
    /// Starts that follow each other, at least.
    pub rounds: u32,
    /// Waited after each start of those, at least.
    pub wait: Span,
    /// The key that decides `out`.
    pub out_key: &'static str,
    /// The key that decides `above`.
    pub above_key: &'static str,
}

impl Budget {
    /// Instances that are left when the strategy has taken out what it takes.
    pub fn leaves(&self) -> u32 {
        self.instances - self.out
    }
}
