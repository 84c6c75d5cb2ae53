//! Connection limits, connect rates, outages and queues of what the service depends on.

use proptest::prelude::*;
use rollcast::scenario::settings::{KubernetesDeployment, StrategySettings};
use rollcast::scenario::{
    Dependency, Discipline, Dist, Failure, Named, OutcomeKey, Over, Restart, Scenario,
};
use rollcast::sim::Depth;
use rollcast::trace::{Cause, Ending, Moment, Phase, Record, Sink as _};
use rollcast::units::{CountOrPercent, Rate, Share, Span, Time};

use super::any::{self, Plan, deployment, quiet, steady};
use super::books::{Books, play};

const fn seconds(seconds: u64) -> Span {
    Span::from_secs(seconds)
}

/// One that changes nothing.
fn idle() -> Dependency {
    Dependency {
        connections_max: None,
        per_instance: 0,
        connect_rate: None,
        over: Over::Fail,
        readiness: false,
        capacity: None,
        calls: 1.0,
        fails: None,
    }
}

fn on(mut scenario: Scenario, dependency: Dependency) -> Scenario {
    let named = Named { name: "postgres".to_owned(), piece: dependency };
    scenario.pieces.dependencies = vec![named];
    scenario
}

/// A Deployment that replaces `surge` instances a second; old processes exit `exit` seconds after
/// they are told.
fn surging(instances: u32, surge: u32, exit: f64) -> Scenario {
    let mut scenario = quiet(instances);
    scenario.strategy = StrategySettings::Kubernetes(KubernetesDeployment {
        max_surge: CountOrPercent::Count(surge),
        max_unavailable: CountOrPercent::Count(0),
        ..deployment()
    });
    for version in [&mut scenario.versions.old, &mut scenario.versions.new] {
        version.exit = Dist::Fixed(Span::from_secs_f64(exit));
    }
    scenario.shutdown.grace = seconds(60);
    scenario.restart =
        Restart { attempts: 20, delay: seconds(5), delay_max: seconds(20), ..scenario.restart };
    scenario
}

/// Whether a process asked for connections in vain, and the most ever asked for.
fn asked(records: &[(Time, Record)]) -> (bool, u32) {
    let asked = records.iter().filter_map(|(_, record)| match record {
        Record::Connections { held, wanted, .. } => Some((wanted > held, *wanted)),
        _ => None,
    });
    asked.fold((false, 0), |(vain, most), (v, w)| (vain || v, most.max(w)))
}

#[test]
fn the_largest_surge_that_fits_is_what_arithmetic_says() {
    for (instances, waves, each) in [(12, 6, 20), (12, 4, 7), (12, 2, 20), (30, 10, 3), (6, 6, 1)] {
        let surge = instances / waves;
        for over_waves in 1..4 {
            // Told at each second, gone half a second before the one after `over_waves` more.
            let exit = f64::from(over_waves) - 0.5;
            let terminating = surge * over_waves.min(waves - 1);
            for spare in 0..=(surge + terminating + 1) * each {
                if spare % each > 1 && spare % each < each - 1 {
                    continue;
                }
                let limit = instances * each + spare;
                // floor(L/p) − n − terminating.
                let fits = i64::from(limit / each) - i64::from(instances + terminating);
                let pool =
                    Dependency { connections_max: Some(limit), per_instance: each, ..idle() };
                let scenario = on(surging(instances, surge, exit), pool);
                let (records, _) = play(&scenario, 0, Depth::Control);
                let vain = asked(&records).0;
                let case =
                    format!("n {instances}, surge {surge}, p {each}, L {limit}, exit {exit}");
                assert_eq!(vain, i64::from(surge) > fits, "{case}");
            }
        }
    }
}

#[test]
fn who_is_refused_crashes_and_comes_back_later() {
    // Room for 4 of 2 + 2 + 2 terminating.
    let pool = Dependency { connections_max: Some(40), per_instance: 10, ..idle() };
    let scenario = on(surging(4, 2, 2.5), pool);
    let (records, _) = play(&scenario, 0, Depth::Control);
    let crashed = |(_, record): &&(Time, Record)| {
        matches!(record, Record::Connections { held: 40, wanted: 50, limit: Some(40), .. })
    };
    assert!(records.iter().any(|record| crashed(&record)), "nobody was refused");
    let started = records
        .iter()
        .any(|(_, record)| matches!(record, Record::Phase { instance: 4, to: Phase::Ready, .. }));
    // With nobody leaving, the surge never gets its connections: the old ones hold them all.
    assert!(!started);
    let enough = Dependency { connections_max: Some(80), per_instance: 10, ..idle() };
    let books = Books::of(&play(&on(surging(4, 2, 2.5), enough), 0, Depth::Control).0);
    assert_eq!(books.finally_ready.values().sum::<u32>(), 4);
}

