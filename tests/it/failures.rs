//! Each cause of failed requests alone, in a size that can be worked out by hand.
//!
//! Requests arrive evenly and are sent in turn, so that counts are exact but for the requests at
//! the edges.

use rollcast::scenario::settings::{DeploymentKind, KubernetesDeployment, StrategySettings};
use rollcast::scenario::settings::{Generic, Order};
use rollcast::scenario::{
    Algorithm, Arrivals, Discipline, Dist, OnTerm, Profile, Protocol, Scenario, Traffic, Warmup,
};
use rollcast::sim::Depth;
use rollcast::trace::{Ending, Record, VersionId};
use rollcast::units::{Rate, Share, Span, Time};

use crate::world::any::{batches, deployment, quiet};
use crate::world::books::{Books, play};

const fn seconds(seconds: u64) -> Span {
    Span::from_secs(seconds)
}

/// Four instances, one at a time, old first, `rate` requests a second from one node.
fn base(rate: f64) -> Scenario {
    let mut scenario = quiet(4);
    scenario.traffic = Some(Traffic {
        profile: Profile::Constant(Rate(rate)),
        arrivals: Arrivals::Deterministic,
        scale: 1.0,
    });
    scenario.balancer.algorithm = Algorithm::RoundRobin;
    scenario.service.discipline = Discipline::Fifo { slots: 1000, queue: None };
    scenario.clients.timeout = seconds(60);
    scenario.clients.protocol = Protocol::PerRequest { reuse: Share(0.0) };
    scenario.shutdown.grace = seconds(30);
    scenario.shutdown.on_term = OnTerm::Drain;
    both(&mut scenario, Dist::Fixed(Span::from_millis(1)));
    // Long enough for a stopping instance to be forgotten before the next one goes.
    bake(&mut scenario, 20);
    scenario
}

fn both(scenario: &mut Scenario, service: Dist) {
    scenario.versions.old.service_time = service.clone();
    scenario.versions.new.service_time = service;
}

fn bake(scenario: &mut Scenario, bake: u64) {
    let settings = Generic { bake: seconds(bake), ..batches() };
    scenario.strategy = StrategySettings::Generic(settings);
}

/// Requests by ending; insists that only `causes` occur.
fn ended(scenario: &Scenario, causes: &[Ending]) -> [u64; 8] {
    let (records, _) = play(scenario, 0, Depth::Requests);
    let books = Books::of(&records);
    let mut sums = [0; 8];
    for ending in Ending::ALL {
        let index = ending as usize;
        sums[index] = books.ended.iter().map(|by_version| by_version[index]).sum();
        let expected = ending == Ending::Ok || causes.contains(&ending);
        assert_eq!(sums[index] > 0, expected, "{ending:?}: {}", sums[index]);
    }
    sums
}

fn assert_about(count: u64, expected: u64, by: u64) {
    assert!(count.abs_diff(expected) <= by, "{count} instead of {expected} ± {by}");
}

#[test]
fn a_clean_stop_loses_nothing() {
    let mut scenario = base(100.0);
    scenario.clients.lag_remove = Dist::Fixed(seconds(2));
    scenario.shutdown.pre_stop = seconds(3);
    ended(&scenario, &[]);
    // Nor does one that nobody has to hear of.
    scenario.clients.lag_remove = Dist::Fixed(Span::ZERO);
    scenario.shutdown.pre_stop = Span::ZERO;
    ended(&scenario, &[]);
}

/// For the 2 s until the node has heard of it, each of four stopped instances gets a quarter of
/// 100 requests a second.
#[test]
fn without_pre_stop_the_lag_is_refused_or_reset() {
    let mut scenario = base(100.0);
    // Later than the lag: there are four in rotation for all of it.
    scenario.versions.new.start = Dist::Fixed(seconds(5));
    scenario.clients.lag_remove = Dist::Fixed(seconds(2));
    let refused = ended(&scenario, &[Ending::Refused])[Ending::Refused as usize];
    assert_about(refused, 4 * 2 * 25, 8);
    scenario.clients.protocol = Protocol::PerRequest { reuse: Share(1.0) };
    let reset = ended(&scenario, &[Ending::Reset])[Ending::Reset as usize];
    assert_eq!(reset, refused);
    scenario.clients.protocol = Protocol::PerRequest { reuse: Share(0.5) };
    let both = ended(&scenario, &[Ending::Refused, Ending::Reset]);
    assert_eq!(both[Ending::Refused as usize] + both[Ending::Reset as usize], refused);
    // Binomial(200, 1/2): five standard deviations.
    assert_about(both[Ending::Reset as usize], 100, 36);
    // Whoever tries again once a second has left the 2 s behind after three attempts.
    scenario.clients.retries.attempts = 5;
    scenario.clients.retries.delay = Dist::Fixed(seconds(1));
    ended(&scenario, &[]);
}

