//! `rollcast trouble`: what bad releases cost, under many strategies, judges and pipelines.

use std::path::PathBuf;

use anyhow::bail;
use clap::Args as ClapArgs;

use super::args::Luck;
use super::exit::Exit;
use super::manual::wrap;
use super::output::{is_ours, suffix, write};
use super::progress::Bar;
use super::terminal;
use crate::report::trouble as report;
use crate::study::trouble;

#[derive(Debug, ClapArgs)]
pub(super) struct Trouble {
    /// Write a file; the kind by its suffix: md or csv. May be given several times.
    #[arg(short, long = "output", value_name = "FILE")]
    pub(super) output: Vec<PathBuf>,
    /// Replace files that rollcast did not write, too.
    #[arg(short, long)]
    pub(super) force: bool,
    /// How many runs of each combination; all have the same luck.
    #[arg(long, default_value_t = 60, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(2..))]
    pub(super) runs: u32,
    #[command(flatten)]
    pub(super) luck: Luck,
}

pub(super) fn run(asked: &Trouble) -> anyhow::Result<Exit> {
    for path in &asked.output {
        let mark = match suffix(path).as_str() {
            "md" => report::TITLE,
            "csv" => report::HEAD,
            _ => bail!("-o {}: the suffix must be md or csv", path.display()),
        };
        if !asked.force && !is_ours(path, mark) {
            let path = path.display();
            bail!("-o {path}: there is a file that rollcast did not write; --force replaces it");
        }
    }
    let Luck { seed, threads } = asked.luck;
    let bar = Bar::new(false);
    let options = trouble::Options { runs: asked.runs, seed, threads };
    let table = trouble::table(&options, &|progress| bar.show(progress));
    bar.clear();
    terminal::out(&format!("{}\n", wrap(&report::takeaway(&table), 0)))?;
    for path in &asked.output {
        let text = match suffix(path).as_str() {
            "md" => report::render_markdown(&table),
            _ => report::render_csv(&table),
        };
        write(path, text.as_bytes())?;
    }
    Ok(Exit::Done)
}
