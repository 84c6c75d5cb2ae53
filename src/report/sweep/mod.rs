//! Many settings side by side: as text, Markdown, CSV and JSON.

mod csv;
mod json;
mod markdown;
mod schema;
mod text;

pub use csv::render_csv;
pub use json::{SCHEMA, render_json};
pub use markdown::render_markdown;
pub use schema::schema;
pub use text::{render_text, verdict_line};

use super::format;
use crate::scenario::{Measure, OutcomeKey, Unit};
use crate::stats::{Estimate, Verdict};
use crate::study::sweep::{CellResult, Goal, SweepResult};

/// The shortest endings of the keys that tell them apart: `batch`, `old.start`.
pub(super) fn short_keys(keys: &[String]) -> Vec<String> {
    let ending = |key: &str, parts: usize| {
        let all: Vec<&str> = key.split('.').collect();
        all[all.len().saturating_sub(parts)..].join(".")
    };
    let short = |key: &String| {
        let unique = |parts: &usize| {
            keys.iter().filter(|other| ending(other, *parts) == ending(key, *parts)).count() < 2
        };
        let parts = (1..6).find(unique).unwrap_or(6);
        ending(key, parts)
    };
    keys.iter().map(short).collect()
}

/// `batch 3, rate 800/s`.
pub(super) fn setting(result: &SweepResult, cell: &CellResult) -> String {
    let values = result.setting(cell).values.iter();
    let named = short_keys(&result.head.keys).into_iter().zip(values);
    named.map(|(key, value)| format!("{key} {value}")).collect::<Vec<_>>().join(", ")
}

/// The expression of a goal over the outcome's name, in words for axes: `p95 of duration`.
pub(super) fn axis_title(goal: &Goal) -> String {
    let name = goal.outcome.name().replace('_', " ");
    match goal.measure {
        Measure::Quantile(q) => format!("p{:.6} of {name}", q * 100.0).replace(".000000", ""),
        Measure::Probability => format!("share of runs: {name}"),
        Measure::Mean | Measure::InRuns(_) => format!("mean {name}"),
    }
}

/// An estimate in its unit, with its interval.
pub(super) fn with_interval(estimate: &Estimate, unit: Unit) -> String {
    let [value, low, high] =
        [estimate.value, estimate.low, estimate.high].map(|v| format::value(v, unit));
    if low == value && high == value { value } else { format!("{value} [{low}, {high}]") }
}

/// What is told of the gates in one cell of a table.
pub(super) fn gates(cell: &CellResult) -> String {
    let of = |verdict| cell.gates.iter().filter(move |gate| gate.verdict == verdict);
    let names = |verdict| {
        let names: Vec<&str> = of(verdict).map(|gate| gate.gate.outcome.name()).collect();
        names.join(", ")
    };
    match cell.verdict {
        None => String::new(),
        Some(Verdict::Pass) => "pass".to_owned(),
        Some(Verdict::Fail) => format!("FAIL {}", names(Verdict::Fail)),
        Some(Verdict::Undecided) => format!("undecided {}", names(Verdict::Undecided)),
    }
}

/// One sentence about the best setting.
pub(super) fn recommendation(result: &SweepResult) -> String {
    let Some(best) = result.best.map(|place| &result.cells[place]) else {
        let what = if result.gates.is_empty() {
            "No setting reaches the goal."
        } else {
            "No setting is sure to keep all gates."
        };
        return what.to_owned();
    };
    let goal = &result.goal;
    let value = best.goal.map_or_else(String::new, |e| with_interval(&e, goal.unit()));
    let kept = if result.gates.is_empty() { "" } else { " of those that keep all gates" };
    let what = if goal.text == "min p95(duration)" { "fastest" } else { "best" };
    let named = setting(result, best);
    let taken = format!("{named}: {what}{kept}, {} {value}.", goal.expression());
    let Some((second, paired)) = result.runner_up() else { return taken };
    let difference = paired.difference;
    let less = difference.value < 0.0;
    let (low, high) =
        if less { (-difference.high, -difference.low) } else { (difference.low, difference.high) };
    let [value, low, high] =
        [difference.value.abs(), low, high].map(|v| format::value(v, goal.unit()));
    format!(
        "{taken} Next: {}, {} on average by {value} [{low}, {high}] under the same luck.",
        setting(result, &result.cells[second]),
        if less { "less" } else { "more" },
    )
}

/// What a study's settings are, in one line.
pub(super) fn heading(result: &SweepResult) -> String {
    let head = &result.head;
    let deep = match head.requests_share {
        None if result.cells.iter().all(|cell| cell.runs_requests == 0) => ", capacity only",
        None => ", all with requests",
        Some(_) if result.cells.iter().all(|cell| cell.runs_requests == 0) => ", capacity only",
        Some(share) if share >= 1.0 => ", all with requests",
        Some(_) => ", a sample of them with requests",
    };
    let (settings, runs) = (head.cells.len(), format::count(u64::from(head.runs)));
    format!("{}: {settings} settings, {runs} runs each{deep}, seed {}", head.name, head.seed)
}

