//! The answer for a system as one JSON document (`docs/system.schema.json`).

use serde_json::{Value, json};

use super::{expand_and_contract, name, reason};
use crate::study::system::orders::Constraint;
use crate::study::system::{Spread, SystemResult};

/// What `schema` says in every document.
pub const SCHEMA: &str = "rollcast-system/1";

/// One JSON document, with a line end at the end.
pub fn render(result: &SystemResult) -> String {
    let document = Document { schema: SCHEMA, answer: value(result) };
    let mut text = serde_json::to_string_pretty(&document).expect("a result is plain data");
    text.push('\n');
    text
}

/// What the document is stands first: by that a file of ours is known.
#[derive(serde::Serialize)]
struct Document {
    schema: &'static str,
    #[serde(flatten)]
    answer: Value,
}

fn value(result: &SystemResult) -> Value {
    let system = &result.system;
    let of = |service: &usize| name(system, *service);
    let names = |services: &[usize]| services.iter().map(of).collect::<Vec<_>>();
    let services = system.services.iter().zip(&result.lanes).map(|(service, lane)| {
        json!({
            "name": service.name,
            "needs": names(&service.needs),
            "begins_s": spread(lane.begins),
            "duration_s": spread(lane.duration),
            "complete_s": spread(lane.ends),
            "old_serves_on_s": spread(lane.lingers),
            "load": spread(lane.load),
            "runs_stopped": lane.stopped,
            "new_share": lane.new,
        })
    });
    let pairs = result.pairs.iter().map(|pair| {
        json!({
            "caller": name(system, pair.caller),
            "callee": name(system, pair.callee),
            "failing_s": spread(Some(pair.seconds)),
            "peak": spread(Some(pair.peak)),
            "lost_s": pair.lost,
        })
    });
    let entries = result.entries.iter().map(|entry| {
        json!({
            "service": name(system, entry.service),
            "peak": spread(Some(entry.peak)),
            "lost_s": spread(Some(entry.lost)),
            "error_share": entry.errors,
        })
    });
    let constraint = |constraint: &Constraint| {
        json!({
            "first": name(system, constraint.first),
            "then": name(system, constraint.then),
            "because": reason(system, constraint),
        })
    };
    let constraints = |all: &[Constraint]| all.iter().map(constraint).collect::<Vec<_>>();
    let orders = &result.orders;
    let pace = orders.pace.as_ref().map(|after| {
        let of = |(service, after): (usize, &Vec<usize>)| {
            json!({ "service": name(system, service), "after": names(after) })
        };
        after.iter().enumerate().map(of).collect::<Vec<_>>()
    });
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "runs": result.runs,
        "seed": result.seed,
        "compatible": result.is_compatible(),
        "tolerate": system.tolerate.0,
        "completed": {
            "value": result.completed.value,
            "low": result.completed.low,
            "high": result.completed.high,
        },
        "duration_s": spread(result.duration),
        "services": services.collect::<Vec<_>>(),
        "pairs": pairs.collect::<Vec<_>>(),
        "entries": entries.collect::<Vec<_>>(),
        "t_s": result.t_s,
        "orders": {
            "count": orders.count,
            "compatible": orders.compatible.iter().map(|o| names(o)).collect::<Vec<_>>(),
            "constraints": constraints(&orders.constraints),
            "broken": constraints(&orders.broken),
            "conflict": constraints(&orders.conflict),
            "steps": expand_and_contract(system, &orders.conflict),
            "one_by_one_s": spread(result.one_by_one),
            "pace": pace,
            "at_pace_s": spread(result.at_pace),
        },
    })
}

fn spread(spread: Option<Spread>) -> Value {
    spread.map_or(Value::Null, |spread| json!(spread))
}
