//! Golden vectors, step tables, stories and properties.

use proptest::prelude::*;

use super::counts::{Basic, approximate, basic, routed};
use crate::scenario::settings::{
    Analysis, ArgoCanary, CanaryScale, CanaryStep, Operation, StrategySettings,
};
use crate::strategy::driver::{Delays, Driver};
use crate::strategy::kubernetes::Counts;
use crate::strategy::kubernetes::fenceposts::Fenceposts;
use crate::strategy::{Command, Strategy};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{CountOrPercent, Share, Span, Time};

fn settings(traffic_routing: bool, steps: &[CanaryStep]) -> ArgoCanary {
    ArgoCanary {
        steps: steps.to_vec(),
        traffic_routing,
        max_surge: CountOrPercent::Percent(25.0),
        max_unavailable: CountOrPercent::Percent(25.0),
        min_ready: Span::ZERO,
        progress_deadline: Span::from_secs(600),
        progress_deadline_abort: false,
        max_weight: 100,
        dynamic_stable_scale: false,
        min_pods_per_replica_set: 1,
        replica_progress_threshold: CountOrPercent::Percent(100.0),
        scale_down_delay: Span::from_secs(30),
        abort_scale_down_delay: Some(Span::from_secs(30)),
        analysis: None,
        analysis_starting_step: 0,
        operations: Vec::new(),
    }
}

fn analysis(count: Option<u32>) -> Analysis {
    Analysis {
        interval: Span::from_secs(10),
        count,
        initial_delay: Span::ZERO,
        max_error_share: Share(0.05),
        success_error_share: Share(0.05),
        failure_limit: 1,
        inconclusive_limit: 0,
        consecutive_error_limit: 4,
        consecutive_success_limit: 0,
        dry_run: false,
    }
}

fn weight(weight: u32) -> CanaryStep {
    CanaryStep::SetWeight(weight)
}

fn pause(secs: u64) -> CanaryStep {
    CanaryStep::Pause(Some(Span::from_secs(secs)))
}

fn secs(secs: u64) -> Time {
    Time::ZERO + Span::from_secs(secs)
}

fn begun(settings: ArgoCanary, n: u32, delays: Delays) -> Driver {
    let mut d = Driver::new(Strategy::new(&StrategySettings::ArgoCanary(settings), n), n, delays);
    d.command(Command::Begin);
    d
}

fn run(settings: ArgoCanary, n: u32) -> Driver {
    let mut d = begun(settings, n, Delays::unit());
    assert!(d.run_until(secs(10_000)), "no rest");
    d
}

fn at(after: u64, operation: Operation) -> (Span, Operation) {
    (Span::from_secs(after), operation)
}

fn available(d: &Driver) -> [usize; 2] {
    [VersionId::OLD, VersionId::NEW].map(|v| d.count(v, Phase::Available))
}

/// Sizes of the stable and of the new set, without repetitions.
fn sizes(d: &Driver) -> Vec<(u64, u32, u32)> {
    let mut all: Vec<(u64, u32, u32)> = Vec::new();
    for s in d.history.iter().filter(|s| s.sizes.len() > 1) {
        let row = (s.at.0 / 1_000_000_000, s.sizes[0], s.sizes[1]);
        if all.last().is_none_or(|last| (last.1, last.2) != (row.1, row.2)) {
            all.push(row);
        }
    }
    all
}

fn routes(d: &Driver) -> Vec<(u64, u32)> {
    d.routes.iter().map(|(at, new)| (at.0 / 1_000_000_000, new / 10_000)).collect()
}

