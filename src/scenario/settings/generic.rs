//! `[strategy.generic]`: batches or a sliding window.

use super::{Default::Is, Env, Key, Kind, Page, Settings, Table, key};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::units::{CountOrPercent, Span};

const PATH: &str = "strategy.generic";

/// The generic strategy: what most home-made rollouts do.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Generic {
    /// Instances replaced at a time; a percentage of the fleet is rounded down, at least 1.
    pub batch: CountOrPercent,
    /// Whether the next waits for the whole batch or for any one.
    pub window: Window,
    /// Whether the old instance goes first or the new one comes first.
    pub order: Order,
    /// Watch each batch (each instance, in a sliding window) this long before the next.
    pub bake: Span,
    /// An instance not ready this long after its start was asked has failed.
    pub ready_deadline: Span,
    /// More failures than this stop the rollout; a percentage of the fleet, rounded down.
    pub failures_allowed: CountOrPercent,
    /// What then happens.
    pub on_failure: OnFailure,
}

/// How the next replacement waits for the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Window {
    /// A batch is finished before the next begins.
    Barrier,
    /// As soon as one is done the next begins.
    Sliding,
}

/// Which of the two comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Order {
    /// Stop the old one, then start the new one.
    StopFirst,
    /// Start the new one, then stop the old one.
    StartFirst,
}

/// What happens when too many instances fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum OnFailure {
    /// Stop where it is.
    Pause,
    /// Replace the new ones by old ones, the same way.
    Rollback,
    /// Go on.
    Continue,
}

impl Settings for Generic {
    const TABLE: Table = Table { path: PATH, about: "Batches or a sliding window.", keys: KEYS };
    const WORLD: &'static [(&'static str, &'static str)] = &[];

    fn read(env: &mut Env<'_>) -> Self {
        let ready_deadline = env.positive(PATH, "ready_deadline");
        let section = env.section(PATH);
        let (batch, at) = (section.amount("batch"), section.place("batch"));
        let settings = Self {
            batch,
            window: match section.word("window") {
                "sliding" => Window::Sliding,
                _ => Window::Barrier,
            },
            order: match section.word("order") {
                "start-first" => Order::StartFirst,
                _ => Order::StopFirst,
            },
            bake: section.span("bake"),
            ready_deadline,
            failures_allowed: section.amount("failures_allowed"),
            on_failure: match section.word("on_failure") {
                "rollback" => OnFailure::Rollback,
                "continue" => OnFailure::Continue,
                _ => OnFailure::Pause,
            },
        };
        if batch.is_zero() {
            let message = "a batch of nothing replaces nothing";
            env.problem(Diagnostic::new(Code::OutOfRange, at, message, "write batch = 1"));
        }
        settings
    }

    fn write(&self, page: &mut Page) {
        page.amount("batch", self.batch);
        let sliding = self.window == Window::Sliding;
        page.text("window", if sliding { "sliding" } else { "barrier" });
        let start_first = self.order == Order::StartFirst;
        page.text("order", if start_first { "start-first" } else { "stop-first" });
        page.text("bake", self.bake);
        page.text("ready_deadline", self.ready_deadline);
        page.amount("failures_allowed", self.failures_allowed);
        let on_failure = match self.on_failure {
            OnFailure::Pause => "pause",
            OnFailure::Rollback => "rollback",
            OnFailure::Continue => "continue",
        };
        page.text("on_failure", on_failure);
    }

    fn describe(&self) -> String {
        let order = match self.order {
            Order::StopFirst => "stop first",
            Order::StartFirst => "start first",
        };
        let window = match self.window {
            Window::Barrier => "batch",
            Window::Sliding => "sliding",
        };
        format!("generic, {window} {}, {order}, bake {}", self.batch, self.bake)
    }

    fn bake(&self) -> Span {
        self.bake
    }
}

const KEYS: &[Key] = &[
    key("batch", Kind::Amount, Is("1"), "Instances replaced at a time.", "\"25%\""),
    key(
        "window",
        Kind::Word(&["barrier", "sliding"]),
        Is("\"barrier\""),
        "The next waits for the whole batch, or for any one.",
        "\"barrier\"",
    ),
    key(
        "order",
        Kind::Word(&["stop-first", "start-first"]),
        Is("\"stop-first\""),
        "Which of old and new moves first.",
        "\"stop-first\"",
    ),
    key("bake", Kind::Duration, Is("\"0s\""), "Watch each batch so long.", "\"15s\""),
    key(
        "ready_deadline",
        Kind::Duration,
        Is("\"5m\""),
        "Not ready so long after its start an instance has failed.",
        "\"90s\"",
    ),
    key(
        "failures_allowed",
        Kind::Amount,
        Is("0"),
        "More failed instances than this stop the rollout.",
        "1",
    ),
    key(
        "on_failure",
        Kind::Word(&["pause", "rollback", "continue"]),
        Is("\"pause\""),
        "What then happens.",
        "\"rollback\"",
    ),
];
