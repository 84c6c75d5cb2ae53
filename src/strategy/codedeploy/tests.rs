//! Minimum healthy hosts, failures, zones, rollbacks.

use std::collections::BTreeSet;

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq};
use proptest::{prop_oneof, proptest, strategy::Strategy as _};

use crate::scenario::settings::{
    Alarm, CodeDeploy, MinimumHealthyHosts, Operation, StrategySettings, Zonal,
};
use crate::strategy::driver::{Delays, Driver};
use crate::strategy::{Command, Draws, Rules, Strategy};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{CountOrPercent, Share, Span, Time};
use MinimumHealthyHosts::{AllAtOnce, HalfAtATime, Hosts, OneAtATime};

fn settings(minimum_healthy_hosts: MinimumHealthyHosts) -> CodeDeploy {
    CodeDeploy {
        minimum_healthy_hosts,
        zonal: None,
        allow_traffic_timeout: Span::from_secs(3600),
        auto_rollback_on_failure: false,
        alarm: None,
        auto_rollback_on_alarm: false,
        operations: Vec::new(),
    }
}

fn percent(p: f64) -> MinimumHealthyHosts {
    Hosts(CountOrPercent::Percent(p))
}

fn begin(settings: CodeDeploy, n: u32, delays: Delays) -> Driver {
    let mut d = Driver::new(Strategy::new(&StrategySettings::CodeDeploy(settings), n), n, delays);
    d.command(Command::Begin);
    d
}

fn secs(s: u64) -> Time {
    Time::ZERO + Span::from_secs(s)
}

/// The k-th new instances (from 0) among these fail half a second after their creation.
fn failing(mut d: Driver, n: u32, which: &'static [u32]) -> Driver {
    d.reject = Box::new(move |version, id| {
        let fails = version == VersionId::NEW && which.contains(&(id - n));
        fails.then_some(Span::from_millis(500))
    });
    d
}

fn said(d: &Driver) -> Vec<Said> {
    d.said.iter().map(|(_, said)| *said).collect()
}

#[test]
fn the_minimum_is_rounded_up() {
    for (n, config, minimum, batch) in [
        (10, percent(95.0), 10, 0),
        (10, percent(85.0), 9, 1),
        (9, percent(50.0), 5, 4),
        (1, percent(50.0), 1, 0),
        (9, Hosts(CountOrPercent::Count(6)), 6, 3),
        (9, percent(40.0), 4, 5),
        (9, HalfAtATime, 5, 4),
        (10, HalfAtATime, 5, 5),
        (1, HalfAtATime, 0, 1),
        (9, OneAtATime, 8, 1),
        (1, OneAtATime, 0, 1),
        (9, AllAtOnce, 0, 9),
    ] {
        let group = super::CodeDeploy::new(settings(config), n);
        assert_eq!((group.minimum(), group.budget().out), (minimum, batch), "{config:?} of {n}");
    }
}

#[test]
fn hosts_are_replaced_in_place_a_minimum_at_a_time() {
    for (n, config, waves, low) in [
        (10, OneAtATime, 10, 9),
        (9, HalfAtATime, 3, 5),
        (10, percent(70.0), 4, 7),
        (10, AllAtOnce, 1, 0),
        (1, HalfAtATime, 1, 0),
    ] {
        let mut d = begin(settings(config), n, Delays::unit());
        assert!(d.run_until(secs(100_000)));
        assert_eq!(d.said, [(secs(0), Said::Progressing), (secs(waves), Said::Completed)]);
        let least = d.history.iter().map(|s| s.available).min();
        assert_eq!(least, Some(low), "{config:?}");
        assert!(d.history.iter().all(|s| s.objects <= n));
        let slots: BTreeSet<u32> = d.instances.iter().map(|i| i.slot).collect();
        assert_eq!(slots, (0..n).collect());
        assert_eq!(d.count(VersionId::NEW, Phase::Available), n as usize);
        assert_eq!(u64::from(d.strategy.budget().rounds), waves);
    }
}

