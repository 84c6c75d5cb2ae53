//! `[strategy.ecs]`: a rolling update of an Amazon ECS service.

use super::alarm::{self, Alarm};
use super::operation::{self, Operation};
use super::{Default::Is, Default::Says, Env, Key, Kind, Page, Settings, Table, key};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::raw::Value;
use crate::units::Span;

const PATH: &str = "strategy.ecs";

/// A replica service of Amazon ECS under the rolling deployment controller.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Ecs {
    /// Of the desired count, rounded up: healthy tasks that must be left.
    pub minimum_healthy_percent: u32,
    /// Of the desired count, rounded down: tasks that may run.
    pub maximum_percent: u32,
    /// Tasks of this service that the cluster can hold, stopping ones included; `None`: any.
    pub room: Option<u32>,
    /// What makes a running task healthy.
    pub health: TaskHealth,
    /// `None`: not enabled.
    pub circuit_breaker: Option<CircuitBreaker>,
    /// The alarm that fails a deployment.
    pub alarm: Option<DeploymentAlarm>,
    /// Changes that somebody makes while the rollout runs, in order of time.
    pub operations: Vec<(Span, Operation)>,
}

/// What makes a running task healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum TaskHealth {
    /// It passes the target group's, or its container's, health check.
    Checked,
    /// Nothing is checked: it has been running for 40 s.
    Running,
}

/// `deploymentCircuitBreaker`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct CircuitBreaker {
    /// When it trips, the last completed deployment is deployed again.
    pub rollback: bool,
    /// How many failed tasks trip it.
    pub threshold: BreakerThreshold,
    /// A healthy task sets the count of failed ones to zero.
    pub reset_on_healthy_task: bool,
}

/// `thresholdConfiguration`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum BreakerThreshold {
    /// A percentage of the desired count, rounded up, between 3 and 200.
    BoundedPercent(u32),
    /// A percentage of the desired count, rounded up.
    UnboundedPercent(u32),
    /// So many.
    Count(u32),
}

/// `deploymentConfiguration.alarms`.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct DeploymentAlarm {
    /// When it rises.
    pub alarm: Alarm,
    /// When it does, the last completed deployment is deployed again.
    pub rollback: bool,
    /// So long after the old tasks are gone the alarm is watched.
    pub bake_time: Span,
}

impl Settings for Ecs {
    const TABLE: Table =
        Table { path: PATH, about: "A rolling update of an Amazon ECS service.", keys: KEYS };
    /// An Application Load Balancer: a check each 30 s (one pass is enough for a new target, two
    /// failures make a target unhealthy and end its task), deregistration for up to 300 s before
    /// SIGTERM, then 30 s until SIGKILL.
    const WORLD: &'static [(&'static str, &'static str)] = &[
        ("probes.period", "\"30s\""),
        ("probes.timeout", "\"5s\""),
        ("probes.success", "1"),
        ("probes.failure", "2"),
        ("probes.kills", "true"),
        ("shutdown.drain_wait", "\"300s\""),
        ("shutdown.grace", "\"30s\""),
        ("shutdown.grace_from", "\"term\""),
    ];

    fn read(env: &mut Env<'_>) -> Self {
        let operations = operation::read(env, PATH);
        let alarm = read_alarm(env);
        let circuit_breaker = read_breaker(env);
        let room = read_room(env);
        let section = env.section(PATH);
        Self {
            minimum_healthy_percent: section.count("minimum_healthy_percent"),
            maximum_percent: section.count("maximum_percent"),
            room,
            health: match section.word("health") {
                "running" => TaskHealth::Running,
                _ => TaskHealth::Checked,
            },
            circuit_breaker,
            alarm,
            operations,
        }
    }

    fn write(&self, page: &mut Page) {
        page.raw("minimum_healthy_percent", self.minimum_healthy_percent);
        page.raw("maximum_percent", self.maximum_percent);
        match self.room {
            None => page.text("room", "unbounded"),
            Some(room) => page.raw("room", room),
        }
        let health = match self.health {
            TaskHealth::Checked => "checked",
            TaskHealth::Running => "running",
        };
        page.text("health", health);
        page.raw("circuit_breaker", self.circuit_breaker.is_some());
        if let Some(breaker) = self.circuit_breaker {
            page.raw("circuit_breaker_rollback", breaker.rollback);
            let (kind, value) = match breaker.threshold {
                BreakerThreshold::BoundedPercent(value) => ("bounded_percent", value),
                BreakerThreshold::UnboundedPercent(value) => ("unbounded_percent", value),
                BreakerThreshold::Count(value) => ("count", value),
            };
            page.text("threshold_type", kind);
            page.raw("threshold_value", value);
            page.raw("reset_on_healthy_task", breaker.reset_on_healthy_task);
        }
        alarm::write(self.alarm.map(|a| a.alarm), page);
        if let Some(alarm) = self.alarm {
            page.raw("alarm_rollback", alarm.rollback);
            page.text("bake_time", alarm.bake_time);
        }
        operation::write(&self.operations, page);
    }

    fn describe(&self) -> String {
        let breaker = match self.circuit_breaker {
            None => "",
            Some(CircuitBreaker { rollback: false, .. }) => ", circuit breaker",
            Some(CircuitBreaker { rollback: true, .. }) => ", circuit breaker with rollback",
        };
        let (low, high) = (self.minimum_healthy_percent, self.maximum_percent);
        format!("ecs, healthy {low}% to {high}%{breaker}")
    }

    fn bake(&self) -> Span {
        self.alarm.map_or(Span::ZERO, |alarm| alarm.bake_time)
    }
}

