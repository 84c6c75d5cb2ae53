//! The JSON Schema (draft-07) of a result, checked in as `docs/result.schema.json`.

use serde_json::{Map, Value, json};

use super::{NOT_MODELLED, SCHEMA, column, latency};
use crate::outcome::Fate;
use crate::report::stories;
use crate::scenario::OutcomeKey;
use crate::trace::Ending;

/// The schema, indented by two blanks, with a line end at the end.
pub fn schema() -> String {
    let mut text = serde_json::to_string_pretty(&value()).expect("a schema is plain data");
    text.push('\n');
    text
}

fn value() -> Value {
    let properties = json!({
        "schema": { "const": SCHEMA },
        "version": described("string", "Version of rollcast that wrote this."),
        "seed": described("integer", "Seed of all random streams."),
        "runs": described("integer", "Replications of the control plane."),
        "runs_requests": described("integer", "Of these, with requests; 0 without traffic."),
        "scenario_fnv64": {
            "type": "string",
            "pattern": "^[0-9a-f]{16}$",
            "description": "FNV-1a of the resolved scenario's compact JSON.",
        },
        "verdict": {
            "enum": ["pass", "fail", "undecided", null],
            "description": "Over all gates: the worst; null without gates.",
        },
        "gates": { "type": "array", "items": gate() },
        "duration_s": nullable(&object(&["p5", "p50", "p95", "p99", "max"], &number())),
        "serving": serving(),
        "outcomes": {
            "type": "object",
            "description": format!(
                "Share of runs by what is at the end: {}.",
                Fate::ALL.map(name_of).join(", ")
            ),
            "additionalProperties": reference("interval"),
        },
        "says": {
            "type": "object",
            "description": "Number of runs by what the orchestrator says at the end.",
            "additionalProperties": { "type": "integer" },
        },
        "is": is(),
        "values": values(),
        "time_shares": {
            "type": "object",
            "description": "Where the time of the median run goes, as shares of its duration.",
            "additionalProperties": number(),
        },
        "stories": { "type": "array", "items": stories::schema() },
        "latency": latency::schema(),
        "load": nullable(&load()),
        "assumed": { "type": "array", "items": assumed() },
        "by_release": by_release(),
        "scenario": {
            "type": "object",
            "description": "The resolved scenario; durations in it are whole nanoseconds.",
        },
    });
    let required: Vec<&String> = match &properties {
        // Only where a release may be good or bad.
        Value::Object(map) => map.keys().filter(|key| *key != "by_release").collect(),
        _ => Vec::new(),
    };
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Result of rollcast sim",
        "description": "Names ending in _s are seconds, shares are 0..1, nothing is rounded. \
                        Fields are only ever added within a schema number.",
        "type": "object",
        "required": required,
        "properties": properties,
        "definitions": {
            "interval": interval(),
            "outcome": outcome(),
        },
    })
}

/// The name of a fate in files.
fn name_of(fate: Fate) -> String {
    match serde_json::to_value(fate) {
        Ok(Value::String(name)) => name,
        _ => fate.name().to_owned(),
    }
}

pub(super) fn described(kind: &str, text: &str) -> Value {
    json!({ "type": kind, "description": text })
}

pub(super) fn number() -> Value {
    json!({ "type": "number" })
}

fn numbers(text: &str) -> Value {
    json!({ "type": "array", "items": number(), "description": text })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{name}") })
}

