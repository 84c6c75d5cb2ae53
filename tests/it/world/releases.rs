//! Bad releases: which defects they carry, who shows them, and what requests feel of them.

use std::path::Path;

use proptest::prelude::*;
use rollcast::exact::exposure::{canary_misses, mean_discord};
use rollcast::exact::stationary::erlang_b;
use rollcast::scenario::pieces::{Defect, Mix, Named, Until, Wrong};
use rollcast::scenario::{Dist, Scenario, load};
use rollcast::sim::{Depth, Model, Quality, World};
use rollcast::trace::life::Checker;
use rollcast::trace::{Cause, Ending, Moment, Record, Said, VersionId};
use rollcast::units::{Share, Span, Time};

use super::any;
use super::books::{Books, play};

/// Ten instances that are replaced at once and one by one, ten seconds apart; 200 requests a
/// second of a millisecond each.
fn scenario(more: &str) -> Scenario {
    let text = format!(
        "rollcast = 1\nmargin = \"5s\"\n[service]\ninstances = 10\nslots = 8\n[versions.old]\n\
         start = \"0s\"\nexit = \"0s\"\nservice_time = \"1ms\"\n[traffic]\nrate = \"200/s\"\n\
         [clients]\nlag_add = \"0s\"\nlag_remove = \"0s\"\n[balancer]\nalgorithm = \"random\"\n\
         [probes]\nperiod = \"0s\"\ninitial_delay = \"0s\"\n[control]\nwatch = \"0s\"\n\
         sync = \"0s\"\nact = \"0s\"\nschedule = \"0s\"\nlaunch = \"0s\"\n\
         [strategy.generic]\nbatch = 1\norder = \"stop-first\"\nbake = \"10s\"\n{more}"
    );
    let loaded = load(&text, "x.toml", Path::new("."), &[]);
    loaded.unwrap_or_else(|error| panic!("{error:?}")).scenario
}

/// Requests of old and new that the version failed, and all that ended, since the rollout began.
fn failed(scenario: &Scenario, replication: u32) -> ([f64; 2], [f64; 2]) {
    let (records, _) = play(scenario, replication, Depth::Requests);
    let begun = Books::of(&records).moment(Moment::Begun).unwrap();
    let (mut failed, mut all) = ([0.0; 2], [0.0; 2]);
    for (at, record) in &records {
        let Record::Window { counts } = record else { continue };
        for version in 0..2 {
            if *at >= begun {
                failed[version] += f64::from(counts[version].ended[Ending::Version as usize]);
                all[version] += counts[version].ended.iter().map(|n| f64::from(*n)).sum::<f64>();
            }
        }
    }
    (failed, all)
}

/// Within 4.5 standard deviations of a Poisson count.
#[track_caller]
fn near(seen: f64, expected: f64) {
    assert!((seen - expected).abs() <= 4.5 * expected.sqrt() + 1.0, "{seen}, not {expected}");
}

#[test]
fn a_bad_release_carries_one_defect_at_least() {
    let scenario = scenario(
        "[release]\nbad = \"5%\"\n[defects.a]\nkind = \"errors\"\nchance = \"30%\"\n\
         [defects.b]\nkind = \"slower\"\nchance = \"20%\"\n",
    );
    let runs = 3_000;
    let mut counts = [0.0; 2];
    for (quality, wanted) in [(Quality::Good, 0), (Quality::Bad, runs)] {
        let model = Model::of_quality(&scenario, quality);
        let mut world = World::new(&model);
        let mut bad_runs = 0;
        for replication in 0..runs {
            let mut sink: Vec<(Time, Record)> = Vec::new();
            world.run(1, replication, Depth::Control, &mut sink);
            let release = sink.iter().find_map(|(_, record)| match record {
                Record::Release { bad, defects } => Some((*bad, defects.clone())),
                _ => None,
            });
            let (bad, defects) = release.expect("written at the beginning");
            assert_eq!(bad, !defects.is_empty());
            bad_runs += u32::from(bad);
            for defect in defects {
                counts[usize::from(defect)] += 1.0;
            }
        }
        assert_eq!(bad_runs, wanted);
    }
    let any = 1.0 - 0.7 * 0.8;
    near(counts[0], f64::from(runs) * 0.3 / any);
    near(counts[1], f64::from(runs) * 0.2 / any);
}

#[test]
fn a_canary_misses_what_its_hosts_do_not_show() {
    let mut scenario = scenario(
        "on_failure = \"pause\"\nfailures_allowed = 0\nready_deadline = \"30s\"\n\
         [hosts]\ncount = 40\n[defects.class]\nkind = \"never_ready\"\nhosts = \"15%\"\n",
    );
    scenario.service.instances = 4;
    scenario.traffic = None;
    scenario.probes.period = Span::from_secs(1);
    let runs = 3_000;
    let completed = (0..runs)
        .filter(|replication| {
            let (records, _) = play(&scenario, *replication, Depth::Control);
            Books::of(&records).said.is_some_and(|(_, said)| said == Said::Completed)
        })
        .count();
    near(completed as f64, f64::from(runs) * canary_misses(0.15, 4));
}

