//! What the real controllers do and a naive simulator gets wrong, rule by rule. The numbers of
//! the rules, and the figures in some tests, are those of recorded rollouts of real controllers.

use super::State;
use super::vectors::{driver, seconds, settings};
use crate::scenario::settings::{
    AvailabilityTiming, DeploymentKind, KubernetesDeployment, Operation,
};
use crate::strategy::driver::{Delays, Driver};
use crate::strategy::{self, Action, Command, Decision, Draws, InstanceView, View};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{Span, Time};

fn delays(start: [f64; 3], stop: f64, latency_ms: u64) -> Delays {
    Delays {
        start: Box::new(move |v, _| Some(Span::from_secs_f64(start[usize::from(v.0)]))),
        stop: Box::new(move |_| Span::from_secs_f64(stop)),
        latency: Span::from_millis(latency_ms),
    }
}

fn never_ready_new(latency_ms: u64) -> Delays {
    let start = |v, _| (v != VersionId::NEW).then_some(Span::from_secs(1));
    Delays { start: Box::new(start), ..delays([0.0; 3], 0.0, latency_ms) }
}

fn with_operations(
    settings: &KubernetesDeployment,
    operations: &[(f64, Operation)],
) -> KubernetesDeployment {
    let operations = operations.iter().map(|(at, op)| (Span::from_secs_f64(*at), *op)).collect();
    KubernetesDeployment { operations, ..settings.clone() }
}

fn min_ready(secs: u64, settings: KubernetesDeployment) -> KubernetesDeployment {
    KubernetesDeployment { min_ready: Span::from_secs(secs), ..settings }
}

fn run(settings: KubernetesDeployment, n: u32, delays: Delays) -> Driver {
    let mut d = driver(settings, n, delays);
    d.command(Command::Begin);
    assert!(d.run_until(seconds(10_000.0)));
    d
}

/// The sizes of all sets, each time they changed.
fn sizes(d: &Driver) -> Vec<Vec<u32>> {
    let mut sizes: Vec<Vec<u32>> = d.history.iter().map(|s| s.sizes.clone()).collect();
    sizes.dedup();
    sizes
}

fn lowest(d: &Driver) -> u32 {
    d.history.iter().map(|s| s.available).min().unwrap()
}

/// The instant of a wall-clock time, given the wall clock at the beginning.
fn wall(at: f64, phase: f64) -> Time {
    seconds(at - phase)
}

#[test]
fn rule_01_min_ready_counts_whole_wall_clock_seconds() {
    // Ready at wall clock 1.3: available at 1.0 + 2, not at 3.3.
    let mut d = driver(min_ready(2, settings("1", "0")), 1, Delays::unit());
    d.wall_phase = Span::from_millis(300);
    d.command(Command::Begin);
    d.run_until(seconds(100.0));
    assert_eq!(d.said.last(), Some(&(wall(3.0, 0.3), Said::Completed)));
}

#[test]
fn rule_01_release_1_20_checks_again_after_it_saw_all_ready() {
    let older = KubernetesDeployment {
        timing: AvailabilityTiming::Rechecked,
        ..min_ready(2, settings("1", "0"))
    };
    let mut d = driver(older.clone(), 1, Delays::unit());
    d.wall_phase = Span::from_millis(300);
    d.command(Command::Begin);
    d.run_until(seconds(100.0));
    assert_eq!(d.said.last(), Some(&(seconds(3.0), Said::Completed)));

    // Two at a time, ready at 1.0 and 1.5: all ready at 1.5, looked at again at 3.5, and both
    // pairs likewise: what was due at 3.0 is noticed late.
    let start = |_, id| Some(Span::from_millis(1000 + 500 * u64::from(id % 2)));
    let uneven = Delays { start: Box::new(start), ..Delays::unit() };
    let older = KubernetesDeployment { max_surge: "2".parse().unwrap(), ..older };
    let d = run(older, 2, uneven);
    assert_eq!(d.said.last(), Some(&(seconds(3.5), Said::Completed)));
}

