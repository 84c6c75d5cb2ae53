//! `rollcast judge`.

use std::path::PathBuf;

use anyhow::bail;

use super::args::{Changes, Luck};
use super::exit::Exit;
use super::{input, output, terminal};
use crate::report::{self, chart};
use crate::scenario::diagnostic::{Format, render};
use crate::study::judge::{Options, laboratory};

/// What may be typed.
#[derive(Debug, clap::Args)]
pub(super) struct Judge {
    /// The scenario; its `[versions.new]` is the bad release.
    pub(super) file: PathBuf,
    /// Set any key; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
    /// Rollouts of a good release and of a bad one for each judge.
    #[arg(long, default_value_t = 200, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(2..))]
    pub(super) runs: u32,
    #[command(flatten)]
    pub(super) luck: Luck,
    /// Print only JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// Write a file; the kind by its suffix: json, csv, svg, png. May be given several times.
    #[arg(short, long = "output", value_name = "FILE")]
    pub(super) output: Vec<PathBuf>,
    /// Replace files that are there already.
    #[arg(short, long)]
    pub(super) force: bool,
}

pub(super) fn run(args: &Judge) -> anyhow::Result<Exit> {
    for path in &args.output {
        if !["json", "csv", "svg", "png"].contains(&output::suffix(path).as_str()) {
            bail!("-o {}: the suffix must be json, csv, svg or png", path.display());
        }
        if path.exists() && !args.force {
            bail!("-o {}: there is a file already; --force replaces it", path.display());
        }
    }
    let changes = Changes { set: args.set.clone(), ..Changes::default() };
    let mut checked = input::scenario(Some(args.file.as_path()), &changes)?;
    input::allow_stuck(&mut checked.diagnostics);
    let errors = checked.errors();
    let scenario = match checked.scenario {
        Some(scenario) if errors == 0 => scenario,
        _ => {
            let text = render(&checked.diagnostics, &checked.source, Format::Human);
            terminal::error_line(&text);
            return Ok(Exit::BadScenario);
        }
    };
    let options = Options { seed: args.luck.seed, runs: args.runs, threads: args.luck.threads };
    let lab = laboratory(&scenario, &options)?;
    for path in &args.output {
        let bytes = match output::suffix(path).as_str() {
            "json" => report::judge::json(&lab).into_bytes(),
            "csv" => report::judge::csv(&lab).into_bytes(),
            "svg" => chart::svg_of_judges(&lab).into_bytes(),
            _ => chart::png_of_judges(&lab)?,
        };
        output::write(path, &bytes)?;
    }
    let page = if args.json { report::judge::json(&lab) } else { report::judge::text(&lab) };
    terminal::out(&page)?;
    Ok(Exit::Done)
}
