//! `[migration]`: a change of the data that belongs to the rollout.

use super::{Default::Is, Default::Required, Env, Key, Kind, Page, Piece, Table, key};
use crate::scenario::Dist;
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::units::Share;

/// A change of the data that belongs to the rollout.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Migration {
    /// Whether it runs before the first new instance or after the last.
    pub when: When,
    /// How long.
    pub takes: Dist,
    /// Share of requests that fail while it runs.
    pub locks: Share,
    /// Share of requests that the old version answers with errors once it has run.
    pub old_errors: Share,
    /// There is no way back once it has begun: nobody rolls back.
    pub irreversible: bool,
}

/// When a migration runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum When {
    /// Before the new version is handed over.
    Before,
    /// When the orchestrator says completed.
    After,
}

impl Piece for Migration {
    const TABLE: Table = Table {
        path: "migration",
        about: "A change of the data that belongs to the rollout.",
        keys: KEYS,
    };

    fn read(env: &mut Env<'_>, path: &str) -> Self {
        let takes = env.dist(path, "takes");
        let section = env.section(path);
        let when = if section.word("when") == "after" { When::After } else { When::Before };
        let old_errors = section.share("old_errors");
        if when == When::After && old_errors.0 > 0.0 {
            let at = section.place("old_errors");
            let message = "the old version is gone when the migration runs";
            env.problem(Diagnostic::new(Code::Conflict, at, message, "when = \"before\""));
        }
        let section = env.section(path);
        Self {
            when,
            takes,
            locks: section.share("locks"),
            old_errors,
            irreversible: section.flag("irreversible"),
        }
    }

    fn write(&self, page: &mut Page) {
        page.text("when", if self.when == When::After { "after" } else { "before" });
        page.dist("takes", &self.takes);
        page.share("locks", self.locks);
        page.share("old_errors", self.old_errors);
        page.raw("irreversible", self.irreversible);
    }
}

const KEYS: &[Key] = &[
    key(
        "when",
        Kind::Word(&["before", "after"]),
        Is("\"before\""),
        "Before the first new instance, or when the orchestrator says completed.",
        "\"after\"",
    ),
    key("takes", Kind::Dist, Required, "How long.", "{ p50 = \"40s\", p95 = \"2m\" }"),
    key(
        "locks",
        Kind::Share,
        Is("\"0%\""),
        "Requests that fail while it runs: they need what it locks.",
        "\"20%\"",
    ),
    key(
        "old_errors",
        Kind::Share,
        Is("\"0%\""),
        "Requests that the old version fails once it has run.",
        "\"5%\"",
    ),
    key("irreversible", Kind::Flag, Is("false"), "There is no way back from it.", "true"),
];
