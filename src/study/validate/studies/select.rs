//! How often selection is right where that is hardest, and what it costs where it is not.

use std::ops::Range;
use std::path::Path;

use rayon::prelude::*;

use super::law::{SERVERS, makespan, mean};
use super::{Promise, share};
use crate::scenario::{self, Scenario};
use crate::stats::selection::{Observation, Plan, Rule, Selection, Source, select};
use crate::study::sweep::Goal;
use crate::study::tune::{self, Candidate, Within};
use crate::study::validate::rolling;

/// Runs in a step, as `tune` has them for a mean.
const BATCH: u32 = 10;
/// What must be told apart, seconds.
const GAP: f64 = 20.0;
/// Windows, the best first: all are made equally slow but for the gap.
const WINDOWS: [usize; 5] = [4, 1, 2, 5, 10];
/// Rolling updates of the reference table with a real queue, the best first.
const BATCHES: [u32; 3] = [5, 10, 20];

const RULES: [(Rule, &str); 2] = [(Rule::Triangle, "triangle"), (Rule::Race, "race")];

pub(super) fn promises(full: bool) -> Vec<Promise> {
    let mut all = Vec::new();
    for (rule, name) in RULES {
        all.push(sliding(rule, name));
        all.push(rolling(rule, name, full));
        all.push(simulated(rule, name, if full { 1_000 } else { 100 }));
    }
    all.extend(cost(full));
    all
}

fn plan(rule: Rule, within: f64) -> Plan {
    Plan { rule, within, error: 0.05, first: 20, most: 1_000_000 }
}

/// The share of right choices, held against what is asked.
fn right(case: String, hits: u32, repeats: u32) -> Promise {
    let (measured, interval) = share(hits, repeats);
    Promise {
        what: "the choice is right on least-favourable spacing",
        case,
        asked: "95 %: lower end ≥ 0.94".to_owned(),
        measured,
        interval: Some(interval),
        repeats,
        // With few repetitions the lower end cannot be there: then it must be possible.
        holds: if repeats >= 1_000 { interval.0 >= 0.94 } else { interval.1 >= 0.95 },
    }
}

/// Steps of settings whose objective is drawn.
struct Drawn<F>(F);

impl<F: Fn(usize, u32) -> f64> Source for Drawn<F> {
    fn observe(&mut self, settings: &[usize], steps: Range<u32>) -> Vec<Vec<Observation>> {
        let one = |setting: usize, step: u32| Observation {
            objective: (self.0)(setting, step),
            limits: Vec::new(),
        };
        settings.iter().map(|s| steps.clone().map(|step| one(*s, step)).collect()).collect()
    }
}

fn count(repeats: u32, is_right: impl Fn(u64) -> Selection + Sync) -> u32 {
    let hit = |seed| u32::from(is_right(seed).best() == Some(0));
    (0..u64::from(repeats)).into_par_iter().map(hit).sum()
}

/// Makespans of the exact chain, shifted so that the first is the gap faster than all others.
fn sliding(rule: Rule, name: &str) -> Promise {
    let hits = count(1_000, |seed| {
        let mut source = Drawn(|setting: usize, step: u32| {
            let window = WINDOWS[setting];
            let runs = (0..BATCH).map(|run| u64::from(step * BATCH + run));
            let sum: f64 = runs.map(|run| makespan(seed + 1, run, window)).sum();
            let shift = if setting == 0 { 0.0 } else { GAP };
            sum / f64::from(BATCH) - mean(window) + shift
        });
        select(WINDOWS.len(), &[], &plan(rule, GAP), &mut source)
    });
    let case = format!("sliding_window_exp, b = {WINDOWS:?}, {GAP} s apart, drawn, {name}");
    right(case, hits, 1_000)
}

/// Requests lost by rolling updates, played by the kernel under common luck, drawn again from
/// that pool and shifted.
fn rolling(rule: Rule, name: &str, full: bool) -> Promise {
    let size = if full { 400 } else { 100 };
    let pool: Vec<Vec<f64>> = BATCHES
        .iter()
        .map(|batch| {
            let played = (0..size).into_par_iter().map(|run| rolling::lost(*batch, run));
            let lost: Vec<f64> = played.collect();
            let mean = lost.iter().sum::<f64>() / lost.len() as f64;
            lost.into_iter().map(|value| value - mean).collect()
        })
        .collect();
    let gap = 10.0;
    let hits = count(1_000, |seed| {
        let mut source = Drawn(|setting: usize, step: u32| {
            // The same runs of the pool for all settings: that is their common luck.
            let mut stream = crate::engine::Seeds::new(seed + 1, step.into()).stream(902, 0);
            let mut drawn = || pool[setting][(stream.uniform() * size as f64) as usize];
            let sum: f64 = (0..BATCH).map(|_| drawn()).sum();
            sum / f64::from(BATCH) + if setting == 0 { 0.0 } else { gap }
        });
        select(BATCHES.len(), &[], &plan(rule, gap), &mut source)
    });
    let case = format!(
        "rolling_MMcK_t, b = {BATCHES:?}, {gap} lost requests apart, drawn from {size} played \
         updates each, {name}"
    );
    right(case, hits, 1_000)
}

