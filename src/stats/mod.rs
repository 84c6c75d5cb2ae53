//! Many outcomes → statements with intervals.
//!
//! Runs may be stratified: every value comes with a weight, only the weights' ratios matter, and
//! intervals rest on the effective number of runs (Kish), which is smaller the more they differ.

pub mod anytime;
#[cfg(test)]
mod draws;
pub mod fit;
mod gate;
pub mod interval;
mod paired;
mod paths;
mod sample;
pub mod score;
pub mod selection;
mod summary;

pub use gate::{judge, judge_at_looks, judge_sample, resolve};
pub use paired::{Pair, Paired, difference};
pub use sample::Sample;
pub use summary::{summarise, summarise_sample};

use crate::scenario::{Gate, OutcomeKey};

/// A value with its 95 % confidence interval. An end is infinite where the runs are too few to
/// bound it; all three are not a number where no run had a value.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Estimate {
    /// The point estimate.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Estimate {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self { value: f64::NAN, low: f64::NAN, high: f64::NAN };
}

/// One outcome over runs. `None` where it applied in no run.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Summary {
    /// Which outcome.
    pub key: OutcomeKey,
    /// In how many runs it applied.
    pub runs: u32,
    /// Mean over runs.
    pub mean: Estimate,
    /// Quantiles over runs at [`QUANTILES`].
    pub quantiles: [Estimate; 6],
    /// Smallest value seen.
    pub min: f64,
    /// Largest value seen.
    pub max: f64,
}

/// The quantiles that a [`Summary`] holds.
pub const QUANTILES: [f64; 6] = [0.05, 0.25, 0.5, 0.9, 0.95, 0.99];

/// Whether a gate holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Its interval lies on the good side.
    Pass,
    /// Its interval lies on the bad side.
    Fail,
    /// The interval spans the limit, or the answer depends on an assumed input.
    Undecided,
}

/// A gate held against the runs.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct GateResult {
    /// The gate.
    pub gate: Gate,
    /// The limit in the outcome's unit, shares of instances resolved.
    pub limit: f64,
    /// Whether it holds.
    pub verdict: Verdict,
    /// What is held against the limit. For `in SHARE of runs`: the quantile of the outcome at
    /// that share (the worst value that this share of runs keeps).
    pub value: Estimate,
    /// For `in SHARE of runs`: the share of runs on the good side.
    pub share: Option<Estimate>,
    /// Runs that this rests on.
    pub runs: u32,
    /// Why it is undecided, or by what it fails mostly.
    pub note: Option<String>,
}
