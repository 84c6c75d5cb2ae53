//! The rules by their numbers, in a world whose delays are known.

use super::super::driver::{Delays, Driver};
use super::super::{Draws, State as AnyState, Strategy};
use super::*;
use crate::scenario::settings::{
    OnFailure, Operation, RestartCondition, RestartPolicy, UpdateConfig,
};
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

#[test]
fn rule_01_workers_are_a_sliding_window_over_slots_in_random_order() {
    let mut settings = defaults();
    settings.update.parallelism = 2;
    let orders: Vec<Vec<u32>> = (1..6)
        .map(|key| {
            let delays = Delays {
                start: Box::new(|_, id| Some(ms(if id == 5 { 9000 } else { 1000 }))),
                ..Delays::unit()
            };
            let rules = Swarm::new(settings.clone(), 5);
            let mut driver = Driver::new(Strategy::Swarm(rules), 5, delays);
            driver.draws = Draws::new(key);
            begin(&mut driver, 30_000);
            // The first slot takes 9 s; the other worker does the rest meanwhile: no batches.
            assert_eq!(stops(&driver), [0, 0, 1000, 2000, 3000]);
            assert_eq!(said(&driver).last(), Some(&(14_000, Said::Completed)));
            driver.stopped.iter().map(|(_, id)| *id).collect()
        })
        .collect();
    assert!(orders.iter().any(|order| *order != orders[0]), "{orders:?}");
}

#[test]
fn rule_01_parallelism_0_is_all_at_once() {
    let mut settings = defaults();
    settings.update.parallelism = 0;
    let mut driver = world(4, settings);
    begin(&mut driver, 30_000);
    assert_eq!(stops(&driver), [0; 4]);
    assert_eq!(said(&driver).last(), Some(&(7000, Said::Completed)));
}

#[test]
fn rule_02_stop_first_prepares_meanwhile_and_starts_when_the_old_one_has_ended() {
    let mut driver = world(1, defaults());
    driver.command(Command::Begin);
    driver.run_until(at(500));
    let phases: Vec<Phase> = driver.instances.iter().map(|i| i.phase).collect();
    assert_eq!(phases, [Phase::Draining, Phase::Starting]);
    driver.run_until(at(30_000));
    // 1 s to stop, 1 s to start, 5 s of watch.
    assert_eq!(said(&driver), [(0, Said::Progressing), (7000, Said::Completed)]);
}

#[test]
fn rule_02_the_old_task_is_waited_for_no_longer_than_a_minute() {
    let delays = Delays { stop: Box::new(|_| ms(90_000)), ..Delays::unit() };
    let mut driver = Driver::new(Strategy::Swarm(Swarm::new(defaults(), 1)), 1, delays);
    driver.command(Command::Begin);
    driver.run_until(at(60_500));
    assert_eq!(running(&driver, VersionId::NEW), 0);
    driver.run_until(at(61_500));
    assert_eq!(running(&driver, VersionId::NEW), 1);
    assert_eq!(driver.count(VersionId::OLD, Phase::Draining), 1, "both run");
}

#[test]
fn rule_03_start_first_stops_the_old_task_when_the_new_one_runs() {
    let mut settings = defaults();
    settings.update.order = Order::StartFirst;
    let mut driver = world(3, settings);
    begin(&mut driver, 30_000);
    // Nobody waits for the stop, which takes 1 s: starts follow each other.
    assert_eq!(stops(&driver), [1000, 2000, 3000]);
    assert_eq!(said(&driver).last(), Some(&(8000, Said::Completed)));
}

#[test]
fn rule_04_a_worker_rests_after_each_slot_and_after_the_last() {
    let mut settings = defaults();
    settings.update.delay = ms(3000);
    let mut driver = world(2, settings);
    begin(&mut driver, 60_000);
    assert_eq!(stops(&driver), [0, 5000]);
    assert_eq!(said(&driver).last(), Some(&(15_000, Said::Completed)));
}

#[test]
fn rule_04_a_failed_task_frees_the_worker_as_a_good_one_does() {
    let mut settings = defaults();
    settings.update.failure_action = OnFailure::Continue;
    settings.update.order = Order::StartFirst;
    let mut driver = world(3, settings);
    driver.reject = Box::new(|version, _| (version == VersionId::NEW).then_some(ms(200)));
    begin(&mut driver, 5500);
    assert_eq!(running(&driver, VersionId::OLD), 3);
    driver.run_until(at(5700));
    assert_eq!(said(&driver).last(), Some(&(5600, Said::Completed)));
}

