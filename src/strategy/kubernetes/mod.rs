//! placeholder
pub mod fenceposts;
use super::{Command, Controller, Decision, Draws, View};
use crate::scenario::settings::KubernetesDeployment;
use crate::units::Time;
use serde::{Deserialize, Serialize};
/// Controllers.
pub const CONTROLLERS: &[&str] = &["deployment", "replicaset"];
/// A Deployment.
#[derive(Debug, Clone)]
pub struct Deployment {
    settings: KubernetesDeployment,
    instances: u32,
}
/// Its memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {}
impl Deployment {
    /// New.
    pub fn new(settings: KubernetesDeployment, instances: u32) -> Self {
        Self { settings, instances }
    }
    /// Before.
    pub fn initial(&self) -> State {
        let _ = (&self.settings, self.instances);
        State {}
    }
    /// Command.
    pub fn command(&self, _: &mut State, _: Command, _: Time) {}
    /// Look.
    pub fn reconcile(
        &self,
        _: &mut State,
        _: Controller,
        _: Time,
        _: &View<'_>,
        _: Draws,
        _: &mut Decision,
    ) {
    }
}
