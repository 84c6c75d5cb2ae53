//! The critical path of a run: the chain of waits that made it as long as it was.
//!
//! It is read backwards from the end. What ended last before a moment is taken for what that
//! moment waited for; the life of that instance leads back to when it was begun or told to stop,
//! and from there it goes on. The path covers the whole time from the beginning to the end, so its
//! parts add up to the duration. What ends by chance between a cause and its effect, within the
//! latency of the control plane, may be taken for the cause.

use std::collections::BTreeMap;

use super::lives::{Life, lives};
use crate::trace::{Moment, Phase, Record, Said, VersionId};
use crate::units::{Span, Time};

/// Instances that began the same within this of each other began together.
const TOGETHER: Span = Span::from_secs(1);

/// What a part of the path waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// A place for an instance: hosts, quotas, scheduling.
    Placement,
    /// A start, image pull and probes included.
    Start,
    /// An instance is ready, and must stay so.
    MinReady,
    /// An instance that was told to stop.
    Drain,
    /// A crashed process, until it is started again.
    BackOff,
    /// A batch is watched.
    Bake,
    /// A person who was called.
    Person,
    /// Nobody is on the way: the orchestrator waits, or its commands travel.
    Orchestrator,
}

impl Wait {
    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Placement => "placement",
            Self::Start => "start",
            Self::MinReady => "min ready",
            Self::Drain => "drain",
            Self::BackOff => "back-off",
            Self::Bake => "bake",
            Self::Person => "person",
            Self::Orchestrator => "orchestrator",
        }
    }
}

/// A part of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// From.
    pub from: Time,
    /// Until.
    pub to: Time,
    /// Waiting for what.
    pub wait: Wait,
    /// Whose, if it is an instance's.
    pub instance: Option<(u32, VersionId)>,
    /// So many began this together, and this one was the last to be through.
    pub of: u32,
}

impl Part {
    /// How long.
    pub fn span(&self) -> Span {
        self.to.since(self.from)
    }
}

/// The critical path of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// When the rollout began.
    pub begun: Time,
    /// When it ended, or its record.
    pub end: Time,
    /// What the orchestrator said at the end; `None` if it never came to one.
    pub said: Option<Said>,
    /// In order of time, without gaps.
    pub parts: Vec<Part>,
}

impl Path {
    /// Seconds by what was waited for, longest first, and how many parts.
    pub fn totals(&self) -> Vec<(Wait, f64, u32)> {
        let mut sums: BTreeMap<Wait, (f64, u32)> = BTreeMap::new();
        for part in &self.parts {
            let sum = sums.entry(part.wait).or_default();
            *sum = (sum.0 + part.span().as_secs_f64(), sum.1 + 1);
        }
        let mut all: Vec<_> = sums.into_iter().map(|(wait, (s, n))| (wait, s, n)).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        all
    }
}

/// Something that may have been waited for, at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Finish {
    /// A phase of an instance: the place of the phase that it entered.
    Life(u32, usize),
    /// A person, called then.
    Person(Time),
}

/// The path of the run with these records, of a rollout that watches each batch for `bake`.
pub fn of(records: &[(Time, Record)], bake: Span) -> Path {
    let lives = lives(records);
    let begun = records
        .iter()
        .find(|(_, record)| matches!(record, Record::Moment(Moment::Begun)))
        .map_or(Time::ZERO, |(at, _)| *at);
    let terminal = records.iter().rev().find_map(|(at, record)| match record {
        Record::Said(said) if said.is_terminal() => Some((*at, *said)),
        _ => None,
    });
    let end = terminal
        .map(|(at, _)| at)
        .or(records.last().map(|(at, _)| *at))
        .unwrap_or(begun)
        .max(begun);
    let finishes = finishes(records, &lives, begun);
    let mut parts = Vec::new();
    let mut until = end;
    while until > begun {
        let found =
            finishes.iter().rev().find(|(at, finish)| *at <= until && since(finish, &lives) < *at);
        let Some((at, finish)) = found else {
            waits(&mut parts, begun, until, begun, bake);
            break;
        };
        waits(&mut parts, *at, until, *at, bake);
        until = match finish {
            Finish::Person(called) => {
                let (from, to) = ((*called).max(begun), *at);
                parts.push(Part { from, to, wait: Wait::Person, instance: None, of: 1 });
                from
            }
            Finish::Life(instance, place) => back(&mut parts, &lives, *instance, *place, begun),
        };
    }
    parts.retain(|part| part.to > part.from);
    parts.reverse();
    Path { begun, end, said: terminal.map(|(_, said)| said), parts }
}

/// When what ended began.
fn since(finish: &Finish, lives: &BTreeMap<u32, Life>) -> Time {
    match finish {
        Finish::Person(called) => *called,
        Finish::Life(instance, place) => {
            let phases = &lives[instance].phases;
            phases[first(phases, *place)].0
        }
    }
}

/// The place at which the stretch of a life begins that ends by entering `place`: where it was
/// told to stop, or where it came to be.
fn first(phases: &[(Time, Phase)], place: usize) -> usize {
    let ends_drain = matches!(phases[place].1, Phase::Stopped | Phase::Lost);
    if ends_drain && place > 0 && phases[place - 1].1 == Phase::Draining {
        return place - 1;
    }
    (0..place).rev().find(|at| phases[*at].1 == Phase::Pending).unwrap_or(0)
}