fn loaded(text: &str) -> Option<Scenario> {
    scenario::load(text, "studies", Path::new(""), &[]).ok().map(|loaded| loaded.scenario)
}

fn exponential(window: usize, outage: f64) -> Option<Scenario> {
    loaded(&format!(
        "rollcast = 1\n[service]\ninstances = {SERVERS}\n[versions.old]\nexit = \"0s\"\nstart = \
         {{ law = \"exponential\", mean = \"{outage:.6}s\" }}\n[probes]\nperiod = \
         \"0s\"\ninitial_delay = \"0s\"\n[strategy.generic]\nbatch = {window}\n\
         ready_deadline = \"100h\"\n\
         window = \
         \"sliding\"\norder = \"stop-first\"\nbake = \"0s\"\n"
    ))
}

fn tuning(rule: Option<Rule>, within: Within, goal: &str, seed: u64) -> Option<tune::Plan> {
    Some(tune::Plan {
        goal: Goal::read(goal).ok()?,
        versus: Goal::read("max p5(serving_min)").ok()?,
        within,
        error: 0.05,
        rule,
        max_runs: 10_000_000,
        seed,
        threads: 1,
    })
}

/// The real simulator: mean outages are such that the exact means are just the gap apart.
fn simulated(rule: Rule, name: &str, repeats: u32) -> Promise {
    let target = 600.0;
    let candidates: Vec<Candidate> = WINDOWS
        .iter()
        .enumerate()
        .map(|(index, window)| {
            let wanted = if index == 0 { target } else { target + GAP };
            let outage = super::law::MEAN * wanted / mean(*window);
            let scenario = exponential(*window, outage).ok_or_else(|| "no scenario".to_owned());
            Candidate { values: vec![window.to_string()], scenario }
        })
        .collect();
    let chosen = |seed: u32| {
        let plan = tuning(Some(rule), Within::Absolute(GAP), "min mean(duration)", seed.into());
        let found = plan.map(|plan| tune::tune(&[], &candidates, &plan, &|_| {}));
        u32::from(found.is_some_and(|tuned| tuned.best == Some(0)))
    };
    let hits = (1..=repeats).into_par_iter().map(chosen).sum();
    let case = format!("sliding_window_exp, b = {WINDOWS:?}, {GAP} s apart, simulated, {name}");
    right(case, hits, repeats)
}

/// Twenty settings as people have them: how many runs selection takes, beside an equal number
/// for each that has the same guarantee (Clark and Yang 1986, with the variances that count).
fn cost(full: bool) -> Vec<Promise> {
    let text = |batch: u32, bake: u32| {
        format!(
            "rollcast = 1\n[service]\ninstances = 20\n[versions.old]\nstart = {{ p50 = \"22s\", \
             p95 = \"41s\" }}\nexit = {{ p50 = \"4s\", p95 = \"10s\" }}\n[versions.new]\ncrash = \
             \"2%\"\n[strategy.generic]\nbatch = {batch}\nbake = \"{bake}s\"\n"
        )
    };
    let settings = (1..=10).flat_map(|batch| [0, 15].map(|bake| (batch, bake)));
    let candidates: Vec<Candidate> = settings
        .map(|(batch, bake)| Candidate {
            values: vec![batch.to_string(), bake.to_string()],
            scenario: loaded(&text(batch, bake)).ok_or_else(|| "no scenario".to_owned()),
        })
        .collect();
    let seeds = if full { 20 } else { 4 };
    let mut rows = Vec::new();
    for goal in ["min mean(duration)", "min p95(duration)"] {
        for (rule, name) in RULES {
            let spent = |seed: u64| -> Option<[f64; 2]> {
                let plan = tuning(Some(rule), Within::Share(0.01), goal, seed)?;
                let tuned = tune::tune(&[], &candidates, &plan, &|_| {});
                let equal = tune::equal_runs(&candidates, &plan, &tuned)?;
                Some([tuned.runs() as f64, equal])
            };
            let all: Vec<[f64; 2]> = (1..=seeds).into_par_iter().filter_map(spent).collect();
            let sum = |i: usize| all.iter().map(|of| of[i]).sum::<f64>();
            let measured = sum(0) / sum(1);
            rows.push(Promise {
                what: "runs, as a share of equal allocation with the same guarantee",
                case: format!("batch 1..10 × bake 0s, 15s; {goal} within 1 %, {name}"),
                asked: "≤ 1/5".to_owned(),
                measured,
                interval: None,
                repeats: all.len() as u32,
                holds: measured <= 0.2,
            });
        }
    }
    rows
}
