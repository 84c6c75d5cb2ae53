//! Kubernetes Deployments, from manifests (YAML, several documents) or from what
//! `kubectl get deploy,pdb,svc,hpa -o json` (or `-o yaml`) prints.

mod deployment;
mod documents;
mod neighbours;
mod pod;
mod write;

use std::fmt::Write;

use serde_json::Value;

use crate::scenario::import::{ImportError, Imported, Options};
use deployment::Deployment;
use documents::{items_at, text_at, title};
use neighbours::{Autoscaler, Budget};
use pod::PreStop;
use write::Sources;

/// Imports the first Deployment of `text`; `file` names it in comments and errors.
///
/// # Errors
/// If the text is broken (with line and column), holds no Deployment, or states a value that
/// Kubernetes itself would refuse.
pub fn import(text: &str, file: &str) -> Result<Imported, ImportError> {
    import_named(text, file, None)
}

/// Imports the Deployment called `name` (also `deployment/name`), or the first.
///
/// # Errors
/// As [`import`], and if there is no Deployment of that name.
pub fn import_named(text: &str, file: &str, name: Option<&str>) -> Result<Imported, ImportError> {
    import_with(text, file, Options { name, instances: None })
}

/// Imports the workload that `options` name, or the first.
pub(super) fn import_with(
    text: &str,
    file: &str,
    options: Options<'_>,
) -> Result<Imported, ImportError> {
    let name = options.name;
    let objects = documents::parse(text, file)?;
    let chosen = choose(&objects, file, name)?;
    let target = &objects[chosen];
    let deployment = Deployment::read(target)?;
    let autoscaler = neighbours::autoscaler(&objects, target)?;
    let replicas = write::instances(&deployment, autoscaler.as_ref());
    if replicas == 0 {
        return Err(ImportError::new(format!("{} is scaled to 0", deployment.title))
            .hint("there is nothing to roll; set spec.replicas to what runs in production"));
    }
    let budgets = neighbours::budgets(&objects, target, replicas)?;
    let services = neighbours::services(&objects, target);
    let (toml, assumed, assumed_at) = write::scenario(&Sources {
        file,
        deployment: &deployment,
        budgets: &budgets,
        autoscaler: autoscaler.as_ref(),
        services: &services,
        replicas,
    });
    let read = read_list(&deployment, replicas, &budgets, &services);
    let used = |object: &Value| {
        let title = title(object);
        budgets.iter().any(|b| b.text.starts_with(&format!("{title} ")))
            || services.iter().any(|(service, _)| *service == title)
            || autoscaler.as_ref().is_some_and(|a| a.title == title)
            || text_at(object, "/kind") == "Deployment"
    };
    let rest: Vec<String> = objects.iter().filter(|object| !used(object)).map(title).collect();
    let ignored = ignored_list(&deployment, target, autoscaler.as_ref(), replicas, &rest);
    let others = (0..objects.len()).filter(|i| *i != chosen && is_deployment(&objects[*i]));
    let others = others.map(|i| title(&objects[i])).collect();
    Ok(Imported { toml, read, assumed, ignored, others, file: file.to_owned(), assumed_at })
}

fn is_deployment(object: &Value) -> bool {
    text_at(object, "/kind") == "Deployment"
}

fn choose(objects: &[Value], file: &str, name: Option<&str>) -> Result<usize, ImportError> {
    let name = name.map(|name| name.rsplit('/').next().unwrap_or(name));
    let wanted = |object: &Value| {
        is_deployment(object) && name.is_none_or(|name| text_at(object, "/metadata/name") == name)
    };
    if let Some(found) = objects.iter().position(wanted) {
        return Ok(found);
    }
    let deployments: Vec<String> =
        objects.iter().filter(|object| is_deployment(object)).map(title).collect();
    if let (Some(name), false) = (name, deployments.is_empty()) {
        return Err(ImportError::new(format!("{file} holds no Deployment/{name}"))
            .hint(format!("it holds {}", deployments.join(", "))));
    }
    let titles: Vec<String> = objects.iter().map(title).collect();
    let kinds = objects.iter().find_map(|object| why_not(text_at(object, "/kind")));
    let mut shown = titles[..titles.len().min(4)].join(", ");
    if titles.len() > 4 {
        let _ = write!(shown, " and {} more", titles.len() - 4);
    }
    Err(ImportError::new(format!("{file} holds no Deployment, only {shown}"))
        .hint(kinds.unwrap_or("import the file of the Deployment behind it")))
}

