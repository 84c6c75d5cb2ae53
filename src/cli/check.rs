//! `rollcast check`: mistakes, without simulating.

use super::args::{Changes, Check, CheckFormat, Deny};
use super::exit::Exit;
use super::{input, terminal};
use crate::scenario::Scenario;
use crate::scenario::diagnostic::{Format, render};

pub(super) fn run(check: &Check) -> anyhow::Result<Exit> {
    let changes = Changes { set: check.set.clone(), ..Changes::default() };
    let format = match check.format {
        CheckFormat::Human => Format::Human,
        CheckFormat::Json => Format::Json,
        CheckFormat::Github => Format::Github,
    };
    let mut exit = Exit::Done;
    for file in &check.files {
        let checked = input::scenario(Some(file), &changes)?;
        let (errors, all) = (checked.errors(), checked.diagnostics.len());
        let mut text = render(&checked.diagnostics, &checked.source, format);
        if format == Format::Human {
            let name = &checked.source.file;
            let ending = ending(name, checked.scenario.as_ref(), errors, all - errors);
            text = if text.is_empty() { ending } else { format!("{text}\n{ending}") };
        }
        terminal::out(&text)?;
        if errors > 0 || (check.deny == Some(Deny::Warnings) && all > 0) {
            exit = Exit::BadScenario;
        }
    }
    Ok(exit)
}

fn ending(file: &str, scenario: Option<&Scenario>, errors: usize, warnings: usize) -> String {
    let count = count(errors, warnings);
    match scenario {
        Some(scenario) if errors == 0 => {
            let strategy = scenario.strategy.orchestrator().name();
            let many = |n: usize, what: &str| count_of(n, what).unwrap_or(format!("no {what}s"));
            let instances = many(scenario.service.instances as usize, "instance");
            let gates = many(scenario.gates.len(), "gate");
            format!("{file}: ok, {instances}, {strategy}, {gates}{count}\n")
        }
        _ => format!("{file}: not sound{count}\n"),
    }
}

/// `: 2 errors, 1 warning`, or nothing.
pub(super) fn count(errors: usize, warnings: usize) -> String {
    let parts: Vec<String> =
        [count_of(errors, "error"), count_of(warnings, "warning")].into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!("; {}", parts.join(", ")) }
}

/// `1 error`, `2 errors`, or nothing.
fn count_of(number: usize, what: &str) -> Option<String> {
    match number {
        0 => None,
        1 => Some(format!("1 {what}")),
        n => Some(format!("{n} {what}s")),
    }
}
