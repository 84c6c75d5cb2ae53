//! Batches, windows, failures and the way back.

use proptest::prelude::{Just, ProptestConfig, Strategy as _, any, prop_assert, prop_assert_eq};
use proptest::{prop_oneof, proptest};

use crate::scenario::settings::{Generic, OnFailure, Operation, Order, StrategySettings, Window};
use crate::strategy::driver::{Delays, Driver};
use crate::strategy::{Command, Draws, Strategy};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{CountOrPercent, Span, Time};

fn settings(batch: &str, window: Window, order: Order) -> Generic {
    Generic {
        batch: batch.parse().unwrap(),
        window,
        order,
        bake: Span::ZERO,
        ready_deadline: Span::from_secs(60),
        failures_allowed: CountOrPercent::Count(0),
        on_failure: OnFailure::Pause,
    }
}

fn begin(settings: Generic, n: u32, delays: Delays) -> Driver {
    let mut driver = Driver::new(Strategy::new(&StrategySettings::Generic(settings), n), n, delays);
    driver.command(Command::Begin);
    driver
}

fn secs(s: u64) -> Time {
    Time(s * 1_000_000_000)
}

fn batches(driver: &Driver) -> usize {
    driver.moments.iter().filter(|(_, m)| matches!(m, Moment::Batch(_))).count()
}

fn never_ready_new() -> Delays {
    let start = |version, _| (version != VersionId::NEW).then_some(Span::from_secs(1));
    Delays { start: Box::new(start), ..Delays::unit() }
}

#[test]
fn batches_follow_one_another() {
    for (batch, count) in [("3", 4), ("30%", 4), ("25%", 5), ("1%", 10), ("100%", 1), ("40", 1)] {
        for order in [Order::StopFirst, Order::StartFirst] {
            let mut d = begin(settings(batch, Window::Barrier, order), 10, Delays::unit());
            assert!(d.run_until(secs(1000)));
            assert_eq!(d.said, [(secs(0), Said::Progressing), (secs(count), Said::Completed)]);
            assert_eq!(batches(&d), count as usize, "{batch}");
            assert_eq!(
                d.stopped.iter().map(|(_, id)| *id).collect::<Vec<_>>(),
                (0..10).collect::<Vec<_>>()
            );
            assert_eq!(d.count(VersionId::NEW, Phase::Available), 10);
            assert_eq!(d.instances.len(), 10);
        }
    }
}

#[test]
fn every_batch_is_baked_the_last_one_too() {
    let slow =
        Generic { bake: Span::from_secs(5), ..settings("4", Window::Barrier, Order::StopFirst) };
    let mut d = begin(slow.clone(), 10, Delays::unit());
    assert!(d.run_until(secs(1000)));
    assert_eq!(d.said.last(), Some(&(secs(18), Said::Completed)));
    let mut d = begin(Generic { window: Window::Sliding, ..slow }, 10, Delays::unit());
    assert!(d.run_until(secs(1000)));
    assert_eq!(d.said.last(), Some(&(secs(18), Said::Completed)));
}

#[test]
fn a_window_does_not_wait_for_the_slowest() {
    // The first replacement takes 10 s, the others 1 s; two at a time.
    let delays = || Delays {
        start: Box::new(|_, id| Some(Span::from_secs(if id == 6 { 10 } else { 1 }))),
        ..Delays::unit()
    };
    let run = |window| {
        let mut d = begin(settings("2", window, Order::StopFirst), 6, delays());
        assert!(d.run_until(secs(1000)));
        d.said.last().unwrap().0
    };
    assert_eq!(run(Window::Barrier), secs(12));
    assert_eq!(run(Window::Sliding), secs(10));
}

#[test]
fn a_failure_too_many_pauses() {
    let tolerant = Generic {
        failures_allowed: CountOrPercent::Count(2),
        ..settings("1", Window::Barrier, Order::StopFirst)
    };
    let mut d = begin(tolerant, 4, never_ready_new());
    assert!(d.run_until(secs(10_000)));
    // Strictly more than 2: the third one, each 60 s after its start.
    assert_eq!(d.said.last(), Some(&(secs(180), Said::Paused)));
    let failed = d.moments.iter().filter(|(_, m)| matches!(m, Moment::InstanceFailed(_)));
    assert_eq!(failed.count(), 3);
    let detected: Vec<_> = d.moments.iter().filter(|(_, m)| *m == Moment::Detected).collect();
    assert_eq!(detected, [&(secs(60), Moment::Detected)]);
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 3);
    // Paused is paused until somebody resumes.
    assert_eq!(d.instances.len(), 3);
    d.command(Command::Operate(Operation::Resume));
    assert!(d.run_until(secs(10_000)));
    assert_eq!(d.last_said(), Some(Said::Paused));
    assert_eq!(d.started, 4);
}

