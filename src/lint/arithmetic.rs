//! What the strategies' own arithmetic says, without chance: how many instances are out at once,
//! how many are there at most, how many rounds it takes.

use crate::scenario::settings::{DeploymentKind, Order, StrategySettings};
use crate::scenario::{Dist, Scenario};
use crate::strategy::kubernetes::fenceposts;
use crate::units::{Rounding, Span};

/// The arithmetic of a rollout without failures and without operators' changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Desired instances.
    pub instances: u32,
    /// Taken out at once, in every run.
    pub out: u32,
    /// Started above the desired number, in every run.
    pub above: u32,
    /// Starts that follow each other, at least.
    pub rounds: u32,
    /// The key that decides `out`.
    pub out_key: &'static str,
    /// The key that decides `above`.
    pub above_key: &'static str,
}

impl Budget {
    /// Instances that are left when the strategy has taken out what it takes.
    pub fn leaves(&self) -> u32 {
        self.instances - self.out
    }
}

/// The budget of a scenario.
///
/// Kubernetes: the first look at the old `ReplicaSet` takes `max_unavailable` at once, while
/// `max_surge` new ones start; at most their sum is in flight. Generic: a batch at a time.
pub fn budget(scenario: &Scenario) -> Budget {
    let instances = scenario.service.instances;
    match &scenario.strategy {
        StrategySettings::Kubernetes(settings) => match settings.kind {
            DeploymentKind::Recreate => Budget {
                instances,
                out: instances,
                above: 0,
                rounds: 1,
                out_key: "strategy.kubernetes.type",
                above_key: "strategy.kubernetes.type",
            },
            DeploymentKind::RollingUpdate => {
                let posts =
                    fenceposts::resolve(settings.max_surge, settings.max_unavailable, instances);
                let out = posts.unavailable.min(instances);
                let above = posts.surge.min(instances);
                Budget {
                    instances,
                    out,
                    above,
                    rounds: instances.div_ceil((out + above).max(1)),
                    out_key: "strategy.kubernetes.max_unavailable",
                    above_key: "strategy.kubernetes.max_surge",
                }
            }
        },
        StrategySettings::Generic(settings) => {
            let batch = settings.batch.of(instances, Rounding::Down).clamp(1, instances);
            let stop_first = settings.order == Order::StopFirst;
            Budget {
                instances,
                out: if stop_first { batch } else { 0 },
                above: if stop_first { 0 } else { batch },
                rounds: instances.div_ceil(batch),
                out_key: "strategy.generic.batch",
                above_key: "strategy.generic.batch",
            }
        }
    }
}

/// A duration that the rollout needs at least, if each start took the `p` quantile.
pub(super) fn duration(scenario: &Scenario, p: f64) -> Span {
    let waits = match &scenario.strategy {
        StrategySettings::Kubernetes(settings) => settings.min_ready,
        StrategySettings::Generic(settings) => settings.bake,
    };
    // Kubernetes counts min_ready from a whole second: it may be up to 1 s shorter.
    let waits = match &scenario.strategy {
        StrategySettings::Kubernetes(_) => waits - Span::from_secs(1),
        StrategySettings::Generic(_) => waits,
    };
    let each = scenario.versions.new.start.quantile(p) + waits;
    each * f64::from(budget(scenario).rounds)
}

/// The share of draws above `limit`, to 1/1000.
pub(super) fn share_above(dist: &Dist, limit: Span) -> f64 {
    let below = (1..1000).filter(|k| dist.quantile(f64::from(*k) / 1000.0) <= limit).count();
    1.0 - (below as f64 + if below == 999 { 1.0 } else { 0.0 }) / 1000.0
}
