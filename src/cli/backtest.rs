//! `rollcast backtest`.

use std::path::Path;

use super::args::Changes;
use super::exit::Exit;
use super::measured::Backtest;
use super::{input, terminal};
use crate::report;
use crate::scenario::diagnostic::{Format, render};
use crate::study::backtest::{self, Input, Options};
use crate::trace::recorded::{self, RecordingError};

pub(super) fn run(args: &Backtest) -> anyhow::Result<Exit> {
    let settings = match &args.settings {
        None => None,
        Some(path) => {
            let checked = input::scenario(Some(path), &Changes::default())?;
            let Some(scenario) = checked.scenario else {
                let found = render(&checked.diagnostics, &checked.source, Format::Human);
                terminal::error_line(&found);
                return Ok(Exit::BadScenario);
            };
            Some(scenario)
        }
    };
    let mut inputs = Vec::new();
    for path in &args.files {
        inputs.push(read(path)?);
    }
    let options = Options {
        workload: args.workload.clone(),
        runs: args.runs,
        seed: args.luck.seed,
        threads: args.luck.threads,
    };
    let report = backtest::backtest(&inputs, settings.as_ref(), &options)?;
    if args.json {
        terminal::out(&report::backtest::json(&report))?;
    } else {
        terminal::out(&report::backtest::text(&report))?;
    }
    Ok(if report.holds() { Exit::Done } else { Exit::GateFailed })
}

/// A recorded rollout, or else what kubectl or docker printed.
fn read(path: &Path) -> anyhow::Result<Input> {
    let name = input::name(path);
    if path != Path::new("-") {
        match recorded::load(path) {
            Ok(recording) => return Ok(Input::Recorded(name, Box::new(recording))),
            Err(error @ (RecordingError::Damaged(_) | RecordingError::Journal(_))) => {
                anyhow::bail!("{name} {error}");
            }
            Err(RecordingError::Io(_) | RecordingError::Json(_) | RecordingError::Foreign(_)) => {}
        }
    }
    let text = input::read_recorded(path)?;
    Ok(Input::Text(name, text))
}
