//! How many pods a weight means.

use crate::strategy::kubernetes::Counts;
use crate::strategy::kubernetes::fenceposts::Fenceposts;

/// `approximateWeightedCanaryStableReplicaCounts`: pods of the canary and of the stable set that
/// come nearest to a weight in percent, out of `replicas` or, with a surge, one more.
pub(crate) fn approximate(replicas: u32, weight: u32, surge: u32) -> (u32, u32) {
    if replicas == 0 {
        return (0, 0);
    }
    let exact = f64::from(replicas * weight) / 100.0;
    let (ceil, floor) = (exact.ceil() as u32, exact.floor() as u32);
    // A weight between 1 and 99 is never nobody, if two fit.
    let zero_allowed = weight == 100 || weight == 0 || (replicas == 1 && surge == 0);
    let floor_allowed = floor != 0 || zero_allowed;
    let mut options = [None; 4];
    if ceil < replicas || zero_allowed {
        options[0] = Some((ceil, replicas));
    }
    if floor_allowed && !is_tied(weight, replicas) {
        options[1] = Some((floor, replicas));
    }
    if surge > 0 {
        options[2] = Some((ceil, replicas + 1));
        if floor_allowed && !is_tied(weight, replicas + 1) {
            options[3] = Some((floor, replicas + 1));
        }
    }
    let off = |(canary, total): (u32, u32)| {
        (f64::from(canary * 100) / f64::from(total) - f64::from(weight)).abs()
    };
    let nearest = options
        .into_iter()
        .flatten()
        .reduce(|best, option| if off(option) < off(best) { option } else { best });
    // Nothing fits, such as 95 % of 10 without a surge: no canary at all.
    let (canary, total) = nearest.unwrap_or((0, replicas));
    (canary, total - canary)
}

/// Whether the weight lies in the middle of two counts; then only the larger one is offered.
fn is_tied(weight: u32, total: u32) -> bool {
    (f64::from(total) * (f64::from(weight) / 100.0)).fract() == 0.5
}

/// What [`basic`] is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Basic {
    /// `spec.replicas`.
    pub(super) replicas: u32,
    /// In percent.
    pub(super) weight: u32,
    pub(super) posts: Fenceposts,
    pub(super) new: Counts,
    /// `None` if the new set is the stable one.
    pub(super) stable: Option<Counts>,
    /// Sizes of all other sets.
    pub(super) others: u32,
}

/// `CalculateReplicaCountsForBasicCanary`: the sizes of the new and the stable set, one step
/// nearer to the weight within surge and unavailability.
pub(super) fn basic(ask: &Basic) -> (u32, u32) {
    let Basic { replicas, weight, posts, new, stable, others } = *ask;
    let (want_new, want_stable) = match stable {
        Some(_) => approximate(replicas, weight, posts.surge),
        None => (replicas, 0),
    };
    let old = stable.unwrap_or_default();
    let most = replicas + posts.surge;
    let mut room = most.saturating_sub(new.size + old.size + others);
    // The stable set is served first.
    let stable_up = want_stable.saturating_sub(old.size).min(room);
    room -= stable_up;
    let (mut new_size, mut stable_size) =
        (new.size + want_new.saturating_sub(new.size).min(room), old.size + stable_up);
    if others > 0 {
        return (new_size, stable_size);
    }
    let least = replicas - posts.unavailable.min(replicas);
    let grows = want_new >= new.size;
    let counted = considered(new, !grows) + considered(old, grows);
    let Some(down) = counted.checked_sub(least).filter(|down| *down > 0) else {
        return (new_size, stable_size);
    };
    if grows {
        if stable.is_some() {
            if old.size > want_stable {
                stable_size = want_stable.max(old.size.saturating_sub(down));
            }
            let limits = (most, least);
            (stable_size, new_size) = adjust((old, stable_size), (new, new_size), limits);
        }
    } else {
        if new.size > want_new {
            new_size = want_new.max(new.size.saturating_sub(down));
        }
        (new_size, stable_size) = adjust((new, new_size), (old, stable_size), (most, least));
    }
    (new_size, stable_size)
}

/// `GetReplicasForScaleDown`: what of a set may be counted on.
fn considered(set: Counts, ignore_availability: bool) -> u32 {
    if ignore_availability { set.size } else { set.size.min(set.available) }
}

/// `adjustReplicaWithinLimits`: takes back what would exceed the surge, first from the set that
/// grows, but not so that too few are available. Each set with its size to be.
fn adjust(
    (drained, drained_size): (Counts, u32),
    (grown, grown_size): (Counts, u32),
    (most, least): (u32, u32),
) -> (u32, u32) {
    let over = (grown_size + drained_size).saturating_sub(most);
    let mut grown_size = grown_size.saturating_sub(over);
    let available = drained.available.min(drained_size) + grown.available.min(grown_size);
    let lost = grown.available.saturating_sub(grown_size);
    grown_size += lost.min(least.saturating_sub(available));
    let over = (grown_size + drained_size).saturating_sub(most);
    (drained_size.saturating_sub(over), grown_size)
}

/// `trafficWeightToReplicas`: rounded up.
pub(super) fn routed(replicas: u32, weight: u32, max_weight: u32) -> u32 {
    (u64::from(weight) * u64::from(replicas)).div_ceil(u64::from(max_weight)) as u32
}
