//! The pods of a recording, from its events.

use std::collections::BTreeMap;

use super::raw;
use super::version;
use crate::trace::VersionId;
use crate::trace::recorded::RecordingError;

/// One pod's life; seconds since the template was changed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pod {
    /// What it runs.
    pub version: VersionId,
    /// Deployment: its place among the pods of its version, in order of creation; `StatefulSet`:
    /// its index; `DaemonSet`: its node's index.
    pub ordinal: u32,
    /// When its object appeared; below zero for those that were there before.
    pub created: f64,
    /// When it was given a node.
    pub scheduled: Option<f64>,
    /// When its readiness changed, and to what.
    pub ready: Vec<(f64, bool)>,
    /// When its phase became `Failed`.
    pub failed: Option<f64>,
    /// When it was told to stop.
    pub deleted: Option<f64>,
    /// When its object was gone.
    pub gone: Option<f64>,
}

impl Pod {
    /// Scheduled → ready for the first time, in seconds.
    pub fn start(&self) -> Option<f64> {
        let first = self.ready.iter().find(|(at, ready)| *ready && *at >= 0.0)?;
        Some(first.0 - self.scheduled?)
    }

    /// Told to stop → gone, in seconds.
    pub fn stop(&self) -> Option<f64> {
        Some(self.gone? - self.deleted?)
    }

    /// Ready → not ready, and the way back, each time it crashed, in seconds.
    pub fn crashes(&self) -> (Vec<f64>, Vec<f64>) {
        let (mut after, mut back) = (Vec::new(), Vec::new());
        for pair in self.ready.windows(2) {
            let spent = pair[1].0 - pair[0].0;
            match (pair[0].1, pair[1].1) {
                (true, false) => after.push(spent),
                (false, true) => back.push(spent),
                _ => {}
            }
        }
        (after, back)
    }

    /// Ready (or, if it never was, scheduled) → failed, in seconds.
    pub fn failure(&self) -> Option<f64> {
        let failed = self.failed?;
        let ready = self.ready.iter().rfind(|(at, ready)| *ready && *at <= failed);
        Some(failed - ready.map(|(at, _)| *at).or(self.scheduled)?)
    }
}

pub(super) fn read(file: &raw::File) -> Result<Vec<Pod>, RecordingError> {
    let mut pods: Vec<Pod> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for pod in &file.initial.pods {
        places.insert(&pod.name, pods.len());
        pods.push(Pod {
            version: version(&pod.version)?,
            ordinal: pod.ordinal,
            created: -1.0,
            scheduled: Some(-1.0),
            ready: vec![(-1.0, true)],
            ..Pod::default()
        });
    }
    for event in file.events.iter().filter(|event| event.kind == "Pod") {
        if event.field == "created" {
            let name = event.version.as_deref().unwrap_or_default();
            let ordinal = event.new.get("ordinal").and_then(serde_json::Value::as_u64);
            let ordinal = ordinal.unwrap_or(0) as u32;
            places.insert(&event.name, pods.len());
            let created = event.t_s;
            pods.push(Pod { version: version(name)?, ordinal, created, ..Pod::default() });
            continue;
        }
        let Some(pod) = places.get(event.name.as_str()).map(|place| &mut pods[*place]) else {
            let message = format!("pod `{}` changes but was never created", event.name);
            return Err(RecordingError::Damaged(message));
        };
        match event.field.as_str() {
            "scheduled" => pod.scheduled = Some(event.t_s),
            "ready" => pod.ready.push((event.t_s, event.new == true)),
            "phase" if event.new == "Failed" => pod.failed = Some(event.t_s),
            "deletionTimestamp" => pod.deleted = Some(event.t_s),
            "gone" => pod.gone = Some(event.t_s),
            _ => {}
        }
    }
    Ok(pods)
}
