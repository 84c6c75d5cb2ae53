//! Groups, health, the barrier, and deploys that stop.

use proptest::prelude::{Just, ProptestConfig, any, prop_assert, prop_assert_eq};
use proptest::{prop_oneof, proptest};

use super::Kamal as Rules;
use crate::scenario::settings::{Kamal, StrategySettings};
use crate::strategy::driver::{Delays, Driver};
use crate::strategy::{Command, Draws, Strategy};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{CountOrPercent, Span, Time};

fn settings(limit: Option<&str>) -> Kamal {
    Kamal {
        boot_limit: limit.map(|limit| limit.parse().unwrap()),
        boot_wait: Span::ZERO,
        deploy_timeout: Span::from_secs(30),
        drain_timeout: Span::from_secs(30),
        readiness_delay: Span::from_secs(7),
        proxy: true,
        primary: CountOrPercent::Percent(100.0),
    }
}

fn begin(settings: Kamal, n: u32, delays: Delays) -> Driver {
    let mut driver = Driver::new(Strategy::new(&StrategySettings::Kamal(settings), n), n, delays);
    driver.command(Command::Begin);
    driver
}

fn secs(s: u64) -> Time {
    Time::from_secs(s)
}

/// Starts of 1 s, but instances with these numbers are never ready; stops of 2 s.
fn bad(ids: &'static [u32]) -> Delays {
    Delays {
        start: Box::new(|_, id| (!ids.contains(&id)).then_some(Span::from_secs(1))),
        stop: Box::new(|_| Span::from_secs(2)),
        latency: Span::ZERO,
    }
}

fn sizes(limit: Option<&str>, hosts: u32) -> Vec<usize> {
    Rules::new(settings(limit), hosts).groups.iter().map(std::ops::Range::len).collect()
}

#[test]
fn groups_are_rounded_down_and_at_least_one() {
    assert_eq!(sizes(Some("25%"), 10), [2, 2, 2, 2, 2]);
    assert_eq!(sizes(Some("29%"), 100), [29, 29, 29, 13]);
    assert_eq!(sizes(Some("5%"), 10), [1; 10]);
    assert_eq!(sizes(Some("4"), 10), [4, 4, 2]);
    assert_eq!(sizes(None, 10), [10]);
    // Ruby reads the whole percents of "33.9%".
    assert_eq!(sizes(Some("33.9%"), 100)[0], 33);
}

#[test]
fn a_deploy_takes_its_groups_times_start_stop_and_wait() {
    for (limit, groups) in [(None, 1), (Some("25%"), 5), (Some("4"), 3), (Some("1"), 10)] {
        for wait in [0, 5] {
            let waiting = Kamal { boot_wait: Span::from_secs(wait), ..settings(limit) };
            let mut d = begin(waiting, 10, bad(&[]));
            assert!(d.run_until(secs(1000)));
            let end = secs(groups * (1 + 2 + wait));
            assert_eq!(d.said, [(secs(0), Said::Progressing), (end, Said::Completed)]);
            assert_eq!(d.count(VersionId::NEW, Phase::Available), 10);
            assert_eq!((d.instances.len(), d.started), (10, 10));
            assert!(d.history.iter().all(|s| s.available >= 10));
        }
    }
}

#[test]
fn without_a_proxy_a_container_must_run_for_the_readiness_delay() {
    let worker = Kamal { proxy: false, ..settings(None) };
    let mut d = begin(worker.clone(), 2, bad(&[]));
    assert!(d.run_until(secs(1000)));
    assert_eq!(d.said.last(), Some(&(secs(1 + 7 + 2), Said::Completed)));
    // One that ends within the delay has failed.
    let mut d = begin(worker, 1, bad(&[]));
    d.fail(1, secs(5));
    assert!(d.run_until(secs(1000)));
    assert_eq!(d.said.last(), Some(&(secs(5 + 2), Said::Failed)));
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 1);
}

