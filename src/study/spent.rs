//! Where the time of a run goes.

use std::collections::BTreeMap;

use super::result::Story;
use crate::scenario::Scenario;
use crate::trace::{Moment, Phase, Record};
use crate::units::{Span, Time};

/// What a rollout waits for, most telling first: an instant belongs to the first that applies.
const CAUSES: [&str; 5] = ["start", "min ready", "drain", "bake", "orchestrator"];
const BAKE: usize = 3;
const ORCHESTRATOR: usize = 4;

/// Phase of each instance, and since when.
type Phases = BTreeMap<u32, (Phase, Time)>;

/// Shares of the time from the beginning of the rollout to its last verdict, by what was going
/// on: some instance starting; else some waiting to count as available; else some draining; else
/// a batch watched; else nobody is on the way: the orchestrator waits, or its commands travel.
pub(super) fn shares(scenario: &Scenario, story: &Story) -> Vec<(String, f64)> {
    let bake = scenario.strategy.bake();
    let mut phases = Phases::new();
    let mut spent = [0.0; CAUSES.len()];
    let (mut begun, mut last) = (Time::NEVER, Time::ZERO);
    let end = story
        .records
        .iter()
        .rev()
        .find(|(_, record)| matches!(record, Record::Said(said) if said.is_terminal()))
        .map_or(story.series.end, |(at, _)| *at);
    for (at, record) in &story.records {
        let until = *at.min(&end);
        if begun < Time::NEVER && until > last {
            let cause = waiting_for(&phases);
            let baked = if cause == ORCHESTRATOR {
                watched_until(&phases, begun, bake).clamp(last, until)
            } else {
                last
            };
            spent[BAKE] += baked.since(last).as_secs_f64();
            spent[cause] += until.since(baked).as_secs_f64();
        }
        last = until.max(last);
        match record {
            Record::Phase { instance, to, .. } => {
                phases.insert(*instance, (*to, *at));
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

fn waiting_for(phases: &Phases) -> usize {
    let has = |wanted: &[Phase]| phases.values().any(|(phase, _)| wanted.contains(phase));
    if has(&[Phase::Pending, Phase::Starting]) {
        0
    } else if has(&[Phase::Ready]) {
        1
    } else if has(&[Phase::Draining]) {
        2
    } else {
        ORCHESTRATOR
    }
}

/// Until when the youngest instance of this rollout is watched.
fn watched_until(phases: &Phases, begun: Time, bake: Span) -> Time {
    let since = phases
        .values()
        .filter(|(phase, since)| *phase == Phase::Available && *since > begun)
        .map(|(_, since)| *since)
        .max();
    since.map_or(Time::ZERO, |since| since + bake)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::scenario;
    use crate::study::{Options, Runs, simulate};

    #[test]
    fn a_bake_is_not_blamed_on_the_control_plane() {
        let share = |bake: &str, cause: &str| {
            let text = format!(
                "rollcast = 1\n[service]\ninstances = 2\n[versions.old]\nstart = \"20s\"\n\
                 exit = \"0s\"\n[probes]\nperiod = \"1s\"\n[strategy.generic]\nbatch = 1\n\
                 bake = \"{bake}\"\n"
            );
            let loaded = scenario::load(&text, "x", Path::new(""), &[]).expect("sound");
            let runs = Runs::Fixed(1);
            let options = Options { seed: 1, runs, max_runs: 1, threads: 1 };
            let result = simulate(&loaded.scenario, &options, &|_| {});
            result.time_shares.iter().find(|(name, _)| name == cause).unwrap().1
        };
        assert_eq!(share("0s", "bake"), 0.0);
        let baked = share("20s", "bake");
        assert!((0.42..0.52).contains(&baked), "as long as a start: {baked}");
        assert!(share("20s", "orchestrator") < 0.08);
    }
}
