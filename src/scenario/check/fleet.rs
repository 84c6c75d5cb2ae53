//! The fleet, its versions, and what surrounds an instance.

use super::Env;
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::keys::VERSION_KEYS;
use crate::scenario::raw::{Fields, Section, Value};
use crate::scenario::settings::{Orchestrator, StrategySettings};
use crate::scenario::{
    Boots, ControlPlane, Discipline, Dist, GraceFrom, OnTerm, Probes, Restart, Service, Shutdown,
    Version, Versions, Warmup, WriteLimit,
};
use crate::units::{Bytes, Share, Span};

pub(super) fn service(env: &mut Env<'_>) -> Service {
    env.require("service");
    let section = env.section("service");
    let of_ps = section.word("discipline") == "ps";
    let limit = match section.value("cpu_limit") {
        Value::Number(cores) => Some(cores),
        _ => None,
    };
    let cores = match section.written("cores") {
        Some(_) => section.number("cores"),
        None => limit.map_or(1.0, f64::ceil),
    };
    let limits_slots = section.written("cpu_limit").filter(|_| limit.is_some() && !of_ps);
    let limits_slots = limits_slots.map(|entry| ("cpu_limit", entry.key_at));
    let (foreign, here) = if of_ps {
        (["slots", "queue"], "discipline = \"ps\" shares `cores`")
    } else {
        (["cores", "limit"], "discipline = \"fifo\" has `slots`")
    };
    let mut stray: Vec<_> =
        foreign.iter().filter_map(|key| section.written(key).map(|e| (*key, e.key_at))).collect();
    stray.extend(limits_slots);
    let discipline = if of_ps {
        Discipline::Sharing { cores, limit: section.limit("limit") }
    } else {
        Discipline::Fifo { slots: section.count("slots"), queue: section.limit("queue") }
    };
    let (name, instances) = (section.text("name"), section.count("instances"));
    for (key, at) in stray {
        let message = format!("`{key}` has no meaning here");
        env.problem(Diagnostic::new(Code::Conflict, at, message, here));
    }
    Service { name, instances, discipline, cpu_limit: limit }
}

pub(super) fn versions(env: &mut Env<'_>, traffic: bool) -> Versions {
    env.require("versions.old");
    let nothing = env.nothing.clone();
    let old_fields: &Fields = env.fields("versions.old").unwrap_or(&nothing);
    let new_fields: &Fields = env.fields("versions.new").unwrap_or(&nothing);
    if traffic && !old_fields.was_written("service_time") {
        let message = "no service time: { p50 = \"20ms\", p95 = \"80ms\" } is a guess";
        let at = env.fields("versions.old").and_then(|fields| fields.at.in_file());
        let hint = "write versions.old.service_time";
        env.problem(Diagnostic::new(Code::AssumedServiceTime, at, message, hint));
    }
    let old = Section { path: "versions.old", ..env.inline(VERSION_KEYS, old_fields) };
    let new = Section { fields: new_fields, behind: Some(old_fields), ..old };
    let old = version(env, &old, None);
    let new = version(env, &new, Some((&old, new_fields)));
    Versions { old, new }
}

/// One version; `behind` holds the old one and what was written of the new one.
fn version(
    env: &mut Env<'_>,
    section: &Section<'_>,
    behind: Option<(&Version, &Fields)>,
) -> Version {
    // What the new version does not say is the old version's, not read a second time: a
    // complaint about it would come twice.
    let inherited = |key: &str| behind.filter(|(_, fields)| fields.get(key).is_none());
    let service_time = match inherited("service_time") {
        Some((old, _)) => old.service_time.clone(),
        None => dist(env, section, "service_time", behind.map(|(old, _)| &old.service_time)),
    };
    let exit = match inherited("exit") {
        Some((old, _)) => old.exit.clone(),
        None => dist(env, section, "exit", behind.map(|(old, _)| &old.exit)),
    };
    let crash_after = match inherited("crash_after") {
        Some((old, _)) => old.crash_after.clone(),
        None => dist(env, section, "crash_after", behind.map(|(old, _)| &old.crash_after)),
    };
    let Start { pull, shared, cpu, boot } = match inherited("start") {
        Some((old, _)) => Start::of(old),
        None => start(env, section, behind.map(|(old, _)| old)),
    };
    Version {
        service_time,
        pull,
        pull_shared: shared,
        start_cpu: cpu,
        start: boot,
        warmup: warmup(section),
        exit,
        never_ready: section.share("never_ready"),
        crash: section.share("crash"),
        crash_after,
        errors: section.share("errors"),
        weight: section.number("weight"),
    }
}

fn dist(env: &mut Env<'_>, section: &Section<'_>, key: &str, old: Option<&Dist>) -> Dist {
    env.dist_of(&section.entry(key), old)
}

/// The steps of a start.
struct Start {
    pull: Option<Bytes>,
    shared: Share,
    cpu: Option<Dist>,
    boot: Dist,
}

impl Start {
    fn of(version: &Version) -> Self {
        Self {
            pull: version.pull,
            shared: version.pull_shared,
            cpu: version.start_cpu.clone(),
            boot: version.start.clone(),
        }
    }
}

