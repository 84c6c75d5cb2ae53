//! Arithmetic, phases, and what the real controller does, rule by rule. The numbers of the
//! rules, and the figures in some tests, are those of recorded rollouts of the real controller.

#![allow(clippy::needless_pass_by_value, clippy::naive_bytecount, reason = "short cases")]

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq};
use proptest::proptest;

use super::StatefulSet;
use crate::scenario::settings::{
    self, Operation, PodManagementPolicy, StrategySettings, UpdateType,
};
use crate::strategy::driver::{Delays, Driver};
use crate::strategy::{Command, Draws, State, Strategy};
use crate::trace::{Phase, Said, VersionId};
use crate::units::{Span, Time};

const V3: VersionId = VersionId(2);

fn settings(parallel: bool) -> settings::StatefulSet {
    settings::StatefulSet {
        pod_management_policy: if parallel {
            PodManagementPolicy::Parallel
        } else {
            PodManagementPolicy::OrderedReady
        },
        kind: UpdateType::RollingUpdate,
        partition: 0,
        max_unavailable: None,
        min_ready: Span::ZERO,
        operations: Vec::new(),
    }
}

fn gated(parallel: bool, max_unavailable: &str) -> settings::StatefulSet {
    settings::StatefulSet {
        max_unavailable: Some(max_unavailable.parse().unwrap()),
        ..settings(parallel)
    }
}

fn with_operations(
    settings: settings::StatefulSet,
    operations: &[(f64, Operation)],
) -> settings::StatefulSet {
    let operations = operations.iter().map(|(at, op)| (Span::from_secs_f64(*at), *op)).collect();
    settings::StatefulSet { operations, ..settings }
}

fn seconds(s: f64) -> Time {
    Time(Span::from_secs_f64(s).0)
}

/// Every start and every stop takes so many seconds; `None` is never ready.
fn delays(start: impl Fn(VersionId) -> Option<f64> + 'static, stop: f64) -> Delays {
    Delays {
        start: Box::new(move |version, _| start(version).map(Span::from_secs_f64)),
        stop: Box::new(move |_| Span::from_secs_f64(stop)),
        latency: Span::ZERO,
    }
}

fn driver(settings: settings::StatefulSet, n: u32, delays: Delays) -> Driver {
    let mut d = Driver::new(Strategy::new(&StrategySettings::StatefulSet(settings), n), n, delays);
    d.command(Command::Begin);
    d
}

fn run(settings: settings::StatefulSet, n: u32, delays: Delays) -> Driver {
    let mut d = driver(settings, n, delays);
    assert!(d.run_until(seconds(10_000.0)), "does not come to rest");
    d
}

fn available(d: &Driver) -> u32 {
    let State::StatefulSet(state) = &d.state else { unreachable!() };
    state.available()
}

/// The version of each ordinal.
fn versions(d: &Driver) -> Vec<u8> {
    let mut pods: Vec<_> = d.instances.iter().map(|i| (i.slot, i.version.0)).collect();
    pods.sort_unstable();
    pods.into_iter().map(|(_, version)| version).collect()
}

/// Deletions (negative) and creations (positive) by ordinal + 1, in order; `n` at first.
fn sequence(d: &Driver, n: u32) -> Vec<(Time, i64)> {
    let mut slots: Vec<u32> = (0..n).collect();
    slots.extend(d.instances.iter().filter(|i| i.id >= n).map(|i| i.slot));
    let slot = |id: u32| {
        let found = d.instances.iter().find(|i| i.id == id).map(|i| i.slot);
        i64::from(found.unwrap_or(id)) + 1
    };
    let mut steps: Vec<(Time, i64)> = d.stopped.iter().map(|(at, id)| (*at, -slot(*id))).collect();
    let new = d.instances.iter().filter(|i| i.id >= n);
    steps.extend(new.map(|i| (i.created, i64::from(i.slot) + 1)));
    steps.sort_by_key(|(at, _)| *at);
    steps
}

