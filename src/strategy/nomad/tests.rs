//! The window, health, canaries, deadlines, reverts.

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq};
use proptest::proptest;

use crate::scenario::settings::{
    DelayFunction, HealthCheck, Nomad, Operation, Reschedule, StrategySettings,
};
use crate::strategy::driver::{Delays, Driver};
use crate::strategy::{Command, Draws, Strategy};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{Span, Time};

fn settings(max_parallel: u32) -> Nomad {
    Nomad {
        max_parallel,
        canary: 0,
        auto_promote: false,
        auto_revert: false,
        health_check: HealthCheck::Checks,
        min_healthy_time: Span::from_secs(10),
        healthy_deadline: Span::from_secs(300),
        progress_deadline: Span::from_secs(600),
        reschedule: Reschedule {
            delay: Span::from_secs(30),
            function: DelayFunction::Exponential,
            max_delay: Span::from_secs(3600),
            attempts: None,
            interval: Span::from_secs(86_400),
        },
        operations: Vec::new(),
    }
}

fn canaries(canary: u32, max_parallel: u32) -> Nomad {
    Nomad { canary, auto_promote: true, ..settings(max_parallel) }
}

fn begin(settings: Nomad, n: u32, delays: Delays) -> Driver {
    let mut d = Driver::new(Strategy::new(&StrategySettings::Nomad(settings), n), n, delays);
    d.command(Command::Begin);
    d
}

fn millis(ms: u64) -> Time {
    Time::ZERO + Span::from_millis(ms)
}

fn secs(s: u64) -> Time {
    millis(1000 * s)
}

fn end() -> Time {
    secs(100_000)
}

/// New instances are never ready.
fn hung() -> Delays {
    let start = |version, _| (version == VersionId::OLD).then_some(Span::from_secs(1));
    Delays { start: Box::new(start), ..Delays::unit() }
}

fn said(d: &Driver) -> Vec<Said> {
    d.said.iter().map(|(_, said)| *said).collect()
}

fn available_min(d: &Driver) -> u32 {
    d.history.iter().map(|s| s.available).min().unwrap()
}

#[test]
fn each_move_of_the_window_takes_stop_start_health_and_latency() {
    // 250 ms until the end of the old one is known, 1 s start, 10 s healthy, 250 ms until that
    // is known, 1 s until it is evaluated.
    for (n, p) in [(10, 1), (10, 3), (10, 4), (4, 4), (1, 1), (3, 10)] {
        let mut d = begin(settings(p), n, Delays::unit());
        let moves = u64::from(n.div_ceil(p));
        assert!(d.run_until(end()));
        let ends = [(secs(0), Said::Progressing), (millis(12_500 * moves), Said::Completed)];
        assert_eq!(d.said, ends, "{n} by {p}");
        assert_eq!(available_min(&d), n - n.min(p));
        let order: Vec<u32> = d.stopped.iter().map(|(_, id)| *id).collect();
        assert_eq!(order, (0..n).collect::<Vec<_>>(), "lowest names first");
        assert!(d.history.iter().all(|s| s.objects <= n), "stop first");
        assert_eq!(d.count(VersionId::NEW, Phase::Available), n as usize);
        assert_eq!(u64::from(d.strategy.budget().rounds), moves);
        let longer = Delays { stop: Box::new(|_| Span::from_secs(5)), ..Delays::unit() };
        let mut d = begin(settings(p), n, longer);
        assert!(d.run_until(end()));
        assert_eq!(d.said.last(), Some(&(millis(17_500 * moves), Said::Completed)));
    }
}

#[test]
fn the_window_slides() {
    // The first of two in flight takes a minute more; the others go on beside it.
    let start = |_, id| Some(Span::from_secs(if id == 6 { 61 } else { 1 }));
    let delays = Delays { start: Box::new(start), ..Delays::unit() };
    let mut d = begin(settings(2), 6, delays);
    assert!(d.run_until(end()));
    assert_eq!(d.said.last(), Some(&(millis(12_500 + 60_000), Said::Completed)));
    assert_eq!(d.stopped.last().unwrap().0, millis(4 * 12_500));
}

#[test]
fn without_a_deployment_everything_goes_at_once() {
    let mut d = begin(settings(0), 7, Delays::unit());
    assert!(d.run_until(end()));
    assert_eq!(d.said, [(secs(0), Said::Progressing), (millis(1250), Said::Completed)]);
    assert_eq!(available_min(&d), 0);
}

