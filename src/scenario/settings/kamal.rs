//! `[strategy.kamal]`: containers booted host by host behind a proxy on each host.

use super::{Default::Is, Env, Key, Kind, Page, Settings, Table, key};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::raw::Value;
use crate::units::{CountOrPercent, Span};

const PATH: &str = "strategy.kamal";

/// `kamal deploy`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Kamal {
    /// `boot.limit`: hosts in a group; a percentage is rounded down, at least 1. `None`: all.
    pub boot_limit: Option<CountOrPercent>,
    /// `boot.wait`: after every group, the last one too.
    pub boot_wait: Span,
    /// A container that is not healthy so long after its start has failed.
    pub deploy_timeout: Span,
    /// What is in flight in the old container may finish so long.
    pub drain_timeout: Span,
    /// Without a proxy: a container that has run so long is healthy.
    pub readiness_delay: Span,
    /// Whether the role is behind the proxy.
    pub proxy: bool,
    /// Hosts of the primary role, the first ones; a percentage is rounded down, at least 1. The
    /// others wait until the first of these is healthy.
    pub primary: CountOrPercent,
}

impl Settings for Kamal {
    const TABLE: Table =
        Table { path: PATH, about: "Kamal: containers behind a proxy on each host.", keys: KEYS };
    // kamal-proxy asks GET /up every second and waits 5 s for the answer; when the drain timeout
    // is over it cancels what is left, and the container has 10 s to stop.
    const WORLD: &'static [(&'static str, &'static str)] = &[
        ("probes.period", "\"1s\""),
        ("probes.timeout", "\"5s\""),
        ("probes.success", "1"),
        ("shutdown.grace", "\"10s\""),
        ("shutdown.grace_from", "\"term\""),
        ("shutdown.on_term", "\"exit\""),
    ];

    fn read(env: &mut Env<'_>) -> Self {
        let deploy_timeout = env.positive(PATH, "deploy_timeout");
        let section = env.section(PATH);
        let boot_limit = match section.value("boot_limit") {
            Value::Amount(limit) => Some(limit),
            _ => None,
        };
        let proxy = section.flag("proxy");
        let at = section.place("boot_limit");
        let settings = Self {
            boot_limit,
            boot_wait: section.span("boot_wait"),
            deploy_timeout,
            drain_timeout: section.span("drain_timeout"),
            readiness_delay: section.span("readiness_delay"),
            proxy,
            primary: section.amount("primary"),
        };
        if boot_limit == Some(CountOrPercent::Count(0)) {
            let message = "a group of nobody boots nothing";
            let hint = "write a number of hosts, a percentage, or \"none\" for all";
            env.problem(Diagnostic::new(Code::OutOfRange, at, message, hint));
        }
        settings
    }

    fn write(&self, page: &mut Page) {
        match self.boot_limit {
            Some(limit) => page.amount("boot_limit", limit),
            None => page.text("boot_limit", "none"),
        }
        page.text("boot_wait", self.boot_wait);
        page.text("deploy_timeout", self.deploy_timeout);
        page.text("drain_timeout", self.drain_timeout);
        page.text("readiness_delay", self.readiness_delay);
        page.raw("proxy", self.proxy);
        page.amount("primary", self.primary);
    }

    fn describe(&self) -> String {
        match self.boot_limit {
            Some(limit) => format!("kamal, boot limit {limit}, wait {}", self.boot_wait),
            None => "kamal, all hosts at once".into(),
        }
    }

    fn bake(&self) -> Span {
        self.boot_wait
    }

    fn drain_wait(&self) -> Option<(&'static str, Span)> {
        self.proxy.then_some(("drain_timeout", self.drain_timeout))
    }
}

const KEYS: &[Key] = &[
    key(
        "boot_limit",
        Kind::OneOf(&[Kind::Word(&["none"]), Kind::Amount]),
        Is("\"none\""),
        "`boot.limit`: hosts in a group, rounded down, at least 1; none: all at once.",
        "\"25%\"",
    ),
    key(
        "boot_wait",
        Kind::Duration,
        Is("\"0s\""),
        "`boot.wait`: after every group, the last one too.",
        "\"10s\"",
    ),
    key(
        "deploy_timeout",
        Kind::Duration,
        Is("\"30s\""),
        "A container not healthy so long after its start ends the deploy.",
        "\"60s\"",
    ),
    key(
        "drain_timeout",
        Kind::Duration,
        Is("\"30s\""),
        "Requests in flight in the old container may finish so long.",
        "\"60s\"",
    ),
    key(
        "readiness_delay",
        Kind::Duration,
        Is("\"7s\""),
        "proxy = false: a container that has run so long is healthy.",
        "\"15s\"",
    ),
    key("proxy", Kind::Flag, Is("true"), "The role is behind the proxy.", "false"),
    key(
        "primary",
        Kind::Amount,
        Is("\"100%\""),
        "Hosts of the primary role; the others wait until one of these is healthy.",
        "1",
    ),
];