pub(super) fn nullable(schema: &Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

/// An object in which all of `names` are required and look alike.
pub(super) fn object(names: &[&str], each: &Value) -> Value {
    let properties: Map<String, Value> =
        names.iter().map(|n| ((*n).to_owned(), each.clone())).collect();
    json!({ "type": "object", "required": names, "properties": properties })
}

fn interval() -> Value {
    json!({
        "type": "object",
        "description": "A value with its 95 % confidence interval.",
        "required": ["value", "ci95"],
        "properties": { "value": number(), "ci95": ci95() },
    })
}

fn ci95() -> Value {
    json!({ "type": "array", "items": number(), "minItems": 2, "maxItems": 2 })
}

fn outcome() -> Value {
    let names = ["mean", "p5", "p25", "p50", "p90", "p95", "p99"];
    let mut schema = object(&names, &reference("interval"));
    schema["required"] = json!(["runs", "min", "max"].iter().chain(&names).collect::<Vec<_>>());
    schema["properties"]["runs"] = described("integer", "Runs in which it applied.");
    schema["properties"]["min"] = number();
    schema["properties"]["max"] = number();
    schema
}

fn gate() -> Value {
    json!({
        "type": "object",
        "required": ["expr", "outcome", "verdict", "value", "ci95", "limit", "share", "share_ci95",
                     "runs", "note", "line"],
        "properties": {
            "expr": described("string", "As written."),
            "outcome": described("string", "A name in values."),
            "verdict": { "enum": ["pass", "fail", "undecided"] },
            "value": described("number", "What is held against the limit."),
            "ci95": ci95(),
            "limit": described("number", "In the outcome's unit, shares of instances resolved."),
            "share": { "type": ["number", "null"], "description": "Of runs, on the good side." },
            "share_ci95": nullable(&ci95()),
            "runs": described("integer", "Runs that this rests on."),
            "note": { "type": ["string", "null"], "description": "Why it is undecided or fails." },
            "line": { "type": ["integer", "null"], "description": "Line in the scenario file." },
        },
    })
}

fn serving() -> Value {
    json!({
        "type": "object",
        "description": "Serving instances over time, instant by instant over runs.",
        "required": ["min", "t_s", "p5", "p50", "p95", "lowest"],
        "properties": {
            "min": { "type": ["number", "null"], "description": "Lowest of any run." },
            "t_s": numbers("Since the rollout began; may begin below zero."),
            "p5": numbers("5 % quantile."),
            "p50": numbers("Median."),
            "p95": numbers("95 % quantile."),
            "lowest": numbers("Lowest over runs."),
        },
    })
}

fn values() -> Value {
    let mut properties = Map::new();
    for key in OutcomeKey::ALL {
        let mut one = nullable(&reference("outcome"));
        one["description"] = json!(key.describe());
        properties.insert(column(*key), one);
    }
    let mut names: Vec<String> = OutcomeKey::ALL.iter().map(|k| column(*k)).collect();
    for (name, about) in NOT_MODELLED {
        properties.insert(name.into(), described("null", &format!("{about} Not modelled yet.")));
        names.push(name.into());
    }
    json!({
        "type": "object",
        "description": "Every outcome over runs; null where it applied in none. Events are 0 or 1.",
        "required": names,
        "properties": properties,
    })
}

fn by_release() -> Value {
    let part = json!({
        "type": "object",
        "required": ["runs", "runs_requests", "outcomes", "values"],
        "properties": {
            "runs": described("integer", "Replications of the control plane."),
            "runs_requests": described("integer", "Of these, with requests."),
            "outcomes": { "type": "object", "additionalProperties": reference("interval") },
            "values": values(),
        },
    });
    json!({
        "type": "object",
        "description": "Good and bad releases apart, if the scenario has [release]; values and \
                        outcomes above are those of both, mixed by prior_bad.",
        "required": ["prior_bad", "good", "bad"],
        "properties": {
            "prior_bad": described("number", "Chance that a release is bad."),
            "good": part.clone(),
            "bad": part,
        },
    })
}

fn is() -> Value {
    let integers = ["desired", "serving_old", "serving_new", "runs"];
    let mut is = json!({
        "type": "array",
        "items": object(&integers, &json!({ "type": "integer" })),
    });
    is["description"] = json!("What serves at the end, and in how many runs.");
    is
}

fn assumed() -> Value {
    let gates =
        |text: &str| json!({ "type": "array", "items": { "type": "string" }, "description": text });
    json!({
        "type": "object",
        "description": "A value that nobody measured, tried at both ends of its range.",
        "required": ["key", "low", "high", "tried", "decides", "unclear"],
        "properties": {
            "key": described("string", "The scenario's key."),
            "low": described("string", "Smallest plausible value."),
            "high": described("string", "Largest plausible value."),
            "tried": described("integer", "Ends that were simulated."),
            "decides": gates("Gates that pass at one value and fail at another."),
            "unclear": gates("Gates that lean to the other side at an end."),
        },
    })
}

fn load() -> Value {
    let causes: Vec<&str> =
        Ending::ALL.iter().filter(|e| **e != Ending::Ok).map(|e| e.name()).collect();
    json!({
        "type": "object",
        "description": "Requests per second at the times of serving.t_s; null without traffic.",
        "required": ["demand_per_s", "capacity_per_s", "failed_per_s"],
        "properties": {
            "demand_per_s": numbers("Arrivals, mean over runs."),
            "capacity_per_s": object(&["p5", "p50"], &numbers("Over runs.")),
            "failed_per_s": object(&causes, &numbers("Mean over the runs with requests.")),
        },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{schema, value};
    use crate::report::{fixture, json};

    /// Checks what our schemas use of draft-07; a keyword that it does not know is an error.
    fn check(data: &Value, schema: &Value, root: &Value, at: &str) -> Result<(), String> {
        let Value::Object(rules) = schema else { return Err(format!("{at}: no schema")) };
        if let Some(kinds) = rules.get("type") {
            let kinds = kinds.as_array().cloned().unwrap_or_else(|| vec![kinds.clone()]);
            if !kinds.iter().any(|k| is(data, k.as_str().unwrap())) {
                return Err(format!("{at}: {data} is not of type {kinds:?}"));
            }
        }
        for (keyword, rule) in rules {
            let fine = match keyword.as_str() {
                "type" | "description" | "title" | "$schema" | "definitions" | "pattern" => true,
                "const" => data == rule,
                "enum" => rule.as_array().unwrap().contains(data),
                "minItems" => data.as_array().unwrap().len() as u64 >= rule.as_u64().unwrap(),
                "maxItems" => data.as_array().unwrap().len() as u64 <= rule.as_u64().unwrap(),
                "required" => rule
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|name| data.get(name.as_str().unwrap()).is_some()),
                "$ref" => {
                    let pointer = rule.as_str().unwrap().trim_start_matches('#');
                    check(data, root.pointer(pointer).unwrap(), root, at)?;
                    true
                }
                "anyOf" => {
                    let any = rule.as_array().unwrap();
                    any.iter().any(|s| check(data, s, root, at).is_ok())
                }
                "items" => {
                    for (i, item) in data.as_array().unwrap().iter().enumerate() {
                        check(item, rule, root, &format!("{at}[{i}]"))?;
                    }
                    true
                }
                "properties" => {
                    for (name, rule) in rule.as_object().unwrap() {
                        if let Some(item) = data.get(name) {
                            check(item, rule, root, &format!("{at}.{name}"))?;
                        }
                    }
                    true
                }
                "additionalProperties" => {
                    for (name, item) in data.as_object().unwrap() {
                        check(item, rule, root, &format!("{at}.{name}"))?;
                    }
                    true
                }
                other => return Err(format!("{at}: keyword {other} is not checked")),
            };
            if !fine {
                return Err(format!("{at}: {keyword} {rule} does not hold for {data}"));
            }
        }
        Ok(())
    }

    fn is(data: &Value, kind: &str) -> bool {
        match kind {
            "object" => data.is_object(),
            "array" => data.is_array(),
            "string" => data.is_string(),
            "integer" => data.is_u64() || data.is_i64(),
            "number" => data.is_number(),
            "null" => data.is_null(),
            other => panic!("no such type: {other}"),
        }
    }

    fn valid(result: &crate::study::SimResult) -> Result<(), String> {
        let data: Value = serde_json::from_str(&json::render(result)).unwrap();
        check(&data, &value(), &value(), "result")
    }

    #[test]
    fn results_obey_the_schema() {
        let fixtures: [fn() -> crate::study::SimResult; 5] = [
            fixture::batches,
            fixture::kubernetes,
            fixture::recreate,
            fixture::capacity_only,
            fixture::not_serving,
        ];
        for result in fixtures {
            assert_eq!(valid(&result()), Ok(()));
        }
    }

    #[test]
    fn the_check_finds_what_is_wrong() {
        let mut data: Value = serde_json::from_str(&json::render(&fixture::batches())).unwrap();
        data["gates"][0]["verdict"] = "maybe".into();
        assert!(
            check(&data, &value(), &value(), "result").unwrap_err().contains("gates[0].verdict")
        );
        let mut data: Value = serde_json::from_str(&json::render(&fixture::batches())).unwrap();
        data.as_object_mut().unwrap().remove("seed");
        assert!(check(&data, &value(), &value(), "result").unwrap_err().contains("required"));
    }

    #[test]
    fn the_schema_file_is_not_stale() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/result.schema.json");
        if std::env::var_os("ROLLCAST_UPDATE_SCHEMA").is_some() {
            std::fs::write(path, schema()).unwrap();
        }
        let file = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            file == schema(),
            "docs/result.schema.json is stale: run \
             `ROLLCAST_UPDATE_SCHEMA=1 cargo test --lib report::json` and commit it"
        );
    }
}