#[test]
fn too_high_a_minimum_fails_at_once() {
    for (n, config) in [(10, percent(95.0)), (1, percent(50.0)), (3, percent(100.0))] {
        let mut d = begin(settings(config), n, Delays::unit());
        assert!(d.run_until(secs(100_000)));
        assert_eq!(d.said, [(secs(0), Said::Failed)]);
        assert_eq!((d.started, d.stopped.len()), (0, 0));
    }
}

#[test]
fn one_failed_host_fails_a_deployment_that_can_spare_one() {
    for config in [percent(85.0), OneAtATime] {
        let mut d = failing(begin(settings(config), 10, Delays::unit()), 10, &[3]);
        assert!(d.run_until(secs(100_000)));
        let ends = (Time::ZERO + Span::from_millis(3500), Said::Failed);
        assert_eq!(d.said.last(), Some(&ends), "{config:?}");
        assert_eq!(d.count(VersionId::NEW, Phase::Available), 3);
        assert_eq!(d.count(VersionId::NEW, Phase::Failed), 1, "left as it is");
        assert_eq!(d.count(VersionId::OLD, Phase::Available), 6);
    }
    // With room for two it goes on.
    let mut d = failing(begin(settings(percent(80.0)), 10, Delays::unit()), 10, &[3]);
    assert!(d.run_until(secs(100_000)));
    assert_eq!(d.last_said(), Some(Said::Completed));
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 9);
}

#[test]
fn the_last_host_may_fail_but_not_the_only_one() {
    for (n, which, end) in [
        (10, &[9_u32][..], Said::Completed),
        (1, &[0], Said::Failed),
        (2, &[1], Said::Completed),
        (2, &[0], Said::Failed),
    ] {
        let mut d = begin(settings(OneAtATime), n, Delays::unit());
        let which = which.to_vec();
        d.reject =
            Box::new(move |_, id| which.contains(&(id - n)).then_some(Span::from_millis(500)));
        assert!(d.run_until(secs(100_000)));
        assert_eq!(d.last_said(), Some(end), "{n}");
    }
    // One must succeed even if none must be left.
    let mut d = failing(begin(settings(AllAtOnce), 3, Delays::unit()), 3, &[0, 2]);
    assert!(d.run_until(secs(100_000)));
    assert_eq!(d.last_said(), Some(Said::Completed));
    let mut d = failing(begin(settings(AllAtOnce), 3, Delays::unit()), 3, &[0, 1, 2]);
    assert!(d.run_until(secs(100_000)));
    assert_eq!(d.last_said(), Some(Said::Failed));
}

#[test]
fn half_at_a_time_needs_half() {
    // Nine hosts, four at a time, five must be healthy.
    let mut d = failing(begin(settings(HalfAtATime), 9, Delays::unit()), 9, &[0, 1, 2]);
    assert!(d.run_until(secs(100_000)));
    assert_eq!(d.last_said(), Some(Said::Completed));
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 6);
    let mut d = failing(begin(settings(HalfAtATime), 9, Delays::unit()), 9, &[0, 1, 2, 3]);
    assert!(d.run_until(secs(100_000)));
    assert_eq!(d.last_said(), Some(Said::Failed));
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 5);
}

#[test]
fn a_host_that_stays_out_of_the_balancer_fails_after_the_timeout() {
    let stuck = Delays { start: Box::new(|_, _| None), ..Delays::unit() };
    let mut d = begin(settings(OneAtATime), 4, stuck);
    assert!(d.run_until(secs(100_000)));
    assert_eq!(d.said.last(), Some(&(secs(3600), Said::Failed)));
    assert_eq!(d.started, 1);
}

