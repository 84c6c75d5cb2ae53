//! Processes that end by themselves, probes that kill, waits for rest before SIGTERM.

use proptest::prelude::*;
use rollcast::scenario::{Dist, GraceFrom, OnTerm, Restart, Scenario};
use rollcast::sim::Depth;
use rollcast::trace::{Cause, Ending, Phase, Record, VersionId};
use rollcast::units::{Share, Span, Time};

use super::any::{self, quiet, steady};
use super::books::{Books, play};

const fn seconds(seconds: u64) -> Span {
    Span::from_secs(seconds)
}

/// (seconds after the beginning of the rollout at 10 s, phase, cause) of one instance.
fn of(instance: u32, records: &[(Time, Record)]) -> Vec<(f64, Phase, Cause)> {
    let moves = records.iter().filter_map(|(at, record)| match record {
        Record::Phase { instance: id, to, cause, .. } if *id == instance => {
            Some((at.since(Time::from_secs(10)).as_secs_f64(), *to, *cause))
        }
        _ => None,
    });
    moves.collect()
}

/// One instance, whose successor crashes 5 s after each start.
fn crashing(attempts: u32) -> Scenario {
    let mut scenario = quiet(1);
    scenario.versions.new.crash = Share(1.0);
    scenario.versions.new.crash_after = Dist::Fixed(seconds(5));
    scenario.restart =
        Restart { attempts, delay: seconds(2), delay_max: seconds(3), ..scenario.restart };
    scenario.margin = seconds(10);
    scenario
}

#[test]
fn crashes_are_restarted_with_a_doubling_delay_then_fail() {
    let (records, _) = play(&crashing(3), 0, Depth::Control);
    let moves = of(1, &records);
    let at = |phase| -> Vec<f64> { moves.iter().filter(|m| m.1 == phase).map(|m| m.0).collect() };
    // Ready a second after each start, crashed five after it: at 5, 10 (at once), 17 (after 2 s)
    // and 25 (after 3 s, not 4).
    assert_eq!(at(Phase::Ready), [1.0, 6.0, 13.0, 21.0]);
    assert_eq!(at(Phase::Starting), [0.0, 5.0, 10.0, 17.0]);
    assert_eq!(at(Phase::Failed), [25.0]);
    assert!(moves.contains(&(25.0, Phase::Failed, Cause::Crashed)));
}

#[test]
fn without_restarts_a_crash_is_the_end() {
    let (records, _) = play(&crashing(0), 0, Depth::Control);
    assert!(of(1, &records).contains(&(5.0, Phase::Failed, Cause::Crashed)));
}

#[test]
fn a_crash_may_come_before_readiness() {
    let mut scenario = crashing(1);
    scenario.versions.new.start = Dist::Fixed(seconds(60));
    let (records, _) = play(&scenario, 0, Depth::Control);
    let moves = of(1, &records);
    assert!(moves.iter().all(|m| !m.1.is_ready()), "{moves:?}");
    assert!(moves.contains(&(10.0, Phase::Failed, Cause::Crashed)), "{moves:?}");
}

#[test]
fn a_crash_cuts_requests_and_is_noticed_late() {
    let mut scenario = crashing(u32::MAX);
    scenario.service.instances = 2;
    scenario.traffic = Some(steady(100.0));
    scenario.versions.new.service_time = Dist::Fixed(Span::from_millis(50));
    scenario.clients.lag_remove = Dist::Fixed(seconds(1));
    scenario.clients.retries.attempts = 1;
    let (records, _) = play(&scenario, 0, Depth::Requests);
    let books = Books::of(&records);
    let new = books.ended[usize::from(VersionId::NEW.0)];
    assert!(new[Ending::Cut as usize] > 0, "{new:?}");
    assert!(new[Ending::Refused as usize] + new[Ending::Reset as usize] > 0, "{new:?}");
}

#[test]
fn without_probes_an_instance_is_ready_before_it_can_answer() {
    let mut scenario = quiet(2);
    scenario.probes.enabled = false;
    scenario.probes.period = seconds(10);
    scenario.versions.new.start = Dist::Fixed(seconds(4));
    scenario.traffic = Some(steady(50.0));
    scenario.clients.retries.attempts = 1;
    let (records, _) = play(&scenario, 0, Depth::Requests);
    assert!(of(2, &records).contains(&(0.0, Phase::Ready, Cause::Probe)));
    let served = |(at, record): &(Time, Record)| match record {
        Record::Serving { instance: 2, serving: true, .. } => Some(at.0),
        _ => None,
    };
    assert_eq!(records.iter().find_map(served), Some(14_000_000_000));
    let ended = Books::of(&records).ended[1];
    assert!(ended[Ending::Refused as usize] + ended[Ending::Reset as usize] > 50, "{ended:?}");
}

