//! YAML or JSON text → documents.

use serde_json::Value;

use super::ImportError;

/// All documents of a text; a JSON text is one.
pub(super) fn documents(text: &str, file: &str) -> Result<Vec<Value>, ImportError> {
    if text.trim_start().starts_with('{') {
        return Ok(vec![serde_json::from_str(text).map_err(|error| json_error(&error, file))?]);
    }
    serde_saphyr::from_multiple_with_options::<Value>(text, yaml_options())
        .map_err(|error| yaml_error(&error, text, file))
}

/// `y`, `no` and `on` stay words, as kubectl reads `y`. What a Helm release prints with all its
/// custom resource definitions is larger than the parser's default limits.
fn yaml_options() -> serde_saphyr::Options {
    let mut budget = serde_saphyr::Budget::default();
    budget.max_events = 40_000_000;
    budget.max_nodes = 10_000_000;
    budget.max_documents = 100_000;
    serde_saphyr::options! { strict_booleans: true, budget: Some(budget), with_snippet: false }
}

fn json_error(error: &serde_json::Error, file: &str) -> ImportError {
    let mut failed = ImportError::new(format!("{file} is broken JSON: {error}"));
    failed.line = Some(error.line() as u64);
    failed.column = Some(error.column() as u64);
    failed
}

fn yaml_error(error: &serde_saphyr::Error, text: &str, file: &str) -> ImportError {
    let location = error.location();
    let shown = error.without_snippet().to_string();
    let first = shown.lines().next().unwrap_or("");
    let mut failed = ImportError::new(format!("{file} is broken YAML: {first}"));
    failed.line = location.map(|l| l.line());
    failed.column = location.map(|l| l.column());
    if text.contains("{{") {
        failed = failed.hint(
            "this looks like a template: import what `helm template` prints; in a play put \
             quotes around \"{{ … }}\"",
        );
    }
    failed
}