#[test]
fn rule_02_surge_bounds_sizes_not_instances() {
    let mut exceeded = 0;
    for seed in 0..40 {
        let mut d = driver(settings("25%", "25%"), 26, delays([0.0, 1.3, 0.0], 0.5, 200));
        d.draws = Draws::new(seed);
        d.command(Command::Begin);
        assert!(d.run_until(seconds(1000.0)));
        assert!(d.history.iter().all(|s| s.sizes.iter().sum::<u32>() <= 33));
        exceeded += u32::from(d.history.iter().any(|s| s.active > 33));
    }
    assert!(exceeded > 0, "starts and stops that overlap must exceed 26 + 7 for a moment");
}

#[test]
fn rule_03_terminating_instances_count_for_nothing() {
    let d = run(settings("100%", "0"), 4, delays([0.0, 1.0, 0.0], 30.0, 0));
    let completed = d.said.last().unwrap().0;
    assert_eq!(completed, seconds(1.0));
    let then = d.history.iter().rfind(|s| s.at <= completed).unwrap();
    assert_eq!((then.active, then.objects), (4, 8), "done while the old ones still terminate");
}

#[test]
fn rule_04_a_rollover_may_delete_available_instances() {
    // Recorded: 37 replicas, floor 10, at the worst moment 2 were available.
    let spec = min_ready(3, settings("20%", "75%"));
    let spec = with_operations(&spec, &[(3.99, Operation::Rollover)]);
    // The first 8 new ones become ready in one wall-clock second, the others in the next: when
    // the third version comes, 8 are available, and deletion does not look at that.
    let apart = || Delays {
        start: Box::new(|v, id| {
            let first = if id < 45 { 1330 } else { 1530 };
            Some(Span::from_millis(if v == VersionId::NEW { first } else { 590 }))
        }),
        ..delays([0.0; 3], 1.0, 15)
    };
    let lows: Vec<u32> = (0..20)
        .map(|seed| {
            let mut d = driver(spec.clone(), 37, apart());
            d.draws = Draws::new(seed);
            d.wall_phase = Span::from_millis(490);
            d.command(Command::Begin);
            assert!(d.run_until(seconds(1000.0)));
            assert_eq!(d.last_said(), Some(Said::Completed));
            lowest(&d)
        })
        .collect();
    assert!(lows.iter().any(|&low| low < 10), "{lows:?}");
}

#[test]
fn rule_05_proportional_scaling_ignores_availability() {
    // As recorded: 16 → 5 with sizes [9, 8] makes [3, 3] whatever is available; then 5 → 32.
    // A sync that finds one set's status written and the other's not yet takes down too much:
    // the floor of 5 − 1 falls.
    let spec = with_operations(
        &settings("1", "1"),
        &[(4.6, Operation::Scale(5)), (10.0, Operation::Scale(32))],
    );
    let mut lows = Vec::new();
    for seed in 0..100 {
        let mut d = driver(spec.clone(), 16, delays([1.51, 1.32, 0.0], 0.9, 40));
        d.paranoid = false;
        d.draws = Draws::new(seed);
        d.command(Command::Begin);
        assert!(d.run_until(seconds(10_000.0)));
        let seen = sizes(&d);
        let before = d.history.iter().rfind(|s| s.at < seconds(4.6)).unwrap();
        if before.sizes == [9, 8] {
            let at = seen.iter().position(|s| s == &[9, 8]).unwrap();
            assert_eq!(seen[at + 1], [3, 3]);
            lows.push(lowest(&d));
        }
        assert_eq!(seen.last().unwrap(), &[0, 32]);
        assert_eq!(d.last_said(), Some(Said::Completed));
    }
    assert!(lows.iter().any(|&low| low < 4), "{lows:?}");
}

