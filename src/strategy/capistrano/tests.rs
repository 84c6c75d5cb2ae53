//! Runners, waits, and runs that break off.

use proptest::prelude::{Just, ProptestConfig, Strategy as _, any, prop_assert, prop_assert_eq};
use proptest::{prop_oneof, proptest};

use crate::scenario::settings::{Capistrano, Runner, StrategySettings};
use crate::strategy::driver::{Delays, Driver};
use crate::strategy::{Command, Draws, Strategy};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{Span, Time};

fn begin(runner: Runner, n: u32, delays: Delays) -> Driver {
    let settings = Capistrano { runner, restart_time: Span::from_secs(1) };
    let strategy = Strategy::new(&StrategySettings::Capistrano(settings), n);
    let mut driver = Driver::new(strategy, n, delays);
    driver.command(Command::Begin);
    driver
}

fn secs(s: u64) -> Time {
    Time::from_secs(s)
}

/// Starts of this many seconds, stops of 2 s.
fn starts(start: u64) -> Delays {
    Delays {
        start: Box::new(move |_, _| Some(Span::from_secs(start))),
        stop: Box::new(|_| Span::from_secs(2)),
        latency: Span::ZERO,
    }
}

const WAIT: Span = Span::from_secs(5);

#[test]
fn it_waits_between_groups_and_not_after_the_last() {
    let run = |runner| {
        let mut d = begin(runner, 5, starts(1));
        assert!(d.run_until(secs(1000)));
        assert_eq!(d.last_said(), Some(Said::Completed));
        assert_eq!(d.count(VersionId::NEW, Phase::Available), 5);
        assert!(d.history.iter().all(|s| s.objects <= 5));
        d.said.last().unwrap().0
    };
    // A restart takes 2 s to stop and 1 s to return.
    assert_eq!(run(Runner::Parallel), secs(3));
    assert_eq!(run(Runner::Groups { limit: 2, wait: WAIT }), secs(3 * 3 + 2 * 5));
    assert_eq!(run(Runner::Sequence { wait: WAIT }), secs(5 * 3 + 4 * 5));
}

#[test]
fn nobody_looks_whether_a_server_is_ready() {
    let mut d = begin(Runner::Sequence { wait: WAIT }, 3, starts(60));
    assert!(d.run_until(secs(1000)));
    assert_eq!(d.said.last(), Some(&(secs(3 * 3 + 2 * 5), Said::Completed)));
    assert_eq!(d.history.iter().map(|s| s.available).min(), Some(0));
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 3);
}

#[test]
fn the_first_failing_server_ends_the_run() {
    let mut d = begin(Runner::Groups { limit: 2, wait: WAIT }, 6, starts(60));
    // The second group's first new process ends while its restart command still runs.
    d.fail(8, Time(10_500_000_000));
    assert!(d.run_until(secs(1000)));
    assert_eq!(d.said.last(), Some(&(Time(10_500_000_000), Said::Failed)));
    assert!(d.moments.contains(&(Time(10_500_000_000), Moment::InstanceFailed(8))));
    assert_eq!(d.started, 4);
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 2);
    // Later it would not have been noticed.
    let mut d = begin(Runner::Groups { limit: 2, wait: WAIT }, 6, starts(60));
    d.fail(8, Time(11_500_000_000));
    assert!(d.run_until(secs(1000)));
    assert_eq!((d.started, d.last_said()), (6, Some(Said::Completed)));
}

#[test]
fn a_restart_that_was_begun_goes_on_when_the_run_breaks_off() {
    let mut d = begin(Runner::Parallel, 3, starts(1));
    d.instances.retain(|i| i.id != 0);
    assert!(d.run_until(secs(1000)));
    assert_eq!(d.said, [(secs(0), Said::Failed)]);
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 2);
}

#[test]
fn a_rollback_restarts_all_servers() {
    for seconds in [0, 1, 2, 3, 4, 8, 9, 30] {
        let mut d = begin(Runner::Groups { limit: 2, wait: WAIT }, 4, starts(3));
        d.run_until(secs(seconds));
        d.command(Command::Rollback);
        assert!(d.run_until(secs(1000)));
        assert_eq!(d.last_said(), Some(Said::RolledBack), "{seconds}");
        assert_eq!(d.count(VersionId::OLD, Phase::Available), 4);
        assert!(d.instances.len() == 4 && d.instances.iter().all(|i| i.id >= 4));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn it_ends(
        n in 1u32..20,
        runner in prop_oneof![
            Just(Runner::Parallel),
            (1u32..6).prop_map(|limit| Runner::Groups { limit, wait: WAIT }),
            Just(Runner::Sequence { wait: Span::ZERO }),
        ],
        crash in 0u32..40,
        crash_ms in 0u64..20_000,
        latency_ms in 0u64..100,
        seed in any::<u64>(),
    ) {
        let luck = Draws::new(seed);
        let delays = Delays {
            start: Box::new(move |_, id| Some(Span::from_millis(luck.bits(2, id) % 5000))),
            stop: Box::new(move |id| Span::from_millis(luck.bits(3, id) % 2000)),
            latency: Span::from_millis(latency_ms),
        };
        let mut d = begin(runner, n, delays);
        d.fail(crash, Time(crash_ms * 1_000_000));
        prop_assert!(d.run_until(secs(100_000)), "does not come to rest");
        let noticed = d.moments.iter().any(|(_, m)| matches!(m, Moment::InstanceFailed(_)));
        let said = d.last_said().unwrap();
        prop_assert_eq!(said, if noticed { Said::Failed } else { Said::Completed });
        prop_assert_eq!(d.instances.len(), n as usize);
        if !noticed {
            prop_assert_eq!(d.started, n);
            let old = d.instances.iter().filter(|i| i.version == VersionId::OLD);
            prop_assert_eq!(old.count(), 0);
        }
    }
}