fn steps(d: &Driver, n: u32) -> Vec<i64> {
    sequence(d, n).into_iter().map(|(_, step)| step).collect()
}

#[test]
fn it_takes_n_times_stop_start_and_min_ready() {
    for parallel in [false, true] {
        for (n, stop, start, min_ready) in [(4, 2.0, 3.0, 0), (5, 1.0, 2.0, 4), (1, 0.0, 1.0, 0)] {
            let spec = settings::StatefulSet {
                min_ready: Span::from_secs(min_ready),
                ..settings(parallel)
            };
            let d = run(spec, n, delays(move |_| Some(start), stop));
            // The last one need only be ready to be complete.
            let each = stop + start + min_ready as f64;
            let end = f64::from(n) * each - min_ready as f64;
            assert_eq!(d.said.last(), Some(&(seconds(end), Said::Completed)));
            assert_eq!(d.count(VersionId::NEW, Phase::Available), n as usize);
            assert_eq!(available(&d), n);
        }
    }
}

#[test]
fn the_highest_ordinal_goes_first() {
    let d = run(settings(false), 3, delays(|_| Some(1.0), 1.0));
    assert_eq!(steps(&d, 3), [-3, 3, -2, 2, -1, 1]);
}

#[test]
fn rule_09_max_unavailable_is_rounded_down_to_at_least_one() {
    let limit = |amount: &str, n| StatefulSet::new(gated(false, amount), n).max_unavailable(n);
    assert_eq!(limit("34%", 8), 2);
    assert_eq!(limit("20%", 2), 1);
    assert_eq!(limit("50%", 10), 5);
    assert_eq!(limit("3", 8), 3);
}

#[test]
fn rule_13_a_broken_revision_blocks_its_own_repair_in_order() {
    let broken = |v: VersionId| (v != VersionId::NEW).then_some(0.5);
    let undo = [(5.0, Operation::Undo)];
    let d = run(with_operations(settings(false), &undo), 4, delays(broken, 0.65));
    assert_eq!(versions(&d), [0, 0, 0, 1], "the broken pod is never deleted");
    assert_eq!(d.last_said(), Some(Said::RollingBack));
    assert_eq!(available(&d), 3);

    let d = run(with_operations(settings(true), &undo), 4, delays(broken, 0.65));
    assert_eq!(versions(&d), [0, 0, 0, 0], "Parallel repairs it");
    assert_eq!(d.last_said(), Some(Said::RolledBack));

    let gated = with_operations(gated(true, "1"), &undo);
    let d = run(gated, 4, delays(broken, 0.65));
    assert_eq!(versions(&d), [0, 0, 0, 1], "but the broken one uses up max_unavailable");

    let failed_by_hand = with_operations(settings(false), &undo);
    let mut d = driver(failed_by_hand, 4, delays(broken, 0.65));
    d.fail(4, seconds(8.0));
    assert!(d.run_until(seconds(10_000.0)));
    assert_eq!(versions(&d), [0, 0, 0, 0], "a pod that fails is deleted");
    assert_eq!(d.last_said(), Some(Said::RolledBack));
}

#[test]
fn rule_14_undoing_is_complete_as_soon_as_all_are_ready() {
    // Recorded: complete at 2.8 s, settled at 4.2 s. The v2 pod becomes ready at 2.6, the undo
    // comes while all are ready.
    let d = run(
        with_operations(settings(false), &[(2.7, Operation::Undo)]),
        4,
        delays(|_| Some(1.35), 1.25),
    );
    let rolled_back = d.said.iter().find(|(_, said)| *said == Said::RolledBack).unwrap().0;
    assert!(rolled_back < seconds(2.8), "{rolled_back:?}");
    assert_eq!(versions(&d), [0, 0, 0, 0]);
    assert!(d.instances.iter().map(|i| i.created).max().unwrap() > rolled_back);
}

