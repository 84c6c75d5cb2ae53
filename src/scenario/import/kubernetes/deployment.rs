//! A Deployment object, with the API's defaults and its arithmetic.
//!
//! Source: `pkg/apis/apps/v1/defaults.go`, `SetDefaults_Deployment`;
//! `pkg/controller/deployment/util/deployment_util.go`, `ResolveFenceposts`.

use serde_json::Value;

use super::documents::{count_at, title};
use super::pod::{self, Pod};
use crate::scenario::import::ImportError;
use crate::units::{CountOrPercent, Rounding};

/// The settings of a Deployment that matter to a rollout.
#[derive(Debug)]
pub(super) struct Deployment {
    /// `Deployment/cart`.
    pub(super) title: String,
    /// `metadata.name`.
    pub(super) name: String,
    /// `spec.replicas`.
    pub(super) replicas: Stated<u32>,
    /// `spec.strategy.type` is `Recreate`.
    pub(super) recreate: Stated<bool>,
    /// `maxSurge`.
    pub(super) surge: Stated<CountOrPercent>,
    /// `maxUnavailable`.
    pub(super) unavailable: Stated<CountOrPercent>,
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
    fn or(value: Option<T>, default: T) -> Self {
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

impl Deployment {
    /// Reads one.
    pub(super) fn read(object: &Value) -> Result<Self, ImportError> {
        let place = title(object);
        let name = object
            .pointer("/metadata/name")
            .and_then(Value::as_str)
            .ok_or_else(|| ImportError::new("a Deployment has no metadata.name".to_owned()))?;
        let count = |pointer: &str| count_at(object, pointer, &place);
        let recreate = match object.pointer("/spec/strategy/type") {
            None | Some(Value::Null) => None,
            Some(Value::String(kind)) if kind == "RollingUpdate" => Some(false),
            Some(Value::String(kind)) if kind == "Recreate" => Some(true),
            Some(other) => {
                return Err(ImportError::new(format!("{place}: strategy type {other} is unknown"))
                    .hint("Deployments know RollingUpdate and Recreate"));
            }
        };
        let nothing = Value::Null;
        let pod = pod::read(object.pointer("/spec/template/spec").unwrap_or(&nothing), &place)?;
        let quarter = CountOrPercent::Percent(25.0);
        let surge = amount(object, "maxSurge", &place)?;
        let unavailable = amount(object, "maxUnavailable", &place)?;
        let deployment = Self {
            name: name.to_owned(),
            replicas: Stated::or(count("/spec/replicas")?, 1),
            recreate: Stated::or(recreate, false),
            surge: Stated::or(surge, quarter),
            unavailable: Stated::or(unavailable, quarter),
            min_ready: Stated::or(count("/spec/minReadySeconds")?, 0),
            progress_deadline: Stated::or(count("/spec/progressDeadlineSeconds")?, 600),
            grace: Stated::or(pod.grace, 30),
            paused: is_true(object.pointer("/spec/paused")),
            title: place,
            pod,
        };
        let both_zero = deployment.surge.value.is_zero() && deployment.unavailable.value.is_zero();
        if both_zero && !deployment.recreate.value {
            let message = format!("{}: maxSurge and maxUnavailable are both 0", deployment.title);
            return Err(ImportError::new(message)
                .hint("the API refuses that: nothing could ever be replaced"));
        }
        Ok(deployment)
    }

    /// Pods above and below `replicas` while rolling: surge rounded up, unavailable rounded
    /// down; if both come out as 0, one may be unavailable.
    pub(super) fn fenceposts(&self, replicas: u32) -> (u32, u32) {
        let surge = self.surge.value.of(replicas, Rounding::Up);
        let unavailable = self.unavailable.value.of(replicas, Rounding::Down);
        match (surge, unavailable) {
            (0, 0) => (0, 1.min(replicas)),
            (surge, unavailable) => (surge, unavailable.min(replicas)),
        }
    }

    /// Available pods that the strategy keeps.
    pub(super) fn floor(&self, replicas: u32) -> u32 {
        if self.recreate.value { 0 } else { replicas - self.fenceposts(replicas).1 }
    }
}

fn amount(object: &Value, key: &str, place: &str) -> Result<Option<CountOrPercent>, ImportError> {
    let value = object.pointer("/spec/strategy/rollingUpdate").and_then(|r| r.get(key));
    int_or_percent(value, &format!("{place}: {key}"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment(spec: &Value) -> Result<Deployment, ImportError> {
        let mut object = json!({ "kind": "Deployment", "metadata": { "name": "x" }, "spec": spec });
        object["spec"]["template"] = json!({ "spec": { "containers": [{ "name": "a" }] } });
        Deployment::read(&object)
    }

    #[test]
    fn defaults_are_the_apis_and_marked_as_such() {
        let d = deployment(&json!({ "replicas": null })).unwrap();
        assert_eq!(d.replicas, Stated { value: 1, stated: false });
        assert_eq!((d.min_ready.value, d.progress_deadline.value, d.grace.value), (0, 600, 30));
        assert_eq!(d.fenceposts(4), (1, 1));
        // 25% of 1: surge 1, unavailable 0.
        assert_eq!((d.fenceposts(1), d.floor(1)), ((1, 0), 1));
        assert_eq!((d.fenceposts(10), d.floor(10)), ((3, 2), 8));
    }

    #[test]
    fn counts_percentages_and_fenceposts() {
        let rolling = |surge: Value, unavailable: Value| {
            deployment(&json!({ "strategy": { "rollingUpdate": {
                "maxSurge": surge, "maxUnavailable": unavailable } } }))
        };
        let d = rolling(json!(0), json!("10%")).unwrap();
        assert_eq!(d.fenceposts(5), (0, 1), "both round to 0");
        assert_eq!(rolling(json!(3), json!("50%")).unwrap().fenceposts(5), (3, 2));
        assert!(rolling(json!(0), json!("0%")).unwrap_err().message.contains("both 0"));
        let error = rolling(json!("3"), json!(1)).unwrap_err();
        assert_eq!(
            error.message,
            "Deployment/x: maxSurge is \"3\", neither a whole number nor a percentage"
        );
        let error = deployment(&json!({ "strategy": { "type": "BlueGreen" } })).unwrap_err();
        assert!(error.message.contains("BlueGreen"));
        assert_eq!(deployment(&json!({ "strategy": { "type": "Recreate" } })).unwrap().floor(9), 0);
    }
}
