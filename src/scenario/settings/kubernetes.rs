//! `[strategy.kubernetes]`: a Deployment.

use super::operation::{self, Operation};
use super::{Default::Is, Env, Key, Kind, Page, Settings, Table, key};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::units::{CountOrPercent, Span};

const PATH: &str = "strategy.kubernetes";

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

impl Settings for KubernetesDeployment {
    const TABLE: Table = Table { path: PATH, about: "A Kubernetes Deployment.", keys: KEYS };
    const WORLD: &'static [(&'static str, &'static str)] = super::pods::WORLD;

    fn read(env: &mut Env<'_>) -> Self {
        let operations = operation::read(env, PATH);
        let section = env.section(PATH);
        let recreate = section.word("type") == "Recreate";
        let stray: Vec<_> = ["max_surge", "max_unavailable"]
            .iter()
            .filter_map(|key| section.written(key).map(|e| (*key, e.key_at)))
            .collect();
        let settings = Self {
            kind: if recreate { DeploymentKind::Recreate } else { DeploymentKind::RollingUpdate },
            max_surge: section.amount("max_surge"),
            max_unavailable: section.amount("max_unavailable"),
            min_ready: section.span("min_ready"),
            progress_deadline: section.span("progress_deadline"),
            timing: match section.word("version") {
                "1.20" => AvailabilityTiming::Rechecked,
                _ => AvailabilityTiming::WholeSeconds,
            },
            operations,
        };
        let (deadline, min_ready) = (settings.progress_deadline, settings.min_ready);
        let at = section.place("progress_deadline");
        if recreate {
            for (key, at) in stray {
                let message = format!("`{key}` has no meaning with type = \"Recreate\"");
                env.problem(Diagnostic::new(Code::Conflict, at, message, "remove it"));
            }
        }
        // The API server's own rule (`ValidateDeploymentSpec`).
        if deadline <= min_ready {
            let message = "`progress_deadline` must be longer than `min_ready`";
            env.problem(Diagnostic::new(
                Code::Conflict,
                at,
                message,
                "Kubernetes refuses this too",
            ));
        }
        settings
    }

    fn write(&self, page: &mut Page) {
        match self.kind {
            DeploymentKind::RollingUpdate => {
                page.text("type", "RollingUpdate");
                page.amount("max_surge", self.max_surge);
                page.amount("max_unavailable", self.max_unavailable);
            }
            DeploymentKind::Recreate => page.text("type", "Recreate"),
        }
        page.text("min_ready", self.min_ready);
        page.text("progress_deadline", self.progress_deadline);
        let version = match self.timing {
            AvailabilityTiming::WholeSeconds => "1.36",
            AvailabilityTiming::Rechecked => "1.20",
        };
        page.text("version", version);
        operation::write(&self.operations, page);
    }

    fn describe(&self) -> String {
        match self.kind {
            DeploymentKind::RollingUpdate => format!(
                "kubernetes, max_surge {}, max_unavailable {}",
                self.max_surge, self.max_unavailable
            ),
            DeploymentKind::Recreate => "kubernetes, Recreate".into(),
        }
    }
}

const KEYS: &[Key] = &[
    key(
        "type",
        Kind::Word(&["RollingUpdate", "Recreate"]),
        Is("\"RollingUpdate\""),
        "`spec.strategy.type`.",
        "\"RollingUpdate\"",
    ),
    key("max_surge", Kind::Amount, Is("\"25%\""), "Pods above; rounded up.", "\"25%\""),
    key("max_unavailable", Kind::Amount, Is("\"25%\""), "Pods below; rounded down.", "0"),
    key("min_ready", Kind::Duration, Is("\"0s\""), "Ready so long is available.", "\"10s\""),
    key(
        "progress_deadline",
        Kind::Duration,
        Is("\"10m\""),
        "Without progress for so long the Deployment reports failure, and does nothing.",
        "\"10m\"",
    ),
    key(
        "version",
        Kind::Word(&["1.36", "1.20"]),
        Is("\"1.36\""),
        "Whose way of timing `min_ready` applies.",
        "\"1.36\"",
    ),
    key(
        "operations",
        operation::KIND,
        Is("[]"),
        "Changes that somebody makes in mid-rollout.",
        "[{ at = \"30s\", scale = 20 }]",
    ),
];
