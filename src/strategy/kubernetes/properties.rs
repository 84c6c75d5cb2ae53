//! Properties of a Deployment under random settings, delays and latencies.

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq};
use proptest::{prop_oneof, proptest};

use super::Deployment;
use super::vectors::{driver, seconds};
use crate::scenario::settings::{
    AvailabilityTiming, DeploymentKind, KubernetesDeployment, Operation,
};
use crate::strategy::driver::Delays;
use crate::strategy::{Command, Draws, State};
use crate::trace::{Phase, Said, VersionId};
use crate::units::{CountOrPercent, Span};

fn amount() -> impl Strategy<Value = CountOrPercent> {
    prop_oneof![
        (0u32..12).prop_map(CountOrPercent::Count),
        (0u32..=100).prop_map(|p| CountOrPercent::Percent(f64::from(p))),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        (0u32..30).prop_map(Operation::Scale),
        Just(Operation::Pause),
        Just(Operation::Resume),
        Just(Operation::Undo),
        Just(Operation::Rollover),
    ]
}

/// Random starts up to 4 s and stops up to 2 s; of each version but the old one the given
/// percentage is never ready.
fn delays(seed: u64, bad_percent: u64, latency_ms: u64) -> Delays {
    let luck = Draws::new(seed);
    Delays {
        start: Box::new(move |version, id| {
            let bad = version != VersionId::OLD && luck.bits(1, id) % 100 < bad_percent;
            (!bad).then(|| Span::from_millis(luck.bits(2, id) % 4000))
        }),
        stop: Box::new(move |id| Span::from_millis(luck.bits(3, id) % 2000)),
        latency: Span::from_millis(latency_ms),
    }
}

fn spec(
    (max_surge, max_unavailable): (CountOrPercent, CountOrPercent),
    min_ready: u64,
    recreate: bool,
    rechecked: bool,
) -> KubernetesDeployment {
    let timing =
        if rechecked { AvailabilityTiming::Rechecked } else { AvailabilityTiming::WholeSeconds };
    let kind = if recreate { DeploymentKind::Recreate } else { DeploymentKind::RollingUpdate };
    let (min_ready, progress_deadline) = (Span::from_secs(min_ready), Span::from_secs(60));
    let operations = Vec::new();
    KubernetesDeployment {
        kind,
        max_surge,
        max_unavailable,
        min_ready,
        progress_deadline,
        timing,
        operations,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_healthy_rollout_completes_within_its_bounds(
        n in 1u32..30,
        budget in (amount(), amount()),
        min_ready in 0u64..4,
        recreate in any::<bool>(),
        rechecked in any::<bool>(),
        latency_ms in prop_oneof![Just(0u64), 1u64..200],
        phase_ms in 0u64..1000,
        seed in any::<u64>(),
    ) {
        let spec = spec(budget, min_ready, recreate, rechecked);
        let limits = Deployment::new(spec.clone(), n);
        let (ceiling, floor) = (n + limits.surge(n), limits.min_available(n));
        let mut d = driver(spec, n, delays(seed, 0, latency_ms));
        d.wall_phase = Span::from_millis(phase_ms);
        d.command(Command::Begin);
        prop_assert!(d.run_until(seconds(100_000.0)), "does not come to rest");
        prop_assert_eq!(d.last_said(), Some(Said::Completed));
        prop_assert_eq!(d.count(VersionId::NEW, Phase::Available), n as usize);
        prop_assert_eq!(d.instances.len() as u32, n);
        prop_assert_eq!(d.started, d.stopped.len() as u32);
        for s in &d.history {
            prop_assert!(s.sizes.iter().sum::<u32>() <= ceiling);
            prop_assert!(s.available >= floor, "{} < {}", s.available, floor);
        }
        if recreate {
            let first_new = d.history.iter().find(|s| s.sizes.get(1).is_some_and(|&s| s > 0));
            prop_assert_eq!(first_new.unwrap().objects, 0, "an old one was still there");
        }
    }

    #[test]
    fn a_bad_version_ends_in_a_reported_timeout_and_a_rollback_repairs_it(
        n in 1u32..20,
        budget in (amount(), amount()),
        min_ready in 0u64..3,
        recreate in any::<bool>(),
        latency_ms in 0u64..100,
        seed in any::<u64>(),
    ) {
        let spec = spec(budget, min_ready, recreate, false);
        let limits = Deployment::new(spec.clone(), n);
        let floor = limits.min_available(n);
        let mut d = driver(spec, n, delays(seed, 100, latency_ms));
        d.command(Command::Begin);
        prop_assert!(d.run_until(seconds(100_000.0)), "does not come to rest");
        prop_assert_eq!(d.last_said(), Some(Said::DeadlineExceeded));
        prop_assert!(d.history.last().unwrap().available >= floor);
        d.command(Command::Rollback);
        prop_assert!(d.run_until(seconds(200_000.0)));
        prop_assert_eq!(d.last_said(), Some(Said::RolledBack));
        prop_assert_eq!(d.count(VersionId::OLD, Phase::Available), n as usize);
        prop_assert_eq!(d.instances.len() as u32, n);
    }

    #[test]
    fn any_operations_come_to_rest_at_the_size_asked_for(
        n in 1u32..20,
        budget in (amount(), amount()),
        min_ready in 0u64..3,
        operations in proptest::collection::vec((0u64..10_000, operation()), 0..6),
        latency_ms in 0u64..100,
        bad_percent in prop_oneof![Just(0u64), Just(30u64)],
        seed in any::<u64>(),
    ) {
        let mut spec = spec(budget, min_ready, false, false);
        let mut operations: Vec<_> =
            operations.into_iter().map(|(at, op)| (Span::from_millis(at), op)).collect();
        operations.sort_by_key(|(at, _)| *at);
        spec.operations = operations;
        let mut d = driver(spec, n, delays(seed, bad_percent, latency_ms));
        d.command(Command::Begin);
        prop_assert!(d.run_until(seconds(100_000.0)), "does not come to rest");
        let State::Kubernetes(state) = &d.state else { unreachable!() };
        // At rest there are as many instances as all sizes say, and these say neither more than
        // desired + surge nor, unless the rollout hangs, anything but the desired number.
        prop_assert_eq!(d.instances.len() as u32, state.total_size());
        let said = d.last_said().unwrap();
        if matches!(said, Said::Completed | Said::RolledBack) {
            prop_assert_eq!(state.total_size(), state.desired);
        } else {
            let paused = said == Said::Paused;
            prop_assert!(paused || bad_percent > 0 || state.is_left_behind(), "{:?}", said);
        }
    }
}

impl super::State {
    /// The known surprise: the only active set has the desired size but an old annotation.
    fn is_left_behind(&self) -> bool {
        let mut active = self.replica_sets.iter().filter(|rs| rs.size > 0);
        let only = active.next();
        active.next().is_none()
            && only.is_some_and(|rs| rs.size == self.desired && rs.desired != self.desired)
    }
}
