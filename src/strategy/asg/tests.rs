//! Limits and their rounding, warm-up, checkpoints, the hour, the alarm, the way back.

use crate::scenario::settings::{Alarm, Asg, Operation, Protected, StrategySettings};
use crate::strategy::driver::{Delays, Driver};
use crate::strategy::{Command, Strategy};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{Share, Span, Time};

fn settings(min: u32, max: u32) -> Asg {
    Asg {
        min_healthy_percentage: min,
        max_healthy_percentage: max,
        instance_warmup: Span::ZERO,
        health_check_grace_period: Span::from_secs(300),
        checkpoint_percentages: Vec::new(),
        checkpoint_delay: Span::from_secs(3600),
        bake_time: Span::ZERO,
        auto_rollback: false,
        alarm: None,
        protected_instances: 0,
        scale_in_protected_instances: Protected::Wait,
    }
}

fn begin(settings: Asg, n: u32, delays: Delays) -> Driver {
    let strategy = Strategy::new(&StrategySettings::Asg(settings), n);
    let mut driver = Driver::new(strategy, n, delays);
    driver.command(Command::Begin);
    driver
}

/// Runs to the end; what was said last, and when in seconds.
fn end(driver: &mut Driver) -> (Said, f64) {
    assert!(driver.run_until(Time::from_secs(1_000_000)), "does not come to rest");
    let (at, said) = *driver.said.last().unwrap();
    (said, at.as_secs_f64())
}

fn slow_stops() -> Delays {
    Delays { stop: Box::new(|_| Span::from_secs(300)), ..Delays::unit() }
}

fn never_ready_new() -> Delays {
    let start = |version, _| (version != VersionId::NEW).then_some(Span::from_secs(1));
    Delays { start: Box::new(start), ..Delays::unit() }
}

fn lowest(d: &Driver) -> u32 {
    d.history.iter().map(|s| s.available).min().unwrap()
}

fn most(d: &Driver) -> u32 {
    d.history.iter().map(|s| s.kept).max().unwrap()
}

/// (instances, min %, max %, sets of one second, lowest healthy, most at once).
#[test]
fn limits_round_up_and_leave_sets() {
    let table = [
        (10, 90, 100, 10, 9, 10),
        (10, 50, 100, 2, 5, 10),
        (10, 0, 100, 1, 0, 10),
        (10, 100, 110, 10, 10, 11),
        (10, 100, 105, 10, 10, 11),
        (10, 100, 200, 1, 10, 20),
        (10, 90, 110, 5, 9, 11),
        // 67 % of ten is seven: three at a time.
        (10, 67, 100, 4, 7, 10),
        // 90 % of eleven rounds up to ten.
        (11, 90, 100, 11, 10, 11),
        (21, 90, 100, 11, 19, 21),
    ];
    for (n, min, max, sets, low, high) in table {
        let mut d = begin(settings(min, max), n, Delays::unit());
        assert_eq!(end(&mut d), (Said::Completed, f64::from(sets)), "{n} {min} {max}");
        assert_eq!((lowest(&d), most(&d)), (low, high), "{n} {min} {max}");
        assert_eq!(d.count(VersionId::NEW, Phase::Available), n as usize);
    }
}

#[test]
fn without_room_one_is_terminated_and_then_one_launched() {
    // 90 % of five is five: there is no room between the limits either.
    for (n, min, seconds) in [(4, 100, 4.0 * 301.0), (5, 90, 5.0 * 301.0), (1, 90, 301.0)] {
        let mut d = begin(settings(min, 100), n, slow_stops());
        assert_eq!(end(&mut d), (Said::Completed, seconds), "{n}");
        assert_eq!(lowest(&d), n - 1);
        assert!(d.history.iter().all(|s| s.objects <= n));
    }
    // With room the launch does not wait for the deregistration.
    let mut d = begin(settings(90, 100), 10, slow_stops());
    assert_eq!(end(&mut d), (Said::Completed, 10.0));
}

#[test]
fn a_new_instance_counts_when_it_is_healthy_and_warm() {
    let warm = Asg { instance_warmup: Span::from_secs(60), ..settings(50, 100) };
    let mut d = begin(warm, 4, Delays::unit());
    assert_eq!(end(&mut d), (Said::Completed, 120.0));
    assert_eq!(lowest(&d), 2);
}

#[test]
fn a_set_waits_for_its_slowest() {
    let start = |_, id| Some(Span::from_secs(if id == 4 { 10 } else { 1 }));
    let delays = Delays { start: Box::new(start), ..Delays::unit() };
    let mut d = begin(settings(50, 100), 4, delays);
    assert_eq!(end(&mut d), (Said::Completed, 11.0));
}

