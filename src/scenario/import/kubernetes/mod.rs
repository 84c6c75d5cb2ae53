//! Workloads of Kubernetes: Deployments, `StatefulSets`, `DaemonSets`, Argo Rollouts and Flagger
//! Canaries, from manifests (YAML, several documents) or from what
//! `kubectl get deploy,pdb,svc,hpa -o json` (or `-o yaml`) prints.

mod analysis;
mod argo;
mod daemonset;
mod deployment;
mod documents;
mod flagger;
mod neighbours;
mod pod;
mod statefulset;
mod workload;
mod write;

use std::fmt::Write;

use serde_json::Value;

use crate::scenario::import::{ImportError, Imported, Options};
use documents::{items_at, text_at, title};
use neighbours::{Autoscaler, Budget};
use pod::PreStop;
use workload::{Instances, KINDS, Workload};
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
    let objects = documents::parse(text, file)?;
    let chosen = choose(&objects, file, options.name)?;
    let target = &objects[chosen];
    let within = |error: ImportError| error.within(text_at(target, "/kind"), name_of(target));
    let pods = pods_of(target, &objects).map_err(within)?;
    let workload = Workload::read(target, pods, &objects).map_err(within)?;
    let autoscaler = match neighbours::autoscaler(&objects, target)? {
        None => neighbours::autoscaler(&objects, pods)?,
        found => found,
    };
    let instances = workload::instances(&workload, target, autoscaler.as_ref(), options);
    let replicas = instances.count;
    if replicas == 0 {
        let error = ImportError::new(format!("{} is scaled to 0", workload.title))
            .hint("there is nothing to roll; set spec.replicas to what runs in production")
            .at(vec!["spec".to_owned(), "replicas".to_owned()]);
        return Err(within(error));
    }
    let budgets = neighbours::budgets(&objects, pods, replicas)?;
    let services = neighbours::services(&objects, pods);
    let out = write::scenario(&Sources {
        file,
        workload: &workload,
        budgets: &budgets,
        autoscaler: autoscaler.as_ref(),
        services: &services,
        instances: &instances,
    });
    let read = read_list(&workload, &instances, &budgets, &services);
    let used = |object: &Value| {
        let title = title(object);
        budgets.iter().any(|b| b.text.starts_with(&format!("{title} ")))
            || services.iter().any(|(service, _)| *service == title)
            || autoscaler.as_ref().is_some_and(|a| a.title == title)
            || text_at(object, "/kind") == "AnalysisTemplate"
            || KINDS.contains(&text_at(object, "/kind"))
    };
    let rest: Vec<String> = objects.iter().filter(|object| !used(object)).map(title).collect();
    let ignored = ignored_list(&workload, pods, autoscaler.as_ref(), replicas, &rest);
    let others = (0..objects.len()).filter(|i| *i != chosen && is_own(&objects[*i], &objects));
    let others = others.map(|i| title(&objects[i])).collect();
    let mut imported = Imported::new(out, file, read, ignored);
    imported.others = others;
    Ok(imported)
}

fn name_of(object: &Value) -> &str {
    text_at(object, "/metadata/name")
}

/// Whether an object is a workload that nobody else in the file rolls.
fn is_own(object: &Value, objects: &[Value]) -> bool {
    KINDS.contains(&text_at(object, "/kind")) && !objects.iter().any(|by| drives(by, object))
}

/// Whether a controller rolls another workload in its own way.
fn drives(by: &Value, object: &Value) -> bool {
    let reference = match text_at(by, "/kind") {
        "Canary" => "/spec/targetRef",
        "Rollout" => "/spec/workloadRef",
        _ => return false,
    };
    text_at(by, &format!("{reference}/kind")) == text_at(object, "/kind")
        && text_at(by, &format!("{reference}/name")) == name_of(object)
}

/// The object with the pod template: the workload, or the Deployment that it drives.
fn pods_of<'a>(target: &'a Value, objects: &'a [Value]) -> Result<&'a Value, ImportError> {
    let canary = text_at(target, "/kind") == "Canary";
    if !canary && target.pointer("/spec/workloadRef").is_none() {
        return Ok(target);
    }
    let reference = if canary { "targetRef" } else { "workloadRef" };
    // A Deployment under Flagger is scaled to 0; what runs is its primary.
    let primary = |object: &&Value| {
        let name = text_at(target, "/spec/targetRef/name");
        canary
            && text_at(object, "/kind") == "Deployment"
            && name_of(object) == format!("{name}-primary")
    };
    let driven = objects.iter().find(|object| drives(target, object));
    objects.iter().find(primary).or(driven).ok_or_else(|| {
        let name = text_at(target, &format!("/spec/{reference}/name"));
        let kind = text_at(target, &format!("/spec/{reference}/kind"));
        ImportError::new(format!("{}: its {kind}/{name} is not in the file", title(target)))
            .hint("its pods are described there; put both in one file, with `---` between them")
            .at(vec!["spec".to_owned(), reference.to_owned()])
    })
}

