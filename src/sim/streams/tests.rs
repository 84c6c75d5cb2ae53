//! Streams in worlds that can be worked out by hand, and what holds of all.

use std::path::Path;

use proptest::prelude::*;

use crate::engine::Seeds;
use crate::scenario::{Scenario, load};
use crate::sim::{Depth, Model, World};
use crate::trace::Record;
use crate::units::Time;

/// Four instances, one at a time after another is ready, a start of 10 s.
fn scenario(streams: &str) -> Scenario {
    let text = format!(
        "rollcast = 1\nmargin = \"60s\"\n[service]\ninstances = 4\n[versions.old]\n\
         start = \"10s\"\nexit = \"0s\"\n[clients]\ncount = 2\n[probes]\nperiod = 0\n\
         [shutdown]\ngrace = \"30s\"\n\
         [strategy.generic]\nbatch = 1\norder = \"start-first\"\n[streams]\n{streams}\n"
    );
    match load(&text, "streams.toml", Path::new("."), &[]) {
        Ok(loaded) => loaded.scenario,
        Err(error) => panic!("{text}\n{:?}", error.diagnostics),
    }
}

struct Seen {
    cut: u64,
    moved: u64,
    peak: u64,
    held: Vec<u64>,
    secs: f64,
}

fn play(streams: &str, replication: u64) -> Seen {
    let scenario = scenario(streams);
    let model = Model::new(&scenario);
    let mut records: Vec<(Time, Record)> = Vec::new();
    let end = World::new(&model).run(1, replication as u32, Depth::Control, &mut records);
    let told = records.into_iter().find_map(|(_, record)| match record {
        Record::Streams { cut, moved, reconnect_peak, held, .. } => {
            let held = held.into_iter().map(|(_, count)| count).collect();
            Some(Seen { cut, moved, peak: reconnect_peak, held, secs: end.0 as f64 / 1e9 })
        }
        _ => None,
    });
    told.unwrap()
}

/// With nobody ending by itself, each of the old instances cuts what it has: at first a quarter;
/// those who come back go to old and new ones alike. With n streams and k old ones left, the next
/// has about n/4 (there are always four in rotation), so that about n are cut in all.
#[test]
fn cut_streams_come_back_and_are_cut_again() {
    let seen = play("open = 4000\nlength = \"1000h\"\n", 0);
    assert_eq!(seen.moved, 0);
    assert_eq!(seen.held.iter().sum::<u64>(), 4000);
    // At the first stop the others have 1/4 each; then ever more is on the new ones, which
    // came empty: n·(1/4 + 1/3·... ) lies between one cut each and two.
    assert!((4000..8000).contains(&seen.cut), "{}", seen.cut);
    // A second to come back in: nearly all that one instance had.
    assert!(seen.peak >= 900, "{}", seen.peak);
}

#[test]
fn who_is_asked_in_time_is_not_cut() {
    let seen = play("open = 400\nlength = \"1000h\"\non_drain = \"goaway\"\nwait = true\n", 0);
    assert_eq!(seen.cut, 0);
    assert!(seen.moved >= 400);
    // Without the wait the process is gone before they are.
    let seen = play("open = 400\nlength = \"1000h\"\non_drain = \"goaway\"\n", 0);
    assert!(seen.cut > 350, "{}", seen.cut);
    let seen = play("open = 400\nlength = \"1000h\"\non_drain = \"migrate\"\n", 0);
    assert_eq!(seen.cut, 0);
    assert_eq!(seen.held.iter().sum::<u64>(), 400);
}

/// Who waits for streams that nobody ends is killed after the grace period: four times 30 s.
#[test]
fn the_wait_ends_with_the_grace_period() {
    let patient = play("open = 400\nlength = \"1000h\"\nwait = true\n", 0);
    assert!(patient.cut > 350, "{}", patient.cut);
    let short = play("open = 400\nlength = \"2s\"\nwait = true\n", 0);
    assert_eq!(short.cut, 0, "they end before SIGKILL");
    assert!(short.secs < patient.secs);
}

/// The number open of streams that come at a rate: Poisson with mean rate · length (M/G/∞).
#[test]
fn streams_that_come_at_a_rate_stay_as_many_as_little_says() {
    let runs = 40;
    let mean = |dist: &str| {
        let count = |run| {
            let text = format!("rate = \"5/s\"\nlength = {dist}\non_drain = \"migrate\"\n");
            play(&text, run).held.iter().sum::<u64>() as f64
        };
        (0..runs).map(count).sum::<f64>() / runs as f64
    };
    for dist in ["\"20s\"", "{ law = \"exponential\", mean = \"20s\" }"] {
        let error = (100.0 / runs as f64).sqrt();
        let off = (mean(dist) - 100.0).abs();
        assert!(off < 4.0 * error, "{dist}: {off} is beyond four standard errors of {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Streams that are always open are somewhere, or on their way back: at the end, long after
    /// the last change, all of them are with somebody who is ready.
    #[test]
    fn nobody_is_lost(
        open in 1_u32..500,
        on_drain in prop::sample::select(vec!["cut", "goaway", "migrate"]),
        length in prop::sample::select(vec!["500ms", "7s", "1000h"]),
        algorithm in prop::sample::select(vec!["p2c", "leastconn", "random", "round_robin"]),
        wait: bool,
    ) {
        let text = format!(
            "open = {open}\nlength = \"{length}\"\non_drain = \"{on_drain}\"\nwait = {wait}\n\
             [balancer]\nalgorithm = \"{algorithm}\"\n"
        );
        let scenario = scenario(&text);
        let model = Model::new(&scenario);
        let mut records: Vec<(Time, Record)> = Vec::new();
        let mut world = World::new(&model);
        world.prepare(Seeds::new(1, 0), Depth::Control, &mut records);
        world.play(&mut records);
        let streams = world.streams.as_ref().unwrap();
        let held: u64 = (0..64).map(|instance| streams.held_by(instance)).sum();
        prop_assert_eq!(held, u64::from(open));
        for instance in 0..64 {
            let held = streams.held_by(instance);
            prop_assert!(held == 0 || world.fleet.get(instance).phase.is_ready());
        }
    }
}
