//! Whatever the scenario, the simulated world keeps its books: every request ends exactly once,
//! instances move legally, rollouts end or say why not, and luck is common.

pub(crate) mod any;
pub(crate) mod books;
mod changes;
mod cold;
mod dependencies;
mod pipelines;
mod processes;
mod releases;
mod room;
mod told;

use std::collections::BTreeMap;

use any::{Plan, quiet};
use books::{Books, play};
use proptest::prelude::*;
use rollcast::scenario::settings::{
    DeploymentKind, Generic, KubernetesDeployment, OnFailure, Order, StrategySettings, Window,
};
use rollcast::scenario::{Dist, OnTerm, Pipeline, Protocol, Scenario, Warmup};
use rollcast::sim::{Depth, Model, World};
use rollcast::trace::life::Checker;
use rollcast::trace::{Cause, Ending, Moment, Phase, Record, VersionId};
use rollcast::units::{CountOrPercent, Rounding, Share, Span, Time};

fn config() -> ProptestConfig {
    ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_request_ends_once(plan in any::plan(), replication in 0u32..100) {
        let scenario = plan.scenario();
        let (records, end) = play(&scenario, replication, Depth::Requests);
        let books = Books::of(&records);
        // Traffic stops long before the end, and no client waits for ever: nothing is left.
        let begun = books.moment(Moment::Begun).unwrap();
        prop_assert!(end >= begun + Plan::SILENCE + scenario.clients.timeout, "too short");
        prop_assert!(books.arrived > 0);
        prop_assert_eq!(books.windows, end.0 / Plan::WINDOW.0, "silence has windows too");
        prop_assert_eq!(books.arrived, books.ended.iter().flatten().sum::<u64>());
        prop_assert!(books.attempts >= books.arrived);
        if scenario.clients.retries.attempts == 1 {
            prop_assert_eq!(books.attempts, books.arrived);
        }
        for version in 0..2 {
            let answered = books.ended[version][Ending::Ok as usize];
            prop_assert_eq!(books.latencies[version], answered);
            prop_assert!(books.slow[version] <= answered);
            prop_assert_eq!(books.ended[version][Ending::NoEndpoint as usize], 0);
        }
        prop_assert_eq!(books.ended[0][Ending::Version as usize], 0, "the old version has none");
    }

    #[test]
    fn rollouts_end_or_say_why_not(plan in any::plan(), replication in 0u32..100) {
        let scenario = plan.scenario();
        for depth in [Depth::Control, Depth::Requests] {
            let (records, end) = play(&scenario, replication, depth);
            let books = Books::of(&records);
            let gave_up = records.iter().filter(|(_, r)| *r == Record::Moment(Moment::GaveUp));
            let gave_up = gave_up.count();
            prop_assert!(gave_up <= 1);
            let terminal = books.said.is_some_and(|(_, said)| said.is_terminal());
            prop_assert!(terminal || gave_up == 1, "{:?} at {end:?}", books.said);
            prop_assert_eq!(books.serving.len(), books.serving_of_living, "the dead do not serve");
            prop_assert!(books.most_serving <= books.most_alive as usize);
            let horizon = Time::ZERO + scenario.margin * 2.0 + scenario.horizon;
            prop_assert!(end <= horizon + scenario.slo.window * 2.0);
        }
    }

    #[test]
    fn replications_repeat_in_fresh_and_used_worlds(plan in any::plan()) {
        let scenario = plan.scenario();
        let model = Model::new(&scenario);
        let mut used = World::new(&model);
        let mut run = |replication, depth| {
            let mut sink = Checker::new(Vec::new());
            let end = used.run(7, replication, depth, &mut sink);
            (sink.into_inner(), end)
        };
        let first = run(0, Depth::Requests);
        run(1, Depth::Control);
        let third = run(2, Depth::Control);
        let second = run(1, Depth::Requests);
        prop_assert!(first == run(0, Depth::Requests), "used worlds forget");
        let fresh = |replication, depth| {
            let mut sink = Vec::new();
            let end = World::new(&Model::new(&scenario)).run(7, replication, depth, &mut sink);
            (sink, end)
        };
        prop_assert!(first == fresh(0, Depth::Requests));
        prop_assert!(second == fresh(1, Depth::Requests));
        prop_assert!(third == fresh(2, Depth::Control));
    }

    #[test]
    fn who_drains_in_peace_loses_nothing(plan in any::plan(), replication in 0u32..100) {
        let mut scenario = plan.scenario();
        scenario.shutdown.on_term = OnTerm::Drain;
        scenario.shutdown.grace = Span::from_secs(600);
        // Longer than it takes any node to hear of it.
        scenario.shutdown.pre_stop = Span::from_millis(500);
        scenario.clients.lag_remove = Dist::Fixed(Span::from_millis(400));
        if let Protocol::PerConnection { goaway, .. } = &mut scenario.clients.protocol {
            *goaway = true;
        }
        let (records, _) = play(&scenario, replication, Depth::Requests);
        let killed = |(_, record): &(Time, Record)| {
            matches!(record, Record::Phase { cause: Cause::Killed, .. })
        };
        let ended = Books::of(&records).ended;
        let sum = |ending| ended.iter().map(|by_ending| by_ending[ending as usize]).sum::<u64>();
        prop_assert_eq!((sum(Ending::Refused), sum(Ending::Reset)), (0, 0));
        // An overloaded instance may need more than ten minutes.
        prop_assert!(sum(Ending::Cut) == 0 || records.iter().any(killed));
    }

    #[test]
    fn another_strategy_has_the_same_luck(
        plan in any::plan(), other in any::strategy(), replication in 0u32..100,
    ) {
        let mut one = plan.scenario();
        // So that start-up times show in the records.
        one.versions.new.pull = None;
        one.versions.old.pull = None;
        one.probes.period = Span::ZERO;
        one.probes.initial_delay = Span::ZERO;
        let two = Scenario { strategy: other, ..one.clone() };
        let [one, two] = [one, two].map(|s| play(&s, replication, Depth::Requests));
        let windows = one.1.min(two.1).0 / Plan::WINDOW.0;
        let arrivals = |records: &[(Time, Record)]| -> Vec<u32> {
            let counts = records.iter().filter_map(|(_, record)| match record {
                Record::Window { counts } => Some(counts[0].arrived),
                _ => None,
            });
            counts.take(windows as usize).collect()
        };
        prop_assert_eq!(arrivals(&one.0), arrivals(&two.0));
        let (one, two) = (starts(&one.0), starts(&two.0));
        for (key, start) in &one {
            prop_assert!(two.get(key).is_none_or(|other| other == start), "{:?}", key);
        }
    }

    #[test]
    fn batches_keep_their_floor(
        instances in 1u32..=12, batch in 1u32..=6, sliding: bool, seed in 0u32..1000,
        mut base in any::plan().prop_map(|plan| plan.scenario()),
    ) {
        base.service.instances = instances;
        base.versions.new.never_ready = Share(0.0);
        base.versions.old.never_ready = Share(0.0);
        base.pipeline = Pipeline::None;
        base.strategy = StrategySettings::Generic(Generic {
            batch: CountOrPercent::Count(batch),
            window: if sliding { Window::Sliding } else { Window::Barrier },
            order: Order::StopFirst,
            bake: Span::from_secs(1),
            ready_deadline: Span::from_secs(3600),
            failures_allowed: CountOrPercent::Count(0),
            on_failure: OnFailure::Pause,
        });
        let (records, _) = play(&base, seed, Depth::Control);
        let books = Books::of(&records);
        prop_assert!(books.least_ready >= instances.saturating_sub(batch));
        prop_assert!(books.most_alive <= instances, "stop-first needs no room");
        prop_assert_eq!(books.finally_ready, BTreeMap::from([(VersionId::NEW, instances)]));
    }

    #[test]
    fn deployments_keep_their_budgets(
        instances in 1u32..=12, surge in 0u32..=50, unavailable in 0u32..=50, seed in 0u32..1000,
        mut base in any::plan().prop_map(|plan| plan.scenario()),
    ) {
        base.service.instances = instances;
        base.versions.new.never_ready = Share(0.0);
        base.versions.old.never_ready = Share(0.0);
        base.pipeline = Pipeline::None;
        let (surge, unavailable) = (f64::from(surge), f64::from(unavailable));
        let settings = KubernetesDeployment {
            kind: DeploymentKind::RollingUpdate,
            max_surge: CountOrPercent::Percent(surge),
            max_unavailable: CountOrPercent::Percent(unavailable),
            min_ready: Span::ZERO,
            ..any::deployment()
        };
        let more = settings.max_surge.of(instances, Rounding::Up);
        let fewer = settings.max_unavailable.of(instances, Rounding::Down);
        // Both zero: one may be missing, or nothing could ever move.
        let fewer = if more + fewer == 0 { 1 } else { fewer };
        base.strategy = StrategySettings::Kubernetes(settings);
        let (records, _) = play(&base, seed, Depth::Control);
        let books = Books::of(&records);
        prop_assert!(books.least_ready >= instances - fewer);
        // Where deletions and creations do not race.
        let zero = Dist::Fixed(Span::ZERO);
        let control = &mut base.control;
        (control.watch, control.sync, control.act) = (zero.clone(), zero.clone(), zero);
        let (records, _) = play(&base, seed, Depth::Control);
        prop_assert!(Books::of(&records).most_active <= instances + more);
        prop_assert_eq!(books.finally_ready, BTreeMap::from([(VersionId::NEW, instances)]));
    }
}