/// Why another workload is no Deployment, and what works instead.
fn why_not(kind: &str) -> Option<&'static str> {
    match kind {
        "StatefulSet" => Some(
            "a StatefulSet replaces its pods one by one in order, each stopped before its \
             successor starts; describe it with [strategy.generic] batch = 1, \
             order = \"stop-first\"",
        ),
        "DaemonSet" => Some(
            "a DaemonSet replaces a pod per node, by default one node at a time and stopped \
             first; describe it with [strategy.generic] batch = 1, order = \"stop-first\"",
        ),
        "ReplicaSet" => Some("a ReplicaSet does not roll: import the Deployment that owns it"),
        "Pod" => Some("a Pod does not roll: import the Deployment that owns it"),
        "Job" | "CronJob" => Some("a job ends by itself, there is no rollout to rehearse"),
        "Rollout" => Some(
            "Argo Rollouts are not imported; their Deployment-like part can be \
                           written as [strategy.kubernetes]",
        ),
        _ => None,
    }
}

fn read_list(
    deployment: &Deployment,
    replicas: u32,
    budgets: &[Budget],
    services: &[(String, String)],
) -> Vec<String> {
    let (surge, unavailable) = deployment.fenceposts(replicas);
    let d = deployment;
    let strategy = if d.recreate.value {
        "strategy Recreate".to_owned()
    } else {
        format!(
            "strategy RollingUpdate{}, maxSurge {} → {surge}{}, \
             maxUnavailable {} → {unavailable}{}",
            d.recreate.mark(),
            d.surge.value,
            d.surge.mark(),
            d.unavailable.value,
            d.unavailable.mark()
        )
    };
    let mut read = vec![format!(
        "{}: replicas {}{}, {strategy}, minReadySeconds {}{}, progressDeadlineSeconds {}{}, \
         terminationGracePeriodSeconds {}{}",
        d.title,
        d.replicas.value,
        d.replicas.mark(),
        d.min_ready.value,
        d.min_ready.mark(),
        d.progress_deadline.value,
        d.progress_deadline.mark(),
        d.grace.value,
        d.grace.mark()
    )];
    read.push(match &d.pod.readiness {
        Some((name, probe)) => format!("container {name}: readinessProbe {}", probe.describe()),
        None => "no readinessProbe: pods count as ready as soon as their containers run".to_owned(),
    });
    if let Some((name, probe)) = &d.pod.startup {
        read.push(format!(
            "container {name}: startupProbe {} (its delay and the range of start only)",
            probe.describe()
        ));
    }
    if let PreStop::Sleep(seconds, place) = &d.pod.pre_stop {
        read.push(format!("{place}: sleeps {seconds}s"));
    }
    if let Some(limit) = &d.pod.cpu_limit {
        read.push(format!("container {}: CPU limit {limit} (a comment only)", d.pod.containers[0]));
    }
    for budget in budgets {
        read.push(format!("{} (rolling updates never ask it)", budget.text));
    }
    for (title, kind) in services {
        let lag = if kind == "LoadBalancer" { " (longer lag_remove)" } else { "" };
        read.push(format!("{title}: {kind}{lag}"));
    }
    read
}

fn ignored_list(
    deployment: &Deployment,
    target: &Value,
    autoscaler: Option<&Autoscaler>,
    replicas: u32,
    rest: &[String],
) -> Vec<String> {
    let pod = &deployment.pod;
    let mut ignored = Vec::new();
    if let Some(scaler) = autoscaler {
        ignored.push(format!(
            "{} {}..{} (not modelled: fixed at {replicas})",
            scaler.title, scaler.min, scaler.max
        ));
    }
    if deployment.paused {
        ignored.push("spec.paused (the scenario begins when it is resumed)".to_owned());
    }
    if pod.containers.len() > 1 {
        ignored.push(format!(
            "containers {} (all but their readiness and preStop)",
            pod.containers[1..].join(", ")
        ));
    }
    if !pod.init.is_empty() {
        ignored.push(format!("initContainers {} (part of start)", pod.init.join(", ")));
    }
    if !pod.liveness.is_empty() {
        let probes = pod.liveness.join("; ");
        ignored.push(format!("livenessProbe {probes} (restarts are not modelled)"));
    }
    let ports = items_at(target, "/spec/template/spec/containers");
    if ports.iter().flat_map(|c| items_at(c, "/ports")).any(|p| p.get("hostPort").is_some()) {
        ignored.push("hostPort (placement is not modelled: one such pod per node)".to_owned());
    }
    if !pod.unused.is_empty() {
        ignored.push(format!("{} (not used)", pod.unused.join(", ")));
    }
    if !rest.is_empty() {
        ignored.push(format!("{} (not used)", rest.join(", ")));
    }
    ignored
}

#[cfg(test)]
mod tests;
