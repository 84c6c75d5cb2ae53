//! `rollcast validate`: the simulator against theory.

use super::args::Validate;
use super::exit::Exit;
use super::terminal;
use crate::study;

pub(super) fn run(validate: &Validate) -> anyhow::Result<Exit> {
    let report = study::validate::run(validate.full, &validate.out)?;
    let complaints = report.complaints();
    let outside: Vec<String> = complaints.iter().map(|c| format!("  outside: {c}\n")).collect();
    terminal::out(&format!(
        "{}\n{}Wrote theory.csv and theory.md into {}.\n",
        report.verdict(),
        outside.concat(),
        validate.out.display()
    ))?;
    Ok(if complaints.is_empty() { Exit::Done } else { Exit::GateFailed })
}
