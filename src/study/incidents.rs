//! Incidents that became known, played again: what the sources say of them beside what the
//! simulator says.

use std::path::Path;

use crate::scenario::{Scenario, load};
use crate::sim::{Depth, Model, World};
use crate::trace::{Ending, Moment, Record, Said, Sink};
use crate::units::{Span, Time};

const CLOUDFLARE: &str = include_str!("../../scenarios/incidents/cloudflare-2019.toml");
const CLOUDFLARE_STAGED: &str =
    include_str!("../../scenarios/incidents/cloudflare-2019-staged.toml");
const CROWDSTRIKE: &str = include_str!("../../scenarios/incidents/crowdstrike-2024.toml");
const CROWDSTRIKE_STAGED: &str =
    include_str!("../../scenarios/incidents/crowdstrike-2024-staged.toml");
const KNIGHT: &str = include_str!("../../scenarios/incidents/knight-2012.toml");
const WHAT_BREAKS: &str = include_str!("../../scenarios/incidents/what-breaks.toml");

/// Runs of each, and of the control plane alone where only the release counts.
const RUNS: u32 = 10;
const DRAWS: u32 = 4_000;

/// One figure of an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// The story, in `scenarios/incidents/`.
    pub scenario: &'static str,
    /// What it is.
    pub what: &'static str,
    /// By the source, or by arithmetic from what it says.
    pub source: f64,
    /// Ours, mean over runs.
    pub ours: f64,
    /// How near it must be: at most so many times more or less; 0: not more than the source's.
    pub factor: f64,
}

impl Figure {
    /// Whether ours is of the order of magnitude of the source's.
    pub fn holds(&self) -> bool {
        let ratio = self.ours / self.source;
        if self.factor == 0.0 {
            ratio <= 1.0
        } else {
            (1.0 / self.factor..=self.factor).contains(&ratio)
        }
    }
}

/// All of them.
pub fn figures() -> Vec<Figure> {
    let figure =
        |scenario, what, source, ours, factor| Figure { scenario, what, source, ours, factor };
    let lost = |text| mean(text, |run| run.lost() / 60.0);
    let down = |text| mean(text, |run| f64::from(run.most_down) / f64::from(run.instances));
    let [code, configuration, deployment] = causes();
    let known = 27.0 + 12.5 + 13.2;
    vec![
        figure("cloudflare-2019", "full-traffic minutes lost", 0.8 * 27.0, lost(CLOUDFLARE), 1.2),
        figure(
            "cloudflare-2019-staged",
            "full-traffic minutes lost, at most",
            0.03,
            lost(CLOUDFLARE_STAGED),
            0.0,
        ),
        figure("crowdstrike-2024", "part of the machines felled", 1.0, down(CROWDSTRIKE), 1.2),
        figure(
            "crowdstrike-2024-staged",
            "part of the machines felled",
            0.01,
            down(CROWDSTRIKE_STAGED),
            2.0,
        ),
        figure(
            "knight-2012",
            "part of the orders wrong before the rollback",
            1.0 / 8.0,
            mean(KNIGHT, |run| run.wrong(Part::Before)),
            1.2,
        ),
        figure(
            "knight-2012",
            "part of the orders wrong after it",
            1.0,
            mean(KNIGHT, |run| run.wrong(Part::After)),
            1.2,
        ),
        figure("what-breaks", "of bad releases: code", 27.0 / known, code, 1.1),
        figure("what-breaks", "of bad releases: configuration", 12.5 / known, configuration, 1.1),
        figure("what-breaks", "of bad releases: deployment", 13.2 / known, deployment, 1.1),
    ]
}

fn read(text: &str) -> Scenario {
    let loaded = load(text, "incident.toml", Path::new("."), &[]);
    loaded.unwrap_or_else(|error| unreachable!("the stories are sound: {error:?}")).scenario
}

