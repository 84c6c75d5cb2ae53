//! Kubernetes Deployment: rolling update and recreate.
//!
//! # Source
//! Controllers `deployment` and `replicaset` of kube-controller-manager (v1.36, and v1.20 where
//! it differs), the documentation of the `apps/v1` API, and recorded rollouts of the real
//! controllers on both releases.
//!
//! # Rules
//! - Two controllers. *deployment* writes the sizes (`spec.replicas`) of the `ReplicaSet`s, one
//!   step per sync; *replicaset* creates and deletes instances and writes each set's status.
//! - A sync scales if the desired number changed or the Deployment is paused; otherwise it takes
//!   the first possible step of: create the new set (already sized), size the new set up, size
//!   old sets down (what is not available first, then available ones while more are available
//!   than the floor, oldest set first).
//! - Sizing up looks at sizes, sizing down at reported availability; terminating instances count
//!   for nothing.
//! - An instance is available `min_ready` after it became ready (what that means to the second
//!   differs between releases: `version`).
//! - Complete: updated = total = available = desired, in the reported status.
//! - Undo is an ordinary update to the old template, onto the set that is still there.
//!
//! # Settings and defaults
//! Surge 25 % (rounded up), unavailable 25 % (rounded down; both zero after rounding makes it 1),
//! min ready 0 s, progress deadline 600 s, release 1.36 timing.
//!
//! # Known surprises
//! - Surge bounds the sum of sizes; instances may exceed it for a moment, and with terminating
//!   ones by far.
//! - Deletion looks at readiness, not at availability: with `min_ready` above zero a rollback or
//!   rollover may go below the floor. Proportional scaling ignores availability too.
//! - The progress deadline stops nothing and reverts nothing.
//! - While paused, sizes are still filled up proportionally to desired + surge.
//! - If the only active set happens to have the newly desired size already, its annotation stays
//!   behind, every later sync takes itself for a scaling event and a later template change waits
//!   until the next real scaling.
//! - A template set while paused takes effect at the resume.
//!
//! # Where we depart
//! - One `ReplicaSet` a version; no revision history limit, no `ReplicaSet` adoption.
//! - Deletion order within one log₂ bucket of ready time: more restarts first, then the
//!   pseudo-random UID (the original compares restarts only for equal whole seconds, which is
//!   not a total order). No pod deletion cost.
//! - All replica sets are synced in one look and report together, and what a sync takes from old
//!   sets is written at once; the original has a worker for each set, and takes what is not
//!   available and what is in two writes, between which a set may act on the first.
//! - Write conflicts and their back-off are latency, hence the world's business.
//! - `kubectl rollout undo` of a paused Deployment is refused by the client; here undo means that
//!   somebody set the old template, which is not.
//! - [`Said::Paused`] is said only if no resume is scheduled; [`Command::Rollback`] resumes a
//!   paused Deployment before it goes back.

mod deployment;
pub mod fenceposts;
mod progress;
#[cfg(test)]
mod properties;
mod ranking;
mod replicaset;
#[cfg(test)]
mod rules;
mod scaling;
mod sets;
#[cfg(test)]
mod vectors;

use serde::{Deserialize, Serialize};
pub(super) use sets::{Counts, Report, SetController, Sets};

use super::{Budget, Command, Controller, Decision, Draws, Rules, Status as Shown, View};
#[cfg(doc)]
use crate::scenario::settings::AvailabilityTiming;
use crate::scenario::settings::{DeploymentKind, KubernetesDeployment, Operation};
use crate::trace::{Said, VersionId};
use crate::units::{Rounding, Span, Time};

const DEPLOYMENT: Controller = 0;
const REPLICASET: Controller = 1;

/// A Deployment with its settings.
#[derive(Debug, Clone)]
pub struct Deployment {
    settings: KubernetesDeployment,
    instances: u32,
}