fn read_room(env: &mut Env<'_>) -> Option<u32> {
    let section = env.section(PATH);
    let Value::Count(room) = section.value("room") else { return None };
    let (at, service) = (section.place("room"), env.section("service"));
    let runs = service.written("instances").map(|_| service.count("instances"));
    if let Some(runs) = runs.filter(|runs| *runs > room) {
        let message = format!("the cluster holds {runs} tasks already, before the rollout");
        let hint = format!("write room = {runs} if there is no room for more");
        env.problem(Diagnostic::new(Code::Conflict, at, message, hint));
    }
    Some(room)
}

fn read_breaker(env: &mut Env<'_>) -> Option<CircuitBreaker> {
    let section = env.section(PATH);
    let enabled = section.flag("circuit_breaker");
    let of_breaker =
        ["circuit_breaker_rollback", "threshold_type", "threshold_value", "reset_on_healthy_task"];
    let stray: Vec<_> = of_breaker
        .iter()
        .filter_map(|key| section.written(key).map(|entry| (*key, entry.key_at)))
        .collect();
    let value = section.count("threshold_value");
    let breaker = CircuitBreaker {
        rollback: section.flag("circuit_breaker_rollback"),
        threshold: match section.word("threshold_type") {
            "unbounded_percent" => BreakerThreshold::UnboundedPercent(value),
            "count" => BreakerThreshold::Count(value),
            _ => BreakerThreshold::BoundedPercent(value),
        },
        reset_on_healthy_task: section.flag("reset_on_healthy_task"),
    };
    if enabled {
        return Some(breaker);
    }
    for (key, at) in stray {
        let message = format!("`{key}` has no meaning while the circuit breaker is off");
        let hint = "write circuit_breaker = true";
        env.problem(Diagnostic::new(Code::Conflict, at, message, hint));
    }
    None
}

fn read_alarm(env: &mut Env<'_>) -> Option<DeploymentAlarm> {
    let alarm = alarm::read(env, PATH);
    let section = env.section(PATH);
    let written = |key| section.written(key).map(|entry| entry.key_at);
    let stray =
        [("alarm_rollback", written("alarm_rollback")), ("bake_time", written("bake_time"))];
    let rollback = section.flag("alarm_rollback");
    let bake_time =
        if stray[1].1.is_some() { section.span("bake_time") } else { Span::from_secs(300) };
    if alarm.is_none() {
        for (key, at) in stray {
            alarm::stray(env, at, key);
        }
    }
    alarm.map(|alarm| DeploymentAlarm { alarm, rollback, bake_time })
}

const KEYS: &[Key] = &[
    key(
        "minimum_healthy_percent",
        Kind::Count(0, 100),
        Is("100"),
        "Of the desired count, rounded up: healthy tasks that must be left.",
        "50",
    ),
    key(
        "maximum_percent",
        Kind::Count(100, 1000),
        Is("200"),
        "Of the desired count, rounded down: tasks that may run or stop.",
        "150",
    ),
    key(
        "room",
        Kind::OneOf(&[Kind::Word(&["unbounded"]), Kind::Count(1, 1_000_000)]),
        Is("\"unbounded\""),
        "Tasks of this service that the cluster can hold, stopping ones included.",
        "8",
    ),
    key(
        "health",
        Kind::Word(&["checked", "running"]),
        Is("\"checked\""),
        "A task is healthy when its target group or container check passes, or, if nothing \
         checks it, after running for 40 s.",
        "\"checked\"",
    ),
    key("circuit_breaker", Kind::Flag, Is("false"), "`deploymentCircuitBreaker.enable`.", "true"),
    key(
        "circuit_breaker_rollback",
        Kind::Flag,
        Is("false"),
        "When it trips, deploy the last completed deployment again.",
        "true",
    ),
    key(
        "threshold_type",
        Kind::Word(&["bounded_percent", "unbounded_percent", "count"]),
        Is("\"bounded_percent\""),
        "Failed tasks that trip it: a percentage of the desired count, rounded up, within 3 to \
         200 or not, or a count.",
        "\"count\"",
    ),
    key("threshold_value", Kind::Count(1, 1_000_000), Is("50"), "The number to that.", "5"),
    key(
        "reset_on_healthy_task",
        Kind::Flag,
        Is("true"),
        "A healthy task sets the count of failed ones to zero.",
        "false",
    ),
    alarm::ERRORS,
    alarm::DELAY,
    key(
        "alarm_rollback",
        Kind::Flag,
        Is("false"),
        "When the alarm rises, deploy the last completed deployment again.",
        "true",
    ),
    key(
        "bake_time",
        Kind::Duration,
        Says("`\"5m\"`"),
        "With an alarm: it is watched so long after the last old task has gone.",
        "\"10m\"",
    ),
    key(
        "operations",
        operation::KIND,
        Is("[]"),
        "What somebody does in mid-rollout: undo, scale, rollover.",
        "[{ at = \"2m\", do = \"undo\" }]",
    ),
];
