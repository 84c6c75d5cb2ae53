//! One task, from events about its container and from how lists show it.

use std::collections::BTreeMap;

use crate::trace::recorded::life::{Life, Lives};

/// SIGKILL, as an exit code.
const KILLED: i64 = 137;

/// Where a task belongs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Slot {
    /// Of a replicated service.
    Number(i64),
    /// Of a global one.
    Node(String),
}

/// What is known of a task; times are seconds since 1970.
#[derive(Debug, Clone, Default)]
pub(super) struct Task {
    name: String,
    service: Option<String>,
    pub(super) service_id: String,
    pub(super) slot: Option<Slot>,
    pub(super) host: Option<String>,
    pub(super) image: String,
    /// The hash of its specification.
    pub(super) spec: Option<String>,
    /// It has a health check.
    pub(super) health: bool,
    pub(super) created: Option<f64>,
    /// Of its container.
    prepared: Option<f64>,
    started: Option<f64>,
    healthy: Option<f64>,
    /// As a list shows it.
    running: Option<f64>,
    told: Option<f64>,
    pub(super) ended: Option<f64>,
    /// Nobody told it to end.
    by_itself: bool,
    killed: bool,
    pub(super) seen: f64,
}

impl Task {
    /// Something happened to its container.
    pub(super) fn event<'a>(
        &mut self,
        action: &str,
        at: f64,
        attribute: &impl Fn(&str) -> Option<&'a str>,
    ) {
        self.seen = self.seen.max(at);
        let owned = |name: &str| attribute(name).map(str::to_owned);
        if let Some(name) = owned("name") {
            self.name = name;
        }
        if let Some(image) = owned("image").filter(|_| self.image.is_empty()) {
            self.image = image;
        }
        if let Some(id) = owned("com.docker.swarm.service.id") {
            self.service_id = id;
        }
        let compose = || {
            let service = attribute("com.docker.compose.service")?;
            let project = attribute("com.docker.compose.project");
            Some(project.map_or(service.to_owned(), |project| format!("{project}/{service}")))
        };
        if let Some(service) = owned("com.docker.swarm.service.name").or_else(compose) {
            self.service = Some(service);
        }
        if self.slot.is_none() {
            // `web.3.x1y2z3…` is slot 3; global services have the node's id there.
            let part = attribute("com.docker.swarm.task.name").and_then(|n| n.split('.').nth(1));
            let number = attribute("com.docker.compose.container-number").or(part);
            self.slot = number.map(|text| match text.parse() {
                Ok(number) => Slot::Number(number),
                Err(_) => Slot::Node(text.to_owned()),
            });
        }
        match action {
            "create" => self.prepared = Some(at),
            "start" => {
                self.started.get_or_insert(at);
            }
            "kill" => {
                self.told.get_or_insert(at);
                self.killed |= attribute("signal") == Some("9");
            }
            "die" => {
                self.ended = Some(at);
                self.by_itself = self.told.is_none();
                self.killed |= attribute("exitCode") == Some("137");
            }
            _ if action.starts_with("health_status") => {
                self.health = true;
                if action.ends_with(" healthy") {
                    self.healthy.get_or_insert(at);
                }
            }
            _ => {}
        }
    }

    /// It is in this state since then.
    pub(super) fn state(&mut self, state: &str, since: f64, desired: &str, code: Option<i64>) {
        self.seen = self.seen.max(since);
        match state {
            // The time is written anew once it is told to stop.
            "running" if desired == "running" => {
                self.running = Some(self.running.map_or(since, |before| before.min(since)));
            }
            "shutdown" | "complete" | "failed" | "rejected" | "remove" | "orphaned" => {
                self.ended.get_or_insert(since);
                self.by_itself |= state != "shutdown" && state != "remove" && self.told.is_none();
                self.killed |= code == Some(KILLED);
            }
            _ => {}
        }
    }

    /// Its times, as far as they are known.
    fn times(&self) -> impl Iterator<Item = f64> {
        let early = [self.created, self.prepared, self.started, self.healthy, self.running];
        early.into_iter().chain([self.told, self.ended]).flatten()
    }

    /// Of a service with a health check or without; nothing was seen before `begin`.
    fn life(&self, workload: &str, version: String, health: bool, begin: f64) -> Life {
        let first = self.created.or(self.prepared);
        let ready = self.healthy.or(self.running).or(self.started.filter(|_| !health));
        // It was there before anybody watched, or it ended and nobody had seen it run.
        let unclear = first.is_none() || (ready.is_none() && self.ended.is_some());
        let created = first.or(self.started).unwrap_or(begin);
        Life {
            name: self.name.clone(),
            workload: workload.to_owned(),
            version,
            image: short(&self.image),
            host: self.host.clone(),
            created,
            scheduled: self.created.and(self.prepared),
            started: self.started.filter(|_| first.is_some()),
            // What was told to stop, and did, had been ready.
            ready: ready.or(Some(created).filter(|_| unclear && !self.by_itself)),
            probed: health,
            unclear,
            told: self.told,
            ended: self.ended.filter(|_| !self.by_itself),
            killed: self.killed,
            seen: self.seen,
            pre_stop: Some(0.0),
            ..Life::default()
        }
    }
}

