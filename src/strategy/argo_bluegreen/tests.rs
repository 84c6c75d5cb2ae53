//! Stories and properties.

use proptest::prelude::*;

use crate::scenario::settings::{Analysis, ArgoBluegreen, Operation, StrategySettings};
use crate::strategy::driver::{Delays, Driver};
use crate::strategy::{Command, Strategy as Orchestrator};
use crate::trace::{Phase, Said, VersionId};
use crate::units::{Share, Span, Time};

fn settings() -> ArgoBluegreen {
    ArgoBluegreen {
        preview_replica_count: None,
        auto_promotion_enabled: true,
        auto_promotion_seconds: Span::ZERO,
        pre_promotion_analysis: None,
        post_promotion_analysis: None,
        scale_down_delay: Span::from_secs(30),
        abort_scale_down_delay: Span::from_secs(30),
        min_ready: Span::ZERO,
        progress_deadline: Span::from_secs(600),
        progress_deadline_abort: false,
        operations: Vec::new(),
    }
}

fn analysis() -> Analysis {
    Analysis {
        interval: Span::from_secs(10),
        count: Some(3),
        initial_delay: Span::ZERO,
        max_error_share: Share(0.05),
        success_error_share: Share(0.05),
        failure_limit: 0,
        inconclusive_limit: 0,
        consecutive_error_limit: 4,
        consecutive_success_limit: 0,
        dry_run: false,
    }
}

fn secs(secs: u64) -> Time {
    Time::ZERO + Span::from_secs(secs)
}

fn at(after: u64, operation: Operation) -> (Span, Operation) {
    (Span::from_secs(after), operation)
}

fn run(settings: ArgoBluegreen, n: u32, errors: f64) -> Driver {
    let strategy = Orchestrator::new(&StrategySettings::ArgoBluegreen(settings), n);
    let mut d = Driver::new(strategy, n, Delays::unit());
    d.errors[1] = errors;
    d.command(Command::Begin);
    assert!(d.run_until(secs(10_000)), "no rest");
    d
}

fn routes(d: &Driver) -> Vec<(u64, u32)> {
    d.routes.iter().map(|(at, new)| (at.0 / 1_000_000_000, new / 10_000)).collect()
}

/// When the last pods were told to stop, and how many then.
fn last_stops(d: &Driver) -> (u64, usize) {
    let last = d.stopped.last().unwrap().0;
    (last.0 / 1_000_000_000, d.stopped.iter().filter(|(at, _)| *at == last).count())
}

#[test]
fn a_second_fleet_a_switch_and_a_delay() {
    let d = run(settings(), 10, 0.0);
    assert_eq!(routes(&d), [(0, 0), (1, 100)]);
    assert_eq!(d.said, [(secs(0), Said::Progressing), (secs(1), Said::Completed)]);
    assert_eq!(d.history.iter().map(|s| s.active).max(), Some(20));
    assert_eq!(last_stops(&d), (31, 10));
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 10);
}

#[test]
fn a_preview_is_tried_then_grows_then_takes_over() {
    let tried = ArgoBluegreen {
        preview_replica_count: Some(2),
        pre_promotion_analysis: Some(analysis()),
        auto_promotion_seconds: Span::from_secs(60),
        ..settings()
    };
    // Ready at 1 s, measured at 1, 11 and 21 s, paused until 81 s, eight more start in 1 s.
    let d = run(tried.clone(), 10, 0.0);
    assert_eq!(routes(&d), [(0, 0), (82, 100)]);
    assert!(d.history.iter().filter(|s| s.at < secs(81)).all(|s| s.objects <= 12));
    // Somebody is quicker.
    let quick = ArgoBluegreen { operations: vec![at(30, Operation::Promote)], ..tried.clone() };
    assert_eq!(routes(&run(quick, 10, 0.0)), [(0, 0), (31, 100)]);
    // A bad one never meets a user.
    let d = run(tried, 10, 0.2);
    assert_eq!(routes(&d), [(0, 0)]);
    assert_eq!(d.last_said(), Some(Said::RolledBack));
    assert_eq!(last_stops(&d), (31, 2));
}

#[test]
fn without_auto_promotion_it_waits() {
    let waits = ArgoBluegreen { auto_promotion_enabled: false, ..settings() };
    let d = run(waits.clone(), 4, 0.0);
    assert_eq!((d.last_said(), routes(&d)), (Some(Said::Paused), vec![(0, 0)]));
    let promoted = ArgoBluegreen { operations: vec![at(100, Operation::Promote)], ..waits };
    assert_eq!(routes(&run(promoted, 4, 0.0)), [(0, 0), (100, 100)]);
}

