//! `[cache]`: what each instance keeps near, and loses when it is replaced.

use super::{Default::Is, Default::Required, Env, Key, Kind, Page, Piece, Table, key};
use crate::scenario::Dist;
use crate::units::Share;

/// The cache of each instance; a fresh one is empty. After n requests a request finds what it
/// needs with chance `hit`·(1 − e^(−n/`requests`)).
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Cache {
    /// Requests that find what they need once the cache is full.
    pub hit: Share,
    /// Requests after which 63 % of that is reached.
    pub requests: f64,
    /// What a miss adds to the service time.
    pub miss_time: Dist,
}

impl Piece for Cache {
    const TABLE: Table = Table {
        path: "cache",
        about: "What each instance keeps near, and a fresh one lacks.",
        keys: KEYS,
    };

    fn read(env: &mut Env<'_>, path: &str) -> Self {
        let miss_time = env.dist(path, "miss_time");
        let section = env.section(path);
        Self { hit: section.share("hit"), requests: section.number("requests"), miss_time }
    }

    fn write(&self, page: &mut Page) {
        page.share("hit", self.hit);
        page.number("requests", self.requests);
        page.dist("miss_time", &self.miss_time);
    }
}

const KEYS: &[Key] = &[
    key("hit", Kind::Share, Is("\"95%\""), "Hits of an instance whose cache is full.", "\"95%\""),
    key(
        "requests",
        Kind::Number(0.0, true),
        Required,
        "The cache fills over so many requests.",
        "5000",
    ),
    key("miss_time", Kind::Dist, Required, "What a miss adds to a request's time.", "\"30ms\""),
];
