//! Which failing runs are worth telling: one for each of the commonest ways to fail.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::observe::{Keep, Player, Run};
use super::replicate::Replications;
use super::result::{FailureStory, Story};
use crate::outcome::{Fate, Outcome};
use crate::scenario::OutcomeKey;
use crate::sim::Depth;

/// As many as are told.
const STORIES: usize = 3;
/// Runs of one kind among which the most typical is sought: the first so many.
const COMPARED: usize = 300;

/// What two runs of one kind may differ in.
const FEATURES: [OutcomeKey; 8] = [
    OutcomeKey::Duration,
    OutcomeKey::Detected,
    OutcomeKey::Decided,
    OutcomeKey::Restored,
    OutcomeKey::ServingMin,
    OutcomeKey::CapacityLost,
    OutcomeKey::FailedShare,
    OutcomeKey::Exposure,
];

/// The worst thing about a failing run; the first that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    NoWayBack,
    BackFailed,
    NobodyServed,
    Person,
    TakenBack,
    Unnoticed,
}

/// How a run failed, if it did.
fn kind(outcome: &Outcome) -> Option<(Fate, Cause)> {
    let is = |key| outcome.get(key).is_some_and(|value| value > 0.0);
    let causes = [
        (OutcomeKey::RollbackBlocked, Cause::NoWayBack),
        (OutcomeKey::RollbackFailed, Cause::BackFailed),
        (OutcomeKey::FullOutage, Cause::NobodyServed),
        (OutcomeKey::Human, Cause::Person),
        (OutcomeKey::Decided, Cause::TakenBack),
        (OutcomeKey::Exposure, Cause::Unnoticed),
    ];
    let cause = causes.into_iter().find(|(key, _)| is(*key)).map(|(_, cause)| cause);
    let fallback = (outcome.fate != Fate::Completed).then_some(Cause::Unnoticed);
    cause.or(fallback).map(|cause| (outcome.fate, cause))
}

/// The runs to tell, in the order of how common their kind is. With fewer kinds than stories the
/// commonest kind has more: those least like the ones already chosen.
pub(super) fn stories(runs: &Replications<'_>) -> Vec<FailureStory> {
    let deep = runs.has_traffic();
    let (pool, depth) =
        if deep { (&runs.requests, Depth::Requests) } else { (&runs.control, Depth::Control) };
    let weights = runs.weights();
    let weight = |run: &Run| if deep { runs.weight(&weights, run.replication) } else { 1.0 };
    let total: f64 = pool.iter().map(weight).sum();
    let mut kinds: BTreeMap<(Fate, Cause), (f64, Vec<&Run>)> = BTreeMap::new();
    for run in pool {
        if let Some(kind) = kind(&run.outcome) {
            let entry = kinds.entry(kind).or_default();
            entry.0 += weight(run);
            entry.1.push(run);
        }
    }
    let mut kinds: Vec<_> = kinds.into_values().collect();
    kinds.sort_by(|a, b| b.0.total_cmp(&a.0));
    let outcomes: Vec<Vec<&Outcome>> = kinds
        .iter()
        .map(|(_, of)| of.iter().map(|run| &run.outcome).take(COMPARED).collect())
        .collect();
    let mut player = Player::new(runs.model, runs.scenario, runs.seed);
    picks(&outcomes)
        .into_iter()
        .map(|(kind, index)| {
            let replication = kinds[kind].1[index].replication;
            let run = player.play(replication, depth, Keep { series: true, records: true });
            let (outcome, records) = (run.outcome, run.records);
            let series = run.series.unwrap_or_default();
            let story = Story { replication, outcome, series, records };
            FailureStory { story, share: kinds[kind].0 / total }
        })
        .collect()
}

/// The commonest of several results that are mixed in these shares.
pub(super) fn mixed(parts: &[(f64, &[FailureStory])]) -> Vec<FailureStory> {
    let of = |(part, stories): &(f64, &[FailureStory])| -> Vec<FailureStory> {
        let weigh = |told: &FailureStory| FailureStory { share: told.share * part, ..told.clone() };
        stories.iter().map(weigh).filter(|told| told.share > 0.0).collect()
    };
    let mut all: Vec<FailureStory> = parts.iter().flat_map(of).collect();
    all.sort_by(|a, b| b.share.total_cmp(&a.share));
    all.truncate(STORIES);
    all
}

