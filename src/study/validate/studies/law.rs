//! A law that is known exactly and drawn cheaply: how long twenty servers take that go out at
//! most `b` at a time, each for an exponential time (`sliding_window_exp`).

use crate::engine::{Seeds, math};
use crate::exact::BirthDeath;

/// Servers.
pub(super) const SERVERS: usize = 20;
/// Mean time out.
pub(super) const MEAN: f64 = 60.0;
/// Purpose of the draws.
const OUTAGES: u32 = 901;

/// One makespan. The outages belong to the servers: all windows share their luck.
pub(super) fn makespan(seed: u64, run: u64, at_once: usize) -> f64 {
    let mut outages = Seeds::new(seed, run).stream(OUTAGES, 0);
    let mut out = [0.0f64; SERVERS];
    for _ in 0..SERVERS {
        let free = (0..at_once).min_by(|a, b| out[*a].total_cmp(&out[*b])).unwrap_or(0);
        out[free] -= MEAN * math::ln(outages.uniform());
    }
    out.into_iter().fold(0.0, f64::max)
}

/// τ((N − b)/b + `H_b`).
pub(super) fn mean(at_once: usize) -> f64 {
    let harmonic: f64 = (1..=at_once).map(|i| 1.0 / i as f64).sum();
    MEAN * ((SERVERS - at_once) as f64 / at_once as f64 + harmonic)
}

/// P(makespan <= t), by forward equations.
pub(super) fn below(at_once: usize, t: f64) -> f64 {
    let rate = |done: usize| at_once.min(SERVERS - done) as f64 / MEAN;
    let births: Vec<f64> = (0..SERVERS).map(rate).collect();
    let chain = BirthDeath { deaths: vec![0.0; SERVERS], births };
    let mut start = vec![0.0; SERVERS + 1];
    start[0] = 1.0;
    chain.advance(&start, t, &[0.0; SERVERS + 1]).end[SERVERS]
}

/// The time below which it is with probability `q`.
pub(super) fn quantile(at_once: usize, q: f64) -> f64 {
    let (mut low, mut high) = (0.0, 100.0 * MEAN);
    for _ in 0..50 {
        let middle = f64::midpoint(low, high);
        if below(at_once, middle) < q { low = middle } else { high = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_exact_law() {
        let runs = 20_000;
        let t = quantile(4, 0.9);
        let (mut sum, mut late) = (0.0, 0);
        for run in 0..runs {
            let drawn = makespan(3, run, 4);
            sum += drawn;
            late += u32::from(drawn > t);
        }
        let n = runs as f64;
        assert!((sum / n / mean(4) - 1.0).abs() < 0.01);
        assert!((f64::from(late) / n - 0.1).abs() < 0.01);
    }
}
