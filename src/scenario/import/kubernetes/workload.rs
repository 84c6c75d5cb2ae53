//! What all workloads of Kubernetes have in common: pods, their number, how they stop.

use std::fmt::Debug;

use serde_json::Value;

use super::documents::{count_at, title};
use super::neighbours::Autoscaler;
use super::pod::{self, Pod};
use super::{argo, daemonset, deployment, flagger, statefulset};
use crate::scenario::import::fields::Fields;
use crate::scenario::import::toml_text::TomlText;
use crate::scenario::import::{ImportError, Options, parts};
use crate::units::{CountOrPercent, Span};

/// A workload with the settings that matter to a rollout.
#[derive(Debug)]
pub(super) struct Workload {
    /// `Deployment/cart`.
    pub(super) title: String,
    /// `metadata.name`.
    pub(super) name: String,
    /// `spec.replicas`.
    pub(super) replicas: Stated<u32>,
    /// `minReadySeconds`.
    pub(super) min_ready: Stated<u32>,
    /// `progressDeadlineSeconds`.
    pub(super) progress_deadline: Stated<u32>,
    /// `terminationGracePeriodSeconds`.
    pub(super) grace: Stated<u32>,
    /// `spec.paused`.
    pub(super) paused: bool,
    /// The pods.
    pub(super) pod: Pod,
    /// How it rolls.
    pub(super) rules: Box<dyn Rules>,
    /// Keys of `spec` that nobody reads.
    pub(super) unused: Vec<String>,
}

/// What is special to a kind of workload.
pub(super) trait Rules: Debug {
    /// Available pods that the strategy keeps, and how that comes about.
    fn floor(&self, n: u32) -> (u32, String);
    /// Waves, one after the other.
    fn waves(&self, n: u32) -> u32;
    /// Waiting beside them.
    fn pauses(&self) -> Span {
        Span::ZERO
    }
    /// Why it waits for a person, if it does.
    fn waits(&self) -> Option<String> {
        None
    }
    /// Notes for the top of the file.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
    /// The strategy's table.
    fn write(&self, out: &mut TomlText, workload: &Workload, n: u32);
    /// For the list of what was read: what stands between replicas and grace period.
    fn text(&self, workload: &Workload, n: u32) -> String;
    /// More lines of what was read.
    fn read_list(&self) -> Vec<String> {
        Vec::new()
    }
    /// What is not modelled.
    fn ignored(&self) -> Vec<String> {
        Vec::new()
    }
    /// Who rolls back.
    fn pipeline(&self) -> &'static str {
        "nobody rolls back: Kubernetes itself never does"
    }
}

/// A value and whether the manifest states it; otherwise it is the API's default.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stated<T> {
    /// The value.
    pub(super) value: T,
    /// The manifest has it.
    pub(super) stated: bool,
}

impl<T> Stated<T> {
    /// What is stated, or the default.
    pub(super) fn or(value: Option<T>, default: T) -> Self {
        match value {
            Some(value) => Self { value, stated: true },
            None => Self { value: default, stated: false },
        }
    }

    /// The key, and whether its value is the API's default.
    pub(super) fn source(&self, key: &str) -> String {
        if self.stated { key.to_owned() } else { format!("no {key}: API default") }
    }

    /// Appended to a value in lists.
    pub(super) fn mark(&self) -> &'static str {
        if self.stated { "" } else { " (default)" }
    }
}

/// Kinds that can be imported.
pub(super) const KINDS: [&str; 5] = ["Deployment", "StatefulSet", "DaemonSet", "Rollout", "Canary"];

/// Keys of a workload's `spec` that all kinds read, or that select what is theirs.
const SPEC: [&str; 7] = [
    "replicas",
    "minReadySeconds",
    "progressDeadlineSeconds",
    "paused",
    "selector",
    "template",
    "serviceName",
];

