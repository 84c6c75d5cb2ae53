//! placeholder
use super::{Command, Decision, Draws, View};
use crate::scenario::settings;
use crate::units::Time;
use serde::{Deserialize, Serialize};
/// Controllers.
pub const CONTROLLERS: &[&str] = &["rollout"];
/// The generic strategy.
#[derive(Debug, Clone)]
pub struct Generic {
    settings: settings::Generic,
    instances: u32,
}
/// Its memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {}
impl Generic {
    /// New.
    pub fn new(settings: settings::Generic, instances: u32) -> Self {
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
    pub fn reconcile(&self, _: &mut State, _: Time, _: &View<'_>, _: Draws, _: &mut Decision) {}
}
