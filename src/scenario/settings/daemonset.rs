//! `[strategy.daemonset]`: a Kubernetes `DaemonSet`.

use super::operation::{self, Operation};
use super::{Default::Is, Env, Key, Kind, Page, Settings, Table, UpdateType, key};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::units::{CountOrPercent, Span};

const PATH: &str = "strategy.daemonset";

/// A Kubernetes `DaemonSet`; its nodes are as many as there are instances.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct DaemonSet {
    /// Who deletes old pods.
    pub kind: UpdateType,
    /// Nodes without an available pod, of all nodes, rounded up. Default 1.
    pub max_unavailable: CountOrPercent,
    /// Nodes with a second pod, of all nodes, rounded up. Default 0.
    pub max_surge: CountOrPercent,
    /// A pod is available after it has been ready so long. Default 0.
    pub min_ready: Span,
    /// Changes that somebody makes while the rollout runs, in order of time.
    pub operations: Vec<(Span, Operation)>,
}

impl Settings for DaemonSet {
    const TABLE: Table = Table { path: PATH, about: "A Kubernetes DaemonSet.", keys: KEYS };
    const WORLD: &'static [(&'static str, &'static str)] = super::pods::WORLD;

    fn read(env: &mut Env<'_>) -> Self {
        let operations = operation::read(env, PATH);
        let section = env.section(PATH);
        let kind = UpdateType::of(section.word("type"));
        let stray = match kind {
            UpdateType::RollingUpdate => None,
            UpdateType::OnDelete => ["max_unavailable", "max_surge"]
                .into_iter()
                .find_map(|key| section.written(key).map(|entry| (key, entry.key_at))),
        };
        let settings = Self {
            kind,
            max_unavailable: section.amount("max_unavailable"),
            max_surge: section.amount("max_surge"),
            min_ready: section.span("min_ready"),
            operations,
        };
        let at = section.place("max_surge");
        if let Some((key, at)) = stray {
            let message = format!("`{key}` has no meaning with type = \"OnDelete\"");
            env.problem(Diagnostic::new(Code::Conflict, at, message, "remove it"));
        }
        // The API server's own rule (`ValidateRollingUpdateDaemonSet`).
        let problem = match (settings.max_surge.is_zero(), settings.max_unavailable.is_zero()) {
            (true, true) => Some(("one of the two must not be zero", "write max_unavailable = 1")),
            (false, false) => Some((
                "`max_surge` needs `max_unavailable` to be 0",
                "Kubernetes refuses this too: write max_unavailable = 0",
            )),
            (true, false) | (false, true) => None,
        };
        if let Some((message, hint)) = problem {
            env.problem(Diagnostic::new(Code::Conflict, at, message, hint));
        }
        settings
    }

    fn write(&self, page: &mut Page) {
        page.text("type", self.kind.word());
        if self.kind == UpdateType::RollingUpdate {
            page.amount("max_unavailable", self.max_unavailable);
            page.amount("max_surge", self.max_surge);
        }
        page.text("min_ready", self.min_ready);
        operation::write(&self.operations, page);
    }

    fn describe(&self) -> String {
        match self.kind {
            UpdateType::OnDelete => "daemonset, OnDelete".into(),
            UpdateType::RollingUpdate if self.max_surge.is_zero() => {
                format!("daemonset, max_unavailable {}", self.max_unavailable)
            }
            UpdateType::RollingUpdate => format!("daemonset, max_surge {}", self.max_surge),
        }
    }
}

const KEYS: &[Key] = &[
    key(
        "type",
        UpdateType::KIND,
        Is("\"RollingUpdate\""),
        "`spec.updateStrategy.type`.",
        "\"RollingUpdate\"",
    ),
    key(
        "max_unavailable",
        Kind::Amount,
        Is("1"),
        "Nodes without an available pod; rounded up. 0 with `max_surge`.",
        "\"10%\"",
    ),
    key("max_surge", Kind::Amount, Is("0"), "Nodes with a second pod; rounded up.", "\"25%\""),
    key("min_ready", Kind::Duration, Is("\"0s\""), "Ready so long is available.", "\"10s\""),
    key(
        "operations",
        operation::KIND,
        Is("[]"),
        "Changes that somebody makes in mid-rollout.",
        "[{ at = \"30s\", do = \"undo\" }]",
    ),
];
