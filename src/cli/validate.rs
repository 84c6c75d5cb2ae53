//! `rollcast validate`: the simulator against theory.

use super::args::{Part, Validate};
use super::exit::Exit;
use super::output::write;
use super::terminal;
use crate::{report, study};

pub(super) fn run(validate: &Validate) -> anyhow::Result<Exit> {
    match validate.only {
        Some(Part::RetryStorm) => storms(validate),
        None => table(validate),
    }
}

fn table(validate: &Validate) -> anyhow::Result<Exit> {
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

fn storms(validate: &Validate) -> anyhow::Result<Exit> {
    let map = study::storm::full_map();
    for path in &validate.output {
        let suffix = path.extension().map(|suffix| suffix.to_ascii_lowercase());
        let bytes = match suffix.as_ref().and_then(|suffix| suffix.to_str()) {
            Some("csv") => report::storm::render_csv(&map).into_bytes(),
            Some("svg") => report::chart::svg_of_storms(&map).into_bytes(),
            Some("png") => report::chart::png_of_storms(&map)?,
            _ => anyhow::bail!("{} is neither csv nor svg nor png", path.display()),
        };
        write(path, &bytes)?;
    }
    let outlives = map.cells.iter().filter(|cell| cell.outlives()).count();
    terminal::out(&format!(
        "In {outlives} of {} rollouts the retries outlive it.\n",
        map.cells.len()
    ))?;
    Ok(Exit::Done)
}
