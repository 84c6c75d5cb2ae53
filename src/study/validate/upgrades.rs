//! Rolling upgrades that lose ground: replacements boot the old image.

use std::path::Path;

use super::estimate::{Seen, replicate};
use super::{Case, Measured, measured};
use crate::scenario::pieces::Trouble;
use crate::scenario::settings::Operation;
use crate::scenario::{Dist, Scenario, load};
use crate::sim::script::{Command, Outside};
use crate::sim::{Depth, Model, Script, World};
use crate::trace::{Record, Sink, VersionId};
use crate::units::{Share, Span, Time};

/// A round.
const ROUND: Span = Span::from_secs(100);
/// Within a round: how long somebody lets the rollout go on, and how long a batch is watched.
const OPEN: Span = Span::from_millis(1);
const BAKE: Span = Span::from_millis(2);
/// So many rounds are played.
const ROUNDS: u32 = 200;

/// Counts the instances that run the new version.
#[derive(Debug)]
struct Upgraded {
    instances: usize,
    new: Vec<bool>,
    /// When all did at once, first.
    all: Option<Time>,
}

impl Sink for Upgraded {
    fn record(&mut self, at: Time, record: Record) {
        let (instance, is_new) = match record {
            Record::Phase { instance, version, to, .. } => {
                (instance, version == VersionId::NEW && to.is_ready())
            }
            // What falls back is not ready at that moment.
            Record::Reloaded { instance, .. } => (instance, false),
            _ => return,
        };
        let index = instance as usize;
        if self.new.len() <= index {
            self.new.resize(index + 1, false);
        }
        self.new[index] = is_new;
        if self.all.is_none() && self.new.iter().filter(|new| **new).count() == self.instances {
            self.all = Some(at);
        }
    }
}

/// The fleet of the row, with everything immediate.
fn scenario(case: &Case) -> Scenario {
    let text = format!(
        "rollcast = 1\nhorizon = \"1d\"\n[service]\ninstances = {}\n\
         [versions.old]\nstart = \"0s\"\nexit = \"0s\"\n[probes]\nperiod = \"0s\"\n\
         [clients]\ncount = 1\nlag_add = \"0s\"\nlag_remove = \"0s\"\n\
         [versions.new]\ncrash_after = \"0s\"\n\
         [restart]\nattempts = \"unbounded\"\nimage = \"old\"\n\
         [strategy.generic]\nbatch = {}\nbake = \"{BAKE}\"\non_failure = \"continue\"\n\
         [faults.crashes]\nkind = \"instance_crash\"\nlifetime = \"1d\"\nversion = \"new\"\n",
        case.count("N"),
        case.count("b"),
    );
    let loaded = load(&text, "upgrades.toml", Path::new("."), &[]);
    let mut scenario = loaded.expect("a good scenario").scenario;
    scenario.versions.new.crash = Share(1.0 - case.number("s"));
    // P(a process ends within a round) = q.
    let mean = Span::from_secs_f64(-ROUND.as_secs_f64() / libm::log1p(-case.number("q")));
    for fault in &mut scenario.pieces.faults {
        if let Trouble::InstanceCrash { lifetime, .. } = &mut fault.piece.trouble {
            *lifetime = Dist::Exponential { mean };
        }
    }
    scenario
}

/// One batch a round: somebody pauses the rollout after it has begun, until the next round.
fn rounds() -> Script {
    let tell = |operation| Outside::Tell(Command::Operate(operation));
    let events = (0..ROUNDS).flat_map(|round| {
        let begins = ROUND * f64::from(round);
        [(begins, tell(Operation::Resume)), (begins + OPEN, tell(Operation::Pause))]
    });
    Script { events: events.collect(), end: Some(ROUND * f64::from(ROUNDS)), ..Script::default() }
}

pub(super) fn rounds_to_upgrade(case: &Case) -> Vec<Measured> {
    let scenario = scenario(case);
    let model = Model::with_script(&scenario, rounds());
    let runs = case.pick(20_000, 1_500);
    let found = replicate(case.replications(runs), |replication| {
        let instances = scenario.service.instances as usize;
        let mut sink = Upgraded { instances, new: Vec::new(), all: None };
        World::new(&model).run(
            1 + (replication >> 32),
            replication as u32,
            Depth::Control,
            &mut sink,
        );
        let begun = Time::ZERO + scenario.margin;
        let rounds =
            sink.all.map_or(f64::from(ROUNDS), |all| 1.0 + (all.since(begun).0 / ROUND.0) as f64);
        Seen { values: vec![rounds], controls: vec![] }
    });
    let how = format!("generic batches, a batch a round; crashes boot the old image, {runs} runs");
    measured(&["expected rounds to all-upgraded"], &found, &how)
}
