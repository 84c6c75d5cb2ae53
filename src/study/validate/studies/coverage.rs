//! How often intervals hold what they should, for a fixed number of runs and under stopping.

use rayon::prelude::*;

use super::law::{makespan, mean, quantile};
use super::{Promise, share};
use crate::scenario::gate_text;
use crate::stats::{Estimate, Sample, Verdict, anytime, interval, judge_at_looks};

/// Servers out at a time.
const WINDOW: usize = 4;
/// Runs of a study of fixed size.
const RUNS: u64 = 400;
/// Runs up to which one looks again and again.
const MOST: u64 = 1_000;
/// The quantile that is estimated.
const Q: f64 = 0.9;
/// Repetitions.
const REPEATS: u32 = 4_000;

/// What is known exactly.
#[derive(Debug, Clone, Copy)]
struct Truth {
    mean: f64,
    quantile: f64,
}

pub(super) fn promises(full: bool) -> Vec<Promise> {
    let truth = Truth { mean: mean(WINDOW), quantile: quantile(WINDOW, Q) };
    let repeats = if full { REPEATS } else { REPEATS / 2 };
    let mut all = fixed(truth, repeats);
    all.extend(stopped(truth, repeats));
    all.push(gates(truth, repeats));
    all
}

fn case(runs: u64) -> String {
    format!("sliding_window_exp, b = {WINDOW}, {runs} runs")
}

fn draws(repeat: u32, runs: u64) -> Vec<f64> {
    (0..runs).map(|run| makespan(u64::from(repeat) + 1, run, WINDOW)).collect()
}

/// How many of the repetitions have each of three properties.
fn count(repeats: u32, of: impl Fn(u32) -> [bool; 3] + Sync) -> [u32; 3] {
    let each = (0..repeats).into_par_iter().map(|repeat| of(repeat).map(u32::from));
    each.reduce(|| [0; 3], |a, b| std::array::from_fn(|i| a[i] + b[i]))
}

fn fixed(truth: Truth, repeats: u32) -> Vec<Promise> {
    let holds = |interval: Estimate, value: f64| interval.low <= value && value <= interval.high;
    let held = count(repeats, |repeat| {
        let pairs: Vec<(f64, f64)> = draws(repeat, RUNS).into_iter().map(|v| (v, 1.0)).collect();
        let Some(sample) = Sample::new(&pairs) else { return [false; 3] };
        [
            holds(sample.mean(), truth.mean),
            holds(sample.quantile(Q), truth.quantile),
            holds(sample.share(|value| value <= truth.quantile), Q),
        ]
    });
    let names = ["95 % interval of a mean", "of a quantile (p90)", "of a probability (90 %)"];
    let row = |(what, hits): (&'static str, u32)| {
        let (measured, interval) = share(hits, repeats);
        Promise {
            what,
            case: case(RUNS),
            asked: "holds in 93–97 %".to_owned(),
            measured,
            interval: Some(interval),
            repeats,
            holds: (0.93..=0.97).contains(&measured),
        }
    };
    names.into_iter().zip(held).map(row).collect()
}

/// After how many runs one looks: always at first, then every hundredth more.
fn looks() -> Vec<u64> {
    let mut looks = vec![2];
    while looks[looks.len() - 1] < MOST {
        let last = looks[looks.len() - 1];
        looks.push((last + (last / 100).max(1)).min(MOST));
    }
    looks
}

fn stopped(truth: Truth, repeats: u32) -> Vec<Promise> {
    let looks = looks();
    let always = |repeat: u32, plain: bool| -> [bool; 3] {
        let values = draws(repeat, MOST);
        let mut held = [true; 3];
        for n in &looks {
            let seen = &values[..*n as usize];
            let below = seen.iter().filter(|value| **value <= truth.quantile).count() as u64;
            let runs = *n as f64;
            let average = seen.iter().sum::<f64>() / runs;
            let squares: f64 = seen.iter().map(|v| (v - average) * (v - average)).sum();
            let sd = (squares / (runs - 1.0)).sqrt();
            let (of_mean, ranks, of_share) = if plain {
                (
                    interval::mean(average, sd, runs),
                    interval::quantile_ranks(*n, Q),
                    interval::wilson(below as f64 / runs, runs),
                )
            } else {
                let error = interval::ERROR;
                (
                    anytime::mean(average, sd, runs, error),
                    anytime::quantile_ranks(*n, Q, error),
                    anytime::share(below as f64, runs, error),
                )
            };
            held[0] &= of_mean.low <= truth.mean && truth.mean <= of_mean.high;
            held[1] &=
                ranks.0.is_none_or(|low| below >= low) && ranks.1.is_none_or(|high| below < high);
            held[2] &= of_share.low <= Q && Q <= of_share.high;
        }
        held
    };
    let names = ["looking all the time: mean", "quantile (p90)", "probability (90 %)"];
    let error = 2.576 * (0.95 * 0.05 / f64::from(repeats)).sqrt();
    let mut rows = Vec::new();
    for plain in [false, true] {
        let held = count(repeats, |repeat| always(repeat, plain));
        for (what, hits) in names.into_iter().zip(held) {
            let (measured, interval) = share(hits, repeats);
            rows.push(Promise {
                what,
                case: if plain {
                    format!("{}, intervals for a fixed number (to compare)", case(MOST))
                } else {
                    format!("{}, anytime-valid", case(MOST))
                },
                asked: if plain { "nothing" } else { "always holds in ≥ 95 %" }.to_owned(),
                measured,
                interval: Some(interval),
                repeats,
                holds: plain || measured >= 0.95 - error,
            });
        }
    }
    rows
}

/// A gate whose limit is the truth itself: whatever is decided is wrong.
fn gates(truth: Truth, repeats: u32) -> Promise {
    let text = format!("p90(duration) <= {}s", truth.quantile);
    let wrong = count(repeats, |repeat| {
        let Ok(gate) = gate_text::parse(&text) else { return [true; 3] };
        let values: Vec<(f64, f64)> = draws(repeat, 12_800).into_iter().map(|v| (v, 1.0)).collect();
        let decided = |looks: u32| {
            [400, 800, 1_600, 3_200, 6_400, 12_800].iter().any(|n| {
                judge_at_looks(&gate, 20, &values[..*n], looks).verdict != Verdict::Undecided
            })
        };
        [decided(6), false, false]
    })[0];
    let (measured, interval) = share(wrong, repeats);
    Promise {
        what: "`--runs auto`: a gate at the border is decided wrongly",
        case: format!("{}, looks at 400, 800, … 12,800", case(12_800)),
        asked: "in ≤ 5 %".to_owned(),
        measured,
        interval: Some(interval),
        repeats,
        holds: interval.0 <= 0.05,
    }
}
