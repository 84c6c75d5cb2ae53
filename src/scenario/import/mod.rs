//! Scenarios from what already exists: manifests of orchestrators.
//!
//! An import reads what a manifest says, marks what it had to make up, lists what it left out,
//! and never refuses a file for a key that does not matter.

pub mod kubernetes;
mod toml_text;

use std::fmt::Write;

/// A scenario made from a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The scenario, commented; valid as it is, without traffic.
    pub toml: String,
    /// What was read and from where, one object each.
    pub read: Vec<String>,
    /// Values nobody wrote: `key value (why)`.
    pub assumed: Vec<String>,
    /// What has no influence here, or is not modelled.
    pub ignored: Vec<String>,
    /// Other workloads in the same file that could be imported by their names.
    pub others: Vec<String>,
    /// The file that was read.
    file: String,
    /// Line of the scenario on which each assumed value stands.
    assumed_at: Vec<usize>,
}

/// Why a manifest cannot become a scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ImportError {
    /// What is wrong: a full clause without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Line in the manifest, from 1.
    pub line: Option<u64>,
    /// Column in the manifest, from 1.
    pub column: Option<u64>,
}

impl ImportError {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, line: None, column: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl Imported {
    /// What to tell the user once the scenario was written to `out`.
    pub fn report(&self, out: &str) -> String {
        let mut text = String::new();
        block(&mut text, "read", &self.read);
        let assumed: Vec<String> = self
            .assumed
            .iter()
            .zip(&self.assumed_at)
            .map(|(value, line)| format!("{value}  {out}:{line}"))
            .collect();
        block(&mut text, "assumed", &assumed);
        block(&mut text, "ignored", &self.ignored);
        let others: Vec<String> = self
            .others
            .iter()
            .map(|name| {
                let short = name.rsplit('/').next().unwrap_or(name);
                format!("{name}: rollcast import {} --name {short}", self.file)
            })
            .collect();
        block(&mut text, "others", &others);
        block(&mut text, "wrote", &[format!("{out}.  Next: rollcast sim {out}")]);
        text
    }
}

fn block(text: &mut String, title: &str, lines: &[String]) {
    for (i, line) in lines.iter().enumerate() {
        let title = if i == 0 { title } else { "" };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{title:<9} {line}");
    }
}
