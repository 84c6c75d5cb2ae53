//! Rules 1 to 7.

use super::*;

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