#[test]
fn rule_15_deleted_together_created_one_at_a_time() {
    // Recorded: 10 replicas, 50 %, in order: −9 … −5, then +5 … +9 one after the other.
    let d = run(gated(false, "50%"), 10, delays(|_| Some(1.0), 0.5));
    let expected = [-10, -9, -8, -7, -6, 6, 7, 8, 9, 10, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5];
    assert_eq!(steps(&d, 10), expected);
    assert_eq!(d.said.last(), Some(&(seconds(2.0 * (0.5 + 5.0)), Said::Completed)));
    assert_eq!(d.history.iter().map(|s| s.kept).min(), Some(5));

    // Parallel is a sliding window: with equal times all five in one start.
    let d = run(gated(true, "50%"), 10, delays(|_| Some(1.0), 0.5));
    assert_eq!(d.said.last(), Some(&(seconds(2.0 * 1.5), Said::Completed)));
    let uneven = Delays {
        start: Box::new(|_, id| Some(Span::from_millis(500 + 300 * u64::from(id % 3)))),
        ..delays(|_| None, 0.0)
    };
    let d = run(gated(true, "50%"), 10, uneven);
    let mut deleted: Vec<Time> = d.stopped.iter().map(|(at, _)| *at).collect();
    deleted.dedup();
    assert!(deleted.len() > 2, "the next is deleted as soon as one is available: {deleted:?}");
}

#[test]
fn rule_16_the_old_pod_is_gone_before_its_successor_comes() {
    let d = run(settings(true), 3, delays(|_| Some(1.0), 30.0));
    assert!(d.history.iter().all(|s| s.objects <= 3));
    let steps = sequence(&d, 3);
    assert_eq!(steps[0], (Time::ZERO, -3));
    assert_eq!(steps[1], (seconds(30.0), 3));
}

#[test]
fn pods_below_the_partition_come_back_in_the_revision_before() {
    let spec = settings::StatefulSet { partition: 2, ..settings(true) };
    let mut d = driver(spec, 4, delays(|_| Some(1.0), 1.0));
    assert!(d.run_until(seconds(10_000.0)));
    assert_eq!(versions(&d), [0, 0, 1, 1]);
    assert_eq!(d.said.last(), Some(&(seconds(4.0), Said::Completed)));
    d.now = seconds(10_000.0);
    d.fail(1, seconds(10_001.0));
    d.fail(2, seconds(10_002.0));
    d.fail(5, seconds(10_003.0));
    assert!(d.run_until(seconds(20_000.0)));
    assert_eq!(versions(&d), [0, 0, 1, 1]);
    assert_eq!(d.instances.len(), 4);
}

#[test]
fn a_partition_of_all_is_complete_at_once_and_lowering_it_goes_on() {
    let spec = settings::StatefulSet { partition: 3, ..settings(false) };
    let d = run(spec.clone(), 3, delays(|_| Some(1.0), 1.0));
    assert_eq!(d.said, [(Time::ZERO, Said::Completed)]);
    let d = run(
        with_operations(spec, &[(5.0, Operation::Partition(0))]),
        3,
        delays(|_| Some(1.0), 1.0),
    );
    assert_eq!(versions(&d), [1, 1, 1]);
    assert_eq!(d.said.last(), Some(&(seconds(11.0), Said::Completed)));
}

#[test]
fn on_delete_waits_for_somebody_else() {
    let spec = settings::StatefulSet { kind: UpdateType::OnDelete, ..settings(false) };
    let mut d = driver(spec, 3, delays(|_| Some(1.0), 1.0));
    for id in 0..3 {
        d.fail(id, seconds(10.0 * f64::from(id + 1)));
    }
    assert!(d.run_until(seconds(5.0)) || d.last_said() == Some(Said::Progressing));
    assert_eq!(versions(&d), [0, 0, 0]);
    assert!(d.run_until(seconds(10_000.0)));
    assert_eq!(versions(&d), [1, 1, 1]);
    assert_eq!(d.said.last(), Some(&(seconds(32.0), Said::Completed)));
}

