//! What somebody does to a rollout while it runs.

use super::{Env, Kind, Page};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::keys::OPERATION;
use crate::scenario::raw::{Entry, Value};
use crate::units::Span;

/// What an operator may do in mid-rollout. An orchestrator that knows no such thing ignores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Operation {
    /// `kubectl scale`.
    Scale(u32),
    /// `kubectl rollout pause`.
    Pause,
    /// `kubectl rollout resume`.
    Resume,
    /// `kubectl rollout undo`: back to the old version.
    Undo,
    /// Set a third version (a rollover); behaves like `new`.
    Rollover,
    /// Set the template of this version: 0 is old, 1 new, 2 and up later ones.
    Set(u8),
    /// Set `partition` of a `StatefulSet`.
    Partition(u32),
    /// Promote canaries, or go on after a pause.
    Promote,
    /// Give up and go back to the stable version.
    Abort,
}

/// The kind of the key `operations`.
pub(super) const KIND: Kind = Kind::List(&Kind::Record(OPERATION));

/// Reads `operations` of a strategy's table.
pub(super) fn read(env: &mut Env<'_>, path: &str) -> Vec<(Span, Operation)> {
    let mut operations = Vec::new();
    for entry in env.section(path).list("operations") {
        if let Some(operation) = operation(&entry) {
            operations.push(operation);
            continue;
        }
        let message = "an operation is one of `scale`, `do`, `set` and `partition`";
        let hint = "write { at = \"30s\", scale = 20 } or { at = \"30s\", do = \"pause\" }";
        env.problem(Diagnostic::new(Code::Conflict, entry.at, message, hint));
    }
    operations.sort_by_key(|(at, _)| *at);
    operations
}

fn operation(entry: &Entry) -> Option<(Span, Operation)> {
    let Value::Record(_, fields) = &entry.value else { return None };
    let value = |key: &str| fields.get(key).map(|entry| &entry.value);
    let Some(Value::Span(at)) = value("at") else { return None };
    let count = |key: &str| match value(key) {
        Some(Value::Count(count)) => Some(*count),
        _ => None,
    };
    let word = match value("do") {
        Some(Value::Word(word)) => Some(*word),
        _ => None,
    };
    let operation = match (count("scale"), count("set"), count("partition"), word) {
        (Some(instances), None, None, None) => Operation::Scale(instances),
        (None, Some(version), None, None) => Operation::Set(version as u8),
        (None, None, Some(partition), None) => Operation::Partition(partition),
        (None, None, None, Some("pause")) => Operation::Pause,
        (None, None, None, Some("resume")) => Operation::Resume,
        (None, None, None, Some("undo")) => Operation::Undo,
        (None, None, None, Some("rollover")) => Operation::Rollover,
        (None, None, None, Some("promote")) => Operation::Promote,
        (None, None, None, Some("abort")) => Operation::Abort,
        _ => return None,
    };
    Some((*at, operation))
}

/// Writes them back.
pub(super) fn write(operations: &[(Span, Operation)], page: &mut Page) {
    let operations: Vec<String> = operations
        .iter()
        .map(|(at, operation)| {
            let what = match operation {
                Operation::Scale(count) => format!("scale = {count}"),
                Operation::Pause => "do = \"pause\"".to_owned(),
                Operation::Resume => "do = \"resume\"".to_owned(),
                Operation::Undo => "do = \"undo\"".to_owned(),
                Operation::Rollover => "do = \"rollover\"".to_owned(),
                Operation::Promote => "do = \"promote\"".to_owned(),
                Operation::Abort => "do = \"abort\"".to_owned(),
                Operation::Set(version) => format!("set = {version}"),
                Operation::Partition(partition) => format!("partition = {partition}"),
            };
            format!("{{ at = \"{at}\", {what} }}")
        })
        .collect();
    page.raw("operations", format!("[{}]", operations.join(", ")));
}