#[test]
fn one_unhealthy_allocation_freezes_the_group_until_the_deadline() {
    let mut d = begin(settings(2), 6, hung());
    assert!(d.run_until(end()));
    // The deadline counts from the first placement; health was decided after 5 minutes.
    assert_eq!(d.said, [(secs(0), Said::Progressing), (secs(600), Said::Failed)]);
    let detected: Vec<_> = d.moments.iter().filter(|(_, m)| *m == Moment::Detected).collect();
    assert_eq!(detected, [&(millis(300_250), Moment::Detected)]);
    assert_eq!(d.started, 2, "one that runs is not rescheduled");
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 4);
}

#[test]
fn a_progress_deadline_of_zero_fails_at_the_first_unhealthy_one() {
    let strict = Nomad { progress_deadline: Span::ZERO, ..settings(1) };
    let mut d = begin(strict.clone(), 4, hung());
    assert!(d.run_until(end()));
    assert_eq!(d.said.last(), Some(&(millis(300_500), Said::Failed)));
    let mut d = begin(strict, 4, Delays::unit());
    assert!(d.run_until(end()));
    assert_eq!(d.said.last(), Some(&(millis(50_000), Said::Completed)));
}

#[test]
fn every_healthy_allocation_moves_the_deadline() {
    // Each takes 4 minutes: 40 in all, with a deadline of 10.
    let slow = Delays { start: Box::new(|_, _| Some(Span::from_secs(240))), ..Delays::unit() };
    let mut d = begin(settings(1), 10, slow);
    assert!(d.run_until(end()));
    assert_eq!(d.said.last(), Some(&(millis(10 * 251_500), Said::Completed)));
}

#[test]
fn failed_allocations_are_rescheduled_with_growing_delays() {
    let mut d = begin(settings(1), 3, Delays::unit());
    // The first two attempts fail half a second after their start.
    d.reject = Box::new(|_, id| (id < 5).then_some(Span::from_millis(500)));
    assert!(d.run_until(end()));
    assert_eq!(d.last_said(), Some(Said::Completed));
    // Stopped: the old one, then the failed ones 30 s and 60 s after they failed.
    let times: Vec<Time> = d.stopped.iter().take(3).map(|(at, _)| *at).collect();
    assert_eq!(times, [millis(0), millis(30_750), millis(91_500)]);
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 3);
}

#[test]
fn when_attempts_are_used_up_it_fails_early() {
    let once = Reschedule { attempts: Some(1), ..settings(1).reschedule };
    let mut d = begin(Nomad { reschedule: once, ..settings(1) }, 3, Delays::unit());
    d.reject = Box::new(|version, _| (version == VersionId::NEW).then_some(Span::from_millis(500)));
    assert!(d.run_until(end()));
    // Failed at 0.75 s and, 30 s + 0.25 s + 0.5 s later, again; known 0.25 s after.
    assert_eq!(d.said.last(), Some(&(millis(31_750), Said::Failed)));
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 2);
}

#[test]
fn a_failed_deployment_reverts_to_the_stable_version() {
    let careful = Nomad { auto_revert: true, ..settings(2) };
    let mut d = begin(careful, 6, hung());
    assert!(d.run_until(end()));
    assert_eq!(said(&d), [Said::Progressing, Said::RollingBack, Said::RolledBack]);
    assert!(d.moments.contains(&(secs(600), Moment::RollbackDecided)));
    assert_eq!(d.said.last(), Some(&(millis(612_500), Said::RolledBack)));
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 6);
    assert_eq!(d.started, 4, "what runs the old version stays");
}

#[test]
fn a_revert_that_fails_is_the_end() {
    let careful = Nomad { auto_revert: true, ..settings(1) };
    let never = Delays { start: Box::new(|_, _| None), ..Delays::unit() };
    let mut d = begin(careful, 3, never);
    assert!(d.run_until(end()));
    assert_eq!(said(&d), [Said::Progressing, Said::RollingBack, Said::Failed]);
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 2);
}

