//! Judges against the laws of what they look at.

use super::estimate::{Estimate, Seen, replicate};
use super::reference::{NORMAL_95, Reference};
use super::row::Kind;
use super::{Case, Measured, measured};
use crate::engine::Seeds;
use crate::engine::math::{ln, sin_cos_turn};
use crate::engine::special::{binomial_from, poisson_from};
use crate::judge::burn_rate::BurnRate;
use crate::judge::kayenta::Kayenta;
use crate::judge::sprt::Sprt;
use crate::judge::{Evidence, Reading, Side, Verdict, failures};
use crate::scenario::pieces::{ErrorLaw, FailuresOver};
use crate::stats::interval;

/// What closed forms, or the rule itself played on what is certain, say of a row.
pub(super) fn solved(row: &Reference) -> Option<(f64, Kind)> {
    let value = match row.name.as_str() {
        "canary_poisson_fixed" => fixed(row),
        "canary_vs_baseline_cond" => conditional(row),
        "kth_error_rule" => kth_error(row),
        "burn_rate_alert" => burn_rate(row),
        "sprt_bernoulli" => return Some(sprt(row)),
        _ => return None,
    };
    Some((value, Kind::Deterministic))
}

/// A limit on the errors of a canary that is looked at once.
fn fixed(row: &Reference) -> f64 {
    let answers = row.number("lambda") * row.number("f") * row.number("T");
    let (good, bad) = (answers * row.number("p0"), answers * row.number("p1"));
    let limit = failures::limit(good, row.number("alpha"));
    match row.quantity.as_str() {
        "threshold k (errors)" => limit as f64,
        "true false-alarm prob" => poisson_from(limit, good),
        _ => poisson_from(limit, bad),
    }
}

/// Probability that the conditional test of two counts, Poisson of these means, is passed.
fn conditional(row: &Reference) -> f64 {
    let (new, old) = (row.number("errors_canary"), row.number("errors_base"));
    let chance = |count: u64, mean: f64| poisson_from(count, mean) - poisson_from(count + 1, mean);
    // Beyond 150 there is less than 10⁻⁵⁰ of either.
    let mut sum = 0.0;
    for canary in 0..150 {
        for baseline in 0..150 {
            if binomial_from(canary, canary + baseline, 0.5) <= row.number("alpha") {
                sum += chance(canary, new) * chance(baseline, old);
            }
        }
    }
    sum
}

fn error_rate(row: &Reference) -> f64 {
    row.number("lambda") * row.number("f") * row.number("p")
}

