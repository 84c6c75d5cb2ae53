use super::*;
use crate::judge::{Reading, Totals, cases};

fn latency(value: f64) -> Reading {
    Reading { requests: 100, errors: 0, latency: value }
}

/// One aggregated series a side.
fn two_series(canary: &[f64], baseline: &[f64]) -> Evidence {
    let mut evidence = Evidence::default();
    for (new, old) in canary.iter().zip(baseline) {
        evidence.scrape([(0, Side::Baseline, latency(*old)), (1, Side::Canary, latency(*new))]);
    }
    evidence
}

#[test]
fn alpha_is_spent_once() {
    for spending in [LATENCY, ERRORS] {
        for samples in [4, 20, 60, 61, 1000] {
            let spent: f64 = (1..=20 * samples).filter_map(|n| spending.at(n, samples)).sum();
            assert!(spent > 0.8 && spent <= 1.0, "{samples}: {spent}");
        }
    }
    let looks: Vec<u32> = (0..300).filter(|n| LATENCY.at(*n, 60).is_some()).collect();
    assert_eq!(looks, [1, 3, 7, 15, 30, 60, 120, 240]);
}

/// What Kayenta passes is not passed, at any number of scrapes, as latency or as errors.
#[test]
fn what_kayenta_lets_through_does_not_pass() {
    for (canary, baseline) in cases::known_to_pass() {
        let samples = canary.len() as u32;
        let judge = Robust { samples, ..Robust::default() };
        let mut as_errors = Evidence::default();
        for (new, old) in canary.iter().zip(&baseline) {
            let of = |errors: f64| Reading { requests: 1000, errors: errors as u64, latency: 0.1 };
            as_errors.scrape([(0, Side::Baseline, of(*old)), (1, Side::Canary, of(*new))]);
        }
        let is_sparse = baseline.iter().all(|value| *value == 0.0);
        let as_latency = two_series(&canary, &baseline);
        for metric in [Metric::Latency, Metric::Both] {
            assert_ne!(judge.judge(&as_latency, metric), Verdict::Pass, "{canary:?}");
        }
        if is_sparse || canary[0] > 50.0 * baseline[0] {
            assert_ne!(judge.judge(&as_errors, Metric::Errors), Verdict::Pass, "{canary:?}");
        }
    }
}

#[test]
fn sure_things_are_told() {
    let judge = Robust { samples: 20, ..Robust::default() };
    let rollout = |shift: f64, noise: f64, errors: u64| {
        let mut evidence = Evidence::default();
        for t in 0..20u32 {
            let reading = |host: u32, shift: f64, errors: u64| {
                let wave = f64::from((t * 7 + host * 11) % 13) / 13.0 - 0.5;
                let host = f64::from(host * 5 % 7) / 7.0 - 0.4;
                let value = 0.1 * (1.0 + shift + 0.01 * wave + noise * host);
                Reading { requests: 1000, errors, latency: value }
            };
            let old = (0..5).map(|host| (host, Side::Baseline, reading(host, 0.0, 0)));
            let new = (5..10).map(|host| (host, Side::Canary, reading(host, shift, errors)));
            evidence.scrape(old.chain(new));
        }
        judge.judge(&evidence, Metric::Both)
    };
    assert_eq!(rollout(0.0, 0.0, 0), Verdict::Pass);
    assert_eq!(rollout(0.1, 0.0, 0), Verdict::Fail);
    assert_eq!(rollout(0.1, 0.5, 0), Verdict::Inconclusive, "hosts differ by more than that");
    assert_eq!(rollout(0.0, 0.0, 5), Verdict::Fail);
    assert_eq!(rollout(0.015, 0.0, 0), Verdict::Pass, "sure, but not worth a stop");
    assert_eq!(judge.judge(&Evidence::default(), Metric::Both), Verdict::NoData);
}

#[test]
fn few_errors_are_tested_exactly() {
    let counts = |new: u64, old: u64| {
        let totals = |errors| Totals { requests: 600, errors, latency: 0.0 };
        errors::Counts { canary: totals(new), baseline: totals(old), bursts: 1.0 }
    };
    assert!((counts(4, 0).chance() - 0.0625).abs() < 1e-12);
    assert!((counts(3, 2).chance() - 0.5).abs() < 1e-12);
    assert_eq!(counts(0, 0).chance(), 1.0);
    let in_bursts = errors::Counts { bursts: 2.0, ..counts(8, 0) };
    assert!((in_bursts.chance() - 0.0625).abs() < 1e-12);
}