#[test]
fn probes_kill_what_does_not_answer_in_time() {
    let mut scenario = quiet(1);
    scenario.probes.period = seconds(2);
    scenario.probes.kills = true;
    scenario.probes.start_period = seconds(5);
    scenario.versions.new.start = Dist::Fixed(seconds(60));
    scenario.versions.new.exit = Dist::Fixed(seconds(4));
    scenario.shutdown.grace = seconds(3);
    // Probes at 0, 2, 4 do not count, those at 6, 8 and 10 do; then SIGKILL.
    let (records, _) = play(&scenario, 0, Depth::Control);
    assert!(of(1, &records).contains(&(13.0, Phase::Failed, Cause::Crashed)));
    scenario.versions.new.start = Dist::Fixed(seconds(10));
    let (records, _) = play(&scenario, 0, Depth::Control);
    assert!(of(1, &records).contains(&(10.0, Phase::Ready, Cause::Probe)));
    // With restarts it is started again, and killed again.
    scenario.versions.new.start = Dist::Fixed(seconds(60));
    scenario.restart.attempts = 1;
    let (records, _) = play(&scenario, 0, Depth::Control);
    assert!(of(1, &records).contains(&(26.0, Phase::Failed, Cause::Crashed)));
}

/// Old instances leave rotations after 1 s, and answer within 4 s.
fn draining() -> Scenario {
    let mut scenario = quiet(2);
    scenario.traffic = Some(steady(20.0));
    scenario.versions.old.service_time = Dist::Fixed(seconds(4));
    scenario.clients.timeout = seconds(60);
    scenario.clients.lag_remove = Dist::Fixed(seconds(1));
    scenario.clients.retries.attempts = 1;
    scenario.service.discipline =
        rollcast::scenario::Discipline::Sharing { cores: 1000.0, limit: None };
    scenario.shutdown.drain_wait = seconds(30);
    scenario.shutdown.grace = seconds(5);
    scenario.shutdown.grace_from = GraceFrom::Term;
    scenario.shutdown.on_term = OnTerm::Exit;
    scenario
}

#[test]
fn sigterm_waits_for_rest() {
    let scenario = draining();
    let (records, _) = play(&scenario, 0, Depth::Requests);
    let books = Books::of(&records);
    let lost: u64 = [Ending::Cut, Ending::Refused, Ending::Reset]
        .map(|e| books.ended[0][e as usize])
        .iter()
        .sum();
    assert_eq!(lost, 0, "{:?}", books.ended);
    let gone = of(0, &records).last().unwrap().0;
    assert!((4.5..=5.0).contains(&gone), "{gone}");
    // The other depth says nearly the same.
    let (records, _) = play(&scenario, 0, Depth::Control);
    let gone = of(0, &records).last().unwrap().0;
    assert!((4.5..=5.0).contains(&gone), "{gone}");
}

#[test]
fn sigterm_does_not_wait_longer_than_it_may() {
    let mut scenario = draining();
    scenario.shutdown.drain_wait = seconds(2);
    let (records, _) = play(&scenario, 0, Depth::Requests);
    assert_eq!(of(0, &records).last(), Some(&(2.0, Phase::Stopped, Cause::Exited)));
    assert!(Books::of(&records).ended[0][Ending::Cut as usize] > 0);
    // From SIGTERM on it has all its grace, from the stop on only what is left of it.
    scenario.shutdown.on_term = OnTerm::Ignore;
    for (grace_from, gone) in [(GraceFrom::Term, 7.0), (GraceFrom::Stop, 5.0)] {
        scenario.shutdown.grace_from = grace_from;
        let (records, _) = play(&scenario, 0, Depth::Requests);
        assert_eq!(of(0, &records).last(), Some(&(gone, Phase::Stopped, Cause::Killed)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64, failure_persistence: None, ..ProptestConfig::default()
    })]

    /// The checker in `play` sees every move; requests still end once each.
    #[test]
    fn unruly_processes_keep_the_books(
        plan in any::plan(),
        replication in 0u32..100,
        crash in 0.0f64..=1.0,
        mean in 1u64..30,
        attempts in prop_oneof![0u32..4, Just(u32::MAX)],
        probed in any::<(bool, bool)>(),
        waits in (0u64..6000, any::<bool>()),
    ) {
        let mut scenario = plan.scenario();
        for version in [&mut scenario.versions.old, &mut scenario.versions.new] {
            version.crash = Share(crash);
            version.crash_after = Dist::Exponential { mean: seconds(mean) };
        }
        let (delay, delay_max) = (seconds(1), seconds(8));
        scenario.restart = Restart { attempts, delay, delay_max, ..scenario.restart };
        (scenario.probes.enabled, scenario.probes.kills) = probed;
        scenario.shutdown.drain_wait = Span::from_millis(waits.0);
        scenario.shutdown.grace_from = if waits.1 { GraceFrom::Term } else { GraceFrom::Stop };
        scenario.control.launch = Dist::Fixed(Span::from_millis(700));
        for depth in [Depth::Control, Depth::Requests] {
            let (records, end) = play(&scenario, replication, depth);
            let books = Books::of(&records);
            prop_assert_eq!(books.serving.len(), books.serving_of_living);
            let horizon = Time::ZERO + scenario.margin * 2.0 + scenario.horizon;
            prop_assert!(end <= horizon + scenario.slo.window * 2.0);
            if depth == Depth::Requests {
                prop_assert_eq!(books.arrived, books.ended.iter().flatten().sum::<u64>());
            }
        }
    }
}
