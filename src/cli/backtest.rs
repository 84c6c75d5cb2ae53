//! `rollcast backtest`.

use std::path::Path;

use anyhow::Context;

use super::args::{Backtest, Changes};
use super::exit::Exit;
use super::{input, terminal};
use crate::report;
use crate::scenario::diagnostic::{Format, render};
use crate::study::backtest::{self, Input, Options};
use crate::trace::recorded::{self, Recording};

pub(super) fn run(args: &Backtest) -> anyhow::Result<Exit> {
    let settings = match &args.settings {
        None => backtest::default_settings(),
        Some(path) => {
            let checked = input::scenario(Some(path), &Changes::default())?;
            let Some(scenario) = checked.scenario else {
                let found = render(&checked.diagnostics, &checked.source, Format::Human);
                terminal::error_line(&found);
                return Ok(Exit::BadScenario);
            };
            scenario
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
    let report = backtest::backtest(&inputs, &settings, &options)?;
    if args.json {
        terminal::out(&report::backtest::json(&report))?;
    } else {
        terminal::out(&report::backtest::text(&report))?;
    }
    Ok(if report.holds() { Exit::Done } else { Exit::GateFailed })
}

/// A recorded rollout, or else what kubectl printed.
fn read(path: &Path) -> anyhow::Result<Input> {
    let name = path.display().to_string();
    if path != Path::new("-")
        && let Ok(recording) = recorded::load(path)
    {
        return match recording {
            Recording::Kubernetes(recording) => Ok(Input::Recorded(name, recording)),
            Recording::Swarm(_) | Recording::Rollcast(_) => {
                anyhow::bail!("{name}: only recordings of Kubernetes can be a history")
            }
        };
    }
    let text = input::read(path).with_context(|| format!("cannot use {name}"))?;
    let name = if path == Path::new("-") { "standard input".to_owned() } else { name };
    Ok(Input::Kubectl(name, text))
}
