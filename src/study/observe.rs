//! One run as a study sees it: its outcome, its counts over time, and on demand all records.

use crate::outcome::{Collector, Outcome, Series};
use crate::scenario::pieces::Prices;
use crate::scenario::{Scenario, Slo};
use crate::sim::{Depth, Model, World};
use crate::trace::{Ending, Moment, Record, Sink};
use crate::units::Time;

/// Failures by ending in each window, from the beginning of the rollout on.
pub(super) type FailureWindows = Vec<[f64; 8]>;

/// The sink that studies use.
pub(super) struct Observer {
    collector: Collector,
    windows: Vec<(Time, [f64; 8])>,
    begun: Time,
    records: Option<Vec<(Time, Record)>>,
}

impl Observer {
    pub(super) fn new(slo: &Slo) -> Self {
        let collector = Collector::new(slo, true);
        Self { collector, windows: Vec::new(), begun: Time::ZERO, records: None }
    }

    fn reset(&mut self, keep_records: bool) {
        self.collector.reset();
        self.windows.clear();
        self.records = keep_records.then(Vec::new);
    }
}

impl Sink for Observer {
    fn record(&mut self, at: Time, record: Record) {
        match &record {
            Record::Window { counts } => {
                let mut ended = [0.0; 8];
                for by_version in counts {
                    for ending in Ending::ALL.iter().skip(1) {
                        ended[*ending as usize] += f64::from(by_version.ended[*ending as usize]);
                    }
                }
                self.windows.push((at, ended));
            }
            Record::Moment(Moment::Begun) => self.begun = at,
            Record::Phase { .. }
            | Record::Serving { .. }
            | Record::Desired { .. }
            | Record::Said(_)
            | Record::Moment(_)
            | Record::Latency { .. }
            | Record::Reloaded { .. }
            | Record::Connections { .. }
            | Record::Calls { .. }
            | Record::Placed { .. }
            | Record::Host { .. }
            | Record::Misses { .. }
            | Record::Totals { .. }
            | Record::Streams { .. }
            | Record::Votes { .. }
            | Record::Messages(_)
            | Record::Scaled { .. }
            | Record::Release { .. }
            | Record::Judged { .. } => {}
        }
        if let Some(records) = &mut self.records
            && !matches!(
                record,
                Record::Window { .. }
                    | Record::Latency { .. }
                    | Record::Totals { .. }
                    | Record::Streams { .. }
                    | Record::Messages(_)
                    | Record::Scaled { .. }
            )
        {
            records.push((at, record.clone()));
        }
        self.collector.record(at, record);
    }
}

/// What is kept of a run.
#[derive(Clone)]
pub(super) struct Run {
    pub(super) replication: u32,
    pub(super) outcome: Outcome,
    /// Kept for some runs only.
    pub(super) series: Option<Series>,
    pub(super) failures: FailureWindows,
    pub(super) records: Vec<(Time, Record)>,
}

/// What of a run is kept beside its outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Keep {
    pub(super) series: bool,
    pub(super) records: bool,
}

/// A world with its observer, used for many runs.
pub(super) struct Player<'a> {
    world: World<'a>,
    observer: Observer,
    prices: Option<&'a Prices>,
    seed: u64,
}

impl<'a> Player<'a> {
    pub(super) fn new(model: &'a Model<'a>, scenario: &'a Scenario, seed: u64) -> Self {
        Self {
            world: World::new(model),
            observer: Observer::new(&scenario.slo),
            prices: scenario.pieces.prices.as_ref(),
            seed,
        }
    }

    pub(super) fn play(&mut self, replication: u32, depth: Depth, keep: Keep) -> Run {
        self.observer.reset(keep.records);
        let end = self.world.run(self.seed, replication, depth, &mut self.observer);
        let mut outcome = self.observer.collector.finish(end);
        if let Some(prices) = &self.prices {
            prices.put(&mut outcome.values);
        }
        let begun = self.observer.begun;
        let failures = self.observer.windows.iter();
        Run {
            replication,
            outcome,
            series: keep.series.then(|| self.observer.collector.series().clone()),
            failures: failures.filter(|(at, _)| *at >= begun).map(|(_, ended)| *ended).collect(),
            records: self.observer.records.take().unwrap_or_default(),
        }
    }
}