#[test]
fn mixed_versions_fail_by_the_part_that_is_new() {
    // One by one, ten seconds each: the mean of 4x(1 − x) over 100 s.
    let expected = 0.1 * 200.0 * 100.0 * mean_discord(10);
    let peers = scenario("[defects.api]\nkind = \"mixed\"\nshare = \"10%\"\n");
    let (seen, _) = failed(&peers, 0);
    near(seen[0] + seen[1], expected);
    // Two requests in a row meet different versions with chance 2x(1 − x).
    let more = "[defects.api]\nkind = \"mixed\"\nshare = \"10%\"\nclients = 40\n";
    let (seen, _) = failed(&scenario(more), 0);
    near(seen[0] + seen[1], expected / 2.0);
}

#[test]
fn errors_come_late_grow_and_befall_a_class() {
    let plain = "[defects.bug]\nkind = \"errors\"\nshare = \"20%\"\n";
    let (seen, all) = failed(&scenario(plain), 0);
    near(seen[1], 0.2 * all[1]);
    assert_eq!(seen[0], 0.0);
    let (some, _) = failed(&scenario(&format!("{plain}instances = \"50%\"\n")), 0);
    assert!(some[1] > 0.2 * seen[1] && some[1] < 0.8 * seen[1], "{some:?} of {seen:?}");
    let (class, all) = failed(&scenario("[defects.bug]\nkind = \"errors\"\nclass = \"7%\"\n"), 0);
    near(class[1], 0.07 * all[1]);
    // Each new instance errs from its fifth second on.
    let late = scenario("[defects.bug]\nkind = \"errors\"\nafter = \"5s\"\nrise = \"20s\"\n");
    let (seen, _) = failed(&late, 0);
    let (records, end) = play(&late, 0, Depth::Requests);
    let one = |age: f64| {
        let since = (age - 5.0).max(0.0);
        if since < 20.0 { since * since / 40.0 } else { since - 10.0 }
    };
    let ages = records.iter().filter_map(|(at, record)| match record {
        Record::Serving { version: VersionId::NEW, serving: true, .. } => Some(end.since(*at)),
        _ => None,
    });
    let ages: Vec<f64> = ages.map(Span::as_secs_f64).collect();
    assert_eq!(ages.len(), 10);
    near(seen[1], ages.iter().map(|age| 20.0 * one(*age)).sum());
}

/// How long each process that ended by itself had served, and the slowest answers of the new
/// version at the 90th percentile.
fn ages_at_crash(leak: &str) -> (Vec<f64>, f64) {
    let scenario = scenario(&format!(
        "[restart]\nattempts = 100\ndelay = \"1s\"\ndelay_max = \"1s\"\n[defects.heap]\n\
         kind = \"leak\"\nfactor = 20\n{leak}\n"
    ));
    let (records, _) = play(&scenario, 0, Depth::Requests);
    let (mut since, mut ages, mut slow) = (std::collections::BTreeMap::new(), Vec::new(), 0.0);
    for (at, record) in &records {
        match record {
            Record::Serving { instance, serving: true, .. } => {
                since.insert(*instance, *at);
            }
            Record::Phase { instance, cause: Cause::Crashed, .. } => {
                ages.extend(since.remove(instance).map(|from| at.since(from).as_secs_f64()));
            }
            Record::Latency { version, histogram, .. } if version.0 == 1 => {
                slow = histogram.quantile_secs(0.9).max(slow);
            }
            _ => {}
        }
    }
    (ages, slow)
}

#[test]
fn lost_memory_kills_and_a_restart_begins_afresh() {
    // Looked at once a second.
    let (by_time, slow) = ages_at_crash("after = \"20s\"");
    assert!(by_time.len() >= 15, "{by_time:?}");
    assert!(by_time.iter().all(|age| (19.0..22.0).contains(age)), "{by_time:?}");
    assert!(slow > 0.01, "nearly twenty times a millisecond: {slow}");
    // 20 requests a second each, and more while others are away: 400 take twenty seconds or less.
    let (by_requests, _) = ages_at_crash("served = 400");
    assert!(by_requests.len() >= 15, "{by_requests:?}");
    assert!(by_requests.iter().all(|age| (8.0..25.0).contains(age)), "{by_requests:?}");
    assert!(ages_at_crash("after = \"1h\"").0.is_empty());
}

#[test]
fn what_cannot_be_undone_fails_after_the_rollback_too() {
    let scenario = scenario(
        "on_failure = \"rollback\"\nfailures_allowed = 0\nready_deadline = \"20s\"\n\
         [defects.data]\nkind = \"irreversible\"\nshare = \"50%\"\n\
         [defects.slow]\nkind = \"never_ready\"\nshare = \"20%\"\n",
    );
    let back = (0..40).find(|replication| {
        let (records, _) = play(&scenario, *replication, Depth::Requests);
        Books::of(&records).said.is_some_and(|(_, said)| said == Said::RolledBack)
    });
    let (records, _) = play(&scenario, back.expect("one rolls back"), Depth::Requests);
    let last = records.iter().rev().find_map(|(_, record)| match record {
        Record::Window { counts } if counts[0].ended.iter().sum::<u32>() > 100 => Some(counts[0]),
        _ => None,
    });
    let ended = last.unwrap().ended;
    let share = f64::from(ended[Ending::Version as usize]) / f64::from(ended.iter().sum::<u32>());
    assert!((share - 0.5).abs() < 0.2, "{share}");
}