#[test]
fn canaries_come_beside_the_old_ones_and_take_their_names() {
    let mut d = begin(canaries(2, 3), 8, Delays::unit());
    assert!(d.run_until(end()));
    // Canaries: 1 s, 10 s, 250 ms, no second of waiting before the promotion is evaluated. Then
    // two moves of three.
    assert_eq!(d.said.last(), Some(&(millis(11_250 + 2 * 12_500), Said::Completed)));
    assert_eq!(d.history.iter().map(|s| s.active).max(), Some(10));
    assert_eq!(available_min(&d), 5, "ten less the two with the names of canaries and three");
    let first: Vec<u32> = d.stopped.iter().take(5).map(|(_, id)| *id).collect();
    assert_eq!(first, [0, 1, 2, 3, 4]);
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 8);
}

#[test]
fn as_many_canaries_as_allocations_are_blue_and_green() {
    for canary in [5, 7] {
        let mut d = begin(canaries(canary, 1), 5, Delays::unit());
        assert!(d.run_until(end()));
        assert_eq!(d.said.last(), Some(&(millis(11_250), Said::Completed)));
        assert_eq!(available_min(&d), 5);
        assert_eq!(d.count(VersionId::NEW, Phase::Available), 5);
        assert_eq!(d.instances.len(), 5);
    }
}

#[test]
fn canaries_wait_for_somebody_who_promotes_them() {
    let by_hand = Nomad { auto_promote: false, ..canaries(1, 1) };
    let mut d = begin(by_hand.clone(), 3, Delays::unit());
    assert!(d.run_until(end()));
    assert_eq!(d.said, [(secs(0), Said::Progressing), (millis(11_250), Said::Paused)]);
    assert_eq!(d.instances.len(), 4);
    d.now = end();
    d.command(Command::Operate(Operation::Promote));
    assert!(d.run_until(secs(200_000)));
    assert_eq!(said(&d)[2..], [Said::Progressing, Said::Completed]);
    // Too early it is refused.
    let at = |s| Span::from_secs(s);
    let operations = vec![(at(5), Operation::Promote), (at(60), Operation::Promote)];
    let mut d = begin(Nomad { operations, ..by_hand }, 3, Delays::unit());
    assert!(d.run_until(end()));
    assert_eq!(d.said.last(), Some(&(millis(60_000 + 2 * 12_500), Said::Completed)));
}

#[test]
fn an_unhealthy_canary_fails_the_deployment_and_goes() {
    for auto_revert in [false, true] {
        let mut d = begin(Nomad { auto_revert, ..canaries(1, 2) }, 5, hung());
        assert!(d.run_until(end()));
        assert_eq!(d.said[1].0, secs(600));
        let last = if auto_revert { Said::RolledBack } else { Said::Failed };
        assert_eq!(d.last_said(), Some(last));
        assert_eq!(d.count(VersionId::OLD, Phase::Available), 5, "nothing else moved");
        assert_eq!(d.instances.len(), 5, "the canary has been stopped");
        assert_eq!(available_min(&d), 5);
    }
}

#[test]
fn a_revert_after_promotion_goes_through_canaries_again() {
    // Canaries are well, what follows is not.
    let start = |version, id| (version == VersionId::OLD || id < 7).then_some(Span::from_secs(1));
    let delays = Delays { start: Box::new(start), ..Delays::unit() };
    let mut d = begin(Nomad { auto_revert: true, ..canaries(1, 2) }, 6, delays);
    assert!(d.run_until(end()));
    assert_eq!(said(&d), [Said::Progressing, Said::RollingBack, Said::RolledBack]);
    let failed = d.said[1].0;
    let back: Vec<u32> =
        d.stopped.iter().filter(|(at, _)| *at == failed).map(|(_, id)| *id).collect();
    assert_eq!(back, [] as [u32; 0], "first a canary of the old version");
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 6);
    // And if nobody promotes, it waits there.
    let start = |version, id| (version == VersionId::OLD || id < 7).then_some(Span::from_secs(1));
    let delays = Delays { start: Box::new(start), ..Delays::unit() };
    let operations = vec![(Span::from_secs(30), Operation::Promote)];
    let by_hand = Nomad { auto_revert: true, auto_promote: false, operations, ..canaries(1, 2) };
    let mut d = begin(by_hand, 6, delays);
    assert!(d.run_until(end()));
    assert_eq!(d.last_said(), Some(Said::RollbackPaused));
}