#[test]
fn rule_05_scaling_acts_while_paused() {
    // As recorded: 8 replicas at [6, 3], paused, 8 → 13 makes [9, 5] at once.
    let spec = with_operations(
        &settings("1", "2"),
        &[(0.4, Operation::Pause), (2.2, Operation::Scale(13)), (4.0, Operation::Resume)],
    );
    let d = run(spec, 8, delays([1.0, 0.3, 0.0], 0.5, 0));
    let seen = sizes(&d);
    let before = d.history.iter().rfind(|s| s.at < seconds(2.2)).unwrap();
    let after = d.history.iter().rfind(|s| s.at < seconds(4.0)).unwrap();
    assert_eq!(before.sizes.iter().sum::<u32>(), 9);
    assert_eq!(after.sizes.iter().sum::<u32>(), 14);
    assert_eq!(seen.last().unwrap(), &[0, 13]);
    assert!(!d.said.contains(&(seconds(0.4), Said::Paused)), "a resume is scheduled");
}

#[test]
fn rule_06_a_rollover_begins_with_nothing_and_takes_the_oldest_set_down_first() {
    let spec = with_operations(&settings("25%", "25%"), &[(1.5, Operation::Rollover)]);
    let d = run(spec, 10, Delays::unit());
    let seen = sizes(&d);
    // [3, 10] is full; the third set begins empty, the 5 unavailable of the second go at once.
    let at = seen.iter().position(|s| s.len() == 3).unwrap();
    assert_eq!(seen[at - 1], [3, 10]);
    assert_eq!(seen[at..at + 3], [vec![3, 10, 0], vec![3, 5, 0], vec![3, 5, 5]]);
    let first_gone = seen.iter().position(|s| s[0] == 0).unwrap();
    assert!(seen[at + 1..first_gone].iter().all(|s| s[1] == 5), "{seen:?}");
    assert_eq!(seen.last().unwrap(), &[0, 0, 10]);
    assert_eq!(d.said.last().unwrap().1, Said::Completed);
}

#[test]
fn rule_07_a_rollback_drops_unavailable_instances_in_one_step() {
    // 49 of 49 unavailable at once, although 25 % may be: more than the budget allows.
    let mut d = driver(settings("50%", "50%"), 44, never_ready_new(0));
    d.command(Command::Begin);
    d.run_until(seconds(5.0));
    assert_eq!(sizes(&d).last().unwrap(), &[22, 44]);
    d.command(Command::Rollback);
    assert!(d.run_until(seconds(1000.0)));
    let seen = sizes(&d);
    assert!(seen.windows(2).any(|w| w[0][1] == 44 && w[1][1] == 0), "{seen:?}");
    assert_eq!(d.last_said(), Some(Said::RolledBack));
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 44);
}

