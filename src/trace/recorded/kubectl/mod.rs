//! What `kubectl get pods,replicasets,events -o json` and
//! `kubectl get pods -w --output-watch-events -o json` say of the lives of pods.
//!
//! A list shows each pod as it is now; a stream shows every change, and with it pods that are
//! gone; events tell of pulls, and of pods that are no longer listed. Times are whole seconds: the
//! API truncates them.

mod events;
mod object;

use std::collections::{BTreeMap, BTreeSet};
use std::time::UNIX_EPOCH;

use serde::Deserialize;
use serde_json::Value;

use super::document::{self, Document, Malformed};
use super::life::{Life, Lives};
use events::Events;
use object::{Object, Ran};

/// SIGKILL, as an exit code.
const KILLED: i32 = 137;

/// Seconds since 1970, truncated.
pub type Seconds = i64;

/// Pods of workloads that roll, in order of creation.
#[derive(Debug, Clone, Default)]
pub struct Pods {
    /// Those of a `ReplicaSet`, `StatefulSet` or `DaemonSet`.
    pub pods: Vec<Pod>,
    /// The latest time that any object names: nothing is known beyond it.
    pub latest: Seconds,
    /// Pods of nobody, or of somebody who does not roll.
    pub others: usize,
}

/// The life of a pod.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// `namespace/name` of what rolls it, without the hash of a `ReplicaSet`.
    pub workload: String,
    /// The hash of its template.
    pub version: String,
    /// The revision of its `ReplicaSet`, if that was among the objects.
    pub revision: Option<u64>,
    /// Image of its first container.
    pub image: String,
    /// Its node.
    pub host: Option<String>,
    /// Created.
    pub created: Seconds,
    /// Placed on a node.
    pub scheduled: Option<Seconds>,
    /// The first image pull began (from events).
    pub pulling: Option<Seconds>,
    /// The last image pull ended (from events).
    pub pulled: Option<Seconds>,
    /// Seconds and bytes of its last pull that was no mere look into the cache (from events).
    pub pull: Option<(f64, u64)>,
    /// The last of its containers started for the first time.
    pub started: Option<Seconds>,
    /// First ready.
    pub ready: Option<Seconds>,
    /// It may have been ready earlier than was seen: it was restarted, or already told to stop, or
    /// only events tell of it.
    pub unclear: bool,
    /// Told to stop.
    pub told: Option<Seconds>,
    /// Its last container ended, after it was told to stop; for a pod of a `StatefulSet` or
    /// `DaemonSet` of which that was not seen: its successor was created, which waits for that.
    pub ended: Option<Seconds>,
    /// A container had to be killed.
    pub killed: bool,
    /// Its object is gone.
    pub gone: bool,
    /// It was there as late as this.
    pub seen: Seconds,
    /// The longest `preStop` sleep; `None` if a hook does anything else.
    pub pre_stop: Option<i64>,
    /// Of a `DaemonSet`.
    one_a_node: bool,
}

impl Pods {
    /// Reads files together: lists, single objects and watch streams, in any order; what several
    /// say of one pod is put together. Errors come with the index of the file.
    ///
    /// # Errors
    /// If a file is no JSON, or an object is not what Kubernetes writes.
    pub fn read(texts: &[&str]) -> Result<Self, (usize, Malformed)> {
        let mut reader = Reader::default();
        for (index, text) in texts.iter().enumerate() {
            reader.text(text).map_err(|error| (index, error))?;
        }
        Ok(reader.finish())
    }

    /// The same as all orchestrators' instances are told.
    pub fn lives(&self) -> Lives {
        let lives = self.pods.iter().map(Pod::life).collect();
        Lives { lives, latest: self.latest as f64, tick: 1.0, others: self.others }
    }
}

impl Pod {
    fn life(&self) -> Life {
        let at = |time: Option<Seconds>| time.map(|time| time as f64);
        Life {
            name: self.name.clone(),
            workload: self.workload.clone(),
            version: self.version.clone(),
            revision: self.revision,
            image: self.image.clone(),
            host: self.host.clone(),
            created: self.created as f64,
            scheduled: at(self.scheduled),
            free: at(self.scheduled),
            pulling: at(self.pulling),
            pulled: at(self.pulled),
            pull: self.pull,
            started: at(self.started),
            ready: at(self.ready),
            probed: true,
            unclear: self.unclear,
            told: at(self.told),
            ended: at(self.ended),
            killed: self.killed,
            seen: self.seen as f64,
            pre_stop: at(self.pre_stop),
        }
    }
}

/// Everything read so far.
#[derive(Default)]
struct Reader {
    /// By uid (or namespace/name, where there is none).
    pods: BTreeMap<String, Pod>,
    events: Events,
    /// By `namespace/workload` and hash.
    revisions: BTreeMap<(String, String), u64>,
    latest: Seconds,
    others: BTreeSet<String>,
    /// Pods in the list, or not deleted in the stream, that is being read.
    here: BTreeSet<String>,
    /// The latest time that it names.
    now: Seconds,
}

