//! Over all recordings.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Verdict;
use super::forecast::quantile;

/// How good the predictions were, over all recordings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Total {
    /// Recordings.
    pub traces: usize,
    /// Whose fate was predicted.
    pub final_ok: usize,
    /// Whose most instances at once were.
    pub instances_max_equal: usize,
    /// Whose fewest available were.
    pub available_min_equal: usize,
    /// With a determinate order of steps.
    pub steps: usize,
    /// Of these, in the predicted order.
    pub steps_equal: usize,
    /// |predicted − recorded| / recorded duration; `None` without any.
    pub duration_error: Option<Spread>,
    /// The same in seconds.
    pub duration_error_s: Option<Spread>,
    /// How the bands of the durations did; `None` without any.
    pub band: Option<Band>,
    /// The same by class.
    pub classes: BTreeMap<String, Class>,
}

/// One class.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct Class {
    /// Recordings.
    pub traces: usize,
    /// Whose fate was predicted.
    pub final_ok: usize,
    /// Whose most instances at once were.
    pub instances_max_equal: usize,
    /// Whose fewest available were.
    pub available_min_equal: usize,
    /// With a determinate order of steps.
    pub steps: usize,
    /// Of these, in the predicted order.
    pub steps_equal: usize,
    /// |predicted − recorded| / recorded duration; `None` without any.
    pub duration_error: Option<Spread>,
}

/// Bands: the middle 90 % of the predicted durations.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Band {
    /// How many, beside a recorded duration each.
    pub n: usize,
    /// That hold it.
    pub holds: usize,
    /// Mean width / recorded duration.
    pub mean_width: f64,
}

impl Band {
    fn of(verdicts: &[Verdict]) -> Option<Self> {
        let pairs = verdicts.iter().filter_map(|v| v.band_s.zip(v.duration_s.recorded));
        let pairs: Vec<_> = pairs.collect();
        let holds = pairs.iter().filter(|((low, high), at)| (low..=high).contains(&at)).count();
        let width: f64 = pairs.iter().map(|((low, high), at)| (high - low) / at).sum();
        let n = pairs.len();
        (n > 0).then(|| Self { n, holds, mean_width: width / n as f64 })
    }
}

/// Where a set of numbers lies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// How many.
    pub n: usize,
    /// Median.
    pub p50: f64,
    /// 90 % lie below.
    pub p90: f64,
    /// 95 % do.
    pub p95: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// Of these numbers, if there are any.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let [p50, p90, p95] = [0.5, 0.9, 0.95].map(|p| quantile(&values, p));
        Some(Self { n: values.len(), p50: p50?, p90: p90?, p95: p95?, max: *values.last()? })
    }
}

impl Total {
    /// Of these verdicts.
    pub fn of(verdicts: &[Verdict]) -> Self {
        let mut by_class: BTreeMap<String, Vec<&Verdict>> = BTreeMap::new();
        for verdict in verdicts {
            by_class.entry(verdict.class.clone()).or_default().push(verdict);
        }
        let all: Vec<&Verdict> = verdicts.iter().collect();
        let over = class(&all);
        let errors = all.iter().filter_map(|verdict| errors(verdict)).map(|(s, _)| s).collect();
        Self {
            traces: over.traces,
            final_ok: over.final_ok,
            instances_max_equal: over.instances_max_equal,
            available_min_equal: over.available_min_equal,
            steps: over.steps,
            steps_equal: over.steps_equal,
            duration_error: over.duration_error,
            duration_error_s: Spread::of(errors),
            band: Band::of(verdicts),
            classes: by_class.into_iter().map(|(name, all)| (name, class(&all))).collect(),
        }
    }
}

fn class(verdicts: &[&Verdict]) -> Class {
    let count = |test: &dyn Fn(&Verdict) -> bool| verdicts.iter().filter(|v| test(v)).count();
    let relative = verdicts.iter().filter_map(|verdict| errors(verdict)).map(|(_, r)| r).collect();
    Class {
        traces: verdicts.len(),
        final_ok: count(&|v| v.final_ok),
        instances_max_equal: count(&|v| v.instances_max.is_equal()),
        available_min_equal: count(&|v| v.available_min.is_equal()),
        steps: count(&|v| v.steps_equal.is_some()),
        steps_equal: count(&|v| v.steps_equal == Some(true)),
        duration_error: Spread::of(relative),
    }
}

/// |predicted − recorded|: seconds, and relative to the recorded duration.
fn errors(verdict: &Verdict) -> Option<(f64, f64)> {
    let (recorded, predicted) = verdict.duration_s.recorded.zip(verdict.duration_s.predicted)?;
    let error = (predicted - recorded).abs();
    Some((error, error / recorded))
}

/// How far two recordings of the same inputs are apart, beside how far the prediction is.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub struct Differences {
    /// All, by whether pods must be ready for a while, and by class and that.
    pub groups: BTreeMap<String, Difference>,
}

/// One group of recordings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// |predicted − recorded| / recorded duration.
    pub predicted: Option<Spread>,
    /// |other recording − recorded| / recorded duration, of the same recordings.
    pub repeated: Option<Spread>,
}

/// Holds the errors of predictions against the differences to second recordings, by name.
pub(super) fn differences(
    verdicts: &[Verdict],
    others: &BTreeMap<String, Option<f64>>,
) -> Differences {
    let mut groups: BTreeMap<String, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    for verdict in verdicts {
        let Some(Some(other)) = others.get(&verdict.id) else { continue };
        let Some((_, error)) = errors(verdict) else { continue };
        let Some(recorded) = verdict.duration_s.recorded else { continue };
        let of_class = format!("{}, {}", verdict.class, verdict.group);
        for group in ["all".to_owned(), verdict.group.clone(), of_class] {
            let (predicted, repeated) = groups.entry(group).or_default();
            predicted.push(error);
            repeated.push((other - recorded).abs() / recorded);
        }
    }
    let spread = |(predicted, repeated): (Vec<f64>, Vec<f64>)| Difference {
        predicted: Spread::of(predicted),
        repeated: Spread::of(repeated),
    };
    Differences { groups: groups.into_iter().map(|(name, both)| (name, spread(both))).collect() }
}
