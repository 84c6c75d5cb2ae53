//! Batches and their rounding, zones, both health checks, and what an abort leaves.

use crate::scenario::settings::{Operation, StrategySettings, Vmss};
use crate::strategy::driver::{Delays, Driver};
use crate::strategy::{Command, Strategy};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{Span, Time};

fn settings(batch: u32) -> Vmss {
    Vmss {
        max_batch_instance_percent: batch,
        max_unhealthy_instance_percent: 20,
        max_unhealthy_upgraded_instance_percent: 20,
        pause_time_between_batches: Span::ZERO,
        prioritize_unhealthy_instances: false,
        enable_cross_zone_upgrade: false,
        max_surge: false,
        rollback_failed_instances_on_policy_breach: false,
        zones: 1,
        health_wait: Span::from_secs(300),
    }
}

fn begin(settings: Vmss, n: u32, delays: Delays) -> Driver {
    let strategy = Strategy::new(&StrategySettings::Vmss(settings), n);
    let mut driver = Driver::new(strategy, n, delays);
    driver.command(Command::Begin);
    driver
}

fn end(driver: &mut Driver) -> (Said, f64) {
    assert!(driver.run_until(Time::from_secs(100_000)), "does not come to rest");
    let (at, said) = *driver.said.last().unwrap();
    (said, at.as_secs_f64())
}

/// New machines in these places are never healthy. Machine 10 + k is the k-th new one.
fn sick(which: &'static [u32]) -> Delays {
    let start = move |version, id| {
        (version == VersionId::OLD || !which.contains(&id)).then_some(Span::from_secs(1))
    };
    Delays { start: Box::new(start), ..Delays::unit() }
}

fn lowest(d: &Driver) -> u32 {
    d.history.iter().map(|s| s.available).min().unwrap()
}

fn new(d: &Driver) -> usize {
    d.count(VersionId::NEW, Phase::Available)
}

/// (machines, percent, batches, size).
#[test]
fn batches_round_down_and_are_at_least_one() {
    let table = [
        (1, 20, 1, 1),
        (3, 20, 3, 1),
        (5, 20, 5, 1),
        (9, 20, 9, 1),
        (10, 20, 5, 2),
        (14, 20, 7, 2),
        (15, 20, 5, 3),
        (10, 5, 10, 1),
        (7, 50, 3, 3),
        (8, 100, 1, 8),
    ];
    for (n, percent, batches, size) in table {
        let mut d = begin(settings(percent), n, Delays::unit());
        assert_eq!(end(&mut d), (Said::Completed, f64::from(batches)), "{n} {percent}");
        assert_eq!(lowest(&d), n - size, "{n} {percent}");
        assert!(d.history.iter().all(|s| s.objects <= n));
    }
}

#[test]
fn the_pause_lies_between_batches() {
    let paused = Vmss { pause_time_between_batches: Span::from_secs(60), ..settings(50) };
    let mut d = begin(paused, 4, Delays::unit());
    assert_eq!(end(&mut d), (Said::Completed, 62.0));
}

#[test]
fn batches_stay_in_their_zone_unless_they_may_cross() {
    // Twelve machines in three zones of four; half of all is six, and a zone has four.
    let zonal = Vmss { zones: 3, ..settings(50) };
    let mut d = begin(zonal.clone(), 12, Delays::unit());
    assert_eq!(end(&mut d), (Said::Completed, 3.0));
    let stopped: Vec<u32> = d.stopped.iter().map(|(_, id)| *id % 3).collect();
    assert_eq!(stopped, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    let mut d = begin(Vmss { enable_cross_zone_upgrade: true, ..zonal }, 12, Delays::unit());
    assert_eq!(end(&mut d), (Said::Completed, 2.0));
}

#[test]
fn surge_creates_the_batch_first() {
    let surge = Vmss { max_surge: true, ..settings(20) };
    let mut d = begin(surge.clone(), 10, Delays::unit());
    assert_eq!(end(&mut d), (Said::Completed, 5.0));
    assert_eq!(lowest(&d), 10);
    assert_eq!(d.history.iter().map(|s| s.kept).max(), Some(12));
    // An old machine stays until its successor is healthy: here for ever.
    let mut d = begin(surge, 10, sick(&[10]));
    assert_eq!(end(&mut d), (Said::Failed, 300.0));
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 9);
}

