//! `rollcast-fit/1`.

use serde_json::{Value, json};

use super::{SCHEMA, time, toml};
use crate::scenario::print::dist;
use crate::stats::fit::{Fitted, Goodness, Law};
use crate::study::fit::{Answer, Report, Row, Service, Setting};

/// The document, indented, with a line end at the end.
pub fn json(report: &Report) -> String {
    let version = |row: &Row| row.version.map(|v| report.versions[v].hash.as_str());
    let rows: Vec<Value> = report
        .rows
        .iter()
        .map(|row| {
            json!({
                "quantity": row.quantity, "version": version(row),
                "ended": row.ended, "censored": row.censored,
                "answer": answer(&row.answer),
                "toml": row.answer.dist().map(|value| dist(&value)),
            })
        })
        .collect();
    let versions: Vec<Value> = report
        .versions
        .iter()
        .map(
            |v| json!({ "hash": v.hash, "image": v.image, "revision": v.revision, "pods": v.pods }),
        )
        .collect();
    let setting = |setting: &Setting<'_>| {
        json!({
            "key": format!("{}.{}", setting.table, setting.key),
            "toml": setting.value.as_ref().map(toml::written),
            "note": setting.note,
        })
    };
    let seen = report.recorder.is_some();
    let value = json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "files": report.files,
        "recorder": report.recorder,
        "workload": seen.then_some(&report.workload),
        "from": seen.then(|| time(report.period.0)),
        "to": seen.then(|| time(report.period.1)),
        "instances": report.instances,
        "hosts": report.hosts,
        "pre_stop_s": report.pre_stop,
        "resolution_s": report.tick,
        "confidence": 0.9,
        "versions": versions,
        "rows": rows,
        "service_time": report.service.as_ref().map(service),
        "settings": report.settings().iter().map(setting).collect::<Vec<_>>(),
    });
    let mut text = serde_json::to_string_pretty(&value).expect("plain data");
    text.push('\n');
    text
}

fn service(service: &Service) -> Value {
    json!({
        "files": service.files,
        "field": service.field,
        "requests": service.requests,
        "failed": service.failed,
        "without": service.without,
        "taken": service.taken,
        "resolution_s": service.tick,
        "answer": answer(&service.answer),
        "toml": service.answer.dist().map(|value| dist(&value)),
    })
}

fn answer(answer: &Answer) -> Value {
    let law = |fitted: &Fitted, goodness: &Goodness| {
        let parameters: serde_json::Map<String, Value> =
            fitted.parameters().into_iter().map(|(name, i)| (name.to_owned(), json!(i))).collect();
        json!({
            "family": fitted.law.family(),
            "parameters": parameters,
            "mean_s": answer.interval(Law::mean),
            "p50_s": answer.interval(|law| law.quantile(0.5)),
            "p95_s": answer.interval(|law| law.quantile(0.95)),
            "aic": fitted.aic,
            "ks_distance": goodness.distance,
            "p_value": goodness.p_value,
            "resamples": goodness.resamples,
        })
    };
    let none = Value::Null;
    let (kind, law, quantiles, fixed, why) = match answer {
        Answer::Law { fitted, goodness, .. } => ("law", law(fitted, goodness), None, None, None),
        Answer::Quantiles { points, best, goodness } => {
            ("quantiles", law(best, goodness), Some(points), None, None)
        }
        Answer::Fixed(value) => ("fixed", none, None, Some(value), None),
        Answer::Nothing(error) => ("nothing", none, None, None, Some(error.to_string())),
    };
    json!({ "kind": kind, "law": law, "quantiles_s": quantiles, "fixed_s": fixed, "why": why })
}
