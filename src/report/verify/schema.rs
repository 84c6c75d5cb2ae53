//! The JSON Schema (draft-07) of a verification, checked in as `docs/verify.schema.json`.

use serde_json::{Value, json};

use super::json::SCHEMA;
use crate::report::shape::{closed, nullable, pair, said, said_or_null, spread, texts};

/// The schema, indented by two blanks, with a line end at the end.
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(&value()).expect("a schema is plain data");
    text.push('\n');
    text
}

fn value() -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Recorded rollouts held against the simulator",
        "type": "object",
        "properties": {
            "schema": { "const": SCHEMA },
            "version": said("string", "Version of rollcast that wrote this."),
            "inputs": { "enum": ["observed", "spec"] },
            "runs": said("integer", "How often each recording was played."),
            "seed": said("integer", "Seed of all random streams."),
            "traces": { "type": "array", "items": trace() },
            "unusable": {
                "type": "array",
                "items": closed(&json!({
                    "file": { "type": "string" },
                    "why": { "type": "string" },
                })),
            },
            "total": total(),
            "against": nullable(&closed(&json!({
                "groups": {
                    "description": "all; by min_ready; by class and that.",
                    "type": "object",
                    "additionalProperties": closed(&json!({
                        "predicted": nullable(&spread("|predicted - recorded| / recorded")),
                        "repeated": nullable(&spread("|second recording - recorded| / recorded")),
                    })),
                },
            }))),
        },
        "required": [
            "schema", "version", "inputs", "runs", "seed", "traces", "unusable", "total", "against",
        ],
        "additionalProperties": false,
    })
}

fn trace() -> Value {
    closed(&json!({
        "file": said("string", "As named by the user, or its place in the folder named."),
        "id": said("string", "The name the record gives itself."),
        "group": said("string", "Recordings that are looked at apart."),
        "kind": said("string", "Deployment, StatefulSet, DaemonSet, swarm or rollcast."),
        "class": said("string", "What it was recorded for."),
        "final_ok": said("boolean", "Both what was said and what was are predicted."),
        "said": texts("What the orchestrator said: recorded, predicted."),
        "is": texts("What was: recorded, predicted."),
        "duration_s": pair("Until the end that the record names; predicted: the median."),
        "band_s": {
            "description": "Middle 90 % of the predicted durations.",
            "type": ["array", "null"],
            "items": { "type": "number" },
        },
        "instances_max": pair("Most instances at once; predicted: the most frequent."),
        "available_min": pair("Fewest available as reported; predicted: the most frequent."),
        "misses": texts("Of each of the two that is not predicted: how the runs were spread."),
        "instances_max_runs": runs("Share of runs by most instances at once."),
        "available_min_runs": runs("Share of runs by fewest available."),
        "steps_equal": said_or_null("boolean", "Null: the record has no determinate order."),
        "first_difference": said_or_null("string", "Where the orders of steps first differ."),
        "noise": said_or_null("string", "The record's own mark of noise."),
        "fates": {
            "description": "Share of runs by fate, most frequent first.",
            "type": "array",
            "items": { "type": "array" },
        },
    }))
}

fn total() -> Value {
    let counts = json!({
        "traces": { "type": "integer" },
        "final_ok": { "type": "integer" },
        "instances_max_equal": { "type": "integer" },
        "available_min_equal": { "type": "integer" },
        "steps": said("integer", "Recordings with a determinate order of steps."),
        "steps_equal": { "type": "integer" },
        "duration_error": nullable(&spread("|predicted - recorded| / recorded duration")),
    });
    let mut all = counts.clone();
    all["duration_error_s"] = nullable(&spread("The same in seconds"));
    all["band"] = nullable(&closed(&json!({
        "n": said("integer", "Recordings with a band and a duration."),
        "holds": said("integer", "Bands that hold the recorded duration."),
        "mean_width": said("number", "Mean width / recorded duration."),
    })));
    all["classes"] = json!({ "type": "object", "additionalProperties": closed(&counts) });
    closed(&all)
}

fn runs(what: &str) -> Value {
    let what = format!("{what} Count, share; most frequent first.");
    json!({
        "description": what,
        "type": "array",
        "items": { "type": "array", "items": { "type": "number" } },
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;

    use super::super::json::render;
    use super::schema;
    use crate::report::shape::holds;
    use crate::study::verify::{Inputs, Options, verify};

    #[test]
    fn the_published_schema_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/verify.schema.json");
        if std::env::var_os("ROLLCAST_UPDATE_SCHEMA").is_some() {
            std::fs::write(path, schema()).unwrap();
        }
        let published = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            published == schema(),
            "docs/verify.schema.json is stale: run \
             `ROLLCAST_UPDATE_SCHEMA=1 cargo test --lib report::verify` and commit it"
        );
    }

    #[test]
    fn what_is_written_keeps_to_the_schema() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/traces");
        let options = Options { inputs: Inputs::Observed, runs: 3, seed: 1, threads: 1 };
        let paths = [folder.clone(), folder.join("nothing.json")];
        for against in [None, Some(folder.as_path())] {
            let written = render(&verify(&paths, against, options));
            let value: Value = serde_json::from_str(&written).unwrap();
            assert_eq!(value["schema"], "rollcast-verify/1");
            holds(&value, &serde_json::from_str(&schema()).unwrap(), "");
        }
    }
}