#[test]
fn who_waits_starts_when_others_have_gone() {
    // Room for the surge of two but not for those who still leave (for 2.5 s).
    let pool = Dependency { connections_max: Some(60), per_instance: 10, ..idle() };
    let waits = on(surging(4, 2, 2.5), Dependency { over: Over::Wait, ..pool });
    let (records, _) = play(&waits, 0, Depth::Control);
    let ready = |instance| {
        records.iter().find_map(|(at, record)| match record {
            Record::Phase { instance: id, to: Phase::Ready, .. } if *id == instance => {
                Some(at.since(Time::from_secs(10)).as_secs_f64())
            }
            _ => None,
        })
    };
    // The first two at 1 s; the next two ask then, and get theirs at 3.5 s when two old are gone.
    assert_eq!([4, 5, 6, 7].map(ready), [Some(1.0), Some(1.0), Some(4.5), Some(4.5)]);
    assert_eq!(asked(&records), (true, 80));
}

#[test]
fn new_connections_are_opened_one_after_the_other() {
    let pool = Dependency { per_instance: 20, connect_rate: Some(Rate(10.0)), ..idle() };
    let scenario = on(surging(6, 3, 0.5), pool);
    let (records, _) = play(&scenario, 0, Depth::Control);
    let ready: Vec<f64> = (6..9)
        .filter_map(|instance| {
            records.iter().find_map(|(at, record)| match record {
                Record::Phase { instance: id, to: Phase::Ready, .. } if *id == instance => {
                    Some(at.since(Time::from_secs(10)).as_secs_f64())
                }
                _ => None,
            })
        })
        .collect();
    // The k-th of those who start together: k·p/r, and its start of a second.
    assert_eq!(ready, [3.0, 5.0, 7.0]);
}

/// Down for 20 s, 5 s after the beginning; the rollout is over in 4 s.
fn outage(share: f64) -> Dependency {
    let fails = Failure { at: seconds(5), length: seconds(20), share: Share(share) };
    Dependency { fails: Some(fails), ..idle() }
}

#[test]
fn readiness_that_follows_a_dependency_takes_all_out_at_once() {
    let mut scenario = on(surging(4, 4, 0.5), Dependency { readiness: true, ..outage(1.0) });
    scenario.probes.period = seconds(2);
    scenario.probes.failure_threshold = 3;
    let (records, _) = play(&scenario, 0, Depth::Control);
    let books = Books::of(&records);
    let at = |serving: usize| {
        let after = Time::from_secs(15);
        let first = books.serving_over_time.iter().find(|(at, n)| *at > after && *n == serving);
        first.map(|(at, _)| at.since(Time::from_secs(10)).as_secs_f64())
    };
    // Launched at 0, probed at 0, 2, 4, …: the third failure at 10; the first success at 26.
    assert_eq!((at(0), at(4)), (Some(10.0), Some(26.0)));
    let unready = records.iter().filter(|(_, record)| {
        matches!(record, Record::Phase { cause: Cause::Unready, to: Phase::Starting, .. })
    });
    assert_eq!(unready.count(), 4);
    // With a readiness of its own the service stays.
    scenario.pieces.dependencies[0].piece.readiness = false;
    let books = Books::of(&play(&scenario, 0, Depth::Control).0);
    assert!(books.serving_over_time.iter().all(|(at, n)| *at < Time::from_secs(14) || *n == 4));
}

#[test]
fn a_liveness_probe_that_follows_a_dependency_kills_all() {
    let mut scenario = on(surging(4, 4, 0.5), Dependency { readiness: true, ..outage(1.0) });
    scenario.probes.period = seconds(2);
    scenario.probes.kills = true;
    let (records, _) = play(&scenario, 0, Depth::Control);
    let crashed = records
        .iter()
        .filter(|(_, record)| matches!(record, Record::Phase { cause: Cause::Unready, .. }));
    assert_eq!(crashed.count(), 4);
    let restarted = records.iter().filter(|(at, record)| {
        *at > Time::from_secs(35) && matches!(record, Record::Phase { to: Phase::Ready, .. })
    });
    assert_eq!(restarted.count(), 4);
}

#[test]
fn calls_fail_in_the_share_that_is_said() {
    let mut scenario = on(surging(4, 4, 0.5), Dependency { calls: 2.5, ..outage(0.2) });
    scenario.traffic = Some(steady(400.0));
    scenario.clients.retries.attempts = 1;
    let ended = Books::of(&play(&scenario, 0, Depth::Requests).0).ended;
    let failed = ended.iter().map(|by| by[Ending::Version as usize]).sum::<u64>() as f64;
    // 20 s of 400/s; two calls are sure, the third is a toss.
    let p: f64 = 1.0 - 0.8 * 0.8 * (1.0 - 0.5 * 0.2);
    let (mean, sd) = (8000.0 * p, (8000.0 * p).sqrt());
    assert!((failed - mean).abs() < 4.0 * sd, "{failed} of {mean} ± {sd}");
}

