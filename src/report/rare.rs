//! How likely something is that hardly ever happens: as a screen and as JSON.

use std::fmt::Write;

use serde_json::{Value, json};

use super::format;
use super::shape::{closed, said, said_or_null};
use crate::scenario::Gate;
use crate::study::rare::{Answer, Plan, TRUSTED, Tilted};

/// Name and number of the JSON format.
pub const SCHEMA: &str = "rollcast-rare/1";

/// All there is to tell.
#[derive(Debug)]
pub struct Found<'a> {
    /// The service's name.
    pub name: &'a str,
    /// What is rare.
    pub event: &'a Gate,
    /// How rare it is.
    pub answer: &'a Answer,
}

/// Whether enough runs carry the answer, and their weights are in balance.
pub fn trusted(answer: &Answer) -> bool {
    let (balance, twice) = (answer.balance, 2.0);
    let off = (balance.value - 1.0).abs();
    let balanced = off <= twice * (balance.high - balance.value) + 1e-9;
    answer.effective_hits >= TRUSTED && balanced
}

/// The screen.
pub fn text(found: &Found<'_>) -> String {
    let answer = found.answer;
    let p = answer.probability;
    let mut out = format!("{}: how likely is `{}` in a rollout?\n\n", found.name, found.event.text);
    let _ = writeln!(
        out,
        "  {}  [{}, {}]{}",
        small(p.value),
        small(p.low),
        small(p.high),
        if p.value > 0.0 {
            format!("   about once in {} rollouts", format::number(1.0 / p.value))
        } else {
            String::new()
        }
    );
    let _ = writeln!(
        out,
        "\n  {} runs, {} with the event; {} more in search of a tilt",
        format::count(answer.runs.into()),
        format::count(answer.hits.into()),
        format::count(answer.search_runs.into()),
    );
    if !answer.tilted.is_empty() {
        let _ = writeln!(out, "  played, and weighed back exactly:");
        answer.tilted.iter().for_each(|tilted| out.push_str(&line(tilted)));
        if answer.hits > 0 && answer.saved() > 2.0 {
            let _ = writeln!(
                out,
                "  plain runs would need {}, {} times as many, for the same interval",
                format::number(answer.plain_runs()),
                format::number(answer.saved())
            );
        }
    }
    if !answer.reached {
        out.push_str(
            "\n  Nothing about the luck of single instances leads there: plain runs only.\n",
        );
    } else if !trusted(answer) {
        out.push_str("\n  Too few runs carry the answer: do not trust it. --max-runs with more.\n");
    }
    out
}

fn line(tilted: &Tilted) -> String {
    if tilted.event {
        let (from, to) = (format::share(tilted.from), format::share(tilted.to));
        format!("    {} {to} instead of {from}\n", tilted.key)
    } else {
        let side = if tilted.key.ends_with("start") { "longer" } else { "sooner" };
        format!("    {} {side}, tail to the power of {:.2}\n", tilted.key, tilted.to)
    }
}

/// A probability that may be very small.
fn small(p: f64) -> String {
    if p >= 0.001 || p == 0.0 { format::share(p) } else { format!("{p:.2e}") }
}

/// The document, indented, with a line end at the end.
pub fn json(found: &Found<'_>, plan: &Plan) -> String {
    let answer = found.answer;
    let finite = |value: f64| value.is_finite().then_some(value);
    let tilted = |t: &Tilted| json!({ "key": t.key, "event": t.event, "from": t.from, "to": t.to });
    let value = json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "name": found.name,
        "event": found.event.text,
        "seed": plan.seed,
        "probability": answer.probability.value,
        "low": answer.probability.low,
        "high": answer.probability.high,
        "runs": answer.runs,
        "search_runs": answer.search_runs,
        "hits": answer.hits,
        "effective_hits": answer.effective_hits,
        "mean_weight": answer.balance.value,
        "plain_runs": finite(answer.plain_runs()),
        "tilted": answer.tilted.iter().map(tilted).collect::<Vec<_>>(),
        "reached": answer.reached,
        "trusted": trusted(answer),
    });
    let mut text = serde_json::to_string_pretty(&value).expect("plain data");
    text.push('\n');
    text
}

