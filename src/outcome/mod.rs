//! One trace → the numbers of one rollout.

mod collect;
mod fleet;
#[cfg(test)]
mod properties;
mod requests;
pub mod series;
mod state;
#[cfg(test)]
mod tests;
mod values;

pub use collect::Collector;
pub use series::{Point, Series};

use crate::scenario::OutcomeKey;
use crate::trace::{Ending, Histogram, Said};

/// How a rollout really ended, in few words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// The orchestrator says completed, and the new version serves everywhere.
    Completed,
    /// The orchestrator says completed, but it does not.
    CompletedNotServing,
    /// The old version serves again.
    RolledBack,
    /// Stopped with mixed versions, and may be resumed.
    Paused,
    /// The orchestrator says failed: it gave up and reverted nothing.
    GivenUp,
    /// Nothing moves any more.
    Stuck,
}

impl Fate {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Completed,
        Self::CompletedNotServing,
        Self::RolledBack,
        Self::Paused,
        Self::GivenUp,
        Self::Stuck,
    ];

    /// For screens.
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::CompletedNotServing => "completed, not serving",
            Self::RolledBack => "rolled back",
            Self::Paused => "paused",
            Self::GivenUp => "given up",
            Self::Stuck => "stuck",
        }
    }
}

/// What is, at the end of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Is {
    /// Instances wanted.
    pub desired: u32,
    /// Serving instances of the old version.
    pub serving_old: u32,
    /// Serving instances of the new (or a later) version.
    pub serving_new: u32,
}

/// The numbers of one rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// By [`OutcomeKey`] (`as usize`); not a number where it does not apply or was not simulated.
    /// Events are 0 or 1.
    pub values: Vec<f64>,
    /// What the orchestrator says at the end.
    pub said: Said,
    /// What is.
    pub is: Is,
    /// Both together.
    pub fate: Fate,
    /// Requests that ended during the rollout, by [`Ending`] and version (0 old, 1 new, 2 none).
    pub endings: [[u64; 8]; 3],
    /// Latency by period (before, during, after) and version (old, new); empty without requests.
    pub latency: Vec<[Histogram; 2]>,
}

impl Outcome {
    /// The value of one outcome, if it applies.
    pub fn get(&self, key: OutcomeKey) -> Option<f64> {
        let value = self.values[key as usize];
        if value.is_nan() { None } else { Some(value) }
    }

    /// Requests with this ending during the rollout.
    pub fn ended(&self, ending: Ending) -> u64 {
        self.endings.iter().map(|by_ending| by_ending[ending as usize]).sum()
    }
}
