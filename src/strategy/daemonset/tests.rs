//! Arithmetic, and what the real controller does, rule by rule. The numbers of the rules, and
//! the figures in some tests, are those of recorded rollouts of the real controller.

#![allow(clippy::needless_pass_by_value, clippy::naive_bytecount, reason = "short cases")]

use std::collections::BTreeSet;

use super::DaemonSet;
use crate::scenario::settings::{self, Operation, StrategySettings, UpdateType};
use crate::strategy::driver::{Delays, Driver};
use crate::strategy::{Command, Draws, Rules, State, Strategy};
use crate::trace::{Phase, Said, VersionId};
use crate::units::{Span, Time};

fn settings(unavailable: &str, surge: &str) -> settings::DaemonSet {
    settings::DaemonSet {
        kind: UpdateType::RollingUpdate,
        max_unavailable: unavailable.parse().unwrap(),
        max_surge: surge.parse().unwrap(),
        min_ready: Span::ZERO,
        operations: Vec::new(),
    }
}

fn undone(at: f64, settings: settings::DaemonSet) -> settings::DaemonSet {
    let operations = vec![(Span::from_secs_f64(at), Operation::Undo)];
    settings::DaemonSet { operations, ..settings }
}

fn seconds(s: f64) -> Time {
    Time(Span::from_secs_f64(s).0)
}

/// Every start and every stop takes so many seconds; `None` is never ready.
fn delays(start: impl Fn(VersionId) -> Option<f64> + 'static, stop: f64) -> Delays {
    Delays {
        start: Box::new(move |version, _| start(version).map(Span::from_secs_f64)),
        stop: Box::new(move |_| Span::from_secs_f64(stop)),
        latency: Span::ZERO,
    }
}

fn driver(settings: settings::DaemonSet, n: u32, delays: Delays) -> Driver {
    let mut d = Driver::new(Strategy::new(&StrategySettings::DaemonSet(settings), n), n, delays);
    d.command(Command::Begin);
    d
}

fn run(settings: settings::DaemonSet, n: u32, delays: Delays) -> Driver {
    let mut d = driver(settings, n, delays);
    assert!(d.run_until(seconds(10_000.0)), "does not come to rest");
    d
}

fn state(d: &Driver) -> &super::State {
    let State::DaemonSet(state) = &d.state else { unreachable!() };
    state
}

/// The version on each node.
fn versions(d: &Driver) -> Vec<u8> {
    let mut pods: Vec<_> = d.instances.iter().map(|i| (i.slot, i.version.0)).collect();
    pods.sort_unstable();
    pods.into_iter().map(|(_, version)| version).collect()
}

fn never_ready_new(version: VersionId) -> Option<f64> {
    (version != VersionId::NEW).then_some(1.0)
}

#[test]
fn rule_09_both_percentages_are_rounded_up() {
    for (nodes, count) in [(1, 1), (3, 1), (4, 1), (5, 2), (10, 3), (11, 3), (7, 2)] {
        let unavailable = DaemonSet::new(settings("25%", "0"), nodes);
        assert_eq!((unavailable.max_unavailable(), unavailable.max_surge()), (count, 0));
        assert_eq!(DaemonSet::new(settings("0", "25%"), nodes).max_surge(), count);
        assert_eq!(unavailable.budget().out, count);
    }
    assert_eq!(DaemonSet::new(settings("0", "0"), 5).max_unavailable(), 1, "both zero");
}

#[test]
fn without_surge_one_node_after_the_other_takes_n_times_stop_and_start() {
    for n in [1, 4] {
        let d = run(settings("1", "0"), n, delays(|_| Some(2.0), 3.0));
        assert_eq!(d.said.last(), Some(&(seconds(5.0 * f64::from(n)), Said::Completed)));
        assert_eq!(d.count(VersionId::NEW, Phase::Available), n as usize);
        assert!(d.history.iter().all(|s| s.objects <= n && s.available >= n - 1));
        assert_eq!(state(&d).available(), n);
    }
    let d = run(settings("100%", "0"), 9, delays(|_| Some(2.0), 3.0));
    assert_eq!(d.said.last(), Some(&(seconds(5.0), Said::Completed)));
}

#[test]
fn with_surge_the_new_pod_is_available_before_the_old_one_goes() {
    let d = run(settings("0", "1"), 4, delays(|_| Some(2.0), 3.0));
    assert!(d.history.iter().all(|s| s.kept <= 5));
    assert!(d.history.iter().map(|s| s.objects).max() > Some(5), "old ones still terminate");
    // The next node does not wait until the old pod is gone, but the status does: a node counts
    // by its oldest pod.
    assert_eq!(d.said.last(), Some(&(seconds(4.0 * 2.0 + 3.0), Said::Completed)));
}

#[test]
fn nodes_come_in_a_random_order() {
    let order = |seed| {
        let strategy = Strategy::new(&StrategySettings::DaemonSet(settings("1", "0")), 9);
        let mut d = Driver::new(strategy, 9, Delays::unit());
        d.draws = Draws::new(seed);
        d.command(Command::Begin);
        assert!(d.run_until(seconds(10_000.0)));
        d.stopped.iter().map(|(_, id)| *id).collect::<Vec<_>>()
    };
    let orders: BTreeSet<Vec<u32>> = (0..8).map(order).collect();
    assert_eq!(orders.len(), 8);
    assert_eq!(order(3), order(3));
}