#[test]
fn after_the_switch_a_bad_version_is_switched_back() {
    let checked = ArgoBluegreen { post_promotion_analysis: Some(analysis()), ..settings() };
    let d = run(checked.clone(), 5, 0.2);
    assert_eq!(routes(&d), [(0, 0), (1, 100), (1, 0)]);
    assert_eq!(d.last_said(), Some(Said::RolledBack));
    assert_eq!(last_stops(&d), (31, 5));
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 5);
    let d = run(checked, 5, 0.0);
    assert_eq!(d.said.last().unwrap(), &(secs(21), Said::Completed));
    assert_eq!(last_stops(&d), (51, 5));
}

#[test]
fn undo_is_quick_while_the_old_set_is_there() {
    let soon = ArgoBluegreen {
        auto_promotion_seconds: Span::from_secs(60),
        operations: vec![at(70, Operation::Undo)],
        ..settings()
    };
    let d = run(soon.clone(), 5, 0.0);
    assert_eq!(routes(&d), [(0, 0), (61, 100), (70, 0)]);
    assert_eq!(d.started, 5, "nobody had to start for the way back");
    let late = ArgoBluegreen { operations: vec![at(200, Operation::Undo)], ..soon };
    let d = run(late, 5, 0.0);
    assert_eq!(routes(&d), [(0, 0), (61, 100), (261, 0)]);
    assert_eq!((d.started, d.last_said()), (10, Some(Said::RolledBack)));
}

#[test]
fn a_fleet_that_never_answers_is_degraded_or_given_up() {
    for (abort, said) in [(false, Said::DeadlineExceeded), (true, Said::RolledBack)] {
        let settings = ArgoBluegreen { progress_deadline_abort: abort, ..settings() };
        let strategy = Orchestrator::new(&StrategySettings::ArgoBluegreen(settings), 3);
        let start = |v, _| (v == VersionId::OLD).then_some(Span::from_secs(1));
        let delays = Delays { start: Box::new(start), ..Delays::unit() };
        let mut d = Driver::new(strategy, 3, delays);
        d.command(Command::Begin);
        assert!(d.run_until(secs(10_000)));
        assert_eq!(d.last_said(), Some(said));
        assert_eq!(routes(&d), [(0, 0)]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn it_ends_with_one_whole_fleet(
        n in 1u32..12,
        preview in prop::option::of(1u32..12),
        wait in 0u64..40,
        pre: bool,
        post: bool,
        errors in prop_oneof![Just(0.0), Just(0.2)],
        latency_ms in 0u64..300,
        operations in prop::collection::vec(
            (0u64..120, prop_oneof![
                Just(Operation::Abort), Just(Operation::Undo), Just(Operation::Promote),
                Just(Operation::Rollover), Just(Operation::Set(1)),
            ]),
            0..4,
        ),
    ) {
        let mut operations: Vec<_> = operations.iter().map(|(s, op)| at(*s, *op)).collect();
        operations.sort_by_key(|(after, _)| *after);
        let settings = ArgoBluegreen {
            preview_replica_count: preview,
            auto_promotion_seconds: Span::from_secs(wait),
            pre_promotion_analysis: pre.then(analysis),
            post_promotion_analysis: post.then(analysis),
            operations,
            ..settings()
        };
        let strategy = Orchestrator::new(&StrategySettings::ArgoBluegreen(settings), n);
        let latency = Span::from_millis(latency_ms);
        let mut d = Driver::new(strategy, n, Delays { latency, ..Delays::unit() });
        d.errors[1] = errors;
        d.command(Command::Begin);
        prop_assert!(d.run_until(secs(10_000)), "no rest: {:?}", d.said);
        // Undone before the first look: nothing was ever begun.
        let said = d.last_said().unwrap_or(Said::RolledBack);
        prop_assert!(matches!(said, Said::Completed | Said::RolledBack), "{said:?}");
        prop_assert!(d.history.iter().all(|s| s.available >= n), "nobody is taken out early");
        prop_assert_eq!(d.instances.len(), n as usize);
        let version = d.instances[0].version;
        prop_assert!(d.instances.iter().all(|i| i.version == version));
        let share = d.routes.last().map_or(0, |r| r.1);
        prop_assert_eq!(share == 0, version == VersionId::OLD);
    }
}
