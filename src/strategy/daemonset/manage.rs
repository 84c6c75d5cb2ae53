//! One pod on every node, or two while one replaces the other; failed ones deleted.

use super::{DaemonSet, State, on_node};
use crate::strategy::Decision;
use crate::strategy::pods::Pod;
use crate::units::{Span, Time};

impl DaemonSet {
    /// `manage`: says after which delay failed pods that had to be left alone are due.
    pub(super) fn manage(
        &self,
        state: &mut State,
        pods: &[Pod],
        now: Time,
        decision: &mut Decision,
    ) -> Option<Span> {
        let mut retry: Option<Span> = None;
        for node in 0..self.nodes {
            let pods = on_node(pods, node);
            // Failed pods that terminate count for nothing at all.
            let exists = pods.iter().any(|pod| !(pod.terminating && pod.failed));
            if !exists {
                state.requests.start(node, state.template.target, now, decision);
                continue;
            }
            for pod in pods.iter().filter(|pod| pod.failed && !pod.terminating) {
                match state.backoff.next(node, now) {
                    Ok(()) => state.requests.stop(pod, decision),
                    Err(delay) => retry = Some(retry.map_or(delay, |r| r.min(delay))),
                }
            }
            let running = || pods.iter().filter(|pod| !pod.terminating && !pod.failed);
            if self.max_surge() == 0 {
                let oldest = running().min_by_key(|pod| age(pod)).map(|pod| pod.id);
                for pod in running().filter(|pod| Some(pod.id) != oldest) {
                    state.requests.stop(pod, decision);
                }
            } else if running().next().is_none() {
                // A surge does not wait until the terminating pod is gone.
                state.requests.start(node, state.template.target, now, decision);
            } else {
                prune(state, running().collect(), now, decision);
            }
        }
        retry
    }
}

/// Of each revision the oldest pod stays. The old one goes when it is not ready, or when the new
/// one is available.
fn prune(state: &mut State, mut running: Vec<&Pod>, now: Time, decision: &mut Decision) {
    running.sort_by_key(|pod| age(pod));
    let (mut new, mut old): (Option<&Pod>, Option<&Pod>) = (None, None);
    for pod in running {
        let kept = if pod.version == state.template.target { &mut new } else { &mut old };
        if kept.is_none() {
            *kept = Some(pod);
        } else {
            state.requests.stop(pod, decision);
        }
    }
    if let (Some(new), Some(old)) = (new, old)
        && (!old.is_ready() || new.is_available(now))
    {
        state.requests.stop(old, decision);
    }
}

/// `podByCreationTimestampAndPhase`.
fn age(pod: &Pod) -> (bool, Time, u32) {
    (!pod.placed, pod.created, pod.id)
}
