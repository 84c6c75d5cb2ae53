//! Settings of the strategies, in each orchestrator's own words.

use crate::units::{CountOrPercent, Span};

/// The orchestrator and its settings.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub enum StrategySettings {
    /// `[strategy.kubernetes]`: a Deployment.
    Kubernetes(KubernetesDeployment),
    /// `[strategy.generic]`: batches or a sliding window.
    Generic(Generic),
}

/// A Kubernetes Deployment.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct KubernetesDeployment {
    /// `RollingUpdate` or `Recreate`.
    pub kind: DeploymentKind,
    /// Of spec replicas, rounded up. Default 25%.
    pub max_surge: CountOrPercent,
    /// Of spec replicas, rounded down. Default 25%.
    pub max_unavailable: CountOrPercent,
    /// A pod is available after it has been ready so long. Default 0.
    pub min_ready: Span,
    /// Reported, never acted upon. Default 10 min.
    pub progress_deadline: Span,
    /// Which release's availability timing applies.
    pub timing: AvailabilityTiming,
    /// Changes that somebody makes while the rollout runs, in order of time.
    pub operations: Vec<(Span, Operation)>,
}

/// `spec.strategy.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum DeploymentKind {
    /// Replace within a surge and unavailability budget.
    RollingUpdate,
    /// Stop all, then start all.
    Recreate,
}

/// How minReadySeconds is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum AvailabilityTiming {
    /// Available at floor(ready, whole wall-clock seconds) + minReadySeconds (seen on 1.36).
    WholeSeconds,
    /// Re-checked minReadySeconds after the controller saw it ready (seen on 1.20).
    Rechecked,
}

/// What an operator may do to a Deployment in mid-rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Operation {
    /// `kubectl scale`.
    Scale(u32),
    /// `kubectl rollout pause`.
    Pause,
    /// `kubectl rollout resume`.
    Resume,
    /// `kubectl rollout undo`: back to the old version.
    Undo,
    /// Set a third version (a rollover); behaves like `new`.
    Rollover,
}

/// The generic strategy: what most home-made rollouts do.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Generic {
    /// Instances replaced at a time; a percentage of the fleet is rounded down, at least 1.
    pub batch: CountOrPercent,
    /// Whether the next waits for the whole batch or for any one.
    pub window: Window,
    /// Whether the old instance goes first or the new one comes first.
    pub order: Order,
    /// Watch each batch (each instance, in a sliding window) this long before the next.
    pub bake: Span,
    /// An instance not ready this long after its start was asked has failed.
    pub ready_deadline: Span,
    /// More failures than this stop the rollout; a percentage of the fleet, rounded down.
    pub failures_allowed: CountOrPercent,
    /// What then happens.
    pub on_failure: OnFailure,
}

/// How the next replacement waits for the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Window {
    /// A batch is finished before the next begins.
    Barrier,
    /// As soon as one is done the next begins.
    Sliding,
}

/// Which of the two comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Order {
    /// Stop the old one, then start the new one.
    StopFirst,
    /// Start the new one, then stop the old one.
    StartFirst,
}

/// What happens when too many instances fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum OnFailure {
    /// Stop where it is.
    Pause,
    /// Replace the new ones by old ones, the same way.
    Rollback,
    /// Go on.
    Continue,
}
