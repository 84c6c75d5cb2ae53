//! Many plays of one recording, as one prediction.

use std::collections::BTreeMap;

/// Points of the predicted curve.
const GRID: u32 = 240;

/// How one play went; seconds.
#[derive(Debug, Clone, Default)]
pub(super) struct Play {
    /// When somebody who waits for the rollout was first told that it is done.
    pub(super) done: Option<f64>,
    /// At the end of the record everything was at the target and at rest.
    pub(super) settled: bool,
    /// Instances at the target and available at the end of the record.
    pub(super) at_target: u32,
    /// Most at once, neither terminating nor failed.
    pub(super) active_max: u32,
    /// Largest sum of the sizes asked for, where the orchestrator shows any.
    pub(super) size_max: u32,
    /// Fewest reported available.
    pub(super) available_min: u32,
    /// Reported available: from this second on, so many.
    pub(super) available: Vec<(f64, u32)>,
}

/// Counts with the share of plays that came to each, most frequent first.
pub(super) type Shares = Vec<(u32, f64)>;

/// What the plays say together.
#[derive(Debug)]
pub(super) struct Forecast {
    /// Done, settled: the most frequent.
    pub(super) fate: (bool, bool),
    /// Median time until done, over the plays that were done; `None` if most were not.
    pub(super) duration: Option<f64>,
    /// Their middle 90 %.
    pub(super) band: Option<(f64, f64)>,
    /// The most frequent; of equally frequent ones the smallest.
    pub(super) active_max: u32,
    pub(super) available_min: u32,
    pub(super) at_target: u32,
    /// Share of plays by the most and by the fewest, most frequent first.
    pub(super) active_maxes: Shares,
    pub(super) available_mins: Shares,
    /// Share of plays by fate, most frequent first.
    pub(super) fates: Vec<((bool, bool), f64)>,
}

impl Forecast {
    /// Of at least one play.
    pub(super) fn of(plays: &[Play]) -> Self {
        let fates = shares(plays.iter().map(|play| (play.done.is_some(), play.settled)));
        let fate = fates[0].0;
        let mut done: Vec<f64> = plays.iter().filter_map(|play| play.done).collect();
        done.sort_by(f64::total_cmp);
        let done = if fate.0 { done } else { Vec::new() };
        let active_maxes = shares(plays.iter().map(|play| play.active_max));
        let available_mins = shares(plays.iter().map(|play| play.available_min));
        Self {
            duration: quantile(&done, 0.5),
            band: quantile(&done, 0.05).zip(quantile(&done, 0.95)),
            active_max: active_maxes[0].0,
            available_min: available_mins[0].0,
            active_maxes,
            available_mins,
            at_target: most_frequent(plays.iter().map(|play| play.at_target)),
            fate,
            fates,
        }
    }
}

/// Reported availability over time until `end`: second, p5, median, p95.
pub(super) fn curve(plays: &[Play], end: f64) -> Vec<(f64, f64, f64, f64)> {
    let point = |index: u32| {
        let at = end * f64::from(index) / f64::from(GRID);
        let value = |play: &Play| {
            let after = play.available.partition_point(|(since, _)| *since <= at);
            f64::from(play.available[after.saturating_sub(1)].1)
        };
        let mut values: Vec<f64> =
            plays.iter().filter(|play| !play.available.is_empty()).map(value).collect();
        values.sort_by(f64::total_cmp);
        let of = |p| quantile(&values, p).unwrap_or(0.0);
        (at, of(0.05), of(0.5), of(0.95))
    };
    (0..=GRID).map(point).collect()
}

/// Share of each, most frequent first; of equally frequent ones the smallest first.
pub(super) fn shares<T: Ord + Clone>(all: impl Iterator<Item = T>) -> Vec<(T, f64)> {
    let mut counts: BTreeMap<T, u32> = BTreeMap::new();
    let mut total = 0;
    for one in all {
        *counts.entry(one).or_default() += 1;
        total += 1;
    }
    let mut shares: Vec<(T, f64)> = counts
        .into_iter()
        .map(|(one, count)| (one, f64::from(count) / f64::from(total.max(1))))
        .collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    shares
}

pub(super) fn most_frequent(all: impl Iterator<Item = u32>) -> u32 {
    shares(all).first().map_or(0, |(value, _)| *value)
}

/// The value below which a share `p` of the sorted values lies (nearest rank, the middle of two
/// for the median).
pub(super) fn quantile(sorted: &[f64], p: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = p * last as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(low + (high - low) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::{Forecast, Play, quantile, shares};

    #[test]
    fn the_median_of_durations_and_the_most_frequent_of_counts() {
        let play = |done, active_max| Play { done, active_max, settled: true, ..Play::default() };
        let plays = [play(Some(3.0), 5), play(Some(1.0), 6), play(None, 6), play(Some(2.0), 5)];
        let forecast = Forecast::of(&plays);
        assert_eq!((forecast.duration, forecast.active_max), (Some(2.0), 5));
        assert_eq!(forecast.fates, [((true, true), 0.75), ((false, true), 0.25)]);
        let never = Forecast::of(&[play(None, 5), play(None, 5), play(Some(1.0), 5)]);
        assert_eq!((never.fate, never.duration), ((false, true), None));
    }

    #[test]
    fn quantiles_lie_between_their_neighbours() {
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[1.0, 2.0], 0.5), Some(1.5));
        assert_eq!(shares([2, 1, 2, 3, 3].into_iter())[0], (2, 0.4));
    }
}