/// All tasks as instances of their services.
pub(super) fn lives(
    tasks: BTreeMap<String, Task>,
    services: &BTreeMap<String, String>,
    latest: f64,
    others: usize,
) -> Lives {
    // Events know a service's name, lists its id.
    let mut names = services.clone();
    for task in tasks.values() {
        if let Some(name) = &task.service {
            names.insert(task.service_id.clone(), name.clone());
        }
    }
    let mut by_service: BTreeMap<String, Vec<Task>> = BTreeMap::new();
    for (id, mut task) in tasks {
        if task.name.is_empty() {
            task.name = id;
        }
        let known = task.service.clone().or_else(|| names.get(&task.service_id).cloned());
        by_service.entry(known.unwrap_or(task.service_id.clone())).or_default().push(task);
    }
    let first = by_service.values().flatten().flat_map(Task::times);
    let begin = first.fold(latest, f64::min) - 1.0;
    let mut lives = Vec::new();
    for (workload, tasks) in &by_service {
        let health = tasks.iter().any(|task| task.health);
        // Lists tell versions by their specification, events only by their image.
        let listed = tasks.iter().all(|task| task.spec.is_some());
        for task in tasks {
            let version = task.spec.clone().filter(|_| listed);
            let version = version.unwrap_or_else(|| short(&task.image));
            let life = task.life(workload, version, health, begin);
            let free = free(task, tasks);
            lives.push(Life { free, ..life });
        }
    }
    lives.sort_by(|a, b| a.created.total_cmp(&b.created).then_with(|| a.name.cmp(&b.name)));
    Lives { lives, latest, tick: 0.0, others }
}

/// From when on a task could start: it existed, and the one before it in its slot had ended, where
/// it waited for that. After one that ended by itself there is the restart policy's delay, and
/// nobody sees its end.
fn free(task: &Task, all: &[Task]) -> Option<f64> {
    let created = task.created.or(task.prepared)?;
    let began = task.started.or(task.running).unwrap_or(f64::MAX);
    let before = |other: &&Task| {
        task.slot.is_some()
            && other.slot == task.slot
            && other.created.or(other.prepared).is_none_or(|other| other < created)
            && other.ended.is_some_and(|ended| ended <= began)
    };
    let last = all
        .iter()
        .filter(before)
        .max_by(|a, b| a.ended.unwrap_or_default().total_cmp(&b.ended.unwrap_or_default()));
    match last {
        Some(other) if other.by_itself => None,
        Some(other) => other.ended.map(|ended| ended.max(created)),
        None => Some(created),
    }
}

/// `shop/web:2@1a2b3c4` of `shop/web:2@sha256:1a2b3c4d…`.
fn short(image: &str) -> String {
    match image.split_once("@sha256:") {
        Some((name, digest)) => format!("{name}@{}", digest.get(..7).unwrap_or(digest)),
        None => image.to_owned(),
    }
}