/// The API objects that the controllers keep: the Deployment and its `ReplicaSet`s.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// In order of creation.
    replica_sets: Vec<ReplicaSet>,
    /// `spec.replicas` of the Deployment.
    desired: u32,
    /// The value of `desired` that was last announced in a decision.
    announced: u32,
    /// `spec.paused`.
    paused: bool,
    /// `spec.template`.
    target: VersionId,
    /// When the rollout began.
    begun: Option<Time>,
    /// How many of the scheduled operations have been carried out.
    operations_done: usize,
    /// An operator undid the rollout and no decision has told so yet.
    undone: bool,
    /// The Deployment's status as it wrote it last.
    observed: progress::Totals,
    /// `spec` was changed since: `status.observedGeneration` lags.
    unseen: bool,
    /// Its `Progressing` condition.
    condition: progress::Condition,
    /// `lastUpdateTime` of that condition, not yet truncated to seconds.
    progressed: Time,
    /// The present target and size were complete once.
    finished: bool,
    /// What was said last.
    said: Said,
    /// `Recreate`: the new set must wait for old instances to go.
    waiting: bool,
    /// Instances with smaller numbers have been seen by the replicaset controller.
    next_instance: u32,
    /// Memory reused between looks; no part of the state.
    #[serde(skip)]
    scratch: replicaset::Scratch,
}

/// A `ReplicaSet`: one version's share of the fleet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplicaSet {
    version: VersionId,
    /// `spec.replicas`.
    size: u32,
    /// Annotation `desired-replicas`: the Deployment's size when this set was last scaled.
    desired: u32,
    /// Annotation `max-replicas`: that plus the surge.
    max: u32,
    /// As the replicaset controller wrote it last.
    status: Status,
    /// Starts asked for and not seen yet.
    creating: u32,
    /// Instances told to stop that still look active.
    deleting: Vec<u32>,
    /// When these were asked for.
    expected_since: Time,
    /// What the last sync of this set saw (only kept for 1.20 timing).
    sync: replicaset::LastSync,
}

/// `status` of a `ReplicaSet`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Status {
    replicas: u32,
    ready: u32,
    available: u32,
    /// Told to stop and still there; not reported by 1.20.
    #[serde(default)]
    terminating: u32,
}

impl Deployment {
    /// From checked settings and the desired number of instances.
    pub fn new(settings: KubernetesDeployment, instances: u32) -> Self {
        Self { settings, instances }
    }

    /// Instances above the desired number; none for Recreate.
    fn surge(&self, desired: u32) -> u32 {
        match self.settings.kind {
            DeploymentKind::RollingUpdate => self.settings.max_surge.of(desired, Rounding::Up),
            DeploymentKind::Recreate => 0,
        }
    }

    /// `MinAvailable`: desired less the unavailability budget, which is capped at desired.
    fn min_available(&self, desired: u32) -> u32 {
        let KubernetesDeployment { max_surge, max_unavailable, .. } = self.settings;
        match self.settings.kind {
            DeploymentKind::RollingUpdate => {
                let posts = fenceposts::resolve(max_surge, max_unavailable, desired);
                desired.saturating_sub(posts.unavailable)
            }
            DeploymentKind::Recreate => 0,
        }
    }
}

impl Rules for Deployment {
    type State = State;

    const CONTROLLERS: &'static [&'static str] = &["deployment", "replicaset"];

    fn initial(&self) -> State {
        let n = self.instances;
        let mut old = ReplicaSet::new(VersionId::OLD, n, n, n + self.surge(n));
        old.status = Status { replicas: n, ready: n, available: n, terminating: 0 };
        State {
            replica_sets: vec![old],
            desired: n,
            announced: n,
            paused: false,
            target: VersionId::OLD,
            begun: None,
            operations_done: 0,
            undone: false,
            observed: progress::Totals::whole(n),
            unseen: false,
            condition: progress::Condition::Available,
            progressed: Time::ZERO,
            finished: true,
            said: Said::Completed,
            waiting: false,
            next_instance: n,
            scratch: replicaset::Scratch::default(),
        }
    }

    fn command(&self, state: &mut State, command: Command, now: Time) {
        state.unseen = true;
        match command {
            Command::Begin => {
                state.begun.get_or_insert(now);
                state.set_target(VersionId::NEW);
            }
            Command::Rollback => {
                state.paused = false;
                state.set_target(VersionId::OLD);
            }
            Command::Operate(operation) => state.operate(operation),
        }
    }

    fn reconcile(
        &self,
        state: &mut State,
        controller: Controller,
        now: Time,
        view: &View<'_>,
        draws: Draws,
        decision: &mut Decision,
    ) {
        match controller {
            DEPLOYMENT => self.sync_deployment(state, now, view, decision),
            REPLICASET => self.sync_replica_sets(state, now, view, draws, decision),
            _ => unreachable!("a Deployment has two controllers"),
        }
    }

    fn status(&self, state: &State) -> Option<Shown> {
        let sizes = state.sizes().filter(|(_, size)| *size > 0).collect();
        Some(Shown { available: state.observed.available, done: state.is_done(), sizes })
    }

    fn next_operation(&self, state: &State) -> Option<Time> {
        let (after, _) = self.settings.operations.get(state.operations_done)?;
        Some(state.begun? + *after)
    }

    /// The first look at the old set takes `max_unavailable` at once, while `max_surge` new ones
    /// start; at most their sum is in flight.
    fn budget(&self) -> Budget {
        let (instances, settings) = (self.instances, &self.settings);
        // `min_ready` is counted from a whole second: it may be up to 1 s shorter.
        let wait = settings.min_ready - Span::from_secs(1);
        match settings.kind {
            DeploymentKind::Recreate => Budget {
                instances,
                out: instances,
                above: 0,
                rounds: 1,
                wait,
                out_key: "strategy.kubernetes.type",
                above_key: "strategy.kubernetes.type",
            },
            DeploymentKind::RollingUpdate => {
                let posts =
                    fenceposts::resolve(settings.max_surge, settings.max_unavailable, instances);
                let out = posts.unavailable.min(instances);
                let above = posts.surge.min(instances);
                Budget {
                    instances,
                    out,
                    above,
                    rounds: instances.div_ceil((out + above).max(1)),
                    wait,
                    out_key: "strategy.kubernetes.max_unavailable",
                    above_key: "strategy.kubernetes.max_surge",
                }
            }
        }
    }
}