/// The JSON Schema (draft-07), checked in as `docs/rare.schema.json`.
pub fn schema() -> String {
    let mut schema = closed(&json!({
        "schema": { "const": SCHEMA },
        "version": said("string", "Version of rollcast that wrote this."),
        "name": said("string", "The service."),
        "event": said("string", "What is rare."),
        "seed": said("integer", "Of all chance."),
        "probability": said("number", "That it happens in a rollout."),
        "low": said("number", "Lower end of the 95 % interval."),
        "high": said("number", "Upper end."),
        "runs": said("integer", "Runs of the answer."),
        "search_runs": said("integer", "Runs that found out what to tilt."),
        "hits": said("integer", "Runs of the answer in which it happened."),
        "effective_hits": said("number", "Equally weighted runs that tell as much."),
        "mean_weight": said("number", "1 in truth, whatever is tilted."),
        "plain_runs": said_or_null("number", "Plain runs for an interval as narrow."),
        "tilted": { "type": "array", "items": tilted() },
        "reached": said("boolean", "Whether the search reached the event."),
        "trusted": said("boolean", "Whether enough runs carry the answer."),
    }));
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("The probability of a rare event in a rollout");
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain data");
    text.push('\n');
    text
}

fn tilted() -> Value {
    closed(&json!({
        "key": said("string", "Of the scenario."),
        "event": said("boolean", "Probabilities if so, else exponents of a tail."),
        "from": said("number", "As the scenario has it."),
        "to": said("number", "As it was played."),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::shape::holds;
    use crate::scenario::gate_text::parse;
    use crate::stats::Estimate;

    fn answer() -> Answer {
        Answer {
            probability: Estimate { value: 1.02e-6, low: 0.93e-6, high: 1.11e-6 },
            runs: 12_400,
            search_runs: 16_000,
            hits: 6_000,
            effective_hits: 900.0,
            balance: Estimate { value: 1.01, low: 0.97, high: 1.05 },
            tilted: vec![
                Tilted { key: "versions.new.crash".into(), event: true, from: 0.01, to: 0.4 },
                Tilted { key: "versions.new.start".into(), event: false, from: 1.0, to: 0.5 },
            ],
            reached: true,
        }
    }

    #[test]
    fn the_screen_and_the_document() {
        let event = parse("serving_min <= 0").unwrap();
        let answer = answer();
        let found = Found { name: "checkout", event: &event, answer: &answer };
        let text = text(&found);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("1.02e-6  [9.30e-7, 1.11e-6]   about once in 980,392"), "{text}");
        assert!(text.contains("versions.new.crash 40% instead of 1%"), "{text}");
        let plan = Plan { seed: 1, precision: 0.1, max_runs: 1, threads: 1 };
        let value: Value = serde_json::from_str(&json(&found, &plan)).unwrap();
        let schema: Value = serde_json::from_str(&schema()).unwrap();
        holds(&value, &schema, "rare");
    }

    #[test]
    fn few_runs_or_wrong_weights_are_not_trusted() {
        let few = Answer { effective_hits: 20.0, ..answer() };
        let unbalanced =
            Answer { balance: Estimate { value: 0.5, low: 0.4, high: 0.6 }, ..answer() };
        assert!(trusted(&answer()) && !trusted(&few) && !trusted(&unbalanced));
    }

    #[test]
    fn the_published_schema_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rare.schema.json");
        if std::env::var_os("ROLLCAST_UPDATE_SCHEMA").is_some() {
            std::fs::write(path, schema()).unwrap();
        }
        let published = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            published == schema(),
            "docs/rare.schema.json is stale: run \
             `ROLLCAST_UPDATE_SCHEMA=1 cargo test --lib report::rare` and commit it"
        );
    }
}
