//! Job files in HCL, and the API's JSON, both as the tables that a job file has.

use serde_json::{Map, Value};

use crate::scenario::import::ImportError;

/// Whether a text begins as a job file does: comments, then a block.
pub(in crate::scenario::import) fn looks_like(text: &str) -> bool {
    let mut in_comment = false;
    for line in text.lines().map(str::trim) {
        if in_comment || line.starts_with("/*") {
            in_comment = !line.contains("*/");
            continue;
        }
        if line.is_empty() || line.starts_with(['#']) || line.starts_with("//") {
            continue;
        }
        let word = line.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or("");
        let rest = line[word.len()..].trim_start();
        return ["job", "variable", "variables", "locals"].contains(&word)
            && (rest.starts_with(['"', '{']) || rest.ends_with('{'));
    }
    false
}

/// Reads a job file; variables that have a default are filled in.
pub(in crate::scenario::import) fn parse(text: &str, file: &str) -> Result<Value, ImportError> {
    let mut root: Value = hcl::from_str(text).map_err(|error| refused(&error, file))?;
    let mut defaults = Map::new();
    for (name, block) in root.get("variable").and_then(Value::as_object).into_iter().flatten() {
        if let Some(default) = block.get("default") {
            defaults.insert(format!("var.{name}"), default.clone());
        }
    }
    for (name, value) in root.get("locals").and_then(Value::as_object).into_iter().flatten() {
        defaults.insert(format!("local.{name}"), value.clone());
    }
    fill_in(&mut root, &defaults);
    Ok(root)
}

fn refused(error: &hcl::Error, file: &str) -> ImportError {
    let shown = error.to_string();
    // The message draws the line; what went wrong is its last line.
    let what = shown.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("");
    let what = what.trim_start_matches([' ', '=', '|', '-', '>']).trim();
    let mut failed = ImportError::new(format!("{file} is broken HCL: {what}"));
    if let hcl::Error::Parse(error) = error {
        failed.line = Some(error.location().line() as u64);
        failed.column = Some(error.location().column() as u64);
    }
    failed.hint("`nomad job validate` would say the same; a block is `update { max_parallel = 2 }`")
}

/// Replaces `${var.x}` where it is the whole value.
fn fill_in(value: &mut Value, defaults: &Map<String, Value>) {
    match value {
        Value::Object(map) => map.values_mut().for_each(|value| fill_in(value, defaults)),
        Value::Array(items) => items.iter_mut().for_each(|value| fill_in(value, defaults)),
        Value::String(text) => {
            let name = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
            if let Some(default) = name.and_then(|name| defaults.get(name.trim())) {
                *value = default.clone();
            }
        }
        _ => {}
    }
}

/// What `nomad job inspect` and `nomad job run -output` print, as tables of a job file:
/// `TaskGroups: [{ Name: "web", Count: 3 }]` becomes `group: { web: { count: 3 } }`.
pub(super) fn from_api(job: &Value) -> Value {
    let mut out = lower(job);
    let name = text(job, "Name").or(text(job, "ID")).unwrap_or("job").to_owned();
    let groups = labelled(&mut out, "task_groups", |group| {
        let tasks = labelled(group, "tasks", |_| {});
        if let (Value::Object(group), Some(tasks)) = (group, tasks) {
            group.insert("task".to_owned(), tasks);
        }
    });
    if let (Value::Object(out), Some(groups)) = (&mut out, groups) {
        out.insert("group".to_owned(), groups);
    }
    let mut jobs = Map::new();
    jobs.insert(name, out);
    let mut root = Map::new();
    root.insert("job".to_owned(), Value::Object(jobs));
    Value::Object(root)
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// Takes a list of named tables out, as a table of tables.
fn labelled(parent: &mut Value, key: &str, change: impl Fn(&mut Value)) -> Option<Value> {
    let Value::Array(items) = parent.as_object_mut()?.remove(key)? else { return None };
    let mut out = Map::new();
    for mut item in items {
        change(&mut item);
        let name = text(&item, "name").unwrap_or("?").to_owned();
        if let Value::Object(fields) = &mut item {
            fields.remove("name");
        }
        out.insert(name, item);
    }
    Some(Value::Object(out))
}

/// `MinHealthyTime` → `min_healthy_time`; the API's plurals as the job file's words.
fn lower(value: &Value) -> Value {
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| (snake(key), lower(value))).collect(),
        Value::Array(items) => items.iter().map(lower).collect(),
        other => other.clone(),
    }
}

fn snake(key: &str) -> String {
    match key {
        "Services" => return "service".to_owned(),
        "Checks" => return "check".to_owned(),
        "RestartPolicy" => return "restart".to_owned(),
        "ReschedulePolicy" => return "reschedule".to_owned(),
        _ => {}
    }
    // An acronym stays one word: `TTL`, `CheckID`.
    if key.chars().all(|c| c.is_ascii_uppercase()) {
        return key.to_lowercase();
    }
    let mut out = String::new();
    let mut after_lower = false;
    for c in key.chars() {
        if c.is_ascii_uppercase() && after_lower {
            out.push('_');
        }
        after_lower = !c.is_ascii_uppercase();
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn files_are_told_from_yaml() {
        for text in ["job \"a\" {\n", "# x\n// y\n/* z\n z */\njob \"a\" {", "variable \"v\" {\n"] {
            assert!(looks_like(text), "{text}");
        }
        for text in ["job: a\n", "jobs:\n  x: 1", "{\"job\": {}}", "kind: Job\n", ""] {
            assert!(!looks_like(text), "{text}");
        }
    }

    #[test]
    fn variables_and_locals_get_their_defaults() {
        let text = "variable \"n\" { default = 3 }\nvariable \"m\" {}\nlocals { d = \"5s\" }\n\
                    job \"a\" {\n group \"g\" {\n count = var.n\n x = var.m\n y = local.d\n\
                    update { canary = 1 }\n }\n}\n";
        let group = &parse(text, "f").unwrap()["job"]["a"]["group"]["g"];
        assert_eq!(group["count"], json!(3));
        assert_eq!(group["x"], json!("${var.m}"));
        assert_eq!(group["y"], json!("5s"));
        assert_eq!(group["update"]["canary"], json!(1));
        let error =
            parse("job \"a\" {\n  group \"g\" {\n    count = = 3\n  }\n}\n", "f").unwrap_err();
        assert_eq!((error.line, error.column), (Some(3), Some(13)), "{error:?}");
    }

    #[test]
    fn the_apis_words_become_the_files() {
        let job = json!({ "ID": "shop", "TaskGroups": [{ "Name": "web", "Count": 2,
            "Update": { "MaxParallel": 1, "MinHealthyTime": 10_000_000_000_u64 },
            "Tasks": [{ "Name": "srv", "KillTimeout": 5 }] }] });
        let expected = json!({ "count": 2, "update": { "max_parallel": 1,
            "min_healthy_time": 10_000_000_000_u64 }, "task": { "srv": { "kill_timeout": 5 } } });
        assert_eq!(from_api(&job)["job"]["shop"]["group"]["web"], expected);
    }
}
