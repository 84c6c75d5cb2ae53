//! What past rollouts leave plausible of a time.

use super::past::{Past, Seen};
use crate::scenario::Dist;
use crate::stats::fit::{Sample, plausible, plausible_of_few, redrawn};
use crate::study::fit::{Answer, Options, dist_of};
use crate::units::Span;

/// Resamples that decide whether a law is refused.
const RESAMPLES: u32 = 99;

/// Distributions, each as likely as the other, and from how many values; none without a value.
pub(super) fn learned(
    before: &[Past],
    of: impl Fn(&Past) -> &Vec<Seen>,
    count: usize,
    seed: u64,
) -> (Vec<Dist>, usize) {
    let tick = before.iter().map(|past| past.tick).fold(0.0, f64::max);
    // Where the clock shows fractions, nothing takes no time.
    let least = if tick > 0.0 { 0.0 } else { 1e-6 };
    let values = |over: bool| -> Vec<f64> {
        let all = before.iter().flat_map(&of);
        all.filter(|(_, ended)| *ended == over).map(|(value, _)| value.max(least)).collect()
    };
    let ended = values(true);
    let sample = Sample::new(tick, &ended, &values(false));
    let how = Options { resamples: RESAMPLES, seed, ..Options::default() };
    let dists = match Answer::of(&sample, &how) {
        Answer::Law { .. } => {
            let laws = plausible(&sample, count, seed).unwrap_or_default();
            laws.iter().map(dist_of).collect()
        }
        Answer::Quantiles { .. } => {
            let again = |index: usize| data(redrawn(&sample, seed.wrapping_add(index as u64)));
            (0..count).map(again).collect()
        }
        Answer::Fixed(value) => vec![Dist::Fixed(Span::from_secs_f64(value)); count],
        // Few values are better than none.
        Answer::Nothing(_) => match plausible_of_few(&ended, count, seed) {
            Some(laws) => laws.iter().map(dist_of).collect(),
            None if ended.is_empty() => Vec::new(),
            None => vec![Dist::Fixed(Span::ZERO); count],
        },
    };
    (dists, ended.len())
}

fn data(mut values: Vec<f64>) -> Dist {
    values.sort_by(f64::total_cmp);
    Dist::Data(values.into_iter().map(Span::from_secs_f64).collect())
}
