//! `[dependencies.NAME]`: what the service needs to answer.

use super::{Default::Is, Env, Key, Kind, Page, Piece, Table, key};

/// A database, a cache, another service.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Dependency {
    /// Connections it takes; `None` is no limit.
    pub connections_max: Option<u32>,
    /// Connections that each instance keeps.
    pub per_instance: u32,
}

impl Piece for Dependency {
    const TABLE: Table = Table {
        path: "dependencies.*",
        about: "What the service needs to answer: a database, a cache, another service.",
        keys: KEYS,
    };

    fn read(env: &mut Env<'_>, path: &str) -> Self {
        let section = env.section(path);
        Self {
            connections_max: section.limit("connections_max"),
            per_instance: section.count("per_instance"),
        }
    }

    fn write(&self, page: &mut Page) {
        page.limit("connections_max", self.connections_max);
        page.raw("per_instance", self.per_instance);
    }
}

const KEYS: &[Key] = &[
    key(
        "connections_max",
        Kind::OneOf(&[Kind::Word(&["unbounded"]), Kind::Count(1, 1_000_000_000)]),
        Is("\"unbounded\""),
        "Connections it takes.",
        "1000",
    ),
    key("per_instance", Kind::Count(0, 1_000_000), Is("0"), "Connections of each instance.", "20"),
];
