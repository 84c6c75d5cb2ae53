//! `[users]`: people or programs that wait for an answer before they ask again.

use super::{Default::Required, Env, Key, Kind, Page, Piece, Table, key};
use crate::scenario::codes::Code;
use crate::scenario::{Diagnostic, Dist};
use crate::units::Span;

/// A closed loop: each user sends a request, waits for its end, thinks, and sends the next.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Users {
    /// How many.
    pub count: u32,
    /// From the end of a request to the next one.
    pub think: Dist,
}

impl Piece for Users {
    const TABLE: Table = Table {
        path: "users",
        about: "Users who wait for an answer before they ask again; beside [traffic], or instead.",
        keys: KEYS,
    };

    fn read(env: &mut Env<'_>, path: &str) -> Self {
        let think = env.dist(path, "think");
        if think == Dist::Fixed(Span::ZERO) {
            let place = env.section(path).place("think");
            let message = "users who do not think ask without end while they are refused";
            let hint = "any think time will do: \"10ms\"";
            env.problem(Diagnostic::new(Code::OutOfRange, place, message, hint));
        }
        Self { count: env.section(path).count("count"), think }
    }

    fn write(&self, page: &mut Page) {
        page.raw("count", self.count);
        page.dist("think", &self.think);
    }
}

const KEYS: &[Key] = &[
    key("count", Kind::Count(1, 1_000_000), Required, "How many.", "200"),
    key(
        "think",
        Kind::Dist,
        Required,
        "From the end of a request to the next one.",
        "{ law = \"exponential\", mean = \"7s\" }",
    ),
];