#[test]
fn golden_counts_by_pods() {
    let with_surge = [
        (2, 25, (1, 2)),
        (2, 50, (1, 1)),
        (2, 60, (2, 1)),
        (3, 50, (2, 2)),
        (5, 50, (3, 3)),
        (5, 95, (5, 1)),
        (10, 5, (1, 10)),
        (10, 10, (1, 9)),
        (10, 25, (3, 8)),
        (10, 75, (8, 3)),
        (10, 95, (10, 1)),
        (10, 0, (0, 10)),
        (10, 100, (10, 0)),
        (1, 1, (1, 1)),
        (0, 50, (0, 0)),
    ];
    for (n, weight, counts) in with_surge {
        assert_eq!(approximate(n, weight, 1), counts, "{weight} % of {n}");
    }
    // The last of these is what the original does, and surely not what it wants.
    for (n, weight, counts) in
        [(3, 50, (2, 1)), (10, 25, (3, 7)), (1, 1, (0, 1)), (10, 95, (0, 10))]
    {
        assert_eq!(approximate(n, weight, 0), counts, "{weight} % of {n}");
    }
}

#[test]
fn sizes_move_within_the_budgets_stable_first() {
    let set = |size, available| Counts { size, replicas: size, ready: available, available };
    let ask = |surge, unavailable, weight, new, old| {
        basic(&Basic {
            replicas: 10,
            weight,
            posts: Fenceposts { surge, unavailable },
            new,
            stable: Some(old),
            others: 0,
        })
    };
    // The examples that the original gives.
    assert_eq!(ask(1, 1, 10, set(0, 0), set(10, 10)), (1, 9));
    assert_eq!(ask(3, 0, 30, set(0, 0), set(10, 10)), (3, 10));
    assert_eq!(ask(0, 5, 30, set(0, 0), set(10, 10)), (0, 7));
    // Unavailable canaries do not let the stable set shrink further.
    assert_eq!(ask(3, 2, 50, set(3, 0), set(8, 8)), (5, 8));
    assert_eq!(ask(3, 2, 50, set(3, 3), set(8, 8)), (5, 5));
    // On the way back the stable set comes first, and unavailable canaries go at once.
    assert_eq!(ask(3, 2, 0, set(5, 5), set(5, 5)), (3, 8));
    assert_eq!(ask(3, 2, 0, set(5, 0), set(8, 8)), (0, 8));
}

#[test]
fn routed_counts_round_up() {
    let counts = [1, 10, 11, 50, 99, 100].map(|weight| routed(10, weight, 100));
    assert_eq!(counts, [1, 1, 2, 5, 10, 10]);
    assert_eq!(routed(10, 1, 1000), 1);
    assert_eq!(routed(10, 0, 1000), 0);
}

#[test]
fn by_pods_each_weight_is_a_pair_of_counts() {
    let steps = [weight(20), pause(60), weight(50), pause(60)];
    let d = run(settings(false, &steps), 10);
    assert_eq!(d.last_said(), Some(Said::Completed));
    assert_eq!(available(&d), [0, 10]);
    assert!(d.routes.is_empty(), "nobody is routed");
    let at_pauses: Vec<_> = [30, 90]
        .map(|at| sizes(&d).into_iter().rev().find(|row| row.0 <= at).unwrap())
        .map(|(_, old, new)| (old, new))
        .to_vec();
    assert_eq!(at_pauses, [(8, 2), (5, 5)]);
    // 1 s for each start, 60 s for each pause, and two waves to the end.
    assert!((123..=125).contains(&(d.said.last().unwrap().0.0 / 1_000_000_000)));
    assert!(d.history.iter().all(|s| s.sizes.iter().sum::<u32>() <= 13), "N + surge");
}

#[test]
fn without_steps_it_is_a_rolling_update() {
    let d = run(settings(false, &[]), 10);
    assert_eq!(d.last_said(), Some(Said::Completed));
    let lowest = d.history.iter().map(|s| s.available).min();
    assert_eq!((available(&d), lowest), ([0, 10], Some(8)));
}

#[test]
fn by_traffic_weights_follow_the_canary() {
    let steps = [weight(25), pause(60), weight(60), pause(60)];
    let d = run(settings(true, &steps), 10);
    assert_eq!(routes(&d), [(0, 0), (1, 25), (62, 60), (123, 100)]);
    // The stable set keeps its ten until 30 s after the end.
    let table = [(0, 10, 3), (61, 10, 6), (122, 10, 10), (153, 0, 10)];
    assert_eq!(sizes(&d), table);
    assert_eq!(d.said.last().unwrap().0, secs(123), "healthy before the old set goes");
    assert_eq!(available(&d), [0, 10]);
}

