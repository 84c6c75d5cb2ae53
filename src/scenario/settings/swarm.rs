//! `[strategy.swarm]`: a Docker Swarm service.

use super::generic::{OnFailure, Order};
use super::operation::{self, Operation};
use super::{Default::Is, Env, Key, Kind, Page, Settings, Table, key};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::units::Span;

const PATH: &str = "strategy.swarm";

/// A Swarm service's `update_config`, `rollback_config` and `restart_policy`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Swarm {
    /// How an update goes.
    pub update: UpdateConfig,
    /// How a rollback goes. Never rolls back itself.
    pub rollback: UpdateConfig,
    /// What follows when a task ends by itself.
    pub restart: RestartPolicy,
    /// Changes that somebody makes while the update runs, in order of time.
    pub operations: Vec<(Span, Operation)>,
}

/// One of the two update configurations.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct UpdateConfig {
    /// Slots at a time; 0 is all of them.
    pub parallelism: u32,
    /// Each worker waits so long after each slot.
    pub delay: Span,
    /// Which of the two tasks moves first.
    pub order: Order,
    /// A new task that fails so soon after it ran counts; never zero here.
    pub monitor: Span,
    /// More failures than this share of the slots trigger the action.
    pub max_failure_ratio: f64,
    /// What then happens.
    pub failure_action: OnFailure,
}

/// What follows when a task ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct RestartPolicy {
    /// Which ends are followed by a new task.
    pub condition: RestartCondition,
    /// The new task waits so long, at least.
    pub delay: Span,
    /// So often in one slot; 0 is without end.
    pub max_attempts: u32,
    /// Only restarts so recent count; zero: all of this version.
    pub window: Span,
}

/// Which ends of a task are followed by a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum RestartCondition {
    /// All.
    Any,
    /// Failures, not an exit with code 0.
    OnFailure,
    /// None.
    None,
}

/// What `monitor = 0` means to the engine: the field is taken as not set.
const DEFAULT_MONITOR: Span = Span::from_secs(5);

impl Settings for Swarm {
    const TABLE: Table = Table { path: PATH, about: "A Docker Swarm service.", keys: KEYS };

    /// Docker's own defaults, and latencies as recorded on a single-node swarm (engine 20.10).
    /// `control.schedule` is creation until the task is prepared, `control.launch` leave to run
    /// until the process has started, `versions.exit` includes the engine's own part of it.
    const WORLD: &'static [(&'static str, &'static str)] = &[
        ("probes.enabled", "false"),
        ("probes.kills", "true"),
        ("probes.period", "\"30s\""),
        ("probes.timeout", "\"30s\""),
        ("shutdown.pre_stop", "\"1.2s\""),
        ("shutdown.grace", "\"10s\""),
        ("shutdown.grace_from", "\"term\""),
        ("versions.exit", "{ p50 = \"280ms\", p90 = \"900ms\" }"),
        ("versions.crash_after", "{ p50 = \"250ms\", p90 = \"690ms\" }"),
        ("clients.lag_add", "{ p50 = \"200ms\", p95 = \"1s\" }"),
        ("clients.lag_remove", "{ p50 = \"1.4s\", p95 = \"2.2s\" }"),
        ("control.watch", "{ p50 = \"60ms\", p90 = \"120ms\" }"),
        ("control.schedule", "{ p50 = \"300ms\", p90 = \"590ms\" }"),
        ("control.launch", "{ p50 = \"1.06s\", p90 = \"2.5s\" }"),
    ];

    fn read(env: &mut Env<'_>) -> Self {
        let operations = operation::read(env, PATH);
        let (update, rollback) = (config(env, &UPDATE), config(env, &ROLLBACK));
        let section = env.section(PATH);
        let condition = match section.word("restart_condition") {
            "on-failure" => RestartCondition::OnFailure,
            "none" => RestartCondition::None,
            _ => RestartCondition::Any,
        };
        let restart = RestartPolicy {
            condition,
            delay: section.span("restart_delay"),
            max_attempts: section.count("restart_max_attempts"),
            window: section.span("restart_window"),
        };
        Self { update, rollback, restart, operations }
    }

    fn write(&self, page: &mut Page) {
        write_config(page, &UPDATE, &self.update);
        write_config(page, &ROLLBACK, &self.rollback);
        let condition = match self.restart.condition {
            RestartCondition::Any => "any",
            RestartCondition::OnFailure => "on-failure",
            RestartCondition::None => "none",
        };
        page.text("restart_condition", condition);
        page.text("restart_delay", self.restart.delay);
        page.raw("restart_max_attempts", self.restart.max_attempts);
        page.text("restart_window", self.restart.window);
        operation::write(&self.operations, page);
    }

    fn describe(&self) -> String {
        let parallelism = match self.update.parallelism {
            0 => "all at once".to_owned(),
            n => format!("parallelism {n}"),
        };
        let order = order_name(self.update.order);
        format!("swarm, {parallelism}, {order}, {}", action_name(self.update.failure_action))
    }

    fn bake(&self) -> Span {
        self.update.delay
    }
}

/// The keys of one configuration.
struct Names {
    parallelism: &'static str,
    delay: &'static str,
    order: &'static str,
    monitor: &'static str,
    max_failure_ratio: &'static str,
    failure_action: &'static str,
}

const UPDATE: Names = Names {
    parallelism: "parallelism",
    delay: "delay",
    order: "order",
    monitor: "monitor",
    max_failure_ratio: "max_failure_ratio",
    failure_action: "failure_action",
};

