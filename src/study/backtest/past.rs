//! Rollouts that were, as far as a recording shows them.

use crate::scenario::settings::KubernetesDeployment;
use crate::study::fit::{Quantity, Version, versions};
use crate::trace::recorded::kubectl::{Pod, Seconds};
use crate::trace::recorded::kubernetes::{Kind, Recording};

/// A rollout that was.
#[derive(Debug, Clone, Default)]
pub(super) struct Past {
    pub(super) name: String,
    /// Pods that were there.
    pub(super) instances: u32,
    /// Its beginning until all pods are new and ready; `None` if that is not in the record.
    pub(super) duration: Option<f64>,
    /// Fewest ready at once.
    pub(super) available_min: u32,
    /// Scheduled → ready; whether it ended.
    pub(super) starts: Vec<(f64, bool)>,
    /// Told to stop → ended.
    pub(super) exits: Vec<(f64, bool)>,
    /// Resolution of the clock.
    pub(super) tick: f64,
    /// The strategy, where the recording names it.
    pub(super) strategy: Option<KubernetesDeployment>,
}

/// The rollouts of one workload, oldest first: every version but the first is one.
pub(super) fn of_pods(pods: &[Pod], latest: Seconds) -> Vec<Past> {
    let versions = versions(pods);
    let one = |index: usize| {
        let until = versions.get(index + 1).map_or(Seconds::MAX, |next| next.begun);
        of_version(pods, &versions, index, until, latest)
    };
    (1..versions.len()).map(one).collect()
}

fn of_version(
    pods: &[Pod],
    versions: &[Version],
    index: usize,
    until: Seconds,
    latest: Seconds,
) -> Past {
    let begun = versions[index].begun;
    let place = |pod: &Pod| versions.iter().position(|version| version.hash == pod.version);
    let ready_at = |pod: &&Pod, at: Seconds| {
        pod.ready.is_some_and(|since| since <= at) && pod.told.is_none_or(|told| told > at)
    };
    let old: Vec<&Pod> = pods
        .iter()
        .filter(|pod| place(pod).is_some_and(|p| p < index))
        .filter(|pod| pod.told.is_none_or(|told| told >= begun))
        .collect();
    let new: Vec<&Pod> =
        pods.iter().filter(|pod| place(pod) == Some(index) && pod.created < until).collect();
    let instances = old.iter().filter(|pod| pod.ready.is_some()).count();
    // Done when as many new ones are ready, and no old one is left that was not told to stop.
    let mut ready: Vec<Seconds> = new.iter().filter_map(|pod| pod.ready).collect();
    ready.sort_unstable();
    let last_told = old.iter().map(|pod| pod.told).max().flatten();
    let all_told = old.iter().all(|pod| pod.told.is_some());
    let enough = instances.checked_sub(1).and_then(|last| ready.get(last));
    let ended = enough.zip(last_told).map(|(ready, told)| (*ready).max(told));
    let ended = ended.filter(|ended| all_told && *ended < until);
    let all = || old.iter().chain(&new);
    let count = |at: Seconds| all().filter(|pod| ready_at(pod, at)).count();
    let changes = all().flat_map(|pod| [pod.ready, pod.told]).flatten();
    let within = |at: &Seconds| *at >= begun && *at <= ended.unwrap_or(latest);
    let lowest = changes.filter(within).map(count).min().unwrap_or(instances);
    let known = latest.min(until);
    let values = |quantity: Quantity, pods: &[&Pod]| {
        let all = pods.iter().filter_map(|pod| quantity.of(pod, known));
        all.map(|(seconds, over)| (seconds as f64, over)).collect()
    };
    let revision = versions[index].revision.map_or(String::new(), |r| format!("revision {r}, "));
    Past {
        name: format!("{revision}{}", versions[index].hash),
        instances: instances as u32,
        duration: ended.map(|ended| (ended - begun) as f64),
        available_min: lowest.min(instances) as u32,
        starts: values(Quantity::Start, &new),
        exits: values(Quantity::Exit, &old),
        tick: 1.0,
        strategy: None,
    }
}

/// A recorded rollout of a Deployment.
pub(super) fn of_recording(
    recording: &Recording,
    defaults: &KubernetesDeployment,
) -> Result<Past, String> {
    if recording.kind != Kind::Deployment {
        return Err(format!("is a {}; only Deployments are played", recording.kind.name()));
    }
    let spec = &recording.spec;
    if spec.recreate || !spec.ops.is_empty() || recording.spec.behaviour.iter().any(Option::is_some)
    {
        return Err("is no plain rolling update".to_owned());
    }
    let strategy = KubernetesDeployment {
        max_surge: spec.max_surge.unwrap_or(defaults.max_surge),
        max_unavailable: spec.max_unavailable.unwrap_or(defaults.max_unavailable),
        min_ready: spec.min_ready,
        progress_deadline: spec.progress_deadline,
        ..defaults.clone()
    };
    let over = |value: f64| (value, true);
    Ok(Past {
        name: recording.id.clone(),
        instances: spec.replicas,
        duration: recording.summary.duration,
        available_min: recording.summary.available_min,
        starts: recording.pods.iter().filter_map(|pod| pod.start().map(over)).collect(),
        exits: recording.pods.iter().filter_map(|pod| pod.stop().map(over)).collect(),
        tick: 0.0,
        strategy: Some(strategy),
    })
}
