//! What no strategy's settings reach: held starts, slots, and writes, planned by hand.

use std::path::Path;

use super::world::Event;
use super::{Depth, Model, World};
use crate::engine::Seeds;
use crate::scenario::{Dist, Scenario, WriteLimit, load};
use crate::strategy::NO_SLOT;
use crate::trace::life::Checker;
use crate::trace::{Phase, Record, VersionId};
use crate::units::{Rate, Span, Time};

const SECOND: fn(u64) -> Time = Time::from_secs;

/// Two instances on two hosts that nobody will replace; everything is immediate but the start,
/// 1 s. The rollout begins after a minute.
fn scenario() -> Scenario {
    let text = "rollcast = 1\n[service]\ninstances = 2\n[versions.old]\nstart = \"1s\"\n\
        exit = \"0s\"\n[probes]\nperiod = \"0s\"\n[clients]\ncount = 1\nlag_add = \"0s\"\n\
        lag_remove = \"0s\"\n[strategy.generic]\nbatch = 1\n";
    let mut scenario = load(text, "tests.toml", Path::new("."), &[]).expect("it is good").scenario;
    scenario.margin = Span::from_secs(60);
    scenario
}

/// Plays with some events planned by hand; returns the moves of instances beyond the first two.
fn play(scenario: &Scenario, events: &[(u64, Event)]) -> Vec<(u64, u32, Phase)> {
    let model = Model::new(scenario);
    let mut world = World::new(&model);
    let mut sink = Checker::new(Vec::new());
    world.prepare(Seeds::new(1, 0), Depth::Control, &mut sink);
    for (at, event) in events {
        world.plan(SECOND(*at), *event);
    }
    world.play(&mut sink);
    let moves = sink.into_inner().into_iter().filter_map(|(at, record)| match record {
        Record::Phase { instance, to, .. } if instance >= 2 && at < SECOND(60) => {
            Some((at.0 / 1_000_000_000, instance, to))
        }
        _ => None,
    });
    moves.collect()
}

fn start(slot: u32, held: bool) -> Event {
    Event::Create { version: VersionId::NEW, slot, held, wave: 0 }
}

#[test]
fn held_instances_start_when_they_are_released_and_prepared() {
    let mut scenario = scenario();
    scenario.control.launch = Dist::Fixed(Span::from_secs(3));
    let release = Event::Release { instance: 2 };
    let phases = |released_at| {
        let moves = play(&scenario, &[(10, start(NO_SLOT, true)), (released_at, release)]);
        moves.iter().map(|(at, _, to)| (*at, *to)).collect::<Vec<_>>()
    };
    let until_ready =
        |ready| vec![(10, Phase::Pending), (10, Phase::Starting), (ready, Phase::Ready)];
    // Launch 3 s, start 1 s.
    assert_eq!(phases(20)[..3], until_ready(24));
    assert_eq!(phases(10)[..3], until_ready(14));
    // Before it is prepared.
    scenario.control.schedule = Dist::Fixed(Span::from_secs(5));
    let moves = play(&scenario, &[(10, start(NO_SLOT, true)), (12, release)]);
    let starting = [(10, 2, Phase::Pending), (15, 2, Phase::Starting), (19, 2, Phase::Ready)];
    assert_eq!(moves[..3], starting);
}

#[test]
fn a_held_instance_has_no_process_to_wait_for() {
    let mut scenario = scenario();
    scenario.versions.new.exit = Dist::Fixed(Span::from_secs(7));
    let moves = play(&scenario, &[(10, start(NO_SLOT, true)), (20, Event::Tell { instance: 2 })]);
    assert_eq!(moves[2..], [(20, 2, Phase::Draining), (20, 2, Phase::Stopped)]);
}

#[test]
fn slots_are_pinned_to_hosts() {
    let scenario = scenario();
    let model = Model::new(&scenario);
    let mut world = World::new(&model);
    let mut sink = Checker::new(Vec::new());
    world.prepare(Seeds::new(1, 0), Depth::Control, &mut sink);
    for slot in [3, 3, 5, 2, NO_SLOT] {
        world.plan(SECOND(1), start(slot, false));
    }
    world.play(&mut sink);
    let hosts: Vec<u32> = (0..7).map(|instance| world.fleet.get(instance).host).collect();
    // Three of the first six are on the second host and three on the first: the last, without a
    // slot, comes to the first.
    assert_eq!(hosts[..2], [0, 1]);
    assert_eq!(hosts[2..6], [1, 1, 1, 0]);
    assert_eq!(hosts[6], 0);
}

#[test]
fn writes_wait_for_tokens_and_so_does_who_writes() {
    let mut scenario = scenario();
    scenario.service.instances = 6;
    scenario.strategy = {
        let text = "rollcast = 1\n[service]\ninstances = 1\n[versions.old]\nstart = \"1s\"\n\
            [strategy.generic]\nbatch = \"100%\"\norder = \"start-first\"\n";
        load(text, "tests.toml", Path::new("."), &[]).expect("it is good").scenario.strategy
    };
    let created = |scenario: &Scenario| {
        let model = Model::new(scenario);
        let mut sink = Checker::new(Vec::new());
        World::new(&model).run(1, 0, Depth::Control, &mut sink);
        let at = sink.into_inner().into_iter().filter_map(|(at, record)| match record {
            Record::Phase { to: Phase::Pending, .. } => Some(at.since(SECOND(60)).as_secs_f64()),
            _ => None,
        });
        at.collect::<Vec<_>>()
    };
    assert_eq!(created(&scenario), [0.0; 6]);
    scenario.control.writes = Some(WriteLimit { rate: Rate(2.0), burst: 3 });
    assert_eq!(created(&scenario), [0.0, 0.0, 0.0, 0.5, 1.0, 1.5]);
}
