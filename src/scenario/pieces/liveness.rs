//! `[liveness]` and `[startup]`: probes that end processes, and the one that holds the others back
//! until a process has started.

use super::{Default::Is, Env, Key, Kind, Page, Piece, Table, key};
use crate::scenario::Probes;
use crate::units::Span;

/// A liveness probe. It waits for its answer as a request does: behind those that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Liveness {
    /// Process start (or the start-up probe's success) → first probe.
    pub initial_delay: Span,
    /// Between probes.
    pub period: Span,
    /// A probe without an answer fails after this.
    pub timeout: Span,
    /// Failures in a row that end the process.
    pub failure: u32,
    /// What an answer takes a process that has nothing else to do.
    pub work: Span,
}

/// A start-up probe. Until it has passed once no other probe goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Startup {
    /// Process start → first probe.
    pub initial_delay: Span,
    /// Between probes.
    pub period: Span,
    /// Failures in a row that end the process.
    pub failure: u32,
}

fn counted(initial_delay: Span, period: Span, failure_threshold: u32) -> Probes {
    Probes {
        initial_delay,
        period,
        success_threshold: 1,
        failure_threshold,
        timeout: Span::ZERO,
        enabled: true,
        kills: true,
        start_period: Span::ZERO,
    }
}

impl Liveness {
    /// As probes of a process that does not answer yet.
    pub fn probes(&self) -> Probes {
        counted(self.initial_delay, self.period, self.failure)
    }
}

impl Startup {
    /// As probes of a process that does not answer yet.
    pub fn probes(&self) -> Probes {
        counted(self.initial_delay, self.period, self.failure)
    }

    /// How long a start may take.
    pub fn patience(&self) -> Span {
        self.initial_delay + Span(self.period.0.saturating_mul(u64::from(self.failure.max(1) - 1)))
    }
}

impl Piece for Liveness {
    const TABLE: Table = Table {
        path: "liveness",
        about: "A probe whose failures end the process; it queues behind the requests.",
        keys: LIVENESS,
    };

    fn read(env: &mut Env<'_>, path: &str) -> Self {
        let (period, timeout) = (env.positive(path, "period"), env.positive(path, "timeout"));
        let section = env.section(path);
        Self {
            initial_delay: section.span("initial_delay"),
            period,
            timeout,
            failure: section.count("failure"),
            work: section.span("work"),
        }
    }

    fn write(&self, page: &mut Page) {
        page.text("initial_delay", self.initial_delay);
        page.text("period", self.period);
        page.text("timeout", self.timeout);
        page.raw("failure", self.failure);
        page.text("work", self.work);
    }
}

impl Piece for Startup {
    const TABLE: Table = Table {
        path: "startup",
        about: "A probe that must pass once before the others begin.",
        keys: STARTUP,
    };

    fn read(env: &mut Env<'_>, path: &str) -> Self {
        let period = env.positive(path, "period");
        let section = env.section(path);
        Self {
            initial_delay: section.span("initial_delay"),
            period,
            failure: section.count("failure"),
        }
    }

    fn write(&self, page: &mut Page) {
        page.text("initial_delay", self.initial_delay);
        page.text("period", self.period);
        page.raw("failure", self.failure);
    }
}

const DELAY: Key =
    key("initial_delay", Kind::Duration, Is("\"0s\""), "Before the first probe.", "\"5s\"");
const PERIOD: Key = key("period", Kind::Duration, Is("\"10s\""), "Between probes.", "\"10s\"");
const FAILURE: Key = key(
    "failure",
    Kind::Count(1, 1_000_000),
    Is("3"),
    "Failures in a row that end the process.",
    "3",
);

const LIVENESS: &[Key] = &[
    DELAY,
    PERIOD,
    key("timeout", Kind::Duration, Is("\"1s\""), "A probe fails after this.", "\"1s\""),
    FAILURE,
    key("work", Kind::Duration, Is("\"1ms\""), "What an answer takes an idle process.", "\"5ms\""),
];

const STARTUP: &[Key] = &[DELAY, PERIOD, FAILURE];
