//! What a strategy has asked for and does not see yet.
//!
//! # Which book to keep
//!
//! - [`Ledger`] (here): starts and stops under way, no more. For orchestrators that compute what to
//!   do from counts (`asg`, `ecs`, a `mig` that substitutes), or that keep their own list of hosts
//!   or allocations beside it (`codedeploy`, `nomad`).
//! - `in_place::Places`, on top of it: each place has a version that it shall run, and
//!   `tend` brings it there. For orchestrators that say *what* shall be where and do not follow
//!   each step (`vmss`, `service_fabric`, a `mig` that recreates).
//! - `seats::Places`: who has each place, step by step, with a second seat beside it, and whether
//!   somebody vanished untold. For tools that work through hosts and fail by host (`ansible`,
//!   `kamal`, `capistrano`, `appconfig`).
//! - `pods::Requests`: the expectations of Kubernetes' controllers, which are given up after a
//!   time, and the readiness of terminating pods (`statefulset`, `daemonset`).
//!
//! `kubernetes` (and what is built of it: `argo_*`, `flagger`), `swarm` and `generic` keep records
//! of their own, because those of the originals are part of their rules.

use serde::{Deserialize, Serialize};

use super::{Action, Decision, InstanceView, NO_SLOT, View};
use crate::trace::VersionId;

/// Starts and stops that are under way, so that nothing is asked for twice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Ledger {
    /// Version and place of starts whose instances have not been seen.
    starts: Vec<(VersionId, u32)>,
    /// Instances told to stop that still look active.
    stops: Vec<u32>,
    /// Instances with smaller numbers have been seen.
    next: u32,
}

impl Ledger {
    /// Before anything was asked for: instances 0 … `instances` − 1 are known.
    pub(super) fn new(instances: u32) -> Self {
        Self { starts: Vec::new(), stops: Vec::new(), next: instances }
    }

    /// Takes in what can be seen now.
    pub(super) fn observe(&mut self, view: &View<'_>) {
        let fresh = view.instances.partition_point(|i| i.id < self.next);
        let mut unseen = 0;
        for i in &view.instances[fresh..] {
            unseen += i.id - self.next;
            self.next = i.id + 1;
            let asked = (i.version, i.slot);
            if let Some(at) = self.starts.iter().position(|start| *start == asked) {
                self.starts.remove(at);
            }
        }
        // Numbers that were never shown came and went between two looks: ask again.
        let gone = self.starts.len().min(unseen as usize);
        self.starts.drain(..gone);
        self.stops.retain(|&id| view.find(id).is_some_and(|i| i.phase.is_active()));
    }

    /// Asks for an instance of this version, anywhere.
    pub(super) fn start(&mut self, version: VersionId, decision: &mut Decision) {
        self.starts.push((version, NO_SLOT));
        decision.actions.push(Action::start(version));
    }

    /// Asks for an instance of this version in this place.
    pub(super) fn start_in(&mut self, slot: u32, version: VersionId, decision: &mut Decision) {
        self.starts.push((version, slot));
        decision.actions.push(Action::start_in(slot, version));
    }

    /// Tells an active instance to stop, unless it was told before.
    pub(super) fn stop(&mut self, instance: u32, decision: &mut Decision) {
        if !self.stops.contains(&instance) {
            self.stops.push(instance);
            decision.actions.push(Action::Stop { instance });
        }
    }

    /// Whether it is active and nobody told it to stop.
    pub(super) fn stays(&self, instance: &InstanceView) -> bool {
        instance.phase.is_active() && !self.stops.contains(&instance.id)
    }

    /// Starts that are under way: version and place.
    pub(super) fn starts(&self) -> &[(VersionId, u32)] {
        &self.starts
    }
}
