//! What past rollouts leave plausible of a time.

use super::past::{Past, Seen};
use crate::scenario::Dist;
use crate::stats::fit::{Law, Sample, between, plausible, plausible_of_few, redrawn};
use crate::study::fit::{Answer, Options};
use crate::units::Span;

/// Resamples that decide whether a law is refused.
const RESAMPLES: u32 = 99;

/// Distributions, each as likely as the other, and from how many values; none without a value.
/// Where rollouts differed by more than chance, the next one may differ as much.
pub(super) fn learned(
    before: &[Past],
    of: impl Fn(&Past) -> &Vec<Seen>,
    count: usize,
    seed: u64,
) -> (Vec<Dist>, usize) {
    let tick = before.iter().map(|past| past.tick).fold(0.0, f64::max);
    // Where the clock shows fractions, nothing takes no time; where it does not, a value of
    // nothing is a quarter of a tick in the mean logarithm.
    let least = if tick > 0.0 { 0.0 } else { 1e-6 };
    let ended = |past: &Past| of(past).iter().filter(|(_, over)| *over).map(|(x, _)| *x).collect();
    let groups: Vec<Vec<f64>> = before.iter().map(ended).collect();
    let of_nothing = (tick / 4.0).max(least);
    let levels: Vec<Vec<f64>> =
        groups.iter().map(|group| group.iter().map(|x| x.max(of_nothing)).collect()).collect();
    let between = between(&levels);
    let factor = |index: usize| between.as_ref().map_or(1.0, |between| between.factors[index]);
    let values = |over: bool| -> Vec<f64> {
        let alike = |(index, past): (usize, &Past)| {
            let values = of(past).iter().filter(|(_, ended)| *ended == over);
            values.map(|(x, _)| (x / factor(index)).max(least)).collect::<Vec<f64>>()
        };
        before.iter().enumerate().flat_map(alike).collect()
    };
    let sample = Sample::new(tick, &values(true), &values(false));
    let dists = plausible_dists(&sample, &values(true), count, seed);
    let next = between.map_or(Vec::new(), |between| between.next(count, seed));
    let times = |(index, dist): (usize, Dist)| match next.get(index) {
        Some(factor) => Dist::Scaled(Box::new(dist), *factor),
        None => dist,
    };
    (dists.into_iter().enumerate().map(times).collect(), sample.ended())
}

fn plausible_dists(sample: &Sample, ended: &[f64], count: usize, seed: u64) -> Vec<Dist> {
    let how = Options { resamples: RESAMPLES, seed, ..Options::default() };
    match Answer::of(sample, &how) {
        Answer::Law { .. } => {
            let laws = plausible(sample, count, seed).unwrap_or_default();
            laws.iter().map(table).collect()
        }
        Answer::Quantiles { .. } => {
            let again = |index: usize| data(redrawn(sample, seed.wrapping_add(index as u64)));
            (0..count).map(again).collect()
        }
        Answer::Fixed(value) => vec![Dist::Fixed(Span::from_secs_f64(value)); count],
        // Few values are better than none.
        Answer::Nothing(_) => match plausible_of_few(ended, count, seed) {
            Some(laws) => laws.iter().map(table).collect(),
            None if ended.is_empty() => Vec::new(),
            None => vec![Dist::Fixed(Span::ZERO); count],
        },
    }
}

/// Probabilities of a table of a law, dense where the slowest of many instances is.
const TABLE: [f64; 33] = [
    0.0005, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55,
    0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999,
    0.9995, 0.9999,
];

/// A law by its quantiles: a world tabulates its distributions finely, which for gamma laws takes
/// longer than all runs of one draw.
fn table(law: &Law) -> Dist {
    let span = |p: f64| Span::from_secs_f64(law.quantile(p).min(1e6));
    Dist::Quantiles(TABLE.iter().map(|p| (*p, span(*p))).collect())
}

fn data(mut values: Vec<f64>) -> Dist {
    values.sort_by(f64::total_cmp);
    Dist::Data(values.into_iter().map(Span::from_secs_f64).collect())
}
