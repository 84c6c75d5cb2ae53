//! Kubernetes `StatefulSet`: pods with an identity, replaced one after the other.
//!
//! # Source
//! Controller `statefulset` of kube-controller-manager (v1.36), the documentation of the
//! `apps/v1` API, and recorded rollouts of the real controller.
//!
//! # Rules
//! - A pod has an ordinal, 0 … replicas − 1. It is replaced by being deleted; when it is
//!   completely gone another one with the same ordinal is created. There is never a surge.
//! - Each look has three phases. *Create*: from the lowest ordinal up, missing pods are created
//!   and failed ones deleted. With `OrderedReady` the look ends at the first pod that is missing,
//!   terminating or not available. *Scale down*: pods beyond the replicas are deleted, the
//!   highest first, with `OrderedReady` one at a time. *Update*: from the highest ordinal down to
//!   the partition, the first pod of another revision is deleted; the look ends at the first pod
//!   that is not available.
//! - With `max_unavailable` (the feature gate `MaxUnavailableStatefulSet`) the update deletes as
//!   many pods at once as it leaves room for, whichever pods are unavailable.
//! - Pods below the partition that have to be created again get the revision before: the one of
//!   the last rollout that was completed.
//! - A pod is available `min_ready` after the whole wall-clock second in which it became ready.
//! - Complete, as `kubectl rollout status` tells: all pods are ready, and the rollout has become
//!   the current revision (all were of the new revision and ready at one look); with a partition,
//!   all are ready and as many of the new revision as are to be. Availability is not asked for.
//!
//! # Settings and defaults
//! `OrderedReady`, `RollingUpdate`, partition 0, feature gate off, min ready 0 s.
//!
//! # Known surprises
//! - With `OrderedReady` a pod of a broken revision blocks its own repair: undoing the rollout
//!   does nothing until somebody deletes that pod. `Parallel` repairs it, but not with
//!   `max_unavailable`, if as many pods are broken as may be unavailable.
//! - `Parallel` without `max_unavailable` still updates one pod after the other.
//! - With `OrderedReady` and `max_unavailable` pods are deleted together but created again one at
//!   a time: what is saved is the time to stop, not the time to start.
//! - `max_unavailable` is rounded down: 34 % of 8 are 2.
//! - Undoing a rollout that was not completed counts as completed as soon as all pods are ready,
//!   of whatever revision: the current revision never changed.
//! - There is no deadline, and nothing is ever rolled back.
//!
//! # Where we depart
//! - Volumes and their claims, start ordinals and the revision history are left out.
//! - For partition 0 completion is read from the current revision, as in the recordings. Clients
//!   that find a partition of 0 written in the object compare the number of updated pods instead;
//!   only while a rollout is undone do the two differ.
//! - With `OnDelete`, where `kubectl rollout status` refuses to answer, complete means: all are
//!   of the new revision and ready.
//! - A start that cannot be seen after 300 s is asked for again.

mod phases;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::pods::{self, Pod, Requests};
use super::template::Template;
use super::{Budget, Command, Controller, Decision, Draws, Rules, Status as Shown, View};
use crate::scenario::settings::{self, Operation, PodManagementPolicy, UpdateType};
use crate::trace::VersionId;
use crate::units::{Rounding, Span, Time};

/// A `StatefulSet` with its settings.
#[derive(Debug, Clone)]
pub struct StatefulSet {
    settings: settings::StatefulSet,
    instances: u32,
}

/// The API object and what its controller has under way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    template: Template,
    /// `status.currentRevision`: what was last rolled out completely.
    current: VersionId,
    /// `spec.replicas`.
    desired: u32,
    /// The value of `desired` that was last announced in a decision.
    announced: u32,
    /// `spec.updateStrategy.rollingUpdate.partition`.
    partition: u32,
    requests: Requests,
    status: Status,
}

/// The object's status as its controller wrote it last. Terminating pods count, except as
/// updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Status {
    replicas: u32,
    ready: u32,
    available: u32,
    updated: u32,
}

impl StatefulSet {
    /// From checked settings and the desired number of instances.
    pub fn new(settings: settings::StatefulSet, instances: u32) -> Self {
        Self { settings, instances }
    }

    /// `getStatefulSetMaxUnavailable`: a percentage is rounded down, to at least 1.
    fn max_unavailable(&self, desired: u32) -> u32 {
        let amount = self.settings.max_unavailable;
        amount.map_or(1, |amount| amount.of(desired, Rounding::Down).max(1))
    }

