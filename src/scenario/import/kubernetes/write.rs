//! A Deployment and its neighbours → a commented scenario.

use std::fmt::Write;

use super::deployment::Deployment;
use super::neighbours::{Autoscaler, Budget};
use super::pod::PreStop;
use crate::scenario::import::toml_text::{TomlText, quantiles, quoted};
use crate::units::{CountOrPercent, Span};

/// 95 % of instances are assumed to be up after so many seconds.
const START_P95: u32 = 30;

/// Everything a scenario is written from.
#[derive(Debug)]
pub(super) struct Sources<'a> {
    pub(super) file: &'a str,
    pub(super) deployment: &'a Deployment,
    pub(super) budgets: &'a [Budget],
    pub(super) autoscaler: Option<&'a Autoscaler>,
    /// Title and type of the services in front.
    pub(super) services: &'a [(String, String)],
    /// Desired pods; see [`instances`].
    pub(super) replicas: u32,
}

/// Pods to roll: `spec.replicas`, and where an autoscaler keeps more than the API's default of
/// one, its minimum.
pub(super) fn instances(deployment: &Deployment, autoscaler: Option<&Autoscaler>) -> u32 {
    match autoscaler {
        Some(scaler) if !deployment.replicas.stated => scaler.min.max(1),
        _ => deployment.replicas.value,
    }
}

/// The scenario; then the assumed values in words, and their lines.
pub(super) fn scenario(from: &Sources<'_>) -> (String, Vec<String>, Vec<usize>) {
    let mut out = TomlText::default();
    head(&mut out, from);
    service(&mut out, from);
    versions(&mut out, from);
    traffic(&mut out, from);
    probes(&mut out, from.deployment);
    shutdown(&mut out, from.deployment);
    strategy(&mut out, from);
    out.finish()
}

fn head(out: &mut TomlText, from: &Sources<'_>) {
    let deployment = from.deployment;
    out.comment(&format!("{} from {}", deployment.title, from.file));
    out.comment("Values marked \"assumed\" are in no manifest; [assumed] has their ranges.");
    if deployment.paused {
        out.comment(
            "spec.paused is true: Kubernetes rolls nothing until `kubectl rollout resume`.",
        );
        out.comment("The scenario is what happens from then on.");
    }
    out.raw("rollcast = 1");
    out.raw("gates = [");
    let gate = |out: &mut TomlText, gate: &str, why: &str| {
        out.raw(&format!("  {:<42}  # {why}", format!("{},", quoted(gate))));
    };
    gate(out, "p(completed) >= 99%", "every pod new and available in the end");
    let floor = deployment.floor(from.replicas);
    if floor > 0 {
        let unavailable = from.replicas - floor;
        let why = format!(
            "replicas {} - unavailable {unavailable}, as the strategy means",
            from.replicas
        );
        gate(out, &format!("serving_min >= {floor} in 99% of runs"), &why);
    }
    let limit = duration_limit(from);
    gate(out, &format!("p95(duration) <= {limit}"), "made up: say how long it may take");
    for budget in from.budgets {
        out.raw(&format!("  # \"serving_min >= {} in 99% of runs\",", budget.keeps));
        let why = "a budget is for evictions, rolling updates never ask it";
        out.raw(&format!("  # (^ {}: {why})", budget.text));
    }
    out.raw("]");
}

/// Half as much again as the rollout takes if every wave is as slow as one start in twenty.
fn duration_limit(from: &Sources<'_>) -> Span {
    let deployment = from.deployment;
    let (surge, unavailable) = deployment.fenceposts(from.replicas);
    let waves = if deployment.recreate.value {
        1
    } else {
        from.replicas.div_ceil((surge + unavailable).max(1)).max(1)
    };
    let probe = deployment.pod.readiness.as_ref().map_or(0, |(_, probe)| probe.first_success());
    let wave = u64::from(START_P95)
        + u64::from(probe)
        + u64::from(deployment.min_ready.value)
        + u64::from(deployment.grace.value);
    Span::from_secs((u64::from(waves) * wave * 3 / 2).div_ceil(60) * 60)
}

fn service(out: &mut TomlText, from: &Sources<'_>) {
    let deployment = from.deployment;
    out.table("service");
    out.value("name", &quoted(&deployment.name), "metadata.name");
    let replicas = from.replicas.to_string();
    match from.autoscaler {
        Some(scaler) if !deployment.replicas.stated => {
            let why = format!("no spec.replicas; {} keeps at least so many", scaler.title);
            let range = format!("{}..{}", scaler.min.max(1), scaler.max.max(scaler.min));
            out.assumed("instances", &replicas, &range, &why);
        }
        _ => {
            let source = deployment.replicas.source("spec.replicas");
            out.value("instances", &replicas, &format!("{source}; write what is live"));
        }
    }
    out.assumed("discipline", "\"fifo\"", "fifo..ps", "matters with traffic only");
    let cores = match &deployment.pod.cpu_limit {
        Some(limit) => format!("CPU limit {limit}"),
        None => "no CPU limit".to_owned(),
    };
    out.assumed("slots", "16", "4..64", &format!("requests at once in a pod ({cores})"));
    out.assumed("queue", "\"unbounded\"", "0..unbounded", "places to wait in a pod");
}

