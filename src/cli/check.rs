//! `rollcast check`: mistakes, without simulating.

use super::args::{Changes, Check, CheckFormat, Deny};
use super::exit::Exit;
use super::{input, system, terminal};
use crate::lint::lesson;
use crate::scenario::Scenario;
use crate::scenario::codes::Severity;
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
        if let Some(system) = system::file_of(Some(file))? {
            if !system::check(&system, format)? {
                exit = Exit::BadScenario;
            }
            continue;
        }
        let checked = input::scenario(Some(file), &changes)?;
        let (errors, warnings) = (checked.errors(), checked.warnings());
        let mut text = render(&checked.diagnostics, &checked.source, format);
        if format == Format::Human {
            let name = &checked.source.file;
            let count = count(errors, warnings, checked.count(Severity::Note));
            let mut ending = ending(name, checked.scenario.as_ref(), errors, &count);
            // The first that has more to say of itself.
            let codes = checked.diagnostics.iter().map(|d| d.code);
            if let Some(code) = codes.into_iter().find(|code| lesson(*code).is_some()) {
                ending.extend(["why: rollcast explain ", code.text(), "\n"]);
            }
            text = if text.is_empty() { ending } else { format!("{text}\n{ending}") };
        }
        terminal::out(&text)?;
        if errors > 0 || (check.deny == Some(Deny::Warnings) && warnings > 0) {
            exit = Exit::BadScenario;
        }
    }
    Ok(exit)
}

fn ending(file: &str, scenario: Option<&Scenario>, errors: usize, count: &str) -> String {
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

/// `; 2 errors, 1 warning`, or nothing.
pub(super) fn count(errors: usize, warnings: usize, notes: usize) -> String {
    let counts = [(errors, "error"), (warnings, "warning"), (notes, "note")];
    let parts: Vec<String> = counts.iter().filter_map(|(n, what)| count_of(*n, what)).collect();
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