    fn apply(&self, state: &mut State, operation: Operation) {
        match operation {
            Operation::Scale(desired) if desired != state.desired => {
                state.desired = desired;
                state.template.finished = false;
            }
            Operation::Partition(partition) if partition != state.partition => {
                state.partition = partition;
                // The object is another one: `kubectl rollout status` looks again.
                state.template.finished &= self.settings.kind == UpdateType::OnDelete;
            }
            _ => {}
        }
    }

    /// `updateStatus` and `completeRollingUpdate`.
    fn write_status(&self, state: &mut State, pods: &[Pod], now: Time) {
        let count = |of: &dyn Fn(&Pod) -> bool| pods.iter().filter(|pod| of(pod)).count() as u32;
        let target = state.template.target;
        state.status = Status {
            replicas: pods.len() as u32,
            ready: count(&Pod::is_ready),
            available: count(&|pod| pod.is_available(now)),
            updated: count(&|pod| !pod.terminating && pod.version == target),
        };
        let Status { replicas, ready, updated, .. } = state.status;
        let n = state.desired;
        if self.settings.kind == UpdateType::RollingUpdate
            && (replicas, ready, updated) == (n, n, n)
        {
            state.current = target;
        }
    }

    /// What `kubectl rollout status` concludes from the status.
    fn is_complete(&self, state: &State) -> bool {
        let Status { ready, updated, .. } = state.status;
        let enough = match self.settings.kind {
            UpdateType::OnDelete => updated >= state.desired,
            UpdateType::RollingUpdate if state.partition > 0 => {
                updated >= state.desired.saturating_sub(state.partition)
            }
            UpdateType::RollingUpdate => state.current == state.template.target,
        };
        ready >= state.desired && enough
    }
}

impl Rules for StatefulSet {
    type State = State;

    const CONTROLLERS: &'static [&'static str] = &["statefulset"];

    fn initial(&self) -> State {
        let n = self.instances;
        State {
            template: Template::new(),
            current: VersionId::OLD,
            desired: n,
            announced: n,
            partition: self.settings.partition,
            requests: Requests::new(n),
            status: Status { replicas: n, ready: n, available: n, updated: n },
        }
    }

    fn command(&self, state: &mut State, command: Command, now: Time) {
        if let Some(operation) = state.template.command(command, now) {
            self.apply(state, operation);
        }
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
        _: Draws,
        decision: &mut Decision,
    ) {
        while let Some(operation) = state.template.take_due(&self.settings.operations, now) {
            self.apply(state, operation);
        }
        if state.announced != state.desired {
            state.announced = state.desired;
            decision.desired = Some(state.desired);
        }
        let pods = state.requests.observe(now, view, self.settings.min_ready);
        pods::mark_available(&pods, now, decision);
        self.sync(state, &pods, now, decision);
        self.write_status(state, &pods, now);
        state.template.finished |= self.is_complete(state);
        state.template.report(decision);
        let due = pods.iter().map(|pod| pod.available_from).filter(|t| *t > now).min();
        let due = due.filter(|t| *t != Time::NEVER);
        for time in [due, state.requests.expiry(), self.next_operation(state)].into_iter().flatten()
        {
            decision.wake(time);
        }
    }

    /// One pod after the other, or `max_unavailable` at once; with `OrderedReady` even those
    /// start one after the other.
    fn budget(&self) -> Budget {
        let (instances, settings) = (self.instances, &self.settings);
        let replaced = instances.saturating_sub(settings.partition);
        let out = match settings.kind {
            UpdateType::OnDelete => 0,
            UpdateType::RollingUpdate => self.max_unavailable(instances).min(replaced),
        };
        let rounds = match (out, settings.pod_management_policy) {
            (0, _) => 0,
            (_, PodManagementPolicy::OrderedReady) => replaced,
            (_, PodManagementPolicy::Parallel) => replaced.div_ceil(out),
        };
        Budget {
            instances,
            out,
            above: 0,
            rounds,
            // `min_ready` is counted from a whole second: it may be up to 1 s shorter.
            wait: settings.min_ready - Span::from_secs(1),
            out_key: "strategy.statefulset.max_unavailable",
            above_key: "strategy.statefulset.type",
        }
    }
}

impl State {
    /// `status.availableReplicas`; available pods that terminate count.
    pub fn available(&self) -> u32 {
        self.status.available
    }

    /// `status.readyReplicas`; ready pods that terminate count.
    pub fn ready(&self) -> u32 {
        self.status.ready
    }

    /// `status.updatedReplicas`.
    pub fn updated(&self) -> u32 {
        self.status.updated
    }
}