fn time(document: &Document<'_>, text: Option<&String>) -> Result<Option<Seconds>, Malformed> {
    let Some(text) = text else { return Ok(None) };
    let since = humantime::parse_rfc3339(text).ok().and_then(|at| {
        let since = at.duration_since(UNIX_EPOCH).ok()?;
        Some(since.as_secs() as Seconds)
    });
    since.map(Some).ok_or_else(|| document.no_time(text))
}

impl Reader {
    fn text(&mut self, text: &str) -> Result<(), Malformed> {
        const EXPECTED: &str = "what `kubectl get … -o json` prints";
        document::each(text, EXPECTED, |value, document| self.document(value, document))?;
        self.leave();
        Ok(())
    }

    fn document(&mut self, mut value: Value, document: &Document<'_>) -> Result<(), Malformed> {
        let text = |value: &Value, key: &str| {
            value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        if value.get("object").is_some() {
            let what = text(&value, "type");
            let object = value["object"].take();
            return match what.as_str() {
                "ADDED" | "MODIFIED" | "DELETED" => {
                    self.object(object, what == "DELETED", document)
                }
                "BOOKMARK" => Ok(()),
                "ERROR" => {
                    let message = format!("the watch ended: {}", text(&object, "message"));
                    Err(document.wrong("", message, "ADDED, MODIFIED or DELETED"))
                }
                other => {
                    let message = format!("`type` is `{other}`");
                    Err(document.wrong("", message, "ADDED, MODIFIED or DELETED"))
                }
            };
        }
        let kind = text(&value, "kind");
        match value.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => {
                self.leave();
                items.into_iter().try_for_each(|item| self.object(item, false, document))?;
                self.leave();
                Ok(())
            }
            _ if kind.is_empty() => {
                let message = "neither `kind` nor `items` nor `object`".to_owned();
                let expected = "an object of Kubernetes, a List of them, or a watch event";
                Err(document.wrong("", message, expected))
            }
            _ => self.object(value, false, document),
        }
    }

