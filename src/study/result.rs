//! What a study found: everything that a screen, a file or a chart shows.

use super::assumed::Effect;
use super::release::ByRelease;
use crate::outcome::{Fate, Outcome, Series};
use crate::scenario::Scenario;
use crate::stats::{Estimate, GateResult, Summary, Verdict};
use crate::trace::{Histogram, Record};
use crate::units::Time;

/// The answer of `rollcast sim`.
#[derive(Debug, Clone)]
pub struct SimResult {
    /// What was simulated.
    pub scenario: Scenario,
    /// Seed of all random streams.
    pub seed: u64,
    /// Replications of the control plane alone.
    pub runs_control: u32,
    /// Replications with requests (a stratified subset, weighted back); 0 without traffic.
    pub runs_requests: u32,
    /// Over all gates: the worst; `None` without gates.
    pub verdict: Option<Verdict>,
    /// The gates, in the order in which they are written.
    pub gates: Vec<GateResult>,
    /// Every outcome that applied in some run, in the order of `OutcomeKey::ALL`.
    pub summaries: Vec<Summary>,
    /// Share of runs by fate; only fates that occurred.
    pub fates: Vec<(Fate, Estimate)>,
    /// Serving instances over time, over runs.
    pub bands: Bands,
    /// One row a run.
    pub table: RunTable,
    /// The run whose duration is the median, with its records.
    pub median: Story,
    /// The run with the fewest serving instances (then the longest), with its records.
    pub worst: Story,
    /// Failing runs that stand for the commonest ways to fail; empty if none failed.
    pub stories: Vec<FailureStory>,
    /// Where the time of the median run goes: (what, share of its duration).
    pub time_shares: Vec<(String, f64)>,
    /// Requests arrived per second over time (grid of `bands`), mean over runs; empty without
    /// traffic.
    pub demand: Vec<f64>,
    /// What the serving instances can answer per second over time (grid of `bands`): 5 %, 50 %
    /// over runs; empty without traffic.
    pub capacity: Vec<[f64; 2]>,
    /// Requests that failed per second over time (grid of `bands`), mean over the runs with
    /// requests, by `Ending as usize` (index 0, Ok, unused); empty without traffic.
    pub failures: Vec<[f64; 8]>,
    /// Latency over all runs with requests, by period (before, during, after) and version (old,
    /// new); empty without traffic.
    pub latency: Vec<[Histogram; 2]>,
    /// What ranges of values that nobody measured do to the gates; empty if none was tried.
    pub assumed: Vec<Effect>,
    /// The same by what the release is like, if it may be good or bad.
    pub by_release: Option<ByRelease>,
}

/// Serving instances over time: quantiles over runs on a common grid.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Bands {
    /// Seconds since the rollout began; may begin below zero.
    pub t_s: Vec<f64>,
    /// 5 % quantile over runs.
    pub p5: Vec<f64>,
    /// Median over runs.
    pub p50: Vec<f64>,
    /// 95 % quantile over runs.
    pub p95: Vec<f64>,
    /// Lowest over runs.
    pub min: Vec<f64>,
}

/// One row a run, in order of replication.
#[derive(Debug, Clone, Default)]
pub struct RunTable {
    /// Replication, whether requests were simulated, its weight, its outcome.
    pub rows: Vec<(u32, bool, f64, Outcome)>,
}

/// One run in full.
#[derive(Debug, Clone)]
pub struct Story {
    /// Which replication.
    pub replication: u32,
    /// Its outcome.
    pub outcome: Outcome,
    /// Its counts over time.
    pub series: Series,
    /// Its records, `Window`, `Latency` and `Totals` left out.
    pub records: Vec<(Time, Record)>,
}

/// A run that failed, and how many fail like it.
#[derive(Debug, Clone)]
pub struct FailureStory {
    /// The run.
    pub story: Story,
    /// Share of all runs that end the same way for the same reason.
    pub share: f64,
}

impl SimResult {
    /// The summary of one outcome, if it applied.
    pub fn summary(&self, key: crate::scenario::OutcomeKey) -> Option<&Summary> {
        self.summaries.iter().find(|s| s.key == key)
    }
}
