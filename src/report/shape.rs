//! Shapes that the published JSON Schemas share.

use serde_json::{Value, json};

/// An object with exactly these properties.
pub(super) fn closed(properties: &Value) -> Value {
    let names: Vec<&String> = properties.as_object().into_iter().flat_map(|o| o.keys()).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": names,
        "additionalProperties": false,
    })
}

/// A value of one kind.
pub(super) fn said(kind: &str, what: &str) -> Value {
    json!({ "type": kind, "description": what })
}

/// The same, or null.
pub(super) fn said_or_null(kind: &str, what: &str) -> Value {
    json!({ "type": [kind, "null"], "description": what })
}

/// Texts.
pub(super) fn texts(what: &str) -> Value {
    json!({ "type": "array", "items": { "type": "string" }, "description": what })
}

/// Recorded and predicted.
pub(super) fn pair(what: &str) -> Value {
    let number = json!({ "type": ["number", "null"] });
    let mut pair = closed(&json!({ "recorded": number, "predicted": number }));
    pair["description"] = json!(what);
    pair
}

/// Quantiles of many.
pub(super) fn spread(what: &str) -> Value {
    let number = json!({ "type": "number" });
    let n = json!({ "type": "integer" });
    let mut spread = closed(&json!({
        "n": n, "p50": number, "p90": number, "p95": number, "max": number,
    }));
    spread["description"] = json!(what);
    spread
}

/// Of this shape, or null.
pub(super) fn nullable(of: &Value) -> Value {
    json!({ "anyOf": [of, { "type": "null" }] })
}

/// Whether a value has exactly the properties that the schema requires, all the way down.
#[cfg(test)]
pub(super) fn holds(value: &Value, schema: &Value, at: &str) {
    let types = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(some) => some.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_u64() && types.contains(&"integer") => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(types.is_empty() || types.contains(&is), "{at}: {value} is no {types:?}");
    if let Some(either) = schema["anyOf"].as_array() {
        if !value.is_null() {
            holds(value, &either[0], at);
        }
    } else if let Some(items) = value.as_array() {
        for item in items {
            holds(item, &schema["items"], at);
        }
    } else if let Some(object) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten() {
            let name = name.as_str().unwrap();
            assert!(object.contains_key(name), "{at} lacks {name}");
        }
        for (name, inner) in object {
            let known = schema["properties"].get(name);
            let schema = known.unwrap_or(&schema["additionalProperties"]);
            assert!(schema.is_object(), "{at}: {name} is not in the schema");
            holds(inner, schema, &format!("{at}.{name}"));
        }
    }
}
