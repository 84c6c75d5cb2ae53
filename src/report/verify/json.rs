//! `rollcast-verify/1`.

use serde_json::{Value, json};

use crate::study::verify::{Inputs, Report};

/// Name and number of the format.
pub const SCHEMA: &str = "rollcast-verify/1";

/// The document, indented, with a line end at the end.
pub fn render(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(&value(report)).expect("plain data");
    text.push('\n');
    text
}

fn value(report: &Report) -> Value {
    let options = &report.options;
    json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "inputs": match options.inputs { Inputs::Observed => "observed", Inputs::Spec => "spec" },
        "runs": options.runs,
        "seed": options.seed,
        "traces": report.verdicts,
        "unusable": report.unusable.iter()
            .map(|one| json!({ "file": one.file, "why": one.why })).collect::<Vec<_>>(),
        "total": report.total,
        "against": report.against,
    })
}
