//! `[strategy.capistrano]`: a restart over SSH, in parallel, in groups or one by one.

use super::{Default::Is, Env, Key, Kind, Page, Settings, Table, key};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::units::Span;

const PATH: &str = "strategy.capistrano";

/// The restart task of `cap deploy`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Capistrano {
    /// How servers are taken.
    pub runner: Runner,
    /// What the restart command needs on a server after it has stopped the old process.
    pub restart_time: Span,
}

/// `in:` of the task, with what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Runner {
    /// All servers at once.
    Parallel,
    /// So many at once, with a wait between groups.
    Groups {
        /// Servers in a group.
        limit: u32,
        /// Between groups, not after the last.
        wait: Span,
    },
    /// One by one, with a wait between servers.
    Sequence {
        /// Between servers, not after the last.
        wait: Span,
    },
}

impl Settings for Capistrano {
    const TABLE: Table = Table {
        path: PATH,
        about: "Capistrano: a restart over SSH, server by server.",
        keys: KEYS,
    };
    // Nobody tells the balancer: it finds out by its own checks (`inter 2s rise 2 fall 3`).
    const WORLD: &'static [(&'static str, &'static str)] = &[
        ("clients.lag_remove", "{ law = \"uniform\", low = \"4s\", high = \"6s\" }"),
        ("probes.period", "\"2s\""),
        ("probes.success", "2"),
        ("shutdown.grace", "\"90s\""),
        ("shutdown.grace_from", "\"term\""),
    ];

    fn read(env: &mut Env<'_>) -> Self {
        let section = env.section(PATH);
        let (limit, wait) = (section.count("limit"), section.span("wait"));
        let (runner, stray): (_, &[&str]) = match section.word("in") {
            "groups" => (Runner::Groups { limit, wait }, &[]),
            "sequence" => (Runner::Sequence { wait }, &["limit"]),
            _ => (Runner::Parallel, &["limit", "wait"]),
        };
        let stray: Vec<_> = stray
            .iter()
            .filter_map(|key| section.written(key).map(|entry| (*key, entry.key_at)))
            .collect();
        let settings = Self { runner, restart_time: section.span("restart_time") };
        for (key, at) in stray {
            let message = format!("`{key}` has no meaning with this `in`");
            let hint = "in = \"groups\" has a limit and a wait, in = \"sequence\" a wait";
            env.problem(Diagnostic::new(Code::Conflict, at, message, hint));
        }
        settings
    }

    fn write(&self, page: &mut Page) {
        match self.runner {
            Runner::Parallel => page.text("in", "parallel"),
            Runner::Groups { limit, wait } => {
                page.text("in", "groups");
                page.raw("limit", limit);
                page.text("wait", wait);
            }
            Runner::Sequence { wait } => {
                page.text("in", "sequence");
                page.text("wait", wait);
            }
        }
        page.text("restart_time", self.restart_time);
    }

    fn describe(&self) -> String {
        match self.runner {
            Runner::Parallel => "capistrano, in parallel".into(),
            Runner::Groups { limit, wait } => {
                format!("capistrano, in groups of {limit}, wait {wait}")
            }
            Runner::Sequence { wait } => format!("capistrano, in sequence, wait {wait}"),
        }
    }

    fn bake(&self) -> Span {
        match self.runner {
            Runner::Parallel => Span::ZERO,
            Runner::Groups { wait, .. } | Runner::Sequence { wait } => wait,
        }
    }
}

const KEYS: &[Key] = &[
    key(
        "in",
        Kind::Word(&["parallel", "groups", "sequence"]),
        Is("\"parallel\""),
        "All servers at once, in groups, or one by one.",
        "\"groups\"",
    ),
    key("limit", Kind::Count(1, 1_000_000), Is("2"), "in groups: servers in a group.", "4"),
    key(
        "wait",
        Kind::Duration,
        Is("\"2s\""),
        "in groups or sequence: between them, not after the last.",
        "\"5s\"",
    ),
    key(
        "restart_time",
        Kind::Duration,
        Is("\"1s\""),
        "The restart command returns so long after the new process was started; one that has \
         ended by then is a failure.",
        "\"3s\"",
    ),
];
