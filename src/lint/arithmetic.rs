//! What the strategies' own arithmetic says of a scenario, without chance.

use crate::scenario::{Dist, Scenario};
use crate::strategy::{Budget, Strategy};
use crate::units::Span;

/// The budget of a scenario: how many instances are out at once, how many are there at most,
/// how many rounds it takes.
pub fn budget(scenario: &Scenario) -> Budget {
    Strategy::new(&scenario.strategy, scenario.service.instances).budget()
}

/// A duration that the rollout needs at least, if each start took the `p` quantile.
pub(super) fn duration(scenario: &Scenario, p: f64) -> Span {
    let budget = budget(scenario);
    let each = scenario.versions.new.start_quantile(p) + budget.wait;
    each * f64::from(budget.rounds)
}

/// The share of draws above `limit`, to 1/1000.
pub(super) fn share_above(dist: &Dist, limit: Span) -> f64 {
    let below = (1..1000).filter(|k| dist.quantile(f64::from(*k) / 1000.0) <= limit).count();
    1.0 - (below as f64 + if below == 999 { 1.0 } else { 0.0 }) / 1000.0
}
