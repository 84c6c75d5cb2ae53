//! An alarm on the errors of the new version, as cloud providers let deployments watch.

use super::{Default::Is, Default::Says, Env, Key, Kind, Page, key};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::raw::Value;
use crate::scenario::source::Place;
use crate::units::{Share, Span};

/// It rises when the new version has answered a greater share of requests with an error for long
/// enough.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Alarm {
    /// The share that must be exceeded.
    pub errors: Share,
    /// For how long: period times evaluation periods.
    pub delay: Span,
}

/// The key `alarm`.
pub(super) const ERRORS: Key = key(
    "alarm",
    Kind::OneOf(&[Kind::Word(&["none"]), Kind::Share]),
    Is("\"none\""),
    "Error share of the new version above which the alarm rises.",
    "\"2%\"",
);

/// The key `alarm_delay`.
pub(super) const DELAY: Key = key(
    "alarm_delay",
    Kind::Duration,
    Says("`\"1m\"`"),
    "So long the new version must have been answering requests before the alarm can rise.",
    "\"1m\"",
);

/// Reads both keys of a strategy's table.
pub(super) fn read(env: &mut Env<'_>, path: &str) -> Option<Alarm> {
    let section = env.section(path);
    let written = section.written(DELAY.name).map(|entry| entry.key_at);
    let delay = if written.is_some() { section.span(DELAY.name) } else { Span::from_secs(60) };
    if let Value::Share(errors) = section.value(ERRORS.name) {
        return Some(Alarm { errors, delay });
    }
    stray(env, written, DELAY.name);
    None
}

/// Complains about a key that means something to an alarm only.
pub(super) fn stray(env: &mut Env<'_>, written: Option<Place>, key: &str) {
    if let Some(at) = written {
        let message = format!("`{key}` has no meaning without `alarm`");
        let hint = "remove it, or write alarm = \"2%\"";
        env.problem(Diagnostic::new(Code::Conflict, at, message, hint));
    }
}

/// Writes them back.
pub(super) fn write(alarm: Option<Alarm>, page: &mut Page) {
    match alarm {
        None => page.text(ERRORS.name, "none"),
        Some(alarm) => {
            page.text(ERRORS.name, alarm.errors);
            page.text(DELAY.name, alarm.delay);
        }
    }
}