fn finishes(
    records: &[(Time, Record)],
    lives: &BTreeMap<u32, Life>,
    begun: Time,
) -> Vec<(Time, Finish)> {
    let mut all = Vec::new();
    for (instance, life) in lives {
        for (place, (at, phase)) in life.phases.iter().enumerate().skip(1) {
            let ends = match phase {
                Phase::Ready | Phase::Available | Phase::Failed => true,
                Phase::Stopped => life.phases[place - 1].1 == Phase::Draining,
                _ => false,
            };
            if ends && *at > begun {
                all.push((*at, Finish::Life(*instance, place)));
            }
        }
    }
    let mut called = None;
    for (at, record) in records {
        match record {
            Record::Moment(Moment::HumanCalled) => called = Some(*at),
            Record::Moment(Moment::RollbackDecided) => {
                all.extend(called.take().map(|called| (*at, Finish::Person(called))));
            }
            _ => {}
        }
    }
    all.sort();
    all
}

/// The stretch of a life that ends by entering `place`, latest part first; where it began.
fn back(
    parts: &mut Vec<Part>,
    lives: &BTreeMap<u32, Life>,
    instance: u32,
    place: usize,
    begun: Time,
) -> Time {
    let life = &lives[&instance];
    let first = first(&life.phases, place);
    for at in (first..place).rev() {
        let (from, phase) = life.phases[at];
        let wait = match phase {
            Phase::Pending => Wait::Placement,
            Phase::Starting => Wait::Start,
            Phase::Draining => Wait::Drain,
            Phase::Failed => Wait::BackOff,
            Phase::Ready | Phase::Available | Phase::Stopped | Phase::Lost => Wait::MinReady,
        };
        let (from, to) = (from.max(begun), life.phases[at + 1].0);
        if to > begun {
            let of = together(lives, phase, from, to);
            parts.push(Part { from, to, wait, instance: Some((instance, life.version)), of });
        }
    }
    life.phases[first].0.max(begun)
}

/// How many came into `phase` at about `from` and left it by `to`.
fn together(lives: &BTreeMap<u32, Life>, phase: Phase, from: Time, to: Time) -> u32 {
    let near = |at: Time| at.max(from).since(at.min(from)) <= TOGETHER;
    let of = |life: &&Life| {
        life.phases.windows(2).any(|w| w[0].1 == phase && near(w[0].0) && w[1].0 <= to)
    };
    lives.values().filter(of).count() as u32
}

/// Nobody was on the way between these: a batch was watched since `watched`, or the orchestrator
/// took its time.
fn waits(parts: &mut Vec<Part>, from: Time, to: Time, watched: Time, bake: Span) {
    let baked = (watched + bake).clamp(from, to);
    let part = |from, to, wait| Part { from, to, wait, instance: None, of: 1 };
    parts.push(part(baked, to, Wait::Orchestrator));
    parts.push(part(from, baked, Wait::Bake));
}

#[cfg(test)]
mod tests {
    use std::path::Path as FilePath;

    use super::{Path, Wait, of};
    use crate::scenario;
    use crate::study::{Options, Runs, simulate};

    fn path(strategy: &str, start: &str) -> Path {
        let text = format!(
            "rollcast = 1\n[service]\ninstances = 4\n[versions.old]\nstart = {start}\n\
             exit = \"7s\"\n[probes]\nperiod = \"1s\"\n{strategy}\n"
        );
        let loaded = scenario::load(&text, "x", FilePath::new(""), &[]).expect("sound");
        let options = Options { seed: 1, runs: Runs::Fixed(1), max_runs: 1, threads: 1 };
        let result = simulate(&loaded.scenario, &options, &|_| {});
        let path = of(&result.median.records, loaded.scenario.strategy.bake());
        let mut at = path.begun;
        for part in &path.parts {
            assert_eq!(part.from, at, "no gaps");
            at = part.to;
        }
        assert_eq!(at, path.end);
        path
    }

    /// Whole seconds by what was waited for.
    fn seconds(path: &Path, wait: Wait) -> i64 {
        let totals = path.totals();
        totals.iter().find(|t| t.0 == wait).map_or(0, |t| t.1.round() as i64)
    }

    #[test]
    fn one_after_the_other_drains_starts_and_bakes() {
        let path =
            path("[strategy.generic]\nbatch = 1\nbake = \"5s\"\norder = \"stop-first\"", "\"20s\"");
        assert_eq!(seconds(&path, Wait::Drain), 4 * 7);
        assert_eq!(seconds(&path, Wait::Bake), 4 * 5);
        let start = seconds(&path, Wait::Start);
        assert!((4 * 20..4 * 22).contains(&start), "probes see it within a second: {start}");
        assert!(seconds(&path, Wait::Orchestrator) <= 4);
    }

    #[test]
    fn the_last_of_a_batch_decides() {
        let law = "{ law = \"uniform\", low = \"10s\", high = \"40s\" }";
        let path = path("[strategy.generic]\nbatch = 4\norder = \"stop-first\"", law);
        let start = path.parts.iter().find(|part| part.wait == Wait::Start).unwrap();
        assert_eq!(start.of, 4);
        assert_eq!(path.parts.iter().filter(|part| part.wait == Wait::Start).count(), 1);
    }

    #[test]
    fn kubernetes_with_surge_waits_for_no_drain() {
        let table = "[strategy.kubernetes]\nmax_surge = 1\nmax_unavailable = 0\nmin_ready = \"3s\"";
        let path = path(table, "\"20s\"");
        assert!(seconds(&path, Wait::Drain) == 0, "{:?}", path.totals());
        let ready = seconds(&path, Wait::MinReady);
        // Counted in whole seconds of the clock: a little less or more than three each time.
        assert!((4 * 2..=4 * 4).contains(&ready), "{ready}");
        assert_eq!(path.parts.iter().filter(|part| part.wait == Wait::Start).count(), 4);
    }
}
