//! The JSON Schema (draft-07) of operating characteristics, checked in as
//! `docs/judge.schema.json`.

use serde_json::{Value, json};

use super::SCHEMA;
use crate::report::shape::{closed, nullable, said};

/// The schema, indented, with a line end at the end.
pub fn schema() -> String {
    let mut schema = closed(&json!({
        "schema": { "const": SCHEMA },
        "version": said("string", "Version of rollcast that wrote this."),
        "service": { "type": "string" },
        "instances": { "type": "integer" },
        "bad": said("string", "What is bad about the bad release."),
        "runs": said("integer", "Rollouts of good and of bad releases, for each judge."),
        "power_runs": said("integer", "Rollouts at each size of effect."),
        "seed": { "type": "integer" },
        "own": said("boolean", "Whether these are the scenario's own judges."),
        "judges": { "type": "array", "items": judge() },
    }));
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("What judges do on one rollout");
    format!("{schema:#}\n")
}

fn judge() -> Value {
    let detection = closed(&json!({
        "p50_s": said("number", "Median, from the beginning of the rollout."),
        "p95_s": { "type": "number" },
    }));
    let precision = closed(&json!({
        "bad_releases": said("number", "Share of releases that are bad."),
        "precision": nullable(&interval("Share of the stopped releases that are bad.")),
    }));
    closed(&json!({
        "name": { "type": "string" },
        "kind": { "type": "string" },
        "metric": { "type": "string" },
        "false_stops": interval("Share of good releases stopped."),
        "missed": interval("Share of bad releases not stopped."),
        "detection": nullable(&detection),
        "exposure": interval("Requests that a bad release answered, mean."),
        "precision": { "type": "array", "items": precision },
        "power_errors": power("By additional errors."),
        "power_latency": power("By slow-down."),
    }))
}

fn power(what: &str) -> Value {
    let item = closed(&json!({
        "effect": { "type": "number" },
        "stopped": interval("Share of releases stopped."),
    }));
    json!({ "type": "array", "items": item, "description": what })
}

fn interval(what: &str) -> Value {
    let mut interval = closed(&json!({
        "value": { "type": "number" },
        "low": said("number", "Lower end of the 95 % interval."),
        "high": { "type": "number" },
    }));
    interval["description"] = json!(what);
    interval
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::{example, json};
    use super::schema;
    use crate::report::shape::holds;

    #[test]
    fn the_published_schema_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/judge.schema.json");
        if std::env::var_os("ROLLCAST_UPDATE_SCHEMA").is_some() {
            std::fs::write(path, schema()).unwrap();
        }
        let published = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            published == schema(),
            "docs/judge.schema.json is stale: run \
             `ROLLCAST_UPDATE_SCHEMA=1 cargo test --lib report::judge` and commit it"
        );
    }

    #[test]
    fn what_is_written_keeps_to_the_schema() {
        let value: Value = serde_json::from_str(&json(&example())).unwrap();
        assert_eq!(value["schema"], "rollcast-judge/1");
        holds(&value, &serde_json::from_str(&schema()).unwrap(), "");
    }
}
