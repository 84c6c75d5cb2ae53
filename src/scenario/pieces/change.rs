//! `[change]`: what is rolled out, if it is no image.

use super::{Default::Is, Env, Key, Kind, Page, Piece, Table, key};
use crate::scenario::Dist;
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;

/// What the new version is.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Change {
    /// For people.
    pub kind: ChangeKind,
    /// How instances take it.
    pub reload: Reload,
}

/// What is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum ChangeKind {
    /// The image: each host pulls it.
    Image,
    /// The configuration: the image is there.
    Config,
    /// A secret: as a configuration.
    Secret,
}

/// How instances take a change.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub enum Reload {
    /// By new instances, as the orchestrator's rollout has it.
    Restart,
    /// In the running process, all of them at once, each after this; the orchestrator has no part
    /// in it.
    Hot(Dist),
}

impl Change {
    /// Whether the image is on every host already.
    pub fn keeps_image(&self) -> bool {
        self.kind != ChangeKind::Image
    }

    /// What a hot reload takes to reach an instance; `None`: instances are replaced.
    pub fn hot(&self) -> Option<&Dist> {
        match &self.reload {
            Reload::Restart => None,
            Reload::Hot(propagate) => Some(propagate),
        }
    }
}

impl Piece for Change {
    const TABLE: Table =
        Table { path: "change", about: "What is rolled out, if it is no image.", keys: KEYS };

    fn read(env: &mut Env<'_>, path: &str) -> Self {
        let propagate = env.dist(path, "propagate");
        let section = env.section(path);
        let kind = match section.word("kind") {
            "image" => ChangeKind::Image,
            "config" => ChangeKind::Config,
            _ => ChangeKind::Secret,
        };
        let hot = section.word("reload") == "hot";
        let propagates = section.written("propagate").map(|entry| entry.key_at);
        let at = section.place("reload");
        if hot && kind == ChangeKind::Image {
            let message = "an image cannot be taken by a running process";
            let hint = "kind = \"config\", or reload = \"restart\"";
            env.problem(Diagnostic::new(Code::Conflict, at, message, hint));
        }
        if let Some(at) = propagates.filter(|_| !hot) {
            let message = "`propagate` has no meaning: instances are replaced";
            env.problem(Diagnostic::new(Code::Conflict, at, message, "add reload = \"hot\""));
        }
        Self { kind, reload: if hot { Reload::Hot(propagate) } else { Reload::Restart } }
    }

    fn write(&self, page: &mut Page) {
        let kind = match self.kind {
            ChangeKind::Image => "image",
            ChangeKind::Config => "config",
            ChangeKind::Secret => "secret",
        };
        page.text("kind", kind);
        match &self.reload {
            Reload::Restart => page.text("reload", "restart"),
            Reload::Hot(propagate) => {
                page.text("reload", "hot");
                page.dist("propagate", propagate);
            }
        }
    }
}

const KEYS: &[Key] = &[
    key(
        "kind",
        Kind::Word(&["image", "config", "secret"]),
        Is("\"config\""),
        "What is changed; a configuration or secret needs no pull.",
        "\"secret\"",
    ),
    key(
        "reload",
        Kind::Word(&["restart", "hot"]),
        Is("\"restart\""),
        "Whether instances are replaced, or all take it while they run.",
        "\"hot\"",
    ),
    key(
        "propagate",
        Kind::Dist,
        Is("{ law = \"uniform\", low = \"0s\", high = \"90s\" }"),
        "Hot reload: written until an instance has it.",
        "{ p50 = \"40s\", p95 = \"85s\" }",
    ),
];
