//! `[dependencies.NAME]`: what the service needs to answer.

use super::{
    Default::Is, Default::Required, Default::Says, Env, Key, Kind, Page, Piece, Table, key,
};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::keys::Form;
use crate::scenario::raw::{Section, Value};
use crate::units::{Rate, Share, Span};

/// A database, a cache, another service.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Dependency {
    /// Connections it takes; `None` is no limit.
    pub connections_max: Option<u32>,
    /// Connections that each process opens when it starts and keeps until it is gone.
    pub per_instance: u32,
    /// New connections it takes per second; `None` is no limit.
    pub connect_rate: Option<Rate>,
    /// What becomes of a process whose connections are refused.
    pub over: Over,
    /// The service is not ready while this is down.
    pub readiness: bool,
    /// Calls it answers per second, in order of arrival; `None`: at once.
    pub capacity: Option<Rate>,
    /// Calls of each attempt; a fraction is a chance.
    pub calls: f64,
    /// A time in which it fails.
    pub fails: Option<Failure>,
}

/// What becomes of a process that cannot have its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Over {
    /// It ends, and is started again as any process that crashed.
    Fail,
    /// It waits, in order, until there is room.
    Wait,
}

/// A time in which a dependency fails.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Failure {
    /// From the beginning of the rollout on.
    pub at: Span,
    /// How long.
    pub length: Span,
    /// Share of calls that fail; with all of them it is down and takes no connections either.
    pub share: Share,
}

impl Failure {
    /// Whether it is not there at all.
    pub fn is_down(&self) -> bool {
        self.share.0 >= 1.0
    }
}

impl Dependency {
    /// Whether requests feel it.
    pub fn is_called(&self) -> bool {
        self.calls > 0.0 && (self.capacity.is_some() || self.fails.is_some())
    }
}

impl Piece for Dependency {
    const TABLE: Table = Table {
        path: "dependencies.*",
        about: "What the service needs to answer: a database, a cache, another service.",
        keys: KEYS,
    };

    fn read(env: &mut Env<'_>, path: &str) -> Self {
        let section = env.section(path);
        let dependency = Self {
            connections_max: section.limit("connections_max"),
            per_instance: section.count("per_instance"),
            connect_rate: rate(&section, "connect_rate"),
            over: if section.word("over") == "wait" { Over::Wait } else { Over::Fail },
            readiness: section.flag("readiness"),
            capacity: rate(&section, "capacity"),
            calls: match section.value("calls") {
                Value::Share(share) => share.0,
                Value::Number(number) => number,
                other => unreachable!("not in the catalogue: {other:?}"),
            },
            fails: failure(&section),
        };
        let mut problems = Vec::new();
        let mut conflict = |key: &str, message: String, hint: String| {
            problems.push(Diagnostic::new(Code::Conflict, section.place(key), message, hint));
        };
        let instances = env.section("service").count("instances");
        let held = u64::from(dependency.per_instance) * u64::from(instances);
        if let Some(limit) = dependency.connections_max.filter(|limit| u64::from(*limit) < held) {
            let message = format!(
                "{instances} instances with {} connections each hold {held}, more than {limit}",
                dependency.per_instance
            );
            let most = limit / dependency.per_instance.max(1);
            conflict("connections_max", message, format!("room for {most} instances"));
        }
        if dependency.readiness && !dependency.fails.is_some_and(|failure| failure.is_down()) {
            let message = "`readiness` follows this dependency when it is down, and it never is";
            let hint = "add fails = { at = \"1m\", for = \"30s\" }";
            conflict("readiness", message.to_owned(), hint.to_owned());
        }
        for key in ["connections_max", "connect_rate", "over"] {
            if dependency.per_instance == 0 && section.written(key).is_some() {
                let message = format!("`{key}` has no meaning: instances open no connections");
                conflict(key, message, "add per_instance = 20".to_owned());
            }
        }
        for problem in problems {
            env.problem(problem);
        }
        dependency
    }

    fn write(&self, page: &mut Page) {
        let rate = |rate: Option<Rate>| {
            rate.map_or("unbounded".to_owned(), |rate| format!("{:?}/s", rate.0))
        };
        page.raw("per_instance", self.per_instance);
        // Without connections these have no meaning.
        if self.per_instance > 0 {
            page.limit("connections_max", self.connections_max);
            page.text("over", if self.over == Over::Wait { "wait" } else { "fail" });
            page.text("connect_rate", rate(self.connect_rate));
        }
        page.raw("readiness", self.readiness);
        page.text("capacity", rate(self.capacity));
        page.number("calls", self.calls);
        if let Some(Failure { at, length, share }) = self.fails {
            let share = crate::scenario::print::share(share.0);
            let fails = format!("{{ at = \"{at}\", for = \"{length}\", share = \"{share}\" }}");
            page.raw("fails", fails);
        }
    }
}

fn rate(section: &Section<'_>, key: &str) -> Option<Rate> {
    match section.value(key) {
        Value::Rate(rate) => Some(rate),
        _ => None,
    }
}

fn failure(section: &Section<'_>) -> Option<Failure> {
    let Value::Record(_, fields) = &section.written("fails")?.value else { return None };
    let inner = section.inner(FAILS[0].keys, fields);
    Some(Failure { at: inner.span("at"), length: inner.span("for"), share: inner.share("share") })
}

const UNBOUNDED: Kind = Kind::Word(&["unbounded"]);

const KEYS: &[Key] = &[
    key(
        "connections_max",
        Kind::OneOf(&[UNBOUNDED, Kind::Count(1, 1_000_000_000)]),
        Is("\"unbounded\""),
        "Connections it takes.",
        "1000",
    ),
    key(
        "per_instance",
        Kind::Count(0, 1_000_000),
        Is("0"),
        "Connections of each instance, from the start of its process until it is gone.",
        "20",
    ),
    key(
        "over",
        Kind::Word(&["fail", "wait"]),
        Is("\"fail\""),
        "Process that gets no connections: it crashes, or it waits for them.",
        "\"wait\"",
    ),
    key(
        "connect_rate",
        Kind::OneOf(&[UNBOUNDED, Kind::Rate]),
        Is("\"unbounded\""),
        "New connections it takes; those who start together wait for each other.",
        "\"50/s\"",
    ),
    key("readiness", Kind::Flag, Is("false"), "Readiness fails while this is down.", "true"),
    key(
        "capacity",
        Kind::OneOf(&[UNBOUNDED, Kind::Rate]),
        Is("\"unbounded\""),
        "Calls it answers, in order of arrival; more have to wait.",
        "\"2000/s\"",
    ),
    key(
        "calls",
        Kind::OneOf(&[Kind::Number(0.0, false), Kind::Share]),
        Is("1"),
        "Calls of each attempt, all at once; a share or a fraction is a chance.",
        "2.5",
    ),
    key(
        "fails",
        Kind::Record(FAILS),
        Says("never"),
        "When it fails, after the beginning of the rollout.",
        "{ at = \"1m\", for = \"30s\", share = \"100%\" }",
    ),
];

const FAILS: &[Form] = &[Form {
    name: "fails",
    tag: None,
    marks: &["at"],
    keys: &[
        key("at", Kind::Duration, Required, "After the beginning of the rollout.", "\"1m\""),
        key("for", Kind::Duration, Required, "How long.", "\"30s\""),
        key("share", Kind::Share, Is("\"100%\""), "Calls that fail; all: it is down.", "\"20%\""),
    ],
}];
