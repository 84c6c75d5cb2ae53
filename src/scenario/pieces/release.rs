//! `[release]`: how often a release is bad.

use super::{Default::Is, Defect, Env, Key, Kind, Page, Piece, Table, key};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::units::Share;

/// What is known of a release before anybody sees it. Good and bad ones are played apart.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Release {
    /// Chance that it is bad: that it carries at least one of the defects.
    pub bad: Share,
}

impl Piece for Release {
    const TABLE: Table =
        Table { path: "release", about: "How often a release is bad.", keys: KEYS };

    fn read(env: &mut Env<'_>, path: &str) -> Self {
        if env.names_of(Defect::TABLE.path).is_empty() {
            let at = env.section(path).fields.at;
            let message = "nothing says what is wrong with a bad release";
            let hint = "add a table such as [defects.bug] with kind = \"errors\", share = \"2%\"";
            env.problem(Diagnostic::new(Code::Conflict, at, message, hint));
        }
        Self { bad: env.section(path).share("bad") }
    }

    fn write(&self, page: &mut Page) {
        page.share("bad", self.bad);
    }
}

const KEYS: &[Key] = &[key(
    "bad",
    Kind::Share,
    Is("\"5%\""),
    "Chance that a release is bad; good and bad ones are played apart and mixed by it.",
    "\"10%\"",
)];
