//! The file as it is written; what rollcast does not use is left out.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
pub(super) struct File {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) class: String,
    pub(super) kubernetes_version: String,
    #[serde(default)]
    pub(super) control_plane: String,
    pub(super) t0_unix: f64,
    pub(super) spec: Spec,
    pub(super) initial: Initial,
    #[serde(default)]
    pub(super) lab_noise: Noise,
    pub(super) events: Vec<Event>,
    pub(super) summary: Summary,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec {
    #[serde(default)]
    pub(super) replicas: Option<u32>,
    #[serde(default)]
    pub(super) nodes: Option<u32>,
    #[serde(default)]
    pub(super) strategy: Option<String>,
    #[serde(default)]
    pub(super) max_surge: Option<Amount>,
    #[serde(default)]
    pub(super) max_unavailable: Option<Amount>,
    #[serde(default)]
    pub(super) min_ready_seconds: u64,
    #[serde(default)]
    pub(super) progress_deadline_seconds: Option<u64>,
    #[serde(default)]
    pub(super) pod_management_policy: Option<String>,
    #[serde(default)]
    pub(super) partition: u32,
    pub(super) delays: BTreeMap<String, Delays>,
    #[serde(default)]
    pub(super) behaviour: Option<BTreeMap<String, Behaviour>>,
    #[serde(default)]
    pub(super) ops: Option<Vec<Op>>,
    #[serde(default, rename = "max_record_s")]
    pub(super) max_record: Option<f64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Amount {
    Count(u32),
    Text(String),
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Delays {
    pub(super) start: Seconds,
    pub(super) term: Seconds,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Seconds {
    One(f64),
    Many(Vec<f64>),
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Behaviour {
    #[serde(rename = "type")]
    pub(super) what: String,
    #[serde(default)]
    pub(super) after_s: Option<f64>,
    #[serde(default)]
    pub(super) restart_s: Option<f64>,
    #[serde(default)]
    pub(super) times: Option<u32>,
    #[serde(default)]
    pub(super) only_ordinals: Option<Vec<u32>>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Op {
    pub(super) at_s: f64,
    #[serde(rename = "op")]
    pub(super) what: String,
    #[serde(default)]
    pub(super) version: Option<String>,
    #[serde(default)]
    pub(super) replicas: Option<u32>,
    #[serde(default)]
    pub(super) partition: Option<u32>,
    #[serde(default)]
    pub(super) count: Option<u32>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Initial {
    pub(super) pods: Vec<InitialPod>,
    #[serde(default)]
    pub(super) objects: Vec<BTreeMap<String, Value>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct InitialPod {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) ordinal: u32,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Noise {
    #[serde(default, rename = "p50_ms")]
    pub(super) p50: f64,
    #[serde(default, rename = "p90_ms")]
    pub(super) p90: f64,
    #[serde(default, rename = "max_ms")]
    pub(super) max: f64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Event {
    pub(super) t_s: f64,
    pub(super) kind: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) version: Option<String>,
    pub(super) field: String,
    #[serde(default)]
    pub(super) new: Value,
}

#[derive(Debug, Deserialize)]
pub(super) struct Summary {
    pub(super) rollout_duration_s: Option<f64>,
    pub(super) target_version: String,
    pub(super) min_available: u32,
    pub(super) max_pods_active: u32,
    pub(super) final_ok: bool,
    #[serde(default)]
    pub(super) sequence: Vec<Value>,
    #[serde(default)]
    pub(super) sequence_timed: Option<Vec<TimedSizes>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TimedSizes {
    pub(super) t_s: f64,
    pub(super) by_version: BTreeMap<String, u32>,
}
