//! The JSON Schema (draft-07) of a tuned setting, checked in as `docs/tune.schema.json`.

use serde_json::{Value, json};

use super::SCHEMA;
use crate::report::shape::{closed, nullable, said, said_or_null, texts};

/// The schema, indented by two blanks, with a line end at the end.
pub fn schema() -> String {
    let mut schema = closed(&json!({
        "schema": { "const": SCHEMA },
        "version": said("string", "Version of rollcast that wrote this."),
        "name": said("string", "The service."),
        "seed": said("integer", "Of all chance."),
        "goal": said("string", "As asked for."),
        "versus": said("string", "What is weighed against it."),
        "gates": texts("As written."),
        "keys": texts("What was varied, dotted."),
        "rule": { "enum": ["triangle", "race"] },
        "confidence": said("number", "With which the choice is right."),
        "within": said("number", "A difference that does not matter, in the goal's unit."),
        "batch": said("integer", "Runs of which an observation is made."),
        "requests": said("boolean", "Whether requests were simulated, in ten runs of a batch."),
        "runs": said("integer", "Of all settings together."),
        "certain": said("boolean", "Whether the guarantee was reached."),
        "best": said_or_null("integer", "Place of the choice among `settings`, from 0."),
        "settings": { "type": "array", "items": setting() },
        "cliffs": { "type": "array", "items": cliff() },
        "toml": said_or_null("string", "The keys of the choice, for a scenario."),
        "patch": nullable(&closed(&json!({
            "for": said("string", "What it is applied to."),
            "text": said("string", "The patch."),
        }))),
        "scenario": said_or_null("string", "The whole chosen scenario, as TOML."),
    }));
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    schema["title"] = json!("The best setting of a rollout");
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain data");
    text.push('\n');
    text
}

fn setting() -> Value {
    let places = ["best", "behind", "breaks", "close", "open", "void", "unplayed"];
    closed(&json!({
        "values": texts("One for each key."),
        "place": { "enum": places },
        "gate": said_or_null("string", "Which gate it breaks, or leaves open."),
        "behind": said_or_null("integer", "Which setting it is worse than."),
        "problem": said_or_null("string", "Why it was not played."),
        "goal": closed(&json!({
            "value": said_or_null("number", "Mean over batches."),
            "low": said_or_null("number", "Of an interval that holds whenever one stops."),
            "high": said_or_null("number", "Of the same."),
        })),
        "versus": said_or_null("number", "Mean over batches."),
        "runs": said("integer", "Replications."),
        "on_front": said("boolean", "Whether no other that keeps the gates is better in both."),
    }))
}

fn cliff() -> Value {
    closed(&json!({
        "what": said("string", "What was varied from the choice outward."),
        "holds": said_or_null("string", "The last value at which all gates pass."),
        "breaks": said_or_null("string", "The first at which one does not."),
        "gate": said_or_null("string", "That gate."),
        "verdict": { "enum": ["pass", "fail", "undecided", null] },
        "value": said_or_null("number", "What was held against its limit."),
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_published_schema_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/tune.schema.json");
        if std::env::var_os("ROLLCAST_UPDATE_SCHEMA").is_some() {
            std::fs::write(path, super::schema()).unwrap();
        }
        let published = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            published == super::schema(),
            "docs/tune.schema.json is stale: run \
             `ROLLCAST_UPDATE_SCHEMA=1 cargo test --lib report::tune` and commit it"
        );
    }
}