#[test]
fn the_peaks_are_outcomes() {
    let pool = Dependency {
        connections_max: Some(100),
        per_instance: 10,
        capacity: Some(Rate(500.0)),
        ..idle()
    };
    let mut scenario = on(surging(4, 2, 0.5), pool);
    scenario.traffic = Some(steady(250.0));
    let (records, end) = play(&scenario, 0, Depth::Requests);
    let mut collector = rollcast::outcome::Collector::new(&scenario.slo, false);
    for (at, record) in records {
        collector.record(at, record);
    }
    let outcome = collector.finish(end);
    // 4 + 2 and 2 that leave.
    assert_eq!(outcome.get(OutcomeKey::DependencyPeak), Some(0.8));
    let load = outcome.get(OutcomeKey::DependencyLoad).unwrap();
    assert!((0.5..0.75).contains(&load), "{load}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Any world, with a dependency that has everything: no connection is lost or held twice, and
    /// every request ends once.
    #[test]
    fn connections_are_held_by_living_processes_only(
        plan in any::plan(),
        each in 1_u32..5,
        spare in 0_u32..12,
        waits in any::<bool>(),
        readiness in any::<bool>(),
        rate in prop_oneof![Just(None), (1.0_f64..50.0).prop_map(|r| Some(Rate(r)))],
        at in 0_u64..40,
        length in 1_u64..30,
    ) {
        let mut scenario = plan.scenario();
        let limit = scenario.service.instances * each + spare;
        let fails = Failure { at: seconds(at), length: seconds(length), share: Share(1.0) };
        let (delay, delay_max) = (seconds(1), seconds(4));
        scenario.restart = Restart { attempts: 4, delay, delay_max, ..scenario.restart };
        scenario = on(scenario, Dependency {
            connections_max: Some(limit),
            per_instance: each,
            connect_rate: rate,
            over: if waits { Over::Wait } else { Over::Fail },
            readiness,
            capacity: Some(Rate(200.0)),
            calls: 1.5,
            fails: Some(fails),
        });
        let (records, end) = play(&scenario, 3, Depth::Requests);
        let books = Books::of(&records);
        // Who gives up early leaves requests in flight.
        let begun = books.moment(Moment::Begun).unwrap();
        prop_assume!(end >= begun + Plan::SILENCE + scenario.clients.timeout);
        prop_assert_eq!(books.arrived, books.ended.iter().flatten().sum::<u64>());
        let mut alive = 0_u32;
        let mut last = 0;
        for (_, record) in &records {
            match record {
                Record::Phase { to: Phase::Pending, .. }
                | Record::Phase { to: Phase::Available, cause: Cause::Initial, .. } => alive += 1,
                Record::Connections { held, wanted, .. } => {
                    prop_assert!(*held <= limit && held <= wanted);
                    prop_assert_eq!(held % each, 0);
                    prop_assert!(*held <= alive * each);
                    last = *held;
                }
                _ => {}
            }
        }
        let ready: u32 = books.finally_ready.values().sum();
        prop_assert!(last >= ready * each, "{last} for {ready}");
    }
}

#[test]
fn a_full_station_is_the_queue_of_the_books() {
    use rollcast::sim::steady::{Steady, SteadyFleet};
    // M^[n]/M/1: mean of the last of n calls is ρ(n+1)/(2C(1−ρ)) + n/C; with n = 1 it is M/M/1.
    for (calls, load) in [(1.0, 0.5), (1.0, 0.8), (3.0, 0.6)] {
        let capacity = 1000.0;
        let means: Vec<f64> = (0..24)
            .map(|replication| {
                let mut fleet = SteadyFleet::new(&Steady {
                    discipline: Discipline::Fifo { slots: 100_000, queue: None },
                    service: Dist::Fixed(Span(1)),
                    rate: Rate(capacity * load / calls),
                    dependencies: vec![Dependency {
                        capacity: Some(Rate(capacity)),
                        calls,
                        ..idle()
                    }],
                    replication,
                    ..Steady::default()
                });
                fleet.run(seconds(5));
                fleet.measure_from_now();
                fleet.run(seconds(40));
                fleet.latency().mean_secs()
            })
            .collect();
        let n = means.len() as f64;
        let mean = means.iter().sum::<f64>() / n;
        let variance = means.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let error = (variance / n).sqrt();
        let theory = load * (calls + 1.0) / (2.0 * capacity * (1.0 - load)) + calls / capacity;
        let z = (mean - theory) / error;
        assert!(z.abs() < 4.0, "{calls} calls, load {load}: {mean} for {theory}, z {z}");
        assert!(error < 0.02 * theory, "too coarse: {error}");
    }
}
