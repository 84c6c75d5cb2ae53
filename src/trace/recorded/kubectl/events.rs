//! What events tell of pods: pulls, and the lives of pods that are no longer listed.
//!
//! Of a pod that is gone its events remain for an hour: created (of its controller), placed,
//! pulled, started, told to stop. None says when it was ready or when it ended; but a `StatefulSet`
//! creates the successor of a pod, under its name, once that is gone, and a `DaemonSet` that does
//! not surge does so on its node.

use std::collections::{BTreeMap, BTreeSet};

use super::object::Object;
use super::{Pod, Seconds, owner_name, qualified};

/// Everything that events say.
#[derive(Default)]
pub(super) struct Events {
    /// By uid (or namespace/name, where there is none).
    of_pods: BTreeMap<String, Told>,
    /// By namespace/name of the pod: who created it, and when it was created and told to stop.
    of_owners: BTreeMap<String, Vec<Owned>>,
}

/// What events say of one pod.
#[derive(Debug, Default)]
struct Told {
    /// Namespace/name.
    name: String,
    scheduled: Option<Seconds>,
    host: Option<String>,
    pulling: Option<Seconds>,
    pulled: Option<Seconds>,
    pull: Option<(f64, u64)>,
    started: Option<Seconds>,
    stopping: Option<Seconds>,
    last: Seconds,
}

/// What a controller says of a pod.
#[derive(Debug)]
struct Owned {
    kind: String,
    owner: String,
    at: Seconds,
    deleted: bool,
}

impl Events {
    /// Adds an event that was seen first and last at these times.
    pub(super) fn add(&mut self, object: &Object, first: Seconds, last: Seconds) {
        let involved = &object.involved;
        let name = qualified(&involved.namespace, &involved.name);
        match involved.kind.as_str() {
            "Pod" => {
                let key = if involved.uid.is_empty() { name.clone() } else { involved.uid.clone() };
                let told = self.of_pods.entry(key).or_default();
                told.name = name;
                told.add(object, first, last);
            }
            kind @ ("ReplicaSet" | "StatefulSet" | "DaemonSet") => {
                let deleted = object.reason == "SuccessfulDelete";
                if let Some(pod) = pod_of(&object.message)
                    && (deleted || object.reason == "SuccessfulCreate")
                {
                    let owned = Owned {
                        kind: kind.to_owned(),
                        owner: involved.name.clone(),
                        at: first,
                        deleted,
                    };
                    let pod = qualified(&involved.namespace, pod);
                    self.of_owners.entry(pod).or_default().push(owned);
                }
            }
            _ => {}
        }
    }

    /// Adds to the pods what events say of them, and pods that only events tell of; not `others`.
    pub(super) fn complete(mut self, pods: &mut BTreeMap<String, Pod>, others: &BTreeSet<String>) {
        for (uid, told) in std::mem::take(&mut self.of_pods) {
            if let Some(pod) = pods.get_mut(&uid) {
                told.complete(pod);
            } else if !others.contains(&uid)
                && let Some(pod) = self.gone(&told, pods)
            {
                pods.insert(uid, pod);
            }
        }
        for pod in pods.values_mut().filter(|pod| pod.told.is_none()) {
            let of = self.of_owners.get(&name_of(pod)).into_iter().flatten();
            let deleted = of.filter(|owned| owned.deleted && owned.at >= pod.created);
            pod.told = deleted.map(|owned| owned.at).min();
        }
        succeed(pods);
    }

    /// A pod that is not listed.
    fn gone(&self, told: &Told, listed: &BTreeMap<String, Pod>) -> Option<Pod> {
        let created = |owned: &&Owned| !owned.deleted && owned.at <= told.last;
        let all = self.of_owners.get(&told.name)?;
        // Names of a StatefulSet's pods come again: the last created before what is told.
        let first = told.scheduled.or(told.started).or(told.stopping).unwrap_or(told.last);
        let before = |owned: &&Owned| created(owned) && owned.at <= first + 1;
        let owned = all.iter().filter(before).max_by_key(|owned| owned.at)?;
        let (namespace, name) = told.name.rsplit_once('/').unwrap_or(("", &told.name));
        // `checkout-6f7c9d-x2vxp` of `checkout-6f7c9d`; others have no hash in their names.
        let one_a_node = owned.kind == "DaemonSet";
        let hash = match owned.kind.as_str() {
            "ReplicaSet" => owned.owner.rsplit('-').next().unwrap_or_default(),
            _ => "unknown",
        };
        let workload = qualified(namespace, owner_name(&owned.owner, hash));
        let siblings = || listed.values().filter(|pod| pod.workload == workload);
        let image = siblings().find(|pod| pod.version == hash).map(|pod| pod.image.clone());
        let mut pod = Pod {
            name: name.to_owned(),
            version: hash.to_owned(),
            image: image.unwrap_or_default(),
            created: owned.at,
            unclear: true,
            pre_stop: siblings().next().map_or(Some(0), |pod| pod.pre_stop),
            gone: true,
            one_a_node,
            workload: workload.clone(),
            ..Pod::default()
        };
        told.complete(&mut pod);
        Some(pod)
    }
}