fn kth_error(row: &Reference) -> f64 {
    let (count, rate) = (row.count("k"), error_rate(row));
    if row.quantity.starts_with("mean") {
        return f64::from(count) / rate;
    }
    let (mut low, mut high) = (0.0, 1e6);
    while high - low > 1e-12 * high {
        let middle = f64::midpoint(low, high);
        let done = poisson_from(u64::from(count), rate * middle);
        if done < 0.95 { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// The judge itself, on scrapes a hundredth of a second apart.
fn burn_rate(row: &Reference) -> f64 {
    const EACH: u64 = 1000;
    const A_SECOND: f64 = 100.0;
    let long = (row.number("window_s") * A_SECOND) as u32;
    let rule =
        BurnRate { slo: row.number("slo"), burn: row.number("burn"), long, short: long / 12 };
    let mut evidence = Evidence::default();
    let good = Reading { requests: EACH, errors: 0, latency: 0.0 };
    evidence.scrape([(0, Side::Baseline, good)]);
    let errors = (row.number("error_ratio") * EACH as f64) as u64;
    let alert = (1..=long).find(|_| {
        evidence.scrape([(1, Side::Canary, Reading { errors, ..good })]);
        rule.judge(&evidence) == Verdict::Fail
    });
    alert.map_or(f64::NAN, |scrapes| f64::from(scrapes) / A_SECOND)
}

fn sprt(row: &Reference) -> (f64, Kind) {
    let (p0, p1) = (row.number("p0"), row.number("p1"));
    let (alpha, beta) = (row.number("alpha"), row.number("beta"));
    let test = Sprt::new((p0, p1), (alpha, beta), ErrorLaw::Bernoulli);
    let wald = |p: f64, rejects: f64| {
        let end = rejects * test.upper + (1.0 - rejects) * test.lower;
        end / (p * test.error + (1.0 - p) * test.answer)
    };
    match row.quantity.as_str() {
        "Wald approx ASN at p0" => (wald(p0, alpha), Kind::Deterministic),
        "Wald approx ASN at p1" => (wald(p1, 1.0 - beta), Kind::Deterministic),
        "exact type I error" => (played(&test, p0).0, Kind::Solver),
        _ => (played(&test, p1).1, Kind::Solver),
    }
}

/// The test answer by answer if a share `p` of them are errors: its chance to reject, and the mean
/// number of answers until it decides.
fn played(test: &Sprt, p: f64) -> (f64, f64) {
    // By errors so far: the chance that it has not decided.
    let mut open = vec![1.0];
    let (mut rejects, mut mean) = (0.0, 0.0);
    for answers in 1..1_000_000u64 {
        let left: f64 = open.iter().sum();
        if left < 1e-14 {
            break;
        }
        mean += left;
        open.push(0.0);
        for errors in (0..open.len()).rev() {
            let before = if errors > 0 { open[errors - 1] * p } else { 0.0 };
            open[errors] = open[errors] * (1.0 - p) + before;
            let ratio = test.ratio(errors as u64, answers);
            if ratio >= test.upper {
                rejects += open[errors];
                open[errors] = 0.0;
            } else if ratio <= test.lower {
                open[errors] = 0.0;
            }
        }
        while open.last() == Some(&0.0) {
            open.pop();
        }
    }
    (rejects, mean)
}

/// Errors come one by one until the judge has seen enough.
pub(super) fn until_kth(case: &Case) -> Vec<Measured> {
    let (count, rate) = (case.count("k"), error_rate(case.row));
    let runs = case.pick(20_000, 4_000);
    let found = replicate(case.replications(runs), |replication| {
        let mut luck = Seeds::new(1, replication).stream(1, 0);
        let mut evidence = Evidence::default();
        let mut now = 0.0;
        loop {
            now -= ln(luck.uniform()) / rate;
            let error = Reading { requests: 1, errors: 1, latency: 0.0 };
            evidence.scrape([(1, Side::Canary, error)]);
            if failures::judge(&evidence, count, FailuresOver::All) == Verdict::Fail {
                return Seen { values: vec![now], controls: vec![] };
            }
        }
    });
    let how = format!("the judge of failures, an error a scrape, {runs} runs");
    measured(&["mean time to k errors, s"], &found, &how)
}

/// Kayenta's rule on two samples of a normal law.
pub(super) fn kayenta(case: &Case) -> Vec<Measured> {
    let (n, sd, shift) = (case.count("n"), case.number("sd"), case.number("shift"));
    let runs = case.pick(40_000, 6_000);
    let rule = Kayenta::default();
    let found = replicate(case.replications(runs), |replication| {
        let mut luck = Seeds::new(1, replication).stream(1, 0);
        let mut sample = |mean: f64| -> Vec<f64> {
            let mut draw = || {
                let radius = (-2.0 * ln(luck.uniform())).sqrt();
                mean + sd * radius * sin_cos_turn(luck.uniform()).1
            };
            (0..n).map(|_| draw()).collect()
        };
        let (canary, baseline) = (sample(100.0 + shift), sample(100.0));
        let is_high = rule.classify(&canary, &baseline) == Verdict::Fail;
        Seen { values: vec![f64::from(u8::from(is_high))], controls: vec![] }
    });
    // Seldom or never: the interval of a share, not of a mean.
    let seen = interval::wilson(found[0].value, f64::from(runs));
    let half_width = ((seen.high - seen.low) / 2.0).max(NORMAL_95 / f64::from(runs));
    let how = format!("Kayenta's rule on {runs} pairs of normal samples");
    measured(&["P(metric classified High)"], &[Estimate { half_width, ..found[0] }], &how)
}
