//! Tick tables, stories and properties. Pods start in 1 s and stop at once; ticks are a minute
//! apart, the first one somewhere in the first minute.

use proptest::prelude::*;

use crate::scenario::settings::{Flagger, FlaggerProvider, Operation, StrategySettings};
use crate::strategy::driver::{Delays, Driver};
use crate::strategy::{Command, Strategy as Orchestrator};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{CountOrPercent, Share, Span, Time};

fn settings() -> Flagger {
    Flagger {
        provider: FlaggerProvider::Mesh,
        interval: Span::from_secs(60),
        threshold: 1,
        max_weight: 100,
        step_weight: 25,
        step_weights: Vec::new(),
        step_weight_promotion: 0,
        iterations: 0,
        progress_deadline: Span::from_secs(600),
        canary_ready_threshold: 100,
        primary_ready_threshold: 100,
        max_error_share: Share(0.01),
        skip_analysis: false,
        confirm_rollout: false,
        confirm_promotion: false,
        max_surge: CountOrPercent::Percent(25.0),
        max_unavailable: CountOrPercent::Percent(25.0),
        min_ready: Span::ZERO,
        operations: Vec::new(),
    }
}

fn secs(secs: u64) -> Time {
    Time::ZERO + Span::from_secs(secs)
}

fn at(after: u64, operation: Operation) -> (Span, Operation) {
    (Span::from_secs(after), operation)
}

fn begun(settings: Flagger, n: u32, delays: Delays) -> Driver {
    let strategy = Orchestrator::new(&StrategySettings::Flagger(settings), n);
    let mut d = Driver::new(strategy, n, delays);
    d.command(Command::Begin);
    d
}

fn run(settings: Flagger, n: u32, errors: f64) -> Driver {
    let mut d = begun(settings, n, Delays::unit());
    d.errors[1] = errors;
    assert!(d.run_until(secs(100_000)), "no rest");
    d
}

/// When the first pod was asked for: at the first tick.
fn first_tick(d: &Driver) -> Time {
    d.history.iter().find(|s| s.objects > d.history[0].objects).unwrap().at
}

/// Which tick, counted from that of the first pod, and seconds after it.
fn tick(d: &Driver, at: Time) -> (u64, u64) {
    let since = at.since(first_tick(d)).0 / 1_000_000_000;
    (since / 60, since % 60)
}

/// Shares of the new version in percent, by tick and seconds after it.
fn routes(d: &Driver) -> Vec<(u64, u64, u32)> {
    let after = d.routes.iter().filter(|(at, _)| *at >= first_tick(d));
    after.map(|(at, new)| (tick(d, *at).0, tick(d, *at).1, new / 10_000)).collect()
}

fn end(d: &Driver) -> (u64, Said) {
    let (at, said) = *d.said.last().unwrap();
    (tick(d, at).0, said)
}

#[test]
fn weights_rise_by_ticks_then_the_primary_is_updated() {
    let d = run(settings(), 10, 0.0);
    let rising: Vec<_> = routes(&d).into_iter().take(4).collect();
    // The first weight is given without a check; 100 % at the fourth tick.
    assert_eq!(rising, [(1, 0, 25), (2, 0, 50), (3, 0, 75), (4, 0, 100)]);
    // Promotion at tick 5; the primary is ready seconds later, seen at 6; canary gone at 7.
    assert_eq!(end(&d), (7, Said::Completed));
    assert!(d.routes.iter().rev().take_while(|r| r.0 > first_tick(&d)).all(|r| r.1 > 0));
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 10);
    assert_eq!(d.instances.len(), 10);
    // Ten canaries and a rolling update of ten within its surge.
    assert_eq!((d.started, d.history.iter().map(|s| s.kept).max()), (20, Some(23)));
    assert!(d.history.iter().all(|s| s.available >= 10));
}

#[test]
fn the_share_of_new_pods_follows_the_primary_during_promotion() {
    let half = Flagger { max_weight: 50, ..settings() };
    let d = run(half, 10, 0.0);
    let shares = routes(&d);
    assert_eq!(shares[..2], [(1, 0, 25), (2, 0, 50)]);
    // Half goes to the canary, half to a primary that turns new.
    let rolling: Vec<_> = shares[2..].iter().map(|r| r.2).collect();
    assert!(rolling.windows(2).all(|pair| pair[0] <= pair[1]), "{rolling:?}");
    assert!(rolling[0] > 50 && *rolling.last().unwrap() == 100, "{rolling:?}");
    assert!(shares[2..].iter().all(|r| r.0 == 3), "{shares:?}");
    assert_eq!(end(&d), (5, Said::Completed));
}

