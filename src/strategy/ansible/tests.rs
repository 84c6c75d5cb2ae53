//! Batches, forks, thresholds, and plays that stop.

use proptest::prelude::{Just, ProptestConfig, any, prop_assert, prop_assert_eq};
use proptest::{prop_oneof, proptest};

use super::Ansible as Rules;
use crate::scenario::settings::{Ansible, HostOrder, StrategySettings};
use crate::strategy::driver::{Delays, Driver};
use crate::strategy::{Action, Command, Draws, Strategy};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{Span, Time};

fn settings(serial: &[&str]) -> Ansible {
    Ansible {
        serial: serial.iter().map(|size| size.parse().unwrap()).collect(),
        max_fail_percentage: None,
        any_errors_fatal: false,
        forks: 100,
        order: HostOrder::Inventory,
        drain_wait: Span::ZERO,
        start_timeout: Span::from_secs(60),
    }
}

fn begin(settings: Ansible, n: u32, delays: Delays) -> Driver {
    let mut driver = Driver::new(Strategy::new(&StrategySettings::Ansible(settings), n), n, delays);
    driver.command(Command::Begin);
    driver
}

fn secs(s: u64) -> Time {
    Time::from_secs(s)
}

/// The new instances with these numbers are never ready.
fn bad(ids: &'static [u32]) -> Delays {
    let start = |_, id| (!ids.contains(&id)).then_some(Span::from_secs(1));
    Delays { start: Box::new(start), ..Delays::unit() }
}

fn sizes(serial: &[&str], hosts: u32) -> Vec<usize> {
    Rules::new(settings(serial), hosts).batches.iter().map(std::ops::Range::len).collect()
}

#[test]
fn serial_is_cut_as_ansible_cuts_it() {
    assert_eq!(sizes(&["30%"], 10), [3, 3, 3, 1]);
    assert_eq!(sizes(&["1", "20%", "100%"], 10), [1, 2, 7]);
    assert_eq!(sizes(&["25%"], 3), [1, 1, 1]);
    assert_eq!(sizes(&["1", "5", "10"], 100), [1, 5, 10, 10, 10, 10, 10, 10, 10, 10, 10, 4]);
    // 0.29 · 100 is 28.999…, which is cut off.
    assert_eq!(sizes(&["29%"], 100), [28, 28, 28, 16]);
    assert_eq!(sizes(&["0%"], 2), [1, 1]);
    assert_eq!(sizes(&["2", "0"], 10), [2, 8]);
    assert_eq!(sizes(&[], 10), [10]);
    assert_eq!(sizes(&["1", "25%"], 12), [1, 3, 3, 3, 2]);
}

#[test]
fn each_batch_is_stopped_and_started_in_place() {
    let mut d = begin(settings(&["30%"]), 10, Delays::unit());
    assert!(d.run_until(secs(1000)));
    assert_eq!(d.said, [(secs(0), Said::Progressing), (secs(4), Said::Completed)]);
    let begun: Vec<_> = d.moments.iter().map(|(at, _)| *at).collect();
    assert_eq!(begun, [secs(0), secs(1), secs(2), secs(3)]);
    assert_eq!(d.history.iter().map(|s| s.available).min(), Some(7));
    assert!(d.history.iter().all(|s| s.objects <= 10));
    let mut slots: Vec<u32> = d.instances.iter().map(|i| i.slot).collect();
    slots.sort_unstable();
    assert_eq!(slots, (0..10).collect::<Vec<_>>());
}

#[test]
fn forks_stretch_a_batch_and_do_not_divide_it() {
    let two_seconds = || Delays { stop: Box::new(|_| Span::from_secs(2)), ..Delays::unit() };
    let run = |forks| {
        let mut d = begin(Ansible { forks, ..settings(&[]) }, 20, two_seconds());
        assert!(d.run_until(secs(1000)));
        (d.last_said(), d.said.last().unwrap().0, d.history.iter().map(|s| s.available).min())
    };
    // Four rounds of stops, then four rounds of starts; everybody is out in between.
    assert_eq!(run(5), (Some(Said::Completed), secs(4 * 2 + 4), Some(0)));
    assert_eq!(run(20), (Some(Said::Completed), secs(2 + 1), Some(0)));
    assert_eq!(run(1), (Some(Said::Completed), secs(20 * 2 + 20), Some(0)));
}

