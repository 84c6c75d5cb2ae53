//! The JSON Schema (draft-07) of the answer of a sweep, checked in as `docs/sweep.schema.json`.

use serde_json::{Value, json};

use super::json::{SCHEMA, names};
use crate::report::shape::{closed, nullable, said, said_or_null, texts};

/// The schema, indented by two blanks, with a line end at the end.
pub fn schema() -> String {
    format!("{:#}\n", value())
}

fn value() -> Value {
    let mut whole = closed(&json!({
        "schema": { "const": SCHEMA },
        "version": said("string", "Version of rollcast that played the study."),
        "study": said("string", "Fingerprint of everything that decides the numbers."),
        "name": said("string", "The service."),
        "seed": said("integer", "Seed of all random streams; the same for every setting."),
        "runs": said("integer", "Replications of each setting."),
        "requests_share":
            said_or_null("number", "Share of the runs simulated with requests; null: all."),
        "keys": texts("What is varied."),
        "goal": said("string", "What the best setting is."),
        "versus": said("string", "What is weighed against it."),
        "gates": texts("Gates, as written."),
        "verdict":
            verdict("Over settings: pass if some setting passes, else undecided if one may."),
        "whole": said("boolean", "Every setting that can be played is finished."),
        "taken": said_or_null("integer", "The best setting that keeps all gates."),
        "runner_up": nullable(&closed(&json!({
            "setting": said("integer", "The next best."),
            "difference": interval("Its goal's outcome minus that of the best, run by run."),
            "correlation": said_or_null("number", "Of the two, over runs."),
            "runs": said("integer", "Pairs of runs."),
        }))),
        "settings": list(&closed(&json!({
            "setting": said("integer", "Its number, from 0."),
            "values": texts("A value for each of the keys."),
            "instances": said("integer", "Instances desired."),
            "problem": said_or_null("string", "Why it is not played."),
            "result": nullable(&found()),
        }))),
        "scenario": said("string", "The scenario that is varied, as TOML with every default."),
    }));
    whole["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    whole["title"] = json!("Many settings of a rollout");
    whole
}

fn found() -> Value {
    let spread = closed(&json!({
        "runs": said("integer", "In how many runs it applied."),
        "mean": interval("Mean; the probability of an event."),
        "p5": said_or_null("number", "5 % quantile over runs."),
        "p50": said_or_null("number", "Median over runs."),
        "p95": said_or_null("number", "95 % quantile over runs."),
    }));
    let names = names();
    let values: serde_json::Map<String, Value> =
        names.into_iter().map(|name| (name, spread.clone())).collect();
    closed(&json!({
        "runs": said("integer", "Replications."),
        "runs_requests": said("integer", "How many of them with requests."),
        "verdict": verdict("The worst of its gates; null without gates."),
        "pareto": said("boolean", "No other setting is better in goal and versus."),
        "goal": nullable(&interval("The goal's number.")),
        "versus": nullable(&interval("The number weighed against it.")),
        "gates": list(&gate()),
        "outcomes": { "type": "object", "additionalProperties": interval("Share of runs.") },
        "values": { "type": "object", "properties": values, "additionalProperties": false },
    }))
}

fn gate() -> Value {
    let number = json!({ "type": ["number", "null"] });
    let ends = json!({ "type": "array", "items": number, "minItems": 2, "maxItems": 2 });
    closed(&json!({
        "expr": said("string", "As written."),
        "outcome": said("string", "The outcome that it is about, with its unit."),
        "verdict": verdict("Whether it holds."),
        "value": said_or_null("number", "What is held against the limit."),
        "ci95": ends,
        "limit": said("number", "The limit in the outcome's unit."),
        "share": said_or_null("number", "Share of runs on the good side."),
        "share_ci95": nullable(&ends),
        "runs": said("integer", "Runs that this rests on."),
        "note": said_or_null("string", "What would decide it."),
        "line": said_or_null("integer", "Line in the scenario."),
    }))
}

fn verdict(what: &str) -> Value {
    json!({ "enum": ["pass", "fail", "undecided", null], "description": what })
}

fn interval(what: &str) -> Value {
    let number = json!({ "type": ["number", "null"] });
    let mut interval = closed(&json!({
        "value": number,
        "ci95": { "type": "array", "items": number, "minItems": 2, "maxItems": 2 },
    }));
    interval["description"] = json!(what);
    interval
}

fn list(items: &Value) -> Value {
    json!({ "type": "array", "items": items })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::schema;
    use crate::report::shape::holds;
    use crate::report::sweep::render_json;
    use crate::report::sweep::tests::result;

    #[test]
    fn answers_are_as_the_schema_says() {
        let schema: Value = serde_json::from_str(&schema()).unwrap();
        for result in [result(3, 1), result(2, 2)] {
            holds(&serde_json::from_str(&render_json(&result)).unwrap(), &schema, "");
        }
    }

    #[test]
    fn the_published_schema_is_fresh() {
        let kept = include_str!("../../../docs/sweep.schema.json");
        assert!(kept == schema(), "rollcast schema sweep > docs/sweep.schema.json");
    }
}