fn choose(objects: &[Value], file: &str, name: Option<&str>) -> Result<usize, ImportError> {
    let own = |object: &Value| is_own(object, objects);
    let wanted = |object: &Value| match name {
        None => own(object),
        Some(name) => match name.split_once('/') {
            Some((kind, name)) => {
                let own_kind = text_at(object, "/kind").to_lowercase();
                KINDS.contains(&text_at(object, "/kind"))
                    && own_kind == kind.to_lowercase()
                    && name_of(object) == name
            }
            None => own(object) && name_of(object) == name,
        },
    };
    if let Some(found) = objects.iter().position(wanted) {
        return Ok(found);
    }
    let workloads: Vec<String> = objects.iter().filter(|object| own(object)).map(title).collect();
    if let (Some(name), false) = (name, workloads.is_empty()) {
        return Err(ImportError::new(format!("{file} holds no workload {name}"))
            .hint(format!("it holds {}", workloads.join(", "))));
    }
    let titles: Vec<String> = objects.iter().map(title).collect();
    let kinds = objects.iter().find_map(|object| why_not(text_at(object, "/kind")));
    let mut shown = titles[..titles.len().min(4)].join(", ");
    if titles.len() > 4 {
        let _ = write!(shown, " and {} more", titles.len() - 4);
    }
    let message = format!("{file} holds no workload that rolls, only {shown}");
    Err(ImportError::new(message).hint(kinds.unwrap_or(
        "import the file of the Deployment, StatefulSet, DaemonSet, Rollout or Canary behind it",
    )))
}

/// Why another kind does not roll, and what works instead.
fn why_not(kind: &str) -> Option<&'static str> {
    match kind {
        "ReplicaSet" => Some("a ReplicaSet does not roll: import the Deployment that owns it"),
        "Pod" => Some("a Pod does not roll: import the Deployment that owns it"),
        "Job" | "CronJob" => Some("a job ends by itself, there is no rollout to rehearse"),
        _ => None,
    }
}

fn read_list(
    workload: &Workload,
    instances: &Instances,
    budgets: &[Budget],
    services: &[(String, String)],
) -> Vec<String> {
    let w = workload;
    let mut read = vec![format!(
        "{}: replicas {}{}, {}, minReadySeconds {}{}, terminationGracePeriodSeconds {}{}",
        w.title,
        instances.count,
        match (&instances.range, w.replicas.value == instances.count) {
            (Some(_), _) => " (assumed)",
            (None, true) => w.replicas.mark(),
            (None, false) => "",
        },
        w.rules.text(w, instances.count),
        w.min_ready.value,
        w.min_ready.mark(),
        w.grace.value,
        w.grace.mark()
    )];
    read.extend(w.rules.read_list());
    read.push(match &w.pod.readiness {
        Some((name, probe)) => format!("container {name}: readinessProbe {}", probe.describe()),
        None => "no readinessProbe: pods count as ready as soon as their containers run".to_owned(),
    });
    if let Some((name, probe)) = &w.pod.startup {
        read.push(format!(
            "container {name}: startupProbe {} (its delay and the range of start only)",
            probe.describe()
        ));
    }
    if let PreStop::Sleep(seconds, place) = &w.pod.pre_stop {
        read.push(format!("{place}: sleeps {seconds}s"));
    }
    if let Some(limit) = &w.pod.cpu_limit {
        read.push(format!("container {}: CPU limit {limit} (a comment only)", w.pod.containers[0]));
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
    workload: &Workload,
    target: &Value,
    autoscaler: Option<&Autoscaler>,
    replicas: u32,
    rest: &[String],
) -> Vec<String> {
    let pod = &workload.pod;
    let mut ignored = Vec::new();
    if let Some(scaler) = autoscaler {
        let fights = if workload.replicas.stated { "; spec.replicas fights it" } else { "" };
        ignored.push(format!(
            "{} {}..{} (not modelled: fixed at {replicas}{fights})",
            scaler.title, scaler.min, scaler.max
        ));
    }
    if workload.paused {
        ignored.push("spec.paused (the scenario begins when it is resumed)".to_owned());
    }
    ignored.extend(workload.rules.ignored());
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
    let unused: Vec<String> = workload.unused.iter().chain(&pod.unused).cloned().collect();
    if !unused.is_empty() {
        ignored.push(format!("{} (not used)", unused.join(", ")));
    }
    if !rest.is_empty() {
        ignored.push(format!("{} (not used)", rest.join(", ")));
    }
    ignored
}

#[cfg(test)]
mod tests;