impl Workload {
    /// Reads one; `pods` is the object that has its pod template: itself, except where another
    /// controller drives a Deployment.
    pub(super) fn read(
        object: &Value,
        pods: &Value,
        objects: &[Value],
    ) -> Result<Self, ImportError> {
        let place = title(object);
        let kind = object.get("kind").and_then(Value::as_str).unwrap_or("?");
        let name = object
            .pointer("/metadata/name")
            .and_then(Value::as_str)
            .ok_or_else(|| ImportError::new(format!("a {kind} has no metadata.name")))?;
        let root = Fields::root(object)?;
        let spec = root.child("spec")?;
        spec.skip(&SPEC);
        let rules: Box<dyn Rules> = match kind {
            "StatefulSet" => Box::new(statefulset::read(&spec)?),
            "DaemonSet" => Box::new(daemonset::read(&spec)?),
            "Rollout" => argo::read(&spec, objects)?,
            "Canary" => Box::new(flagger::read(&spec, pods)?),
            _ => Box::new(deployment::read(object, &place)?),
        };
        let nothing = Value::Null;
        let template = pods.pointer("/spec/template/spec").unwrap_or(&nothing);
        let pod_place = title(pods);
        let pod = pod::read(template, &pod_place)?;
        let count = |pointer: &str| count_at(pods, pointer, &pod_place);
        let own = |pointer: &str| count_at(object, pointer, &place);
        let replicas = match own("/spec/replicas")? {
            Some(replicas) => Some(replicas),
            None => count("/spec/replicas")?,
        };
        if kind == "Deployment" {
            spec.skip(&["strategy"]);
        }
        Ok(Self {
            name: name.to_owned(),
            replicas: Stated::or(replicas, 1),
            min_ready: Stated::or(
                own("/spec/minReadySeconds")?.or(count("/spec/minReadySeconds")?),
                0,
            ),
            progress_deadline: Stated::or(own("/spec/progressDeadlineSeconds")?, 600),
            grace: Stated::or(pod.grace, 30),
            paused: is_true(object.pointer("/spec/paused")),
            unused: spec.unread("spec."),
            title: place,
            pod,
            rules,
        })
    }

    /// `minReadySeconds` and `progressDeadlineSeconds` of a Deployment or a Rollout.
    pub(super) fn write_deadlines(&self, out: &mut TomlText, what: &str) {
        self.write_min_ready(out);
        let source = self.progress_deadline.source("progressDeadlineSeconds");
        let deadline = Span::from_secs(self.progress_deadline.value.into());
        out.value("progress_deadline", &parts::quoted_secs(deadline), &format!("{source}{what}"));
    }

    /// `minReadySeconds`.
    pub(super) fn write_min_ready(&self, out: &mut TomlText) {
        let source = self.min_ready.source("minReadySeconds");
        let span = Span::from_secs(self.min_ready.value.into());
        out.value("min_ready", &parts::quoted_secs(span), &source);
    }
}

/// How many pods there are, and who says so.
#[derive(Debug)]
pub(super) struct Instances {
    /// So many.
    pub(super) count: u32,
    /// Where the number comes from.
    pub(super) why: String,
    /// The range in which it may lie, if nobody stated it.
    pub(super) range: Option<String>,
}

/// Pods to roll: what the user says, then `spec.replicas`, and where an autoscaler keeps more
/// than the API's default of one, its minimum. A `DaemonSet` has one on every node.
pub(super) fn instances(
    workload: &Workload,
    object: &Value,
    autoscaler: Option<&Autoscaler>,
    options: Options<'_>,
) -> Instances {
    if let Some(count) = options.instances {
        return Instances { count, why: "given with -n".to_owned(), range: None };
    }
    if object.get("kind").and_then(Value::as_str) == Some("DaemonSet") {
        let nodes = object.pointer("/status/desiredNumberScheduled").and_then(Value::as_u64);
        return if let Some(count) =
            nodes.and_then(|nodes| u32::try_from(nodes).ok()).filter(|n| *n > 0)
        {
            Instances { count, why: "status.desiredNumberScheduled".to_owned(), range: None }
        } else {
            let why = "a pod on every node; give their number with -n".to_owned();
            Instances { count: 5, why, range: Some("1..100".to_owned()) }
        };
    }
    match autoscaler {
        Some(scaler) if !workload.replicas.stated => Instances {
            count: scaler.min.max(1),
            why: format!("no spec.replicas; {} keeps at least so many", scaler.title),
            range: Some(format!("{}..{}", scaler.min.max(1), scaler.max.max(scaler.min))),
        },
        _ => {
            let source = workload.replicas.source("spec.replicas");
            let why = format!("{source}; write what is live");
            Instances { count: workload.replicas.value, why, range: None }
        }
    }
}

/// kubectl also takes the words that YAML 1.1 had for true.
fn is_true(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(value)) => *value,
        Some(Value::String(word)) => ["yes", "on"].contains(&word.to_lowercase().as_str()),
        _ => false,
    }
}

/// The API's `IntOrString`: a whole number, or a percentage as text.
pub(super) fn int_or_percent(
    value: Option<&Value>,
    place: &str,
) -> Result<Option<CountOrPercent>, ImportError> {
    let parsed = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => {
            let count = number.as_u64().and_then(|n| u32::try_from(n).ok());
            count.map(CountOrPercent::Count)
        }
        Some(Value::String(text)) if text.ends_with('%') => text.parse().ok(),
        Some(_) => None,
    };
    parsed.map(Some).ok_or_else(|| {
        let shown = value.map(ToString::to_string).unwrap_or_default();
        ImportError::new(format!("{place} is {shown}, neither a whole number nor a percentage"))
            .hint("Kubernetes takes 3 or \"25%\"")
    })
}
