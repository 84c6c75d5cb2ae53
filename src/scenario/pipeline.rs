//! `[pipeline]`: who notices a bad rollout, and how it is taken back.

use super::check::Env;
use super::codes::Code;
use super::diagnostic::Diagnostic;
use super::dist::Dist;
use super::keys::Default::{Is, Says};
use super::keys::{Key, Kind, key};
use super::print::Page;
use super::raw::Value;
use super::settings::StrategySettings;
use crate::units::{Share, Span};

/// Who notices a bad rollout and takes it back.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub enum Pipeline {
    /// Nobody.
    None,
    /// Somebody.
    Watched(Box<Watch>),
}

/// A pipeline that is there.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Watch {
    /// Which.
    pub kind: PipelineKind,
    /// From the beginning of the rollout: how long it waits for completion.
    pub timeout: Span,
    /// A person: alert → decision.
    pub reaction: Dist,
    /// Decision → the orchestrator is told.
    pub act: Dist,
    /// Chance that the first try at a rollback fails, and a person must make another.
    pub fails: Share,
    /// How long it waits for the way back, before it calls a person; `None`: it does not look.
    pub back_timeout: Option<Span>,
}

/// How the old behaviour comes back.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub enum PipelineKind {
    /// `helm upgrade --atomic`: waits for enough ready pods, and for the way back as well.
    HelmAtomic,
    /// A job that waits for completion, then rolls back.
    Ci,
    /// `kubectl rollout status --timeout`, then `rollout undo`: learns of reports too.
    CiUndo,
    /// Somebody reverts the commit; a controller finds it at its next look.
    GitopsRevert {
        /// Between two looks of the controller at the repository.
        sync: Span,
        /// Commit seen → the orchestrator is told.
        reconcile: Dist,
        /// Somebody rolls back on the cluster first, so long after the alert: the controller
        /// undoes that at its next look.
        by_hand: Option<Dist>,
    },
    /// A person is told when the orchestrator reports failure or `timeout` is over.
    Human,
    /// A feature flag is turned off: the new version stays, and behaves like the old one.
    KillSwitch {
        /// Decision → a process knows of it.
        propagation: Dist,
        /// Chance that what is bad is behind the flag.
        covers: Share,
    },
}

impl PipelineKind {
    /// As it is written.
    pub fn word(&self) -> &'static str {
        match self {
            Self::HelmAtomic => "helm-atomic",
            Self::Ci => "ci",
            Self::CiUndo => "ci-undo",
            Self::GitopsRevert { .. } => "gitops-revert",
            Self::Human => "human",
            Self::KillSwitch { .. } => "kill-switch",
        }
    }

    /// Whether it rolls back without asking anybody.
    pub fn is_job(&self) -> bool {
        matches!(self, Self::HelmAtomic | Self::Ci | Self::CiUndo)
    }
}

impl Pipeline {
    /// The pipeline, if there is one.
    pub fn watch(&self) -> Option<&Watch> {
        match self {
            Self::None => None,
            Self::Watched(watch) => Some(watch),
        }
    }

    /// A job that rolls back after `timeout`.
    pub fn ci(timeout: Span) -> Self {
        Self::of(PipelineKind::Ci, timeout, Dist::Fixed(Span::ZERO))
    }

    /// A person who is told after `timeout` at the latest, and rolls back.
    pub fn human(timeout: Span, reaction: Dist) -> Self {
        Self::of(PipelineKind::Human, timeout, reaction)
    }

    /// One that acts at once, succeeds at once, and does not look afterwards.
    pub fn of(kind: PipelineKind, timeout: Span, reaction: Dist) -> Self {
        let act = Dist::Fixed(Span::ZERO);
        let (fails, back_timeout) = (Share(0.0), None);
        Self::Watched(Box::new(Watch { kind, timeout, reaction, act, fails, back_timeout }))
    }

    /// How long it waits for completion.
    pub fn timeout(&self) -> Option<Span> {
        self.watch().map(|watch| watch.timeout)
    }

    /// A job that rolls back by itself when its time is over: after how long.
    pub fn job_timeout(&self) -> Option<Span> {
        self.watch().filter(|watch| watch.kind.is_job()).map(|watch| watch.timeout)
    }

