//! One moment of a run: who serves, who does not, and why.

use super::lives::lives;
use crate::scenario::Scenario;
use crate::trace::{Moment, Phase, Record, Said, VersionId};
use crate::units::Time;

/// An instance that exists and does not serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// Its number.
    pub instance: u32,
    /// What it runs.
    pub version: VersionId,
    /// Its phase.
    pub phase: Phase,
    /// Since when it is in it.
    pub since: Time,
    /// When it serves, if it ever will.
    pub serves_from: Option<Time>,
}

/// A run at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// When.
    pub at: Time,
    /// When the rollout began.
    pub begun: Time,
    /// Instances that are wanted.
    pub desired: u32,
    /// Serving, by version: old, and everything newer.
    pub serving: [u32; 2],
    /// Exist, and do not serve; those on the way first, then those that leave.
    pub missing: Vec<Missing>,
    /// The last word of the orchestrator.
    pub said: Option<Said>,
    /// The last batch that began.
    pub batch: Option<u32>,
    /// What happens next: when, and to how many instances what.
    pub next: Option<(Time, Phase, u32)>,
}

/// The run with these records, at `at`.
pub fn of(scenario: &Scenario, records: &[(Time, Record)], at: Time) -> At {
    let mut found = At {
        at,
        begun: Time::ZERO,
        desired: scenario.service.instances,
        serving: [0; 2],
        missing: Vec::new(),
        said: None,
        batch: None,
        next: None,
    };
    for (when, record) in records {
        match record {
            Record::Moment(Moment::Begun) => found.begun = *when,
            _ if *when > at => {}
            Record::Desired { instances } => found.desired = *instances,
            Record::Said(said) => found.said = Some(*said),
            Record::Moment(Moment::Batch(batch)) => found.batch = Some(*batch),
            _ => {}
        }
    }
    for (instance, life) in lives(records) {
        let Some((phase, since)) = life.phase(at) else { continue };
        if life.serves(at) {
            found.serving[usize::from(life.version != VersionId::OLD)] += 1;
        } else if !matches!(phase, Phase::Stopped | Phase::Lost) {
            let (version, serves_from) = (life.version, life.serves_from(at));
            found.missing.push(Missing { instance, version, phase, since, serves_from });
        }
    }
    found.missing.sort_by_key(|m| (m.phase == Phase::Draining, m.since, m.instance));
    found.next = next(records, at);
    found
}

/// The next moves of instances, all that come at once.
fn next(records: &[(Time, Record)], at: Time) -> Option<(Time, Phase, u32)> {
    let moves = records.iter().filter_map(|(when, record)| match record {
        Record::Phase { to, .. } if *when > at => Some((*when, *to)),
        _ => None,
    });
    let all: Vec<_> = moves.collect();
    let (when, to) = *all.first()?;
    let count = all.iter().take_while(|(w, _)| *w == when).filter(|(_, t)| *t == to).count();
    Some((when, to, count as u32))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::of;
    use crate::scenario;
    use crate::study::{Options, Runs, simulate};
    use crate::trace::Phase;
    use crate::units::Span;

    #[test]
    fn who_is_missing_is_starting_or_leaving() {
        let text = "rollcast = 1\n[service]\ninstances = 4\n[versions.old]\nstart = \"20s\"\n\
                    exit = \"7s\"\n[strategy.generic]\nbatch = 2\norder = \"stop-first\"\n";
        let loaded = scenario::load(text, "x", Path::new(""), &[]).expect("sound");
        let options = Options { seed: 1, runs: Runs::Fixed(1), max_runs: 1, threads: 1 };
        let result = simulate(&loaded.scenario, &options, &|_| {});
        let story = &result.median;
        let at =
            |secs| of(&loaded.scenario, &story.records, story.series.begun + Span::from_secs(secs));
        let leaving = at(3);
        assert_eq!((leaving.serving, leaving.desired), ([2, 0], 4));
        assert!(leaving.missing.iter().all(|m| m.phase == Phase::Draining));
        let starting = at(15);
        assert_eq!(starting.missing.len(), 2);
        for missing in &starting.missing {
            assert_eq!(missing.phase, Phase::Starting);
            assert!(missing.serves_from > Some(starting.at));
        }
        let serving = |at: &super::At| at.serving[0] + at.serving[1];
        for secs in 0..60 {
            let point = story.series.at(story.series.begun + Span::from_secs(secs));
            assert_eq!(serving(&at(secs)), point.serving(), "as the series says, at {secs} s");
        }
    }
}
