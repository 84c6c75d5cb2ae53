//! Which instances die when a replica set shrinks.

use std::cmp::Reverse;

use crate::strategy::seconds::since_whole_second;
use crate::strategy::{Draws, InstanceView, View};
use crate::trace::{Phase, VersionId};
use crate::units::Time;

/// The purpose under which an instance's pseudo-random UID is drawn.
pub(super) const UID: u32 = 1;

/// Smaller dies first: unplaced; not ready; on a host with more of the same Deployment; ready
/// for a shorter time (in powers of two); restarted more often; created later (in powers of
/// two); smaller UID.
type Key = (bool, bool, Reverse<u32>, u32, Reverse<u32>, u32, u64);

/// Memory reused between choices.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    candidates: Vec<(Key, u32)>,
    /// Active instances by host.
    crowd: Vec<u32>,
}

/// Whether the replica set counts it: it exists, was not told to stop and has not failed.
pub(super) fn is_active(phase: Phase) -> bool {
    match phase {
        Phase::Pending | Phase::Starting | Phase::Ready | Phase::Available => true,
        Phase::Draining | Phase::Stopped | Phase::Failed | Phase::Lost => false,
    }
}

/// Appends the `count` instances of `version` that die first, in that order, to `chosen`.
/// `active` is how many there are.
///
/// This is `ActivePodsWithRanks` with `LogarithmicScaleDown`; ages are measured from the whole
/// second of the time stamp, buckets are ⌊log₂ nanoseconds⌋.
pub(super) fn choose(
    (version, active, count): (VersionId, u32, u32),
    now: Time,
    view: &View<'_>,
    draws: Draws,
    scratch: &mut Scratch,
    chosen: &mut Vec<u32>,
) {
    let members = view.instances.iter().filter(|i| i.version == version && is_active(i.phase));
    if count >= active {
        chosen.extend(members.map(|i| i.id));
        return;
    }
    count_by_host(view, &mut scratch.crowd);
    let Scratch { candidates, crowd } = scratch;
    candidates.clear();
    candidates.extend(members.map(|i| (key(i, now, view, draws, crowd), i.id)));
    let count = count as usize;
    candidates.select_nth_unstable(count);
    candidates[..count].sort_unstable();
    chosen.extend(candidates[..count].iter().map(|(_, id)| id));
}

fn key(i: &InstanceView, now: Time, view: &View<'_>, draws: Draws, crowd: &[u32]) -> Key {
    let placed = i.phase != Phase::Pending && i.host != u32::MAX;
    let ready = i.phase.is_ready();
    let crowded = if placed { crowd.get(i.host as usize).copied().unwrap_or(0) } else { 0 };
    let ready_bucket = if ready { bucket(now, i.ready_since, view) } else { 0 };
    let created_bucket = bucket(now, i.created, view);
    let uid = draws.bits(UID, i.id);
    (placed, ready, Reverse(crowded), ready_bucket, Reverse(i.restarts), created_bucket, uid)
}

fn bucket(now: Time, since: Time, view: &View<'_>) -> u32 {
    since_whole_second(view.wall_phase, since, now).checked_ilog2().map_or(0, |b| b + 1)
}

fn count_by_host(view: &View<'_>, crowd: &mut Vec<u32>) {
    crowd.clear();
    for i in view.instances.iter().filter(|i| is_active(i.phase) && i.host != u32::MAX) {
        let host = i.host as usize;
        if host >= crowd.len() {
            crowd.resize(host + 1, 0);
        }
        crowd[host] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{Scratch, choose};
    use crate::strategy::{Draws, InstanceView, View};
    use crate::trace::{Phase, VersionId};
    use crate::units::{Span, Time};

    fn instance(id: u32, phase: Phase, ready_secs: u64) -> InstanceView {
        let ready = if phase.is_ready() { Time(ready_secs * 1_000_000_000) } else { Time::NEVER };
        let host = if phase == Phase::Pending { u32::MAX } else { 0 };
        let version = VersionId::OLD;
        InstanceView {
            id,
            version,
            phase,
            created: Time(1),
            ready_since: ready,
            host,
            restarts: 0,
            slot: crate::strategy::NO_SLOT,
        }
    }

    fn order(instances: &[InstanceView], count: u32) -> Vec<u32> {
        let view = View { instances, errors: [0.0; 2], wall_phase: Span::ZERO };
        let active = instances.iter().filter(|i| super::is_active(i.phase)).count() as u32;
        let now = Time(1_000_000_000_000);
        let mut chosen = Vec::new();
        let what = (VersionId::OLD, active, count);
        choose(what, now, &view, Draws::new(7), &mut Scratch::default(), &mut chosen);
        chosen
    }

    #[test]
    fn unready_ones_go_first_then_the_youngest_in_powers_of_two() {
        let fleet = [
            instance(0, Phase::Available, 0),
            instance(1, Phase::Ready, 998),
            instance(2, Phase::Starting, 0),
            instance(3, Phase::Draining, 0),
            instance(4, Phase::Failed, 0),
            instance(5, Phase::Pending, 0),
            instance(6, Phase::Available, 900),
        ];
        assert_eq!(order(&fleet, 4), [5, 2, 1, 6]);
    }

    #[test]
    fn crowded_hosts_and_restarts_count() {
        let mut fleet = [0, 1, 2, 3].map(|id| instance(id, Phase::Available, 10));
        fleet[0].host = 3;
        fleet[1].host = 3;
        fleet[2].host = 1;
        fleet[3].host = 0;
        fleet[1].restarts = 2;
        assert_eq!(order(&fleet, 2), [1, 0]);
    }

    #[test]
    fn within_a_bucket_the_choice_looks_random() {
        // 600 s and 900 s old: the same power of two, hence not simply the younger half.
        let fleet: Vec<_> =
            (0..40).map(|id| instance(id, Phase::Available, 100 + 10 * u64::from(id))).collect();
        let chosen = order(&fleet, 20);
        assert!(chosen.iter().any(|&id| id < 20) && chosen.iter().any(|&id| id >= 20));
    }
}