#[test]
fn a_canary_that_never_answers_gets_nothing() {
    let never = |v, _| (v == VersionId::OLD).then_some(Span::from_secs(1));
    let delays = Delays { start: Box::new(never), ..Delays::unit() };
    let mut d = begun(settings(true, &[weight(20)]), 10, delays);
    assert!(d.run_until(secs(10_000)));
    assert_eq!(routes(&d), [(0, 0)]);
    assert_eq!(d.last_said(), Some(Said::DeadlineExceeded));
    assert_eq!(d.said.last().unwrap().0, secs(600) + Span(1));
    // With the flag it gives up; the canary stays for its delay.
    let never = |v, _| (v == VersionId::OLD).then_some(Span::from_secs(1));
    let delays = Delays { start: Box::new(never), ..Delays::unit() };
    let abort = ArgoCanary { progress_deadline_abort: true, ..settings(true, &[weight(20)]) };
    let mut d = begun(abort, 10, delays);
    assert!(d.run_until(secs(10_000)));
    assert_eq!(d.last_said(), Some(Said::RolledBack));
    assert_eq!(sizes(&d), [(0, 10, 2), (630, 10, 0)]);
}

#[test]
fn the_stable_set_shrinks_with_its_traffic_if_told_so() {
    let dynamic = ArgoCanary {
        dynamic_stable_scale: true,
        abort_scale_down_delay: None,
        ..settings(true, &[weight(30), pause(10), weight(80), pause(10)])
    };
    let d = run(dynamic.clone(), 10);
    let table = [(0, 10, 3), (1, 7, 3), (11, 7, 8), (12, 2, 8), (22, 2, 10), (23, 0, 10)];
    assert_eq!(sizes(&d), table);
    // An abort gives back as much as the stable set can take.
    let aborted = ArgoCanary { operations: vec![at(15, Operation::Abort)], ..dynamic };
    let d = run(aborted, 10);
    assert_eq!(routes(&d), [(0, 0), (1, 30), (12, 80), (16, 0)]);
    assert_eq!(available(&d), [10, 0]);
    assert_eq!(d.last_said(), Some(Said::RolledBack));
}

#[test]
fn a_pause_for_ever_waits_for_promotion() {
    let steps = [weight(20), CanaryStep::Pause(None), weight(50)];
    let d = run(settings(true, &steps), 10);
    assert_eq!(d.last_said(), Some(Said::Paused));
    let promoted =
        ArgoCanary { operations: vec![at(100, Operation::Promote)], ..settings(true, &steps) };
    let d = run(promoted, 10);
    assert!(d.said.iter().all(|(_, said)| *said != Said::Paused), "somebody will come");
    assert_eq!(d.last_said(), Some(Said::Completed));
    assert_eq!(d.said.last().unwrap().0, secs(102));
    // Promoting what is not paused skips the step.
    let skipped = ArgoCanary {
        operations: vec![at(5, Operation::Promote), at(6, Operation::Promote)],
        ..settings(true, &[weight(20), pause(3600), pause(3600)])
    };
    assert_eq!(run(skipped, 10).said.last().unwrap(), &(secs(7), Said::Completed));
}

#[test]
fn a_bad_canary_is_aborted_by_its_analysis() {
    let steps = [weight(20), CanaryStep::Analysis(analysis(Some(5))), weight(50)];
    let mut d = begun(settings(true, &steps), 10, Delays::unit());
    d.errors[1] = 0.06;
    assert!(d.run_until(secs(10_000)));
    // Measured at 1 s and 11 s; two failures are more than the one allowed.
    assert_eq!(routes(&d), [(0, 0), (1, 20), (11, 0)]);
    assert_eq!(sizes(&d), [(0, 10, 2), (41, 10, 0)]);
    let told: Vec<_> = d.moments.iter().map(|(at, m)| (at.0 / 1_000_000_000, *m)).collect();
    assert_eq!(told, [(11, Moment::Detected), (11, Moment::RollbackDecided)]);
    assert_eq!(d.last_said(), Some(Said::RolledBack));
    assert_eq!(available(&d), [10, 0]);
    // A good one passes, after its count of measurements.
    let d = run(settings(true, &steps), 10);
    assert_eq!(routes(&d), [(0, 0), (1, 20), (42, 50), (43, 100)]);
}