#[test]
fn rule_08_each_sync_takes_one_step() {
    // As recorded: [20] [20,5] [15,5] [15,10], where a version that is never ready stays.
    let mut d = driver(settings("25%", "25%"), 20, never_ready_new(0));
    d.command(Command::Begin);
    assert!(d.run_until(seconds(10_000.0)));
    assert_eq!(sizes(&d), [vec![20, 5], vec![15, 5], vec![15, 10]]);

    // And each of the steps is a sync of its own.
    let Deployed { strategy, mut state, fleet } = deployed(20);
    strategy.command(&mut state, Command::Begin, Time::ZERO);
    let view = View { instances: &fleet, errors: [0.0; 2], wall_phase: Span::ZERO };
    for expected in [vec![20, 5], vec![15, 5], vec![15, 10]] {
        let mut decision = Decision::default();
        strategy.reconcile(&mut state, 0, Time::ZERO, &view, Draws::new(1), &mut decision);
        assert_eq!(decision.notify, 0b11);
        let strategy::State::Kubernetes(inner) = &state else { unreachable!() };
        assert_eq!(inner.sizes().map(|(_, size)| size).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn rule_09_both_zero_after_rounding_makes_one_unavailable() {
    let posts = super::fenceposts::resolve("0".parse().unwrap(), "1%".parse().unwrap(), 3);
    assert_eq!((posts.surge, posts.unavailable), (0, 1));
    assert_eq!(lowest(&run(settings("0", "1%"), 3, Delays::unit())), 2);
}

#[test]
fn rule_10_the_deadline_stops_nothing_and_progress_clears_it() {
    let strict = KubernetesDeployment {
        progress_deadline: Span::from_secs(4),
        ..with_operations(&settings("25%", "25%"), &[(8.0, Operation::Undo)])
    };
    let mut d = driver(strict, 20, never_ready_new(0));
    d.wall_phase = Span::from_millis(935);
    d.command(Command::Begin);
    assert!(d.run_until(seconds(1000.0)));
    // Last progress at wall clock 0.935, hence 0 + 4 + 1 there.
    assert_eq!(d.said[0], (seconds(0.0), Said::Progressing));
    assert_eq!(d.said[1], (wall(5.0, 0.935), Said::DeadlineExceeded));
    let during: Vec<_> = d.history.iter().filter(|s| s.at > seconds(1.0)).collect();
    assert!(during.iter().all(|s| s.at >= seconds(8.0)), "nothing moves at the deadline");
    assert_eq!(d.said[2], (seconds(8.0), Said::RollingBack));
    assert_eq!(d.last_said(), Some(Said::RolledBack));
    assert!(d.moments.contains(&(seconds(8.0), Moment::RollbackDecided)));
}

#[test]
fn rule_11_failed_instances_are_replaced_at_once_and_stay() {
    let mut d = driver(settings("1", "0"), 3, Delays::unit());
    d.fail(0, seconds(1.0));
    d.fail(2, seconds(1.5));
    d.run_until(seconds(100.0));
    assert_eq!(d.started, 2);
    assert!(d.stopped.is_empty());
    assert_eq!((d.count(VersionId::OLD, Phase::Failed), d.instances.len()), (2, 5));
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 3);
}

#[test]
fn rule_12_crashes_after_completion_are_not_noticed() {
    let mut d = driver(settings("25%", "25%"), 4, Delays::unit());
    d.command(Command::Begin);
    for id in 4..8 {
        d.crash(id, seconds(10.0), seconds(900.0));
    }
    d.run_until(seconds(800.0));
    assert_eq!(d.history.last().unwrap().available, 0);
    assert_eq!(d.last_said(), Some(Said::Completed));
    assert!(d.run_until(seconds(10_000.0)));
    assert_eq!(d.said.len(), 2);
}

#[test]
fn rule_16_recreate_waits_for_the_last_old_instance() {
    // As recorded: 13 replicas, the slowest needs 1.99 s to stop, a scale to 26 at 1.98 s is
    // noticed only with the new set; done 4.11 s after the beginning.
    let term = [0.01, 1.54, 0.98, 0.89, 0.79, 1.65, 0.95, 1.99, 0.76, 1.77, 0.81];
    let recreate = KubernetesDeployment {
        kind: DeploymentKind::Recreate,
        ..with_operations(&min_ready(1, settings("0", "0")), &[(1.98, Operation::Scale(26))])
    };
    let slow = Delays {
        start: Box::new(|_, _| Some(Span::from_secs_f64(1.05))),
        stop: Box::new(move |id| Span::from_secs_f64(term[id as usize % 11])),
        latency: Span::from_millis(20),
    };
    let mut d = driver(recreate, 13, slow);
    d.wall_phase = Span::from_secs_f64(0.903_402);
    d.command(Command::Begin);
    assert!(d.run_until(seconds(1000.0)));
    assert_eq!(sizes(&d), [vec![0], vec![0, 26]]);
    let done = d.said.last().unwrap();
    assert_eq!(done.1, Said::Completed);
    assert!((done.0.as_secs_f64() - 4.11).abs() < 0.06, "{done:?}");
}

#[test]
fn rule_18_ready_events_that_trickle_in_make_small_steps() {
    let at_once = run(settings("25%", "25%"), 40, Delays::unit());
    let start = |_, id| Some(Span::from_millis(1000 + 7 * u64::from(id % 40)));
    let trickle = Delays { start: Box::new(start), ..Delays::unit() };
    let d = run(settings("25%", "25%"), 40, trickle);
    assert!(sizes(&d).len() > 3 * sizes(&at_once).len());
}

#[test]
fn a_template_set_while_paused_waits_for_the_resume() {
    let spec = settings("25%", "25%");
    let mut d = driver(spec, 10, Delays::unit());
    d.command(Command::Begin);
    d.run_until(seconds(0.5));
    let frozen = sizes(&d);
    d.command(Command::Operate(Operation::Pause));
    d.run_until(seconds(100.0));
    assert_eq!(d.last_said(), Some(Said::Paused));
    d.command(Command::Operate(Operation::Undo));
    d.run_until(seconds(200.0));
    assert_eq!((d.last_said(), sizes(&d)), (Some(Said::Paused), frozen));
    d.command(Command::Operate(Operation::Resume));
    d.run_until(seconds(300.0));
    assert_eq!(d.last_said(), Some(Said::RolledBack));
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 10);
}

#[test]
fn a_commanded_rollback_does_not_wait_for_a_resume() {
    let mut d = driver(settings("25%", "25%"), 10, Delays::unit());
    d.command(Command::Begin);
    d.run_until(seconds(0.5));
    d.command(Command::Operate(Operation::Pause));
    d.run_until(seconds(100.0));
    d.command(Command::Rollback);
    d.run_until(seconds(200.0));
    assert_eq!(d.last_said(), Some(Said::RolledBack));
}

#[test]
fn a_start_that_never_shows_is_asked_for_again_after_five_minutes() {
    let Deployed { strategy, mut state, fleet } = deployed(4);
    let fleet = &fleet[1..];
    let view = View { instances: fleet, errors: [0.0; 2], wall_phase: Span::ZERO };
    let mut look = |at: f64| {
        let mut decision = Decision::default();
        strategy.reconcile(&mut state, 1, seconds(at), &view, Draws::new(1), &mut decision);
        (decision.actions.len(), decision.wake_at)
    };
    assert_eq!(look(1.0), (1, Some(seconds(301.0))));
    assert_eq!(look(2.0), (0, Some(seconds(301.0))));
    assert_eq!(look(301.0), (1, Some(seconds(601.0))));
}

#[test]
fn a_look_before_the_last_one_took_effect_asks_for_nothing_more() {
    let Deployed { strategy, mut state, fleet } = deployed(10);
    strategy.command(&mut state, Command::Begin, Time::ZERO);
    let view = View { instances: &fleet, errors: [0.0; 2], wall_phase: Span::ZERO };
    let mut look = |controller| {
        let mut decision = Decision::default();
        strategy.reconcile(&mut state, controller, Time::ZERO, &view, Draws::new(1), &mut decision);
        decision.actions
    };
    look(0);
    look(0);
    let actions = look(1);
    let starts = actions.iter().filter(|a| matches!(a, Action::Start { .. })).count();
    let stops = actions.iter().filter(|a| matches!(a, Action::Stop { .. })).count();
    assert_eq!((starts, stops), (3, 2));
    assert_eq!(look(1), []);
}

struct Deployed {
    strategy: strategy::Strategy,
    state: strategy::State,
    fleet: Vec<InstanceView>,
}

/// A strategy with its fleet before the rollout, without a world.
fn deployed(n: u32) -> Deployed {
    let d = driver(settings("25%", "25%"), n, Delays::unit());
    Deployed { strategy: d.strategy, state: d.state, fleet: d.instances }
}

#[test]
fn the_state_before_the_rollout_is_at_rest() {
    let Deployed { strategy, mut state, fleet } = deployed(5);
    let before = state.clone();
    let view = View { instances: &fleet, errors: [0.0; 2], wall_phase: Span::ZERO };
    for controller in 0..2 {
        let mut decision = Decision::default();
        strategy.reconcile(&mut state, controller, Time(5), &view, Draws::new(1), &mut decision);
        assert_eq!(decision, Decision::default());
    }
    assert_eq!(state, before);
    let strategy::State::Kubernetes(inner) = &state else { unreachable!() };
    let _: &State = inner;
}
