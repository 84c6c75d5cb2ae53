//! Properties that every orchestrator has, under any of its settings, delays and latencies.
//!
//! The driver asserts in every run that actions are legal (nothing is done twice, nothing to
//! what has stopped), that the same state and view give the same decision, and that a state
//! read back from its journal goes on as if nothing had happened.

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq};
use proptest::proptest;

use super::driver::{Delays, Driver};
use super::{Command, Draws, Strategy};
use crate::scenario::keys::any::{Choices, scenario};
use crate::scenario::settings::{Orchestrator, StrategySettings};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{Rounding, Span, Time};

/// Random starts up to 20 s and stops up to 5 s; of new instances the given percentage is never
/// ready.
fn delays(seed: u64, bad_percent: u64, latency_ms: u64) -> Delays {
    let luck = Draws::new(seed);
    Delays {
        start: Box::new(move |version, id| {
            let bad = version != VersionId::OLD && luck.bits(1, id) % 100 < bad_percent;
            (!bad).then(|| Span::from_millis(1 + luck.bits(2, id) % 20_000))
        }),
        stop: Box::new(move |id| Span::from_millis(luck.bits(3, id) % 5_000)),
        latency: Span::from_millis(latency_ms),
    }
}

fn end() -> Time {
    Time::ZERO + Span::from_secs(300_000)
}

fn drive(of: Orchestrator, n: u32, seed: u64, delays: Delays) -> (Driver, StrategySettings) {
    let mut choices = Choices(seed);
    let settings = loop {
        let settings = scenario(of, n, &mut choices).scenario.strategy;
        if has_patience(&settings) {
            break settings;
        }
    };
    let strategy = Strategy::new(&settings, n);
    let mut driver = Driver::new(strategy, n, delays);
    driver.draws = Draws::new(seed);
    (driver, settings)
}

/// Whether the starts of [`delays`] are in time. Who heals what is late begins again for ever; who
/// tolerates what is late goes on without it and has no floor.
pub(crate) fn has_patience(settings: &StrategySettings) -> bool {
    let longest = Span::from_secs(21);
    match settings {
        StrategySettings::Asg(asg) => asg.health_check_grace_period > longest,
        StrategySettings::Mig(mig) => !mig.autohealing || mig.initial_delay > longest,
        StrategySettings::Vmss(vmss) => vmss.health_wait > longest,
        StrategySettings::ServiceFabric(fabric) => {
            fabric.max_percent_unhealthy_deployed_applications == 0
                || fabric.max_percent_unhealthy_replicas_per_partition == 0
        }
        _ => true,
    }
}

/// Stopped for good, or waiting for a person, and says so.
fn is_an_end(said: Option<Said>) -> bool {
    said.is_some_and(|said| said.is_terminal() || said == Said::DeadlineExceeded)
}

/// Whether what is started must be ready before the next goes: only then there is a floor.
///
/// Argo has none of its own making in two cases. With a progress threshold the weight goes to a
/// part of the canary, and a stable set that follows its traffic goes with it
/// (`replicaProgressThreshold`, `dynamicStableScale`). And a canary of more than N
/// (`minPodsPerReplicaSet`) is cut down to N at the end: whom a `ReplicaSet` deletes it picks by
/// readiness, not by availability.
fn has_floor(settings: &StrategySettings, n: u32) -> bool {
    match settings {
        StrategySettings::Capistrano(_) | StrategySettings::AppConfig(_) => false,
        StrategySettings::ArgoCanary(argo) if argo.traffic_routing => {
            let part = argo.replica_progress_threshold.of(n, Rounding::Up) < n;
            let cut = argo.min_pods_per_replica_set > n && argo.min_ready > Span::ZERO;
            !(cut || part && argo.dynamic_stable_scale)
        }
        _ => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn without_faults_it_ends_and_keeps_its_floor(
        n in 1u32..20,
        latency_ms in 0u64..100,
        seed in any::<u64>(),
    ) {
        for of in Orchestrator::ALL {
            let (mut d, settings) = drive(*of, n, seed, delays(seed, 0, latency_ms));
            let budget = d.strategy.budget();
            d.command(Command::Begin);
            let rested = d.run_until(end());
            let what = || format!("{} of {n}: {:?} {budget:?}", of.name(), d.strategy);
            // Who waits for a person may look again and again.
            let waits = d.last_said() == Some(Said::Paused);
            prop_assert!(rested || waits, "does not come to rest: {:?}: {}", d.said, what());
            let cannot_move = budget.out == 0 && budget.above == 0;
            prop_assert!(is_an_end(d.last_said()) || cannot_move, "{:?}: {}", d.said, what());
            if d.last_said() == Some(Said::Completed) {
                let available = d.count(VersionId::NEW, Phase::Available);
                let there = d.instances.iter().filter(|i| i.phase.is_active()).count();
                prop_assert!(available <= there && there == n as usize, "{there}: {}", what());
            }
            // A deadline shorter than a start is a fault, too.
            let failed = d.moments.iter().any(|(_, m)| matches!(m, Moment::InstanceFailed(_)));
            let has_floor = has_floor(&settings, n) && !failed;
            for s in d.history.iter().filter(|_| has_floor) {
                let floor = n - budget.out.min(n);
                prop_assert!(s.available >= floor, "{s:?} below {floor}: {}", what());
                prop_assert!(s.kept <= n + budget.above, "{s:?} above: {}", what());
            }
        }
    }

    #[test]
    fn with_bad_versions_it_says_so_and_a_rollback_brings_the_old_one_back(
        n in 1u32..12,
        bad_percent in 1u64..=100,
        latency_ms in 0u64..100,
        after in 0u64..400,
        seed in any::<u64>(),
    ) {
        for of in Orchestrator::ALL {
            let (mut d, _) = drive(*of, n, seed, delays(seed, bad_percent, latency_ms));
            d.command(Command::Begin);
            d.run_until(Time::ZERO + Span::from_secs(after));
            d.command(Command::Rollback);
            let rested = d.run_until(end());
            let what = || format!("{} of {n}: {:?} {:?}", of.name(), d.strategy, d.said);
            prop_assert!(rested, "does not come to rest: {}", what());
            // What is in order when all went well; bad instances that nobody may stop are
            // another matter (a StatefulSet waits for them for ever).
            if d.last_said() == Some(Said::RolledBack) {
                let old = d.count(VersionId::OLD, Phase::Available) as u32;
                prop_assert_eq!(old, n, "{}", what());
            }
        }
    }
}