/// With 1 s of service each instance has 25 requests in flight.
#[test]
fn who_exits_at_once_cuts_what_is_in_flight() {
    for slots in [8, 1000] {
        let mut scenario = base(if slots == 8 { 24.0 } else { 100.0 });
        scenario.service.discipline = Discipline::Fifo { slots, queue: None };
        both(&mut scenario, Dist::Fixed(seconds(1)));
        scenario.shutdown.on_term = OnTerm::Exit;
        let cut = ended(&scenario, &[Ending::Cut])[Ending::Cut as usize];
        assert_about(cut, 4 * if slots == 8 { 6 } else { 25 }, 4);
    }
}

/// Of requests that take 10 s those are cut that began less than 6 s before a stop with 4 s of
/// grace: 6 s × 10/s at each instance.
#[test]
fn too_little_grace_cuts_what_takes_longer() {
    let mut scenario = base(40.0);
    both(&mut scenario, Dist::Fixed(seconds(10)));
    scenario.shutdown.grace = seconds(4);
    let cut = ended(&scenario, &[Ending::Cut])[Ending::Cut as usize];
    assert_about(cut, 4 * 60, 8);
    scenario.shutdown.grace = seconds(11);
    ended(&scenario, &[]);
    // A process that never hears SIGTERM works until SIGKILL, but gets nothing new.
    scenario.shutdown.on_term = OnTerm::Ignore;
    ended(&scenario, &[]);
}

/// Requests that end in the ten seconds before the rollout.
fn before(scenario: &Scenario) -> [u64; 8] {
    let (records, _) = play(scenario, 0, Depth::Requests);
    let mut sums = [0; 8];
    for (at, record) in &records {
        if let Record::Window { counts } = record
            && *at < Time::from_secs(10)
        {
            for by_version in counts {
                for (sum, ended) in sums.iter_mut().zip(by_version.ended) {
                    *sum += u64::from(ended);
                }
            }
        }
    }
    sums
}

/// A slot without a queue that is busy for 100 ms takes every other request of one in 50 ms.
#[test]
fn without_a_queue_overload_is_shed() {
    for discipline in [
        Discipline::Fifo { slots: 1, queue: Some(0) },
        Discipline::Sharing { cores: 1.0, limit: Some(1) },
    ] {
        let mut scenario = base(80.0);
        scenario.service.discipline = discipline;
        both(&mut scenario, Dist::Fixed(Span::from_millis(99)));
        let ended = before(&scenario);
        assert_about(ended[Ending::Shed as usize], 400, 8);
        assert_about(ended[Ending::Ok as usize], 400, 8);
    }
}

/// Twice the load that an instance bears: the n-th request waits for n/2 services of 100 ms.
/// Whoever comes after the first 20 is not answered within a second.
#[test]
fn with_a_queue_overload_times_out() {
    let mut scenario = base(80.0);
    scenario.service.discipline = Discipline::Fifo { slots: 1, queue: None };
    scenario.clients.timeout = seconds(1);
    both(&mut scenario, Dist::Fixed(Span::from_millis(100)));
    let ended = before(&scenario);
    assert_about(ended[Ending::Ok as usize], 4 * 20, 8);
    // All that came in the first nine seconds, but for those.
    assert_about(ended[Ending::Timeout as usize], 9 * 80 - 4 * 20, 8);
}

/// Recreate: nobody is there while the old ones exit (1 s) and the new ones start (5 s).
#[test]
fn recreate_leaves_no_endpoint() {
    let mut scenario = base(50.0);
    scenario.versions.old.exit = Dist::Fixed(seconds(1));
    scenario.versions.new.start = Dist::Fixed(seconds(5));
    let settings = KubernetesDeployment { kind: DeploymentKind::Recreate, ..deployment() };
    scenario.strategy = StrategySettings::Kubernetes(settings);
    let none = ended(&scenario, &[Ending::NoEndpoint])[Ending::NoEndpoint as usize];
    assert_about(none, 6 * 50, 2);
    // With one common queue they wait instead.
    scenario.balancer.algorithm = Algorithm::Central { room: None };
    ended(&scenario, &[]);
}

#[test]
fn a_bad_version_fails_its_share() {
    let mut scenario = base(200.0);
    scenario.versions.new.errors = Share(0.2);
    let (records, _) = play(&scenario, 0, Depth::Requests);
    let [old, new, _] = Books::of(&records).ended;
    assert_eq!(old[Ending::Version as usize], 0);
    let [ok, errors] = [Ending::Ok, Ending::Version].map(|ending| new[ending as usize] as f64);
    let all = ok + errors;
    assert!(all > 5000.0);
    // Five standard deviations of a binomial share.
    assert!((errors / all - 0.2).abs() < 5.0 * (0.16 / all).sqrt(), "{errors} of {all}");
}