    /// Reads the table.
    pub(super) fn read(env: &mut Env<'_>, strategy: &StrategySettings) -> Self {
        let kind = env.section(PATH).word("kind");
        foreign(env, kind);
        if kind == "none" {
            return Self::None;
        }
        let (timeout, back_timeout) = timeouts(env, kind);
        let kind = match kind {
            "helm-atomic" => PipelineKind::HelmAtomic,
            "ci-undo" => PipelineKind::CiUndo,
            "gitops-revert" => gitops(env, strategy),
            "human" => PipelineKind::Human,
            "kill-switch" => PipelineKind::KillSwitch {
                propagation: env.dist(PATH, "propagation"),
                covers: env.section(PATH).share("covers"),
            },
            _ => PipelineKind::Ci,
        };
        let act = match env.section(PATH).written("act") {
            Some(_) => env.dist(PATH, "act"),
            None if kind == PipelineKind::CiUndo => Dist::Fixed(Span::from_secs(10)),
            None => Dist::Fixed(Span::ZERO),
        };
        let reaction = env.dist(PATH, "reaction");
        let fails = env.section(PATH).share("fails");
        Self::Watched(Box::new(Watch { kind, timeout, reaction, act, fails, back_timeout }))
    }

    /// Writes its keys.
    pub(super) fn write(&self, page: &mut Page) {
        let Self::Watched(watch) = self else {
            page.text("kind", "none");
            return;
        };
        page.text("kind", watch.kind.word());
        page.text("timeout", watch.timeout);
        if !watch.kind.is_job() || watch.calls_somebody() {
            page.dist("reaction", &watch.reaction);
        }
        page.dist("act", &watch.act);
        page.share("fails", watch.fails);
        match watch.back_timeout {
            None => page.text("back_timeout", "never"),
            Some(span) => page.text("back_timeout", span),
        }
        match &watch.kind {
            PipelineKind::GitopsRevert { sync, reconcile, by_hand } => {
                page.text("sync", sync);
                page.dist("reconcile", reconcile);
                match by_hand {
                    None => page.text("by_hand", "never"),
                    Some(by_hand) => page.dist("by_hand", by_hand),
                }
            }
            PipelineKind::KillSwitch { propagation, covers } => {
                page.dist("propagation", propagation);
                page.share("covers", *covers);
            }
            PipelineKind::HelmAtomic
            | PipelineKind::Ci
            | PipelineKind::CiUndo
            | PipelineKind::Human => {}
        }
    }
}

impl Watch {
    /// Whether a job may need a person after all.
    fn calls_somebody(&self) -> bool {
        self.fails.0 > 0.0 || self.back_timeout.is_some()
    }
}

const PATH: &str = "pipeline";

/// Keys that only some kinds have: (key, kinds, whose it is).
const OWNED: &[(&str, &[&str], &str)] = &[
    ("sync", &["gitops-revert"], "a GitOps controller's"),
    ("reconcile", &["gitops-revert"], "a GitOps controller's"),
    ("by_hand", &["gitops-revert"], "of people beside a GitOps controller"),
    ("propagation", &["kill-switch"], "a feature flag's"),
    ("covers", &["kill-switch"], "a feature flag's"),
];

/// Keys of no use to this kind are refused.
fn foreign(env: &mut Env<'_>, kind: &str) {
    let mut problems = Vec::new();
    let section = env.section(PATH);
    let mut refuse = |key: &str, message: String, hint: &str| {
        if let Some(entry) = section.written(key) {
            problems.push(Diagnostic::new(Code::Conflict, entry.key_at, message, hint));
        }
    };
    if kind == "none" {
        for key in KEYS.iter().map(|key| key.name).filter(|name| *name != "kind") {
            let message = format!("`{key}` has no meaning without a `kind` of pipeline");
            refuse(key, message, "add kind = \"ci\" or \"human\"");
        }
    } else {
        for (key, kinds, whose) in OWNED.iter().filter(|(_, kinds, _)| !kinds.contains(&kind)) {
            let hint = format!("kind = \"{}\"", kinds[0]);
            refuse(key, format!("`{key}` is {whose}: this pipeline has none"), &hint);
        }
        let alone = matches!(kind, "ci" | "ci-undo");
        let may_fail = section.written("fails").or(section.written("back_timeout")).is_some();
        if alone && !may_fail {
            let message = "`reaction` is a person's: this pipeline has none".to_owned();
            refuse("reaction", message, "kind = \"human\"");
        }
    }
    for problem in problems {
        env.problem(problem);
    }
}