/// Two slots one after the other, the first new task fails so long after it ran.
fn fails_after(after: u64, monitor: u64) -> Driver {
    let mut settings = defaults();
    settings.update.monitor = ms(monitor);
    settings.update.delay = ms(500);
    let mut driver = world(3, settings);
    driver.crash = Box::new(move |_, id| (id == 3).then_some(ms(after)));
    begin(&mut driver, 60_000);
    driver
}

#[test]
fn rule_05_a_failure_counts_within_monitor_of_running() {
    assert_eq!(fails_after(1900, 2000).last_said(), Some(Said::Paused));
    assert_eq!(fails_after(2000, 2000).last_said(), Some(Said::Paused));
    assert_eq!(fails_after(2100, 2000).last_said(), Some(Said::Completed));
}

#[test]
fn rule_05_restarted_tasks_never_count() {
    let mut settings = defaults();
    settings.update.max_failure_ratio = 0.5;
    settings.update.parallelism = 2;
    settings.update.monitor = ms(30_000);
    let mut driver = world(2, settings);
    // Slot of the first new task: that one fails, and so do all that follow it.
    driver.crash = Box::new(|_, id| (id >= 2 && id != 3).then_some(ms(100)));
    begin(&mut driver, 60_000);
    assert!(driver.started > 10, "{}", driver.started);
    assert_eq!(said(&driver).last(), Some(&(32_000, Said::Completed)));
    let counted = |(_, m): &&(Time, Moment)| matches!(m, Moment::InstanceFailed(_));
    assert_eq!(driver.moments.iter().filter(counted).count(), 1);
}