#[test]
fn a_fork_goes_on_to_the_next_host_at_once() {
    // One host needs 10 s to stop, the others 1 s: two forks are through after 10 s, not 12 s.
    let stop = |id| Span::from_secs(if id == 0 { 10 } else { 1 });
    let delays = Delays { stop: Box::new(stop), ..Delays::unit() };
    let mut d = begin(Ansible { forks: 2, ..settings(&[]) }, 6, delays);
    assert!(d.run_until(secs(1000)));
    assert_eq!(d.said.last(), Some(&(secs(10 + 3), Said::Completed)));
}

#[test]
fn failures_must_exceed_their_share_of_the_batch() {
    let run = |percent, bad_ones: &'static [u32], n| {
        let tolerant = Ansible { max_fail_percentage: Some(percent), ..settings(&["10"]) };
        let mut d = begin(tolerant, n, bad(bad_ones));
        assert!(d.run_until(secs(10_000)));
        (d.started, d.last_said())
    };
    // The first batch's new instances are 20 … 29.
    assert_eq!(run(30.0, &[20, 23, 29], 20), (20, Some(Said::Failed)));
    assert_eq!(run(30.0, &[20, 23, 25, 29], 20), (10, Some(Said::Failed)));
    assert_eq!(run(0.0, &[29], 20), (10, Some(Said::Failed)));
    assert_eq!(run(0.0, &[], 20), (20, Some(Said::Completed)));
    // Counted anew for each batch: three and three.
    assert_eq!(run(30.0, &[20, 21, 22, 30, 31, 32], 20), (20, Some(Said::Failed)));
    // Of the batch, also where that is small: one of the last two is too many.
    assert_eq!(run(30.0, &[22], 12), (12, Some(Said::Failed)));
}

#[test]
fn any_error_or_a_whole_batch_stops_the_play() {
    let mut d = begin(settings(&["2"]), 6, bad(&[6, 7]));
    assert!(d.run_until(secs(10_000)));
    assert_eq!(d.said.last(), Some(&(secs(60), Said::Failed)));
    assert_eq!((d.started, d.count(VersionId::OLD, Phase::Available)), (2, 4));
    // Half a batch may fail for ever, the play goes on, and is no success.
    let mut d = begin(settings(&["2"]), 6, bad(&[6]));
    assert!(d.run_until(secs(10_000)));
    assert_eq!((d.started, d.last_said()), (6, Some(Said::Failed)));
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 5);
    let strict = Ansible { any_errors_fatal: true, ..settings(&["2"]) };
    let mut d = begin(strict, 6, bad(&[6]));
    assert!(d.run_until(secs(10_000)));
    assert_eq!((d.started, d.last_said()), (2, Some(Said::Failed)));
    let failed: Vec<_> =
        d.moments.iter().filter(|(_, m)| !matches!(m, Moment::Batch(_))).copied().collect();
    assert_eq!(failed, [(secs(60), Moment::InstanceFailed(6)), (secs(60), Moment::Detected)]);
}

#[test]
fn a_crash_fails_its_host_at_once() {
    let mut d = begin(settings(&["1"]), 3, bad(&[4]));
    d.fail(4, Time(1_500_000_000));
    assert!(d.run_until(secs(10_000)));
    assert_eq!(d.said.last(), Some(&(Time(1_500_000_000), Said::Failed)));
}

#[test]
fn a_lost_host_does_not_count_for_the_percentage() {
    let patient = Ansible { max_fail_percentage: Some(0.0), ..settings(&["2"]) };
    let mut d = begin(patient, 4, Delays::unit());
    d.instances.retain(|i| i.id != 0);
    assert!(d.run_until(secs(10_000)));
    assert_eq!((d.started, d.last_said()), (3, Some(Said::Failed)));
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 3);
}