fn timeouts(env: &mut Env<'_>, kind: &str) -> (Span, Option<Span>) {
    let helm = kind == "helm-atomic";
    let section = env.section(PATH);
    let timeout = match section.written("timeout") {
        Some(_) => section.span("timeout"),
        None => Span::from_secs(if helm { 300 } else { 600 }),
    };
    let back = match section.written("back_timeout") {
        Some(_) => match section.value("back_timeout") {
            Value::Span(span) => Some(span),
            _ => None,
        },
        None => helm.then_some(timeout),
    };
    (timeout, back)
}

fn gitops(env: &mut Env<'_>, strategy: &StrategySettings) -> PipelineKind {
    let sync = env.positive(PATH, "sync");
    let reconcile = env.dist(PATH, "reconcile");
    let section = env.section(PATH);
    let is_word = matches!(section.value("by_hand"), Value::Word(_));
    let at = section.written("by_hand").filter(|_| !is_word).map(|entry| entry.key_at);
    let by_hand = at.map(|at| (at, env.dist(PATH, "by_hand")));
    let fought = matches!(
        strategy,
        StrategySettings::Kubernetes(_)
            | StrategySettings::StatefulSet(_)
            | StrategySettings::DaemonSet(_)
            | StrategySettings::ArgoCanary(_)
            | StrategySettings::ArgoBluegreen(_)
            | StrategySettings::Flagger(_)
    );
    if let Some((at, _)) = &by_hand
        && !fought
    {
        let message = "only a Kubernetes cluster has a controller that undoes what hands do";
        let hint = "leave `by_hand` out";
        env.problem(Diagnostic::new(Code::Conflict, *at, message, hint));
    }
    PipelineKind::GitopsRevert { sync, reconcile, by_hand: by_hand.map(|(_, by_hand)| by_hand) }
}

const NEVER: Kind = Kind::Word(&["never"]);

/// Keys of the table.
pub(super) const KEYS: &[Key] = &[
    key(
        "kind",
        Kind::Word(&[
            "none",
            "helm-atomic",
            "ci",
            "ci-undo",
            "gitops-revert",
            "human",
            "kill-switch",
        ]),
        Is("\"none\""),
        "Nobody; a deploying job (`helm-atomic`, `ci`, `ci-undo`); a reverted commit; a person; \
         or a feature flag takes it back.",
        "\"helm-atomic\"",
    ),
    key(
        "timeout",
        Kind::Duration,
        Says("5m for helm-atomic, else 10m"),
        "How long it waits for completion.",
        "\"10m\"",
    ),
    key(
        "reaction",
        Kind::Dist,
        Is("{ p50 = \"4m\", p95 = \"15m\" }"),
        "A person: alert until decision. Of a bot it is \"0s\": nobody is called.",
        "{ p50 = \"4m\", p95 = \"15m\" }",
    ),
    key(
        "act",
        Kind::Dist,
        Says("10s for ci-undo, else 0s"),
        "Decision until the orchestrator is told.",
        "\"10s\"",
    ),
    key(
        "fails",
        Kind::Share,
        Is("\"0%\""),
        "Chance that the first try to go back fails (no rights, a revert that conflicts): a \
         person makes the next.",
        "\"5%\"",
    ),
    key(
        "back_timeout",
        Kind::OneOf(&[NEVER, Kind::Duration]),
        Says("as `timeout` for helm-atomic, else never"),
        "How long it waits for the way back before it calls a person.",
        "\"5m\"",
    ),
    key(
        "sync",
        Kind::Duration,
        Is("\"3m\""),
        "gitops-revert: between two looks of the controller at the repository.",
        "\"1m\"",
    ),
    key(
        "reconcile",
        Kind::Dist,
        Is("\"5s\""),
        "gitops-revert: the commit is seen until the orchestrator is told.",
        "\"10s\"",
    ),
    key(
        "by_hand",
        Kind::OneOf(&[NEVER, Kind::Dist]),
        Is("\"never\""),
        "gitops-revert: alert until somebody rolls back on the cluster, which the controller \
         undoes at its next look.",
        "\"90s\"",
    ),
    key(
        "propagation",
        Kind::Dist,
        Is("{ p50 = \"5s\", p95 = \"30s\" }"),
        "kill-switch: decision until a process knows that the flag is off.",
        "{ p50 = \"5s\", p95 = \"30s\" }",
    ),
    key(
        "covers",
        Kind::Share,
        Is("\"100%\""),
        "kill-switch: chance that what is bad is behind the flag; else a person redeploys.",
        "\"70%\"",
    ),
];