#[test]
fn an_analysis_beside_the_steps_starts_with_its_step() {
    let beside = ArgoCanary {
        analysis: Some(analysis(None)),
        analysis_starting_step: 2,
        ..settings(true, &[weight(20), pause(100), weight(50), pause(100)])
    };
    let mut d = begun(beside.clone(), 10, Delays::unit());
    d.errors[1] = 0.5;
    assert!(d.run_until(secs(10_000)));
    assert_eq!(d.moments[0], (secs(111), Moment::Detected));
    let d = run(beside, 10);
    assert_eq!(d.last_said(), Some(Said::Completed), "good metrics never end it");
}

#[test]
fn an_inconclusive_analysis_waits_for_somebody_and_is_repeated() {
    let doubtful = Analysis { success_error_share: Share(0.01), ..analysis(Some(2)) };
    let steps = [weight(20), CanaryStep::Analysis(doubtful)];
    let mut d = begun(settings(true, &steps), 10, Delays::unit());
    d.errors[1] = 0.03;
    assert!(!d.run_until(secs(50)), "the deadline of the last progress");
    assert_eq!(d.last_said(), Some(Said::Paused));
    d.errors[1] = 0.0;
    d.command(Command::Operate(Operation::Promote));
    assert!(d.run_until(secs(10_000)));
    assert_eq!(d.last_said(), Some(Said::Completed));
}

#[test]
fn undo_skips_the_steps_and_after_the_end_takes_them() {
    let steps = [weight(20), pause(60)];
    let undone = ArgoCanary { operations: vec![at(30, Operation::Undo)], ..settings(true, &steps) };
    let d = run(undone, 10);
    assert_eq!(routes(&d), [(0, 0), (1, 20), (30, 0)]);
    assert_eq!(d.said.last().unwrap(), &(secs(30), Said::RolledBack));
    assert_eq!(sizes(&d).last().unwrap(), &(60, 10, 0), "the canary stays for the delay");
    // After the end the way back is a rollout of its own: the fleet starts anew.
    let late = ArgoCanary { operations: vec![at(200, Operation::Undo)], ..settings(true, &steps) };
    let d = run(late, 10);
    let expected = [(0, 0), (1, 20), (62, 100), (201, 80), (262, 0)];
    assert_eq!(routes(&d), expected);
    assert_eq!(d.last_said(), Some(Said::RolledBack));
    assert_eq!(available(&d), [10, 0]);
}

#[test]
fn a_rollback_by_pods_keeps_the_budgets() {
    let mut d = begun(settings(false, &[weight(50), CanaryStep::Pause(None)]), 10, Delays::unit());
    d.run_until(secs(30));
    assert_eq!(d.last_said(), Some(Said::Paused));
    d.command(Command::Rollback);
    assert!(d.run_until(secs(10_000)));
    assert_eq!(d.last_said(), Some(Said::RolledBack));
    assert_eq!(available(&d), [10, 0]);
    for s in &d.history {
        assert!(s.available >= 8 && s.sizes.iter().sum::<u32>() <= 13, "{:?}", d.history);
    }
}

#[test]
fn the_canary_may_be_larger_than_its_weight() {
    let steps = [
        CanaryStep::SetCanaryScale(CanaryScale::Replicas(6)),
        weight(10),
        pause(10),
        CanaryStep::SetCanaryScale(CanaryScale::MatchTrafficWeight),
        pause(10),
        CanaryStep::SetCanaryScale(CanaryScale::Weight(30)),
        pause(10),
    ];
    let d = run(settings(true, &steps), 10);
    let new: Vec<u32> = sizes(&d).iter().map(|row| row.2).collect();
    assert_eq!(new, [6, 1, 3, 10, 10]);
    assert_eq!(routes(&d), [(0, 0), (1, 10), (33, 100)]);
}

