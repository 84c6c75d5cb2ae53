//! Where a retry storm outlives the rollout that began it: batch size by load.

use std::path::Path;

use rayon::prelude::*;

use crate::exact::retry::Storm;
use crate::scenario::conduct::Budget;
use crate::scenario::settings::StrategySettings;
use crate::scenario::{Profile, Scenario, load};
use crate::sim::{Depth, Model, World};
use crate::trace::{Ending, Record, Sink};
use crate::units::{CountOrPercent, Rate, Share, Span, Time};

/// The story that the map varies.
const STORY: &str = include_str!("../../scenarios/retry-storm.toml");

/// What clients may retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clients {
    /// Everything, up to three attempts.
    Naive,
    /// The same within a budget of a tenth of the requests.
    Budget,
}

impl Clients {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Naive, Self::Budget];

    /// As in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Naive => "naive",
            Self::Budget => "budget 10%",
        }
    }
}

/// One rollout of the map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    /// What clients may retry.
    pub clients: Clients,
    /// Instances restarted at a time.
    pub batch: u32,
    /// Requests as a share of what all instances can answer.
    pub load: f64,
    /// Share of requests that failed from one minute after the rollout on.
    pub failed_after: f64,
    /// Share that failed during the rollout.
    pub failed_during: f64,
}

impl Cell {
    /// Whether most requests still fail long after the last instance is back.
    pub fn outlives(&self) -> bool {
        self.failed_after > 0.5
    }
}

/// The map.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// Instances of the fleet.
    pub instances: u32,
    /// By clients, then batch, then load.
    pub cells: Vec<Cell>,
}

/// Load above which the storm of naive clients outlives a rollout that takes so many instances
/// out, long enough for queues to come to rest, in the mean field of many instances. It begins if
/// those that are left have no healthy state; it outlives the rollout if the last batch, which
/// comes back with empty queues, has none beside the others, which come with full ones.
pub fn boundary(instances: u32, batch: u32) -> f64 {
    // Service 50 ms, timeout 500 ms, three attempts.
    let storm = Storm { mu: 1.0, tau: 10.0, tries: 3 };
    let left = 1.0 - f64::from(batch) / f64::from(instances);
    (storm.saddle().1 * left).max(storm.saddle_beside(left).1)
}

/// Plays the rollouts of these batches and loads for both kinds of clients.
pub fn map(batches: &[u32], loads: &[f64]) -> Map {
    let story = story();
    let instances = story.service.instances;
    let mut cells: Vec<(Clients, u32, f64)> = Vec::new();
    for clients in Clients::ALL {
        for batch in batches {
            cells.extend(loads.iter().map(|load| (clients, *batch, *load)));
        }
    }
    let play = |(clients, batch, load): (Clients, u32, f64)| play(&story, clients, batch, load);
    Map { instances, cells: cells.into_par_iter().map(play).collect() }
}

/// The map of `outputs/`.
pub fn full_map() -> Map {
    let loads: Vec<f64> = (0..=8).map(|step| 0.35 + 0.05 * f64::from(step)).collect();
    map(&[4, 8, 12, 24], &loads)
}

fn story() -> Scenario {
    let loaded = load(STORY, "retry-storm.toml", Path::new("."), &[]);
    loaded.unwrap_or_else(|error| unreachable!("the story is sound: {error:?}")).scenario
}

fn play(story: &Scenario, clients: Clients, batch: u32, load: f64) -> Cell {
    let mut scenario = story.clone();
    let capacity =
        f64::from(scenario.service.instances) / scenario.versions.old.service_time.mean_secs();
    if let Some(traffic) = &mut scenario.traffic {
        traffic.profile = Profile::Constant(Rate(load * capacity));
    }
    if let StrategySettings::Generic(settings) = &mut scenario.strategy {
        settings.batch = CountOrPercent::Count(batch);
    }
    scenario.clients.conduct.budget = match clients {
        Clients::Naive => None,
        Clients::Budget => {
            Some(Budget::Ratio { ratio: Share(0.1), ttl: Span::from_secs(10), least: Rate(10.0) })
        }
    };
    scenario.margin = Span::from_secs(80);
    let mut watch = Watch::default();
    let end = World::new(&Model::new(&scenario)).run(1, 0, Depth::Requests, &mut watch);
    let settled = Time(watch.settled.0.min(end.0));
    let late = settled + Span::from_secs(60);
    Cell {
        clients,
        batch,
        load,
        failed_after: watch.failed(late, end),
        failed_during: watch.failed(Time::ZERO + scenario.margin, settled),
    }
}

/// Requests by window, and when the last instance moved.
#[derive(Debug, Default)]
struct Watch {
    settled: Time,
    /// Begin of the window, requests that ended, of them failed.
    windows: Vec<(Time, u64, u64)>,
}

impl Watch {
    fn failed(&self, from: Time, until: Time) -> f64 {
        let within = self.windows.iter().filter(|(at, ..)| (from..until).contains(at));
        let sums = within.fold((0, 0), |sums, (_, all, failed)| (sums.0 + all, sums.1 + failed));
        // Nobody has an answer, not even a failure: that is no health either.
        if sums.0 == 0 { 1.0 } else { sums.1 as f64 / sums.0 as f64 }
    }
}

impl Sink for Watch {
    fn record(&mut self, at: Time, record: Record) {
        match record {
            Record::Phase { .. } => self.settled = self.settled.max(at),
            Record::Window { counts } => {
                let all: u32 = counts.iter().flat_map(|by_version| by_version.ended).sum();
                let ok: u32 =
                    counts.iter().map(|by_version| by_version.ended[Ending::Ok as usize]).sum();
                self.windows.push((at, u64::from(all), u64::from(all - ok)));
            }
            _ => {}
        }
    }
}
