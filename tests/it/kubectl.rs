//! Simulated rollouts as `kubectl get pods -w --output-watch-events -o json` would show them.

use std::collections::BTreeMap;
use std::path::Path;

use rollcast::scenario::{Scenario, load};
use rollcast::sim::{Depth, Model, World};
use rollcast::trace::{Cause, Moment, Phase, Record, VersionId};
use rollcast::units::Time;
use serde_json::{Value, json};

/// 2026-11-22T10:00:00Z.
const BEGIN: f64 = 1_795_341_600.0;
const GRACE: i64 = 30;

/// A Deployment under a quiet control plane, whose readiness is known at once.
pub(crate) fn scenario(instances: u32, start: &str, exit: &str) -> Scenario {
    let text = format!(
        "rollcast = 1\n[service]\nname = \"checkout\"\ninstances = {instances}\n[versions.old]\n\
         start = {start}\nexit = {exit}\n[probes]\nperiod = \"0s\"\n[shutdown]\n\
         grace = \"{GRACE}s\"\n[strategy.kubernetes]\nmax_surge = \"25%\"\nmax_unavailable = 0\n"
    );
    load(&text, "checkout.toml", Path::new("."), &[]).expect("a good scenario").scenario
}

/// What a watch shows.
pub(crate) struct Watch {
    /// The events, a line each.
    pub(crate) lines: Vec<String>,
    /// When the next rollout begins.
    next: f64,
    /// Pods of the version that runs.
    alive: Vec<Shown>,
    pods: u32,
}

/// How a pod appears in the watch; seconds since 1970.
#[derive(Clone)]
struct Shown {
    number: u32,
    /// It ran, and was restarted, before the watch began.
    before: bool,
    created: f64,
    scheduled: Option<f64>,
    ready: Option<f64>,
    told: Option<f64>,
    ended: Option<(f64, bool)>,
    version: usize,
}

impl Watch {
    /// Begins `offset` seconds into the hour.
    pub(crate) fn new(offset: f64) -> Self {
        Self { lines: Vec::new(), next: BEGIN + offset, alive: Vec::new(), pods: 0 }
    }

    /// Adds a rollout to version number `to`, an hour after the one before. Nothing is seen that
    /// happens more than `patience` seconds after its beginning.
    pub(crate) fn rollout(&mut self, scenario: &Scenario, to: usize, seed: u64, patience: f64) {
        let mut records: Vec<(Time, Record)> = Vec::new();
        let model = Model::new(scenario);
        World::new(&model).run(seed, 0, Depth::Control, &mut records);
        let begun = |(_, record): &&(Time, Record)| *record == Record::Moment(Moment::Begun);
        let begun = records.iter().find(begun).map_or(0.0, |(at, _)| at.as_secs_f64());
        let mut pods: BTreeMap<u32, Shown> = BTreeMap::new();
        let mut at = self.next;
        for (moment, record) in &records {
            let Record::Phase { instance, version, to: phase, cause } = record else { continue };
            let since = moment.as_secs_f64() - begun;
            if since > patience {
                break;
            }
            at = self.next + since.max(0.0);
            if !pods.contains_key(instance) {
                let there = self.alive.get(*instance as usize).cloned();
                let pod = match there.filter(|_| *version == VersionId::OLD) {
                    Some(pod) => pod,
                    None => self.appear(*version == VersionId::OLD, at, to),
                };
                pods.insert(*instance, pod);
            }
            let pod = pods.get_mut(instance).expect("just put there");
            match phase {
                _ if *cause == Cause::Initial => {}
                Phase::Pending | Phase::Available => {}
                Phase::Starting => pod.scheduled = Some(at),
                Phase::Ready => pod.ready = Some(at),
                Phase::Draining => pod.told = Some(at),
                Phase::Stopped => pod.ended = Some((at, *cause == Cause::Killed)),
                Phase::Failed | Phase::Lost => unreachable!("nothing fails here"),
            }
            let kind = match phase {
                Phase::Pending => "ADDED",
                Phase::Stopped => "DELETED",
                _ => "MODIFIED",
            };
            let object = object(pod);
            self.lines.push(json!({ "type": kind, "object": object }).to_string());
        }
        self.alive = pods.into_values().filter(|pod| pod.told.is_none()).collect();
        self.next = at + 3600.0;
    }

    fn appear(&mut self, before: bool, at: f64, to: usize) -> Shown {
        let since = if before { at - 600.0 } else { at };
        let then = before.then_some(since);
        self.pods += 1;
        Shown {
            number: self.pods,
            before,
            created: since,
            scheduled: then,
            ready: then,
            told: None,
            ended: None,
            version: if before { to - 1 } else { to },
        }
    }

    /// As a file.
    pub(crate) fn text(&self) -> String {
        self.lines.join("\n") + "\n"
    }
}

fn object(pod: &Shown) -> Value {
    let stamp = |t: f64| {
        let seconds = t.floor() as u64;
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        humantime::format_rfc3339_seconds(at).to_string()
    };
    let hash = format!("5f6d4b7c9{}", pod.version);
    let name = format!("checkout-{hash}-{:05}", pod.number);
    let mut conditions = Vec::new();
    let mut condition = |kind: &str, is: bool, at: f64| {
        let status = if is { "True" } else { "False" };
        conditions.push(json!({ "type": kind, "status": status, "lastTransitionTime": stamp(at) }));
    };
    let mut statuses = Vec::new();
    if let Some(at) = pod.scheduled {
        condition("PodScheduled", true, at);
        let state = match pod.ended {
            Some((end, killed)) => json!({ "terminated": {
                    "startedAt": stamp(at), "finishedAt": stamp(end),
                    "exitCode": if killed { 137 } else { 0 } } }),
            None => json!({ "running": { "startedAt": stamp(at) } }),
        };
        statuses
            .push(json!({ "name": "app", "restartCount": u32::from(pod.before), "state": state }));
        match (pod.ready, pod.told) {
            (Some(at), None) => condition("Ready", true, at),
            (_, told) => condition("Ready", false, told.unwrap_or(at)),
        }
    }
    let mut metadata = json!({
        "name": name, "namespace": "shop", "uid": format!("uid-{name}"),
        "labels": { "app": "checkout", "pod-template-hash": hash },
        "ownerReferences": [{ "kind": "ReplicaSet", "name": format!("checkout-{hash}") }],
        "creationTimestamp": stamp(pod.created),
    });
    if let Some(told) = pod.told {
        metadata["deletionTimestamp"] = stamp(told + GRACE as f64).into();
        metadata["deletionGracePeriodSeconds"] = GRACE.into();
    }
    let image = format!("registry.example/checkout:{}", pod.version + 1);
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
        "spec": { "containers": [{ "name": "app", "image": image }] },
        "status": { "conditions": conditions, "containerStatuses": statuses },
    })
}