#[test]
fn fewer_slots_are_a_smaller_system() {
    let lost = |more: &str| {
        let mut scenario = scenario(&format!("[defects.small]\nkind = \"less_capacity\"\n{more}"));
        scenario.service.instances = 1;
        scenario.service.discipline =
            rollcast::scenario::Discipline::Fifo { slots: 4, queue: Some(0) };
        for version in [&mut scenario.versions.old, &mut scenario.versions.new] {
            version.service_time = Dist::Exponential { mean: Span::from_millis(10) };
        }
        scenario.margin = Span::from_secs(600);
        let (records, _) = play(&scenario, 0, Depth::Requests);
        let ended = Books::of(&records).ended[1];
        ended[Ending::Shed as usize] as f64 / ended.iter().sum::<u64>() as f64
    };
    for (share, slots) in [("50%", 2), ("75%", 1)] {
        let expected = erlang_b(2.0, slots);
        let seen = lost(&format!("share = \"{share}\"\n"));
        assert!((seen / expected - 1.0).abs() < 0.03, "{slots} slots: {seen}, not {expected}");
    }
}

#[test]
fn a_good_release_has_the_luck_of_a_scenario_without_defects() {
    let bad = scenario("[defects.bug]\nkind = \"errors\"\n[release]\n");
    let mut plain = bad.clone();
    plain.pieces.defects.clear();
    let run = |scenario: &Scenario, quality| {
        let mut records: Vec<(Time, Record)> = Vec::new();
        let model = Model::of_quality(scenario, quality);
        World::new(&model).run(1, 3, Depth::Requests, &mut records);
        records.retain(|(_, record)| !matches!(record, Record::Release { .. }));
        records
    };
    let good = run(&bad, Quality::Good);
    assert!(good == run(&plain, Quality::Good) && good == run(&plain, Quality::Bad));
    assert!(good != run(&bad, Quality::Bad));
}

fn defect() -> impl Strategy<Value = Defect> {
    let share = || (0.05f64..=1.0).prop_map(Share);
    let dist = || (0u64..15_000).prop_map(|ms| Dist::Fixed(Span::from_millis(ms)));
    let until = prop_oneof![
        (5.0f64..500.0).prop_map(Until::Served),
        (500u64..20_000).prop_map(|ms| Until::After(Dist::Fixed(Span::from_millis(ms)))),
    ];
    let how =
        prop_oneof![Just(Mix::Peers), (1u32..50).prop_map(|clients| Mix::Crossing { clients })];
    let fault = prop_oneof![
        share().prop_map(|share| Wrong::NeverReady { share }),
        (share(), dist()).prop_map(|(share, after)| Wrong::Crash { share, after }),
        (share(), dist(), 0u64..20, share()).prop_map(|(share, after, rise, class)| {
            Wrong::Errors { share, after, rise: Span::from_secs(rise), class }
        }),
        (1.0f64..10.0).prop_map(|factor| Wrong::Slower { factor }),
        (0.05f64..0.95).prop_map(|share| Wrong::LessCapacity { share: Share(share) }),
        (until, 1.0f64..10.0).prop_map(|(until, factor)| Wrong::Leak { until, factor }),
        (1.0f64..5.0).prop_map(|factor| Wrong::SlowStart { factor }),
        (how, share()).prop_map(|(how, share)| Wrong::Mixed { how, share }),
        share().prop_map(|share| Wrong::Irreversible { share }),
    ];
    (fault, share(), share(), share()).prop_map(|(fault, chance, instances, hosts)| Defect {
        fault,
        chance,
        instances,
        hosts,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..super::config() })]

    #[test]
    fn every_request_ends_once_and_luck_repeats(
        plan in any::plan(),
        defects in proptest::collection::vec(defect(), 1..4),
        replication in 0u32..100,
    ) {
        let mut scenario = plan.scenario();
        let named = |(n, piece)| Named { name: format!("d{n}"), piece };
        scenario.pieces.defects = defects.into_iter().enumerate().map(named).collect();
        let (records, end) = play(&scenario, replication, Depth::Requests);
        let books = Books::of(&records);
        prop_assert!(books.arrived > 0);
        prop_assert_eq!(books.arrived, books.ended.iter().flatten().sum::<u64>());
        for version in 0..2 {
            prop_assert_eq!(books.latencies[version], books.ended[version][Ending::Ok as usize]);
        }
        let model = Model::new(&scenario);
        let mut used = World::new(&model);
        used.run(1, replication + 1, Depth::Requests, &mut Checker::new(Vec::new()));
        used.run(1, replication, Depth::Control, &mut Checker::new(Vec::new()));
        let mut sink = Checker::new(Vec::new());
        prop_assert_eq!(used.run(1, replication, Depth::Requests, &mut sink), end);
        prop_assert!(sink.into_inner() == records);
    }
}
