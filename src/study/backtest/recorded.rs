//! Recorded rollouts, simulated or real, as lives of instances.

use super::past::{Past, Told, Whole, values};
use crate::scenario::{self, Scenario};
use crate::study::fit::Quantity;
use crate::study::verify;
use crate::trace::journal::Journal;
use crate::trace::recorded::life::Life;
use crate::trace::recorded::{Recording, kubernetes, swarm};
use crate::trace::{Cause, Phase, Record, VersionId};
use crate::units::Time;

/// A recorded rollout; `file` is its name if it has no other.
pub(super) fn past(file: &str, recording: &Recording) -> Result<Past, String> {
    match recording {
        Recording::Kubernetes(recording) => of_kubernetes(recording),
        Recording::Swarm(recording) => of_swarm(recording),
        Recording::Rollcast(journal) => of_journal(file, journal),
    }
}

fn of_kubernetes(recording: &kubernetes::Recording) -> Result<Past, String> {
    let spec = &recording.spec;
    if !spec.ops.is_empty() || spec.behaviour.iter().any(Option::is_some) {
        return Err("is no plain rolling update".to_owned());
    }
    let life = |pod: &kubernetes::Pod| Life {
        version: number(pod.version),
        created: pod.created,
        free: pod.scheduled,
        ready: pod.ready.iter().find(|(_, ready)| *ready).map(|(at, _)| *at),
        told: pod.deleted,
        ended: pod.gone,
        seen: recording.end,
        ..Life::default()
    };
    let lives: Vec<Life> = recording.pods.iter().map(life).collect();
    let scenario = verify::kubernetes_scenario(recording)?;
    Ok(of_lives(recording.id.clone(), &lives, recording.end, scenario))
}

fn of_swarm(recording: &swarm::Recording) -> Result<Past, String> {
    if !recording.hooks()?.is_empty() || recording.changes_nothing() {
        return Err("is no plain update".to_owned());
    }
    if recording.tasks.iter().any(|task| task.ended_by_itself().is_some()) {
        return Err("has tasks that end by themselves".to_owned());
    }
    let life = |task: &swarm::Task| Life {
        version: number(task.version()),
        created: task.created,
        free: task.released().map(|released| released.max(task.created)),
        ready: task.ran(),
        told: task.told(),
        ended: task.ended(),
        seen: recording.observed_s,
        ..Life::default()
    };
    let lives: Vec<Life> = recording.tasks.iter().map(life).collect();
    let scenario = verify::swarm_scenario(recording)?;
    Ok(of_lives(recording.id.clone(), &lives, recording.observed_s, scenario))
}

fn of_journal(file: &str, journal: &Journal) -> Result<Past, String> {
    let again = "the scenario in its header cannot be played again";
    let Some(text) = journal.header.scenario.as_str() else {
        let hint = "it must be the text that `rollcast sim --print-scenario` prints";
        return Err(format!("{again}: {hint}"));
    };
    let loaded = scenario::load(text, file, std::path::Path::new("."), &[]).map_err(|error| {
        let first = error.diagnostics.first().map_or("", |problem| problem.message.as_str());
        format!("{again}: {first}")
    })?;
    let lives = lives(&journal.records);
    let end = journal.records.last().map_or(0.0, |(at, _)| at.as_secs_f64());
    Ok(of_lives(file.to_owned(), &lives, end, loaded.scenario))
}

fn of_lives(name: String, lives: &[Life], end: f64, scenario: Scenario) -> Past {
    let (old, new) = parts(lives);
    Past {
        name,
        whole: Whole::of(&old, &new, end),
        starts: values(&new, Quantity::Start, end),
        exits: values(&old, Quantity::Exit, end),
        tick: 0.0,
        scenario: Some(scenario),
        told: Told::Wish,
    }
}

fn number(version: VersionId) -> String {
    version.0.to_string()
}

/// The old version's instances and the others.
pub(super) fn parts(lives: &[Life]) -> (Vec<&Life>, Vec<&Life>) {
    lives.iter().partition(|life| life.version == "0")
}

/// The lives of instances in a trace; seconds on its clock.
pub(super) fn lives(records: &[(Time, Record)]) -> Vec<Life> {
    let mut lives: Vec<Life> = Vec::new();
    let end = records.last().map_or(0.0, |(at, _)| at.as_secs_f64());
    for (at, record) in records {
        let Record::Phase { instance, version, to, cause } = record else { continue };
        let at = at.as_secs_f64();
        let place = *instance as usize;
        if lives.len() <= place {
            lives.resize_with(place + 1, Life::default);
        }
        let life = &mut lives[place];
        if life.version.is_empty() {
            life.version = number(*version);
            life.created = at;
            life.seen = end;
        }
        if *cause == Cause::Initial {
            life.created = f64::MIN;
            life.ready = Some(f64::MIN);
            continue;
        }
        match to {
            Phase::Pending | Phase::Available => {}
            Phase::Starting => {
                life.free.get_or_insert(at);
            }
            Phase::Ready => {
                life.ready.get_or_insert(at);
            }
            Phase::Draining => {
                life.told.get_or_insert(at);
            }
            Phase::Stopped | Phase::Failed | Phase::Lost => {
                life.ended.get_or_insert(at);
            }
        }
    }
    lives.retain(|life| !life.version.is_empty());
    lives
}