#[test]
fn rule_11_failed_pods_are_deleted_with_back_off_and_a_surge_hops() {
    // Recorded: 8 nodes, surge 10 %; deleted at 1.7, 3.4, 4.5, … on nodes 2, 2, 4, 0, 5, 5, …
    let mut d = driver(settings("0", "10%"), 8, delays(never_ready_new, 0.9));
    let mut nodes = BTreeSet::new();
    d.run_until(Time::ZERO);
    for id in 8..20 {
        let failing = d.instances.iter().map(|i| i.id).max();
        assert_eq!(failing, Some(id), "the next one is there");
        let at = d.now + Span::from_secs(2);
        nodes.insert(d.instances.last().unwrap().slot);
        d.fail(id, at);
        d.run_until(at + Span::from_millis(100));
        if d.instances.iter().all(|i| i.id <= id) {
            // This node's pods failed before: it waits.
            d.run_until(at + Span::from_secs(600));
        }
    }
    assert!(nodes.len() > 2, "{nodes:?}");
    assert!(d.history.iter().all(|s| s.available >= 8 && s.kept <= 9));

    // Without surge the same node tries again, 1 s, 2 s, 4 s, … after the last time at the
    // earliest.
    let mut d = driver(settings("1", "0"), 1, delays(never_ready_new, 0.0));
    d.run_until(seconds(1.0));
    let mut deleted = Vec::new();
    for id in 1..6 {
        d.fail(id, d.now);
        let before = d.stopped.len();
        while d.stopped.len() == before {
            d.run_until(d.now + Span::from_millis(10));
        }
        deleted.push(d.now.as_secs_f64());
        d.run_until(d.now + Span::from_millis(10));
    }
    let gaps: Vec<f64> = deleted.windows(2).map(|w| (w[1] - w[0]).round()).collect();
    assert_eq!(gaps, [1.0, 2.0, 4.0, 8.0]);
}

#[test]
fn rule_14_undoing_counts_terminating_pods() {
    // Recorded: 11 nodes, all surging, v2 never ready; undone at 5.0: complete 40 ms later while
    // eleven pods still terminate.
    let d = run(undone(5.0, settings("0", "100%")), 11, delays(never_ready_new, 1.4));
    assert_eq!(d.said.last(), Some(&(seconds(5.0), Said::RolledBack)));
    let at_the_end = d.history.iter().rfind(|s| s.at == seconds(5.0)).unwrap();
    assert_eq!(at_the_end.objects, 22);
    assert_eq!(versions(&d), [0; 11]);
    assert_eq!(d.stopped.len(), 11);
}

#[test]
fn a_bad_version_stops_at_the_budget_and_undoing_is_free() {
    // Recorded: 7 nodes, 25 %: two nodes are lost, and both are repaired at once.
    let d = run(settings("25%", "0"), 7, delays(never_ready_new, 1.0));
    assert_eq!(versions(&d).iter().filter(|v| **v == 1).count(), 2);
    assert_eq!(d.last_said(), Some(Said::Progressing));
    assert_eq!(state(&d).available(), 5);
    let d = run(undone(5.0, settings("25%", "0")), 7, delays(never_ready_new, 1.0));
    assert_eq!(d.said.last(), Some(&(seconds(7.0), Said::RolledBack)));
    assert_eq!(versions(&d), [0; 7]);
}

#[test]
fn rule_01_min_ready_is_looked_at_a_second_late() {
    // Recorded: wall clock 0.813 at the beginning, start 1.22 s, min ready 2 s: available from
    // 3.187, noticed 3 s after it was ready.
    let spec = settings::DaemonSet { min_ready: Span::from_secs(2), ..settings("0", "1") };
    let mut d = driver(spec, 1, delays(|_| Some(1.22), 0.0));
    d.wall_phase = Span::from_millis(813);
    assert!(d.run_until(seconds(10_000.0)));
    assert_eq!(d.stopped, [(seconds(4.22), 0)]);

    // Without surge the status shows a ready pod that is not available: one second earlier.
    let spec = settings::DaemonSet { min_ready: Span::from_secs(2), ..settings("1", "0") };
    let mut d = driver(spec, 1, delays(|_| Some(1.22), 0.0));
    d.wall_phase = Span::from_millis(813);
    assert!(d.run_until(seconds(10_000.0)));
    assert_eq!(d.said.last(), Some(&(seconds(3.22), Said::Completed)));
}

#[test]
fn rule_16_without_surge_the_old_pod_is_gone_before_its_successor_comes() {
    let d = run(settings("2", "0"), 4, delays(|_| Some(1.0), 30.0));
    assert!(d.history.iter().all(|s| s.objects <= 4));
    let first = d.instances.iter().map(|i| i.created).min();
    assert_eq!(first, Some(seconds(30.0)));
}

#[test]
fn old_pods_that_are_not_available_go_for_free() {
    let mut d = driver(settings("1", "0"), 4, delays(|_| Some(5.0), 0.0));
    d.crash(0, seconds(1.0), seconds(500.0));
    d.crash(1, seconds(1.0), seconds(500.0));
    d.crash(2, seconds(1.0), seconds(500.0));
    d.run_until(seconds(1.0));
    let replaced: BTreeSet<u32> = d.stopped.iter().map(|(_, id)| *id).collect();
    assert!(replaced.is_superset(&BTreeSet::from([0, 1, 2])), "{replaced:?}");
    assert!(d.run_until(seconds(10_000.0)));
    assert_eq!(versions(&d), [1; 4]);
}

#[test]
fn on_delete_only_fills_gaps() {
    let spec = settings::DaemonSet { kind: UpdateType::OnDelete, ..settings("1", "0") };
    let mut d = driver(spec, 3, delays(|_| Some(1.0), 1.0));
    d.fail(1, seconds(3.0));
    assert!(d.run_until(seconds(10_000.0)));
    assert_eq!(versions(&d), [0, 1, 0]);
    assert_eq!(d.last_said(), Some(Said::Progressing));
}