#[test]
fn checkpoints_hold_the_refresh() {
    let waits = Asg { checkpoint_percentages: vec![20, 50, 100], ..settings(0, 100) };
    let mut d = begin(waits, 10, Delays::unit());
    assert_eq!(end(&mut d), (Said::Completed, 7203.0));
    assert_eq!(lowest(&d), 5, "the last step replaces five");
    // It ends with the last one, and the rest stays old; 25 % of ten rounds up to three.
    let canary = Asg { checkpoint_percentages: vec![25], ..settings(90, 100) };
    let mut d = begin(canary, 10, Delays::unit());
    assert_eq!(end(&mut d), (Said::Completed, 3.0));
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 3);
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 7);
}

#[test]
fn an_hour_without_progress_fails() {
    let mut d = begin(settings(90, 100), 10, never_ready_new());
    assert_eq!(end(&mut d), (Said::Failed, 3600.0));
    // The group replaced the unhealthy one every 300 s, and now with the old template.
    let failed = d.moments.iter().filter(|(_, m)| matches!(m, Moment::InstanceFailed(_))).count();
    assert!((11..=12).contains(&failed), "{failed}");
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 10);
    // The wait at a checkpoint is not an hour without progress.
    let long = Asg {
        checkpoint_percentages: vec![10, 100],
        checkpoint_delay: Span::from_secs(4 * 3600),
        ..settings(0, 100)
    };
    assert_eq!(end(&mut begin(long, 10, Delays::unit())).0, Said::Completed);
}

#[test]
fn a_failure_rolls_back_by_another_refresh() {
    // The first three new instances come up, later ones never do.
    let start = |version, id| (version == VersionId::OLD || id < 13).then_some(Span::from_secs(1));
    let delays = Delays { start: Box::new(start), ..Delays::unit() };
    let back = Asg { auto_rollback: true, ..settings(90, 100) };
    let mut d = begin(back, 10, delays);
    let (said, at) = end(&mut d);
    assert_eq!(said, Said::RolledBack);
    // Three sets, an hour, then the missing one and the three again, one by one.
    assert!((3607.0..3608.0).contains(&at), "{at}");
    assert!(d.moments.contains(&(Time::from_secs(3603), Moment::RollbackDecided)));
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 10);
}

#[test]
fn an_alarm_fails_the_refresh_when_it_is_exceeded_for_long_enough() {
    let alarm = |errors| Some(Alarm { errors: Share(errors), delay: Span::from_secs(60) });
    for (limit, said) in [(0.05, Said::Completed), (0.049, Said::RolledBack)] {
        let watched = Asg {
            alarm: alarm(limit),
            auto_rollback: true,
            bake_time: Span::from_secs(600),
            ..settings(90, 100)
        };
        let mut d = begin(watched, 10, Delays::unit());
        d.errors = [0.0, 0.05];
        assert_eq!(end(&mut d).0, said, "exactly the limit is not above it: {limit}");
        if said == Said::RolledBack {
            // The first new instance answers after a second.
            assert!(d.moments.contains(&(Time::from_secs(61), Moment::RollbackDecided)));
        }
    }
}

#[test]
fn the_bake_comes_before_success() {
    let baked = Asg { bake_time: Span::from_secs(600), ..settings(0, 100) };
    let mut d = begin(baked, 10, Delays::unit());
    assert_eq!(end(&mut d), (Said::Completed, 601.0));
}

#[test]
fn protected_instances_are_replaced_left_or_waited_for() {
    let protect = |how| Asg {
        protected_instances: 2,
        scale_in_protected_instances: how,
        ..settings(90, 100)
    };
    let mut d = begin(protect(Protected::Refresh), 10, Delays::unit());
    assert_eq!(end(&mut d), (Said::Completed, 10.0));
    let mut d = begin(protect(Protected::Ignore), 10, Delays::unit());
    assert_eq!(end(&mut d), (Said::Completed, 8.0));
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 2);
    let mut d = begin(protect(Protected::Wait), 10, Delays::unit());
    assert_eq!(end(&mut d), (Said::Failed, 3608.0));
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 8);
}

#[test]
fn a_command_turns_back_at_any_time() {
    for at in [0, 1, 3, 6, 12] {
        for (min, max) in [(90, 100), (100, 130), (0, 100), (100, 100)] {
            let mut d = begin(settings(min, max), 10, Delays::unit());
            d.run_until(Time::from_secs(at));
            d.now = Time::from_secs(at);
            d.command(Command::Operate(Operation::Undo));
            assert_eq!(end(&mut d).0, Said::RolledBack);
            assert_eq!(d.count(VersionId::OLD, Phase::Available), 10);
            assert_eq!(d.instances.len(), 10);
        }
    }
}
