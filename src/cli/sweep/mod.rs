//! `rollcast sweep` and `rollcast merge`: many settings, on one machine or on many.

mod files;
mod stop;
mod study;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, bail};
use clap::{Args as ClapArgs, ValueEnum};

use super::args::{Args, Changes, Luck, Undecided};
use super::exit::Exit;
use super::progress::Blocks;
use super::{output, terminal};
use crate::report;
use crate::stats::Verdict;
use crate::study::cell::{Block, BlockText};
use crate::study::sweep::part::{self, Part};
use crate::study::sweep::{Gather, Item, Study, SweepResult, play};
use files::{Kept, Output};

#[derive(Debug, ClapArgs)]
pub(super) struct Sweep {
    /// The scenario; without it flags alone make one. `-` is standard input.
    pub(super) file: Option<PathBuf>,
    /// A key and its values: 1..6,12; 800/s,1000/s; 10s..60s:10s; 1s..60s:5log. May be given
    /// several times; without it the scenario's table sweep says.
    #[arg(long, value_name = "KEY=LIST")]
    pub(super) vary: Vec<String>,
    /// How several keys are combined; lhs and sobol also take ranges without a step.
    #[arg(long, value_enum, default_value = "grid")]
    pub(super) design: DesignName,
    /// How many settings lhs and sobol try.
    #[arg(long, default_value_t = 32, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) points: u32,
    /// What the best setting is: min or max of a quantile, mean or probability over runs
    /// [default: min p95(duration)].
    #[arg(long, value_name = "GOAL")]
    pub(super) goal: Option<String>,
    /// What is weighed against the goal in the trade-off [default: max p5(`serving_min`)].
    #[arg(long, value_name = "GOAL")]
    pub(super) versus: Option<String>,
    #[command(flatten)]
    pub(super) changes: Changes,
    /// How many runs of each setting.
    #[arg(long, default_value_t = 400, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) runs: u32,
    /// Runs with requests: a sample of each fate, or all.
    #[arg(long, value_enum, default_value = "sample")]
    pub(super) requests: RequestsName,
    #[command(flatten)]
    pub(super) luck: Luck,
    /// Play only this part of the study; the answer is its part, for `rollcast merge`.
    #[arg(long, value_name = "K/N", value_parser = parse_shard)]
    pub(super) shard: Option<(u32, u32)>,
    /// Keep what is finished in this file, and go on from it if it is there.
    #[arg(long, value_name = "FILE")]
    pub(super) resume: Option<PathBuf>,
    /// Write a file; the kind by its suffix: json, csv, md, svg, png. May be given several times.
    #[arg(short, long = "output", value_name = "FILE")]
    pub(super) output: Vec<PathBuf>,
    /// Which chart goes into svg and png files; without it the file's name says.
    #[arg(long, value_enum)]
    pub(super) chart: Option<ChartName>,
    /// Replace files that rollcast did not write, too.
    #[arg(short, long)]
    pub(super) force: bool,
    /// Play even settings that can never end or keep their gates.
    #[arg(long)]
    pub(super) allow_stuck: bool,
    #[command(flatten)]
    pub(super) show: Show,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Merge {
    /// The parts, all of them, in any order.
    #[arg(required = true, value_name = "PART")]
    pub(super) parts: Vec<PathBuf>,
    /// Write a file; the kind by its suffix: json, csv, md, svg, png. May be given several times.
    #[arg(short, long = "output", value_name = "FILE")]
    pub(super) output: Vec<PathBuf>,
    /// Which chart goes into svg and png files; without it the file's name says.
    #[arg(long, value_enum)]
    pub(super) chart: Option<ChartName>,
    /// Replace files that rollcast did not write, too.
    #[arg(short, long)]
    pub(super) force: bool,
    #[command(flatten)]
    pub(super) show: Show,
}

/// What goes to standard output.
#[derive(Debug, ClapArgs)]
pub(super) struct Show {
    /// Print only what to take.
    #[arg(short, long)]
    quiet: bool,
    /// Print only JSON.
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
    /// What it means for the exit code if no setting is sure to keep all gates.
    #[arg(long, value_enum, default_value = "fail", value_name = "ok|fail")]
    undecided: Undecided,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DesignName {
    Grid,
    Lhs,
    Sobol,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RequestsName {
    Sample,
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ChartName {
    Tradeoff,
    Map,
    Multiples,
}

fn parse_shard(text: &str) -> Result<(u32, u32), String> {
    let numbers = text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
    match numbers {
        Some((k, n)) if (1..=n).contains(&k) => Ok((k, n)),
        Some((_, n)) => Err(format!("shards count from 1 to {n}")),
        None => Err("write which of how many: 3/16".to_owned()),
    }
}

pub(super) fn run(sweep: &Sweep, args: &Args) -> anyhow::Result<Exit> {
    let outputs = if sweep.shard.is_none() {
        files::plan(&sweep.output, sweep.chart, sweep.force)?
    } else {
        files::plan_part(&sweep.output, sweep.force)?;
        Vec::new()
    };
    let Some(study) = study::build(sweep)? else { return Ok(Exit::BadScenario) };
    stop::on_signal();
    match sweep.shard {
        None => whole(sweep, args, &study, &outputs),
        Some(shard) => one_part(sweep, &study, shard),
    }
}

fn whole(sweep: &Sweep, args: &Args, study: &Study, outputs: &[Output]) -> anyhow::Result<Exit> {
    let gather = Gather::new(&study.head);
    let take = |cell, block| gather.take(cell, block);
    let kept = play_all(sweep, study, study.head.items(), &take)?;
    let result = gather.result();
    show(&result, &sweep.show, args)?;
    if !result.is_whole() {
        terminal::error_line(&kept.how_to_go_on(&study.head)?);
        return Ok(Exit::Interrupted);
    }
    for output in outputs {
        output.write(&result)?;
    }
    Ok(exit(&result, &sweep.show))
}

fn one_part(sweep: &Sweep, study: &Study, (shard, of): (u32, u32)) -> anyhow::Result<Exit> {
    let blocks = Mutex::new(Vec::new());
    let take = |cell, block| {
        let text = BlockText::of(cell, &block);
        blocks.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    };
    let items = study.shard(shard, of);
    let wanted = items.len();
    let kept = play_all(sweep, study, items, &take)?;
    let blocks = blocks.into_inner().unwrap_or_else(PoisonError::into_inner);
    if blocks.len() < wanted {
        terminal::error_line(&kept.how_to_go_on(&study.head)?);
        return Ok(Exit::Interrupted);
    }
    let bytes = Part::new(&study.head, shard, of, blocks).render();
    let Some(path) = sweep.output.first() else { bail!("a shard needs -o PART.json") };
    output::write_whole(path, &bytes)?;
    Ok(Exit::Done)
}

/// Plays what is not in the checkpoint yet, and hands everything to `take`.
fn play_all(
    sweep: &Sweep,
    study: &Study,
    mut items: Vec<Item>,
    take: &(dyn Fn(u32, Block) + Sync),
) -> anyhow::Result<Kept> {
    let place = |item: &Item| (item.cell, item.runs.start);
    let runs = |item: &Item| u64::from(item.runs.end - item.runs.start);
    let own: BTreeSet<(u32, u32)> = items.iter().map(place).collect();
    let (mut there, mut before) = (BTreeSet::new(), 0);
    let mut kept = Kept::open(sweep.resume.as_deref(), &study.head, |item, block| {
        // Blocks of other shards may be in the same file.
        if own.contains(&place(&item)) {
            take(item.cell, block);
            before += runs(&item);
            there.insert(place(&item));
        }
    })?;
    items.retain(|item| !there.contains(&place(item)));
    let to_go = items.iter().map(runs).sum();
    let quiet = sweep.show.quiet || sweep.show.json;
    let bar = Blocks::new(quiet, to_go, before);
    let done = |cell, block: Block| {
        bar.add(u64::from(block.runs()));
        take(cell, block);
    };
    let keep = Mutex::new(kept.keep());
    play(study, &items, sweep.luck.threads, &stop::STOP, &keep, &done)
        .context("cannot keep what is finished")?;
    bar.clear();
    Ok(kept)
}

pub(super) fn merge(merge: &Merge, args: &Args) -> anyhow::Result<Exit> {
    let outputs = files::plan(&merge.output, merge.chart, merge.force)?;
    let mut parts = part::Merge::default();
    for path in &merge.parts {
        let bytes =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        parts.add(&path.display().to_string(), &bytes)?;
    }
    let result = parts.finish()?;
    show(&result, &merge.show, args)?;
    for output in &outputs {
        output.write(&result)?;
    }
    Ok(exit(&result, &merge.show))
}

fn show(result: &SweepResult, show: &Show, args: &Args) -> anyhow::Result<()> {
    terminal::out(&if show.json {
        report::sweep::render_json(result)
    } else if show.quiet {
        report::sweep::verdict_line(result) + "\n"
    } else {
        report::sweep::render_text(result, terminal::ascii(args.ascii))
    })
}

fn exit(result: &SweepResult, show: &Show) -> Exit {
    match result.verdict() {
        None | Some(Verdict::Pass) => Exit::Done,
        Some(Verdict::Fail) => Exit::GateFailed,
        Some(Verdict::Undecided) if show.undecided == Undecided::Ok => Exit::Done,
        Some(Verdict::Undecided) => Exit::Undecided,
    }
}
