//! `rollcast explain SCENARIO` with `--run`, `--at` or `--inputs`: why an answer is what it is.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args as ClapArgs;

use super::args::{Changes, Luck};
use super::exit::Exit;
use super::progress::Bar;
use super::{input, output, terminal};
use crate::report;
use crate::scenario::diagnostic::{Format, render};
use crate::scenario::{Measured, Scenario, gate_text};
use crate::study::sensitivity::Sensitivity;
use crate::study::{self, SimResult, Story};
use crate::units::Span;

/// Inputs that are shown below a critical path.
const FEW: usize = 5;
/// Inputs that are shown when asked for.
const MANY: usize = 12;

/// What is asked of a scenario's runs.
#[derive(Debug, ClapArgs)]
pub(super) struct Why {
    /// The critical path of one run of the scenario: what made it as long as it was.
    #[arg(long, value_name = "median|worst|N", value_parser = parse_which)]
    run: Option<Which>,
    /// Who served at this time of a run (without --run: of the median one), who did not, and why.
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    at: Option<Span>,
    /// What a number over runs hangs on: each input of the scenario a little smaller and larger.
    #[arg(long, value_name = "EXPR", num_args = 0..=1, default_missing_value = "p50(duration)")]
    #[arg(value_parser = parse_measured)]
    inputs: Option<Measured>,
    /// Write what --inputs finds: csv, json, or the chart as svg or png.
    #[arg(short, long = "output", value_name = "FILE", requires = "inputs")]
    output: Vec<PathBuf>,
    /// Replace files that are there.
    #[arg(short, long)]
    force: bool,
    /// How many runs of each setting, with --run, --at and --inputs.
    #[arg(long, default_value_t = 400, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    #[command(flatten)]
    luck: Luck,
}

/// One run of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Median,
    Worst,
    Number(u32),
}

fn parse_which(text: &str) -> Result<Which, String> {
    match text {
        "median" => Ok(Which::Median),
        "worst" => Ok(Which::Worst),
        _ => text.parse().map(Which::Number).map_err(|_| "write median, worst or a number".into()),
    }
}

fn parse_span(text: &str) -> Result<Span, String> {
    text.parse().map_err(|error: crate::units::UnitError| match error.hint {
        Some(hint) => format!("{}; {hint}", error.message),
        None => error.message,
    })
}

fn parse_measured(text: &str) -> Result<Measured, String> {
    gate_text::measured(text).map_err(|error| format!("{}; {}", error.message, error.hint))
}

impl Why {
    /// Whether anything is asked.
    pub(super) fn is_asked(&self) -> bool {
        self.run.is_some() || self.at.is_some() || self.inputs.is_some()
    }

    fn options(&self) -> study::Options {
        let runs = study::Runs::Fixed(self.runs);
        let (seed, threads) = (self.luck.seed, self.luck.threads);
        study::Options { seed, runs, max_runs: self.runs, threads }
    }
}

pub(super) fn run(why: &Why, file: &Path, set: &[String]) -> anyhow::Result<Exit> {
    for path in &why.output {
        let suffix = output::suffix(path);
        if !["csv", "json", "svg", "png"].contains(&suffix.as_str()) {
            bail!("-o {}: the suffix must be csv, json, svg or png", path.display());
        }
        if path.exists() && !why.force {
            bail!("-o {}: there is a file already; --force replaces it", path.display());
        }
    }
    let changes = Changes { set: set.to_vec(), ..Changes::default() };
    let mut checked = input::scenario(Some(file), &changes)?;
    input::allow_stuck(&mut checked.diagnostics);
    let Some(scenario) = checked.scenario.as_ref().filter(|_| checked.errors() == 0) else {
        terminal::error_line(&render(&checked.diagnostics, &checked.source, Format::Human));
        return Ok(Exit::BadScenario);
    };
    if why.run.is_some() || why.at.is_some() {
        terminal::out(&of_a_run(why, scenario)?)?;
    }
    if let Some(of) = &why.inputs {
        if of.outcome.needs_traffic() && !scenario.has_requests() {
            bail!("--inputs {}: it needs requests, and there is no [traffic]", of.text);
        }
        let found = inputs(why, scenario, of);
        terminal::out(&report::explain::inputs(&found, MANY))?;
        write(why, scenario, &found)?;
    }
    Ok(Exit::Done)
}

