//! `rollcast validate`: the simulator against theory.

use super::args::Validate;
use super::exit::Exit;
use super::terminal;
use crate::study;

pub(super) fn run(validate: &Validate) -> anyhow::Result<Exit> {
    let report = study::validate::run(validate.full, &validate.out)?;
    let complaints = report.complaints();
    let mut text = format!("{}\n", report.verdict());
    for complaint in &complaints {
        text.push_str(&format!("  outside: {complaint}\n"));
    }
    let out = validate.out.display();
    text.push_str(&format!("Wrote theory.csv and theory.md into {out}.\n"));
    terminal::out(&text)?;
    Ok(if complaints.is_empty() { Exit::Done } else { Exit::GateFailed })
}