#[test]
fn the_old_version_comes_back_as_another_play() {
    for half_seconds in [0, 1, 2, 3, 5, 7, 8, 20] {
        let mut d = begin(settings(&["30%"]), 10, Delays::unit());
        d.run_until(Time(half_seconds * 500_000_000));
        d.command(Command::Rollback);
        assert!(d.run_until(secs(1000)));
        assert_eq!(d.last_said(), Some(Said::RolledBack), "{half_seconds}");
        assert_eq!(d.count(VersionId::OLD, Phase::Available), 10);
        assert_eq!(d.instances.len(), 10);
    }
    // A play that broke off is repaired by it, too.
    let mut d = begin(settings(&["2"]), 6, bad(&[8, 9]));
    d.run_until(secs(1000));
    d.command(Command::Rollback);
    assert!(d.run_until(secs(10_000)));
    assert_eq!(d.last_said(), Some(Said::RolledBack));
    assert_eq!(d.started, 4 + 4);
}

#[test]
fn hosts_are_taken_in_the_wanted_order() {
    let run = |order| {
        let mut d = begin(Ansible { order, ..settings(&["1"]) }, 12, Delays::unit());
        assert!(d.run_until(secs(1000)));
        d.stopped.iter().map(|(_, id)| id + 1).collect::<Vec<_>>()
    };
    let inventory: Vec<u32> = (1..=12).collect();
    assert_eq!(run(HostOrder::Inventory), inventory);
    assert_eq!(run(HostOrder::ReverseInventory), (1..=12).rev().collect::<Vec<_>>());
    let by_name = [1, 10, 11, 12, 2, 3, 4, 5, 6, 7, 8, 9];
    assert_eq!(run(HostOrder::Sorted), by_name);
    assert_eq!(run(HostOrder::ReverseSorted), by_name.into_iter().rev().collect::<Vec<_>>());
    let mut shuffled = run(HostOrder::Shuffle);
    assert_ne!(shuffled, inventory);
    shuffled.sort_unstable();
    assert_eq!(shuffled, inventory);
}

#[test]
fn a_replacement_fills_the_same_place() {
    let rules = Strategy::new(&StrategySettings::Ansible(settings(&["1"])), 2);
    let mut d = Driver::new(rules, 2, Delays::unit());
    d.command(Command::Begin);
    d.run_until(Time::ZERO);
    assert_eq!(d.instances.iter().map(|i| (i.id, i.slot)).collect::<Vec<_>>(), [(1, 1), (2, 0)]);
    assert_eq!(
        Action::start_in(0, VersionId::NEW),
        Action::Start { version: VersionId::NEW, slot: 0, held: false }
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn it_ends_and_keeps_its_floor(
        n in 1u32..25,
        serial in prop_oneof![
            Just(vec![]), Just(vec!["1", "25%"]), Just(vec!["3"]), Just(vec!["40%"]),
            Just(vec!["2", "0"]),
        ],
        forks in 1u32..8,
        bad_percent in prop_oneof![Just(0u64), 0u64..60],
        max_fail in prop_oneof![Just(None), Just(Some(0.0)), Just(Some(30.0))],
        any_errors_fatal in any::<bool>(),
        latency_ms in 0u64..100,
        seed in any::<u64>(),
    ) {
        let luck = Draws::new(seed);
        let delays = Delays {
            start: Box::new(move |version, id| {
                let bad = version == VersionId::NEW && luck.bits(1, id) % 100 < bad_percent;
                (!bad).then(|| Span::from_millis(luck.bits(2, id) % 5000))
            }),
            stop: Box::new(move |id| Span::from_millis(luck.bits(3, id) % 2000)),
            latency: Span::from_millis(latency_ms),
        };
        let play = Ansible {
            max_fail_percentage: max_fail, any_errors_fatal, forks, ..settings(&serial)
        };
        let largest = sizes(&serial, n).into_iter().max().unwrap() as u32;
        let mut d = begin(play, n, delays);
        prop_assert!(d.run_until(secs(100_000)), "does not come to rest");
        let failed = d.moments.iter().filter(|(_, m)| matches!(m, Moment::InstanceFailed(_)));
        let failed = failed.count() as u32;
        let said = d.last_said().unwrap();
        prop_assert_eq!(said, if failed == 0 { Said::Completed } else { Said::Failed });
        let available = d.count(VersionId::NEW, Phase::Available) as u32;
        prop_assert_eq!(available + failed, d.started);
        prop_assert_eq!(d.instances.len(), n as usize);
        for s in &d.history {
            prop_assert!(s.objects <= n);
            prop_assert!(s.available + largest + failed >= n);
        }
    }
}
