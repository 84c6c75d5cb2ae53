//! From runs to the answer: summaries, bands, the stories worth telling.

use rayon::prelude::*;

use super::observe::{Keep, Player, Run};
use super::replicate::Replications;
use super::result::{Bands, SimResult, Story};
use super::{spent, stories};
use crate::outcome::{Fate, Point, Series};
use crate::scenario::{OutcomeKey, Scenario, Version};
use crate::sim::{Depth, Model};
use crate::stats::{self, Estimate, Verdict};
use crate::traffic;
use crate::units::{Span, Time};

/// Points of the common time grid.
const GRID: usize = 400;

pub(super) fn assemble(runs: &Replications<'_>) -> SimResult {
    let scenario = runs.scenario;
    let table = runs.table();
    let gates = runs.gates();
    let series: Vec<&Series> = runs.control.iter().filter_map(|r| r.series.as_ref()).collect();
    let grid = grid(scenario, &series);
    let median = story(runs, median(&runs.control));
    let worst = story(runs, worst(&runs.control));
    let summaries = OutcomeKey::ALL
        .par_iter()
        .filter_map(|key| stats::summarise(*key, &runs.values(*key)))
        .collect();
    SimResult {
        scenario: scenario.clone(),
        seed: runs.seed,
        runs_control: runs.control.len() as u32,
        runs_requests: runs.requests.len() as u32,
        verdict: verdict(&gates),
        gates,
        summaries,
        fates: fates(&runs.control),
        bands: bands(&grid, &series),
        stories: stories::stories(runs),
        time_shares: spent::shares(scenario, &median),
        demand: demand(scenario, &grid),
        capacity: if runs.has_traffic() { capacity(scenario, &grid, &series) } else { Vec::new() },
        failures: failures(runs, &grid),
        latency: runs.latency.clone(),
        assumed: Vec::new(),
        by_release: None,
        table,
        median,
        worst,
    }
}

/// The worst of all: a failure is certain whatever else is open.
pub(super) fn verdict(gates: &[stats::GateResult]) -> Option<Verdict> {
    let has = |verdict| gates.iter().any(|gate| gate.verdict == verdict);
    if gates.is_empty() {
        None
    } else if has(Verdict::Fail) {
        Some(Verdict::Fail)
    } else if has(Verdict::Undecided) {
        Some(Verdict::Undecided)
    } else {
        Some(Verdict::Pass)
    }
}

fn fates(runs: &[Run]) -> Vec<(Fate, Estimate)> {
    let n = runs.len() as f64;
    let share = |fate: Fate| {
        let hits = runs.iter().filter(|run| run.outcome.fate == fate).count() as f64;
        (hits > 0.0).then(|| (fate, stats::interval::wilson(hits / n, n)))
    };
    Fate::ALL.into_iter().filter_map(share).collect()
}

/// Seconds since the rollout began: from a little before to a little after the slowest run.
fn grid(scenario: &Scenario, series: &[&Series]) -> Vec<f64> {
    let longest = series.iter().map(|s| s.end.since(s.begun).as_secs_f64()).fold(1.0, f64::max);
    let before = scenario.margin.as_secs_f64().min(longest * 0.05);
    let step = (longest + before) / (GRID - 1) as f64;
    (0..GRID).map(|i| -before + step * i as f64).collect()
}

fn point(series: &Series, t: f64) -> Point {
    let offset = Span::from_secs_f64(t.abs());
    let at = if t < 0.0 { series.begun.before(offset) } else { series.begun + offset };
    series.at(at.min(series.end))
}

