//! `[strategy.nomad]`: a Nomad service job with its `update` and `reschedule` blocks.

use super::operation::{self, Operation};
use super::{Default::Is, Env, Key, Kind, Page, Settings, Table, key};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::raw::Value;
use crate::units::Span;

const PATH: &str = "strategy.nomad";

/// One task group of a Nomad service job.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Nomad {
    /// Allocations that may be not yet healthy at a time; 0: everything at once, no deployment.
    pub max_parallel: u32,
    /// Extra allocations of the new version that come first and wait for promotion.
    pub canary: u32,
    /// Promote as soon as all canaries are healthy.
    pub auto_promote: bool,
    /// A failed deployment submits the last stable version again.
    pub auto_revert: bool,
    /// What makes an allocation healthy.
    pub health_check: HealthCheck,
    /// Checks must have passed so long without a break.
    pub min_healthy_time: Span,
    /// An allocation not healthy so long after it began is unhealthy.
    pub healthy_deadline: Span,
    /// The deployment fails if no allocation becomes healthy for so long; zero: at the first
    /// unhealthy one.
    pub progress_deadline: Span,
    /// When a failed allocation is replaced.
    pub reschedule: Reschedule,
    /// Changes that somebody makes while the rollout runs, in order of time.
    pub operations: Vec<(Span, Operation)>,
}

/// `update.health_check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum HealthCheck {
    /// All checks pass.
    Checks,
    /// All tasks run.
    TaskStates,
    /// Somebody says so.
    Manual,
}

/// The `reschedule` block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Reschedule {
    /// Before the first replacement.
    pub delay: Span,
    /// How the delay grows.
    pub function: DelayFunction,
    /// The longest delay.
    pub max_delay: Span,
    /// Replacements within `interval`; `None`: unlimited.
    pub attempts: Option<u32>,
    /// See `attempts`.
    pub interval: Span,
}

/// `reschedule.delay_function`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum DelayFunction {
    /// Always the same.
    Constant,
    /// Twice the last one.
    Exponential,
    /// The sum of the last two.
    Fibonacci,
}

impl Settings for Nomad {
    const TABLE: Table = Table { path: PATH, about: "A Nomad service job.", keys: KEYS };
    /// `kill_timeout` 5 s after `shutdown_delay` 0; two restarts, each after 15 s; a check every
    /// 10 s.
    const WORLD: &'static [(&'static str, &'static str)] = &[
        ("probes.period", "\"10s\""),
        ("shutdown.grace", "\"5s\""),
        ("shutdown.grace_from", "\"term\""),
        ("restart.attempts", "2"),
        ("restart.delay", "\"15s\""),
        ("restart.delay_max", "\"15s\""),
    ];

    fn read(env: &mut Env<'_>) -> Self {
        let operations = operation::read(env, PATH);
        let section = env.section(PATH);
        let attempts = match section.value("reschedule_attempts") {
            Value::Count(count) => Some(count),
            _ => None,
        };
        let settings = Self {
            max_parallel: section.count("max_parallel"),
            canary: section.count("canary"),
            auto_promote: section.flag("auto_promote"),
            auto_revert: section.flag("auto_revert"),
            health_check: match section.word("health_check") {
                "task_states" => HealthCheck::TaskStates,
                "manual" => HealthCheck::Manual,
                _ => HealthCheck::Checks,
            },
            min_healthy_time: section.span("min_healthy_time"),
            healthy_deadline: section.span("healthy_deadline"),
            progress_deadline: section.span("progress_deadline"),
            reschedule: Reschedule {
                delay: section.span("reschedule_delay"),
                function: match section.word("reschedule_function") {
                    "constant" => DelayFunction::Constant,
                    "fibonacci" => DelayFunction::Fibonacci,
                    _ => DelayFunction::Exponential,
                },
                max_delay: section.span("reschedule_max_delay"),
                attempts,
                interval: section.span("reschedule_interval"),
            },
            operations,
        };
        settings.validate(env);
        settings
    }

    fn write(&self, page: &mut Page) {
        page.raw("max_parallel", self.max_parallel);
        page.raw("canary", self.canary);
        page.raw("auto_promote", self.auto_promote);
        page.raw("auto_revert", self.auto_revert);
        let health_check = match self.health_check {
            HealthCheck::Checks => "checks",
            HealthCheck::TaskStates => "task_states",
            HealthCheck::Manual => "manual",
        };
        page.text("health_check", health_check);
        page.text("min_healthy_time", self.min_healthy_time);
        page.text("healthy_deadline", self.healthy_deadline);
        page.text("progress_deadline", self.progress_deadline);
        page.text("reschedule_delay", self.reschedule.delay);
        let function = match self.reschedule.function {
            DelayFunction::Constant => "constant",
            DelayFunction::Exponential => "exponential",
            DelayFunction::Fibonacci => "fibonacci",
        };
        page.text("reschedule_function", function);
        page.text("reschedule_max_delay", self.reschedule.max_delay);
        match self.reschedule.attempts {
            None => page.text("reschedule_attempts", "unlimited"),
            Some(count) => page.raw("reschedule_attempts", count),
        }
        page.text("reschedule_interval", self.reschedule.interval);
        operation::write(&self.operations, page);
    }

    fn describe(&self) -> String {
        let canary = if self.canary == 0 {
            String::new()
        } else {
            let promoted = if self.auto_promote { ", auto_promote" } else { "" };
            format!(", canary {}{promoted}", self.canary)
        };
        let revert = if self.auto_revert { ", auto_revert" } else { "" };
        format!("nomad, max_parallel {}{canary}{revert}", self.max_parallel)
    }

    fn bake(&self) -> Span {
        self.min_healthy_time
    }
}

