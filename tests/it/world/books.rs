//! What the records of a run add up to.

use std::collections::{BTreeMap, BTreeSet};

use rollcast::scenario::Scenario;
use rollcast::sim::{Depth, Model, World};
use rollcast::trace::life::Checker;
use rollcast::trace::{Moment, Phase, Record, Said, VersionId};
use rollcast::units::Time;

/// One replication with seed 1, every record checked.
pub(crate) fn play(
    scenario: &Scenario,
    replication: u32,
    depth: Depth,
) -> (Vec<(Time, Record)>, Time) {
    let mut sink = Checker::new(Vec::new());
    let end = World::new(&Model::new(scenario)).run(1, replication, depth, &mut sink);
    (sink.into_inner(), end)
}

/// Sums over a record.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) arrived: u64,
    /// Records of windows.
    pub(crate) windows: u64,
    pub(crate) attempts: u64,
    /// By version (2: none) and ending.
    pub(crate) ended: [[u64; 8]; 3],
    pub(crate) slow: [u64; 2],
    /// Entries in the histograms, by version.
    pub(crate) latencies: [u64; 2],
    pub(crate) said: Option<(Time, Said)>,
    pub(crate) moments: Vec<(Time, Moment)>,
    /// At the end.
    pub(crate) serving: BTreeSet<u32>,
    pub(crate) serving_of_living: usize,
    pub(crate) most_serving: usize,
    /// Instances that exist, draining ones included.
    pub(crate) most_alive: u32,
    /// The same without those told to stop, after all that happens at an instant.
    pub(crate) most_active: u32,
    pub(crate) least_ready: u32,
    /// Ready instances at the end, by version.
    pub(crate) finally_ready: BTreeMap<VersionId, u32>,
    /// (time, number serving) at each change.
    pub(crate) serving_over_time: Vec<(Time, usize)>,
    phases: BTreeMap<u32, (Phase, VersionId)>,
}

impl Books {
    pub(crate) fn of(records: &[(Time, Record)]) -> Self {
        let mut books = Self { least_ready: u32::MAX, ..Self::default() };
        for (index, (at, record)) in records.iter().enumerate() {
            books.add(*at, record);
            if records.get(index + 1).is_none_or(|(next, _)| next > at) {
                let active = books.phases.values().filter(|(phase, _)| phase.is_active());
                books.most_active = books.most_active.max(active.count() as u32);
            }
        }
        let alive = |id: &&u32| books.phases.contains_key(*id);
        books.serving_of_living = books.serving.iter().filter(alive).count();
        for (phase, version) in books.phases.values() {
            if phase.is_ready() {
                *books.finally_ready.entry(*version).or_default() += 1;
            }
        }
        books
    }

    pub(crate) fn moment(&self, which: Moment) -> Option<Time> {
        self.moments.iter().find(|(_, moment)| *moment == which).map(|(at, _)| *at)
    }

    /// Integral of the number missing from `desired`, from the beginning of the rollout.
    pub(crate) fn not_serving(&self, desired: u32, end: Time) -> f64 {
        let mut lost = 0.0;
        let changes = &self.serving_over_time;
        for (index, (at, serving)) in changes.iter().enumerate() {
            let until = changes.get(index + 1).map_or(end, |(next, _)| *next);
            let missing = f64::from(desired) - *serving as f64;
            if *at > Time::ZERO {
                lost += missing.max(0.0) * until.since(*at).as_secs_f64();
            }
        }
        lost
    }

    fn add(&mut self, at: Time, record: &Record) {
        match record {
            Record::Phase { instance, version, to, .. } => {
                if matches!(to, Phase::Stopped | Phase::Lost) {
                    self.phases.remove(instance);
                } else {
                    self.phases.insert(*instance, (*to, *version));
                }
                self.count(at);
            }
            Record::Serving { instance, serving, .. } => {
                if *serving {
                    assert!(self.serving.insert(*instance), "{instance} served before");
                } else {
                    assert!(self.serving.remove(instance), "{instance} did not serve");
                }
                self.most_serving = self.most_serving.max(self.serving.len());
                self.serving_over_time.push((at, self.serving.len()));
            }
            Record::Said(said) => self.said = Some((at, *said)),
            Record::Moment(moment) => self.moments.push((at, *moment)),
            Record::Window { counts } => {
                self.windows += 1;
                for (version, counts) in counts.iter().enumerate() {
                    self.arrived += u64::from(counts.arrived);
                    for (sum, ended) in self.ended[version].iter_mut().zip(counts.ended) {
                        *sum += u64::from(ended);
                    }
                    if version < 2 {
                        self.slow[version] += u64::from(counts.slow);
                    }
                }
            }
            Record::Latency { version, histogram, .. } => {
                self.latencies[usize::from(version.0)] += histogram.len();
            }
            Record::Totals { attempts, .. } => self.attempts = *attempts,
            Record::Reloaded { .. }
            | Record::Connections { .. }
            | Record::Calls { .. }
            | Record::Desired { .. }
            | Record::Streams { .. }
            | Record::Placed { .. }
            | Record::Host { .. }
            | Record::Misses { .. }
            | Record::Votes { .. }
            | Record::Messages(_)
            | Record::Scaled { .. }
            | Record::Release { .. }
            | Record::Judged { .. } => {}
        }
    }

    fn count(&mut self, at: Time) {
        let count = |which: fn(Phase) -> bool| {
            self.phases.values().filter(|(phase, _)| which(*phase)).count() as u32
        };
        let ready = count(Phase::is_ready);
        self.most_alive = self.most_alive.max(self.phases.len() as u32);
        // Before the rollout instances appear one by one.
        if at > Time::ZERO {
            self.least_ready = self.least_ready.min(ready);
        }
    }
}