/// Nearest-rank quantile of sorted values.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// Sorted values of something over runs at each instant of the grid.
fn over_runs(
    grid: &[f64],
    series: &[&Series],
    value: impl Fn(&Point) -> f64 + Sync,
) -> Vec<Vec<f64>> {
    let at = |t: &f64| {
        let mut values: Vec<f64> = series.iter().map(|s| value(&point(s, *t))).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    grid.par_iter().map(at).collect()
}

fn bands(grid: &[f64], series: &[&Series]) -> Bands {
    let serving = over_runs(grid, series, |p| f64::from(p.serving()));
    let band = |q: f64| serving.iter().map(|values| quantile(values, q)).collect();
    Bands { t_s: grid.to_vec(), p5: band(0.05), p50: band(0.5), p95: band(0.95), min: band(0.0) }
}

fn demand(scenario: &Scenario, grid: &[f64]) -> Vec<f64> {
    let Some(traffic) = &scenario.traffic else { return Vec::new() };
    let origin = Time::ZERO + scenario.margin;
    let at = |t: &f64| Time(((origin.as_secs_f64() + t).max(0.0) * 1e9) as u64);
    grid.iter().map(|t| traffic::rate_at(traffic, at(t), origin)).collect()
}

/// Requests per second that one warm instance can answer.
pub(super) fn throughput(scenario: &Scenario, version: &Version) -> f64 {
    scenario.service.servers() / version.service_time.mean_secs()
}

fn capacity(scenario: &Scenario, grid: &[f64], series: &[&Series]) -> Vec<[f64; 2]> {
    let old = throughput(scenario, &scenario.versions.old);
    let new = throughput(scenario, &scenario.versions.new);
    let capacity = |p: &Point| f64::from(p.serving_old) * old + f64::from(p.serving_new) * new;
    let sorted = over_runs(grid, series, capacity);
    sorted.iter().map(|values| [quantile(values, 0.05), quantile(values, 0.5)]).collect()
}

/// Failures per second by ending, weighted mean over the runs with requests.
fn failures(runs: &Replications<'_>, grid: &[f64]) -> Vec<[f64; 8]> {
    if runs.requests.is_empty() {
        return Vec::new();
    }
    let window = runs.scenario.slo.window.as_secs_f64();
    let by_fate = runs.weights();
    let weight = |run: &Run| runs.weight(&by_fate, run.replication);
    let weights: Vec<f64> = runs.requests.iter().map(weight).collect();
    let total: f64 = weights.iter().sum();
    let windows = runs.requests.iter().map(|run| run.failures.len()).max().unwrap_or(0);
    let mut mean = vec![[0.0; 8]; windows];
    for (run, weight) in runs.requests.iter().zip(&weights) {
        for (sum, ended) in mean.iter_mut().zip(&run.failures) {
            for (sum, count) in sum.iter_mut().zip(ended) {
                *sum += count * weight / total / window;
            }
        }
    }
    // A point of the grid speaks for all windows until the next.
    let step = grid[1] - grid[0];
    let at = |t: &f64| {
        let from = ((t / window).floor().max(0.0)) as usize;
        let to = (((t + step) / window).floor().max(0.0) as usize).max(from + 1);
        let mut sum = [0.0; 8];
        if *t + step <= 0.0 {
            return sum;
        }
        let covered = mean.get(from..to.min(mean.len())).unwrap_or_default();
        for ended in covered {
            for (sum, rate) in sum.iter_mut().zip(ended) {
                *sum += rate / covered.len() as f64;
            }
        }
        sum
    };
    grid.iter().map(at).collect()
}

/// The run whose duration is the median; runs without an end come last.
fn median(runs: &[Run]) -> u32 {
    let mut order: Vec<(f64, u32)> = runs
        .iter()
        .map(|run| {
            let duration = run.outcome.values[OutcomeKey::Duration as usize];
            (if duration.is_nan() { f64::INFINITY } else { duration }, run.replication)
        })
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    order[(order.len() - 1) / 2].1
}

/// The run that served with the fewest; among those the longest, among those the first.
fn worst(runs: &[Run]) -> u32 {
    let badness = |run: &Run| {
        let value = |key: OutcomeKey| run.outcome.values[key as usize];
        let duration = value(OutcomeKey::Duration);
        let duration = if duration.is_nan() { f64::INFINITY } else { duration };
        (-value(OutcomeKey::ServingMin), duration)
    };
    let mut worst = &runs[0];
    for run in runs {
        let (a, b) = (badness(run), badness(worst));
        if a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)).is_gt() {
            worst = run;
        }
    }
    worst.replication
}

fn story(runs: &Replications<'_>, replication: u32) -> Story {
    told(Player::new(runs.model, runs.scenario, runs.seed), replication)
}

/// One run of the control plane, in full.
pub fn tell(scenario: &Scenario, seed: u64, replication: u32) -> Story {
    let model = Model::new(scenario);
    told(Player::new(&model, scenario, seed), replication)
}

fn told(mut player: Player<'_>, replication: u32) -> Story {
    // At the depth from which the statistics of duration and capacity come.
    let keep = Keep { series: true, records: true };
    let run = player.play(replication, Depth::Control, keep);
    Story {
        replication,
        outcome: run.outcome,
        series: run.series.unwrap_or_default(),
        records: run.records,
    }
}
