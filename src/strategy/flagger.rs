//! A Flagger Canary: so far its pods alone, as an ordinary rolling update.
//!
//! # Source
//! See the settings.
//!
//! # Rules
//! - Those of a Kubernetes Deployment.
//!
//! # Settings and defaults
//! [`settings::Flagger`].
//!
//! # Known surprises
//! - None yet.
//!
//! # Where we depart
//! - Steps, weights and analysis are ignored.

use super::kubernetes::{Deployment, State as Pods};
use super::{Budget, Command, Controller, Decision, Draws, Rules, View};
use crate::scenario::settings::{self, AvailabilityTiming, DeploymentKind, KubernetesDeployment};
use crate::units::Time;

/// A Flagger Canary, with its settings.
#[derive(Debug, Clone)]
pub struct Flagger {
    deployment: Deployment,
}

/// Its memory.
pub type State = Pods;

impl Flagger {
    /// From checked settings and the desired number of instances.
    pub fn new(settings: settings::Flagger, instances: u32) -> Self {
        let (max_surge, max_unavailable) = (settings.max_surge, settings.max_unavailable);
        let settings = KubernetesDeployment {
            kind: DeploymentKind::RollingUpdate,
            max_surge,
            max_unavailable,
            min_ready: settings.min_ready,
            progress_deadline: settings.progress_deadline,
            timing: AvailabilityTiming::WholeSeconds,
            operations: settings.operations,
        };
        Self { deployment: Deployment::new(settings, instances) }
    }
}

impl Rules for Flagger {
    type State = State;

    const CONTROLLERS: &'static [&'static str] = &["rollouts", "replicaset"];

    fn initial(&self) -> State {
        self.deployment.initial()
    }

    fn command(&self, state: &mut State, command: Command, now: Time) {
        self.deployment.command(state, command, now);
    }

    fn next_operation(&self, state: &State) -> Option<Time> {
        self.deployment.next_operation(state)
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
        self.deployment.reconcile(state, controller, now, view, draws, decision);
    }

    fn budget(&self) -> Budget {
        self.deployment.budget()
    }
}