/// Outcomes that a table of settings shows, with the place of the quantile and its heading;
/// failures only where there are requests.
pub(super) fn columns(result: &SweepResult) -> Vec<(OutcomeKey, usize, &'static str)> {
    let all = [
        (OutcomeKey::Duration, 2, "duration"),
        (OutcomeKey::Duration, 4, "p95"),
        (OutcomeKey::ServingMin, 0, "lowest"),
        (OutcomeKey::FailedShare, 4, "failed"),
    ];
    let known = |key: OutcomeKey| result.cells.iter().any(|cell| cell.summary(key).is_some());
    all.into_iter().filter(|(key, ..)| !key.needs_traffic() || known(*key)).collect()
}

/// A value of the table.
pub(super) fn value(cell: &CellResult, key: OutcomeKey, quantile: usize) -> String {
    let summary = cell.summary(key);
    summary.map_or("-".to_owned(), |s| format::value(s.quantiles[quantile].value, key.unit()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::scenario::gate_text;
    use crate::stats::{self, QUANTILES};
    use crate::study::sweep::{CellHead, Head};

    fn estimate(value: f64, half: f64) -> Estimate {
        Estimate { value, low: value - half, high: value + half }
    }

    /// Batch sizes by rates; from batch 3 on the gate of the lowest fails.
    pub(crate) fn result(batches: u32, rates: u32) -> SweepResult {
        let gates = ["serving_min >= 9", "p95(duration) <= 20m"];
        let mut cells = Vec::new();
        let mut heads = Vec::new();
        for batch in 1..=batches {
            for rate in 1..=rates {
                let (duration, low) = (720.0 / f64::from(batch), 12.0 - f64::from(batch));
                let failed = 0.000_1 * f64::from(batch * batch * rate);
                let spread = |v: f64, h: f64| QUANTILES.map(|q| estimate(v * (0.5 + q / 1.9), h));
                let of = |key, value: f64, half: f64| stats::Summary {
                    key,
                    runs: 400,
                    mean: estimate(value, half),
                    quantiles: spread(value, half),
                    min: value * 0.5,
                    max: value * 1.1,
                };
                let flat = stats::Summary {
                    quantiles: QUANTILES.map(|_| estimate(low, 0.0)),
                    ..of(OutcomeKey::ServingMin, low, 0.0)
                };
                let judged = |text: &str| {
                    let gate = gate_text::parse(text).unwrap();
                    let value = if gate.outcome == OutcomeKey::Duration { duration } else { low };
                    stats::judge(&gate, 12, &vec![(value, 1.0); 400])
                };
                let gates: Vec<_> = gates.iter().map(|text| judged(text)).collect();
                let fails = gates.iter().any(|gate| gate.verdict == Verdict::Fail);
                let cell = heads.len() as u32;
                let values = [batch.to_string(), format!("{}/s", 200 * rate)];
                heads.push(CellHead {
                    values: values[..if rates > 1 { 2 } else { 1 }].to_vec(),
                    instances: 12,
                    problem: None,
                });
                cells.push(CellResult::made(
                    cell,
                    Some(if fails { Verdict::Fail } else { Verdict::Pass }),
                    gates,
                    vec![
                        of(OutcomeKey::Duration, duration, duration * 0.02),
                        flat,
                        of(OutcomeKey::FailedShare, failed, failed * 0.1),
                    ],
                    (estimate(duration, duration * 0.02), estimate(low, 0.0)),
                ));
            }
        }
        heads.push(CellHead {
            values: vec!["99".to_owned(); if rates > 1 { 2 } else { 1 }],
            instances: 12,
            problem: Some("E034: this rollout can never finish".to_owned()),
        });
        let keys = ["strategy.generic.batch".to_owned(), "traffic.rate".to_owned()];
        let head = Head {
            version: "0.1.0".to_owned(),
            study: "0123456789abcdef".to_owned(),
            name: "checkout".to_owned(),
            seed: 1,
            runs: 400,
            requests_share: Some(0.25),
            keys: keys[..if rates > 1 { 2 } else { 1 }].to_vec(),
            goal: "min p95(duration)".to_owned(),
            versus: "max p5(serving_min)".to_owned(),
            gates: gates.map(str::to_owned).to_vec(),
            cells: heads,
            scenario: "rollcast = 1\n".to_owned(),
        };
        SweepResult::of(head, cells)
    }

    #[test]
    fn keys_are_as_short_as_they_can_be() {
        let keys = ["versions.old.start", "versions.new.start", "strategy.generic.batch"];
        let short = short_keys(&keys.map(str::to_owned));
        assert_eq!(short, ["old.start", "new.start", "batch"]);
    }

    #[test]
    fn the_best_is_named_with_its_distance_to_the_next() {
        let text = recommendation(&result(4, 1));
        assert!(text.starts_with("batch 3: fastest of those that keep all gates"), "{text}");
        assert!(text.contains("Next: batch 2, more on average by"), "{text}");
    }
}
