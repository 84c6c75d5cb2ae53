//! A rollout simulated from what those before it left plausible.

use rayon::prelude::*;

use super::Options;
use super::past::{Past, Told, Whole};
use super::recorded::{lives, parts};
use crate::scenario::settings::StrategySettings;
use crate::scenario::{Dist, Scenario};
use crate::sim::{Depth, Model, World};
use crate::trace::Record;
use crate::trace::recorded::life::Life;
use crate::units::{Span, Time};

/// So many pairs of plausible laws; each is simulated several times.
pub(super) const DRAWS: usize = 50;
/// Nothing is killed: what the kill cut short is in the measured time.
const NO_KILL: Span = Span::from_secs(24 * 3600);

/// All runs that ended, in order; `starts` and `exits` are [`DRAWS`] laws each, or none.
pub(super) fn play(
    now: &Past,
    base: &Scenario,
    starts: &[Dist],
    exits: &[Dist],
    options: &Options,
) -> Vec<Whole> {
    let each = options.runs.max(20).div_ceil(DRAWS as u32);
    let all: Vec<Vec<Whole>> = (0..DRAWS)
        .into_par_iter()
        .map(|draw| {
            let scenario = prepared(base, now, &starts[draw], exits.get(draw));
            let model = Model::new(&scenario);
            let mut world = World::new(&model);
            let run = |index: u32| {
                let replication = draw as u32 * each + index;
                let mut records = Vec::new();
                world.run(options.seed, replication, Depth::Control, &mut records);
                whole(&records, now, &scenario, replication)
            };
            (0..each).map(run).collect()
        })
        .collect();
    all.concat()
}

/// The scenario that is simulated: measured times hold the waits for probes, for hooks and for
/// the kill.
fn prepared(base: &Scenario, now: &Past, start: &Dist, exit: Option<&Dist>) -> Scenario {
    let mut scenario = base.clone();
    scenario.service.instances = now.whole.instances;
    if let StrategySettings::DaemonSet(_) = scenario.strategy {
        scenario.hosts.count = now.whole.instances;
    }
    scenario.traffic = None;
    scenario.pieces.users = None;
    scenario.gates.clear();
    scenario.probes.period = Span::ZERO;
    scenario.probes.initial_delay = Span::ZERO;
    scenario.probes.start_period = Span::ZERO;
    scenario.control.launch = Dist::Fixed(Span::ZERO);
    let measured_from_signal = now.told == Told::Signal;
    if exit.is_some() {
        scenario.shutdown.grace = NO_KILL;
        if !measured_from_signal {
            scenario.shutdown.pre_stop = Span::ZERO;
        }
    }
    let probed = scenario.probes.enabled;
    if let StrategySettings::Swarm(_) = scenario.strategy {
        // The way from creation on is measured as a whole.
        scenario.control.schedule = Dist::Fixed(Span::ZERO);
    }
    if !probed {
        // Ready as soon as it runs.
        scenario.control.launch = start.clone();
    }
    for version in [&mut scenario.versions.old, &mut scenario.versions.new] {
        version.pull = None;
        version.start_cpu = None;
        version.start = if probed { start.clone() } else { Dist::Fixed(Span::ZERO) };
        version.exit = exit.unwrap_or(&version.exit).clone();
    }
    scenario
}

/// What whoever recorded the history would have seen of a run.
fn whole(records: &[(Time, Record)], now: &Past, scenario: &Scenario, run: u32) -> Whole {
    let mut lives = lives(records);
    if now.told == Told::Signal {
        let before = scenario.shutdown.pre_stop.as_secs_f64();
        for life in &mut lives {
            life.told = life.told.map(|told| told + before);
        }
    }
    if now.tick > 0.0 {
        // Rollouts begin anywhere within a tick: the golden ratio spreads them evenly.
        let phase = (f64::from(run) * 0.618_033_988_749_895).fract();
        let shown = |time: f64| ((time / now.tick + phase).floor()) * now.tick;
        for life in &mut lives {
            let Life { created, ready, told, ended, .. } = life;
            *created = shown(*created);
            for time in [ready, told, ended] {
                *time = time.map(shown);
            }
        }
    }
    let (old, new) = parts(&lives);
    Whole::of(&old, &new, f64::INFINITY)
}
