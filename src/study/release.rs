//! Good and bad releases: played apart, mixed by how often a release is bad.

use rayon::prelude::*;

use super::replicate::Replications;
use super::result::SimResult;
use super::{assemble, stories};
use crate::outcome::Fate;
use crate::scenario::OutcomeKey;
use crate::stats::interval::mixture;
use crate::stats::{self, Estimate, GateResult, Sample, Summary};
use crate::units::Share;

/// A result by what the release is like.
#[derive(Debug, Clone)]
pub struct ByRelease {
    /// Chance that it is bad.
    pub prior: Share,
    /// If it is good.
    pub good: Part,
    /// If it is bad.
    pub bad: Part,
}

/// What one kind of releases leads to. It does not depend on how often there is such a release.
#[derive(Debug, Clone)]
pub struct Part {
    /// Replications of the control plane.
    pub runs: u32,
    /// Of these, with requests.
    pub runs_requests: u32,
    /// Share of runs by fate; only fates that occurred.
    pub fates: Vec<(Fate, Estimate)>,
    /// Every outcome that applied in some run.
    pub summaries: Vec<Summary>,
}

impl Part {
    /// The summary of one outcome, if it applied.
    pub fn summary(&self, key: OutcomeKey) -> Option<&Summary> {
        self.summaries.iter().find(|s| s.key == key)
    }

    fn of(result: &SimResult) -> Self {
        Self {
            runs: result.runs_control,
            runs_requests: result.runs_requests,
            fates: result.fates.clone(),
            summaries: result.summaries.clone(),
        }
    }
}

/// Both kinds of releases, with the same luck.
pub(super) struct Both<'a> {
    pub(super) prior: Share,
    pub(super) good: Replications<'a>,
    pub(super) bad: Replications<'a>,
}

impl Both<'_> {
    /// An outcome over releases as they come.
    fn sample(&self, key: OutcomeKey) -> Option<Sample> {
        let bad = self.prior.0;
        Sample::mixed(&[(1.0 - bad, self.good.known(key)), (bad, self.bad.known(key))])
    }

    /// The gates, held against releases as they come.
    pub(super) fn gates(&self) -> Vec<GateResult> {
        let scenario = self.good.scenario;
        let (desired, runs) = (scenario.service.instances, self.good.control.len());
        let gates = scenario.gates.iter();
        let judge = |gate: &crate::scenario::Gate| {
            stats::judge_sample(gate, desired, self.sample(gate.outcome), runs, self.good.looks)
        };
        gates.map(judge).collect()
    }

    /// The answer. What is told of single runs and over time is of good releases, unless a
    /// release is bad rather than good; the worst run is a bad one.
    pub(super) fn assemble(&self) -> SimResult {
        let (good, bad) = (assemble::assemble(&self.good), assemble::assemble(&self.bad));
        let parts = ByRelease { prior: self.prior, good: Part::of(&good), bad: Part::of(&bad) };
        let gates = self.gates();
        let summaries = OutcomeKey::ALL.par_iter().filter_map(|key| {
            self.sample(*key).map(|sample| stats::summarise_sample(*key, &sample))
        });
        let summaries = summaries.collect();
        let worst = bad.worst.clone();
        let told = [(1.0 - self.prior.0, &good), (self.prior.0, &bad)];
        let stories = stories::mixed(&told.map(|(share, of)| (share, &of.stories[..])));
        let runs = (good.runs_control + bad.runs_control, good.runs_requests + bad.runs_requests);
        let usual = if self.prior.0 > 0.5 { bad } else { good };
        SimResult {
            runs_control: runs.0,
            runs_requests: runs.1,
            verdict: assemble::verdict(&gates),
            gates,
            summaries,
            fates: fates(&parts),
            stories,
            worst,
            by_release: Some(parts),
            ..usual
        }
    }
}

/// Shares of all runs by fate, from those of both parts.
fn fates(parts: &ByRelease) -> Vec<(Fate, Estimate)> {
    let share = |part: &Part, fate: Fate| {
        let known = part.fates.iter().find(|(known, _)| *known == fate);
        known.map_or_else(
            || stats::interval::wilson(0.0, f64::from(part.runs)),
            |(_, estimate)| *estimate,
        )
    };
    let mixed = |fate: Fate| {
        let (good, bad) = (share(&parts.good, fate), share(&parts.bad, fate));
        let mixed = mixture(&[(1.0 - parts.prior.0, good), (parts.prior.0, bad)]);
        let mixed = Estimate { low: mixed.low.max(0.0), high: mixed.high.min(1.0), ..mixed };
        (mixed.value > 0.0).then_some((fate, mixed))
    };
    Fate::ALL.into_iter().filter_map(mixed).collect()
}
