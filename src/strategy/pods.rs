//! Pods as the API server shows them to a controller that owns them directly (`StatefulSet`,
//! `DaemonSet`), and what such a controller has asked for and does not see yet.

use serde::{Deserialize, Serialize};

use super::seconds::after_whole_second;
use super::{Action, Decision, InstanceView, View};
use crate::trace::{Phase, VersionId};
use crate::units::{Span, Time};

/// `ExpectationsTimeout`: after this a controller no longer waits for a start it asked for.
const PATIENCE: Span = Span::from_secs(300);

/// A pod. A terminating one keeps its readiness until it is gone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pod {
    pub(super) id: u32,
    pub(super) version: VersionId,
    /// Ordinal or node.
    pub(super) slot: u32,
    /// It has a deletion timestamp, or will have one.
    pub(super) terminating: bool,
    /// Its phase is `Failed`.
    pub(super) failed: bool,
    /// Bound to a node.
    pub(super) placed: bool,
    pub(super) created: Time,
    /// [`Time::NEVER`] if it is not ready.
    pub(super) ready_since: Time,
    /// Since when it counts as available; [`Time::NEVER`] if it is not ready.
    pub(super) available_from: Time,
    /// It was marked available.
    pub(super) marked: bool,
}

impl Pod {
    pub(super) fn is_ready(&self) -> bool {
        self.ready_since != Time::NEVER
    }

    /// `IsPodAvailable`; terminating pods may be.
    pub(super) fn is_available(&self, now: Time) -> bool {
        self.available_from <= now
    }

    /// Available and not on its way out.
    pub(super) fn is_settled(&self, now: Time) -> bool {
        !self.terminating && self.is_available(now)
    }
}

/// What was asked for and is not there, or not gone, yet.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Requests {
    /// Slots in which a start was asked for, and when.
    starting: Vec<(u32, Time)>,
    /// Told to stop, by ascending number.
    stopping: Vec<Stopping>,
    /// Instances with smaller numbers have been seen.
    next_instance: u32,
}

/// An instance that was told to stop, as it was when it still looked active.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stopping {
    id: u32,
    /// It looks terminating by now.
    seen: bool,
    failed: bool,
    ready_since: Time,
    available_from: Time,
}

impl Requests {
    /// Nothing asked for; instances 0 … `instances` − 1 are known.
    pub(super) fn new(instances: u32) -> Self {
        Self { next_instance: instances, ..Self::default() }
    }

    /// Brings the requests up to date and lists the pods by slot, then number.
    pub(super) fn observe(&mut self, now: Time, view: &View<'_>, min_ready: Span) -> Vec<Pod> {
        let fresh = view.instances.partition_point(|i| i.id < self.next_instance);
        for i in &view.instances[fresh..] {
            self.next_instance = i.id + 1;
            if let Some(at) = self.starting.iter().position(|(slot, _)| *slot == i.slot) {
                self.starting.remove(at);
            }
        }
        self.starting.retain(|(_, since)| now < *since + PATIENCE);
        self.stopping.retain(|s| view.find(s.id).is_some());
        let mut pods: Vec<Pod> =
            view.instances.iter().map(|i| self.pod(i, view.wall_phase, min_ready)).collect();
        pods.sort_by_key(|pod| (pod.slot, pod.id));
        pods
    }

    fn pod(&mut self, i: &InstanceView, wall_phase: Span, min_ready: Span) -> Pod {
        let mut pod = Pod {
            id: i.id,
            version: i.version,
            slot: i.slot,
            terminating: !i.phase.is_active(),
            failed: i.phase == Phase::Failed,
            placed: i.host != u32::MAX,
            created: i.created,
            ready_since: if i.phase.is_ready() { i.ready_since } else { Time::NEVER },
            available_from: available_from(i, wall_phase, min_ready),
            marked: i.phase == Phase::Available,
        };
        if let Ok(at) = self.stopping.binary_search_by_key(&i.id, |s| s.id) {
            let told = &mut self.stopping[at];
            if pod.terminating {
                told.seen = true;
                pod.failed = told.failed;
                pod.ready_since = told.ready_since;
                pod.available_from = told.available_from;
            } else {
                told.failed = pod.failed;
                told.ready_since = pod.ready_since;
                told.available_from = pod.available_from;
            }
            pod.terminating = true;
        }
        pod
    }

    /// Asks for a pod in this slot.
    pub(super) fn start(
        &mut self,
        slot: u32,
        version: VersionId,
        now: Time,
        decision: &mut Decision,
    ) {
        self.starting.push((slot, now));
        decision.actions.push(Action::start_in(slot, version));
    }

    /// Deletes a pod that is not terminating.
    pub(super) fn stop(&mut self, pod: &Pod, decision: &mut Decision) {
        let Err(at) = self.stopping.binary_search_by_key(&pod.id, |s| s.id) else { return };
        let Pod { id, failed, ready_since, available_from, .. } = *pod;
        let told = Stopping { id, seen: false, failed, ready_since, available_from };
        self.stopping.insert(at, told);
        decision.actions.push(Action::Stop { instance: id });
    }

    /// Whether a start in this slot was asked for and cannot be seen yet.
    pub(super) fn is_starting(&self, slot: u32) -> bool {
        self.starting.iter().any(|(s, _)| *s == slot)
    }

    /// Whether the effects of all requests can be seen (`SatisfiedExpectations`).
    pub(super) fn are_seen(&self) -> bool {
        self.starting.is_empty() && self.stopping.iter().all(|s| s.seen)
    }

    /// When the oldest start that cannot be seen is given up.
    pub(super) fn expiry(&self) -> Option<Time> {
        self.starting.iter().map(|(_, since)| *since + PATIENCE).min()
    }
}

/// At once without min-ready, else from the whole wall-clock second in which it became ready.
fn available_from(i: &InstanceView, wall_phase: Span, min_ready: Span) -> Time {
    match i.phase {
        Phase::Available => Time::ZERO,
        Phase::Ready if min_ready == Span::ZERO => i.ready_since,
        Phase::Ready => after_whole_second(wall_phase, i.ready_since, min_ready),
        Phase::Pending
        | Phase::Starting
        | Phase::Draining
        | Phase::Stopped
        | Phase::Failed
        | Phase::Lost => Time::NEVER,
    }
}

/// Marks what has become available.
pub(super) fn mark_available(pods: &[Pod], now: Time, decision: &mut Decision) {
    let due = pods.iter().filter(|pod| !pod.marked && pod.is_settled(now));
    decision.actions.extend(due.map(|pod| Action::MarkAvailable { instance: pod.id }));
}
