//! Settings that cannot finish, cannot keep their gates, or do not protect: found by arithmetic
//! alone, before anything is simulated.
//!
//! Errors are certain: no run can end, or no run can keep the gate. Everything that only may go
//! wrong is a warning.

mod arithmetic;
mod endings;
mod gates;
mod load;
mod timing;

pub use arithmetic::budget;

use crate::scenario::Scenario;
use crate::scenario::codes::{Code, Severity};

/// Something to complain about, by the dotted names of the keys that it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Its code.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// The key that it is about; `gates.2` is the third gate.
    pub key: String,
    /// What is wrong: a clause without a full stop.
    pub message: String,
    /// Beside the key.
    pub label: String,
    /// Other keys that belong to it.
    pub related: Vec<(String, String)>,
    /// What to do.
    pub help: Option<String>,
}

impl Finding {
    fn new(code: Code, key: &str, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            key: key.to_owned(),
            message: message.into(),
            label: label.into(),
            related: Vec::new(),
            help: None,
        }
    }

    fn beside(mut self, key: &str, label: impl Into<String>) -> Self {
        self.related.push((key.to_owned(), label.into()));
        self
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Everything there is to complain about.
pub fn lint(scenario: &Scenario) -> Vec<Finding> {
    let mut findings = Vec::new();
    endings::endings(scenario, &mut findings);
    gates::gates(scenario, &mut findings);
    timing::timing(scenario, &mut findings);
    load::load(scenario, &mut findings);
    findings
}

#[cfg(test)]
mod tests;
