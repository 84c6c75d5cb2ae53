//! Surprises 1 to 18.

use super::*;

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
    let last = *[0, 1, 2].iter().rfind(|id| driver.stopped[0].1 != **id).unwrap();
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