impl Nomad {
    /// What `UpdateStrategy.Validate` and `ReschedulePolicy.Validate` refuse.
    fn validate(&self, env: &mut Env<'_>) {
        let mut refuse = |key: &str, message: &str, hint: &str| {
            let at = env.section(PATH).place(key);
            env.problem(Diagnostic::new(Code::Conflict, at, message, hint));
        };
        let refused = "Nomad refuses this too";
        if self.min_healthy_time >= self.healthy_deadline {
            let message = "`min_healthy_time` must be shorter than `healthy_deadline`";
            refuse("min_healthy_time", message, refused);
        }
        if self.progress_deadline != Span::ZERO && self.healthy_deadline >= self.progress_deadline {
            let message = "`healthy_deadline` must be shorter than `progress_deadline`";
            refuse("healthy_deadline", message, refused);
        }
        if self.auto_promote && self.canary == 0 {
            let message = "`auto_promote` needs canaries";
            refuse("auto_promote", message, "write canary = 1");
        }
        if self.canary > 0 && self.max_parallel == 0 {
            let message = "canaries need a deployment, and max_parallel = 0 makes none";
            refuse("canary", message, "write max_parallel = 1");
        }
        if self.reschedule.delay < Span::from_secs(5) && self.reschedule.attempts != Some(0) {
            refuse("reschedule_delay", "`reschedule_delay` is at least 5 s", refused);
        }
        if self.reschedule.max_delay < self.reschedule.delay {
            let message = "`reschedule_max_delay` is shorter than `reschedule_delay`";
            refuse("reschedule_max_delay", message, refused);
        }
    }
}

const KEYS: &[Key] = &[
    key(
        "max_parallel",
        Kind::Count(0, 1_000_000),
        Is("1"),
        "Allocations that may be not yet healthy at a time; 0: all at once, without a deployment.",
        "2",
    ),
    key(
        "canary",
        Kind::Count(0, 1_000_000),
        Is("0"),
        "Extra allocations of the new version that come first and wait for promotion.",
        "1",
    ),
    key("auto_promote", Kind::Flag, Is("false"), "Promote when all canaries are healthy.", "true"),
    key(
        "auto_revert",
        Kind::Flag,
        Is("false"),
        "A failed deployment submits the last stable version again.",
        "true",
    ),
    key(
        "health_check",
        Kind::Word(&["checks", "task_states", "manual"]),
        Is("\"checks\""),
        "What makes an allocation healthy: its checks, running tasks, or a person.",
        "\"checks\"",
    ),
    key(
        "min_healthy_time",
        Kind::Duration,
        Is("\"10s\""),
        "So long without a break it must be well to be healthy.",
        "\"30s\"",
    ),
    key(
        "healthy_deadline",
        Kind::Duration,
        Is("\"5m\""),
        "Not healthy so long after its predecessor ended, an allocation is unhealthy.",
        "\"5m\"",
    ),
    key(
        "progress_deadline",
        Kind::Duration,
        Is("\"10m\""),
        "The deployment fails if nothing becomes healthy for so long; 0: at the first unhealthy \
         allocation.",
        "\"10m\"",
    ),
    key(
        "reschedule_delay",
        Kind::Duration,
        Is("\"30s\""),
        "A failed allocation is replaced after this.",
        "\"30s\"",
    ),
    key(
        "reschedule_function",
        Kind::Word(&["constant", "exponential", "fibonacci"]),
        Is("\"exponential\""),
        "How that delay grows from one replacement to the next.",
        "\"constant\"",
    ),
    key("reschedule_max_delay", Kind::Duration, Is("\"1h\""), "The longest such delay.", "\"5m\""),
    key(
        "reschedule_attempts",
        Kind::OneOf(&[Kind::Word(&["unlimited"]), Kind::Count(0, 1_000_000)]),
        Is("\"unlimited\""),
        "So many replacements of one allocation within `reschedule_interval`.",
        "3",
    ),
    key(
        "reschedule_interval",
        Kind::Duration,
        Is("\"24h\""),
        "See `reschedule_attempts`.",
        "\"1h\"",
    ),
    key(
        "operations",
        operation::KIND,
        Is("[]"),
        "What somebody does in mid-rollout: promote, pause, resume, abort (fail), undo (revert), \
         scale.",
        "[{ at = \"5m\", do = \"promote\" }]",
    ),
];
