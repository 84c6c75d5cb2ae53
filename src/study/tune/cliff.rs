//! How near the cliff is: the choice is varied outward, one thing at a time, until a gate breaks.

use crate::scenario::Scenario;
use crate::stats::{GateResult, Verdict};
use crate::study::{Options, Runs, simulate};

/// Runs of each neighbour.
const RUNS: u32 = 400;
/// By how much traffic grows.
const GROWTH: [f64; 6] = [1.05, 1.1, 1.2, 1.35, 1.5, 2.0];

/// A neighbour of the choice.
#[derive(Debug, Clone)]
pub struct Next {
    /// What is varied, such as a key.
    pub what: String,
    /// Up or down along it; the first that is not known to pass ends the walk.
    pub values: Vec<(String, Scenario)>,
}

/// Where a walk ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Cliff {
    /// What was varied.
    pub what: String,
    /// The last value that passes, if it is not the choice itself.
    pub holds: Option<String>,
    /// The first that does not, the gate, and whether it is known to break; `None`: all pass.
    pub breaks: Option<(String, GateResult)>,
}

impl Cliff {
    /// Walks from the choice outward.
    pub fn walk(next: &Next, seed: u64, threads: usize) -> Self {
        let mut cliff = Self { what: next.what.clone(), holds: None, breaks: None };
        for (value, scenario) in &next.values {
            let options = Options { seed, runs: Runs::Fixed(RUNS), max_runs: RUNS, threads };
            let result = simulate(scenario, &options, &|_| {});
            let worst = result.gates.into_iter().filter(|gate| gate.verdict != Verdict::Pass);
            if let Some(gate) = worst.max_by_key(|gate| gate.verdict == Verdict::Fail) {
                cliff.breaks = Some((value.clone(), gate));
                return cliff;
            }
            cliff.holds = Some(value.clone());
        }
        cliff
    }
}

impl Next {
    /// Along one key, up and down from the choice, over the values that were written; those that
    /// make no scenario end the walk. Nothing where there is nothing beside the choice.
    pub fn along(
        key: &str,
        values: &[String],
        chosen: &str,
        at: &dyn Fn(&str) -> Option<Scenario>,
    ) -> Vec<Self> {
        let Some(place) = values.iter().position(|value| value == chosen) else {
            return Vec::new();
        };
        let go = |order: &mut dyn Iterator<Item = &String>| -> Vec<(String, Scenario)> {
            order.map_while(|value| Some((value.clone(), at(value)?))).collect()
        };
        let up = go(&mut values[place + 1..].iter());
        let down = go(&mut values[..place].iter().rev());
        let next = |values| Self { what: key.to_owned(), values };
        [up, down].into_iter().filter(|values| !values.is_empty()).map(next).collect()
    }

    /// The choice under more and more traffic; `None` without traffic.
    pub fn traffic(best: &Scenario) -> Option<Self> {
        best.traffic.as_ref()?;
        let grown = |factor: &f64| {
            let mut scenario = best.clone();
            if let Some(traffic) = &mut scenario.traffic {
                traffic.scale *= factor;
            }
            (format!("+{:.0}%", (factor - 1.0) * 100.0), scenario)
        };
        Some(Self { what: "traffic".to_owned(), values: GROWTH.iter().map(grown).collect() })
    }
}
