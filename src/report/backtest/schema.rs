//! The JSON Schema (draft-07) of a backtest, checked in as `docs/backtest.schema.json`.

use serde_json::{Value, json};

use super::SCHEMA;
use crate::report::shape::{closed, said, texts};

/// The schema, indented by two blanks, with a line end at the end.
pub fn schema() -> String {
    let mut schema = closed(&json!({
        "schema": { "const": SCHEMA },
        "version": said("string", "Version of rollcast that wrote this."),
        "confidence": said("number", "Of the intervals."),
        "rollouts": { "type": "array", "items": rollout() },
        "left_out": texts("Rollouts that could not be used, and why."),
        "duration_s": score("Of the durations, in seconds."),
        "available_min": score("Of the fewest available at once."),
        "holds": said("boolean", "By CRPS no worse than `as last time` on durations."),
    }));
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("Past rollouts, each forecast from those before it");
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain data");
    text.push('\n');
    text
}

fn rollout() -> Value {
    closed(&json!({
        "name": said("string", "The revision, the version or the recording."),
        "instances": { "type": "integer" },
        "starts": said("integer", "Start times that the forecast was made from."),
        "duration": forecast("Seconds from the first change of an instance until as many new ones \
                              are ready and the last old one is told to stop."),
        "available_min": forecast("Fewest ready at once in that time."),
    }))
}

fn forecast(what: &str) -> Value {
    let mut forecast = closed(&json!({
        "low": said("number", "Lower end of the interval."),
        "median": { "type": "number" },
        "high": said("number", "Upper end of the interval."),
        "happened": { "type": "number" },
        "last_time": said("number", "What happened the time before: the plain guess."),
        "covered": said("boolean", "What happened lies within the interval."),
        "interval_score": said("number", "Smaller is better."),
        "guess_interval_score": { "type": "number" },
        "crps": said("number", "Continuous ranked probability score; smaller is better."),
        "guess_crps": { "type": "number" },
    }));
    forecast["description"] = json!(what);
    forecast
}

fn score(what: &str) -> Value {
    let mut score = closed(&json!({
        "coverage": said("number", "Share within the interval."),
        "interval_score": { "type": "number" },
        "guess_interval_score": { "type": "number" },
        "crps": { "type": "number" },
        "guess_crps": { "type": "number" },
    }));
    score["description"] = json!(what);
    score
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::json;
    use super::schema;
    use crate::report::shape::holds;
    use crate::study::backtest::{Input, Options, backtest};

    const PODS: &str = include_str!("../../../tests/data/kubectl/checkout-watch.json");

    #[test]
    fn the_published_schema_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/backtest.schema.json");
        if std::env::var_os("ROLLCAST_UPDATE_SCHEMA").is_some() {
            std::fs::write(path, schema()).unwrap();
        }
        let published = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            published == schema(),
            "docs/backtest.schema.json is stale: run \
             `ROLLCAST_UPDATE_SCHEMA=1 cargo test --lib report::backtest` and commit it"
        );
    }

    #[test]
    fn what_is_written_keeps_to_the_schema() {
        let input = [Input::Text("pods".to_owned(), PODS.to_owned())];
        let options = Options { workload: None, runs: 20, seed: 1, threads: 1 };
        let written = json(&backtest(&input, None, &options).unwrap());
        let value: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(value["schema"], "rollcast-backtest/1");
        holds(&value, &serde_json::from_str(&schema()).unwrap(), "");
    }
}
