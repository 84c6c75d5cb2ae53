//! Where the time of a run goes.

use std::collections::BTreeMap;

use super::result::Story;
use crate::trace::{Moment, Phase, Record};
use crate::units::Time;

/// What a rollout waits for, most telling first: an instant belongs to the first that applies.
const CAUSES: [&str; 4] = ["start", "min ready", "drain", "control plane"];

/// Shares of the time from the beginning of the rollout to its last verdict, by what was going
/// on: some instance starting; else some waiting to count as available; else some draining;
/// else nothing but the control plane.
pub(super) fn shares(story: &Story) -> Vec<(String, f64)> {
    let mut phases: BTreeMap<u32, Phase> = BTreeMap::new();
    let mut spent = [0.0; CAUSES.len()];
    let (mut begun, mut last) = (Time::NEVER, Time::ZERO);
    let end = story
        .records
        .iter()
        .rev()
        .find(|(_, record)| matches!(record, Record::Said(said) if said.is_terminal()))
        .map_or(story.series.end, |(at, _)| *at);
    for (at, record) in &story.records {
        if begun < Time::NEVER && *at > last {
            spent[waiting_for(&phases)] += at.min(&end).since(last).as_secs_f64();
        }
        last = (*at).max(last);
        match record {
            Record::Phase { instance, to, .. } => {
                phases.insert(*instance, *to);
            }
            Record::Moment(Moment::Begun) => begun = *at,
            _ => {}
        }
        if *at >= end {
            break;
        }
    }
    let total: f64 = spent.iter().sum();
    if total <= 0.0 {
        return Vec::new();
    }
    let mut shares: Vec<(String, f64)> =
        CAUSES.iter().zip(spent).map(|(cause, s)| ((*cause).to_owned(), s / total)).collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    shares
}

fn waiting_for(phases: &BTreeMap<u32, Phase>) -> usize {
    let has = |wanted: &[Phase]| phases.values().any(|phase| wanted.contains(phase));
    if has(&[Phase::Pending, Phase::Starting]) {
        0
    } else if has(&[Phase::Ready]) {
        1
    } else if has(&[Phase::Draining]) {
        2
    } else {
        3
    }
}