impl Told {
    fn add(&mut self, object: &Object, first: Seconds, last: Seconds) {
        self.last = self.last.max(last);
        let earliest = |so_far: &mut Option<Seconds>| {
            *so_far = Some(so_far.map_or(first, |before| before.min(first)));
        };
        match object.reason.as_str() {
            "Scheduled" => {
                earliest(&mut self.scheduled);
                self.host = object.message.rsplit(' ').next().map(str::to_owned);
            }
            "Pulling" => earliest(&mut self.pulling),
            "Pulled" => {
                self.pulled = Some(self.pulled.map_or(first, |before| before.max(first)));
                self.pull = pull(&object.message).or(self.pull);
            }
            "Started" => self.started = Some(self.started.map_or(first, |s| s.max(first))),
            // The kubelet also kills what failed its liveness probe, to start it again.
            "Killing" if !object.message.contains("restarted") => earliest(&mut self.stopping),
            _ => {}
        }
    }

    fn complete(&self, pod: &mut Pod) {
        pod.scheduled = pod.scheduled.or(self.scheduled);
        pod.host = pod.host.take().or(self.host.clone());
        (pod.pulling, pod.pulled, pod.pull) = (self.pulling, self.pulled, self.pull);
        // A process that was started again has an event for it, too: only if nothing else is known.
        pod.started = pod.started.or(self.started.filter(|_| pod.gone && pod.unclear));
        pod.told = pod.told.or(self.stopping);
        pod.seen = pod.seen.max(self.last);
    }
}

/// Where nobody saw the end: the creation of a successor that waits for it.
fn succeed(pods: &mut BTreeMap<String, Pod>) {
    let all: Vec<Pod> = pods.values().cloned().collect();
    for pod in pods.values_mut().filter(|pod| pod.ended.is_none()) {
        let Some(told) = pod.told else { continue };
        let same_name = |other: &&Pod| name_of(other) == name_of(pod) && other.created >= told;
        // On its node, and nobody beside it there before: the set does not surge.
        let on_node = |other: &&Pod| {
            other.host.is_some() && other.host == pod.host && other.workload == pod.workload
        };
        let beside = |other: &&Pod| {
            on_node(other)
                && other.name != pod.name
                && other.created <= told
                && other.told.is_none_or(|until| until > told)
        };
        let next = all.iter().filter(same_name).map(|other| other.created).min();
        let next = next.or_else(|| {
            let alone = pod.one_a_node && !all.iter().any(|other| beside(&other));
            let after = all.iter().filter(on_node).filter(|other| other.created >= told);
            after.map(|other| other.created).min().filter(|_| alone)
        });
        pod.ended = next;
        pod.gone |= next.is_some();
    }
}

fn name_of(pod: &Pod) -> String {
    let namespace = pod.workload.split_once('/').map_or("", |(namespace, _)| namespace);
    qualified(namespace, &pod.name)
}

/// The pod of `Created pod: NAME`, `Deleted pod: NAME`, `create Pod NAME in StatefulSet …`.
fn pod_of(message: &str) -> Option<&str> {
    let after = message.split_once("pod: ").or_else(|| message.split_once(" Pod "))?.1;
    after.split(' ').next().filter(|name| !name.is_empty())
}

/// Of `Successfully pulled image "x" in 4.2s (5s including waiting). Image size: 70542635 bytes.`
/// the time without waiting, in seconds, and the bytes.
fn pull(message: &str) -> Option<(f64, u64)> {
    let (_, rest) = message.split_once("Image size: ")?;
    let bytes = rest.split(' ').next()?.parse().ok()?;
    let (_, after) = message.split_once("\" in ")?;
    Some((seconds(after.split(' ').next()?)?, bytes))
}

/// `1m2.5s`, `350ms`, `4.2s`, as Go prints durations.
fn seconds(text: &str) -> Option<f64> {
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let value: f64 = rest[..end].parse().ok()?;
        let after = &rest[end..];
        let unit = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        total += value
            * match &after[..unit] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "µs" | "us" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = &after[unit..];
    }
    (total > 0.0).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::{pod_of, pull, seconds};

    #[test]
    fn messages_of_the_kubelet_and_of_controllers() {
        let message = "Successfully pulled image \"a/b:1\" in 4.2s (5.1s including waiting). \
                       Image size: 70542635 bytes.";
        assert_eq!(pull(message), Some((4.2, 70_542_635)));
        assert_eq!(pull("Container image \"a/b:1\" already present on machine"), None);
        assert_eq!(seconds("1m2.5s"), Some(62.5));
        assert_eq!(seconds("250ms"), Some(0.25));
        assert_eq!(seconds("soon"), None);
        assert_eq!(pod_of("Created pod: web-6f-x2"), Some("web-6f-x2"));
        assert_eq!(pod_of("delete Pod web-0 in StatefulSet web successful"), Some("web-0"));
        assert_eq!(pod_of("Scaled up"), None);
    }
}
