//! Kubernetes `DaemonSet`: a pod on every node.
//!
//! # Source
//! Controller `daemonset` of kube-controller-manager (v1.36), the documentation of the `apps/v1`
//! API, and recorded rollouts of the real controller.
//!
//! # Rules
//! - As many nodes as there are instances, each with one pod. A look first *manages*: a node
//!   without a pod gets one, failed pods are deleted, surplus pods too. Then it *updates*.
//! - Without surge: old pods that are not available are deleted at once, they cost nothing. Old
//!   pods that are available are deleted while fewer than `max_unavailable` nodes lack an
//!   available pod. Their nodes get a new pod when the old one is completely gone.
//! - With surge: on at most `max_surge` nodes a new pod is created beside the old one, and on
//!   every node whose old pod is not available. The old pod is deleted when the new one is
//!   available, or as soon as it is not ready itself.
//! - Nodes come in a random order, another one at each look.
//! - A failed pod is deleted at once the first time; on the same node again not within 1 s of the
//!   last time, then 2 s, 4 s, … up to 15 min. A new template starts the count anew.
//! - The controller looks again when a pod changes, and `min_ready` + 1 s after it saw one become
//!   ready; availability itself counts from the whole wall-clock second.
//! - Complete, as `kubectl rollout status` tells: every node's oldest pod is of the new revision
//!   and available.
//!
//! # Settings and defaults
//! `RollingUpdate`, `max_unavailable` 1, `max_surge` 0, min ready 0 s. Percentages are of the
//! nodes, both rounded up.
//!
//! # Known surprises
//! - Both percentages are rounded up: 25 % of 5 nodes are 2.
//! - With `min_ready` a surge takes up to two seconds more a pod than `min_ready` says.
//! - Terminating pods count in the status, as updated and as available: undoing a rollout with
//!   surge is reported complete while the newer pods still terminate.
//! - With surge a pod that fails moves the attempt to another node.
//! - There is no deadline, and nothing is ever rolled back.
//!
//! # Where we depart
//! - A pod that becomes ready while an earlier return of the controller is pending is looked at
//!   again 1 s after it is available, even if nothing else happens. In the original, as its queue
//!   keeps one return a key, the last pods might have to wait for the next resync.
//! - Nodes neither come nor go; taints, node selectors and pods without a node are left out.
//! - Pods created within one second are told apart by their creation, not by their name.
//! - With `OnDelete`, where `kubectl rollout status` refuses to answer, complete means the same.
//! - A start that cannot be seen after 300 s is asked for again.

mod backoff;
mod manage;
#[cfg(test)]
mod tests;
mod update;

use serde::{Deserialize, Serialize};

use super::pods::{self, Pod, Requests};
use super::template::Template;
use super::{Budget, Command, Controller, Decision, Draws, Rules, Status as Shown, View};
use crate::scenario::settings::{self, UpdateType};
use crate::units::{Rounding, Span, Time};
use backoff::Backoff;

/// A `DaemonSet` with its settings.
#[derive(Debug, Clone)]
pub struct DaemonSet {
    settings: settings::DaemonSet,
    nodes: u32,
}

/// The API object and what its controller has under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    template: Template,
    /// A sync has acted upon the present template (`observedGeneration`).
    observed: bool,
    requests: Requests,
    status: Status,
    /// Of nodes on which pods failed.
    backoff: Backoff,
    /// When the controller comes back by itself. One return is pending at a time and the
    /// earliest wins, as in the original's delaying queue.
    recheck: Option<Time>,
    /// When it looked last.
    looked: Time,
    /// Updates so far; each has its own order of nodes.
    updates: u32,
}

/// The object's status as its controller wrote it last: numbers of nodes, by their oldest pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Status {
    ready: u32,
    available: u32,
    updated: u32,
}

impl DaemonSet {
    /// From checked settings and the number of nodes.
    pub fn new(settings: settings::DaemonSet, nodes: u32) -> Self {
        Self { settings, nodes }
    }

    /// `SurgeCount`.
    fn max_surge(&self) -> u32 {
        match self.settings.kind {
            UpdateType::RollingUpdate => self.settings.max_surge.of(self.nodes, Rounding::Up),
            UpdateType::OnDelete => 0,
        }
    }

    /// `UnavailableCount`, and 1 if both are zero.
    fn max_unavailable(&self) -> u32 {
        let count = self.settings.max_unavailable.of(self.nodes, Rounding::Up);
        if count == 0 && self.max_surge() == 0 { 1 } else { count }
    }

    /// `updateDaemonSetStatus`.
    fn write_status(&self, state: &mut State, pods: &[Pod], now: Time) {
        let mut status = Status::default();
        for node in 0..self.nodes {
            let oldest = on_node(pods, node)
                .iter()
                .filter(|pod| !(pod.terminating && pod.failed))
                .min_by_key(|pod| (!pod.placed, pod.created, pod.id));
            if let Some(pod) = oldest {
                status.ready += u32::from(pod.is_ready());
                status.available += u32::from(pod.is_available(now));
                status.updated += u32::from(pod.version == state.template.target);
            }
        }
        state.status = status;
    }