#[test]
fn a_failure_too_many_turns_back() {
    for order in [Order::StopFirst, Order::StartFirst] {
        for window in [Window::Barrier, Window::Sliding] {
            // The fifth new instance and all later ones never become ready.
            let start =
                |version, id| (version == VersionId::OLD || id < 14).then_some(Span::from_secs(1));
            let delays = Delays { start: Box::new(start), ..Delays::unit() };
            let careful =
                Generic { on_failure: OnFailure::Rollback, ..settings("2", window, order) };
            let mut d = begin(careful, 10, delays);
            assert!(d.run_until(secs(10_000)));
            assert_eq!(d.last_said(), Some(Said::RolledBack), "{order:?} {window:?}");
            assert!(d.moments.contains(&(secs(62), Moment::RollbackDecided)));
            assert_eq!(d.count(VersionId::OLD, Phase::Available), 10);
            assert_eq!(d.instances.len(), 10);
            let low = d.history.iter().map(|s| s.available).min().unwrap();
            assert_eq!(low, if order == Order::StopFirst { 8 } else { 10 });
            // Start-first keeps the old instances of slots in progress: only four were replaced.
            let old_starts = d.instances.iter().filter(|i| i.id >= 10).count();
            assert_eq!(old_starts, if order == Order::StopFirst { 6 } else { 4 });
        }
    }
}

#[test]
fn continuing_ignores_failures() {
    let start = |_, id| (id % 3 != 0).then_some(Span::from_secs(1));
    let delays = Delays { start: Box::new(start), ..Delays::unit() };
    let stubborn = Generic {
        on_failure: OnFailure::Continue,
        ..settings("2", Window::Barrier, Order::StartFirst)
    };
    let mut d = begin(stubborn, 8, delays);
    assert!(d.run_until(secs(10_000)));
    assert_eq!(d.last_said(), Some(Said::Completed));
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 8);
}

#[test]
fn crashed_old_instances_go_first_and_crashed_new_ones_are_repaired() {
    let mut d = begin(settings("1", Window::Barrier, Order::StopFirst), 4, Delays::unit());
    d.fail(3, Time(500_000_000));
    d.fail(4, secs(20));
    d.run_until(secs(10));
    let order: Vec<u32> = d.stopped.iter().map(|(_, id)| *id).collect();
    assert_eq!(order, [0, 3, 1, 2]);
    assert_eq!(d.last_said(), Some(Said::Completed));
    assert!(d.run_until(secs(1000)));
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 4);
    assert_eq!(d.last_said(), Some(Said::Completed));
}

#[test]
fn a_command_turns_back_at_any_time() {
    for at in [0, 1, 2, 3, 4, 5, 9] {
        for order in [Order::StopFirst, Order::StartFirst] {
            let mut d = begin(settings("30%", Window::Barrier, order), 10, Delays::unit());
            d.run_until(Time(at * 500_000_000));
            d.now = Time(at * 500_000_000);
            d.command(Command::Rollback);
            assert!(d.run_until(secs(1000)));
            assert_eq!(d.last_said(), Some(Said::RolledBack));
            assert_eq!(d.count(VersionId::OLD, Phase::Available), 10);
            assert_eq!(d.instances.len(), 10);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn bounds_are_kept_and_it_ends(
        n in 1u32..25,
        batch in prop_oneof![
            (1u32..30).prop_map(CountOrPercent::Count),
            (1u32..=100).prop_map(|p| CountOrPercent::Percent(f64::from(p))),
        ],
        sliding in any::<bool>(),
        start_first in any::<bool>(),
        bake_ms in 0u64..3000,
        latency_ms in 0u64..100,
        bad_percent in prop_oneof![Just(0u64), 0u64..60],
        on_failure in prop_oneof![
            Just(OnFailure::Pause), Just(OnFailure::Rollback), Just(OnFailure::Continue),
        ],
        seed in any::<u64>(),
    ) {
        let luck = Draws::new(seed);
        let delays = Delays {
            start: Box::new(move |version, id| {
                let bad = version == VersionId::NEW && luck.bits(1, id) % 100 < bad_percent;
                (!bad).then(|| Span::from_millis(luck.bits(2, id) % 5000))
            }),
            stop: Box::new(move |id| Span::from_millis(luck.bits(3, id) % 2000)),
            latency: Span::from_millis(latency_ms),
        };
        let settings = Generic {
            batch,
            window: if sliding { Window::Sliding } else { Window::Barrier },
            order: if start_first { Order::StartFirst } else { Order::StopFirst },
            bake: Span::from_millis(bake_ms),
            ready_deadline: Span::from_secs(20),
            failures_allowed: CountOrPercent::Count(1),
            on_failure,
        };
        let width = batch.of(n, crate::units::Rounding::Down).max(1);
        let mut d = begin(settings, n, delays);
        prop_assert!(d.run_until(secs(100_000)), "does not come to rest");
        let said = d.last_said().unwrap();
        prop_assert!(said.is_terminal());
        let all = |d: &Driver, v| d.count(v, Phase::Available) == n as usize;
        match said {
            Said::Completed => prop_assert!(all(&d, VersionId::NEW)),
            Said::RolledBack => prop_assert!(all(&d, VersionId::OLD)),
            _ => prop_assert_eq!(on_failure, OnFailure::Pause),
        }
        if bad_percent == 0 {
            prop_assert_eq!(said, Said::Completed);
            prop_assert_eq!(d.stopped.len() as u32, n);
            prop_assert_eq!(d.started, n);
        }
        for s in &d.history {
            if start_first {
                prop_assert!(s.kept <= n + width);
                prop_assert!(s.available >= n || said == Said::RolledBack);
            } else {
                prop_assert!(s.objects <= n);
                prop_assert!(s.available + width >= n);
            }
        }
    }
}
