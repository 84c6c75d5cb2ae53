//! `ReplicaSet`s in the hands of another controller than a Deployment's.

use serde::{Deserialize, Serialize};

use super::progress::{Condition, Totals};
use super::{Deployment, ReplicaSet, State, Status};
use crate::scenario::settings::{AvailabilityTiming, DeploymentKind, KubernetesDeployment};
use crate::strategy::{Decision, Draws, Rules, View};
use crate::trace::VersionId;
use crate::units::{CountOrPercent, Span, Time};

/// The replicaset controller, for sets whose sizes somebody else writes.
#[derive(Debug, Clone)]
pub(in crate::strategy) struct SetController(Deployment);

/// The sets and what the controller knows of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::strategy) struct Sets(State);

/// A set's size and its status as last reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::strategy) struct Counts {
    /// `spec.replicas`.
    pub(in crate::strategy) size: u32,
    /// Pods that exist and were not told to stop.
    pub(in crate::strategy) replicas: u32,
    /// Of these the ready ones.
    pub(in crate::strategy) ready: u32,
    /// Of these the available ones.
    pub(in crate::strategy) available: u32,
}

impl SetController {
    /// Pods are available `min_ready` after they became ready.
    pub(in crate::strategy) fn new(min_ready: Span) -> Self {
        // Of a Deployment's settings the replicaset controller reads only these.
        let settings = KubernetesDeployment {
            kind: DeploymentKind::RollingUpdate,
            max_surge: CountOrPercent::Count(0),
            max_unavailable: CountOrPercent::Count(0),
            min_ready,
            progress_deadline: Span::MAX,
            timing: AvailabilityTiming::WholeSeconds,
            operations: Vec::new(),
        };
        Self(Deployment::new(settings, 0))
    }

    /// A set of the old version with `available` pods, all available.
    pub(in crate::strategy) fn initial(&self, available: u32) -> Sets {
        let controller = Deployment { instances: available, ..self.0.clone() };
        Sets(controller.initial())
    }

    /// One look of the replicaset controller; notifies controller 0 of a changed status.
    pub(in crate::strategy) fn sync(
        &self,
        sets: &mut Sets,
        now: Time,
        view: &View<'_>,
        draws: Draws,
        decision: &mut Decision,
    ) {
        self.0.sync_replica_sets(&mut sets.0, now, view, draws, decision);
    }
}

impl Sets {
    /// The versions that have a set, in order of its creation.
    pub(in crate::strategy) fn versions(&self) -> impl Iterator<Item = VersionId> {
        self.0.replica_sets.iter().map(|rs| rs.version)
    }

    /// Of a version's set; nothing if it has none.
    pub(in crate::strategy) fn counts(&self, version: VersionId) -> Counts {
        let found = self.0.replica_sets.iter().find(|rs| rs.version == version);
        found.map_or(Counts::default(), |rs| Counts {
            size: rs.size,
            replicas: rs.status.replicas,
            ready: rs.status.ready,
            available: rs.status.available,
        })
    }

    /// Sums over all sets.
    pub(in crate::strategy) fn total(&self) -> Counts {
        let add = |a: Counts, b: Counts| Counts {
            size: a.size + b.size,
            replicas: a.replicas + b.replicas,
            ready: a.ready + b.ready,
            available: a.available + b.available,
        };
        self.versions().map(|version| self.counts(version)).fold(Counts::default(), add)
    }

    /// Writes a set's size, and makes the set if there is none; says whether that changed
    /// anything.
    pub(in crate::strategy) fn resize(&mut self, version: VersionId, size: u32) -> bool {
        if let Some(rs) = self.0.replica_sets.iter_mut().find(|rs| rs.version == version) {
            return rs.scale(size, size, size);
        }
        self.0.replica_sets.push(ReplicaSet::new(version, size, size, size));
        true
    }
}

/// What a Deployment's status says, for whoever watches it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::strategy) struct Report {
    /// `spec.replicas`.
    pub(in crate::strategy) desired: u32,
    /// Pods of all sets.
    pub(in crate::strategy) replicas: u32,
    /// Those of the present template.
    pub(in crate::strategy) updated: u32,
    /// Available pods of all sets.
    pub(in crate::strategy) available: u32,
    /// `ProgressDeadlineExceeded`.
    pub(in crate::strategy) timed_out: bool,
}

impl State {
    /// The status as the deployment controller wrote it last.
    pub(in crate::strategy) fn report(&self) -> Report {
        Report {
            desired: self.desired,
            replicas: self.observed.replicas,
            updated: self.observed.updated,
            available: self.observed.available,
            timed_out: self.condition == Condition::TimedOut,
        }
    }

    /// Makes this the Deployment of nobody, before it began.
    pub(in crate::strategy) fn empty(&mut self) {
        (self.desired, self.announced) = (0, 0);
        self.observed = Totals::whole(0);
        for rs in &mut self.replica_sets {
            rs.scale(0, 0, 0);
            rs.status = Status::default();
        }
    }

    /// From `now` on its progress deadline is watched.
    pub(in crate::strategy) fn watch(&mut self, now: Time) {
        self.begun.get_or_insert(now);
    }

    /// `spec.template`.
    pub(in crate::strategy) fn template(&self) -> VersionId {
        self.target
    }

    /// Whether this instance was told to stop and that cannot be seen yet.
    pub(in crate::strategy) fn has_told(&self, instance: u32) -> bool {
        self.replica_sets.iter().any(|rs| rs.deleting.contains(&instance))
    }
}
