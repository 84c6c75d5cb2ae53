//! A workload and its neighbours → a commented scenario.

use std::fmt::Write;

use super::neighbours::{Autoscaler, Budget};
use super::pod::PreStop;
use super::workload::{Instances, Workload};
use crate::scenario::import::parts::{self, Gates, START_P95};
use crate::scenario::import::toml_text::{TomlText, quantiles, quoted};
use crate::units::Span;

/// Everything a scenario is written from.
#[derive(Debug)]
pub(super) struct Sources<'a> {
    pub(super) file: &'a str,
    pub(super) workload: &'a Workload,
    pub(super) budgets: &'a [Budget],
    pub(super) autoscaler: Option<&'a Autoscaler>,
    /// Title and type of the services in front.
    pub(super) services: &'a [(String, String)],
    /// Desired pods.
    pub(super) instances: &'a Instances,
}

/// The scenario.
pub(super) fn scenario(from: &Sources<'_>) -> TomlText {
    let mut out = TomlText::default();
    head(&mut out, from);
    service(&mut out, from);
    versions(&mut out, from.workload);
    parts::traffic(&mut out);
    clients(&mut out, from);
    probes(&mut out, from.workload);
    shutdown(&mut out, from.workload);
    from.workload.rules.write(&mut out, from.workload, from.instances.count);
    out.table("pipeline");
    out.value("kind", "\"none\"", from.workload.rules.pipeline());
    out
}

fn head(out: &mut TomlText, from: &Sources<'_>) {
    let workload = from.workload;
    let mut notes = workload.rules.notes();
    if workload.paused {
        notes.push(
            "spec.paused is true: nothing rolls until it is resumed (`kubectl rollout resume`)."
                .to_owned(),
        );
        notes.push("The scenario is what happens from then on.".to_owned());
    }
    parts::head(out, &workload.title, from.file, &notes);
    let n = from.instances.count;
    let (floor, floor_why) = workload.rules.floor(n);
    let mut more = Vec::new();
    for budget in from.budgets {
        more.push(format!("  # \"serving_min >= {} in 99% of runs\",", budget.keeps));
        let why = "a budget is for evictions, rolling updates never ask it";
        more.push(format!("  # (^ {}: {why})", budget.text));
    }
    let probe = workload.pod.readiness.as_ref().map_or(0, |(_, probe)| probe.first_success());
    let seconds =
        u64::from(probe) + u64::from(workload.min_ready.value) + u64::from(workload.grace.value);
    let gates = Gates {
        floor,
        floor_why,
        wave: START_P95 + Span::from_secs(seconds),
        waves: workload.rules.waves(n),
        pauses: workload.rules.pauses(),
        waits: workload.rules.waits(),
        more,
    };
    parts::gates(out, &gates, "every pod new and available in the end");
}

fn service(out: &mut TomlText, from: &Sources<'_>) {
    let (workload, instances) = (from.workload, from.instances);
    out.table("service");
    out.value("name", &quoted(&workload.name), "metadata.name");
    let count = instances.count.to_string();
    match &instances.range {
        Some(range) => out.assumed("instances", &count, range, &instances.why),
        None => out.value("instances", &count, &instances.why),
    }
    if let Some(scaler) = from.autoscaler.filter(|_| workload.replicas.stated) {
        out.comment(&format!(
            "{} keeps {} to {}: each apply of spec.replicas {} fights it; leave the key out.",
            scaler.title, scaler.min, scaler.max, workload.replicas.value
        ));
    }
    let cores = match &workload.pod.cpu_limit {
        Some(limit) => format!("CPU limit {limit}"),
        None => "no CPU limit".to_owned(),
    };
    parts::inner_life(out, "a pod", &cores);
}

