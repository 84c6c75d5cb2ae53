//! `[strategy.statefulset]`: a Kubernetes `StatefulSet`.

use super::operation::{self, Operation};
use super::{Default::Is, Default::Says, Env, Key, Kind, Page, Settings, Table, key};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::raw::Value;
use crate::units::{CountOrPercent, Span};

const PATH: &str = "strategy.statefulset";

/// A Kubernetes `StatefulSet`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct StatefulSet {
    /// Whether pods wait for those before them.
    pub pod_management_policy: PodManagementPolicy,
    /// Who deletes old pods.
    pub kind: UpdateType,
    /// Pods with smaller ordinals keep the revision before. Default 0.
    pub partition: u32,
    /// Pods unavailable at once, of the replicas, rounded down, at least 1. `None`: the feature
    /// gate `MaxUnavailableStatefulSet` is off, one pod after the other.
    pub max_unavailable: Option<CountOrPercent>,
    /// A pod is available after it has been ready so long. Default 0.
    pub min_ready: Span,
    /// Changes that somebody makes while the rollout runs, in order of time.
    pub operations: Vec<(Span, Operation)>,
}

/// `spec.podManagementPolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum PodManagementPolicy {
    /// Pods are created in order, each waits for those before it.
    OrderedReady,
    /// Pods are created and deleted without waiting; updates still go one by one.
    Parallel,
}

/// `spec.updateStrategy.type` of a `StatefulSet` or a `DaemonSet`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum UpdateType {
    /// The controller replaces old pods.
    RollingUpdate,
    /// Somebody deletes them; the controller only fills the gaps.
    OnDelete,
}

impl UpdateType {
    pub(super) const KIND: Kind = Kind::Word(&["RollingUpdate", "OnDelete"]);

    pub(super) fn of(word: &str) -> Self {
        if word == "OnDelete" { Self::OnDelete } else { Self::RollingUpdate }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::RollingUpdate => "RollingUpdate",
            Self::OnDelete => "OnDelete",
        }
    }
}

impl Settings for StatefulSet {
    const TABLE: Table = Table { path: PATH, about: "A Kubernetes StatefulSet.", keys: KEYS };
    const WORLD: &'static [(&'static str, &'static str)] = super::pods::WORLD;

    fn read(env: &mut Env<'_>) -> Self {
        let operations = operation::read(env, PATH);
        let section = env.section(PATH);
        let written = section.written("max_unavailable");
        let max_unavailable = match written.map(|entry| &entry.value) {
            Some(Value::Amount(amount)) => Some(*amount),
            _ => None,
        };
        let at = section.place("max_unavailable");
        let kind = UpdateType::of(section.word("type"));
        let stray = match kind {
            UpdateType::RollingUpdate => None,
            UpdateType::OnDelete => ["max_unavailable", "partition"]
                .into_iter()
                .find_map(|key| section.written(key).map(|entry| (key, entry.key_at))),
        };
        let settings = Self {
            pod_management_policy: match section.word("pod_management_policy") {
                "Parallel" => PodManagementPolicy::Parallel,
                _ => PodManagementPolicy::OrderedReady,
            },
            kind,
            partition: section.count("partition"),
            max_unavailable,
            min_ready: section.span("min_ready"),
            operations,
        };
        // Both are the API server's own rules (`ValidateStatefulSetSpec`).
        if max_unavailable.is_some_and(CountOrPercent::is_zero) {
            let message = "`max_unavailable` must not be zero";
            let hint = "Kubernetes refuses this too; write 1";
            env.problem(Diagnostic::new(Code::OutOfRange, at, message, hint));
        }
        if let Some((key, at)) = stray {
            let message = format!("`{key}` has no meaning with type = \"OnDelete\"");
            env.problem(Diagnostic::new(Code::Conflict, at, message, "remove it"));
        }
        settings
    }

    fn write(&self, page: &mut Page) {
        let policy = match self.pod_management_policy {
            PodManagementPolicy::OrderedReady => "OrderedReady",
            PodManagementPolicy::Parallel => "Parallel",
        };
        page.text("pod_management_policy", policy);
        page.text("type", self.kind.word());
        if self.kind == UpdateType::RollingUpdate {
            page.raw("partition", self.partition);
            if let Some(amount) = self.max_unavailable {
                page.amount("max_unavailable", amount);
            }
        }
        page.text("min_ready", self.min_ready);
        operation::write(&self.operations, page);
    }

    fn describe(&self) -> String {
        let policy = match self.pod_management_policy {
            PodManagementPolicy::OrderedReady => "OrderedReady",
            PodManagementPolicy::Parallel => "Parallel",
        };
        let limit = match (self.kind, self.max_unavailable) {
            (UpdateType::OnDelete, _) => ", OnDelete".to_owned(),
            (UpdateType::RollingUpdate, None) => String::new(),
            (UpdateType::RollingUpdate, Some(amount)) => format!(", max_unavailable {amount}"),
        };
        let kept = match self.partition {
            0 => String::new(),
            partition => format!(", partition {partition}"),
        };
        format!("statefulset, {policy}{limit}{kept}")
    }
}

const KEYS: &[Key] = &[
    key(
        "pod_management_policy",
        Kind::Word(&["OrderedReady", "Parallel"]),
        Is("\"OrderedReady\""),
        "Whether pods wait for those before them.",
        "\"Parallel\"",
    ),
    key(
        "type",
        UpdateType::KIND,
        Is("\"RollingUpdate\""),
        "`spec.updateStrategy.type`.",
        "\"RollingUpdate\"",
    ),
    key(
        "partition",
        Kind::Count(0, 1_000_000),
        Is("0"),
        "Pods with smaller ordinals keep the revision before.",
        "3",
    ),
    key(
        "max_unavailable",
        Kind::Amount,
        Says("1, with the feature gate off"),
        "Pods down at once; rounded down, at least 1. Written, the feature gate is on.",
        "\"25%\"",
    ),
    key("min_ready", Kind::Duration, Is("\"0s\""), "Ready so long is available.", "\"10s\""),
    key(
        "operations",
        operation::KIND,
        Is("[]"),
        "Changes that somebody makes in mid-rollout.",
        "[{ at = \"30s\", partition = 0 }]",
    ),
];
