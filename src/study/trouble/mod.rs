//! The table of trouble: bad versions × strategies × judges × pipelines, and what each costs.
//!
//! Every cell has the same fleet, the same traffic and, run by run, the same luck. A good release
//! is played under each strategy, judge and pipeline as well: it shows what is stopped in vain.

mod scene;

use std::path::Path;

use rayon::prelude::*;

pub use scene::{Choice, DEFECTS, JUDGES, PIPELINES, STRATEGIES};

use super::{Progress, pool};
use crate::outcome::{Collector, Fate, Outcome};
use crate::scenario::{OutcomeKey, Scenario, load};
use crate::sim::{Depth, Model, World};
use crate::stats::{self, Estimate};

/// How the table is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Runs of each cell.
    pub runs: u32,
    /// Seed of all chance.
    pub seed: u64,
    /// Threads; 0: as many as there are processors.
    pub threads: usize,
}

/// One row: a bad version under a strategy, a judge and a pipeline.
#[derive(Debug, Clone)]
pub struct Row {
    /// What is wrong with the release.
    pub defect: &'static str,
    /// Who rolls it out.
    pub strategy: &'static str,
    /// Who looks.
    pub judge: &'static str,
    /// Who takes it back.
    pub pipeline: &'static str,
    /// Requests that the bad version answered, mean over runs.
    pub exposure: Estimate,
    /// Share of runs in which somebody noticed.
    pub noticed: Estimate,
    /// Seconds until then, median over those runs.
    pub detected: Option<Estimate>,
    /// Share of runs in which the service was whole again on a good version.
    pub healed: Estimate,
    /// Seconds until then, median over those runs.
    pub restored: Option<Estimate>,
    /// Share of good releases that are stopped under the same strategy, judge and pipeline.
    pub false_stops: Estimate,
}

/// The whole table.
#[derive(Debug, Clone)]
pub struct Table {
    /// Runs of each cell.
    pub runs: u32,
    /// Seed of all chance.
    pub seed: u64,
    /// By defect, strategy, judge, pipeline.
    pub rows: Vec<Row>,
}

/// Places on the four axes; no defect is a good release.
#[derive(Debug, Clone, Copy)]
struct Cell {
    defect: Option<usize>,
    strategy: usize,
    judge: usize,
    pipeline: usize,
}

/// Plays all cells.
pub fn table(options: &Options, show: &(dyn Fn(Progress) + Sync)) -> Table {
    let cells = cells();
    let done = std::sync::atomic::AtomicU32::new(0);
    let planned = cells.len() as u32;
    let play = |cell: &Cell| {
        let outcomes = play(&scenario(cell), options);
        let done = 1 + done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        show(Progress { done, planned });
        outcomes
    };
    let played: Vec<Vec<Outcome>> =
        pool::install(options.threads, || cells.par_iter().map(play).collect());
    let good = |of: &Cell| {
        let same = |cell: &Cell| {
            let key = |cell: &Cell| (cell.strategy, cell.judge, cell.pipeline);
            cell.defect.is_none() && key(cell) == key(of)
        };
        cells.iter().position(same).map_or(&[][..], |index| &played[index][..])
    };
    let row = |(cell, outcomes): (&Cell, &Vec<Outcome>)| {
        Some(row(cell, DEFECTS[cell.defect?].name, outcomes, good(cell)))
    };
    let rows = cells.iter().zip(&played).filter_map(row).collect();
    Table { runs: options.runs, seed: options.seed, rows }
}

fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for defect in (0..DEFECTS.len()).map(Some).chain([None]) {
        for strategy in 0..STRATEGIES.len() {
            for judge in 0..JUDGES.len() {
                for pipeline in 0..PIPELINES.len() {
                    cells.push(Cell { defect, strategy, judge, pipeline });
                }
            }
        }
    }
    cells
}