    /// When the controller comes back by itself: `min_ready` + 1 s after it saw a pod become
    /// ready, `min_ready` after a status with ready pods that are not available, `retry` after a
    /// failed pod had to be left alone.
    fn plan_recheck(&self, state: &mut State, pods: &[Pod], now: Time, retry: Option<Span>) {
        let min_ready = self.settings.min_ready;
        let newly_ready = |pod: &Pod| {
            !pod.marked && !pod.terminating && pod.is_ready() && pod.ready_since >= state.looked
        };
        let waits = min_ready > Span::ZERO;
        let seen =
            (waits && pods.iter().any(newly_ready)).then(|| now + min_ready + Span::from_secs(1));
        let lags = (waits && state.status.ready != state.status.available).then(|| now + min_ready);
        let pending = state.recheck.filter(|t| *t > now);
        let retry = retry.map(|delay| now + delay);
        // A delaying queue keeps the earliest return alone: who became ready while one was
        // pending would be forgotten.
        let ripens = |pod: &&Pod| !pod.terminating && pod.is_ready() && !pod.is_available(now);
        let forgotten = pods.iter().filter(ripens).map(|pod| pod.available_from).min();
        let forgotten = forgotten.map(|at| at + Span::from_secs(1));
        state.recheck = [pending, seen, lags, retry].into_iter().flatten().min().or(forgotten);
        state.looked = now;
    }
}

impl Rules for DaemonSet {
    type State = State;

    const CONTROLLERS: &'static [&'static str] = &["daemonset"];

    fn initial(&self) -> State {
        let n = self.nodes;
        State {
            template: Template::new(),
            observed: true,
            requests: Requests::new(n),
            status: Status { ready: n, available: n, updated: n },
            backoff: Backoff::default(),
            recheck: None,
            looked: Time::ZERO,
            updates: 0,
        }
    }

    fn command(&self, state: &mut State, command: Command, now: Time) {
        let before = state.template.target;
        // A DaemonSet has neither replicas nor a partition.
        let _ = state.template.command(command, now);
        state.note_template(before);
    }

    fn status(&self, state: &State) -> Option<Shown> {
        let (available, done) = (state.status.available, state.template.finished);
        Some(Shown { available, done, sizes: Vec::new() })
    }

    fn next_operation(&self, state: &State) -> Option<Time> {
        state.template.next_operation(&self.settings.operations)
    }

    fn reconcile(
        &self,
        state: &mut State,
        _: Controller,
        now: Time,
        view: &View<'_>,
        draws: Draws,
        decision: &mut Decision,
    ) {
        let before = state.template.target;
        while state.template.take_due(&self.settings.operations, now).is_some() {}
        state.note_template(before);
        let pods = state.requests.observe(now, view, self.settings.min_ready);
        pods::mark_available(&pods, now, decision);
        let mut retry = None;
        if state.requests.are_seen() {
            retry = self.manage(state, &pods, now, decision);
            // What was just deleted or created must be seen before anything is updated.
            if state.requests.are_seen() && self.settings.kind == UpdateType::RollingUpdate {
                self.update(state, &pods, now, draws, decision);
            }
            state.observed = true;
        }
        self.write_status(state, &pods, now);
        let Status { updated, available, .. } = state.status;
        state.template.finished |=
            state.observed && updated >= self.nodes && available >= self.nodes;
        state.template.report(decision);
        self.plan_recheck(state, &pods, now, retry);
        for time in [state.recheck, state.requests.expiry(), self.next_operation(state)]
            .into_iter()
            .flatten()
        {
            decision.wake(time);
        }
    }

    fn budget(&self) -> Budget {
        let nodes = self.nodes;
        let (out, above) = match (self.settings.kind, self.max_surge()) {
            (UpdateType::OnDelete, _) => (0, 0),
            (UpdateType::RollingUpdate, 0) => (self.max_unavailable().min(nodes), 0),
            (UpdateType::RollingUpdate, surge) => (0, surge.min(nodes)),
        };
        Budget {
            instances: nodes,
            out,
            above,
            rounds: nodes.checked_div(out + above).map_or(0, |_| nodes.div_ceil(out + above)),
            // Counted from a whole second: it may be up to 1 s shorter.
            wait: self.settings.min_ready - Span::from_secs(1),
            out_key: "strategy.daemonset.max_unavailable",
            above_key: "strategy.daemonset.max_surge",
        }
    }
}

impl State {
    /// `status.numberAvailable`: nodes whose oldest pod is available; terminating ones count.
    pub fn available(&self) -> u32 {
        self.status.available
    }

    /// `status.numberReady`: nodes whose oldest pod is ready; terminating ones count.
    pub fn ready(&self) -> u32 {
        self.status.ready
    }

    /// `status.updatedNumberScheduled`: nodes whose oldest pod is of the new revision.
    pub fn updated(&self) -> u32 {
        self.status.updated
    }

    fn note_template(&mut self, before: crate::trace::VersionId) {
        if self.template.target != before {
            self.observed = false;
            self.backoff = Backoff::default();
        }
    }
}

/// The pods of a node; all pods are in order of their nodes.
fn on_node(pods: &[Pod], node: u32) -> &[Pod] {
    let from = pods.partition_point(|pod| pod.slot < node);
    let to = pods.partition_point(|pod| pod.slot <= node);
    &pods[from..to]
}