fn versions(out: &mut TomlText, from: &Sources<'_>) {
    let pod = &from.deployment.pod;
    out.table("versions.old");
    let service_time = quantiles("20ms", "100ms");
    out.assumed("service_time", &service_time, "5ms..500ms", "matters with traffic only");
    if pod.readiness.is_none() {
        out.comment(
            "Without a readiness probe a pod counts as ready as soon as its containers run,",
        );
        out.comment("whether or not it can answer: this is the start of the containers alone.");
        let start = quantiles("1s", "3s");
        out.assumed("start", &start, "500ms..10s", "placed, image there, containers run");
    } else {
        let high = pod.startup.as_ref().map_or(60, |(_, probe)| probe.longest().max(60));
        let mut why = "container start until it could pass readiness".to_owned();
        if let Some((name, probe)) = &pod.startup {
            let longest = probe.longest();
            let _ = write!(why, "; the startup probe of {name} allows {longest}s");
        }
        if !pod.init.is_empty() {
            let _ = write!(why, "; init containers ({}) included", pod.init.join(", "));
        }
        let start = quantiles("10s", &format!("{START_P95}s"));
        out.assumed("start", &start, &format!("5s..{}", Span::from_secs(high.into())), &why);
    }
    let longest = from.deployment.grace.value.clamp(1, 30);
    let range = format!("100ms..{}", Span::from_secs(longest.into()));
    out.assumed("exit", "\"1s\"", &range, "SIGTERM until an idle process is gone");
    out.table("versions.new");
    out.comment("What is not said is like old.");
}

fn traffic(out: &mut TomlText, from: &Sources<'_>) {
    out.raw("");
    out.comment("Without traffic only capacity and duration are simulated. For lost requests and");
    out.comment(
        "latency, uncomment the next two lines; a rate may also be a record (an access log,",
    );
    out.comment("a CSV file of times or of counts): rate = { from = \"access.log\" }");
    out.comment("[traffic]");
    out.comment("rate = \"100/s\"");
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

fn probes(out: &mut TomlText, deployment: &Deployment) {
    out.table("probes");
    let Some((name, probe)) = &deployment.pod.readiness else {
        out.value("initial_delay", "\"0s\"", "no readinessProbe");
        out.value("period", "\"0s\"", "ready is known at once");
        return;
    };
    out.comment(&format!("readinessProbe of container {name}: {}", probe.how));
    for other in &deployment.pod.other_readiness {
        out.comment(&format!("a pod is ready when all are; this one is faster: {other}"));
    }
    let mut delay = probe.initial_delay;
    let mut source = "initialDelaySeconds".to_owned();
    if let Some((name, startup)) = &deployment.pod.startup {
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

fn shutdown(out: &mut TomlText, deployment: &Deployment) {
    let grace = deployment.grace.value;
    out.table("shutdown");
    match &deployment.pod.pre_stop {
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
    let source = deployment.grace.source("terminationGracePeriodSeconds");
    out.value("grace", &seconds(grace), &source);
    out.assumed("on_term", "\"drain\"", "drain..exit", "what the process does at SIGTERM");
}

fn strategy(out: &mut TomlText, from: &Sources<'_>) {
    let deployment = from.deployment;
    out.table("strategy.kubernetes");
    let source = deployment.recreate.source("spec.strategy.type");
    if deployment.recreate.value {
        out.value("type", "\"Recreate\"", &format!("{source}: all stop, then all start"));
    } else {
        let (surge, unavailable) = deployment.fenceposts(from.replicas);
        out.value("type", "\"RollingUpdate\"", &source);
        let n = from.replicas;
        let source = deployment.surge.source("maxSurge");
        let comment = format!("{source}; rounded up, {surge} of {n}");
        out.value("max_surge", &amount(deployment.surge.value), &comment);
        let source = deployment.unavailable.source("maxUnavailable");
        let comment = format!("{source}; rounded down, {unavailable} of {n}");
        out.value("max_unavailable", &amount(deployment.unavailable.value), &comment);
    }
    let source = deployment.min_ready.source("minReadySeconds");
    out.value("min_ready", &seconds(deployment.min_ready.value), &source);
    let source = deployment.progress_deadline.source("progressDeadlineSeconds");
    let comment = format!("{source}; only reported");
    out.value("progress_deadline", &seconds(deployment.progress_deadline.value), &comment);
    out.table("pipeline");
    let why = "nobody rolls back: Kubernetes itself never does";
    out.value("kind", "\"none\"", why);
}

fn seconds(value: u32) -> String {
    quoted(&format!("{value}s"))
}

fn amount(value: CountOrPercent) -> String {
    match value {
        CountOrPercent::Count(count) => count.to_string(),
        CountOrPercent::Percent(_) => quoted(&value.to_string()),
    }
}
