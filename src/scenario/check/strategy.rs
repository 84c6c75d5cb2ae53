//! The orchestrator and its settings: exactly one table.

use super::Env;
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::raw::{Entry, Flavour, Value};
use crate::scenario::reader::Raw;
use crate::scenario::settings::{
    AvailabilityTiming, DeploymentKind, Generic, KubernetesDeployment, OnFailure, Operation, Order,
    StrategySettings, Window,
};
use crate::units::Span;

/// Which strategy it is; complains unless there is exactly one table.
pub(super) fn flavour(raw: &Raw, problems: &mut Vec<Diagnostic>) -> Flavour {
    let kubernetes = raw.tables.get("strategy.kubernetes");
    let generic = raw.tables.get("strategy.generic");
    match (kubernetes, generic) {
        (Some(_), None) => Flavour::Kubernetes,
        (None, Some(_)) => Flavour::Generic,
        (Some(first), Some(second)) => {
            let message = "two strategies: a rollout has one";
            let hint = "remove [strategy.kubernetes] or [strategy.generic]";
            let later = first.at.max(second.at);
            problems.push(Diagnostic::new(Code::StrategyTable, later, message, hint));
            Flavour::Kubernetes
        }
        (None, None) => {
            let message = "no strategy";
            let hint =
                "write [strategy.kubernetes] or [strategy.generic]; its keys may be left out";
            problems.push(Diagnostic::new(Code::StrategyTable, None, message, hint));
            Flavour::Kubernetes
        }
    }
}

pub(super) fn strategy(env: &mut Env<'_>) -> StrategySettings {
    match env.flavour {
        Flavour::Kubernetes => StrategySettings::Kubernetes(kubernetes(env)),
        Flavour::Generic => StrategySettings::Generic(generic(env)),
    }
}

fn kubernetes(env: &mut Env<'_>) -> KubernetesDeployment {
    let operations = operations(env);
    let section = env.section("strategy.kubernetes");
    let recreate = section.word("type") == "Recreate";
    let stray: Vec<_> = ["max_surge", "max_unavailable"]
        .iter()
        .filter_map(|key| section.written(key).map(|e| (*key, e.key_at)))
        .collect();
    let settings = KubernetesDeployment {
        kind: if recreate { DeploymentKind::Recreate } else { DeploymentKind::RollingUpdate },
        max_surge: section.amount("max_surge"),
        max_unavailable: section.amount("max_unavailable"),
        min_ready: section.span("min_ready"),
        progress_deadline: section.span("progress_deadline"),
        timing: match section.word("version") {
            "1.20" => AvailabilityTiming::Rechecked,
            _ => AvailabilityTiming::WholeSeconds,
        },
        operations,
    };
    let (deadline, min_ready) = (settings.progress_deadline, settings.min_ready);
    let at = section.place("progress_deadline");
    if recreate {
        for (key, at) in stray {
            let message = format!("`{key}` has no meaning with type = \"Recreate\"");
            env.problem(Diagnostic::new(Code::Conflict, at, message, "remove it"));
        }
    }
    // The API server's own rule (`ValidateDeploymentSpec`).
    if deadline <= min_ready {
        let message = "`progress_deadline` must be longer than `min_ready`";
        env.problem(Diagnostic::new(Code::Conflict, at, message, "Kubernetes refuses this too"));
    }
    settings
}

fn operations(env: &mut Env<'_>) -> Vec<(Span, Operation)> {
    let mut operations = Vec::new();
    for entry in env.section("strategy.kubernetes").list("operations") {
        if let Some(operation) = operation(&entry) {
            operations.push(operation);
            continue;
        }
        let message = "an operation is either `scale` or `do`";
        let hint = "write { at = \"30s\", scale = 20 } or { at = \"30s\", do = \"pause\" }";
        env.problem(Diagnostic::new(Code::Conflict, entry.at, message, hint));
    }
    operations.sort_by_key(|(at, _)| *at);
    operations
}

fn operation(entry: &Entry) -> Option<(Span, Operation)> {
    let Value::Record(_, fields) = &entry.value else { return None };
    let value = |key: &str| fields.get(key).map(|entry| &entry.value);
    let Some(Value::Span(at)) = value("at") else { return None };
    let operation = match (value("scale"), value("do")) {
        (Some(Value::Count(count)), None) => Operation::Scale(*count),
        (None, Some(Value::Word("pause"))) => Operation::Pause,
        (None, Some(Value::Word("resume"))) => Operation::Resume,
        (None, Some(Value::Word("undo"))) => Operation::Undo,
        (None, Some(Value::Word("rollover"))) => Operation::Rollover,
        _ => return None,
    };
    Some((*at, operation))
}

fn generic(env: &mut Env<'_>) -> Generic {
    let ready_deadline = env.positive("strategy.generic", "ready_deadline");
    let section = env.section("strategy.generic");
    let (batch, at) = (section.amount("batch"), section.place("batch"));
    let settings = Generic {
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
