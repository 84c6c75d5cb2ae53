//! The answer of a sweep for programs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::outcome::Fate;
use crate::report::json::{GateEntry, Interval, column};
use crate::scenario::OutcomeKey;
use crate::stats::{Summary, Verdict};
use crate::study::sweep::{CellResult, SweepResult};

/// Name and number of the format.
pub const SCHEMA: &str = "rollcast.sweep/1";

/// The document, indented by two blanks, with a line end at the end.
pub fn render_json(result: &SweepResult) -> String {
    let head = &result.head;
    let document = Document {
        schema: SCHEMA,
        version: &head.version,
        study: &head.study,
        name: &head.name,
        seed: head.seed,
        runs: head.runs,
        requests_share: head.requests_share,
        keys: &head.keys,
        goal: &head.goal,
        versus: &head.versus,
        gates: &head.gates,
        verdict: result.verdict(),
        whole: result.is_whole(),
        taken: result.best.map(|place| result.cells[place].cell),
        runner_up: runner_up(result),
        settings: settings(result),
        scenario: &head.scenario,
    };
    let mut text = serde_json::to_string_pretty(&document)
        .expect("plain data with text keys always serialises");
    text.push('\n');
    text
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    version: &'a str,
    study: &'a str,
    name: &'a str,
    seed: u64,
    runs: u32,
    requests_share: Option<f64>,
    keys: &'a [String],
    goal: &'a str,
    versus: &'a str,
    gates: &'a [String],
    verdict: Option<Verdict>,
    whole: bool,
    taken: Option<u32>,
    runner_up: Option<RunnerUp>,
    settings: Vec<Setting<'a>>,
    scenario: &'a str,
}

#[derive(Serialize)]
struct RunnerUp {
    setting: u32,
    difference: Interval,
    correlation: Option<f64>,
    runs: u32,
}

fn runner_up(result: &SweepResult) -> Option<RunnerUp> {
    let (place, paired) = result.runner_up()?;
    Some(RunnerUp {
        setting: result.cells[place].cell,
        difference: Interval::of(&paired.difference),
        correlation: paired.correlation,
        runs: paired.runs,
    })
}

#[derive(Serialize)]
struct Setting<'a> {
    #[serde(rename = "setting")]
    number: u32,
    values: &'a [String],
    instances: u32,
    problem: Option<&'a str>,
    result: Option<Found<'a>>,
}

fn settings(result: &SweepResult) -> Vec<Setting<'_>> {
    let found = |cell: u32| {
        let place = result.cells.iter().position(|of| of.cell == cell)?;
        Some(Found::of(&result.cells[place], result.pareto[place]))
    };
    let all = result.head.cells.iter().enumerate();
    all.map(|(index, head)| Setting {
        number: index as u32,
        values: &head.values,
        instances: head.instances,
        problem: head.problem.as_deref(),
        result: found(index as u32),
    })
    .collect()
}

#[derive(Serialize)]
struct Found<'a> {
    runs: u32,
    runs_requests: u32,
    verdict: Option<Verdict>,
    pareto: bool,
    goal: Option<Interval>,
    versus: Option<Interval>,
    gates: Vec<GateEntry<'a>>,
    outcomes: BTreeMap<Fate, Interval>,
    values: BTreeMap<String, Spread>,
}

impl<'a> Found<'a> {
    fn of(cell: &'a CellResult, pareto: bool) -> Self {
        let spread = |s: &Summary| (column(s.key), Spread::of(s));
        Self {
            runs: cell.runs,
            runs_requests: cell.runs_requests,
            verdict: cell.verdict,
            pareto,
            goal: cell.goal.as_ref().map(Interval::of),
            versus: cell.versus.as_ref().map(Interval::of),
            gates: cell.gates.iter().map(GateEntry::of).collect(),
            outcomes: cell.fates.iter().map(|(fate, e)| (*fate, Interval::of(e))).collect(),
            values: cell.summaries.iter().map(spread).collect(),
        }
    }
}

/// An outcome over runs; the probability of an event is its mean.
#[derive(Serialize)]
struct Spread {
    runs: u32,
    mean: Interval,
    p5: f64,
    p50: f64,
    p95: f64,
}

impl Spread {
    fn of(summary: &Summary) -> Self {
        let [p5, _, p50, _, p95, _] = summary.quantiles.map(|q| q.value);
        Self { runs: summary.runs, mean: Interval::of(&summary.mean), p5, p50, p95 }
    }
}

/// Names of all outcomes, for the schema.
pub(super) fn names() -> Vec<String> {
    OutcomeKey::ALL.iter().map(|key| column(*key)).collect()
}

#[cfg(test)]
mod tests {
    use super::render_json;
    use crate::report::sweep::tests::result;

    #[test]
    fn the_document_has_every_setting() {
        let read: serde_json::Value = serde_json::from_str(&render_json(&result(4, 1))).unwrap();
        assert_eq!((&read["schema"], &read["taken"]), (&"rollcast.sweep/1".into(), &2.into()));
        let settings = read["settings"].as_array().unwrap();
        assert_eq!(settings.len(), 5);
        assert_eq!(settings[0]["result"]["values"]["duration_s"]["mean"]["value"], 720.0);
        assert!(settings[4]["result"].is_null() && settings[4]["problem"].is_string());
        assert_eq!(read["runner_up"]["setting"], 1);
    }
}
