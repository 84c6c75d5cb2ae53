//! The world in which a recorded update is played.

use std::path::Path;

use super::{fates, measured, process};
use crate::scenario::settings::{
    OnFailure, Operation, Order, RestartCondition, RestartPolicy, StrategySettings, Swarm,
    UpdateConfig,
};
use crate::scenario::{ControlPlane, Dist, Scenario};
use crate::sim::script::{Command, Fate, Outside, Script};
use crate::trace::recorded::swarm::{Config, Hook, Recording};
use crate::units::Span;

/// What `Monitor: 0` means over the API.
const DEFAULT_MONITOR_S: f64 = 5.0;

/// The scenario: settings and control plane; delays are told, see [`script`].
/// A task is prepared so many seconds after its creation.
pub(in super::super) fn scenario(recording: &Recording, prepared: f64) -> Result<Scenario, String> {
    let replicas = recording.params.replicas;
    let text = format!(
        "rollcast = 1\n[service]\ninstances = {}\n[versions.old]\nstart = \"1s\"\n\
         [strategy.swarm]\n",
        replicas.max(1)
    );
    let loaded = crate::scenario::load(&text, &recording.id, Path::new("."), &[])
        .map_err(|error| format!("cannot be played: {}", error.diagnostics[0].message))?;
    let mut scenario = loaded.scenario;
    scenario.service.instances = replicas;
    scenario.traffic = None;
    scenario.margin = Span::ZERO;
    scenario.clients.nodes = 1;
    scenario.hosts.count = 1;
    scenario.strategy = StrategySettings::Swarm(settings(recording));
    let zero = || Dist::Fixed(Span::ZERO);
    scenario.control = ControlPlane {
        watch: measured::REPORT.dist(),
        sync: measured::WRITE.dist(),
        act: measured::WRITE.dist(),
        schedule: Dist::Fixed(fates::span(prepared)),
        next_batch: zero(),
        launch: zero(),
        writes: None,
    };
    Ok(scenario)
}

fn settings(recording: &Recording) -> Swarm {
    let params = &recording.params;
    let restart = &params.restart;
    let condition = match restart.condition.as_str() {
        "none" => RestartCondition::None,
        // The strategy knows no exit codes.
        "on-failure" if process::ends_clean(recording) => RestartCondition::None,
        "on-failure" => RestartCondition::OnFailure,
        _ => RestartCondition::Any,
    };
    Swarm {
        update: config(&params.update),
        rollback: config(&params.rollback),
        restart: RestartPolicy {
            condition,
            delay: fates::span(restart.delay_s),
            max_attempts: restart.max_attempts,
            window: fates::span(restart.window_s),
        },
        operations: Vec::new(),
    }
}

fn config(config: &Config) -> UpdateConfig {
    let monitor = if config.monitor_s > 0.0 { config.monitor_s } else { DEFAULT_MONITOR_S };
    UpdateConfig {
        parallelism: config.parallelism,
        delay: fates::span(config.delay_s),
        order: match config.order.as_str() {
            "start-first" => Order::StartFirst,
            _ => Order::StopFirst,
        },
        monitor: fates::span(monitor),
        max_failure_ratio: config.max_failure_ratio,
        failure_action: match config.failure_action.as_str() {
            "rollback" => OnFailure::Rollback,
            "continue" => OnFailure::Continue,
            _ => OnFailure::Pause,
        },
    }
}

/// What befalls the tasks and what somebody does.
/// The play ends after `end` seconds.
pub(super) fn script(
    recording: &Recording,
    fates: Vec<Vec<Fate>>,
    end: f64,
) -> Result<Script, String> {
    let tell = |operation| Outside::Tell(Command::Operate(operation));
    let mut version = 1;
    let mut events = Vec::new();
    for (at, hook) in recording.hooks()? {
        let event = match hook {
            Hook::Update(_) => {
                version += 1;
                tell(Operation::Set(version))
            }
            Hook::Again => tell(Operation::Resume),
            Hook::Rollback => tell(Operation::Undo),
            Hook::Scale(replicas) => tell(Operation::Scale(replicas)),
            Hook::Kill(version) => Outside::Fail { version, count: 1 },
        };
        events.push((fates::span(at), event));
    }
    let end = Some(fates::span(end));
    Ok(Script { fates, by_slot: false, events, wall_phase: None, end, pace: None })
}
