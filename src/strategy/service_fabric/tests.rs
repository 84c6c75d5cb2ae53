//! Domains, the two clocks and their flips, tolerances, timeouts, and both answers to a failure.

use crate::scenario::settings::{FailureAction, Operation, ServiceFabric, StrategySettings};
use crate::strategy::driver::{Delays, Driver};
use crate::strategy::{Command, Strategy};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{Share, Span, Time};

fn settings() -> ServiceFabric {
    ServiceFabric {
        upgrade_domains: 5,
        health_check_wait: Span::from_secs(10),
        health_check_stable: Span::from_secs(120),
        health_check_retry_timeout: Span::from_secs(600),
        health_check_interval: Span::from_secs(60),
        upgrade_domain_timeout: Span::MAX,
        upgrade_timeout: Span::MAX,
        upgrade_replica_set_check_timeout: Span::MAX,
        min_instance_count: 1,
        min_instance_percentage: 0,
        max_percent_unhealthy_deployed_applications: 0,
        max_percent_unhealthy_replicas_per_partition: 0,
        watchdog: None,
        failure_action: FailureAction::Manual,
    }
}

fn rollback() -> ServiceFabric {
    ServiceFabric { failure_action: FailureAction::Rollback, ..settings() }
}

fn begin(settings: ServiceFabric, n: u32, delays: Delays) -> Driver {
    let strategy = Strategy::new(&StrategySettings::ServiceFabric(settings), n);
    let mut driver = Driver::new(strategy, n, delays);
    driver.command(Command::Begin);
    driver
}

fn end(driver: &mut Driver) -> (Said, f64) {
    assert!(driver.run_until(Time::from_secs(100_000)), "does not come to rest");
    let (at, said) = *driver.said.last().unwrap();
    (said, at.as_secs_f64())
}

/// New instances from this number on never come up.
fn sick_from(first: u32) -> Delays {
    let start =
        move |version, id| (version == VersionId::OLD || id < first).then_some(Span::from_secs(1));
    Delays { start: Box::new(start), ..Delays::unit() }
}

fn taken(d: &Driver) -> Vec<f64> {
    let taken = d.moments.iter().filter(|(_, m)| matches!(m, Moment::Batch(_)));
    taken.map(|(at, _)| at.as_secs_f64()).collect()
}

#[test]
fn domains_follow_one_another_and_each_is_stable() {
    let mut d = begin(settings(), 12, Delays::unit());
    assert_eq!(end(&mut d), (Said::Completed, 5.0 * 130.0));
    assert_eq!(taken(&d), [0.0, 130.0, 260.0, 390.0, 520.0]);
    let order: Vec<u32> = d.stopped.iter().map(|(_, id)| *id).collect();
    assert_eq!(order, [0, 5, 10, 1, 6, 11, 2, 7, 3, 8, 4, 9]);
    assert_eq!(d.history.iter().map(|s| s.available).min(), Some(9));
    assert!(d.history.iter().all(|s| s.objects <= 12));
}

#[test]
fn there_are_no_more_domains_than_instances() {
    let mut d = begin(settings(), 3, Delays::unit());
    assert_eq!(end(&mut d), (Said::Completed, 3.0 * 130.0));
}

#[test]
fn health_is_seen_at_evaluations_only() {
    // 90 s of stability are seen after two intervals of 60 s.
    let uneven = ServiceFabric { health_check_stable: Span::from_secs(90), ..settings() };
    assert_eq!(end(&mut begin(uneven, 1, Delays::unit())), (Said::Completed, 130.0));
    // Not up at the end of the wait: a flip at the next evaluation, then 120 s from there.
    let early = ServiceFabric { health_check_wait: Span::ZERO, ..settings() };
    assert_eq!(end(&mut begin(early, 1, Delays::unit())), (Said::Completed, 180.0));
}

#[test]
fn flips_start_both_clocks_again() {
    let mut d = begin(settings(), 1, Delays::unit());
    // Healthy at 10 and 70, ill at 130, healthy again from 190 on: stable at 310.
    d.crash(1, Time::from_secs(100), Time::from_secs(150));
    assert_eq!(end(&mut d), (Said::Completed, 310.0));
    // Ill from 130 on: the retry clock starts there, not at the end of the wait.
    let mut d = begin(settings(), 1, Delays::unit());
    d.crash(1, Time::from_secs(100), Time::from_secs(50_000));
    assert!(!d.run_until(Time::from_secs(1000)));
    assert_eq!(d.said.last(), Some(&(Time::from_secs(730), Said::Paused)));
}

#[test]
fn flapping_ends_only_at_a_timeout() {
    let flapping = |timeout| {
        let settings = ServiceFabric { upgrade_domain_timeout: timeout, ..settings() };
        let mut d = begin(settings, 1, Delays::unit());
        // Healthy and ill at alternate evaluations: neither clock gets beyond a minute.
        for k in 0..100u64 {
            let at = |second: u64| Time::from_secs(120 * k + second);
            d.crash(1, at(40), at(100));
        }
        d.run_until(Time::from_secs(11_000));
        d.said
    };
    assert_eq!(flapping(Span::MAX), [(Time::ZERO, Said::Progressing)]);
    let said = flapping(Span::from_secs(1234));
    assert_eq!(said.last(), Some(&(Time::from_secs(1234), Said::Paused)));
}

