//! The JSON Schema (draft-07) of scenario files, for editors; generated from the catalogue and
//! checked in as `scenarios/schema.json`.

use serde_json::{Map, Value, json};

use super::keys::{self, Default, Form, Key, Kind, default_text};

/// The schema, indented.
pub fn schema() -> String {
    let mut root = object(
        "",
        &keys::table("").map_or(&[][..], |table| table.keys).iter().collect::<Vec<_>>(),
        "A rollout to rehearse.",
    );
    for table in keys::tables().filter(|table| !table.path.is_empty()) {
        let mut schema = object(table.path, &table.keys.iter().collect::<Vec<_>>(), table.about);
        if table.path == "assumed" {
            schema["additionalProperties"] = kind(&Kind::Range);
        }
        if table.path == "sweep" {
            schema["additionalProperties"] = json!(true);
        }
        if table.path == "versions.new" {
            // What is not said there is like the old version.
            schema.as_object_mut().map(|schema| schema.remove("required"));
        }
        insert(&mut root, table.path, schema);
    }
    root["properties"]["strategy"]["minProperties"] = json!(1);
    root["properties"]["strategy"]["maxProperties"] = json!(1);
    root["required"] = json!(["rollcast", "service", "versions", "strategy"]);
    root["properties"]["versions"]["required"] = json!(["old"]);
    root["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    root["title"] = json!("rollcast scenario");
    root["definitions"] = json!({ "distribution": alternatives(&Kind::Dist.alternatives()) });
    format!("{root:#}\n")
}

fn insert(root: &mut Value, path: &str, schema: Value) {
    let mut here = root;
    let parts: Vec<&str> = path.split('.').collect();
    for part in &parts[..parts.len() - 1] {
        let properties = &mut here["properties"];
        if properties[*part].is_null() {
            let inner =
                json!({ "type": "object", "additionalProperties": false, "properties": {} });
            properties[*part] = inner;
        }
        here = &mut properties[*part];
    }
    match parts[parts.len() - 1] {
        // Any name will do.
        "*" => here["additionalProperties"] = schema,
        name => here["properties"][name] = schema,
    }
}

fn object(table: &str, keys: &[&Key], about: &str) -> Value {
    let properties: Map<String, Value> =
        keys.iter().map(|key| (key.name.to_owned(), property(table, key))).collect();
    let required: Vec<&str> = keys
        .iter()
        .filter(|key| matches!(key.default, Default::Required))
        .map(|key| key.name)
        .collect();
    let mut schema = json!({
        "type": "object",
        "description": about,
        "additionalProperties": false,
        "properties": properties,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn property(table: &str, key: &Key) -> Value {
    let default = match key.default {
        Default::Required => "Required.".to_owned(),
        Default::Is(_) | Default::Says(_) => format!("Default: {}.", default_text(table, key)),
    };
    let mut schema = kind(&key.kind);
    // Beside `$ref` draft-07 ignores everything else.
    if schema.get("$ref").is_some() {
        schema = json!({ "allOf": [schema] });
    }
    schema["description"] = json!(format!("{} {default} Example: {}", key.about, key.example));
    schema
}

fn alternatives(kinds: &[Kind]) -> Value {
    let all: Vec<Value> = kinds
        .iter()
        .flat_map(|k| match k {
            Kind::Record(forms) => forms.iter().map(form).collect(),
            other => vec![kind(other)],
        })
        .collect();
    json!({ "anyOf": all })
}

fn form(form: &Form) -> Value {
    if form.name == "quantiles" {
        return json!({
            "type": "object",
            "description": "Quantiles; two make a lognormal law.",
            "minProperties": 2,
            "additionalProperties": false,
            "patternProperties": { "^p[0-9]+(\\.[0-9]+)?$": kind(&Kind::Duration) },
        });
    }
    let mut schema = object("", &form.keys.iter().collect::<Vec<_>>(), form.name);
    if let Some((key, word)) = form.tag {
        schema["properties"][key] = json!({ "const": word });
    }
    schema
}

fn kind(of: &Kind) -> Value {
    let text = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    match of {
        Kind::Count(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
        Kind::Number(low, _) if *low == f64::MIN => json!({ "type": "number" }),
        Kind::Number(low, true) => json!({ "type": "number", "exclusiveMinimum": low }),
        Kind::Number(low, false) => json!({ "type": "number", "minimum": low }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Text => json!({ "type": "string" }),
        Kind::Duration => text("^0$|^([0-9.]+ *(ns|us|ms|s|sec|m|min|h|hr|d|days?) *)+$"),
        Kind::Clock => text("^[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?$"),
        Kind::Share => text("^[0-9.]+%$"),
        Kind::Rate => text("^[0-9.]+k?/(s|sec|second|m|min|minute|h|hour)$"),
        Kind::Size => text("^[0-9.]+ *([KMGT]iB|[kMGT]?B)$"),
        Kind::Bandwidth => text("^[0-9.]+ *([KMGT]iB|[kMGT]?B|[MG]bit)/s$"),
        Kind::Amount => {
            json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, kind(&Kind::Share)] })
        }
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Range => text("^.+\\.\\..+$"),
        Kind::OneOf(_) => match of.alternatives().as_slice() {
            [only] => kind(only),
            all => alternatives(all),
        },
        Kind::Record(_) => alternatives(&[*of]),
        Kind::List(inner) => json!({ "type": "array", "items": kind(inner) }),
        Kind::Dist => json!({ "$ref": "#/definitions/distribution" }),
    }
}
