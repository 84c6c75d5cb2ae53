//! One in a million, found in seconds and held against exact probabilities.

use std::path::Path;

use rayon::prelude::*;

use super::law::below;
use super::{Promise, share};
use crate::scenario::{self, Gate, Scenario, gate_text};
use crate::study::rare::{Answer, Plan, probability};

/// A case with an exact answer.
struct Case {
    name: &'static str,
    scenario: Scenario,
    event: Gate,
    exact: f64,
}

fn case(name: &'static str, text: &str, event: &str, exact: f64) -> Option<Case> {
    let scenario = scenario::load(text, "studies", Path::new(""), &[]).ok()?.scenario;
    Some(Case { name, scenario, event: gate_text::parse(event).ok()?, exact })
}

/// Twelve instances, each crashes for good with 1.7 %: five or more, and full outage of four.
fn binomial() -> Option<Case> {
    let text = "rollcast = 1\nmargin = \"3m\"\n[service]\ninstances = 12\n\
                [versions.old]\nstart = \"5s\"\nexit = \
                \"1s\"\n[versions.new]\ncrash = \"1.7%\"\ncrash_after = \"1m\"\n\
                [restart]\nattempts = 0\n[strategy.generic]\nbatch = 12\n\
                order = \"start-first\"\nbake = \"0s\"\n";
    let (c, ways) = (0.017_f64, [792.0, 924.0, 792.0, 495.0, 220.0, 66.0, 12.0, 1.0]);
    let term = |(more, ways): (usize, &f64)| {
        let k = more as i32 + 5;
        ways * c.powi(k) * (1.0 - c).powi(12 - k)
    };
    case(
        "binomial: 5 of 12 crash",
        text,
        "serving_min <= 7",
        ways.iter().enumerate().map(term).sum(),
    )
}

/// All of four crash at once.
fn outage() -> Option<Case> {
    let text = "rollcast = 1\nmargin = \"3m\"\n[service]\ninstances = 4\n\
                [versions.old]\nstart = \"5s\"\nexit = \
                \"1s\"\n[versions.new]\ncrash = \"3.2%\"\ncrash_after = \"1m\"\n\
                [restart]\nattempts = 0\n[strategy.generic]\nbatch = 4\n\
                order = \"start-first\"\nbake = \"0s\"\n";
    case("binomial: full outage, 4 of 4", text, "serving_min <= 0", 0.032_f64.powi(4))
}

/// The makespan of a sliding window, by forward equations.
fn makespan() -> Option<Case> {
    let text = "rollcast = 1\n[service]\ninstances = 20\n[versions.old]\nexit = \"0s\"\nstart = { \
                law = \"exponential\", mean = \"60s\" }\n[probes]\nperiod = \"0s\"\ninitial_delay \
                = \"0s\"\n[strategy.generic]\nbatch = 4\nready_deadline = \"100h\"\n\
                window = \"sliding\"\norder = \
                \"stop-first\"\nbake = \"0s\"\n";
    case("CTMC: sliding_window_exp, b = 4", text, "duration >= 1180s", 1.0 - below(4, 1_180.0))
}

pub(super) fn promises(full: bool) -> Vec<Promise> {
    let repeats: u32 = if full { 200 } else { 20 };
    let cases = [binomial(), outage(), makespan()];
    cases.into_iter().flatten().flat_map(|case| rows(&case, repeats)).collect()
}

fn rows(case: &Case, repeats: u32) -> Vec<Promise> {
    let answers: Vec<Answer> = (1..=repeats)
        .into_par_iter()
        .map(|seed| {
            let plan = Plan { seed: seed.into(), precision: 0.15, max_runs: 200_000, threads: 1 };
            probability(&case.scenario, &case.event, &plan)
        })
        .collect();
    let name = format!("{}, exactly {:.4e}", case.name, case.exact);
    let held = |answer: &&Answer| {
        answer.probability.low <= case.exact && case.exact <= answer.probability.high
    };
    let (measured, interval) = share(answers.iter().filter(held).count() as u32, repeats);
    let wide = |a: &Answer| (a.probability.high - a.probability.low) / 2.0 / a.probability.value;
    let widest = answers.iter().map(wide).fold(0.0, f64::max);
    let saved = answers.iter().map(Answer::saved).fold(f64::INFINITY, f64::min);
    let row = |what, asked: &str, measured, interval, holds| Promise {
        what,
        case: name.clone(),
        asked: asked.to_owned(),
        measured,
        interval,
        repeats,
        holds,
    };
    vec![
        row(
            "rare event: the exact value is inside of the 95 % interval",
            "95 %",
            measured,
            Some(interval),
            interval.1 >= 0.95,
        ),
        row("its relative half-width at most", "≤ 0.2", widest, None, widest <= 0.2),
        row("times as many plain runs, at least", "≥ 1000", saved, None, saved >= 1_000.0),
    ]
}
