//! The window and its rounding, availability, places, canaries, and what nobody stops.

use crate::scenario::settings::{
    Mig, MigAction, MigType, Operation, Replacement, StrategySettings,
};
use crate::strategy::driver::{Delays, Driver};
use crate::strategy::{Command, Strategy};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{CountOrPercent, Span, Time};

fn settings(surge: &str, unavailable: &str) -> Mig {
    Mig {
        kind: MigType::Proactive,
        max_surge: surge.parse().unwrap(),
        max_unavailable: unavailable.parse().unwrap(),
        zones: 3,
        min_ready: Span::ZERO,
        replacement_method: Replacement::Substitute,
        minimal_action: MigAction::Replace,
        most_disruptive_allowed_action: MigAction::Replace,
        target_size: CountOrPercent::Percent(100.0),
        autohealing: false,
        initial_delay: Span::from_secs(300),
    }
}

fn begin(settings: Mig, n: u32, delays: Delays) -> Driver {
    let strategy = Strategy::new(&StrategySettings::Mig(settings), n);
    let mut driver = Driver::new(strategy, n, delays);
    driver.command(Command::Begin);
    driver
}

fn end(driver: &mut Driver) -> (Said, f64) {
    assert!(driver.run_until(Time::from_secs(100_000)), "does not come to rest");
    let (at, said) = *driver.said.last().unwrap();
    (said, at.as_secs_f64())
}

fn never_ready_new() -> Delays {
    let start = |version, _| (version != VersionId::NEW).then_some(Span::from_secs(1));
    Delays { start: Box::new(start), ..Delays::unit() }
}

/// (machines, surge, unavailable, starts after each other, lowest available, most at once).
#[test]
fn percentages_round_up() {
    let table = [
        (12, "3", "3", 2, 9, 15),
        (10, "3", "0", 4, 10, 13),
        (10, "0", "3", 4, 7, 10),
        // 21 % of ten and 25 % of eleven are three.
        (10, "21%", "0", 4, 10, 13),
        (11, "0", "25%", 4, 8, 11),
        (15, "1%", "0%", 15, 15, 16),
        (2, "3", "3", 1, 0, 2),
        (10, "100%", "0", 1, 10, 20),
    ];
    for (n, surge, unavailable, starts, low, high) in table {
        let mut d = begin(settings(surge, unavailable), n, Delays::unit());
        assert_eq!(end(&mut d), (Said::Completed, f64::from(starts)), "{n} {surge} {unavailable}");
        assert_eq!(d.history.iter().map(|s| s.available).min(), Some(low), "{n} {surge}");
        assert_eq!(d.history.iter().map(|s| s.kept).max(), Some(high), "{n} {surge}");
    }
}

#[test]
fn it_is_a_window_not_a_batch() {
    let start = |_, id| Some(Span::from_secs(if id == 6 { 5 } else { 1 }));
    let delays = Delays { start: Box::new(start), ..Delays::unit() };
    let mut d = begin(settings("0", "2"), 6, delays);
    assert_eq!(end(&mut d), (Said::Completed, 5.0));
}

#[test]
fn in_place_a_machine_is_gone_before_its_place_is_filled() {
    let recreate = Mig { replacement_method: Replacement::Recreate, ..settings("3", "2") };
    let restart = Mig { minimal_action: MigAction::Refresh, ..settings("3", "2") };
    for in_place in [recreate, restart] {
        let delays = Delays { stop: Box::new(|_| Span::from_secs(4)), ..Delays::unit() };
        let mut d = begin(in_place, 6, delays);
        assert_eq!(end(&mut d), (Said::Completed, 15.0));
        assert!(d.history.iter().all(|s| s.objects <= 6 && s.available >= 4));
        let mut slots: Vec<u32> = d.instances.iter().map(|i| i.slot).collect();
        slots.sort_unstable();
        assert_eq!(slots, [0, 1, 2, 3, 4, 5]);
    }
}