fn mean(text: &str, of: impl Fn(&Run) -> f64) -> f64 {
    let scenario = read(text);
    let model = Model::new(&scenario);
    let mut world = World::new(&model);
    let one = |replication| {
        let mut run = Run { instances: scenario.service.instances, ..Run::default() };
        world.run(1, replication, Depth::Requests, &mut run);
        of(&run)
    };
    (0..RUNS).map(one).sum::<f64>() / f64::from(RUNS)
}

/// Which part of the bad releases carries each defect, in the order of their names.
fn causes() -> [f64; 3] {
    let scenario = read(WHAT_BREAKS);
    let model = Model::new(&scenario);
    let mut world = World::new(&model);
    let mut causes = Causes::default();
    for replication in 0..DRAWS {
        world.run(1, replication, Depth::Control, &mut causes);
    }
    causes.0.map(|count| f64::from(count) / f64::from(DRAWS))
}

/// Counts defects.
#[derive(Debug, Default)]
struct Causes([u32; 3]);

impl Sink for Causes {
    fn record(&mut self, _: Time, record: Record) {
        if let Record::Release { defects, .. } = record {
            for defect in defects {
                self.0[usize::from(defect)] += 1;
            }
        }
    }
}

/// Before the old version was wanted back, and when it was there again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Before,
    After,
}

/// One run, as far as figures are made of it.
#[derive(Debug, Default)]
struct Run {
    instances: u32,
    serving: u32,
    most_down: u32,
    begun: Option<Time>,
    decided: Option<Time>,
    back: Option<Time>,
    /// The new version has answered since.
    reached: Option<Time>,
    /// Begin, requests, of them failed.
    windows: Vec<(Time, u64, u64)>,
}

impl Run {
    /// Seconds of all traffic that failed since the rollout began.
    fn lost(&self) -> f64 {
        let Some(begun) = self.begun else { return 0.0 };
        let share = |(_, all, failed): &(Time, u64, u64)| *failed as f64 / (*all).max(1) as f64;
        self.windows.iter().filter(|(at, ..)| *at >= begun).map(share).sum()
    }

    /// Share of the requests of a part that failed.
    fn wrong(&self, part: Part) -> f64 {
        let (from, until) = match part {
            // Once the deployer has stopped.
            Part::Before => (self.reached, self.decided),
            Part::After => (self.back, Some(Time::NEVER)),
        };
        let (Some(from), Some(until)) = (from, until) else { return 0.0 };
        let within = self.windows.iter().filter(|(at, ..)| (from..until).contains(at));
        let sums = within.fold((0, 0), |sums, (_, all, bad)| (sums.0 + all, sums.1 + bad));
        sums.1 as f64 / sums.0.max(1) as f64
    }
}

impl Sink for Run {
    fn record(&mut self, at: Time, record: Record) {
        match record {
            Record::Moment(Moment::Begun) => self.begun = Some(at),
            Record::Moment(Moment::RollbackDecided) => self.decided = Some(at),
            Record::Said(Said::Paused) => {
                let second = Span::from_secs(1);
                self.reached = self.reached.or(Some(at + second));
            }
            Record::Said(Said::RolledBack) => self.back = Some(at + Span::from_secs(1)),
            Record::Serving { serving, .. } => {
                self.serving =
                    if serving { self.serving + 1 } else { self.serving.saturating_sub(1) };
                if self.begun.is_some() {
                    let down = self.instances.saturating_sub(self.serving);
                    self.most_down = self.most_down.max(down);
                }
            }
            Record::Window { counts } => {
                let sum = |ended: &[u32; 8]| ended.iter().map(|n| u64::from(*n)).sum::<u64>();
                let all: u64 = counts.iter().map(|c| sum(&c.ended)).sum();
                let ok: u64 = counts.iter().map(|c| u64::from(c.ended[Ending::Ok as usize])).sum();
                self.windows.push((at, all, all - ok));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::figures;

    #[test]
    fn ours_are_of_the_sources_order_of_magnitude() {
        let wrong: Vec<_> = figures().into_iter().filter(|figure| !figure.holds()).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