impl State {
    /// Sizes (`spec.replicas`) of the replica sets, in order of creation.
    pub fn sizes(&self) -> impl Iterator<Item = (VersionId, u32)> {
        self.replica_sets.iter().map(|rs| (rs.version, rs.size))
    }

    /// Available instances as the replica sets report them.
    pub fn available(&self) -> u32 {
        self.replica_sets.iter().map(|rs| rs.status.available).sum()
    }

    /// `kubectl rollout status` prints success: the status is of the present generation, all are
    /// updated, none is old, all updated ones are available.
    fn is_done(&self) -> bool {
        let progress::Totals { replicas, updated, available, .. } = self.observed;
        let timed_out = self.condition == progress::Condition::TimedOut;
        !self.unseen
            && !timed_out
            && updated >= self.desired
            && replicas <= updated
            && available >= updated
    }

    fn set_target(&mut self, target: VersionId) {
        if target != self.target {
            self.target = target;
            self.finished = false;
        }
    }

    pub(super) fn operate(&mut self, operation: Operation) {
        match operation {
            Operation::Scale(desired) => {
                if desired != self.desired {
                    self.desired = desired;
                    self.finished = false;
                }
            }
            Operation::Pause => self.paused = true,
            Operation::Resume => self.paused = false,
            Operation::Undo => {
                self.undone |= self.target != VersionId::OLD;
                self.set_target(VersionId::OLD);
            }
            Operation::Rollover => {
                let newest = self.replica_sets.iter().map(|rs| rs.version).max();
                let newest = newest.unwrap_or(VersionId::NEW).max(VersionId::NEW).max(self.target);
                self.set_target(VersionId(newest.0.saturating_add(1)));
            }
            Operation::Set(version) => {
                let version = VersionId(version);
                self.undone |= version < self.target;
                self.set_target(version);
            }
            // A Deployment has neither.
            Operation::Partition(_) | Operation::Promote | Operation::Abort => {}
        }
    }

    /// Where the set of the target version is, if it exists.
    fn new_set(&self) -> Option<usize> {
        self.replica_sets.iter().position(|rs| rs.version == self.target)
    }

    /// Sum of sizes over all sets.
    fn total_size(&self) -> u32 {
        self.replica_sets.iter().map(|rs| rs.size).sum()
    }
}

impl ReplicaSet {
    fn new(version: VersionId, size: u32, desired: u32, max: u32) -> Self {
        Self {
            version,
            size,
            desired,
            max,
            status: Status::default(),
            creating: 0,
            deleting: Vec::new(),
            expected_since: Time::ZERO,
            sync: replicaset::LastSync::default(),
        }
    }

    /// Writes size and annotations; says whether that changed anything.
    fn scale(&mut self, size: u32, desired: u32, max: u32) -> bool {
        let changed = (self.size, self.desired, self.max) != (size, desired, max);
        (self.size, self.desired, self.max) = (size, desired, max);
        changed
    }
}