#[test]
fn a_rollback_is_a_deployment_to_every_host_failed_ones_first() {
    let careful = CodeDeploy { auto_rollback_on_failure: true, ..settings(OneAtATime) };
    let mut d = failing(begin(careful, 5, Delays::unit()), 5, &[2]);
    assert!(d.run_until(secs(100_000)));
    assert_eq!(said(&d), [Said::Progressing, Said::RollingBack, Said::RolledBack]);
    let decided = Time::ZERO + Span::from_millis(2500);
    assert!(d.moments.contains(&(decided, Moment::RollbackDecided)));
    assert_eq!(d.said.last().unwrap().0, decided + Span::from_secs(5));
    let after: Vec<u32> =
        d.stopped.iter().filter(|(at, _)| *at >= decided).map(|(_, id)| *id).collect();
    assert_eq!(after.len(), 5, "those never touched are restarted too");
    assert_eq!(after[0], 7, "the failed one first");
    let new: BTreeSet<u32> = after[1..3].iter().copied().collect();
    assert_eq!(new, [5, 6].into(), "then those with another revision");
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 5);
}

#[test]
fn a_rollback_that_fails_is_the_end() {
    let careful = CodeDeploy { auto_rollback_on_failure: true, ..settings(OneAtATime) };
    let mut d = begin(careful, 5, Delays::unit());
    d.reject = Box::new(|_, _| Some(Span::from_millis(500)));
    assert!(d.run_until(secs(100_000)));
    assert_eq!(said(&d), [Said::Progressing, Said::RollingBack, Said::Failed]);
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 4);
}

#[test]
fn zones_follow_one_another_and_are_watched() {
    let zonal = Zonal {
        zones: 3,
        monitor_duration: Span::from_secs(10),
        first_zone_monitor_duration: Span::from_secs(100),
        minimum_healthy_hosts_per_zone: CountOrPercent::Percent(50.0),
    };
    let group = CodeDeploy { zonal: Some(zonal), ..settings(percent(50.0)) };
    let mut d = begin(group, 11, Delays::unit());
    assert!(d.run_until(secs(100_000)));
    // Zones of 4, 4 and 3 hosts, two at a time (one of three): 2, 2 and 3 rounds.
    let batches: Vec<_> =
        d.moments.iter().filter(|(_, m)| matches!(m, Moment::Batch(_))).copied().collect();
    let begun = [(0, 1), (2, 2), (104, 3)].map(|(at, zone)| (secs(at), Moment::Batch(zone)));
    assert_eq!(batches, begun);
    assert_eq!(d.said.last(), Some(&(secs(117), Said::Completed)));
    let zones: Vec<u32> = d.stopped.iter().map(|(_, id)| id % 3).collect();
    assert_eq!(zones, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2]);
    assert_eq!((d.strategy.budget().rounds, d.strategy.budget().out), (7, 2));
}

#[test]
fn a_zone_below_its_minimum_ends_it() {
    let zonal = Zonal {
        zones: 2,
        monitor_duration: Span::ZERO,
        first_zone_monitor_duration: Span::ZERO,
        minimum_healthy_hosts_per_zone: CountOrPercent::Percent(100.0),
    };
    let group = CodeDeploy { zonal: Some(zonal), ..settings(OneAtATime) };
    let mut d = begin(group, 6, Delays::unit());
    assert!(d.run_until(secs(100_000)));
    assert_eq!((d.last_said(), d.started), (Some(Said::Failed), 0));
}

#[test]
fn the_order_is_random_but_the_same_for_the_same_luck() {
    let order = |seed| {
        let mut d = begin(settings(OneAtATime), 12, Delays::unit());
        d.draws = Draws::new(seed);
        assert!(d.run_until(secs(100_000)));
        d.stopped.iter().map(|(_, id)| *id).collect::<Vec<_>>()
    };
    assert_eq!(order(1), order(1));
    assert_ne!(order(1), order(2));
}