#[test]
fn unhealthy_for_the_retry_timeout_rolls_back_or_waits() {
    // The second domain (new instances 8 and 9) never comes up; three instances are new by then.
    let mut d = begin(settings(), 8, sick_from(10));
    let failed = 130.0 + 10.0 + 600.0;
    assert_eq!(end(&mut d), (Said::Paused, failed));
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 2);
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 4);

    let mut d = begin(rollback(), 8, sick_from(10));
    let (said, at) = end(&mut d);
    assert_eq!(said, Said::RolledBack);
    assert!(d.moments.contains(&(Time::from_secs(740), Moment::RollbackDecided)));
    // Two domains, a start each, nobody watches.
    assert_eq!(at, failed + 2.0);
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 8);
    // The sick domain went first: the other one served meanwhile.
    assert_eq!(d.history.iter().map(|s| s.available).min(), Some(6));
}

#[test]
fn a_rollback_does_not_wait_for_ever() {
    // Nothing ever starts again, the old version neither.
    let start = |_, id| (id < 5).then_some(Span::from_secs(1));
    let delays = Delays { start: Box::new(start), ..Delays::unit() };
    let mut d = begin(rollback(), 5, delays);
    assert_eq!(end(&mut d), (Said::RolledBack, 10.0 + 600.0 + 1200.0));
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 4, "said, but not so");
}

#[test]
fn both_timeouts_are_failures() {
    let domain = ServiceFabric { upgrade_domain_timeout: Span::from_secs(100), ..rollback() };
    let mut d = begin(domain, 5, Delays::unit());
    assert_eq!(end(&mut d), (Said::RolledBack, 101.0));
    let whole = ServiceFabric { upgrade_timeout: Span::from_secs(300), ..settings() };
    let mut d = begin(whole, 5, Delays::unit());
    assert_eq!(end(&mut d), (Said::Paused, 300.0));
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 3);
}

#[test]
fn tolerances_round_up_to_one() {
    // Instance 5 is the only one of its domain that never comes up.
    let tolerant = |applications, replicas| ServiceFabric {
        max_percent_unhealthy_deployed_applications: applications,
        max_percent_unhealthy_replicas_per_partition: replicas,
        ..settings()
    };
    let only_first = || Delays {
        start: Box::new(|_, id| (id != 5).then_some(Span::from_secs(1))),
        ..Delays::unit()
    };
    for (applications, replicas, said) in
        [(0, 0, Said::Paused), (1, 0, Said::Paused), (0, 1, Said::Paused), (1, 1, Said::Completed)]
    {
        let mut d = begin(tolerant(applications, replicas), 5, only_first());
        assert_eq!(end(&mut d).0, said, "{applications} {replicas}");
    }
}

#[test]
fn a_watchdog_makes_errors_count() {
    for (errors, said) in [(0.02, Said::Completed), (0.021, Said::RolledBack)] {
        let watched = ServiceFabric { watchdog: Some(Share(0.02)), ..rollback() };
        let mut d = begin(watched, 5, Delays::unit());
        d.errors = [0.0, errors];
        assert_eq!(end(&mut d).0, said);
    }
}

#[test]
fn a_domain_is_taken_when_it_is_safe() {
    // Nine of ten must be up outside, and only eight are outside: those eight suffice.
    let strict = ServiceFabric { min_instance_percentage: 85, ..settings() };
    let mut d = begin(strict.clone(), 10, Delays::unit());
    assert_eq!(end(&mut d), (Said::Completed, 650.0));
    // One of the others is down for 500 s: the first domain waits for it, or for the timeout.
    for (patience, first) in [(Span::MAX, 500.0), (Span::from_secs(200), 200.0)] {
        let settings =
            ServiceFabric { upgrade_replica_set_check_timeout: patience, ..strict.clone() };
        let strategy = Strategy::new(&StrategySettings::ServiceFabric(settings), 10);
        let mut d = Driver::new(strategy, 10, Delays::unit());
        d.crash(9, Time::ZERO, Time::from_secs(500));
        d.run_until(Time::ZERO);
        d.command(Command::Begin);
        assert_eq!(end(&mut d).0, Said::Completed);
        assert_eq!(taken(&d)[0], first);
    }
}

#[test]
fn an_operator_resumes_or_moves_domain_by_domain() {
    let bold = ServiceFabric { min_instance_count: 0, ..settings() };
    let mut d = begin(bold, 5, sick_from(5));
    assert_eq!(end(&mut d), (Said::Paused, 610.0));
    d.command(Command::Operate(Operation::Promote));
    assert_eq!(end(&mut d).0, Said::Paused);
    assert_eq!(taken(&d), [0.0, 610.0]);
    for _ in 0..3 {
        d.command(Command::Operate(Operation::Promote));
        d.run_until(Time::from_secs(2000));
    }
    // Unmonitored to the end, with nobody up.
    assert_eq!(d.last_said(), Some(Said::Completed));
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 0);

    let mut d = begin(settings(), 5, Delays::unit());
    d.run_until(Time::from_secs(50));
    d.now = Time::from_secs(50);
    d.command(Command::Operate(Operation::Pause));
    assert_eq!(end(&mut d), (Said::Paused, 50.0));
    d.now = Time::from_secs(1000);
    d.command(Command::Operate(Operation::Resume));
    // The watched domain is watched anew, without the wait.
    assert_eq!(end(&mut d), (Said::Completed, 1000.0 + 120.0 + 4.0 * 130.0));
}

#[test]
fn a_command_turns_back_at_any_time() {
    for at in [0, 1, 130, 131, 400, 2000] {
        let mut d = begin(settings(), 7, Delays::unit());
        d.run_until(Time::from_secs(at));
        d.now = Time::from_secs(at);
        d.command(Command::Operate(Operation::Undo));
        assert_eq!(end(&mut d).0, Said::RolledBack);
        assert_eq!(d.count(VersionId::OLD, Phase::Available), 7);
        assert_eq!(d.instances.len(), 7);
    }
}
