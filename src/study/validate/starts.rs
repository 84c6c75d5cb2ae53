//! How long updates take by the law of one, drawn as the simulated world draws durations.

use super::estimate::{Seen, replicate};
use super::{Case, Measured, measured};
use crate::engine::{EventQueue, Sampler, Seeds, Stream};
use crate::scenario::Dist;
use crate::sim::steady::duration_sampler;
use crate::units::{Span, Time};

/// Purpose of the random stream of these draws, apart from those of the kernel.
const STARTS: u32 = 901;

fn law(case: &Case) -> Sampler {
    duration_sampler(&if case.row.has("tau") {
        Dist::Exponential { mean: Span::from_secs_f64(case.number("tau")) }
    } else {
        Dist::lognormal_mean_sd(case.number("mean"), case.number("sd"))
    })
}

/// The longest of so many draws, seconds.
fn longest_of(count: u32, law: &Sampler, stream: &mut Stream) -> f64 {
    (0..count).map(|_| law.at(stream.bits())).fold(0.0, f64::max) / 1e9
}

/// Means of `one` over many draws.
fn mean_of(
    case: &Case,
    (quantity, what): (&'static str, &str),
    draws: u32,
    one: impl Fn(&Sampler, &mut Stream) -> f64 + Sync,
) -> Vec<Measured> {
    let law = law(case);
    let (runs, draws) = (64, case.pick(draws, draws / 8));
    let found = replicate(case.replications(runs), |replication| {
        let mut stream = Seeds::new(1, replication).stream(STARTS, 0);
        let sum: f64 = (0..draws).map(|_| one(&law, &mut stream)).sum();
        Seen { values: vec![sum / f64::from(draws)], controls: vec![] }
    });
    let how = format!("{what}, start times drawn as the world draws them, {runs} runs of {draws}");
    measured(&[quantity], &found, &how)
}

pub(super) fn longest(case: &Case) -> Vec<Measured> {
    let count = case.count("b");
    let draws = (60_000 / count).max(2_000);
    mean_of(case, ("E[max of b]", "longest of b"), draws, |law, stream| {
        longest_of(count, law, stream)
    })
}

pub(super) fn batches(case: &Case) -> Vec<Measured> {
    let (servers, batch) = (case.count("N"), case.count("b"));
    mean_of(case, ("E[makespan]", "batch after batch"), 4_000, |law, stream| {
        let sizes = (0..servers).step_by(batch as usize).map(|done| batch.min(servers - done));
        sizes.map(|size| longest_of(size, law, stream)).sum()
    })
}

/// List scheduling: the next starts as soon as one of `b` is done.
pub(super) fn window(case: &Case) -> Vec<Measured> {
    if !case.asks("E[makespan], list scheduling") {
        return Vec::new();
    }
    let (servers, at_once) = (case.count("N"), case.count("b"));
    let quantity = "E[makespan], list scheduling";
    mean_of(case, (quantity, "the next starts when one is done"), 20_000, |law, stream| {
        let mut ends: EventQueue<()> = EventQueue::default();
        let mut now = Time::ZERO;
        for started in 0..servers {
            if started >= at_once {
                now = ends.pop().map_or(now, |(at, ())| at);
            }
            ends.push(now + Span(law.at(stream.bits()) as u64), ());
        }
        while let Some((at, ())) = ends.pop() {
            now = at;
        }
        now.as_secs_f64()
    })
}