/// `start`: the image to pull, the CPU time, and the time after that.
fn start(env: &mut Env<'_>, section: &Section<'_>, old: Option<&Version>) -> Start {
    let entry = section.entry("start");
    let like_old = old.map(|old| &old.start);
    match &entry.value {
        Value::Record("pull", fields) => {
            let pull = match fields.get("pull").map(|e| &e.value) {
                Some(Value::Size(bytes)) => Some(*bytes),
                _ => None,
            };
            let shared = match fields.get("shared").map(|e| (&e.value, e.key_at)) {
                Some((Value::Share(share), at)) => {
                    if pull.is_none() {
                        let message = "`shared` is a part of the image, which has no size";
                        env.problem(Diagnostic::new(Code::Conflict, at, message, "add `pull`"));
                    }
                    *share
                }
                _ => Share(0.0),
            };
            let like_old_cpu = old.and_then(|old| old.start_cpu.as_ref());
            let cpu = fields.get("cpu").map(|cpu| env.dist_of(cpu, like_old_cpu));
            let boot = fields.get("boot").map(|boot| env.dist_of(boot, like_old));
            Start { pull, shared, cpu, boot: boot.unwrap_or(Dist::Fixed(Span::ZERO)) }
        }
        // Like the old version means its image and its CPU time too.
        Value::Record("like", _) => {
            let boot = env.dist_of(&entry, like_old);
            let Some(old) = old else {
                return Start { pull: None, shared: Share(0.0), cpu: None, boot };
            };
            let scaled = |cpu: Dist| match &boot {
                Dist::Scaled(_, factor) => Dist::Scaled(Box::new(cpu), *factor),
                _ => cpu,
            };
            let cpu = old.start_cpu.clone().map(scaled);
            Start { cpu, boot, ..Start::of(old) }
        }
        _ => {
            let boot = env.dist_of(&entry, like_old);
            Start { pull: None, shared: Share(0.0), cpu: None, boot }
        }
    }
}

fn warmup(section: &Section<'_>) -> Warmup {
    let entry = section.entry("warmup");
    let Value::Record(form, fields) = &entry.value else { return Warmup::None };
    let number = |key: &str| match fields.get(key).map(|e| &e.value) {
        Some(Value::Number(number)) => *number,
        other => unreachable!("`{key}` is required and a number: {other:?}"),
    };
    let slowdown = number("slowdown");
    if *form == "requests" {
        return Warmup::Requests { scale: number("requests"), slowdown };
    }
    match fields.get("time").map(|e| &e.value) {
        Some(Value::Span(scale)) => Warmup::Time { scale: *scale, slowdown },
        other => unreachable!("`time` is required and a duration: {other:?}"),
    }
}

pub(super) fn probes(env: &mut Env<'_>) -> Probes {
    let section = env.section("probes");
    // A container has a health check if one is written, and it first runs one period after the
    // start.
    let container = env.orchestrator == Orchestrator::Swarm;
    let unsaid = |key| container && section.written(key).is_none();
    let some_written = !section.fields.entries.is_empty();
    Probes {
        initial_delay: section.span(if unsaid("initial_delay") {
            "period"
        } else {
            "initial_delay"
        }),
        period: section.span("period"),
        success_threshold: section.count("success"),
        failure_threshold: section.count("failure"),
        timeout: section.span("timeout"),
        enabled: if unsaid("enabled") { some_written } else { section.flag("enabled") },
        kills: section.flag("kills"),
        start_period: section.span("start_period"),
    }
}

pub(super) fn restart(env: &mut Env<'_>) -> Restart {
    let section = env.section("restart");
    Restart {
        attempts: section.limit("attempts").unwrap_or(u32::MAX),
        delay: section.span("delay"),
        delay_max: section.span("delay_max"),
        reset: match section.value("reset") {
            Value::Span(reset) => reset,
            _ => Span::MAX,
        },
        image: if section.word("image") == "old" { Boots::Old } else { Boots::Same },
    }
}

pub(super) fn shutdown(env: &mut Env<'_>, strategy: &StrategySettings) -> Shutdown {
    let drain_wait = drain_wait(env, strategy);
    let section = env.section("shutdown");
    let on_term = match section.word("on_term") {
        "drain" => OnTerm::Drain,
        "exit" => OnTerm::Exit,
        "ignore" => OnTerm::Ignore,
        other => unreachable!("not in the catalogue: {other}"),
    };
    Shutdown {
        pre_stop: section.span("pre_stop"),
        drain_wait,
        grace: section.span("grace"),
        grace_from: match section.word("grace_from") {
            "term" => GraceFrom::Term,
            _ => GraceFrom::Stop,
        },
        on_term,
    }
}

/// An orchestrator's own key for it counts; both are fine if they say the same.
fn drain_wait(env: &mut Env<'_>, strategy: &StrategySettings) -> Span {
    let section = env.section("shutdown");
    let general = section.span("drain_wait");
    let Some((key, span)) = strategy.drain_wait() else { return general };
    let at = section.written("drain_wait").map(|entry| entry.key_at);
    if let Some(at) = at.filter(|_| general != span) {
        let path = strategy.orchestrator().table().path;
        let message = format!("`drain_wait` contradicts `{path}.{key}`, which is {span}");
        env.problem(Diagnostic::new(Code::Conflict, at, message, "remove it here"));
    }
    span
}

pub(super) fn control(env: &mut Env<'_>) -> ControlPlane {
    ControlPlane {
        watch: env.dist("control", "watch"),
        sync: env.dist("control", "sync"),
        act: env.dist("control", "act"),
        schedule: env.dist("control", "schedule"),
        next_batch: env.dist("control", "next_batch"),
        launch: env.dist("control", "launch"),
        writes: write_limit(env),
    }
}

fn write_limit(env: &Env<'_>) -> Option<WriteLimit> {
    let section = env.section("control");
    let Value::Rate(rate) = section.value("writes") else { return None };
    Some(WriteLimit { rate, burst: section.count("burst") })
}
