//! Waves, rounding that stops everything, the circuit breaker, alarms.

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq};
use proptest::proptest;

use crate::scenario::settings::{
    Alarm, BreakerThreshold, CircuitBreaker, DeploymentAlarm, Ecs, Operation, StrategySettings,
    TaskHealth,
};
use crate::strategy::driver::{Delays, Driver};
use crate::strategy::{Command, Draws, Strategy};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{Share, Span, Time};

fn settings(low: u32, high: u32) -> Ecs {
    Ecs {
        minimum_healthy_percent: low,
        maximum_percent: high,
        room: None,
        health: TaskHealth::Checked,
        circuit_breaker: None,
        alarm: None,
        operations: Vec::new(),
    }
}

fn breaker(rollback: bool) -> CircuitBreaker {
    let threshold = BreakerThreshold::BoundedPercent(50);
    CircuitBreaker { rollback, threshold, reset_on_healthy_task: true }
}

fn begin(settings: Ecs, n: u32, delays: Delays) -> Driver {
    let mut d = Driver::new(Strategy::new(&StrategySettings::Ecs(settings), n), n, delays);
    d.command(Command::Begin);
    d
}

fn secs(s: u64) -> Time {
    Time::ZERO + Span::from_secs(s)
}

/// New tasks fail 2 s after their creation and are never healthy.
fn broken(mut d: Driver) -> Driver {
    d.reject = Box::new(|version, _| (version == VersionId::NEW).then_some(Span::from_millis(500)));
    d
}

#[test]
fn waves_are_as_documented() {
    for (n, low, high, room, waves, floor, ceiling) in [
        (10, 100, 200, None, 1, 10, 20),
        (10, 50, 100, None, 2, 5, 10),
        (10, 90, 110, None, 5, 9, 11),
        (6, 100, 200, Some(8), 3, 6, 8),
        (7, 50, 150, None, 2, 4, 10),
        (4, 50, 100, None, 2, 2, 4),
    ] {
        let what = format!("{n} tasks, {low} to {high}, room {room:?}");
        let strategy = Ecs { room, ..settings(low, high) };
        let mut d = begin(strategy, n, Delays::unit());
        let budget = d.strategy.budget();
        assert!(d.run_until(secs(1000)));
        let ends = [(secs(0), Said::Progressing), (secs(waves), Said::Completed)];
        assert_eq!(d.said, ends, "{what}");
        assert_eq!(d.history.iter().map(|s| s.available).min(), Some(floor), "{what}");
        assert_eq!(d.history.iter().map(|s| s.objects).max(), Some(ceiling), "{what}");
        assert_eq!((n - budget.out, n + budget.above), (floor, ceiling), "{what}");
        assert_eq!(u64::from(budget.rounds), waves, "{what}");
        assert_eq!(d.count(VersionId::NEW, Phase::Available), n as usize);
    }
}

#[test]
fn rounding_can_leave_nothing_to_do() {
    for (n, low, high) in [(3, 100, 125), (2, 75, 100), (1, 100, 100), (1, 100, 199)] {
        let mut d = begin(settings(low, high), n, Delays::unit());
        let budget = d.strategy.budget();
        assert!(d.run_until(secs(100_000)));
        assert_eq!(d.said, [(secs(0), Said::Progressing)], "{n} tasks, {low} to {high}");
        assert_eq!((d.started, d.stopped.len()), (0, 0));
        assert_eq!((budget.out, budget.above), (0, 0));
    }
}

#[test]
fn a_draining_task_takes_its_place_until_it_is_gone() {
    let slow_stop = || Delays { stop: Box::new(|_| Span::from_secs(300)), ..Delays::unit() };
    let mut d = begin(settings(50, 100), 10, slow_stop());
    assert!(d.run_until(secs(10_000)));
    assert_eq!(d.said.last(), Some(&(secs(602), Said::Completed)));
    assert!(d.history.iter().all(|s| s.objects <= 10));
    // With room for both the drain is waited for once, at the end.
    let mut d = begin(settings(100, 200), 10, slow_stop());
    assert!(d.run_until(secs(10_000)));
    assert_eq!(d.said.last(), Some(&(secs(301), Said::Completed)));
}