#[test]
fn rule_05_failures_are_judged_when_they_are_looked_at() {
    // All slots are handed out at once, nobody looks before the rest of 3 s is over: a failure
    // 0.5 s after the start is 3 s old by then.
    let mut settings = defaults();
    settings.update.parallelism = 0;
    settings.update.delay = ms(3000);
    settings.update.monitor = ms(2000);
    let mut driver = world(2, settings.clone());
    bad(&mut driver, 500);
    begin(&mut driver, 60_000);
    assert_eq!(said(&driver)[1], (9000, Said::Completed));
    // With a third slot waiting somebody looks at once.
    settings.update.parallelism = 1;
    let mut driver = world(2, settings);
    bad(&mut driver, 500);
    begin(&mut driver, 60_000);
    assert_eq!(said(&driver)[1], (2500, Said::Paused));
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
fn rule_06_the_ratio_is_exceeded_strictly_and_in_single_precision() {
    // Golden values; 3/10 and 0.3 are the same single-precision number, 1/10 and 0.1 too.
    assert_eq!(with_failures(1, 10, 0.1), Said::Completed);
    assert_eq!(with_failures(2, 10, 0.1), Said::Paused);
    assert_eq!(with_failures(3, 10, 0.3), Said::Completed);
    assert_eq!(with_failures(1, 3, 0.33), Said::Paused);
    assert_eq!(with_failures(1, 3, 0.34), Said::Completed);
    assert_eq!(with_failures(1, 10, 0.0), Said::Paused);
}

#[test]
fn rule_06_a_rollback_goes_its_own_way_and_is_never_rolled_back() {
    let mut settings = defaults();
    settings.update.failure_action = OnFailure::Rollback;
    settings.update.delay = ms(3000);
    settings.rollback.parallelism = 0;
    settings.rollback.monitor = ms(2000);
    let mut driver = world(3, settings.clone());
    bad(&mut driver, 100);
    begin(&mut driver, 60_000);
    assert_eq!(running(&driver, VersionId::OLD), 3);
    let words: Vec<Said> = driver.said.iter().map(|(_, said)| *said).collect();
    assert_eq!(words, [Said::Progressing, Said::RollingBack, Said::RolledBack]);
    // The old version has become as bad.
    let mut driver = world(3, settings);
    driver.crash = Box::new(|_, _| Some(ms(100)));
    begin(&mut driver, 60_000);
    assert_eq!(driver.last_said(), Some(Said::RollbackPaused));
}

#[test]
fn rule_07_the_last_watch_is_monitor_or_delay_and_a_second() {
    let end = |delay, monitor| {
        let mut settings = defaults();
        settings.update.delay = ms(delay);
        settings.update.monitor = ms(monitor);
        let mut driver = world(1, settings);
        begin(&mut driver, 60_000);
        said(&driver)[1].0
    };
    assert_eq!(end(1000, 2000), 2000 + 1000 + 2000);
    assert_eq!(end(2000, 2000), 2000 + 2000 + 3000);
    assert_eq!(end(4000, 500), 2000 + 4000 + 5000);
}

#[test]
fn surprise_01_without_a_health_check_start_first_protects_nobody() {
    let mut settings = defaults();
    settings.update.order = Order::StartFirst;
    settings.update.failure_action = OnFailure::Continue;
    let mut driver = world(2, settings);
    bad(&mut driver, 100);
    begin(&mut driver, 7900);
    assert_eq!(driver.last_said(), Some(Said::Completed));
    assert_eq!(running(&driver, VersionId::OLD), 0);
}

/// Start-first, the first new task fails late, so that its old one is gone and the second slot
/// is in hand.
fn rolled_back_start_first(key: u64) -> Driver {
    let mut settings = defaults();
    settings.update.order = Order::StartFirst;
    settings.update.monitor = ms(3000);
    settings.update.delay = ms(500);
    settings.update.failure_action = OnFailure::Rollback;
    settings.rollback = settings.update;
    settings.rollback.failure_action = OnFailure::Pause;
    settings.rollback.delay = ms(2000);
    settings.rollback.monitor = ms(1000);
    settings.restart.delay = ms(5000);
    let mut driver = world(5, settings);
    driver.draws = Draws::new(key);
    bad(&mut driver, 2200);
    begin(&mut driver, 60_000);
    driver
}

#[test]
fn surprise_02_a_rolled_back_update_may_say_completed_in_the_end() {
    let mut both = [false; 2];
    for key in 1..9 {
        let driver = rolled_back_start_first(key);
        let words: Vec<Said> = driver.said.iter().map(|(_, said)| *said).collect();
        assert_eq!(words[..3], [Said::Progressing, Said::RollingBack, Said::RolledBack]);
        assert_eq!(running(&driver, VersionId::OLD), 5, "v1 everywhere");
        both[usize::from(words.last() == Some(&Said::Completed))] = true;
    }
    assert!(both[1], "slots with two tasks are updated once more");
}

/// Start-first with a health check: the new version fails before it is healthy.
fn never_healthy_start_first(ratio: f64, until: u64) -> Driver {
    let mut settings = defaults();
    settings.update.order = Order::StartFirst;
    settings.update.parallelism = 2;
    settings.update.monitor = ms(2000);
    settings.update.max_failure_ratio = ratio;
    settings.restart.delay = ms(4000);
    let mut driver = world(4, settings);
    driver.reject = Box::new(|version, _| (version == VersionId::NEW).then_some(ms(500)));
    begin(&mut driver, until);
    driver
}

#[test]
fn surprise_03_good_old_tasks_are_stopped_after_the_end() {
    let mut driver = never_healthy_start_first(1.0, 2900);
    assert_eq!(running(&driver, VersionId::OLD), 4, "the health check protects them");
    driver.run_until(at(3100));
    assert_eq!(said(&driver).last(), Some(&(3000, Said::Completed)));
    driver.run_until(at(9000));
    assert_eq!(running(&driver, VersionId::OLD), 0, "until it is completed");
}

#[test]
fn surprise_04_completed_says_nothing_about_health() {
    let mut settings = defaults();
    settings.update.failure_action = OnFailure::Continue;
    settings.update.parallelism = 0;
    settings.restart.condition = RestartCondition::None;
    let mut driver = world(6, settings);
    bad(&mut driver, 500);
    begin(&mut driver, 30_000);
    assert_eq!(said(&driver).last(), Some(&(7000, Said::Completed)));
    assert!(driver.instances.is_empty(), "{:?}", driver.instances);
    assert_eq!(driver.started, 6, "ended for good, and not dirty");
}

#[test]
fn surprise_05_a_task_that_ends_cleanly_counts_as_one_that_failed() {
    // It is gone without a failure, as after SIGTERM because it was unhealthy.
    let mut driver = world(3, defaults());
    driver.command(Command::Begin);
    driver.run_until(at(2500));
    driver.vanish(3);
    driver.run_until(at(9000));
    assert_eq!(said(&driver)[1], (2500, Said::Paused));
}

#[test]
fn surprise_06_a_pause_does_not_stop_the_bad_version() {
    let mut driver = world(3, defaults());
    bad(&mut driver, 100);
    begin(&mut driver, 20_000);
    let paused = said(&driver)[1];
    assert_eq!(paused, (2100, Said::Paused));
    let later = driver.stopped.iter().filter(|(at, _)| at.0 / MS > paused.0).count();
    assert!(later >= 12, "failed tasks are followed by others for ever: {later}");
}

#[test]
fn surprise_07_one_slot_too_many() {
    // The next slot is taken when the new task runs, 100 ms before it fails.
    let mut driver = world(3, defaults());
    bad(&mut driver, 100);
    begin(&mut driver, 2150);
    assert_eq!(running(&driver, VersionId::OLD), 1);
    // A missing image is known to worker and updater at once: a coin decides.
    let touched: Vec<u32> = (1..9)
        .map(|key| {
            let mut settings = defaults();
            settings.update.order = Order::StartFirst;
            let mut driver = world(3, settings);
            driver.draws = Draws::new(key);
            driver.reject = Box::new(|version, _| (version == VersionId::NEW).then_some(ms(200)));
            begin(&mut driver, 900);
            driver.started
        })
        .collect();
    // Each is followed by a restart.
    assert!(touched.contains(&2) && touched.contains(&4), "{touched:?}");
}

#[test]
fn surprise_08_start_first_is_not_bounded_by_parallelism() {
    let mut settings = defaults();
    settings.update.order = Order::StartFirst;
    settings.update.parallelism = 2;
    let delays = Delays { stop: Box::new(|_| ms(10_000)), ..Delays::unit() };
    let mut driver = Driver::new(Strategy::Swarm(Swarm::new(settings, 6)), 6, delays);
    begin(&mut driver, 3500);
    assert_eq!(driver.instances.len(), 12);
}

#[test]
fn surprise_09_a_ratio_of_one_never_triggers() {
    assert_eq!(with_failures(10, 10, 1.0), Said::Completed);
    assert_eq!(with_failures(5, 7, 0.8), Said::Completed);
    assert_eq!(with_failures(6, 7, 0.8), Said::Paused);
}

#[test]
fn surprise_10_nothing_times_out() {
    let nowhere = || Delays {
        start: Box::new(|version, _| (version == VersionId::OLD).then_some(ms(1000))),
        ..Delays::unit()
    };
    for (order, left) in [(Order::StartFirst, 3), (Order::StopFirst, 2)] {
        let mut settings = defaults();
        settings.update.order = order;
        settings.update.failure_action = OnFailure::Rollback;
        let mut driver = Driver::new(Strategy::Swarm(Swarm::new(settings, 3)), 3, nowhere());
        begin(&mut driver, 3_600_000);
        assert_eq!(said(&driver), [(0, Said::Progressing)]);
        assert_eq!(running(&driver, VersionId::OLD), left);
    }
}

#[test]
fn surprise_11_a_long_delay_prolongs_the_end_and_not_the_watch_of_each_task() {
    // One slot waits behind a rest of 4 s: the failure 3.5 s after running is looked at at once
    // and is too old by then.
    let mut settings = defaults();
    settings.update.delay = ms(4000);
    settings.update.monitor = ms(3000);
    let mut driver = world(2, settings);
    driver.crash = Box::new(|_, id| (id == 2).then_some(ms(3500)));
    begin(&mut driver, 60_000);
    assert_eq!(said(&driver).last(), Some(&(17_000, Said::Completed)));
}

#[test]
fn surprise_12_a_task_ended_before_it_ran_counts_however_late_that_is_looked_at() {
    // A health check stricter than the start: both new tasks end before they run, all slots are
    // in hand, the workers rest for longer than `monitor`.
    let mut settings = defaults();
    settings.update.parallelism = 5;
    settings.update.delay = ms(2000);
    settings.update.monitor = ms(500);
    settings.update.max_failure_ratio = 0.8;
    let mut driver = world(2, settings);
    driver.reject = Box::new(|version, _| (version == VersionId::NEW).then_some(ms(1600)));
    begin(&mut driver, 10_000);
    assert_eq!(said(&driver)[1], (3600, Said::Paused));
}

#[test]
fn surprise_13_a_missing_image_costs_no_capacity_with_stop_first() {
    let mut settings = defaults();
    settings.update.failure_action = OnFailure::Rollback;
    settings.rollback.monitor = ms(1000);
    let delays = Delays { stop: Box::new(|_| ms(1500)), ..Delays::unit() };
    let mut driver = Driver::new(Strategy::Swarm(Swarm::new(settings, 3)), 3, delays);
    driver.reject = Box::new(|version, _| (version == VersionId::NEW).then_some(ms(200)));
    driver.command(Command::Begin);
    driver.run_until(at(1300));
    assert_eq!(running(&driver, VersionId::OLD), 3);
    assert_eq!(driver.count(VersionId::OLD, Phase::Draining), 1, "four run for a moment");
}

#[test]
fn surprise_14_a_killed_old_task_comes_back_as_the_new_version() {
    let mut settings = defaults();
    settings.update.delay = ms(3000);
    let mut driver = world(3, settings.clone());
    // Whoever comes last.
    driver.command(Command::Begin);
    driver.run_until(at(500));
    let last = *[0, 1, 2].iter().filter(|id| driver.stopped[0].1 != **id).next_back().unwrap();
    driver.fail(last, at(1000));
    driver.run_until(at(60_000));
    assert_eq!(running(&driver, VersionId::NEW), 3);
    // Two slots of 5 s each, one that costs its delay alone, and the watch.
    assert_eq!(said(&driver).last(), Some(&(10_000 + 3000 + 5000, Said::Completed)));
    // Killing a new one counts as its failure.
    let mut driver = world(3, settings);
    driver.command(Command::Begin);
    driver.run_until(at(2500));
    driver.fail(3, at(2600));
    driver.run_until(at(60_000));
    assert_eq!(driver.last_said(), Some(Said::Paused));
}

#[test]
fn surprise_15_the_same_update_again_resumes_and_one_that_changes_nothing_does_nothing() {
    let mut driver = world(4, defaults());
    driver.command(Command::Operate(Operation::Set(0)));
    driver.run_until(at(30_000));
    assert_eq!(said(&driver), [], "no slot is dirty: there is no update");
    let mut settings = defaults();
    settings.operations = vec![(ms(8000), Operation::Resume)];
    let mut driver = world(5, settings);
    bad(&mut driver, 100);
    begin(&mut driver, 30_000);
    let expected = [
        (0, Said::Progressing),
        (2100, Said::Paused),
        (8000, Said::Progressing),
        (10_100, Said::Paused),
    ];
    assert_eq!(said(&driver), expected);
}

#[test]
fn surprise_16_a_second_update_takes_over_and_leaves_slots_in_hand() {
    let mut settings = defaults();
    settings.operations = vec![(ms(2500), Operation::Rollover)];
    let mut driver = world(3, settings);
    begin(&mut driver, 60_000);
    let third = VersionId(2);
    assert_eq!(running(&driver, third), 3);
    assert_eq!(driver.last_said(), Some(Said::Completed));
    assert_eq!(said(&driver).len(), 2, "one update after the other, one end");
    // Scaling is a second update, too: all that was wanted before is the new version.
    let mut settings = defaults();
    settings.operations = vec![(ms(1500), Operation::Scale(5)), (ms(1600), Operation::Undo)];
    let mut driver = world(3, settings);
    begin(&mut driver, 60_000);
    assert_eq!(running(&driver, VersionId::NEW), 3, "the version stays, the scale is undone");
    assert_eq!(driver.last_said(), Some(Said::RolledBack));
}

#[test]
fn surprise_17_a_paused_rollback_leaves_the_crash_loop_alone() {
    let mut settings = defaults();
    settings.update.failure_action = OnFailure::Rollback;
    let mut driver = world(3, settings);
    driver.crash = Box::new(|_, _| Some(ms(100)));
    begin(&mut driver, 10_000);
    assert_eq!(driver.last_said(), Some(Said::RollbackPaused));
    let started = driver.started;
    driver.run_until(at(30_000));
    assert!(driver.started > started + 10);
    assert_eq!(driver.last_said(), Some(Said::RollbackPaused));
}

#[test]
fn surprise_18_equal_updates_differ_by_the_order_of_slots_alone() {
    let ends: Vec<u64> = (1..9)
        .map(|key| {
            let mut settings = defaults();
            settings.update.parallelism = 2;
            let delays =
                Delays { stop: Box::new(|id| ms(1000 + 700 * u64::from(id))), ..Delays::unit() };
            let mut driver = Driver::new(Strategy::Swarm(Swarm::new(settings, 5)), 5, delays);
            driver.draws = Draws::new(key);
            begin(&mut driver, 60_000);
            assert_eq!(driver.last_said(), Some(Said::Completed));
            said(&driver).last().unwrap().0
        })
        .collect();
    assert!(ends.iter().any(|end| *end != ends[0]), "{ends:?}");
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