#[test]
fn scaling_comes_before_updating() {
    // Down by two in the midst: in order one at a time, the highest first.
    let down = [(0.5, Operation::Scale(2))];
    let d = run(with_operations(settings(false), &down), 5, delays(|_| Some(1.0), 1.0));
    assert_eq!(versions(&d), [1, 1]);
    let stops: Vec<Time> = d.stopped.iter().map(|(at, _)| *at).collect();
    assert!(stops.windows(2).all(|pair| pair[0] < pair[1]), "{stops:?}");

    // Up: Parallel creates the new ones at once, in the new revision.
    let up = [(0.5, Operation::Scale(7))];
    let d = run(with_operations(settings(true), &up), 4, delays(|_| Some(1.0), 1.0));
    assert_eq!(versions(&d), [1; 7]);
    let added = d.instances.iter().filter(|i| i.slot >= 4);
    assert!(added.into_iter().all(|i| i.created == seconds(0.5)));
}

#[test]
fn a_third_version_replaces_whatever_there_is() {
    // Recorded: v3 arrives while ordinals 3 and 2 are at v2; 3 is replaced at once.
    let spec = with_operations(settings(true), &[(2.5, Operation::Set(2))]);
    let d = run(spec, 4, delays(|_| Some(1.0), 1.0));
    assert_eq!(versions(&d), [2, 2, 2, 2]);
    assert_eq!(d.count(V3, Phase::Available), 4);
    assert_eq!(d.last_said(), Some(Said::Completed));
}

/// Random starts up to 4 s and stops up to 2 s.
fn random(seed: u64, latency_ms: u64) -> Delays {
    let luck = Draws::new(seed);
    Delays {
        start: Box::new(move |_, id| Some(Span::from_millis(luck.bits(2, id) % 4000))),
        stop: Box::new(move |id| Span::from_millis(luck.bits(3, id) % 2000)),
        latency: Span::from_millis(latency_ms),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_change_of_size_version_or_partition_ends_where_it_was_told_to(
        n in 1u32..12,
        parallel in any::<bool>(),
        max_unavailable in proptest::option::of(1u32..6),
        min_ready in 0u64..3,
        partition in 0u32..14,
        operations in proptest::collection::vec((0u64..20_000, 0u32..16, 0u8..4), 0..6),
        latency_ms in 0u64..100,
        seed in any::<u64>(),
    ) {
        let mut operations: Vec<(Span, Operation)> = operations
            .into_iter()
            .map(|(at, value, what)| {
                let operation = match what {
                    0 => Operation::Scale(value),
                    1 => Operation::Partition(value),
                    2 => Operation::Rollover,
                    _ => Operation::Undo,
                };
                (Span::from_millis(at), operation)
            })
            .collect();
        operations.sort_by_key(|(at, _)| *at);
        let spec = settings::StatefulSet {
            partition,
            max_unavailable: max_unavailable.map(crate::units::CountOrPercent::Count),
            min_ready: Span::from_secs(min_ready),
            operations,
            ..settings(parallel)
        };
        let mut d = driver(spec, n, random(seed, latency_ms));
        prop_assert!(d.run_until(seconds(100_000.0)), "does not come to rest");
        let State::StatefulSet(state) = &d.state else { unreachable!() };
        let said = d.last_said().unwrap();
        prop_assert!(matches!(said, Said::Completed | Said::RolledBack), "{said:?}");
        let mut slots: Vec<u32> = d.instances.iter().map(|i| i.slot).collect();
        slots.sort_unstable();
        prop_assert_eq!(slots, (0..state.desired).collect::<Vec<_>>());
        for i in &d.instances {
            prop_assert_eq!(i.phase, Phase::Available);
            let updated = i.version == state.template.target;
            prop_assert!(updated || i.slot < state.partition, "{i:?} of {state:?}");
        }
    }
}
