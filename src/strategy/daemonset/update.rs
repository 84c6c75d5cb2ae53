//! The rolling update: which old pods go, on which nodes new ones come.

use super::{DaemonSet, State, on_node};
use crate::strategy::pods::Pod;
use crate::strategy::{Decision, Draws};
use crate::trace::VersionId;
use crate::units::Time;

/// Purpose of the draws that order the nodes.
const ORDER: u32 = 7;

/// The pods of a node that are not terminating: at most one of each revision.
struct Pair<'a> {
    new: Option<&'a Pod>,
    old: Option<&'a Pod>,
}

impl DaemonSet {
    /// `rollingUpdate`.
    pub(super) fn update(
        &self,
        state: &mut State,
        pods: &[Pod],
        now: Time,
        draws: Draws,
        decision: &mut Decision,
    ) {
        let target = state.template.target;
        if pods.iter().all(|pod| pod.terminating || pod.version == target) {
            return;
        }
        let mut order: Vec<u32> = (0..self.nodes).collect();
        let shuffle = state.updates.wrapping_mul(0x9E37_79B9);
        order.sort_by_cached_key(|node| draws.bits(ORDER, shuffle.wrapping_add(*node)));
        state.updates = state.updates.wrapping_add(1);
        let pairs: Vec<(u32, Option<Pair<'_>>)> =
            order.iter().map(|node| (*node, pair(on_node(pods, *node), target))).collect();
        if self.max_surge() == 0 {
            self.replace(state, &pairs, now, decision);
        } else {
            self.surge(state, &pairs, now, decision);
        }
    }

    /// Deletes old pods; managing the nodes creates new ones once they are gone.
    fn replace(
        &self,
        state: &mut State,
        pairs: &[(u32, Option<Pair<'_>>)],
        now: Time,
        decision: &mut Decision,
    ) {
        let mut unavailable = 0;
        let mut candidates: Vec<&Pod> = Vec::new();
        for (_, pair) in pairs {
            match pair {
                Some(Pair { new: None, old: Some(old) }) => {
                    if old.is_available(now) {
                        candidates.push(old);
                    } else {
                        state.requests.stop(old, decision);
                    }
                }
                Some(Pair { new: Some(new), old: None }) => {
                    unavailable += u32::from(!new.is_available(now));
                }
                // Surplus pods, two revisions at once, or none: managing is not done yet.
                None
                | Some(Pair { new: Some(_), old: Some(_) } | Pair { new: None, old: None }) => {
                    unavailable += 1;
                }
            }
        }
        let room = self.max_unavailable().saturating_sub(unavailable) as usize;
        for old in candidates.into_iter().take(room) {
            state.requests.stop(old, decision);
        }
    }

    /// Creates new pods beside old ones, and deletes the old ones whose new one is available.
    fn surge(
        &self,
        state: &mut State,
        pairs: &[(u32, Option<Pair<'_>>)],
        now: Time,
        decision: &mut Decision,
    ) {
        let mut surging = 0;
        let mut candidates = Vec::new();
        let target = state.template.target;
        for (node, pair) in pairs {
            match pair {
                None => surging += 1,
                Some(Pair { old: None, .. }) => {}
                Some(Pair { new: None, old: Some(old) }) => {
                    if old.is_available(now) {
                        candidates.push(*node);
                    } else {
                        state.requests.start(*node, target, now, decision);
                    }
                }
                Some(Pair { new: Some(new), old: Some(old) }) => {
                    if new.is_available(now) {
                        state.requests.stop(old, decision);
                    } else {
                        surging += 1;
                    }
                }
            }
        }
        let room = self.max_surge().saturating_sub(surging) as usize;
        for node in candidates.into_iter().take(room) {
            state.requests.start(node, target, now, decision);
        }
    }
}

/// `findUpdatedPodsOnNode`; `None` if there are two of one revision. Failed pods count.
fn pair(pods: &[Pod], target: VersionId) -> Option<Pair<'_>> {
    let mut pair = Pair { new: None, old: None };
    for pod in pods.iter().filter(|pod| !pod.terminating) {
        let place = if pod.version == target { &mut pair.new } else { &mut pair.old };
        if place.replace(pod).is_some() {
            return None;
        }
    }
    Some(pair)
}