/// (kind, place in it) of each run to tell.
fn picks(kinds: &[Vec<&Outcome>]) -> Vec<(usize, usize)> {
    let mut chosen = Vec::new();
    for (kind, outcomes) in kinds.iter().enumerate().take(STORIES) {
        chosen.push((kind, medoid(&features(outcomes))));
    }
    let Some(first) = kinds.first() else { return chosen };
    let features = features(first);
    while chosen.len() < STORIES {
        let told: Vec<usize> = chosen.iter().filter(|(k, _)| *k == 0).map(|(_, i)| *i).collect();
        let apart = |i: usize| {
            told.iter().map(|t| distance(&features[i], &features[*t])).fold(f64::MAX, f64::min)
        };
        let furthest = (0..features.len())
            .max_by(|a, b| apart(*a).total_cmp(&apart(*b)).then(Reverse(*a).cmp(&Reverse(*b))));
        match furthest.filter(|i| apart(*i) > 0.0) {
            Some(index) => chosen.push((0, index)),
            None => break,
        }
    }
    chosen
}

/// Each outcome by its ranks, so that no feature counts for more than another: 0..1, and −1
/// where there is no value.
fn features(outcomes: &[&Outcome]) -> Vec<[f64; FEATURES.len()]> {
    let mut features = vec![[-1.0; FEATURES.len()]; outcomes.len()];
    for (place, key) in FEATURES.into_iter().enumerate() {
        let mut values: Vec<f64> = outcomes.iter().filter_map(|o| o.get(key)).collect();
        values.sort_by(f64::total_cmp);
        for (of, outcome) in features.iter_mut().zip(outcomes) {
            if let Some(value) = outcome.get(key) {
                let below = values.partition_point(|v| *v < value);
                let ties = values.partition_point(|v| *v <= value) - below;
                of[place] = (below as f64 + ties as f64 / 2.0) / values.len() as f64;
            }
        }
    }
    features
}

fn distance(a: &[f64; FEATURES.len()], b: &[f64; FEATURES.len()]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum()
}

/// The one that is nearest to all others; the first of several.
fn medoid(features: &[[f64; FEATURES.len()]]) -> usize {
    let far = |i: usize| features.iter().map(|other| distance(&features[i], other)).sum::<f64>();
    (0..features.len()).min_by(|a, b| far(*a).total_cmp(&far(*b))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Is;
    use crate::trace::Said;

    fn outcome(fate: Fate, values: &[(OutcomeKey, f64)]) -> Outcome {
        let mut all = vec![f64::NAN; OutcomeKey::ALL.len()];
        for (key, value) in values {
            all[*key as usize] = *value;
        }
        let (said, is) = (Said::Completed, Is::default());
        Outcome { values: all, said, is, fate, endings: [[0; 8]; 3], latency: Vec::new() }
    }

    #[test]
    fn the_worst_thing_about_a_run_is_its_kind() {
        let good = outcome(Fate::Completed, &[(OutcomeKey::Human, 0.0)]);
        assert_eq!(kind(&good), None);
        let unseen = outcome(Fate::Stuck, &[]);
        assert_eq!(kind(&unseen), Some((Fate::Stuck, Cause::Unnoticed)));
        let both = [(OutcomeKey::Human, 1.0), (OutcomeKey::RollbackFailed, 1.0)];
        let failed = outcome(Fate::RolledBack, &both);
        assert_eq!(kind(&failed), Some((Fate::RolledBack, Cause::BackFailed)));
        let exposed = outcome(Fate::Completed, &[(OutcomeKey::Exposure, 3.0)]);
        assert_eq!(kind(&exposed), Some((Fate::Completed, Cause::Unnoticed)));
    }

    #[test]
    fn the_middle_is_told_first_and_then_the_ends() {
        let runs: Vec<Outcome> = [50.0, 10.0, 30.0, 90.0, 31.0]
            .map(|restored| outcome(Fate::RolledBack, &[(OutcomeKey::Restored, restored)]))
            .into();
        let of: Vec<&Outcome> = runs.iter().collect();
        // Ranks: 10, 30, 31, 50, 90. The middle is 31; then the ends.
        assert_eq!(picks(&[of]), [(0, 4), (0, 1), (0, 3)]);
        let same: Vec<&Outcome> = vec![&runs[0], &runs[0]];
        assert_eq!(picks(&[same]), [(0, 0)], "nothing is told twice");
        assert!(picks(&[]).is_empty());
    }

    #[test]
    fn each_kind_has_a_story_before_one_has_two() {
        let a = outcome(Fate::Stuck, &[(OutcomeKey::ServingMin, 1.0)]);
        let b = outcome(Fate::Paused, &[(OutcomeKey::ServingMin, 1.0)]);
        let kinds = vec![vec![&a, &a], vec![&b], vec![&b], vec![&b]];
        assert_eq!(picks(&kinds), [(0, 0), (1, 0), (2, 0)]);
    }
}
