//! A changed desired number in mid-rollout, or any sync while paused: sizes only, no rollout.

use super::{Deployment, ReplicaSet, State};
use crate::scenario::settings::DeploymentKind;

/// `scale` in the original's `sync.go`. Says whether anything was written.
///
/// With one active set that set gets all. With a saturated new set the old ones get nothing.
/// Otherwise each set gets its share: size · (desired + surge) / (its `max-replicas` annotation),
/// rounded to the nearest, and the largest takes what is left over. Availability plays no part.
pub(super) fn scale(deployment: &Deployment, state: &mut State) -> bool {
    let (desired, target) = (state.desired, state.target);
    let max = desired + deployment.surge(desired);
    if let Some(only) = active_or_latest(state) {
        let rs = &mut state.replica_sets[only];
        return rs.size != desired && rs.scale(desired, desired, max);
    }
    if state.new_set().is_some_and(|new| is_saturated(&state.replica_sets[new], desired)) {
        let mut wrote = false;
        for rs in state.replica_sets.iter_mut().filter(|rs| rs.version != target && rs.size > 0) {
            wrote |= rs.scale(0, desired, max);
        }
        return wrote;
    }
    match deployment.settings.kind {
        DeploymentKind::RollingUpdate => scale_proportionally(state, desired, max),
        DeploymentKind::Recreate => false,
    }
}

/// The only set with a size; with none, the new set or the newest old one.
fn active_or_latest(state: &State) -> Option<usize> {
    let mut active = (0..state.replica_sets.len()).filter(|&i| state.replica_sets[i].size > 0);
    match (active.next(), active.next()) {
        (None, _) => state.new_set().or_else(|| state.replica_sets.len().checked_sub(1)),
        (only, None) => only,
        (Some(_), Some(_)) => None,
    }
}

fn is_saturated(rs: &ReplicaSet, desired: u32) -> bool {
    rs.desired == desired && rs.size == desired && rs.status.available == desired
}

fn scale_proportionally(state: &mut State, desired: u32, max: u32) -> bool {
    let allowed = if desired > 0 { i64::from(max) } else { 0 };
    let to_add = allowed - i64::from(state.total_size());
    let sets = &mut state.replica_sets;
    let mut order: Vec<usize> = (0..sets.len()).filter(|&i| sets[i].size > 0).collect();
    // Larger sets first; among equals the newer when growing, the older when shrinking.
    order.sort_by_key(|&i| {
        let age = if to_add > 0 { std::cmp::Reverse(i) } else { std::cmp::Reverse(usize::MAX - i) };
        (std::cmp::Reverse(sets[i].size), age)
    });
    let mut left = to_add;
    let mut wrote = false;
    let mut sizes: Vec<i64> = Vec::with_capacity(order.len());
    for &i in &order {
        let share = proportion(&sets[i], desired, max, left);
        left -= share;
        sizes.push(i64::from(sets[i].size) + share);
    }
    if let Some(largest) = sizes.first_mut() {
        *largest = (*largest + left).max(0);
    }
    for (&i, size) in order.iter().zip(sizes) {
        wrote |= sets[i].scale(size as u32, desired, max);
    }
    wrote
}

/// `GetReplicaSetProportion`: the set's change of size, at most what is `left` to give or take.
fn proportion(rs: &ReplicaSet, desired: u32, max: u32, left: i64) -> i64 {
    let size = i64::from(rs.size);
    if left == 0 {
        return 0;
    }
    let fraction = if desired == 0 {
        -size
    } else {
        let scaled = f64::from(rs.size) * f64::from(max) / f64::from(rs.max.max(1));
        (scaled + 0.5).floor() as i64 - size
    };
    if left > 0 { fraction.min(left) } else { fraction.max(left) }
}