#[test]
fn health_by_hand() {
    let at = |s| Span::from_secs(s);
    let operations = (1..=3).map(|k| (at(20 * k), Operation::Promote)).collect();
    let by_hand = Nomad { health_check: HealthCheck::Manual, operations, ..settings(1) };
    let mut d = begin(by_hand.clone(), 3, Delays::unit());
    assert!(d.run_until(end()));
    assert_eq!(d.said.last(), Some(&(millis(61_250), Said::Completed)));
    let nobody = Nomad { operations: Vec::new(), ..by_hand };
    let mut d = begin(nobody.clone(), 3, Delays::unit());
    assert!(d.run_until(end()));
    assert_eq!(d.said.last(), Some(&(secs(600), Said::Failed)));
    let patient = Nomad { progress_deadline: Span::ZERO, ..nobody };
    let mut d = begin(patient, 3, Delays::unit());
    assert!(d.run_until(end()));
    assert_eq!(d.last_said(), Some(Said::Paused));
}

#[test]
fn operations_pause_scale_fail_and_revert() {
    let at = |s| Span::from_secs(s);
    let run = |operations: &[(Span, Operation)], n| {
        let mut d =
            begin(Nomad { operations: operations.to_vec(), ..settings(1) }, n, Delays::unit());
        assert!(d.run_until(end()));
        d
    };
    let d = run(&[(at(5), Operation::Pause), (at(100), Operation::Resume)], 3);
    assert_eq!(d.said.last(), Some(&(millis(125_000), Said::Completed)));
    let d = run(&[(at(5), Operation::Scale(5))], 3);
    assert_eq!((d.last_said(), d.instances.len()), (Some(Said::Completed), 5));
    let d = run(&[(at(5), Operation::Scale(2))], 3);
    assert_eq!((d.last_said(), d.instances.len()), (Some(Said::Completed), 2));
    let d = run(&[(at(20), Operation::Abort)], 3);
    assert_eq!(d.said.last(), Some(&(secs(20), Said::Failed)));
    let d = run(&[(at(20), Operation::Undo)], 3);
    assert_eq!(d.last_said(), Some(Said::RolledBack));
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_window_holds_and_it_ends(
        n in 1u32..20,
        max_parallel in 0u32..8,
        canary in 0u32..6,
        auto_revert in any::<bool>(),
        latency_ms in 0u64..100,
        bad in 0u64..40,
        seed in any::<u64>(),
    ) {
        let luck = Draws::new(seed);
        let delays = Delays {
            start: Box::new(move |version, id| {
                let bad = version == VersionId::NEW && luck.bits(1, id) % 100 < bad / 2;
                (!bad).then(|| Span::from_millis(luck.bits(2, id) % 20_000))
            }),
            stop: Box::new(move |id| Span::from_millis(luck.bits(3, id) % 5000)),
            latency: Span::from_millis(latency_ms),
        };
        let canary = if max_parallel == 0 { 0 } else { canary };
        let auto_promote = canary > 0;
        let job = Nomad { canary, auto_promote, auto_revert, ..settings(max_parallel) };
        let mut d = begin(job, n, delays);
        d.draws = luck;
        d.reject = Box::new(move |version, id| {
            let fails = version == VersionId::NEW && luck.bits(4, id) % 100 < bad;
            fails.then(|| Span::from_millis(luck.bits(5, id) % 30_000))
        });
        let budget = d.strategy.budget();
        prop_assert!(d.run_until(secs(1_000_000)), "does not come to rest");
        if max_parallel > 0 {
            prop_assert!(d.last_said().unwrap().is_terminal(), "{:?}", d.said);
        }
        for s in &d.history {
            prop_assert!(s.kept <= n + canary, "{s:?}");
            if bad == 0 {
                prop_assert!(s.available >= n - budget.out, "{s:?} below {}", n - budget.out);
            }
        }
        match d.last_said() {
            Some(Said::Completed) => {
                let there = d.instances.iter().filter(|i| i.phase.is_active());
                prop_assert_eq!(there.count(), n as usize);
                prop_assert!(d.instances.iter().all(|i| i.version == VersionId::NEW));
            }
            Some(Said::RolledBack) => {
                prop_assert_eq!(d.count(VersionId::OLD, Phase::Available), n as usize);
                prop_assert!(auto_revert);
            }
            _ => prop_assert!(bad > 0),
        }
    }
}