/// What each instance got after the rollout, and how many requests were reset.
fn served_after(scenario: &Scenario) -> (Vec<u64>, u64) {
    let (records, _) = play(scenario, 0, Depth::Requests);
    let resets = Books::of(&records).ended.iter().map(|e| e[Ending::Reset as usize]).sum();
    let served = records.iter().find_map(|(_, record)| match record {
        Record::Totals { served_after, .. } => Some(served_after.iter().map(|(_, n)| *n).collect()),
        _ => None,
    });
    (served.expect("a run with requests has totals"), resets)
}

fn pinned(max_age: Span, goaway: bool) -> Scenario {
    let mut scenario = base(100.0);
    scenario.margin = seconds(120);
    scenario.clients.nodes = 4;
    scenario.clients.protocol = Protocol::PerConnection { connections: 5, max_age, goaway };
    scenario
}

/// The last instance comes when all connections have found another.
#[test]
fn pinned_connections_leave_the_last_instance_idle() {
    let (served, resets) = served_after(&pinned(Span::MAX, false));
    assert_eq!((served.len(), served[3]), (4, 0), "{served:?}");
    // Each of 20 connections is reset when its instance goes, some more than once.
    assert!((20..=80).contains(&resets), "{resets}");
    let (served, _) = served_after(&pinned(seconds(10), false));
    let mean = served.iter().sum::<u64>() as f64 / 4.0;
    for count in &served {
        assert!((*count as f64 / mean - 1.0).abs() < 0.5, "{served:?}");
    }
}

/// Who is told that a connection ends makes another without an error, however long after.
#[test]
fn a_goodbye_resets_nothing() {
    assert_eq!(served_after(&pinned(Span::MAX, true)).1, 0);
}

/// The sojourns of the new version add up to what the law of its warm-up says.
#[test]
fn warm_up_fades_with_requests_or_with_time() {
    for by_time in [false, true] {
        let mut scenario = base(2.0);
        scenario.service.instances = 1;
        scenario.margin = seconds(20);
        both(&mut scenario, Dist::Fixed(Span::from_millis(10)));
        scenario.versions.new.warmup = if by_time {
            Warmup::Time { scale: seconds(10), slowdown: 4.0 }
        } else {
            Warmup::Requests { scale: 10.0, slowdown: 4.0 }
        };
        let (records, _) = play(&scenario, 0, Depth::Requests);
        let (mut count, mut sum) = (0, 0.0);
        for (_, record) in &records {
            if let Record::Latency { version: VersionId::NEW, histogram, .. } = record {
                count += histogram.len();
                sum += histogram.mean_secs() * histogram.len() as f64;
            }
        }
        assert!(count > 50, "{count}");
        // One request every half second, the first as soon as the instance is open.
        let scale = if by_time { 20.0 } else { 10.0 };
        let expected: f64 =
            (0..count).map(|k| 0.01 / (1.0 - 0.75 * (-(k as f64) / scale).exp())).sum();
        assert!((sum / expected - 1.0).abs() < 1e-3, "{by_time}: {sum} instead of {expected}");
    }
}

/// Start-first with a surge: while both are there nobody is missed.
#[test]
fn start_first_keeps_everyone_served() {
    let mut scenario = base(100.0);
    let settings = Generic { order: Order::StartFirst, bake: seconds(5), ..batches() };
    scenario.strategy = StrategySettings::Generic(settings);
    ended(&scenario, &[]);
    let (records, end) = play(&scenario, 0, Depth::Control);
    assert_eq!(Books::of(&records).not_serving(4, end), 0.0);
}

/// A node that hears of an instance after its slow start is over sends it a full share.
#[test]
fn slow_start_ends_for_late_nodes_too() {
    let mut scenario = base(200.0);
    scenario.service.instances = 6;
    scenario.margin = seconds(600);
    scenario.balancer.algorithm = Algorithm::Weighted;
    scenario.balancer.slow_start = seconds(3);
    scenario.clients.nodes = 4;
    scenario.clients.lag_add = Dist::Uniform { low: Span::ZERO, high: seconds(40) };
    let (served, _) = served_after(&scenario);
    let mean = served.iter().sum::<u64>() as f64 / 6.0;
    for count in &served {
        // The lags of the last ones take some of the 600 s.
        assert!((*count as f64 / mean - 1.0).abs() < 0.1, "{served:?}");
    }
}
