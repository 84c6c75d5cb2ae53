//! Several services rolled out in order: how long it takes, and what their versions do to each
//! other meanwhile.
//!
//! Each service is a world of its own, with seeds of its own, played at the depth of the control
//! plane. Its rollout begins when those of the services it needs are complete and have been
//! watched for their `bake`. If one does not complete, what needs it never begins.

mod load;
mod mixed;
pub mod orders;

use rayon::prelude::*;

pub use orders::Orders;

use super::observe::{Keep, Player};
use super::options::Options;
use super::{Runs, pool};
use crate::engine::Seeds;
use crate::outcome::{Fate, Series};
use crate::scenario::OutcomeKey;
use crate::scenario::system::System;
use crate::sim::{Depth, Model};
use crate::stats::{Estimate, interval};
use mixed::{Course, Lost};

/// Purpose of the seeds of a system's services.
const SERVICES: u32 = 62;
/// Runs, if nobody asks for a number.
const RUNS: u32 = 400;
/// Points of the common time grid.
const GRID: usize = 240;

/// The answer for a system.
#[derive(Debug, Clone)]
pub struct SystemResult {
    /// What was played.
    pub system: System,
    /// Seed of all random streams.
    pub seed: u64,
    /// How often.
    pub runs: u32,
    /// Beginning of the first rollout → end of the last, over the runs in which all complete.
    pub duration: Option<Spread>,
    /// Share of runs in which all rollouts complete.
    pub completed: Estimate,
    /// The services, in the order of the file.
    pub lanes: Vec<Lane>,
    /// The calls between services, in the order of the file.
    pub pairs: Vec<PairSeen>,
    /// Services that nobody of the system calls: what users see.
    pub entries: Vec<Entry>,
    /// Seconds since the first rollout began.
    pub t_s: Vec<f64>,
    /// Which orders keep all versions compatible.
    pub orders: Orders,
    /// The same rollouts one after the other, in any order.
    pub one_by_one: Option<Spread>,
    /// The same rollouts, each as soon as compatibility allows.
    pub at_pace: Option<Spread>,
}

/// Over runs, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Spread {
    /// 5 % quantile.
    pub p5: f64,
    /// Median.
    pub p50: f64,
    /// 95 % quantile.
    pub p95: f64,
}

/// One service's rollout.
#[derive(Debug, Clone)]
pub struct Lane {
    /// When it begins, over the runs in which it does.
    pub begins: Option<Spread>,
    /// When it is complete, over the runs in which it is.
    pub ends: Option<Spread>,
    /// Its own duration, over the runs that complete.
    pub duration: Option<Spread>,
    /// For how long the old version serves on after the orchestrator says completed: what `bake`
    /// must cover for nobody to meet it.
    pub lingers: Option<Spread>,
    /// Runs that stop here, because this rollout does not complete.
    pub stopped: u32,
    /// Its highest traffic over what its serving instances can answer, over runs; nothing without
    /// traffic.
    pub load: Option<Spread>,
    /// Share of its serving instances that are new, mean over runs, on the grid.
    pub new: Vec<f64>,
}

/// Calls from one service to another.
#[derive(Debug, Clone, PartialEq)]
pub struct PairSeen {
    /// Who calls, whom.
    pub caller: usize,
    /// Whom.
    pub callee: usize,
    /// Seconds in which some of these calls failed for their versions, over runs.
    pub seconds: Spread,
    /// Highest share of them that failed, over runs.
    pub peak: Spread,
    /// Integral of that share, in seconds of complete failure, mean over runs.
    pub lost: f64,
}

/// A service that users call.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Which.
    pub service: usize,
    /// Highest share of its requests that failed for versions behind it, over runs.
    pub peak: Spread,
    /// Integral of that share, in seconds of complete failure, over runs.
    pub lost: Spread,
    /// Share of its requests that fail so, mean over runs, on the grid.
    pub errors: Vec<f64>,
}

/// One service in one run.
#[derive(Debug, Clone)]
struct Played {
    /// Its own duration; `None` if it does not complete.
    duration: Option<f64>,
    series: Series,
}

/// Plays the system.
pub fn simulate(system: &System, options: &Options) -> SystemResult {
    let runs = match options.runs {
        Runs::Fixed(runs) => runs.max(1),
        Runs::Auto => RUNS.min(options.max_runs.max(1)),
    };
    pool::install(options.threads, || {
        let played: Vec<Vec<Played>> =
            (0..system.services.len()).map(|i| play(system, i, options.seed, runs)).collect();
        assemble(system, options.seed, runs, &played)
    })
}