#[test]
fn a_third_version_begins_anew_and_the_second_goes() {
    let steps = [weight(20), pause(60)];
    for routing in [false, true] {
        let over = ArgoCanary {
            operations: vec![at(30, Operation::Rollover)],
            ..settings(routing, &steps)
        };
        let d = run(over, 10);
        assert_eq!(d.last_said(), Some(Said::Completed));
        assert_eq!(d.count(VersionId(2), Phase::Available), 10);
        assert_eq!(d.instances.len(), 10);
    }
}

fn any_step() -> impl Strategy2<Value = CanaryStep> {
    prop_oneof![
        (0u32..=100).prop_map(CanaryStep::SetWeight),
        (0u64..40).prop_map(pause),
        (1u32..4).prop_map(|count| CanaryStep::Analysis(analysis(Some(count)))),
        (0u64..40).prop_map(|s| CanaryStep::Experiment(Span::from_secs(s))),
    ]
}

use proptest::strategy::Strategy as Strategy2;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever the steps: it ends, says so truthfully, and never acts illegally (the driver
    /// checks); with a surge or a router nobody is missing beyond the budget.
    #[test]
    fn it_ends_and_says_how(
        steps in prop::collection::vec(any_step(), 0..6),
        routing: bool,
        dynamic: bool,
        n in 1u32..16,
        surge in 0u32..4,
        unavailable in 0u32..4,
        errors in prop_oneof![Just(0.0), Just(0.2)],
        latency_ms in 0u64..200,
        operations in prop::collection::vec(
            (0u64..90, prop_oneof![
                Just(Operation::Abort), Just(Operation::Undo), Just(Operation::Promote),
                Just(Operation::Rollover), (1u32..20).prop_map(Operation::Scale),
            ]),
            0..3,
        ),
    ) {
        let mut operations: Vec<_> = operations.iter().map(|(s, op)| at(*s, *op)).collect();
        operations.sort_by_key(|(after, _)| *after);
        let settings = ArgoCanary {
            dynamic_stable_scale: routing && dynamic,
            max_surge: CountOrPercent::Count(surge),
            max_unavailable: CountOrPercent::Count(unavailable),
            abort_scale_down_delay: (!dynamic).then_some(Span::from_secs(30)),
            operations,
            ..settings(routing, &steps)
        };
        let budget = settings.clone();
        let latency = Span::from_millis(latency_ms);
        let mut d = begun(settings, n, Delays { latency, ..Delays::unit() });
        d.errors[1] = errors;
        prop_assert!(d.run_until(secs(5_000)), "no rest: {:?}", d.said);
        let said = d.last_said();
        prop_assert!(
            matches!(said, Some(Said::Completed | Said::RolledBack) | None)
                || (said == Some(Said::DeadlineExceeded) && !routing),
            "{said:?}"
        );
        let versions: std::collections::BTreeSet<_> =
            d.instances.iter().map(|i| i.version).collect();
        if matches!(said, Some(Said::Completed | Said::RolledBack)) {
            prop_assert_eq!(versions.len(), 1, "{:?}", versions);
            let old = versions.contains(&VersionId::OLD);
            let third = budget.operations.iter().any(|(_, op)| *op == Operation::Rollover);
            prop_assert!(third || old == (said == Some(Said::RolledBack)));
            if routing {
                let last = d.routes.last().map(|r| r.1);
                prop_assert_eq!(last, Some(if old { 0 } else { 1_000_000 }));
            }
        }
        let scales = budget.operations.iter().any(|(_, op)| matches!(op, Operation::Scale(_)));
        if routing && !budget.dynamic_stable_scale && !scales {
            prop_assert!(d.history.iter().all(|s| s.available >= n));
        }
    }
}
