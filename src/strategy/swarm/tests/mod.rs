//! The rules by their numbers, in a world whose delays are known.

mod rules;
mod surprises;

use super::super::driver::{Delays, Driver};
use super::super::{Draws, State as AnyState, Strategy};
use super::*;
use crate::scenario::settings::{
    OnFailure, Operation, RestartCondition, RestartPolicy, UpdateConfig,
};
use crate::trace::Phase;
use crate::units::Span;

const MS: u64 = 1_000_000;

fn ms(ms: u64) -> Span {
    Span(ms * MS)
}

fn at(ms: u64) -> Time {
    Time(ms * MS)
}

/// Stop-first, one at a time, monitor 5 s; restarts after 1 s.
fn defaults() -> settings::Swarm {
    let update = UpdateConfig {
        parallelism: 1,
        delay: Span::ZERO,
        order: Order::StopFirst,
        monitor: ms(5000),
        max_failure_ratio: 0.0,
        failure_action: OnFailure::Pause,
    };
    let restart = RestartPolicy {
        condition: RestartCondition::Any,
        delay: ms(1000),
        max_attempts: 0,
        window: Span::ZERO,
    };
    settings::Swarm { update, rollback: update, restart, operations: Vec::new() }
}

/// Starts and stops take 1 s; controllers are immediate.
fn world(replicas: u32, settings: settings::Swarm) -> Driver {
    let delays = Delays { stop: Box::new(|_| ms(1000)), ..Delays::unit() };
    Driver::new(Strategy::Swarm(Swarm::new(settings, replicas)), replicas, delays)
}

/// The new version fails so long after it runs.
fn bad(driver: &mut Driver, after: u64) {
    driver.crash = Box::new(move |version, _| (version == VersionId::NEW).then_some(ms(after)));
}

fn begin(driver: &mut Driver, until: u64) {
    driver.command(Command::Begin);
    driver.run_until(at(until));
}

fn state(driver: &Driver) -> &State {
    match &driver.state {
        AnyState::Swarm(state) => state,
        _ => unreachable!("these tests are Swarm's"),
    }
}

fn running(driver: &Driver, version: VersionId) -> usize {
    driver.count(version, Phase::Ready) + driver.count(version, Phase::Available)
}

fn stops(driver: &Driver) -> Vec<u64> {
    driver.stopped.iter().map(|(at, _)| at.0 / MS).collect()
}

fn said(driver: &Driver) -> Vec<(u64, Said)> {
    driver.said.iter().map(|(at, said)| (at.0 / MS, *said)).collect()
}

/// The state that follows when `failures` of `slots` new tasks fail.
fn with_failures(failures: u32, slots: u32, ratio: f64) -> Said {
    let mut settings = defaults();
    settings.update.parallelism = 0;
    settings.update.max_failure_ratio = ratio;
    let mut driver = world(slots, settings);
    driver.crash = Box::new(move |_, id| (slots..slots + failures).contains(&id).then_some(ms(9)));
    begin(&mut driver, 60_000);
    driver.last_said().unwrap()
}

#[test]
fn scaling_down_removes_the_highest_slots_and_up_adds_the_missing_ones() {
    let mut settings = defaults();
    settings.operations =
        vec![(ms(60_000), Operation::Scale(2)), (ms(90_000), Operation::Scale(5))];
    let mut driver = world(4, settings);
    begin(&mut driver, 80_000);
    let slots = |driver: &Driver| driver.instances.iter().map(|i| i.slot).collect::<Vec<_>>();
    assert_eq!(driver.instances.len(), 2);
    driver.run_until(at(120_000));
    let mut all = slots(&driver);
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3, 4]);
    assert_eq!(running(&driver, VersionId::NEW), 5);
}

#[test]
fn restarts_are_limited_by_attempts() {
    let mut settings = defaults();
    settings.update.parallelism = 0;
    settings.update.failure_action = OnFailure::Continue;
    settings.restart.max_attempts = 2;
    let mut driver = world(2, settings.clone());
    bad(&mut driver, 100);
    begin(&mut driver, 60_000);
    assert_eq!(driver.started, 2 * (1 + 2));
    settings.restart.window = ms(3000);
    let mut driver = world(2, settings);
    bad(&mut driver, 100);
    begin(&mut driver, 60_000);
    assert!(driver.started > 2 * 8, "{}: old restarts are forgotten", driver.started);
}

#[test]
fn a_rollback_by_hand_brings_the_old_version_back() {
    let mut driver = world(3, defaults());
    driver.command(Command::Begin);
    driver.run_until(at(3000));
    driver.command(Command::Rollback);
    driver.run_until(at(60_000));
    assert_eq!(driver.last_said(), Some(Said::RolledBack));
    assert_eq!(running(&driver, VersionId::OLD), 3);
    assert_eq!(state(&driver).service.spec.version, VersionId::OLD);
}
