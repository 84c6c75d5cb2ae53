//! `[streams]`: connections that live long and carry something all the time: web sockets,
//! server push, gRPC streams.

use super::{Default::Is, Env, Key, Kind, Page, Piece, Table, key};
use crate::scenario::Dist;
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::raw::Value;
use crate::units::{Rate, Span};

/// Long-lived streams.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Streams {
    /// How many there are.
    pub demand: StreamDemand,
    /// How long one lives, if nobody ends it.
    pub length: Dist,
    /// What an instance does with its streams at SIGTERM.
    pub on_drain: OnDrain,
    /// Whoever has lost a stream opens another within this, uniformly.
    pub reconnect: Span,
    /// An instance that is about to stop waits for its streams.
    pub wait: bool,
}

/// How many streams there are.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub enum StreamDemand {
    /// Always so many: who is done begins anew at once.
    Open(u32),
    /// So many begin per second, a Poisson process.
    Rate(Rate),
}

/// What an instance does with its streams at SIGTERM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum OnDrain {
    /// Nothing: what is open when it exits is cut.
    Cut,
    /// It asks clients to leave; each does within `reconnect`.
    Goaway,
    /// Somebody moves them to other instances at once, and clients do not notice.
    Migrate,
}

impl Piece for Streams {
    const TABLE: Table = Table {
        path: "streams",
        about: "Connections that live long: WebSockets, server push, gRPC streams.",
        keys: KEYS,
    };

    fn read(env: &mut Env<'_>, path: &str) -> Self {
        let (length, reconnect) = (env.dist(path, "length"), env.positive(path, "reconnect"));
        let section = env.section(path);
        let open = section.limit("open");
        let rate = match section.value("rate") {
            Value::Rate(rate) => Some(rate),
            _ => None,
        };
        let on_drain = match section.word("on_drain") {
            "goaway" => OnDrain::Goaway,
            "migrate" => OnDrain::Migrate,
            _ => OnDrain::Cut,
        };
        let wait = section.flag("wait");
        let at = section.written("rate").or(section.written("open")).map(|entry| entry.key_at);
        let at = at.unwrap_or(section.fields.at);
        let demand = match (open, rate) {
            (Some(open), None) => StreamDemand::Open(open),
            (None, Some(rate)) => StreamDemand::Rate(rate),
            (Some(_), Some(rate)) => {
                let message = "`rate` and `open` both say how many streams there are";
                let hint = "write one of them";
                env.problem(Diagnostic::new(Code::Conflict, at, message, hint));
                StreamDemand::Rate(rate)
            }
            (None, None) => {
                let message = "nothing says how many streams there are";
                let hint = "write open = 5000 or rate = \"10/s\"";
                env.problem(Diagnostic::new(Code::MissingKey, at, message, hint));
                StreamDemand::Open(1)
            }
        };
        if length.quantile(0.5) == Span::ZERO {
            let at = env.section(path).place("length");
            let message = "streams of no length are no streams";
            env.problem(Diagnostic::new(Code::OutOfRange, at, message, "length = \"10m\""));
        }
        Self { demand, length, on_drain, reconnect, wait }
    }

    fn write(&self, page: &mut Page) {
        match self.demand {
            StreamDemand::Open(open) => page.raw("open", open),
            StreamDemand::Rate(rate) => page.text("rate", rate),
        }
        page.dist("length", &self.length);
        let on_drain = match self.on_drain {
            OnDrain::Cut => "cut",
            OnDrain::Goaway => "goaway",
            OnDrain::Migrate => "migrate",
        };
        page.text("on_drain", on_drain);
        page.text("reconnect", self.reconnect);
        page.raw("wait", self.wait);
    }
}

const KEYS: &[Key] = &[
    key(
        "open",
        Kind::OneOf(&[Kind::Word(&["by-rate"]), Kind::Count(1, 1_000_000)]),
        Is("\"by-rate\""),
        "Streams that are always open; who is done begins anew.",
        "5000",
    ),
    key(
        "rate",
        Kind::OneOf(&[Kind::Word(&["by-open"]), Kind::Rate]),
        Is("\"by-open\""),
        "Streams that begin per second, in place of `open`.",
        "\"10/s\"",
    ),
    key(
        "length",
        Kind::Dist,
        super::Default::Required,
        "How long a stream lives if nobody ends it.",
        "{ p50 = \"5m\", p95 = \"40m\" }",
    ),
    key(
        "on_drain",
        Kind::Word(&["cut", "goaway", "migrate"]),
        Is("\"cut\""),
        "At SIGTERM an instance does nothing, asks clients to leave, or hands its streams over.",
        "\"goaway\"",
    ),
    key(
        "reconnect",
        Kind::Duration,
        Is("\"1s\""),
        "Whoever has lost a stream opens another within this, uniformly.",
        "\"10s\"",
    ),
    key(
        "wait",
        Kind::Flag,
        Is("false"),
        "An instance that is about to stop waits for its streams, up to SIGKILL.",
        "true",
    ),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{OnDrain, StreamDemand};
    use crate::scenario::load;

    #[test]
    fn open_or_rate_and_not_both() {
        let read = |lines: &str| {
            let text = format!(
                "rollcast = 1\n[service]\ninstances = 4\n[versions.old]\nstart = \"1s\"\n\
                 [strategy.generic]\n[streams]\n{lines}"
            );
            let loaded = load(&text, "s.toml", Path::new("."), &[]);
            loaded.map(|l| l.scenario.pieces.streams.unwrap()).map_err(|e| e.diagnostics.len())
        };
        let streams = read("open = 50\nlength = \"5m\"\non_drain = \"goaway\"\n").unwrap();
        assert_eq!(streams.demand, StreamDemand::Open(50));
        assert_eq!(streams.on_drain, OnDrain::Goaway);
        let streams = read("rate = \"3/s\"\nlength = \"5m\"\n").unwrap();
        assert!(matches!(streams.demand, StreamDemand::Rate(rate) if rate.0 == 3.0));
        assert_eq!(read("open = 5\nrate = \"3/s\"\nlength = \"5m\"\n"), Err(1));
        assert_eq!(read("length = \"5m\"\n"), Err(1));
        assert_eq!(read("open = 5\n"), Err(1));
        assert_eq!(read("open = 5\nlength = \"0s\"\n"), Err(1));
        assert_eq!(read("open = 5\nlength = \"1s\"\nreconnect = \"0s\"\n"), Err(1));
    }
}
