//! A Deployment object, with the API's defaults and its arithmetic.
//!
//! Source: `pkg/apis/apps/v1/defaults.go`, `SetDefaults_Deployment`;
//! `pkg/controller/deployment/util/deployment_util.go`, `ResolveFenceposts`.

use serde_json::Value;

use super::workload::{Rules, Stated, Workload, int_or_percent};
use crate::scenario::import::ImportError;
use crate::scenario::import::parts;
use crate::scenario::import::toml_text::{TomlText, quoted};
use crate::units::{CountOrPercent, Rounding};

/// How a Deployment rolls.
#[derive(Debug)]
pub(super) struct Deployment {
    /// `spec.strategy.type` is `Recreate`.
    recreate: Stated<bool>,
    /// `maxSurge`.
    pub(super) surge: Stated<CountOrPercent>,
    /// `maxUnavailable`.
    pub(super) unavailable: Stated<CountOrPercent>,
}

/// Reads `spec.strategy`.
pub(super) fn read(object: &Value, place: &str) -> Result<Deployment, ImportError> {
    let path = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
    let recreate = match object.pointer("/spec/strategy/type") {
        None | Some(Value::Null) => None,
        Some(Value::String(kind)) if kind == "RollingUpdate" => Some(false),
        Some(Value::String(kind)) if kind == "Recreate" => Some(true),
        Some(other) => {
            return Err(ImportError::new(format!("{place}: strategy type {other} is unknown"))
                .hint("Deployments know RollingUpdate and Recreate")
                .at(path(&["spec", "strategy", "type"])));
        }
    };
    let amount = |key: &str| {
        let value = object.pointer("/spec/strategy/rollingUpdate").and_then(|r| r.get(key));
        int_or_percent(value, &format!("{place}: {key}"))
            .map_err(|error| error.at(path(&["spec", "strategy", "rollingUpdate", key])))
    };
    let quarter = CountOrPercent::Percent(25.0);
    let rules = Deployment {
        recreate: Stated::or(recreate, false),
        surge: Stated::or(amount("maxSurge")?, quarter),
        unavailable: Stated::or(amount("maxUnavailable")?, quarter),
    };
    if rules.surge.value.is_zero() && rules.unavailable.value.is_zero() && !rules.recreate.value {
        let message = format!("{place}: maxSurge and maxUnavailable are both 0");
        return Err(ImportError::new(message)
            .hint("the API refuses that: nothing could ever be replaced")
            .at(path(&["spec", "strategy", "rollingUpdate"])));
    }
    Ok(rules)
}

impl Deployment {
    /// Pods above and below `replicas` while rolling: surge rounded up, unavailable rounded
    /// down; if both come out as 0, one may be unavailable.
    pub(super) fn fenceposts(&self, replicas: u32) -> (u32, u32) {
        fenceposts(self.surge.value, self.unavailable.value, replicas)
    }
}

/// The same of any two amounts; Argo Rollouts follow this rule too.
pub(super) fn fenceposts(
    surge: CountOrPercent,
    unavailable: CountOrPercent,
    replicas: u32,
) -> (u32, u32) {
    let surge = surge.of(replicas, Rounding::Up);
    let unavailable = unavailable.of(replicas, Rounding::Down);
    match (surge, unavailable) {
        (0, 0) => (0, 1.min(replicas)),
        (surge, unavailable) => (surge, unavailable.min(replicas)),
    }
}

impl Rules for Deployment {
    fn floor(&self, n: u32) -> (u32, String) {
        if self.recreate.value {
            return (0, String::new());
        }
        let (_, down) = self.fenceposts(n);
        (n - down, format!("replicas {n} - unavailable {down}, as the strategy means"))
    }

    fn waves(&self, n: u32) -> u32 {
        let (surge, unavailable) = self.fenceposts(n);
        if self.recreate.value { 1 } else { n.div_ceil((surge + unavailable).max(1)).max(1) }
    }

    fn write(&self, out: &mut TomlText, workload: &Workload, n: u32) {
        out.table("strategy.kubernetes");
        let source = self.recreate.source("spec.strategy.type");
        if self.recreate.value {
            out.value("type", &quoted("Recreate"), &format!("{source}: all stop, then all start"));
        } else {
            let (surge, unavailable) = self.fenceposts(n);
            out.value("type", &quoted("RollingUpdate"), &source);
            let source = self.surge.source("maxSurge");
            let comment = format!("{source}; rounded up, {surge} of {n}");
            out.value("max_surge", &parts::amount(self.surge.value), &comment);
            let source = self.unavailable.source("maxUnavailable");
            let comment = format!("{source}; rounded down, {unavailable} of {n}");
            out.value("max_unavailable", &parts::amount(self.unavailable.value), &comment);
        }
        workload.write_deadlines(out, "; only reported");
    }

    fn text(&self, workload: &Workload, n: u32) -> String {
        let deadline = workload.progress_deadline;
        let deadline = format!("progressDeadlineSeconds {}{}", deadline.value, deadline.mark());
        if self.recreate.value {
            return format!("strategy Recreate, {deadline}");
        }
        let (surge, unavailable) = self.fenceposts(n);
        format!(
            "strategy RollingUpdate{}, maxSurge {} → {surge}{}, \
             maxUnavailable {} → {unavailable}{}, {deadline}",
            self.recreate.mark(),
            self.surge.value,
            self.surge.mark(),
            self.unavailable.value,
            self.unavailable.mark()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment(spec: &Value) -> Result<Deployment, ImportError> {
        read(&json!({ "spec": spec }), "Deployment/x")
    }

    #[test]
    fn defaults_are_the_apis_and_marked_as_such() {
        let d = deployment(&json!({ "strategy": null })).unwrap();
        assert_eq!(d.surge, Stated { value: CountOrPercent::Percent(25.0), stated: false });
        assert_eq!(d.fenceposts(4), (1, 1));
        // 25% of 1: surge 1, unavailable 0.
        assert_eq!((d.fenceposts(1), d.floor(1).0), ((1, 0), 1));
        assert_eq!((d.fenceposts(10), d.floor(10).0), ((3, 2), 8));
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
        assert_eq!(
            deployment(&json!({ "strategy": { "type": "Recreate" } })).unwrap().floor(9).0,
            0
        );
    }
}
