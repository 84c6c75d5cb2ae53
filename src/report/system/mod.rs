//! Several services rolled out in order, as people and programs read them.

mod json;
mod schema;
mod text;

pub use json::{SCHEMA, render};
pub use schema::schema;
pub use text::{text, verdict_line};

use crate::scenario::system::System;
use crate::study::system::orders::Constraint;

/// Why one rollout comes before another.
fn reason(system: &System, constraint: &Constraint) -> String {
    let (caller, callee) = (name(system, constraint.caller), name(system, constraint.callee));
    let (versions, errors) = if constraint.is_new_to_old() {
        (["new", "old"], system.errors(constraint.caller, constraint.callee)[1][0])
    } else {
        (["old", "new"], system.errors(constraint.caller, constraint.callee)[0][1])
    };
    let share = super::format::share(errors);
    format!("{} {caller} calls {} {callee}: {share} fail", versions[0], versions[1])
}

fn name(system: &System, service: usize) -> &str {
    &system.services[service].name
}

/// The way out of a circle: the callee of one of its pairs is rolled out twice, so that it never
/// has to be both before and after its caller.
fn expand_and_contract(system: &System, conflict: &[Constraint]) -> Vec<String> {
    let Some(constraint) = conflict.first() else { return Vec::new() };
    let (caller, callee) = (name(system, constraint.caller), name(system, constraint.callee));
    vec![
        format!("a release of {callee} that answers old and new {caller} alike (expand)"),
        format!("{caller}, and what else waited for it"),
        format!("the new {callee}, without what only old {caller} needs (contract)"),
    ]
}