#[test]
fn an_alarm_stops_it_and_may_roll_back() {
    for (rollback, last) in [(false, Said::Failed), (true, Said::RolledBack)] {
        let alarm = Some(Alarm { errors: Share(0.01), delay: Span::from_secs(60) });
        let group = CodeDeploy { alarm, auto_rollback_on_alarm: rollback, ..settings(OneAtATime) };
        let slow = Delays { start: Box::new(|_, _| Some(Span::from_secs(45))), ..Delays::unit() };
        let mut d = begin(group, 6, slow);
        d.errors = [0.0, 0.02];
        assert!(d.run_until(secs(100_000)));
        // Ready at 45 s, up at 105 s; the third host is in work until 135 s.
        assert_eq!(d.said[1].0, secs(135));
        assert_eq!(d.last_said(), Some(last));
    }
}

#[test]
fn somebody_stops_it_resumes_it_and_goes_back() {
    let at = |s: u64| Span::from_millis(s * 1000 + 500);
    let operations = vec![(at(2), Operation::Pause), (at(10), Operation::Resume)];
    let mut d = begin(CodeDeploy { operations, ..settings(OneAtATime) }, 5, Delays::unit());
    d.run_until(secs(9));
    assert_eq!(d.last_said(), Some(Said::Paused));
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 3, "the one in work is finished");
    assert!(d.run_until(secs(100_000)));
    assert_eq!(d.last_said(), Some(Said::Completed));
    assert_eq!(d.stopped.len(), 3 + 5);
    let operations = vec![(at(2), Operation::Undo)];
    let mut d = begin(CodeDeploy { operations, ..settings(OneAtATime) }, 5, Delays::unit());
    assert!(d.run_until(secs(100_000)));
    assert_eq!(d.last_said(), Some(Said::RolledBack));
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 5);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_minimum_holds_and_it_ends(
        n in 1u32..25,
        config in prop_oneof![
            proptest::strategy::Just(OneAtATime),
            proptest::strategy::Just(HalfAtATime),
            proptest::strategy::Just(AllAtOnce),
            (0u32..25).prop_map(|count| Hosts(CountOrPercent::Count(count))),
            (0u32..=100).prop_map(|p| percent(f64::from(p))),
        ],
        zones in 1u32..5,
        rollback in any::<bool>(),
        latency_ms in 0u64..100,
        bad in 0u64..40,
        seed in any::<u64>(),
    ) {
        let luck = Draws::new(seed);
        let delays = Delays {
            start: Box::new(move |_, id| Some(Span::from_millis(luck.bits(2, id) % 5000))),
            stop: Box::new(move |id| Span::from_millis(luck.bits(3, id) % 5000)),
            latency: Span::from_millis(latency_ms),
        };
        let zonal = (zones > 1).then_some(Zonal {
            zones,
            monitor_duration: Span::from_secs(7),
            first_zone_monitor_duration: Span::from_secs(3),
            minimum_healthy_hosts_per_zone: CountOrPercent::Percent(30.0),
        });
        let group = CodeDeploy { zonal, auto_rollback_on_failure: rollback, ..settings(config) };
        let mut d = begin(group, n, delays);
        d.draws = luck;
        d.reject = Box::new(move |version, id| {
            let fails = version == VersionId::NEW && luck.bits(1, id) % 100 < bad;
            fails.then(|| Span::from_millis(luck.bits(4, id) % 9000))
        });
        let budget = d.strategy.budget();
        prop_assert!(d.run_until(secs(100_000)), "does not come to rest");
        prop_assert!(d.last_said().unwrap().is_terminal());
        for s in &d.history {
            prop_assert!(s.objects <= n);
            if bad == 0 {
                prop_assert!(s.available >= n - budget.out, "{s:?} below {}", n - budget.out);
            }
        }
        let slots: BTreeSet<u32> = d.instances.iter().map(|i| i.slot).collect();
        prop_assert_eq!(slots.len(), d.instances.len(), "two in one place");
        if bad == 0 && budget.out > 0 && d.last_said() == Some(Said::Completed) {
            prop_assert_eq!(d.count(VersionId::NEW, Phase::Available), n as usize);
        }
        if d.last_said() == Some(Said::RolledBack) {
            prop_assert_eq!(d.count(VersionId::OLD, Phase::Available), n as usize);
        }
    }
}
