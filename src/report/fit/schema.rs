//! The JSON Schema (draft-07) of fitted times, checked in as `docs/fit.schema.json`.

use serde_json::{Value, json};

use super::SCHEMA;
use crate::report::shape::{closed, nullable, said, said_or_null, texts};

/// The schema, indented by two blanks, with a line end at the end.
pub fn schema() -> String {
    let mut schema = closed(&json!({
        "schema": { "const": SCHEMA },
        "version": said("string", "Version of rollcast that wrote this."),
        "files": texts("Everything that was read."),
        "recorder": said_or_null("string", "kubectl or docker; null: only access logs."),
        "workload": said_or_null("string", "namespace/name, or the service's name."),
        "from": said_or_null("string", "The first creation."),
        "to": said_or_null("string", "Nothing is known beyond this."),
        "instances": said("integer", "Ready at the end, of the newest version."),
        "hosts": said("integer", "Hosts that instances were seen on."),
        "pre_stop_s": said_or_null("number", "preStop sleep of all; null if they differ."),
        "resolution_s": said("number", "Of the clock; 0: it shows fractions."),
        "confidence": said("number", "Of the intervals."),
        "versions": { "type": "array", "items": version() },
        "rows": { "type": "array", "items": row() },
        "service_time": nullable(&service()),
        "settings": { "type": "array", "items": setting() },
    }));
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("Start, stop and service times as measured");
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain data");
    text.push('\n');
    text
}

fn version() -> Value {
    closed(&json!({
        "hash": said("string", "The hash of its template, or its image."),
        "image": { "type": "string" },
        "revision": said_or_null("integer", "Of its ReplicaSet, if that is known."),
        "pods": said("integer", "How many instances of it were seen."),
    }))
}

fn row() -> Value {
    closed(&json!({
        "quantity": { "enum": ["start", "schedule", "pull", "launch", "boot", "exit"] },
        "version": said_or_null("string", "Null: all versions together."),
        "ended": said("integer", "How many ended."),
        "censored": said("integer", "How many had not when they were last seen."),
        "answer": answer(),
        "toml": said_or_null("string", "As a scenario says it."),
    }))
}

fn service() -> Value {
    closed(&json!({
        "files": texts("The access logs."),
        "field": said("string", "The field that holds the time of the response."),
        "requests": said("integer", "Answered requests with a time."),
        "failed": said("integer", "Left out: 499 and from 500 on."),
        "without": said("integer", "Lines without a time."),
        "taken": said("integer", "Of so many of them a law was sought."),
        "resolution_s": { "type": "number" },
        "answer": answer(),
        "toml": { "type": ["string", "null"] },
    }))
}

fn setting() -> Value {
    closed(&json!({
        "key": said("string", "The key of the scenario."),
        "toml": said_or_null("string", "Its value; null: nothing can be said."),
        "note": { "type": ["string", "null"] },
    }))
}

fn answer() -> Value {
    let interval = closed(&json!({
        "value": { "type": ["number", "null"] },
        "low": said_or_null("number", "Null: not bounded."),
        "high": said_or_null("number", "Null: not bounded."),
    }));
    let law = closed(&json!({
        "family": { "enum": ["exponential", "lognormal", "gamma", "weibull"] },
        "parameters": { "type": "object", "additionalProperties": interval },
        "mean_s": nullable(&interval),
        "p50_s": nullable(&interval),
        "p95_s": nullable(&interval),
        "aic": said("number", "Akaike's criterion."),
        "ks_distance": said("number", "Kolmogorov and Smirnov's distance."),
        "p_value": said("number", "By parametric bootstrap, fitted anew each time."),
        "resamples": { "type": "integer" },
    }));
    let point = json!({ "type": "array", "items": { "type": "number" } });
    closed(&json!({
        "kind": { "enum": ["law", "quantiles", "fixed", "nothing"] },
        "law": nullable(&law),
        "quantiles_s": {
            "description": "Pairs of probability and seconds, where each law was refused.",
            "type": ["array", "null"],
            "items": point,
        },
        "fixed_s": said_or_null("number", "The values do not differ."),
        "why": said_or_null("string", "Why nothing can be said."),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::json;
    use super::schema;
    use crate::report::shape::holds;
    use crate::study::fit::{Options, fit};

    const PODS: &str = include_str!("../../../tests/data/kubectl/checkout-watch.json");

    #[test]
    fn the_published_schema_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/fit.schema.json");
        if std::env::var_os("ROLLCAST_UPDATE_SCHEMA").is_some() {
            std::fs::write(path, schema()).unwrap();
        }
        let published = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            published == schema(),
            "docs/fit.schema.json is stale: run \
             `ROLLCAST_UPDATE_SCHEMA=1 cargo test --lib report::fit` and commit it"
        );
    }

    #[test]
    fn what_is_written_keeps_to_the_schema() {
        let log: String = (1..40)
            .map(|i| format!("{{\"status\": 200, \"request_time\": 0.{:03}}}", i * i % 97 + 1))
            .collect::<Vec<_>>()
            .join("\n");
        let options = Options { resamples: 19, seed: 1, ..Options::default() };
        let files = [("pods".to_owned(), PODS.to_owned()), ("log".to_owned(), log)];
        for files in [&files[..], &files[..1], &files[1..]] {
            let written = json(&fit(files, &options).unwrap());
            let value: Value = serde_json::from_str(&written).unwrap();
            assert_eq!(value["schema"], "rollcast-fit/1");
            holds(&value, &serde_json::from_str(&schema()).unwrap(), "");
        }
    }
}