#[test]
fn an_unchecked_task_is_healthy_after_forty_seconds() {
    let unchecked = Ecs { health: TaskHealth::Running, ..settings(100, 150) };
    let mut d = begin(unchecked, 4, Delays::unit());
    assert!(d.run_until(secs(10_000)));
    assert_eq!(d.said.last(), Some(&(secs(82), Said::Completed)));
}

#[test]
fn the_host_with_most_tasks_gives_first() {
    // Hosts 0 and 1 have three tasks, 2 and 3 two each.
    let mut d = begin(settings(40, 100), 10, Delays::unit());
    d.run_until(secs(0));
    let order: Vec<u32> = d.stopped.iter().map(|(_, id)| *id).collect();
    assert_eq!(order, [0, 1, 2, 3, 4, 5]);
    let mut d = begin(settings(80, 100), 10, Delays::unit());
    d.run_until(secs(0));
    let order: Vec<u32> = d.stopped.iter().map(|(_, id)| *id).collect();
    assert_eq!(order, [0, 1]);
}

#[test]
fn the_breaker_trips_and_the_last_completed_deployment_comes_back() {
    for (n, threshold) in [(1, 3), (6, 3), (10, 5), (25, 13)] {
        let strategy = Ecs { circuit_breaker: Some(breaker(true)), ..settings(50, 200) };
        let mut d = broken(begin(strategy, n, Delays::unit()));
        assert!(d.run_until(secs(1000)));
        let said: Vec<Said> = d.said.iter().map(|(_, said)| *said).collect();
        let (there, back) = (Said::Progressing, Said::RollingBack);
        assert_eq!(said, [there, back, Said::RolledBack], "{n}");
        let failed =
            d.moments.iter().filter(|(_, m)| matches!(m, Moment::InstanceFailed(_))).count();
        assert!(failed >= threshold, "{n}: {failed}");
        let decided: Vec<_> =
            d.moments.iter().filter(|(_, m)| *m == Moment::RollbackDecided).collect();
        assert_eq!(decided.len(), 1);
        assert_eq!(d.count(VersionId::OLD, Phase::Available), n as usize);
        assert_eq!(d.instances.len(), n as usize);
    }
}

#[test]
fn failures_one_at_a_time_are_counted_to_the_threshold() {
    let strategy = Ecs { circuit_breaker: Some(breaker(false)), ..settings(100, 110) };
    let mut d = broken(begin(strategy, 10, Delays::unit()));
    assert!(d.run_until(secs(1000)));
    // One new task at a time, each fails after half a second: the fifth one trips. Before it 1, 2,
    // 4 and 8 s passed.
    assert_eq!(d.said.last(), Some(&(Time::ZERO + Span::from_millis(17_500), Said::Failed)));
    assert_eq!(d.started, 5);
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 10);
}

#[test]
fn a_healthy_task_sets_the_count_to_zero() {
    let run = |reset_on_healthy_task| {
        let tripping = Some(CircuitBreaker { reset_on_healthy_task, ..breaker(false) });
        let strategy = Ecs { circuit_breaker: tripping, ..settings(100, 110) };
        let mut d = begin(strategy, 10, Delays::unit());
        // Every second new task fails.
        d.reject = Box::new(|_, id| (id % 2 == 0).then_some(Span::from_millis(500)));
        assert!(d.run_until(secs(1000)));
        d.last_said()
    };
    assert_eq!(run(true), Some(Said::Completed));
    assert_eq!(run(false), Some(Said::Failed));
}

#[test]
fn without_a_breaker_it_tries_for_ever() {
    let mut d = broken(begin(settings(100, 200), 2, Delays::unit()));
    assert!(!d.run_until(secs(100)));
    assert_eq!(d.said, [(secs(0), Said::Progressing)]);
    // At 0, 1.5, 4, 8.5, 17, 33.5 and 66 s.
    assert_eq!(d.started, 2 * 7);
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 2);
}

#[test]
fn a_rollback_that_fails_too_stalls() {
    let strategy = Ecs { circuit_breaker: Some(breaker(true)), ..settings(0, 100) };
    let mut d = begin(strategy, 4, Delays::unit());
    d.reject = Box::new(|_, _| Some(Span::from_millis(500)));
    assert!(d.run_until(secs(1000)));
    let said: Vec<Said> = d.said.iter().map(|(_, said)| *said).collect();
    assert_eq!(said, [Said::Progressing, Said::RollingBack, Said::Failed]);
    assert_eq!(d.instances.len(), 0);
}

