//! What holds of any data plane, and its parts one by one.

use std::path::Path;

use proptest::prelude::*;

use super::{Plane, WARM};
use crate::balancer::{Mark, Mode};
use crate::engine::Seeds;
use crate::scenario::pieces::Panic;
use crate::scenario::{Scenario, load};
use crate::sim::{Depth, Model, World};
use crate::trace::{Phase, Record, Said};
use crate::units::{Span, Time};

fn scenario(text: &str) -> Scenario {
    let head = "rollcast = 1\nmargin = \"130s\"\nhorizon = \"20m\"\n[service]\n";
    match load(&[head, text].concat(), "plane.toml", Path::new("."), &[]) {
        Ok(loaded) => loaded.scenario,
        Err(error) => panic!("{text}\n{:?}", error.diagnostics),
    }
}

/// Longer than anything that any of the data planes below needs.
const LONG: Span = Span::from_secs(120);

/// A fleet of any kind in a data plane of any kind.
fn any_text() -> impl Strategy<Value = String> {
    let world = (
        2_u32..8,
        prop::sample::select(vec!["0%", "30%"]),
        prop::sample::select(vec![
            "[strategy.kubernetes]\nmax_surge = 2\n",
            "[strategy.kubernetes]\ntype = \"Recreate\"\n",
            "[strategy.generic]\nbatch = \"60%\"\norder = \"start-first\"\nbake = \"5s\"\n",
            "[strategy.ansible]\nserial = \"50%\"\n",
            "[strategy.swarm]\nparallelism = 2\n",
        ]),
        1_u32..5,
        prop::sample::select(vec!["0s", "10s", "20s"]),
    );
    let kinds = vec![
        "kind = \"kube-proxy\"",
        "kind = \"kube-proxy\"\nmode = \"ebpf\"",
        "kind = \"mesh\"",
        "kind = \"mesh\"\nsidecar = \"ordered\"",
        "kind = \"alb\"\ncheck = \"7s\"",
        "kind = \"haproxy\"",
        "kind = \"nginx\"",
        "kind = \"envoy\"\ncheck = \"3s\"",
        "kind = \"kamal-proxy\"",
        "kind = \"dns\"",
        "dns = \"50%\"\nnever = \"50%\"\nderegister = \"3s\"",
        "terminating = true\ncheck = \"5s\"\nfirst_rise = 0\npanic = \"80%\"\nthrottle = \"4s\"",
        "kind = \"haproxy\"\npanic = \"empty\"\nfirst_rise = 3",
    ];
    (world, prop::sample::select(kinds)).prop_map(|(world, kind)| {
        let (instances, crash, strategy, nodes, pre_stop) = world;
        format!(
            "instances = {instances}\n[versions.old]\nstart = {{ p50 = \"4s\", p95 = \"9s\" }}\n\
             [versions.new]\ncrash = \"{crash}\"\ncrash_after = \"8s\"\n[clients]\n\
             count = {nodes}\n[shutdown]\npre_stop = \"{pre_stop}\"\n{strategy}\
             [data_plane]\n{kind}\n"
        )
    })
}

/// The rotations are what the nodes' knowledge makes of them, and no node panics or falls back
/// unless it has to.
fn hold_to_the_rules(world: &World<'_>) {
    let plane = world.plane.as_ref().unwrap();
    let instances = plane.facts.len() as u32;
    for (index, node) in plane.nodes.iter().enumerate() {
        let count = |wanted: &dyn Fn(u32) -> bool| (0..instances).filter(|i| wanted(*i)).count();
        let has = |instance, mark| node.members.has(instance, mark);
        let able = |i| has(i, Mark::Known) && has(i, Mark::Healthy) && !has(i, Mark::Ejected);
        let leaving = |i| has(i, Mark::Terminating) && !has(i, Mark::Known);
        let (known, healthy) = (count(&|i| has(i, Mark::Known)), count(&able));
        match node.members.mode() {
            Mode::Normal => {}
            Mode::Panic => {
                let few = match plane.settings.panic {
                    Panic::Off => false,
                    Panic::Empty => healthy == 0,
                    Panic::Below(share) => (healthy as f64) < share.0 * known as f64,
                };
                assert!(few && known > 0, "{healthy} of {known} is no reason to panic");
            }
            Mode::Terminating => {
                assert!(plane.settings.terminating && known == 0 && count(&leaving) > 0);
            }
        }
        for instance in 0..instances {
            let wanted = match node.members.mode() {
                Mode::Normal => able(instance),
                Mode::Panic => has(instance, Mark::Known),
                Mode::Terminating => leaving(instance),
            };
            assert_eq!(world.fleet.is_member(instance, index as u32), wanted, "{instance}");
        }
    }
}

/// Plays a run event by event; returns when its record ends.
fn play(world: &mut World<'_>, replication: u64) -> Time {
    let mut records: Vec<(Time, Record)> = Vec::new();
    world.prepare(Seeds::new(1, replication), Depth::Control, &mut records);
    while !world.ended {
        let Some((at, event)) = world.queue.pop() else { break };
        world.now = at;
        world.happen(event, &mut records);
        hold_to_the_rules(world);
    }
    world.finish(&mut records)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn who_is_ready_is_used_and_who_is_gone_is_not(text in any_text(), replication in 0_u64..50) {
        let scenario = scenario(&text);
        let model = Model::new(&scenario);
        let mut world = World::new(&model);
        let end = play(&mut world, replication);
        let plane = world.plane.as_ref().unwrap();
        let (_, never) = plane.lookups;
        let instances = plane.facts.len() as u32;
        for node in never..scenario.clients.nodes {
            let mode = plane.nodes[node as usize].members.mode();
            for instance in 0..instances {
                let entry = world.fleet.get(instance);
                let ready = world.fleet.ready_since(instance);
                let member = world.fleet.is_member(instance, node);
                if entry.phase.is_ready() && entry.able && end.since(ready) > LONG && ready < end {
                    prop_assert!(member, "{instance} ready since {ready:?}, {mode:?}");
                }
                if entry.phase == Phase::Stopped && mode == Mode::Normal
                    && world.said == Said::Completed
                {
                    prop_assert!(!member, "{instance} is gone");
                }
            }
        }
        // Who never looks up again sends to those it knew at first, and to nobody else.
        for node in 0..never {
            for instance in 0..instances {
                let first = instance < scenario.service.instances;
                prop_assert_eq!(world.fleet.is_member(instance, node), first);
            }
        }
    }
}

