//! Two rollouts under the same luck: what differs, run by run.

use super::result::SimResult;
use crate::scenario::OutcomeKey;
use crate::stats::{self, Estimate, Pair, Verdict};

/// What is always compared, in the order in which it is shown; outcomes of gates follow.
const KEYS: [OutcomeKey; 6] = [
    OutcomeKey::Duration,
    OutcomeKey::ServingMin,
    OutcomeKey::FailedShare,
    OutcomeKey::LatencyP99,
    OutcomeKey::SurgeCost,
    OutcomeKey::Completed,
];

/// What a difference means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Its whole interval lies on the good side, beyond the noise.
    Better,
    /// Its whole interval lies on the bad side, beyond the noise.
    Worse,
    /// Its whole interval lies within the noise.
    Same,
    /// The interval spans a border: more runs would tell.
    Unclear,
}

impl Change {
    /// For screens.
    pub fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Same => "no difference",
            Self::Unclear => "unclear",
        }
    }
}

/// One outcome under two settings.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Difference {
    /// Which outcome.
    pub key: OutcomeKey,
    /// Its mean over pairs of runs under the first.
    pub first: f64,
    /// Under the second.
    pub second: f64,
    /// Mean difference, second minus first, with its interval.
    pub difference: Estimate,
    /// What it means.
    pub change: Change,
    /// Pairs of runs.
    pub runs: u32,
}

/// What two results with the same seed differ in.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Comparison {
    /// By outcome, as far as it applied in pairs of runs.
    pub differences: Vec<Difference>,
    /// Gates, as written, that the first keeps and the second fails.
    pub broken: Vec<String>,
}

impl Comparison {
    /// Pairs run with run. Differences up to the share `noise` of the first's mean are none.
    pub fn new(first: &SimResult, second: &SimResult, noise: f64) -> Self {
        let mut keys = KEYS.to_vec();
        for gate in first.gates.iter().chain(&second.gates) {
            if !keys.contains(&gate.gate.outcome) {
                keys.push(gate.gate.outcome);
            }
        }
        let of = |key| difference(first, second, key, noise);
        let differences = keys.into_iter().filter_map(of).collect();
        Self { differences, broken: broken(first, second) }
    }

    /// Whether anything is worse for sure.
    pub fn is_regression(&self) -> bool {
        !self.broken.is_empty() || self.differences.iter().any(|d| d.change == Change::Worse)
    }
}

fn broken(first: &SimResult, second: &SimResult) -> Vec<String> {
    let fails = second.gates.iter().filter(|gate| gate.verdict == Verdict::Fail);
    let kept = |text: &str| {
        let before = first.gates.iter().find(|gate| gate.gate.text == text);
        before.is_none_or(|gate| gate.verdict == Verdict::Pass)
    };
    fails.map(|gate| gate.gate.text.clone()).filter(|text| kept(text)).collect()
}

fn difference(
    first: &SimResult,
    second: &SimResult,
    key: OutcomeKey,
    noise: f64,
) -> Option<Difference> {
    let (a, b) = (&first.table.rows, &second.table.rows);
    let pairs: Vec<Pair> = a
        .iter()
        .zip(b)
        .map(|(a, b)| {
            let (first, second) = (a.3.values[key as usize], b.3.values[key as usize]);
            // Runs with requests stand for others; both samples have the same purpose.
            let deep = a.1 && b.1 && key.needs_traffic();
            let weight = if deep { f64::midpoint(a.2, b.2) } else { 1.0 };
            Pair { first, second, weight }
        })
        .filter(|pair| !(pair.first.is_nan() || pair.second.is_nan()))
        .collect();
    let paired = stats::difference(&pairs)?;
    let mean = |of: fn(&Pair) -> f64| {
        let total: f64 = pairs.iter().map(|pair| pair.weight).sum();
        pairs.iter().map(|pair| of(pair) * pair.weight).sum::<f64>() / total
    };
    let before = mean(|pair| pair.first);
    let change = change(&paired.difference, noise * before.abs(), more_is_better(key));
    Some(Difference {
        key,
        first: before,
        second: mean(|pair| pair.second),
        difference: paired.difference,
        change: if key == OutcomeKey::Requests { Change::Same } else { change },
        runs: paired.runs,
    })
}

fn change(difference: &Estimate, noise: f64, more_is_better: bool) -> Change {
    let Estimate { low, high, .. } = *difference;
    if low >= -noise && high <= noise {
        Change::Same
    } else if low > noise {
        if more_is_better { Change::Better } else { Change::Worse }
    } else if high < -noise {
        if more_is_better { Change::Worse } else { Change::Better }
    } else {
        Change::Unclear
    }
}

fn more_is_better(key: OutcomeKey) -> bool {
    matches!(
        key,
        OutcomeKey::ServingMin
            | OutcomeKey::AvailableMin
            | OutcomeKey::ZoneServingMin
            | OutcomeKey::ZoneMargin
            | OutcomeKey::VotesMin
            | OutcomeKey::Completed
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario;
    use crate::study::{Options, Runs, simulate};

    fn result(batch: u32, runs: u32) -> SimResult {
        let text = format!(
            "rollcast = 1\ngates = [\"serving_min >= 8\"]\n[service]\ninstances = 10\n\
             [versions.old]\nstart = {{ p50 = \"5s\", p95 = \"9s\" }}\nexit = \"1s\"\n\
             [strategy.generic]\nbatch = {batch}\n"
        );
        let loaded = scenario::load(&text, "x", Path::new(""), &[]).expect("sound");
        let options = Options { seed: 1, runs: Runs::Fixed(runs), max_runs: runs, threads: 1 };
        simulate(&loaded.scenario, &options, &|_| {})
    }

    #[test]
    fn larger_batches_are_faster_and_lower() {
        let compared = Comparison::new(&result(2, 100), &result(5, 100), 0.0);
        let of = |key| compared.differences.iter().find(|d| d.key == key).unwrap();
        let duration = of(OutcomeKey::Duration);
        assert_eq!((duration.change, duration.runs), (Change::Better, 100));
        assert!((duration.second - duration.first - duration.difference.value).abs() < 1e-9);
        assert_eq!(of(OutcomeKey::ServingMin).change, Change::Worse);
        assert_eq!(of(OutcomeKey::Completed).change, Change::Same);
        assert_eq!(compared.broken, ["serving_min >= 8"]);
        assert!(compared.is_regression());
    }

    #[test]
    fn the_same_is_no_regression() {
        let one = result(2, 50);
        let compared = Comparison::new(&one, &one.clone(), 0.0);
        assert!(compared.differences.iter().all(|d| d.change == Change::Same));
        assert!(!compared.is_regression());
    }

    #[test]
    fn noise_is_no_difference() {
        let estimate = |low, high| Estimate { value: f64::midpoint(low, high), low, high };
        assert_eq!(change(&estimate(0.5, 0.9), 1.0, false), Change::Same);
        assert_eq!(change(&estimate(0.5, 1.9), 1.0, false), Change::Unclear);
        assert_eq!(change(&estimate(1.5, 1.9), 1.0, false), Change::Worse);
        assert_eq!(change(&estimate(-1.9, -1.5), 1.0, true), Change::Worse);
        assert_eq!(change(&estimate(1.5, 1.9), 1.0, true), Change::Better);
    }
}