/// A critical path with what would help most, or one moment.
fn of_a_run(why: &Why, scenario: &Scenario) -> anyhow::Result<String> {
    // Runs are looked at as the control plane sees them.
    let mut scenario = scenario.clone();
    scenario.gates.clear();
    scenario.traffic = None;
    scenario.pieces.users = None;
    let result = study::simulate(&scenario, &why.options(), &|_| {});
    let (name, story) = story(why, &result)?;
    if let Some(at) = why.at {
        let at = story.series.begun + at;
        if at > story.series.end {
            let end = story.series.end.since(story.series.begun);
            bail!("--at: the record of {name} ends after {end}");
        }
        let moment = study::explain::moment::of(&scenario, &story.records, at);
        return Ok(report::explain::moment(&moment, &name));
    }
    let path = study::explain::path::of(&story.records, scenario.strategy.bake());
    let mut page = report::explain::path(&path, &name);
    if why.inputs.is_none() {
        let of = gate_text::measured("p50(duration)").expect("well formed");
        page += "\n";
        page += &report::explain::inputs(&inputs(why, &scenario, &of), FEW);
    }
    Ok(page)
}

fn story(why: &Why, result: &SimResult) -> anyhow::Result<(String, Story)> {
    let of = format!("of {}", result.runs_control);
    match why.run.unwrap_or(Which::Median) {
        Which::Median => {
            let story = result.median.clone();
            Ok((format!("run {} {of} (median)", story.replication), story))
        }
        Which::Worst => {
            let story = result.worst.clone();
            Ok((format!("run {} {of} (worst)", story.replication), story))
        }
        Which::Number(run) if run >= result.runs_control => {
            bail!("--run {run}: runs are numbered from 0 to {}", result.runs_control - 1)
        }
        Which::Number(run) => {
            Ok((format!("run {run} {of}"), study::tell(&result.scenario, result.seed, run)))
        }
    }
}

fn inputs(why: &Why, scenario: &Scenario, of: &Measured) -> Sensitivity {
    let bar = Bar::new(false);
    let show = |progress| bar.show(progress);
    let found = study::sensitivity::sensitivity(scenario, of, &why.options(), &show);
    bar.clear();
    found
}

fn write(why: &Why, scenario: &Scenario, found: &Sensitivity) -> anyhow::Result<()> {
    let name = &scenario.service.name;
    for path in &why.output {
        let bytes = match output::suffix(path).as_str() {
            "csv" => report::explain::render_csv(found).into_bytes(),
            "json" => report::explain::render_json(found).into_bytes(),
            "svg" => report::chart::svg_of_inputs(name, found).into_bytes(),
            _ => report::chart::png_of_inputs(name, found)?,
        };
        output::write(path, &bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Which, parse_which};
    use crate::cli::args::{Args, Verb};

    #[test]
    fn runs_are_named_or_numbered() {
        assert_eq!(parse_which("median"), Ok(Which::Median));
        assert_eq!(parse_which("12"), Ok(Which::Number(12)));
        assert!(parse_which("best").is_err());
    }

    #[test]
    fn numbers_over_runs_are_checked_when_typed() {
        let parse = |words: &[&str]| {
            Args::try_parse_from(["rollcast", "explain", "x.toml"].iter().chain(words))
        };
        let Some(Verb::Explain(explain)) = parse(&["--inputs"]).unwrap().verb else {
            panic!("not explain")
        };
        assert_eq!(explain.why.inputs.unwrap().text, "p50(duration)");
        let error = parse(&["--inputs", "p95(duraton)"]).unwrap_err().to_string();
        assert!(error.contains("did you mean `duration`?"), "{error}");
        let error = parse(&["--at", "45"]).unwrap_err().to_string();
        assert!(error.contains("45s"), "{error}");
        assert!(parse(&["-o", "x.svg"]).is_err(), "nothing to write");
    }
}
