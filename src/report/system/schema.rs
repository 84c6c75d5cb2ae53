//! The JSON Schema (draft-07) of the answer for a system, checked in as
//! `docs/system.schema.json`.

use serde_json::{Value, json};

use super::SCHEMA;

/// The schema, indented by two blanks, with a line end at the end.
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(&value()).expect("a schema is plain data");
    text.push('\n');
    text
}

fn value() -> Value {
    let mut whole = closed(&json!({
        "schema": { "const": SCHEMA },
        "version": said("string", "Version of rollcast that wrote this."),
        "runs": said("integer", "How often the system was played."),
        "seed": said("integer", "Seed of all random streams."),
        "compatible": said("boolean", "Mixed versions fail no more than is tolerated."),
        "tolerate": said("number", "Share of requests that may fail for mixed versions."),
        "completed": closed(&json!({
            "value": said("number", "Share of runs in which all rollouts complete."),
            "low": said("number", "Its 95 % interval."),
            "high": said("number", "Its 95 % interval."),
        })),
        "duration_s": spread("Begin of the first rollout to the end of the last, in seconds."),
        "services": list(&closed(&json!({
            "name": { "type": "string" },
            "needs": names("Whose rollouts come first."),
            "begins_s": spread("When its rollout begins."),
            "duration_s": spread("How long its rollout takes."),
            "complete_s": spread("When its rollout is complete."),
            "old_serves_on_s": spread("For how long the old version serves after that."),
            "load": spread("Highest traffic over what its serving instances can answer."),
            "runs_stopped": said("integer", "Runs in which this rollout did not complete."),
            "new_share": numbers("Share of new instances at the times of t_s, mean over runs."),
        }))),
        "pairs": list(&closed(&json!({
            "caller": { "type": "string" },
            "callee": { "type": "string" },
            "failing_s": spread("Seconds in which some calls failed for their versions."),
            "peak": spread("Highest share of these calls that failed so."),
            "lost_s": said("number", "Integral of that share, mean over runs."),
        }))),
        "entries": list(&closed(&json!({
            "service": said("string", "A service that none of the system calls."),
            "peak": spread("Highest share of its requests that failed for mixed versions."),
            "lost_s": spread("Integral of that share."),
            "error_share": numbers("That share at the times of t_s, mean over runs."),
        }))),
        "t_s": numbers("Seconds since the first rollout began."),
        "orders": closed(&json!({
            "count": { "type": ["integer", "null"],
                "description": "Compatible orders of one rollout after the other." },
            "compatible": list(&names("An order; at most 24 are listed.")),
            "constraints": list(&constraint()),
            "broken": list(&constraint()),
            "conflict": list(&constraint()),
            "steps": names("The way out if no order is compatible."),
            "one_by_one_s": spread("Duration of one rollout after the other."),
            "pace": { "anyOf": [{ "type": "null" }, list(&closed(&json!({
                "service": { "type": "string" },
                "after": names("Whom it waits for at the fastest compatible pace."),
            })))] },
            "at_pace_s": spread("Duration at that pace."),
        })),
    }));
    whole["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    whole["title"] = json!("Several services rolled out in order");
    whole
}

fn constraint() -> Value {
    closed(&json!({
        "first": said("string", "This rollout must be complete"),
        "then": said("string", "before this one begins,"),
        "because": said("string", "because of this."),
    }))
}

fn closed(properties: &Value) -> Value {
    let names: Vec<&String> = properties.as_object().into_iter().flat_map(|o| o.keys()).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": names,
        "additionalProperties": false,
    })
}

fn said(kind: &str, what: &str) -> Value {
    json!({ "type": kind, "description": what })
}

fn list(items: &Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn names(what: &str) -> Value {
    json!({ "type": "array", "items": { "type": "string" }, "description": what })
}

fn numbers(what: &str) -> Value {
    json!({ "type": "array", "items": { "type": "number" }, "description": what })
}

fn spread(what: &str) -> Value {
    let number = json!({ "type": "number" });
    let spread = closed(&json!({ "p5": number, "p50": number, "p95": number }));
    json!({ "anyOf": [spread, { "type": "null" }], "description": what })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{schema, value};
    use crate::report::system::render;
    use crate::scenario::system::load;
    use crate::study::system::simulate;
    use crate::study::{Options, Runs};

    /// That a value is what a schema of ours says: kinds, required and closed keys.
    fn holds(value: &Value, schema: &Value, at: &str) {
        if let Some(any) = schema["anyOf"].as_array() {
            let null = any.iter().any(|s| s["type"] == "null");
            if value.is_null() {
                assert!(null, "{at} is null");
            } else {
                let other = any.iter().find(|s| s["type"] != "null").unwrap();
                holds(value, other, at);
            }
            return;
        }
        if let Some(items) = value.as_array() {
            assert_eq!(schema["type"], "array", "{at}");
            for item in items {
                holds(item, &schema["items"], at);
            }
        } else if let Some(object) = value.as_object() {
            for name in schema["required"].as_array().into_iter().flatten() {
                assert!(object.contains_key(name.as_str().unwrap()), "{at} lacks {name}");
            }
            for (name, inner) in object {
                let known = &schema["properties"][name];
                assert!(known.is_object(), "{at}: {name} is not in the schema");
                holds(inner, known, &format!("{at}.{name}"));
            }
        } else if schema.get("const").is_none() {
            let kind = match value {
                Value::String(_) => "string",
                Value::Bool(_) => "boolean",
                Value::Null => "null",
                Value::Number(number) if number.is_u64() => "integer",
                _ => "number",
            };
            let says = schema["type"].to_string();
            assert!(says.contains(kind) || (kind == "integer" && says.contains("number")), "{at}");
        }
    }

    #[test]
    fn what_is_written_keeps_to_the_schema() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/system");
        for name in ["shop.toml", "no-order.toml"] {
            let text = std::fs::read_to_string(folder.join(name)).unwrap();
            let system = load(&text, name, &folder).unwrap();
            let options = Options { seed: 1, runs: Runs::Fixed(3), max_runs: 3, threads: 1 };
            let written: Value =
                serde_json::from_str(&render(&simulate(&system, &options))).unwrap();
            holds(&written, &value(), "");
        }
    }

    #[test]
    fn the_schema_in_the_repository_is_not_stale() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/system.schema.json");
        let there = std::fs::read_to_string(path).unwrap_or_default();
        let hint = "docs/system.schema.json is stale: run rollcast schema system > that file";
        assert!(there == schema(), "{hint}");
    }
}
