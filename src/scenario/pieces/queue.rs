//! `[queue]`: the fleet takes messages from a queue instead of answering requests.

use super::{Default::Is, Default::Required, Env, Key, Kind, Page, Piece, Table, key};
use crate::scenario::Traffic;
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::keys::PROFILE;
use crate::units::Span;

/// A queue whose messages the instances work on.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Queue {
    /// How messages arrive.
    pub arrivals: Traffic,
    /// So long after it was handed out a message that is not done is there again.
    pub visibility_timeout: Span,
    /// Consumers extend that while they work, every half of it.
    pub extend: bool,
    /// When a message is there again that its consumer lost or failed.
    pub redelivery: Redelivery,
    /// So often a message is handed out; then it is a dead letter. `u32::MAX`: without end.
    pub max_receives: u32,
}

/// When a message is there again whose consumer is gone, or could not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Redelivery {
    /// When its visibility timeout is over (SQS, Pub/Sub).
    Timeout,
    /// At once: the broker sees that the connection is gone (AMQP).
    Disconnect,
}

impl Piece for Queue {
    const TABLE: Table = Table {
        path: "queue",
        about: "The instances take messages from a queue, `slots` at a time, instead of answering \
                requests.",
        keys: KEYS,
    };

    fn read(env: &mut Env<'_>, path: &str) -> Self {
        complain(env, path);
        let arrivals = env.arrivals(path);
        let visibility_timeout = env.positive(path, "visibility_timeout");
        let section = env.section(path);
        let redelivery = match section.word("redelivery") {
            "disconnect" => Redelivery::Disconnect,
            _ => Redelivery::Timeout,
        };
        let max_receives = section.limit("max_receives").unwrap_or(u32::MAX);
        let extend = section.flag("extend");
        Self { arrivals, visibility_timeout, extend, redelivery, max_receives }
    }

    fn write(&self, page: &mut Page) {
        page.traffic(&self.arrivals);
        page.text("visibility_timeout", self.visibility_timeout);
        page.raw("extend", self.extend);
        let redelivery = match self.redelivery {
            Redelivery::Timeout => "timeout",
            Redelivery::Disconnect => "disconnect",
        };
        page.text("redelivery", redelivery);
        page.limit("max_receives", Some(self.max_receives).filter(|most| *most != u32::MAX));
    }
}

/// What contradicts itself.
fn complain(env: &mut Env<'_>, path: &str) {
    let at = env.section(path).fields.at;
    if env.is_there("traffic") {
        let message = "the instances take messages or answer requests, not both";
        env.problem(Diagnostic::new(Code::Conflict, at, message, "remove [traffic] or [queue]"));
    }
    let service = env.section("service");
    if service.word("discipline") == "ps" {
        let at = service.place("discipline");
        let message = "a consumer takes so many messages at a time as it has slots";
        env.problem(Diagnostic::new(Code::Conflict, at, message, "write slots = 4, no discipline"));
    }
}

const KEYS: &[Key] = &[
    key(
        "rate",
        Kind::OneOf(&[Kind::Rate, Kind::Record(PROFILE)]),
        Required,
        "Messages per second, or how they vary.",
        "\"20/s\"",
    ),
    key(
        "arrivals",
        Kind::Word(&["poisson", "deterministic"]),
        Is("\"poisson\""),
        "How messages are spread at a given rate.",
        "\"poisson\"",
    ),
    key("scale", Kind::Number(0.0, false), Is("1"), "Multiplies every rate.", "1.5"),
    key(
        "visibility_timeout",
        Kind::Duration,
        Is("\"30s\""),
        "A message handed out and not done is there again after this.",
        "\"2m\"",
    ),
    key(
        "extend",
        Kind::Flag,
        Is("false"),
        "Consumers extend the visibility timeout while they work.",
        "true",
    ),
    key(
        "redelivery",
        Kind::Word(&["timeout", "disconnect"]),
        Is("\"timeout\""),
        "A message whose consumer died or failed is there again after the visibility timeout \
         (SQS), or at once (AMQP).",
        "\"disconnect\"",
    ),
    key(
        "max_receives",
        Kind::OneOf(&[Kind::Word(&["unbounded"]), Kind::Count(1, 1_000_000)]),
        Is("\"unbounded\""),
        "Handed out so often without success a message is a dead letter.",
        "5",
    ),
];