fn versions(out: &mut TomlText, workload: &Workload) {
    let pod = &workload.pod;
    let grace = Span::from_secs(workload.grace.value.into());
    if pod.readiness.is_none() {
        out.table("versions.old");
        let service_time = quantiles("20ms", "100ms");
        out.assumed("service_time", &service_time, "5ms..500ms", "matters with traffic only");
        out.comment(
            "Without a readiness probe a pod counts as ready as soon as its containers run,",
        );
        out.comment("whether or not it can answer: this is the start of the containers alone.");
        let start = quantiles("1s", "3s");
        out.assumed("start", &start, "500ms..10s", "placed, image there, containers run");
        parts::exit(out, grace);
        return;
    }
    let mut why = "container start until it could pass readiness".to_owned();
    let mut longest = Span::ZERO;
    if let Some((name, probe)) = &pod.startup {
        let allows = probe.longest();
        longest = Span::from_secs(allows.into());
        let _ = write!(why, "; the startup probe of {name} allows {allows}s");
    }
    if !pod.init.is_empty() {
        let _ = write!(why, "; init containers ({}) included", pod.init.join(", "));
    }
    parts::versions(out, longest, &why, grace);
}

fn clients(out: &mut TomlText, from: &Sources<'_>) {
    out.table("clients");
    let why = "endpoint controller and kube-proxy, up to 1s each";
    let (usual, range) = (quantiles("500ms", "2s"), "100ms..5s");
    out.assumed("lag_add", &usual, range, why);
    let outside = from.services.iter().find(|(_, kind)| kind == "LoadBalancer");
    if let Some((title, _)) = outside {
        let why = format!("{title} balances outside the cluster: slower");
        out.assumed("lag_remove", &quantiles("2s", "10s"), "500ms..15s", &why);
    } else {
        out.assumed("lag_remove", &usual, range, why);
    }
}

fn probes(out: &mut TomlText, workload: &Workload) {
    out.table("probes");
    let Some((name, probe)) = &workload.pod.readiness else {
        out.value("initial_delay", "\"0s\"", "no readinessProbe");
        out.value("period", "\"0s\"", "ready is known at once");
        return;
    };
    out.comment(&format!("readinessProbe of container {name}: {}", probe.how));
    for other in &workload.pod.other_readiness {
        out.comment(&format!("a pod is ready when all are; this one is faster: {other}"));
    }
    let mut delay = probe.initial_delay;
    let mut source = "initialDelaySeconds".to_owned();
    if let Some((name, startup)) = &workload.pod.startup {
        out.comment(&format!("the startup probe of {name} ({}) comes first", startup.describe()));
        if startup.initial_delay > delay {
            delay = startup.initial_delay;
            source.push_str(" of the startup probe");
        }
    }
    out.value("initial_delay", &seconds(delay), &source);
    out.value("period", &seconds(probe.period), "periodSeconds");
    out.value("timeout", &seconds(probe.timeout), "timeoutSeconds");
    out.value("success", &probe.success.to_string(), "successThreshold");
    out.value("failure", &probe.failure.to_string(), "failureThreshold");
}

fn shutdown(out: &mut TomlText, workload: &Workload) {
    let grace = workload.grace.value;
    out.table("shutdown");
    match &workload.pod.pre_stop {
        PreStop::None => out.value("pre_stop", "\"0s\"", "no preStop hook: SIGTERM comes at once"),
        PreStop::Sleep(length, place) => {
            let mut why = place.clone();
            if *length >= f64::from(grace) {
                why.push_str(": as long as the grace period, SIGKILL follows 2s after it");
            }
            out.value("pre_stop", &quoted(&Span::from_secs_f64(*length).to_string()), &why);
        }
        PreStop::Unknown(place) => {
            let value = seconds(5.min(grace));
            out.assumed(
                "pre_stop",
                &value,
                &format!("0s..{}", Span::from_secs(grace.into())),
                place,
            );
        }
    }
    let source = workload.grace.source("terminationGracePeriodSeconds");
    out.value("grace", &seconds(grace), &source);
    parts::on_term(out);
}

fn seconds(value: u32) -> String {
    quoted(&format!("{value}s"))
}