/// All runs of one service.
fn play(system: &System, service: usize, seed: u64, runs: u32) -> Vec<Played> {
    let scenario = &system.services[service].scenario;
    let seed = Seeds::new(seed, 0).bits(SERVICES, service as u64);
    let model = Model::new(scenario);
    (0..runs)
        .into_par_iter()
        .with_min_len(64)
        .map_init(
            || Player::new(&model, scenario, seed),
            |player, replication| {
                let keep = Keep { series: true, records: false };
                let run = player.play(replication, Depth::Control, keep);
                let completed = run.outcome.fate == Fate::Completed;
                Played {
                    duration: run.outcome.get(OutcomeKey::Duration).filter(|_| completed),
                    series: run.series.unwrap_or_default(),
                }
            },
        )
        .collect()
}

/// When each service of one run begins; `None`: never. `after` must have no circle.
fn begins(
    system: &System,
    order: &[usize],
    after: &[Vec<usize>],
    duration: impl Fn(usize) -> Option<f64>,
) -> Vec<Option<f64>> {
    let mut begins: Vec<Option<f64>> = vec![None; order.len()];
    for service in order {
        let ready = |other: &usize| {
            let bake = system.services[*other].bake.as_secs_f64();
            Some(begins[*other]? + duration(*other)? + bake)
        };
        let all: Option<Vec<f64>> = after[*service].iter().map(ready).collect();
        begins[*service] = all.map(|all| all.into_iter().fold(0.0, f64::max));
    }
    begins
}

/// End of the last rollout of one run; `None` if one does not complete.
fn ends(
    system: &System,
    after: &[Vec<usize>],
    duration: impl Fn(usize) -> Option<f64> + Copy,
) -> Option<f64> {
    let order = system.sorted(|service| after[service].clone())?;
    let begins = begins(system, &order, after, duration);
    let ends = begins.iter().enumerate().map(|(i, begin)| Some((*begin)? + duration(i)?));
    ends.collect::<Option<Vec<f64>>>().map(|all| all.into_iter().fold(0.0, f64::max))
}

fn assemble(system: &System, seed: u64, runs: u32, played: &[Vec<Played>]) -> SystemResult {
    let needs: Vec<Vec<usize>> = system.services.iter().map(|s| s.needs.clone()).collect();
    let order = system.sorted(|service| needs[service].clone()).unwrap_or_default();
    let duration = |run: usize| move |service: usize| played[service][run].duration;
    let all_runs = 0..runs as usize;
    let starts: Vec<Vec<Option<f64>>> =
        all_runs.clone().map(|run| begins(system, &order, &needs, duration(run))).collect();
    let courses: Vec<Vec<Course>> = all_runs
        .clone()
        .into_par_iter()
        .map(|run| {
            let of = |i: usize| Course::new(&played[i][run].series, starts[run][i]);
            (0..played.len()).map(of).collect()
        })
        .collect();
    let lost: Vec<Lost> = courses.par_iter().map(|course| mixed::lost(system, course)).collect();
    let last = courses.iter().flatten().map(Course::end).fold(1.0, f64::max);
    let t_s: Vec<f64> = (0..GRID).map(|i| last * i as f64 / (GRID - 1) as f64).collect();
    let over_time: Vec<(Vec<f64>, Vec<f64>)> =
        t_s.par_iter().map(|t| mixed::means_at(system, &courses, *t)).collect();
    let whole: Vec<f64> =
        all_runs.clone().filter_map(|run| ends(system, &needs, duration(run))).collect();
    let orders = orders::orders(system);
    let by_after = |after: &[Vec<usize>]| {
        spread(all_runs.clone().filter_map(|run| ends(system, after, duration(run))))
    };
    let first = orders.compatible.first();
    SystemResult {
        completed: interval::wilson(whole.len() as f64 / f64::from(runs), f64::from(runs)),
        duration: spread(whole.iter().copied()),
        lanes: lanes(system, played, &starts, &over_time),
        pairs: pairs(system, &lost),
        entries: entries(system, &lost, &over_time),
        one_by_one: first.and_then(|order| by_after(&orders::chain(order))),
        at_pace: orders.pace.as_ref().and_then(|after| by_after(after)),
        system: system.clone(),
        seed,
        runs,
        t_s,
        orders,
    }
}