#[test]
fn more_than_the_limit_of_upgraded_ones_aborts_after_a_batch() {
    // One of two is half: aborted, as soon as that one has had its five minutes.
    let mut d = begin(settings(20), 10, sick(&[11]));
    assert_eq!(end(&mut d), (Said::Failed, 300.0));
    assert!(d.moments.contains(&(Time::from_secs(300), Moment::InstanceFailed(11))));
    assert_eq!((new(&d), d.count(VersionId::OLD, Phase::Available)), (1, 8));
    // One of two is not more than half.
    let half = |percent| Vmss { max_unhealthy_upgraded_instance_percent: percent, ..settings(20) };
    assert_eq!(end(&mut begin(half(50), 10, sick(&[11]))).0, Said::Completed);
    assert_eq!(end(&mut begin(half(49), 10, sick(&[11]))).0, Said::Failed);
    // One of ten, in the last batch of two, is not more than a fifth.
    let mut d = begin(settings(20), 10, sick(&[19]));
    assert_eq!(end(&mut d), (Said::Completed, 304.0));
    assert_eq!(new(&d), 9);
}

#[test]
fn more_than_the_limit_of_all_aborts_before_a_batch() {
    // Two of ten old machines are unhealthy: not more than a fifth. Three are.
    for (ill, said) in [(2, Said::Completed), (3, Said::Failed)] {
        let mut d = begin(settings(20), 10, Delays::unit());
        for id in 0..ill {
            d.fail(id + 7, Time::ZERO);
        }
        // The failures are seen before the second batch, the upgrade of the first goes on.
        assert_eq!(end(&mut d).0, said, "{ill}");
        if said == Said::Failed {
            assert_eq!(new(&d), 2);
        }
    }
}

#[test]
fn unhealthy_machines_go_first_and_shrink_other_batches() {
    let run = |first| {
        let mut d = Driver::new(
            Strategy::new(
                &StrategySettings::Vmss(Vmss {
                    prioritize_unhealthy_instances: first,
                    ..settings(20)
                }),
                10,
            ),
            10,
            Delays::unit(),
        );
        d.fail(8, Time::ZERO);
        d.run_until(Time::ZERO);
        d.command(Command::Begin);
        let said = end(&mut d);
        let mut order: Vec<u32> = d.stopped.iter().map(|(_, id)| *id).collect();
        order[..2].sort_unstable();
        (said, order)
    };
    let (said, order) = run(true);
    assert_eq!((said, &order[..2]), ((Said::Completed, 5.0), &[0, 8][..]));
    // One is ill outside: batches of one, until it is in a batch itself.
    let (said, order) = run(false);
    assert_eq!(said, (Said::Completed, 9.0));
    assert_eq!(order, (0..10).collect::<Vec<_>>());
}

#[test]
fn an_abort_takes_back_the_unhealthy_ones_if_asked_to() {
    let back = Vmss { rollback_failed_instances_on_policy_breach: true, ..settings(20) };
    let mut d = begin(back, 10, sick(&[11]));
    assert_eq!(end(&mut d).0, Said::Failed);
    assert_eq!((new(&d), d.count(VersionId::OLD, Phase::Available)), (1, 9));
}

#[test]
fn a_machine_that_has_failed_is_not_waited_for() {
    let mut d = begin(settings(20), 10, sick(&[11]));
    d.fail(11, Time::from_secs(5));
    assert_eq!(end(&mut d), (Said::Failed, 5.0));
}

#[test]
fn pause_ends_behind_the_batch_and_resume_goes_on() {
    let mut d = begin(settings(20), 10, Delays::unit());
    d.run_until(Time(500_000_000));
    d.now = Time(500_000_000);
    d.command(Command::Operate(Operation::Pause));
    assert_eq!(end(&mut d), (Said::Paused, 1.0));
    assert_eq!(new(&d), 2);
    d.command(Command::Operate(Operation::Resume));
    assert_eq!(end(&mut d).0, Said::Completed);
}

#[test]
fn a_command_turns_back_at_any_time_even_if_all_are_unhealthy() {
    for max_surge in [false, true] {
        for at in [0, 1, 3, 9] {
            let all = Vmss { max_surge, ..settings(30) };
            let mut d = begin(all, 10, Delays::unit());
            d.run_until(Time::from_secs(at));
            d.now = Time::from_secs(at);
            d.command(Command::Rollback);
            assert_eq!(end(&mut d).0, Said::RolledBack);
            assert_eq!(d.count(VersionId::OLD, Phase::Available), 10);
            assert_eq!(d.instances.len(), 10);
        }
    }
    let mut d = begin(settings(100), 10, sick(&[10, 11, 12, 13, 14, 15, 16, 17, 18, 19]));
    assert_eq!(end(&mut d), (Said::Failed, 300.0));
    d.command(Command::Rollback);
    assert_eq!(end(&mut d).0, Said::RolledBack);
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 10);
}
