//! Gates as checked: read, and answerable by this scenario.

use super::Env;
use crate::scenario::Gate;
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::gate_text;
use crate::scenario::raw::Value;
use crate::scenario::source::Place;

/// The gates in the order in which they are written. Lines are filled in by the loader.
pub(super) fn gates(env: &mut Env<'_>, traffic: bool) -> Vec<Gate> {
    let mut gates = Vec::new();
    for entry in env.section("").list("gates") {
        let Value::Text(text) = &entry.value else { continue };
        match gate_text::parse(text) {
            Ok(gate) if gate.outcome.needs_traffic() && !traffic => {
                let name = gate.outcome.name();
                let message = format!("`{name}` needs requests, and there is no [traffic]");
                let hint = "add [traffic] rate = \"…/s\", or remove this gate";
                env.problem(Diagnostic::new(Code::GateNeedsTraffic, entry.at, message, hint));
            }
            Ok(gate) if gate.outcome.needs_table().is_some_and(|table| !env.is_there(table)) => {
                let (name, table) = (gate.outcome.name(), gate.outcome.needs_table());
                let table = table.unwrap_or_default();
                let message = format!("`{name}` needs [{table}], and there is none");
                let hint = format!("add [{table}], or remove this gate");
                env.problem(Diagnostic::new(Code::Conflict, entry.at, message, hint));
            }
            Ok(gate) => gates.push(gate),
            Err(error) => {
                let at = within(entry.at, text, error.range);
                env.problem(Diagnostic::new(error.code, at, error.message, error.hint));
            }
        }
    }
    gates
}

/// A part of a string's place, if the string is written without escapes or line breaks (then
/// its text begins one byte after its quote).
fn within(at: Place, text: &str, range: std::ops::Range<usize>) -> Place {
    if at.flag.is_none() && at.end - at.start == text.len() + 2 {
        let start = at.start + 1 + range.start;
        return Place { start, end: start + range.len(), ..at };
    }
    at
}