/// From placed to ready, by version and place among its instances.
fn starts(records: &[(Time, Record)]) -> BTreeMap<(VersionId, u32), Span> {
    let mut ordinals = BTreeMap::new();
    let mut of_version: BTreeMap<VersionId, u32> = BTreeMap::new();
    let mut placed = BTreeMap::new();
    let mut starts = BTreeMap::new();
    for (at, record) in records {
        let Record::Phase { instance, version, to, .. } = record else { continue };
        match to {
            Phase::Pending | Phase::Available if !ordinals.contains_key(instance) => {
                let next = of_version.entry(*version).or_default();
                ordinals.insert(*instance, *next);
                *next += 1;
            }
            Phase::Starting => _ = placed.insert(*instance, *at),
            Phase::Ready => {
                _ = starts.insert((*version, ordinals[instance]), at.since(placed[instance]));
            }
            _ => {}
        }
    }
    starts
}

/// Brewer: with fixed times and without surge, the capacity lost is instances × the time each is
/// missing, however they are batched.
#[test]
fn capacity_lost_does_not_depend_on_the_batch() {
    for sliding in [false, true] {
        for batch in [1, 2, 3, 4, 6, 12] {
            let mut scenario = quiet(12);
            scenario.clients.nodes = 3;
            scenario.clients.lag_add = Dist::Fixed(Span::from_millis(700));
            scenario.clients.lag_remove = Dist::Fixed(Span::from_millis(300));
            scenario.versions.old.exit = Dist::Fixed(Span::from_secs(4));
            scenario.versions.new.start = Dist::Fixed(Span::from_secs(20));
            scenario.control.watch = Dist::Fixed(Span::from_millis(50));
            scenario.control.schedule = Dist::Fixed(Span::from_millis(250));
            scenario.strategy = StrategySettings::Generic(Generic {
                batch: CountOrPercent::Count(batch),
                window: if sliding { Window::Sliding } else { Window::Barrier },
                bake: Span::from_secs(5),
                ..any::batches()
            });
            let (records, end) = play(&scenario, 0, Depth::Control);
            // Gone from the rotation after 0.3 s, 4 s until its exit, seen 50 ms later, placed
            // 250 ms after that, 20 s to start, 0.7 s until it is in rotation. SIGTERM comes at
            // once and ends serving: earlier than the rotation.
            let missing = 4.0 + 0.05 + 0.25 + 20.0 + 0.7;
            let lost = Books::of(&records).not_serving(12, end);
            assert!((lost - 12.0 * missing).abs() < 1e-6, "{batch} {sliding}: {lost}");
        }
    }
}