const SMALL: &str = "instances = 4\n[versions.old]\nstart = \"1s\"\n[strategy.generic]\n";

#[test]
fn lookups_are_spread_evenly_and_come_after_the_change() {
    let scenario = scenario(&format!(
        "{SMALL}[clients]\ncount = 10\n\
         [data_plane]\ndns = \"80%\"\nttl = \"40s\"\nnever = \"25%\"\n"
    ));
    let mut plane = Plane::new(scenario.pieces.data_plane.as_ref().unwrap());
    plane.reset(10, 0.3);
    assert_eq!(plane.lookups, (8, 2));
    let at = Time::from_secs(100);
    let learned: Vec<Time> = (0..10).map(|node| plane.learns(0, node, at)).collect();
    assert_eq!(learned[..2], [Time::NEVER; 2]);
    assert_eq!(learned[8..], [at; 2], "they do not use DNS");
    // 0.3 of 40 s, and 40 s/8 more for each node, modulo 40 s: 12 s + 5 s·node.
    let expected = [102, 107, 112, 117, 122, 127].map(Time::from_secs);
    assert_eq!(learned[2..8], expected);
    let at = Time::from_secs(102);
    assert_eq!(plane.learns(1, 2, at), at, "the answer has it already");
    assert_eq!(plane.learns(1, 2, at + Span(1)), Time::from_secs(142));
}

#[test]
fn the_shared_part_of_a_lag_makes_nodes_agree() {
    let scenario = scenario(&format!(
        "{SMALL}[clients]\ncount = 3\nlag_add = \"200ms\"\n\
         [data_plane]\nregister = \"1s\"\nthrottle = \"5s\"\n"
    ));
    let model = Model::new(&scenario);
    let mut world = World::new(&model);
    let mut records: Vec<(Time, Record)> = Vec::new();
    world.prepare(Seeds::new(1, 0), Depth::Control, &mut records);
    let heard = |world: &mut World<'_>, instance| {
        world.register(instance);
        let plane = world.plane.as_mut().unwrap();
        (0..3).map(|node| plane.pair(instance, node).heard_by.0 / 1_000_000).collect::<Vec<_>>()
    };
    assert_eq!(heard(&mut world, 7), [1200; 3]);
    // Too soon after the last round: with the next.
    assert_eq!(heard(&mut world, 8), [1200; 3], "in the same round");
    world.now = Time::from_secs(1);
    assert_eq!(heard(&mut world, 9), [6200; 3]);
}

/// A host that comes back before enough checks have failed was never away; it is used, and
/// refuses, all the time.
#[test]
fn a_quick_restart_on_a_fixed_list_is_not_noticed() {
    for (start, noticed) in [("3s", false), ("30s", true)] {
        let scenario = scenario(&format!(
            "instances = 2\n[versions.old]\nstart = \"{start}\"\nexit = \"0s\"\n[clients]\n\
             count = 1\n[strategy.ansible]\nserial = 1\n\
             [data_plane]\nkind = \"haproxy\"\ncheck = \"2s\"\nfall = 3\nrise = 2\n"
        ));
        let model = Model::new(&scenario);
        let mut records: Vec<(Time, Record)> = Vec::new();
        let mut world = World::new(&model);
        world.prepare(Seeds::new(1, 0), Depth::Control, &mut records);
        let mut least = 2;
        while !world.ended {
            let Some((at, event)) = world.queue.pop() else { break };
            world.now = at;
            world.happen(event, &mut records);
            let plane = world.plane.as_ref().unwrap();
            let instances = plane.facts.len() as u32;
            let used = (0..instances).filter(|i| world.fleet.is_member(*i, 0)).count();
            least = least.min(used);
        }
        assert_eq!(world.said, Said::Completed);
        assert_eq!(least, if noticed { 1 } else { 2 }, "{start}");
    }
}

#[test]
fn slow_start_that_needs_a_warm_one_protects_no_fleet_that_is_all_new() {
    let play = |batch: &str| {
        let scenario = scenario(&format!(
            "instances = 4\n[versions.old]\nstart = \"5s\"\n[traffic]\nrate = \"20/s\"\n\
             [balancer]\nslow_start = \"60s\"\n[strategy.generic]\nbatch = {batch}\n\
             [data_plane]\nneeds_warm = true\n"
        ));
        let model = Model::new(&scenario);
        let mut world = World::new(&model);
        let mut records: Vec<(Time, Record)> = Vec::new();
        world.prepare(Seeds::new(1, 0), Depth::Requests, &mut records);
        let mut fresh = 0;
        while !world.ended {
            let Some((at, event)) = world.queue.pop() else { break };
            world.now = at;
            world.happen(event, &mut records);
            let plane = world.plane.as_ref().unwrap();
            let rising = (0..plane.facts.len() as u32)
                .filter(|instance| plane.fresh_since(*instance, 0) != WARM);
            fresh = fresh.max(rising.count());
        }
        fresh
    };
    assert!(play("1") > 0);
    // All four stop, then all four start: nobody is warm.
    assert_eq!(play("4"), 0);
}
