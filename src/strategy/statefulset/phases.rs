//! The three phases of a look: create, scale down, update.

use super::{State, StatefulSet};
use crate::scenario::settings::{PodManagementPolicy, UpdateType};
use crate::strategy::Decision;
use crate::strategy::pods::Pod;
use crate::units::Time;

impl StatefulSet {
    /// `updateStatefulSet`. The pods are in order of their ordinals.
    pub(super) fn sync(&self, state: &mut State, pods: &[Pod], now: Time, decision: &mut Decision) {
        let beyond = pods.partition_point(|pod| pod.slot < state.desired);
        let (wanted, condemned) = pods.split_at(beyond);
        let replicas = by_ordinal(state.desired, wanted);
        let goes_on = self.create(state, &replicas, now, decision)
            && self.scale_down(state, &replicas, condemned, now, decision);
        if !goes_on || self.settings.kind == UpdateType::OnDelete {
            return;
        }
        if self.settings.max_unavailable.is_some() {
            let limit = self.max_unavailable(state.desired) as usize;
            update_some(state, &replicas, limit, now, decision);
        } else {
            update_next(state, &replicas, now, decision);
        }
    }

    fn is_ordered(&self) -> bool {
        self.settings.pod_management_policy == PodManagementPolicy::OrderedReady
    }

    /// `processReplica` for each: says whether the look may go on.
    fn create(
        &self,
        state: &mut State,
        replicas: &[Option<&Pod>],
        now: Time,
        decision: &mut Decision,
    ) -> bool {
        for (ordinal, replica) in (0u32..).zip(replicas) {
            let settled = match replica {
                None => {
                    if !state.requests.is_starting(ordinal) {
                        // `newVersionedStatefulSetPod`
                        let keeps = self.settings.kind == UpdateType::RollingUpdate
                            && ordinal < state.partition;
                        let version = if keeps { state.current } else { state.template.target };
                        state.requests.start(ordinal, version, now, decision);
                    }
                    false
                }
                Some(pod) if pod.failed => {
                    if !pod.terminating {
                        state.requests.stop(pod, decision);
                    }
                    false
                }
                Some(pod) => pod.is_settled(now),
            };
            if !settled && self.is_ordered() {
                return false;
            }
        }
        true
    }

    /// `processCondemned` for each, from the highest ordinal: says whether the look may go on.
    fn scale_down(
        &self,
        state: &mut State,
        replicas: &[Option<&Pod>],
        condemned: &[Pod],
        now: Time,
        decision: &mut Decision,
    ) -> bool {
        let unhealthy = |pod: &&Pod| !pod.is_settled(now);
        let all_are_there = !replicas.iter().any(|replica| is_unavailable(*replica, now));
        let first_unhealthy = condemned.iter().find(unhealthy).filter(|_| all_are_there);
        let first_unhealthy = first_unhealthy.map(|pod| pod.id);
        for pod in condemned.iter().rev() {
            if self.is_ordered() {
                let waits = !pod.is_available(now) && first_unhealthy != Some(pod.id);
                if !pod.terminating && !waits {
                    state.requests.stop(pod, decision);
                }
                return false;
            }
            if !pod.terminating {
                state.requests.stop(pod, decision);
            }
        }
        true
    }
}

/// One pod after the other, each waits for all above it.
fn update_next(state: &mut State, replicas: &[Option<&Pod>], now: Time, decision: &mut Decision) {
    for (ordinal, replica) in replicas.iter().enumerate().rev() {
        if (ordinal as u32) < state.partition {
            return;
        }
        match replica {
            Some(pod) if pod.version != state.template.target && !pod.terminating => {
                state.requests.stop(pod, decision);
                return;
            }
            _ if is_unavailable(*replica, now) => return,
            _ => {}
        }
    }
}

/// `updateStatefulSetAfterInvariantEstablished`: as many as may still become unavailable.
fn update_some(
    state: &mut State,
    replicas: &[Option<&Pod>],
    limit: usize,
    now: Time,
    decision: &mut Decision,
) {
    let unavailable = replicas.iter().filter(|replica| is_unavailable(**replica, now)).count();
    let first = (state.partition as usize).min(replicas.len());
    let target = state.template.target;
    let old = replicas[first..].iter().rev().flatten();
    let old = old.filter(|pod| pod.version != target && !pod.terminating);
    for pod in old.take(limit.saturating_sub(unavailable)) {
        state.requests.stop(pod, decision);
    }
}

/// `isUnavailable`: missing, terminating, or not available.
fn is_unavailable(replica: Option<&Pod>, now: Time) -> bool {
    replica.is_none_or(|pod| !pod.is_settled(now))
}

/// The pod of each ordinal; of two with the same one the older.
fn by_ordinal(desired: u32, pods: &[Pod]) -> Vec<Option<&Pod>> {
    let mut replicas = vec![None; desired as usize];
    for pod in pods {
        replicas[pod.slot as usize].get_or_insert(pod);
    }
    replicas
}