/// The record goes on for the margin after the last thing that happened, not after the time at
/// which SIGKILL would have come.
#[test]
fn records_end_the_margin_after_rest() {
    let mut scenario = quiet(2);
    scenario.margin = Span::from_secs(10);
    scenario.shutdown.grace = Span::from_secs(5);
    let (records, end) = play(&scenario, 0, Depth::Control);
    let last = records.iter().map(|(at, _)| *at).max().unwrap();
    assert_eq!(last, Time::from_secs(12));
    assert_eq!(end, Time::from_secs(22));
}

/// Old instances have been warm for long, whatever queue they serve.
#[test]
fn instances_that_were_there_are_warm() {
    for algorithm in any::ALGORITHMS {
        let mut scenario = quiet(2);
        scenario.traffic = Some(any::steady(50.0));
        scenario.balancer.algorithm = algorithm;
        scenario.versions.old.service_time = Dist::Fixed(Span::from_millis(10));
        scenario.versions.old.warmup = Warmup::Time { scale: Span::from_secs(60), slowdown: 50.0 };
        scenario.versions.new = scenario.versions.old.clone();
        scenario.versions.new.warmup = Warmup::None;
        let (records, _) = play(&scenario, 0, Depth::Requests);
        let slowest = records.iter().find_map(|(_, record)| match record {
            Record::Latency { version: VersionId::OLD, histogram, .. } => {
                Some(histogram.quantile_secs(0.5))
            }
            _ => None,
        });
        let median = slowest.expect("the old version answered");
        assert!((median / 0.01 - 1.0).abs() < 0.02, "{algorithm:?}: {median}");
    }
}

/// Each version has its own service times, whatever queue it serves.
#[test]
fn versions_have_their_own_service_times() {
    for algorithm in any::ALGORITHMS {
        let mut scenario = quiet(2);
        scenario.traffic = Some(any::steady(20.0));
        scenario.balancer.algorithm = algorithm;
        scenario.versions.old.service_time = Dist::Exponential { mean: Span::from_millis(10) };
        scenario.versions.new.service_time = Dist::Fixed(Span::from_millis(40));
        let (records, _) = play(&scenario, 0, Depth::Requests);
        let of_new = records.iter().rev().find_map(|(_, record)| match record {
            Record::Latency { version: VersionId::NEW, histogram, .. } => Some(histogram),
            _ => None,
        });
        let median = of_new.expect("the new version answered").quantile_secs(0.5);
        assert!((median / 0.04 - 1.0).abs() < 0.02, "{algorithm:?}: {median}");
    }
}
