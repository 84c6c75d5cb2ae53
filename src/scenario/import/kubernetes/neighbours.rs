//! Objects beside a Deployment that bear on its pods: disruption budgets, services, autoscalers.
//!
//! Source: `pkg/controller/disruption/disruption.go` (percentages of a budget are rounded up,
//! both ways); `apimachinery/pkg/apis/meta/v1`, `LabelSelectorAsSelector`.

use serde_json::Value;

use super::documents::{count_at, items_at, text_at, title};
use super::workload::int_or_percent;
use crate::scenario::import::ImportError;
use crate::units::Rounding;

/// A `PodDisruptionBudget` over the Deployment's pods.
#[derive(Debug)]
pub(super) struct Budget {
    /// `PodDisruptionBudget/cart minAvailable 9`.
    pub(super) text: String,
    /// Pods it would keep.
    pub(super) keeps: u32,
}

/// An autoscaler of the Deployment.
#[derive(Debug)]
pub(super) struct Autoscaler {
    /// `HorizontalPodAutoscaler/cart`.
    pub(super) title: String,
    /// `minReplicas`, default 1.
    pub(super) min: u32,
    /// `maxReplicas`.
    pub(super) max: u32,
}

/// The autoscaler that aims at `target`, if one does.
pub(super) fn autoscaler(
    objects: &[Value],
    target: &Value,
) -> Result<Option<Autoscaler>, ImportError> {
    let aims = |object: &&Value| {
        text_at(object, "/kind") == "HorizontalPodAutoscaler"
            && same_namespace(object, target)
            && text_at(object, "/spec/scaleTargetRef/kind") == text_at(target, "/kind")
            && text_at(object, "/spec/scaleTargetRef/name") == text_at(target, "/metadata/name")
    };
    let Some(object) = objects.iter().find(aims) else { return Ok(None) };
    let title = title(object);
    let min = count_at(object, "/spec/minReplicas", &title)?.unwrap_or(1);
    let max = count_at(object, "/spec/maxReplicas", &title)?.unwrap_or(min);
    Ok(Some(Autoscaler { title, min, max }))
}

/// Budgets that select the pods of `target`, when it has `replicas`.
pub(super) fn budgets(
    objects: &[Value],
    target: &Value,
    replicas: u32,
) -> Result<Vec<Budget>, ImportError> {
    let mut found = Vec::new();
    for object in objects {
        if text_at(object, "/kind") != "PodDisruptionBudget"
            || !same_namespace(object, target)
            || !object.pointer("/spec/selector").is_some_and(|s| selects(s, labels(target)))
        {
            continue;
        }
        let title = title(object);
        let read = |key: &str| {
            let value = object.pointer(&format!("/spec/{key}"));
            int_or_percent(value, &format!("{title}: {key}"))
        };
        if let Some(amount) = read("minAvailable")? {
            let keeps = amount.of(replicas, Rounding::Up).min(replicas);
            found.push(Budget { text: format!("{title} minAvailable {amount}"), keeps });
        } else if let Some(amount) = read("maxUnavailable")? {
            let keeps = replicas.saturating_sub(amount.of(replicas, Rounding::Up));
            found.push(Budget { text: format!("{title} maxUnavailable {amount}"), keeps });
        }
    }
    Ok(found)
}

/// Services that send to the pods of `target`: title and type.
pub(super) fn services(objects: &[Value], target: &Value) -> Vec<(String, String)> {
    let sends = |object: &&Value| {
        text_at(object, "/kind") == "Service"
            && same_namespace(object, target)
            && object.pointer("/spec/selector").and_then(Value::as_object).is_some_and(|wanted| {
                !wanted.is_empty()
                    && wanted.iter().all(|(key, v)| labels(target).get(key) == Some(v))
            })
    };
    let kind = |object: &Value| match text_at(object, "/spec/type") {
        "?" => "ClusterIP".to_owned(),
        kind => kind.to_owned(),
    };
    objects.iter().filter(sends).map(|object| (title(object), kind(object))).collect()
}

fn labels(target: &Value) -> &Value {
    target.pointer("/spec/template/metadata/labels").unwrap_or(&Value::Null)
}

/// Objects without a namespace go where the others go.
fn same_namespace(a: &Value, b: &Value) -> bool {
    let (a, b) = (text_at(a, "/metadata/namespace"), text_at(b, "/metadata/namespace"));
    a == b || a == "?" || b == "?"
}

/// A label selector; an empty one selects everything.
fn selects(selector: &Value, labels: &Value) -> bool {
    let exact = selector.pointer("/matchLabels").and_then(Value::as_object);
    let exact = exact.is_none_or(|m| m.iter().all(|(key, v)| labels.get(key) == Some(v)));
    exact
        && items_at(selector, "/matchExpressions").iter().all(|expression| {
            let label = labels.get(text_at(expression, "/key"));
            let listed = label.is_some_and(|l| items_at(expression, "/values").contains(l));
            match text_at(expression, "/operator") {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => label.is_some(),
                "DoesNotExist" => label.is_none(),
                _ => false,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_follow_the_apis_rules() {
        let labels = json!({ "app": "cart", "tier": "web" });
        assert!(selects(&json!({}), &labels));
        assert!(selects(&json!({ "matchLabels": { "app": "cart" } }), &labels));
        assert!(!selects(&json!({ "matchLabels": { "app": "cart", "x": "y" } }), &labels));
        let expression = |key: &str, operator: &str, values: Value| {
            let expression = json!({ "key": key, "operator": operator, "values": values });
            json!({ "matchExpressions": [expression] })
        };
        assert!(selects(&expression("app", "In", json!(["shop", "cart"])), &labels));
        assert!(!selects(&expression("app", "NotIn", json!(["cart"])), &labels));
        assert!(selects(&expression("x", "NotIn", json!(["cart"])), &labels));
        assert!(selects(&expression("tier", "Exists", json!(null)), &labels));
        assert!(!selects(&expression("tier", "DoesNotExist", json!(null)), &labels));
    }

    #[test]
    fn budgets_round_up_both_ways() {
        let target = json!({ "spec": { "template": { "metadata": { "labels": { "a": "b" } } } } });
        let budget = |key: &str, value: Value| {
            let object = json!({ "kind": "PodDisruptionBudget", "metadata": { "name": "p" },
                "spec": { "selector": { "matchLabels": { "a": "b" } }, key: value } });
            budgets(&[object], &target, 7).unwrap().pop().unwrap().keeps
        };
        assert_eq!(budget("minAvailable", json!("50%")), 4);
        assert_eq!(budget("maxUnavailable", json!("50%")), 3);
        assert_eq!(budget("minAvailable", json!(9)), 7);
    }
}