#[test]
fn weights_may_be_listed_and_overshoot() {
    let listed = Flagger { step_weights: vec![1, 5, 50], ..settings() };
    let shares = routes(&run(listed, 10, 0.0));
    assert_eq!(shares[..3], [(1, 0, 1), (2, 0, 5), (3, 0, 50)]);
    let beyond = Flagger { step_weight: 30, max_weight: 50, ..settings() };
    let shares = routes(&run(beyond, 10, 0.0));
    assert_eq!(shares[..2], [(1, 0, 30), (2, 0, 60)]);
}

#[test]
fn failed_checks_add_up_and_roll_back_a_tick_later() {
    let d = run(settings(), 10, 0.02);
    // Weight at tick 1, the check fails at 2, the threshold is seen at 3.
    assert_eq!(routes(&d), [(1, 0, 25), (3, 0, 0)]);
    assert_eq!(end(&d), (3, Said::RolledBack));
    let told: Vec<_> = d.moments.iter().map(|(at, m)| (tick(&d, *at).0, *m)).collect();
    assert_eq!(told, [(2, Moment::Detected), (3, Moment::RollbackDecided)]);
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 10);
    assert_eq!(d.instances.len(), 10);
    // Not in a row: bad at tick 2, good at 3, bad at 4 make two.
    let mut d = begun(Flagger { threshold: 2, ..settings() }, 10, Delays::unit());
    for minute in 1..10 {
        d.errors[1] = if minute % 2 == 1 { 0.5 } else { 0.0 };
        let first = if minute == 1 { Time::ZERO } else { first_tick(&d) };
        d.run_until(first + Span::from_secs(60 * minute + 30));
    }
    d.run_until(secs(100_000));
    assert_eq!(d.last_said(), Some(Said::RolledBack));
}

#[test]
fn blue_green_counts_iterations_then_switches() {
    let mesh = Flagger { iterations: 3, ..settings() };
    let d = run(mesh.clone(), 5, 0.0);
    // Iterations at ticks 1 to 3, all of the traffic at 4, promotion at 5.
    assert_eq!(routes(&d), [(4, 0, 100)]);
    assert_eq!(end(&d), (7, Said::Completed));
    let none = Flagger { provider: FlaggerProvider::Kubernetes, ..mesh };
    let d = run(none, 5, 0.0);
    // Nothing but the primary's own update moves traffic, after promotion at 5.
    assert!(routes(&d).iter().all(|r| r.0 == 5), "{:?}", routes(&d));
    assert_eq!(end(&d), (7, Said::Completed));
}

#[test]
fn traffic_comes_back_in_steps() {
    let back = Flagger { step_weight: 100, step_weight_promotion: 40, ..settings() };
    let d = run(back, 5, 0.0);
    // All at tick 1, promotion at 2; 60, 20 and 0 % at 3 to 5; the canary goes at 6.
    assert_eq!(end(&d), (6, Said::Completed));
    assert_eq!(routes(&d), [(1, 0, 100)], "new pods serve on both sides");
}

#[test]
fn gates_wait_for_somebody() {
    let gated = Flagger { confirm_promotion: true, step_weight: 100, ..settings() };
    let d = run(gated.clone(), 5, 0.0);
    assert_eq!(d.last_said(), Some(Said::Paused));
    let confirmed = Flagger { operations: vec![at(1800, Operation::Promote)], ..gated };
    assert_eq!(run(confirmed, 5, 0.0).last_said(), Some(Said::Completed));
    let gated = Flagger { confirm_rollout: true, ..settings() };
    let d = run(gated.clone(), 5, 0.0);
    assert_eq!((d.last_said(), d.started), (Some(Said::Paused), 0));
    let confirmed = Flagger { operations: vec![at(1800, Operation::Promote)], ..gated };
    assert_eq!(run(confirmed, 5, 0.0).last_said(), Some(Said::Completed));
}

#[test]
fn a_canary_that_never_answers_is_rolled_back_at_its_deadline() {
    let start = |v, _| (v == VersionId::OLD).then_some(Span::from_secs(1));
    let mut d = begun(settings(), 5, Delays { start: Box::new(start), ..Delays::unit() });
    assert!(d.run_until(secs(100_000)));
    // Ten minutes without progress end between two ticks.
    assert_eq!(end(&d), (11, Said::RolledBack));
    assert_eq!(d.instances.len(), 5);
}

#[test]
fn a_promotion_that_gets_stuck_kills_the_healthy_canary() {
    // The canary's five start; the primary's never do.
    let start = |v, id| (v == VersionId::OLD || id < 10).then_some(Span::from_secs(1));
    let mut d = begun(settings(), 5, Delays { start: Box::new(start), ..Delays::unit() });
    assert!(d.run_until(secs(100_000)));
    assert_eq!(d.last_said(), Some(Said::Failed));
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 0);
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 4, "the primary is left half way");
}