fn watched(rollback: bool) -> Ecs {
    let alarm = Alarm { errors: Share(0.02), delay: Span::from_secs(60) };
    let bake_time = Span::from_secs(300);
    Ecs { alarm: Some(DeploymentAlarm { alarm, rollback, bake_time }), ..settings(100, 200) }
}

#[test]
fn an_alarm_in_the_bake_time_rolls_back() {
    for (rollback, last) in [(true, Said::RolledBack), (false, Said::Failed)] {
        let mut d = begin(watched(rollback), 4, Delays::unit());
        d.errors = [0.0, 0.05];
        assert!(d.run_until(secs(10_000)));
        assert_eq!(d.said[1].0, secs(61), "ready after 1 s, up after 60 s more");
        assert_eq!(d.last_said(), Some(last));
    }
    let mut d = begin(watched(true), 4, Delays::unit());
    assert!(d.run_until(secs(10_000)));
    assert_eq!(d.said.last(), Some(&(secs(301), Said::Completed)));
}

#[test]
fn an_alarm_that_is_up_already_is_ignored() {
    let mut d = begin(watched(true), 4, Delays::unit());
    d.errors = [0.03, 0.05];
    assert!(d.run_until(secs(10_000)));
    assert_eq!(d.said.last(), Some(&(secs(301), Said::Completed)));
}

#[test]
fn operations_scale_and_undo() {
    let at = |s| Span::from_millis(s);
    let operations = vec![(at(500), Operation::Scale(4)), (at(5000), Operation::Scale(7))];
    let mut d = begin(Ecs { operations, ..settings(100, 150) }, 6, Delays::unit());
    assert!(d.run_until(secs(1000)));
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 7);
    assert_eq!(d.instances.len(), 7);
    let operations = vec![(at(1500), Operation::Undo)];
    let mut d = begin(Ecs { operations, ..settings(100, 150) }, 6, Delays::unit());
    assert!(d.run_until(secs(1000)));
    assert_eq!(d.last_said(), Some(Said::RolledBack));
    assert!(d.moments.contains(&(Time(1_500_000_000), Moment::RollbackDecided)));
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_bounds_hold_and_it_ends_or_cannot_move(
        n in 1u32..25,
        low in 0u32..=100,
        high in 100u32..=250,
        spare in proptest::option::of(0u32..20),
        latency_ms in 0u64..100,
        bad in 0u64..30,
        seed in any::<u64>(),
    ) {
        let luck = Draws::new(seed);
        let delays = Delays {
            start: Box::new(move |_, id| Some(Span::from_millis(luck.bits(2, id) % 5000))),
            stop: Box::new(move |id| Span::from_millis(luck.bits(3, id) % 5000)),
            latency: Span::from_millis(latency_ms),
        };
        let room = spare.map(|spare| n + spare);
        let strategy = Ecs { room, circuit_breaker: Some(breaker(true)), ..settings(low, high) };
        let mut d = begin(strategy, n, delays);
        d.draws = luck;
        d.reject = Box::new(move |version, id| {
            let fails = version == VersionId::NEW && luck.bits(1, id) % 100 < bad;
            fails.then(|| Span::from_millis(luck.bits(4, id) % 9000))
        });
        let budget = d.strategy.budget();
        prop_assert!(d.run_until(secs(100_000)), "does not come to rest");
        let most = n + budget.above;
        for s in &d.history {
            prop_assert!(s.kept <= most, "{s:?} above {most}");
            if bad == 0 {
                prop_assert!(s.objects <= most, "{s:?} above {most}");
                prop_assert!(s.available >= n - budget.out, "{s:?} below {}", n - budget.out);
            }
        }
        let all = |version| d.count(version, Phase::Available) == n as usize;
        match d.last_said().unwrap() {
            Said::Completed => prop_assert!(all(VersionId::NEW)),
            Said::RolledBack => prop_assert!(all(VersionId::OLD)),
            said => {
                let stuck = budget.out == 0 && budget.above == 0;
                prop_assert!(stuck, "{said:?}: {:?}", d.strategy);
            }
        }
        if d.last_said() == Some(Said::Completed) && bad == 0 {
            prop_assert_eq!(d.stopped.len() as u32, d.started);
        }
    }
}
