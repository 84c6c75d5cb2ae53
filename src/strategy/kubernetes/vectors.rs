//! Golden vectors of a Deployment: start-up time 1 s, zero stop time, immediate controllers.

use super::fenceposts;
use crate::scenario::settings::{
    AvailabilityTiming, DeploymentKind, KubernetesDeployment, StrategySettings,
};
use crate::strategy::driver::{Delays, Driver};
use crate::strategy::{Command, Strategy};
use crate::trace::{Phase, Said, VersionId};
use crate::units::{CountOrPercent, Span, Time};

pub(super) fn settings(surge: &str, unavailable: &str) -> KubernetesDeployment {
    KubernetesDeployment {
        kind: DeploymentKind::RollingUpdate,
        max_surge: surge.parse().unwrap(),
        max_unavailable: unavailable.parse().unwrap(),
        min_ready: Span::ZERO,
        progress_deadline: Span::from_secs(600),
        timing: AvailabilityTiming::WholeSeconds,
        operations: Vec::new(),
    }
}

pub(super) fn driver(settings: KubernetesDeployment, n: u32, delays: Delays) -> Driver {
    Driver::new(Strategy::new(&StrategySettings::Kubernetes(settings), n), n, delays)
}

pub(super) fn seconds(s: f64) -> Time {
    Time(Span::from_secs_f64(s).0)
}

/// Runs a healthy rollout: (waves, lowest available, highest sum of sizes).
fn roll(n: u32, surge: &str, unavailable: &str) -> (u64, u32, u32) {
    let mut driver = driver(settings(surge, unavailable), n, Delays::unit());
    driver.command(Command::Begin);
    assert!(driver.run_until(seconds(1000.0)));
    assert_eq!(driver.last_said(), Some(Said::Completed));
    assert_eq!(driver.count(VersionId::NEW, Phase::Available), n as usize);
    assert_eq!(driver.instances.len(), n as usize);
    let end = driver.said.last().unwrap().0;
    assert_eq!(end.0 % 1_000_000_000, 0);
    let low = driver.history.iter().map(|s| s.available).min().unwrap();
    let high = driver.history.iter().map(|s| s.sizes.iter().sum()).max().unwrap();
    (end.0 / 1_000_000_000, low, high)
}

#[test]
fn default_settings_by_fleet_size() {
    let table = [
        (1, 1, 0, 1, 1, 2),
        (2, 1, 0, 2, 2, 3),
        (3, 1, 0, 3, 3, 4),
        (4, 1, 1, 2, 3, 5),
        (5, 2, 1, 2, 4, 7),
        (7, 2, 1, 3, 6, 9),
        (8, 2, 2, 2, 6, 10),
        (10, 3, 2, 2, 8, 13),
        (11, 3, 2, 3, 9, 14),
        (15, 4, 3, 3, 12, 19),
        (20, 5, 5, 2, 15, 25),
        (40, 10, 10, 2, 30, 50),
        (99, 25, 24, 3, 75, 124),
        (100, 25, 25, 2, 75, 125),
        (101, 26, 25, 2, 76, 127),
    ];
    for (n, surge, unavailable, waves, low, high) in table {
        let quarter = CountOrPercent::Percent(25.0);
        let posts = fenceposts::resolve(quarter, quarter, n);
        assert_eq!((posts.surge, posts.unavailable), (surge, unavailable), "N = {n}");
        assert_eq!(roll(n, "25%", "25%"), (waves, low, high), "N = {n}");
    }
}

#[test]
fn other_settings() {
    assert_eq!(roll(10, "1", "0").0, 10);
    assert_eq!(roll(10, "0", "1").0, 10);
    assert_eq!(roll(10, "100%", "0").0, 1);
    assert_eq!(roll(10, "0", "50%").0, 2);
    assert_eq!(roll(1, "0%", "25%"), (1, 0, 1));
}

#[test]
fn ten_instances_step_by_step() {
    let mut driver = driver(settings("25%", "25%"), 10, Delays::unit());
    driver.command(Command::Begin);
    driver.run_until(seconds(1000.0));
    let mut steps: Vec<(u64, u32, u32)> = Vec::new();
    for s in &driver.history {
        let step = (s.at.0 / 1_000_000_000, s.sizes[0], s.sizes.get(1).copied().unwrap_or(0));
        if steps.last().is_none_or(|last| (last.1, last.2) != (step.1, step.2)) {
            steps.push(step);
        }
    }
    let expected = [(0, 10, 3), (0, 8, 3), (0, 8, 5), (1, 3, 5), (1, 3, 10), (2, 0, 10)];
    assert_eq!(steps, expected);
}