#[test]
fn skipping_the_analysis_reports_success_at_once() {
    let d = run(Flagger { skip_analysis: true, ..settings() }, 10, 0.5);
    assert_eq!(end(&d), (1, Said::Completed));
    let (said_at, _) = *d.said.last().unwrap();
    assert!(d.history.last().unwrap().at > said_at, "the primary still rolls then");
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 10);
}

#[test]
fn rollbacks_before_and_after_promotion() {
    let mut d = begun(settings(), 10, Delays::unit());
    d.run_until(secs(150));
    d.command(Command::Rollback);
    assert!(d.run_until(secs(100_000)));
    assert_eq!(end(&d), (tick(&d, secs(150)).0 + 1, Said::RolledBack));
    assert_eq!(d.routes.last().unwrap().1, 0);
    // Afterwards it is a canary of the old version.
    let mut d = run(settings(), 10, 0.0);
    let first = d.now;
    d.command(Command::Rollback);
    assert!(d.run_until(secs(100_000)));
    assert_eq!(d.last_said(), Some(Said::RolledBack));
    assert!(d.said.last().unwrap().0 > first + Span::from_secs(6 * 60));
    assert_eq!((d.count(VersionId::OLD, Phase::Available), d.instances.len()), (10, 10));
    assert_eq!(d.routes.last().unwrap().1, 0);
}

#[test]
fn an_undo_in_mid_analysis_is_noticed_only_afterwards() {
    let undone = Flagger { operations: vec![at(150, Operation::Undo)], ..settings() };
    let d = run(undone, 10, 0.0);
    // The analysis of the new version ends, with old pods; then theirs begins.
    assert_eq!(d.last_said(), Some(Said::RolledBack));
    assert!(end(&d).0 >= 14, "{:?}", d.said);
    assert_eq!((d.count(VersionId::OLD, Phase::Available), d.instances.len()), (10, 10));
}

#[test]
fn a_third_version_restarts_the_analysis() {
    let over = Flagger { operations: vec![at(200, Operation::Rollover)], ..settings() };
    let d = run(over, 10, 0.0);
    assert_eq!(d.last_said(), Some(Said::Completed));
    assert_eq!(d.count(VersionId(2), Phase::Available), 10);
    assert!(end(&d).0 >= 9);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// It ends and says how; the primary never loses more than its budget, nobody is routed to
    /// nobody, and no pod is left over.
    #[test]
    fn it_ends_with_the_primary_alone(
        n in 1u32..10,
        step in 1u32..=100,
        max in 1u32..=100,
        back in 0u32..60,
        iterations in 0u32..4,
        threshold in 1u32..4,
        kubernetes: bool,
        errors in prop_oneof![Just(0.0), Just(0.2)],
        latency_ms in 0u64..300,
        stop in 0u64..100,
        operations in prop::collection::vec(
            (0u64..1000, prop_oneof![
                Just(Operation::Abort), Just(Operation::Undo), Just(Operation::Promote),
                Just(Operation::Rollover), Just(Operation::Set(1)),
                (1u32..12).prop_map(Operation::Scale),
            ]),
            0..4,
        ),
    ) {
        let mut operations: Vec<_> = operations.iter().map(|(s, op)| at(*s, *op)).collect();
        operations.sort_by_key(|(after, _)| *after);
        let provider =
            if kubernetes { FlaggerProvider::Kubernetes } else { FlaggerProvider::Mesh };
        let settings = Flagger {
            provider,
            step_weight: step,
            max_weight: max,
            step_weight_promotion: back,
            iterations: iterations + u32::from(kubernetes),
            threshold,
            operations,
            ..settings()
        };
        let scaled = settings.operations.iter().rev().find_map(|(_, op)| match op {
            Operation::Scale(count) => Some(*count),
            _ => None,
        });
        let stop = Span::from_secs(stop);
        let latency = Span::from_millis(latency_ms);
        let delays = Delays { latency, stop: Box::new(move |_| stop), ..Delays::unit() };
        let mut d = begun(settings, n, delays);
        d.errors[1] = errors;
        prop_assert!(d.run_until(secs(200_000)), "no rest: {:?}", d.said);
        let said = d.last_said().unwrap_or(Said::RolledBack);
        prop_assert!(matches!(said, Said::Completed | Said::RolledBack), "{said:?}");
        prop_assert_eq!(d.instances.len() as u32, scaled.unwrap_or(n));
        prop_assert!(d.instances.iter().all(|i| i.phase == Phase::Available));
        let version = d.instances[0].version;
        prop_assert!(d.instances.iter().all(|i| i.version == version));
        let share = d.routes.last().map_or(0, |r| r.1);
        prop_assert_eq!(share, if version == VersionId::OLD { 0 } else { 1_000_000 });
        if scaled.is_none() {
            let budget = CountOrPercent::Percent(25.0).of(n, crate::units::Rounding::Down);
            let least = d.history.iter().map(|s| s.available).min();
            prop_assert!(least >= Some(n - budget), "{least:?}");
        }
    }
}