#[test]
fn min_ready_delays_the_next_and_once_available_is_available() {
    let slow = Mig { min_ready: Span::from_secs(9), ..settings("0", "1") };
    let mut d = begin(slow.clone(), 3, Delays::unit());
    assert_eq!(end(&mut d), (Said::Completed, 30.0));
    // The first new machine falls ill right after it was available: nobody waits for it.
    let mut d = begin(slow, 3, Delays::unit());
    d.crash(3, Time::from_secs(10) + Span(1), Time::from_secs(500));
    assert_eq!(end(&mut d), (Said::Completed, 30.0));
}

#[test]
fn a_bad_version_stops_it_half_way_and_nobody_says_so() {
    let mut d = begin(settings("1", "2"), 10, never_ready_new());
    assert!(d.run_until(Time::from_secs(100_000)));
    assert_eq!(d.said, [(Time::ZERO, Said::Progressing)]);
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 8);
    d.command(Command::Rollback);
    assert_eq!(end(&mut d).0, Said::RolledBack);
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 10);
}

#[test]
fn autohealing_makes_machines_again_and_again() {
    let healed = Mig { autohealing: true, ..settings("0", "1") };
    let mut d = begin(healed, 3, never_ready_new());
    assert!(!d.run_until(Time::from_secs(1000)));
    let failed: Vec<Time> = d
        .moments
        .iter()
        .filter(|(_, m)| matches!(m, Moment::InstanceFailed(_)))
        .map(|(at, _)| *at)
        .collect();
    assert_eq!(failed, [300, 600, 900].map(Time::from_secs));
}

#[test]
fn a_canary_reaches_its_size_and_is_promoted() {
    for in_place in [false, true] {
        let method = if in_place { Replacement::Recreate } else { Replacement::Substitute };
        let canary = Mig {
            target_size: CountOrPercent::Percent(15.0),
            replacement_method: method,
            ..settings("1", "1")
        };
        let mut d = begin(canary, 10, Delays::unit());
        assert_eq!(end(&mut d).0, Said::Completed);
        assert_eq!(d.count(VersionId::NEW, Phase::Available), 2, "in its favour: up");
        assert_eq!(d.count(VersionId::OLD, Phase::Available), 8);
        // An old machine that fails comes back as an old one.
        let old = d.instances.iter().find(|i| i.version == VersionId::OLD).unwrap().id;
        d.fail(old, d.now + Span(1));
        assert_eq!(end(&mut d).0, Said::Completed);
        assert_eq!(d.count(VersionId::OLD, Phase::Available), 8);
        d.command(Command::Operate(Operation::Promote));
        assert_eq!(end(&mut d).0, Said::Completed);
        assert_eq!(d.count(VersionId::NEW, Phase::Available), 10);
    }
}

#[test]
fn opportunistic_waits_for_machines_to_be_made() {
    for method in [Replacement::Substitute, Replacement::Recreate] {
        let lazy =
            Mig { kind: MigType::Opportunistic, replacement_method: method, ..settings("1", "1") };
        let mut d = begin(lazy, 4, Delays::unit());
        assert_eq!(end(&mut d), (Said::Paused, 0.0));
        assert_eq!(d.started, 0);
        d.fail(2, Time::from_secs(9));
        assert_eq!(end(&mut d).0, Said::Paused);
        assert_eq!(d.count(VersionId::NEW, Phase::Available), 1, "{method:?}");
        d.command(Command::Operate(Operation::Resume));
        assert_eq!(end(&mut d).0, Said::Completed);
    }
}

#[test]
fn a_command_turns_back_at_any_time() {
    for at in [0, 1, 2, 3, 9] {
        for method in [Replacement::Substitute, Replacement::Recreate] {
            let both = Mig { replacement_method: method, ..settings("2", "1") };
            let mut d = begin(both, 7, Delays::unit());
            d.run_until(Time::from_secs(at));
            d.now = Time::from_secs(at);
            d.command(Command::Operate(Operation::Undo));
            assert_eq!(end(&mut d).0, Said::RolledBack);
            assert_eq!(d.count(VersionId::OLD, Phase::Available), 7);
            assert_eq!(d.instances.len(), 7);
        }
    }
}