const ROLLBACK: Names = Names {
    parallelism: "rollback_parallelism",
    delay: "rollback_delay",
    order: "rollback_order",
    monitor: "rollback_monitor",
    max_failure_ratio: "rollback_max_failure_ratio",
    failure_action: "rollback_failure_action",
};

fn config(env: &mut Env<'_>, names: &Names) -> UpdateConfig {
    let section = env.section(PATH);
    let ratio = section.number(names.max_failure_ratio);
    let at = section.place(names.max_failure_ratio);
    let (watched, watched_at) = (section.span(names.monitor), section.place(names.monitor));
    let monitor = if watched == Span::ZERO { DEFAULT_MONITOR } else { watched };
    let config = UpdateConfig {
        parallelism: section.count(names.parallelism),
        delay: section.span(names.delay),
        order: match section.word(names.order) {
            "start-first" => Order::StartFirst,
            _ => Order::StopFirst,
        },
        monitor,
        max_failure_ratio: ratio,
        failure_action: match section.word(names.failure_action) {
            "rollback" => OnFailure::Rollback,
            "continue" => OnFailure::Continue,
            _ => OnFailure::Pause,
        },
    };
    if ratio > 1.0 {
        let message = format!("`{}` is a share, from 0 to 1", names.max_failure_ratio);
        let hint = "write 0.2 for 20% of the slots; Docker refuses more than 1";
        env.problem(Diagnostic::new(Code::OutOfRange, at, message, hint));
    }
    if watched == Span::ZERO {
        let message = format!("`{}` of 0 means the default, {DEFAULT_MONITOR}", names.monitor);
        let hint = format!("write \"{DEFAULT_MONITOR}\"");
        env.problem(Diagnostic::new(Code::SwarmMonitorZero, watched_at, message, hint));
    }
    config
}

fn write_config(page: &mut Page, names: &Names, config: &UpdateConfig) {
    page.raw(names.parallelism, config.parallelism);
    page.text(names.delay, config.delay);
    page.text(names.order, order_name(config.order));
    page.text(names.monitor, config.monitor);
    page.raw(names.max_failure_ratio, config.max_failure_ratio);
    page.text(names.failure_action, action_name(config.failure_action));
}

fn order_name(order: Order) -> &'static str {
    match order {
        Order::StopFirst => "stop-first",
        Order::StartFirst => "start-first",
    }
}

fn action_name(action: OnFailure) -> &'static str {
    match action {
        OnFailure::Pause => "pause",
        OnFailure::Rollback => "rollback",
        OnFailure::Continue => "continue",
    }
}

const ORDER: Kind = Kind::Word(&["stop-first", "start-first"]);
const MANY: Kind = Kind::Count(0, 1_000_000);
const RATIO: Kind = Kind::Number(0.0, false);

const KEYS: &[Key] = &[
    key("parallelism", MANY, Is("1"), "Slots updated at a time; 0 is all.", "2"),
    key(
        "delay",
        Kind::Duration,
        Is("\"0s\""),
        "Each worker rests so long after a slot.",
        "\"10s\"",
    ),
    key("order", ORDER, Is("\"stop-first\""), "Which task moves first.", "\"start-first\""),
    key(
        "monitor",
        Kind::Duration,
        Is("\"5s\""),
        "A new task that fails so soon after it ran counts; 0s means 5s.",
        "\"30s\"",
    ),
    key(
        "max_failure_ratio",
        RATIO,
        Is("0"),
        "More failures than this share of the slots trigger the action.",
        "0.2",
    ),
    key(
        "failure_action",
        Kind::Word(&["pause", "continue", "rollback"]),
        Is("\"pause\""),
        "What then happens.",
        "\"rollback\"",
    ),
    key("rollback_parallelism", MANY, Is("1"), "`parallelism` on the way back.", "0"),
    key("rollback_delay", Kind::Duration, Is("\"0s\""), "`delay` on the way back.", "\"5s\""),
    key(
        "rollback_order",
        ORDER,
        Is("\"stop-first\""),
        "`order` on the way back.",
        "\"stop-first\"",
    ),
    key("rollback_monitor", Kind::Duration, Is("\"5s\""), "`monitor` on the way back.", "\"5s\""),
    key("rollback_max_failure_ratio", RATIO, Is("0"), "The same on the way back.", "0.2"),
    key(
        "rollback_failure_action",
        Kind::Word(&["pause", "continue"]),
        Is("\"pause\""),
        "What happens when the rollback fails, too.",
        "\"continue\"",
    ),
    key(
        "restart_condition",
        Kind::Word(&["any", "on-failure", "none"]),
        Is("\"any\""),
        "Which ends of a task are followed by a new one.",
        "\"on-failure\"",
    ),
    key("restart_delay", Kind::Duration, Is("\"5s\""), "The new one waits so long.", "\"5s\""),
    key("restart_max_attempts", MANY, Is("0"), "So often in one slot; 0: for ever.", "3"),
    key(
        "restart_window",
        Kind::Duration,
        Is("\"0s\""),
        "Only restarts so recent count; 0s: all of them.",
        "\"2m\"",
    ),
    key(
        "operations",
        operation::KIND,
        Is("[]"),
        "Changes that somebody makes in mid-update.",
        "[{ at = \"30s\", scale = 20 }]",
    ),
];