    fn object(
        &mut self,
        value: Value,
        deleted: bool,
        document: &Document<'_>,
    ) -> Result<(), Malformed> {
        let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let name = name.to_owned();
        let object = Object::deserialize(value).map_err(|error| {
            let message = format!("object `{name}`: {error}");
            document.wrong(&format!("\"{name}\""), message, "the type that Kubernetes writes")
        })?;
        match object.kind.as_str() {
            "Pod" => self.pod(&object, deleted, document),
            "Event" => self.event(&object, document),
            "ReplicaSet" => {
                self.replica_set(&object);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The end of a list or a stream: what is in it was there at the latest time that it names.
    fn leave(&mut self) {
        for key in std::mem::take(&mut self.here) {
            if let Some(pod) = self.pods.get_mut(&key) {
                pod.seen = pod.seen.max(self.now);
            }
        }
        self.latest = self.latest.max(self.now);
        self.now = 0;
    }

    fn replica_set(&mut self, object: &Object) {
        let meta = &object.metadata;
        let revision = meta.annotations.get("deployment.kubernetes.io/revision");
        let hash = meta.labels.get("pod-template-hash");
        if let Some((revision, hash)) = revision.and_then(|r| r.parse().ok()).zip(hash) {
            let workload = owner_name(&meta.name, hash);
            let key = (qualified(&meta.namespace, workload), hash.clone());
            self.revisions.insert(key, revision);
        }
    }

    fn event(&mut self, object: &Object, document: &Document<'_>) -> Result<(), Malformed> {
        let first = object.first_timestamp.as_ref().or(object.event_time.as_ref());
        let Some(first) = time(document, first)? else { return Ok(()) };
        let last = time(document, object.last_timestamp.as_ref())?.unwrap_or(first).max(first);
        self.now = self.now.max(last);
        self.events.add(object, first, last);
        Ok(())
    }

    fn pod(
        &mut self,
        object: &Object,
        deleted: bool,
        document: &Document<'_>,
    ) -> Result<(), Malformed> {
        let meta = &object.metadata;
        let owner = meta.owner_references.iter().find(|owner| {
            matches!(owner.kind.as_str(), "ReplicaSet" | "StatefulSet" | "DaemonSet")
        });
        let key = if meta.uid.is_empty() {
            qualified(&meta.namespace, &meta.name)
        } else {
            meta.uid.clone()
        };
        let Some(owner) = owner else {
            self.others.insert(key);
            return Ok(());
        };
        let Some(created) = time(document, meta.creation_timestamp.as_ref())? else {
            let (needle, name) = (format!("\"{}\"", meta.name), &meta.name);
            let message = format!("pod `{name}` has no `metadata.creationTimestamp`");
            return Err(document.wrong(&needle, message, "a time such as 2026-11-22T10:00:00Z"));
        };
        let label = |name: &str| meta.labels.get(name);
        let hash = label("pod-template-hash").or(label("controller-revision-hash"));
        let hash = hash.cloned().unwrap_or_default();
        let first = !self.pods.contains_key(&key);
        if deleted {
            self.here.remove(&key);
        } else {
            self.here.insert(key.clone());
        }
        let pod = self.pods.entry(key).or_insert_with(|| Pod {
            name: meta.name.clone(),
            workload: qualified(&meta.namespace, owner_name(&owner.name, &hash)),
            version: hash,
            image: object.spec.containers.first().map(|c| c.image.clone()).unwrap_or_default(),
            created,
            pre_stop: pre_stop(object),
            one_a_node: owner.kind == "DaemonSet",
            ..Pod::default()
        });
        pod.gone |= deleted;
        pod.host = object.spec.node_name.clone().or(pod.host.take());
        let until = time(document, meta.deletion_timestamp.as_ref())?;
        if let Some(until) = until {
            // The API server adds the grace period to the moment of the request.
            let told = until - meta.deletion_grace_period_seconds.unwrap_or(0);
            // A second request with less grace moves the end, not the beginning.
            pod.told = Some(pod.told.map_or(told, |before| before.min(told)));
        }
        let mut latest = created.max(pod.told.unwrap_or(created));
        for condition in &object.status.conditions {
            let Some(at) = time(document, condition.last_transition_time.as_ref())? else {
                continue;
            };
            latest = latest.max(at);
            match (condition.kind.as_str(), condition.status.as_str()) {
                ("PodScheduled", "True") => pod.scheduled = Some(at),
                ("Ready", "True") if pod.ready.is_none() => pod.ready = Some(at),
                _ => {}
            }
        }
        let restarts = object.status.container_statuses.iter().any(|c| c.restart_count > 0);
        if first {
            pod.unclear = restarts || (pod.told.is_some() && pod.ready.is_none());
        }
        latest = latest.max(containers(pod, object, document)?);
        pod.seen = pod.seen.max(latest);
        self.now = self.now.max(latest);
        Ok(())
    }

    fn finish(self) -> Pods {
        let Self { mut pods, events, revisions, latest, others, .. } = self;
        events.complete(&mut pods, &others);
        let put = |(_, mut pod): (String, Pod)| {
            let key = (pod.workload.clone(), pod.version.clone());
            pod.revision = revisions.get(&key).copied();
            pod
        };
        let mut pods: Vec<Pod> = pods.into_iter().map(put).collect();
        pods.sort_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
        Pods { pods, latest, others: others.len() }
    }
}

/// Reads starts and ends of containers; returns the latest time named.
fn containers(
    pod: &mut Pod,
    object: &Object,
    document: &Document<'_>,
) -> Result<Seconds, Malformed> {
    let all = &object.status.container_statuses;
    let (mut latest, mut started, mut ended) = (0, Vec::new(), Vec::new());
    for container in all {
        let ran = |ran: &Option<Ran>| ran.as_ref().and_then(|ran| ran.started_at.clone());
        let begin = ran(&container.state.running).or(ran(&container.state.terminated));
        if let Some(at) = time(document, begin.as_ref())? {
            latest = latest.max(at);
            if container.restart_count == 0 {
                started.push(at);
            }
        }
        let Some(end) = &container.state.terminated else { continue };
        if let Some(at) = time(document, end.finished_at.as_ref())? {
            latest = latest.max(at);
            ended.push(at);
            pod.killed |= pod.told.is_some() && end.exit_code == KILLED;
        }
    }
    if started.len() == all.len() && pod.started.is_none() {
        pod.started = started.into_iter().max();
    }
    let last = ended.iter().copied().max();
    if let (Some(told), Some(last)) = (pod.told, last)
        && ended.len() == all.len()
        && last >= told
    {
        pod.ended = Some(last);
    }
    Ok(latest)
}

/// The longest sleep of a `preStop` hook, 0 without one; `None` for other hooks.
fn pre_stop(object: &Object) -> Option<i64> {
    let hooks =
        object.spec.containers.iter().filter_map(|c| c.lifecycle.as_ref()?.pre_stop.as_ref());
    let mut sleeps = hooks.map(|hook| hook.pointer("/sleep/seconds").and_then(Value::as_i64));
    sleeps.try_fold(0, |longest, sleep| Some(longest.max(sleep?)))
}

/// `checkout` of `checkout-6f7c9d`.
fn owner_name<'a>(name: &'a str, hash: &str) -> &'a str {
    name.strip_suffix(hash).and_then(|name| name.strip_suffix('-')).unwrap_or(name)
}

fn qualified(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

#[cfg(test)]
mod tests;