fn lanes(
    system: &System,
    played: &[Vec<Played>],
    starts: &[Vec<Option<f64>>],
    over_time: &[(Vec<f64>, Vec<f64>)],
) -> Vec<Lane> {
    let runs = (0..starts.len()).into_par_iter();
    let loads: Vec<Vec<f64>> = runs
        .map(|run| {
            let one: Vec<&Played> = played.iter().map(|service| &service[run]).collect();
            load::peaks(system, &one, &starts[run])
        })
        .collect();
    let lane = |i: usize| {
        let begun = starts.iter().map(|run| run[i]);
        let both = || begun.clone().zip(&played[i]).filter_map(|(at, p)| Some((at?, p)));
        let done = || both().filter_map(|(at, p)| Some((at, p, p.duration?)));
        Lane {
            begins: spread(both().map(|(at, _)| at)),
            ends: spread(done().map(|(at, _, duration)| at + duration)),
            duration: spread(done().map(|(_, _, duration)| duration)),
            lingers: spread(done().map(|(_, p, duration)| lingers(&p.series, duration))),
            stopped: both().filter(|(_, p)| p.duration.is_none()).count() as u32,
            load: spread(loads.iter().map(|run| run[i]).filter(|load| !load.is_nan())),
            new: over_time.iter().map(|(_, new)| new[i]).collect(),
        }
    };
    (0..system.services.len()).map(lane).collect()
}

/// For how long the old version serves after the rollout took `duration`.
fn lingers(series: &Series, duration: f64) -> f64 {
    let last_old = series.points.iter().rposition(|point| point.serving_old > 0);
    let until = last_old.and_then(|place| series.points.get(place + 1)).map(|point| point.at);
    until.map_or(0.0, |at| (at.since(series.begun).as_secs_f64() - duration).max(0.0))
}

fn pairs(system: &System, lost: &[Lost]) -> Vec<PairSeen> {
    let called = mixed::called(system);
    let seen = |(place, (caller, callee)): (usize, (usize, usize))| {
        let of =
            |value: fn(&mixed::Sum) -> f64| lost.iter().map(move |run| value(&run.pairs[place]));
        PairSeen {
            caller,
            callee,
            seconds: spread(of(|sum| sum.seconds)).unwrap_or_default(),
            peak: spread(of(|sum| sum.peak)).unwrap_or_default(),
            lost: of(|sum| sum.lost).sum::<f64>() / lost.len().max(1) as f64,
        }
    };
    called.into_iter().enumerate().map(seen).collect()
}

fn entries(system: &System, lost: &[Lost], over_time: &[(Vec<f64>, Vec<f64>)]) -> Vec<Entry> {
    let is_called = |service: usize| {
        system.services.iter().any(|other| other.calls.iter().any(|(callee, _)| *callee == service))
    };
    let entry = |service: usize| {
        let of = |value: fn(&mixed::Sum) -> f64| {
            lost.iter().map(move |run| value(&run.services[service]))
        };
        Entry {
            service,
            peak: spread(of(|sum| sum.peak)).unwrap_or_default(),
            lost: spread(of(|sum| sum.lost)).unwrap_or_default(),
            errors: over_time.iter().map(|(errors, _)| errors[service]).collect(),
        }
    };
    (0..system.services.len()).filter(|service| !is_called(*service)).map(entry).collect()
}

impl Default for Spread {
    fn default() -> Self {
        Self { p5: 0.0, p50: 0.0, p95: 0.0 }
    }
}

/// Nearest-rank quantiles; `None` without values.
fn spread(values: impl Iterator<Item = f64>) -> Option<Spread> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |q: f64| values[((q * values.len() as f64).ceil() as usize).max(1) - 1];
    (!values.is_empty()).then(|| Spread { p5: at(0.05), p50: at(0.5), p95: at(0.95) })
}

impl SystemResult {
    /// The highest share of any entry's requests that failed, at the 95 % quantile over runs.
    pub fn worst(&self) -> f64 {
        self.entries.iter().map(|entry| entry.peak.p95).fold(0.0, f64::max)
    }

    /// The service that gets busiest and its load, at the 95 % quantile over runs.
    pub fn busiest(&self) -> Option<(usize, f64)> {
        let loads = self.lanes.iter().enumerate().filter_map(|(i, l)| Some((i, l.load?.p95)));
        loads.max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Whether no service gets more traffic than it can answer, in 95 % of runs.
    pub fn has_capacity(&self) -> bool {
        self.busiest().is_none_or(|(_, load)| load <= 1.0)
    }

    /// Whether users meet no more errors of mixed versions than the system tolerates, in 95 % of
    /// runs.
    pub fn is_compatible(&self) -> bool {
        self.worst() <= self.system.tolerate.0
    }
}
