//! Surge and unavailability budgets of a Deployment.

use crate::units::{CountOrPercent, Rounding};

/// The resolved budgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fenceposts {
    /// Replicas above the desired number.
    pub surge: u32,
    /// Replicas below it.
    pub unavailable: u32,
}

/// `ResolveFenceposts`: surge rounds up, unavailability down; both zero after rounding makes
/// unavailability 1, since otherwise nothing could ever move.
pub fn resolve(surge: CountOrPercent, unavailable: CountOrPercent, replicas: u32) -> Fenceposts {
    let surge = surge.of(replicas, Rounding::Up);
    let unavailable = unavailable.of(replicas, Rounding::Down);
    let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable };
    Fenceposts { surge, unavailable }
}