/// The scenario of a cell as text: what a user would write.
fn text(cell: &Cell) -> String {
    let mut text = scene::FLEET.to_owned();
    text.push_str(cell.defect.map_or("", |defect| DEFECTS[defect].toml));
    text.push_str(STRATEGIES[cell.strategy].toml);
    text.push_str(JUDGES[cell.judge].toml);
    text.push_str(PIPELINES[cell.pipeline].toml);
    text
}

fn scenario(cell: &Cell) -> Scenario {
    let text = text(cell);
    match load(&text, "trouble.toml", Path::new("."), &[]) {
        Ok(loaded) => loaded.scenario,
        Err(error) => unreachable!("the scenarios of the table are sound: {error:?}\n{text}"),
    }
}

fn play(scenario: &Scenario, options: &Options) -> Vec<Outcome> {
    let model = Model::new(scenario);
    let mut world = World::new(&model);
    let mut collector = Collector::new(&scenario.slo, false);
    let run = |replication| {
        collector.reset();
        let end = world.run(options.seed, replication, Depth::Requests, &mut collector);
        let mut outcome = collector.finish(end);
        // They are large, and nobody asks for them here.
        outcome.latency = Vec::new();
        outcome
    };
    (0..options.runs).map(run).collect()
}

fn row(cell: &Cell, defect: &'static str, bad: &[Outcome], good: &[Outcome]) -> Row {
    let values = |key: OutcomeKey| -> Vec<(f64, f64)> {
        bad.iter().map(|outcome| (outcome.values[key as usize], 1.0)).collect()
    };
    let median = |key| stats::summarise(key, &values(key)).map(|summary| summary.quantiles[MEDIAN]);
    let exposure: Vec<(f64, f64)> =
        bad.iter().map(|o| (o.get(OutcomeKey::Exposure).unwrap_or(0.0), 1.0)).collect();
    let none = Estimate { value: 0.0, low: 0.0, high: 0.0 };
    Row {
        defect,
        strategy: STRATEGIES[cell.strategy].name,
        judge: JUDGES[cell.judge].name,
        pipeline: PIPELINES[cell.pipeline].name,
        exposure: stats::summarise(OutcomeKey::Exposure, &exposure).map_or(none, |s| s.mean),
        noticed: share(bad, noticed),
        detected: median(OutcomeKey::Detected),
        healed: share(bad, |outcome| outcome.get(OutcomeKey::Restored).is_some()),
        restored: median(OutcomeKey::Restored),
        false_stops: share(good, stopped),
    }
}

/// Place of the median among the quantiles of a summary.
const MEDIAN: usize = 2;

fn share(outcomes: &[Outcome], is: fn(&Outcome) -> bool) -> Estimate {
    let runs = outcomes.len() as f64;
    let hits = outcomes.iter().filter(|outcome| is(outcome)).count() as f64;
    stats::interval::wilson(hits / runs.max(1.0), runs)
}

fn noticed(outcome: &Outcome) -> bool {
    outcome.get(OutcomeKey::Detected).or(outcome.get(OutcomeKey::Decided)).is_some()
}

/// Whether somebody stood in the way of a release.
fn stopped(outcome: &Outcome) -> bool {
    outcome.get(OutcomeKey::Decided).is_some() || outcome.fate != Fate::Completed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_a_scenario_that_a_user_could_write() {
        let cells = cells();
        assert_eq!(cells.len(), 7 * 6 * 3 * 2);
        for cell in &cells {
            let scenario = scenario(cell);
            assert!(scenario.has_requests() && scenario.pipeline.timeout().is_some());
        }
    }

    #[test]
    fn threads_do_not_show() {
        let make = |threads| {
            let cell = Cell { defect: Some(2), strategy: 5, judge: 0, pipeline: 0 };
            let options = Options { runs: 2, seed: 1, threads };
            pool::install(threads, || play(&scenario(&cell), &options))
        };
        let values = |outcomes: Vec<Outcome>| -> Vec<u64> {
            outcomes.iter().flat_map(|o| o.values.iter().map(|v| v.to_bits())).collect()
        };
        assert_eq!(values(make(1)), values(make(2)));
    }
}