#[test]
fn a_container_that_is_not_healthy_in_time_ends_the_deploy() {
    // Hosts 0 and 1, then 2 and 3, then 4 and 5; the new container of host 3 is number 9.
    let mut d = begin(settings(Some("2")), 6, bad(&[9]));
    assert!(d.run_until(secs(1000)));
    // The second group begins at 3 s, its deadline is 30 s later, the stop takes 2 s.
    assert_eq!(d.said.last(), Some(&(secs(35), Said::Failed)));
    assert!(d.moments.contains(&(secs(33), Moment::InstanceFailed(9))));
    // Its neighbour was brought to the end, its own old container goes on serving.
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 3);
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 3);
    let old: Vec<u32> =
        d.instances.iter().filter(|i| i.version == VersionId::OLD).map(|i| i.slot).collect();
    assert_eq!(old, [3, 4, 5]);
}

#[test]
fn other_roles_wait_for_the_first_primary_container() {
    let one = Kamal { primary: CountOrPercent::Count(1), ..settings(None) };
    let mut d = begin(one.clone(), 3, bad(&[]));
    assert!(d.run_until(secs(1000)));
    let created: Vec<_> = d.instances.iter().map(|i| (i.slot, i.created)).collect();
    assert_eq!(created, [(0, secs(0)), (1, secs(1)), (2, secs(1))]);
    assert_eq!(d.said.last(), Some(&(secs(1 + 1 + 2), Said::Completed)));
    // It fails: nobody else boots.
    let mut d = begin(one, 3, bad(&[3]));
    assert!(d.run_until(secs(1000)));
    assert_eq!((d.started, d.last_said()), (1, Some(Said::Failed)));
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 3);
    // Of two the first to be healthy opens it, whatever the other does.
    let two = Kamal { primary: CountOrPercent::Count(2), ..settings(None) };
    let mut d = begin(two, 3, bad(&[3]));
    assert!(d.run_until(secs(1000)));
    assert_eq!((d.started, d.last_said()), (3, Some(Said::Failed)));
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 2);
}

#[test]
fn the_old_version_is_booted_the_same_way() {
    for half_seconds in [0, 1, 2, 3, 5, 6, 7, 9, 30] {
        let mut d = begin(settings(Some("2")), 4, bad(&[]));
        d.run_until(Time(half_seconds * 500_000_000));
        d.command(Command::Rollback);
        assert!(d.run_until(secs(1000)));
        assert_eq!(d.last_said(), Some(Said::RolledBack), "{half_seconds}");
        assert_eq!(d.count(VersionId::OLD, Phase::Available), 4);
        assert_eq!(d.instances.len(), 4);
        assert!(d.history.iter().all(|s| s.available >= 4), "{half_seconds}");
        // On every host, those that still ran it included.
        assert!(d.instances.iter().all(|i| i.id >= 4));
    }
    // After a failed deploy, too.
    let mut d = begin(settings(Some("1")), 3, bad(&[4]));
    assert!(d.run_until(secs(1000)));
    assert_eq!(d.last_said(), Some(Said::Failed));
    d.command(Command::Rollback);
    assert!(d.run_until(secs(1000)));
    assert_eq!(d.last_said(), Some(Said::RolledBack));
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn capacity_never_falls_and_it_ends(
        n in 1u32..20,
        limit in prop_oneof![Just(None), Just(Some("3")), Just(Some("25%")), Just(Some("1"))],
        wait_s in 0u64..5,
        proxy in any::<bool>(),
        primary in 1u32..5,
        bad_percent in prop_oneof![Just(0u64), 0u64..60],
        latency_ms in 0u64..100,
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
        let boot = Kamal {
            boot_wait: Span::from_secs(wait_s),
            proxy,
            primary: CountOrPercent::Count(primary),
            ..settings(limit)
        };
        let width = sizes(limit, n)[0] as u32;
        let mut d = begin(boot, n, delays);
        prop_assert!(d.run_until(secs(100_000)), "does not come to rest");
        let failed = d.moments.iter().any(|(_, m)| matches!(m, Moment::InstanceFailed(_)));
        let said = d.last_said().unwrap();
        prop_assert_eq!(said, if failed { Said::Failed } else { Said::Completed });
        prop_assert_eq!(d.instances.len(), n as usize);
        prop_assert!(d.instances.iter().all(|i| i.phase == Phase::Available));
        for s in &d.history {
            prop_assert!(s.available >= n);
            prop_assert!(s.kept <= n + width);
        }
    }
}
