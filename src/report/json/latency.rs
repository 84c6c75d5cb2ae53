//! Latency of answered requests by period and version, over all runs with requests.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::schema::{described, nullable, number, object};
use crate::study::SimResult;
use crate::trace::Histogram;

/// Names of the periods, in the order of the result.
const PERIODS: [&str; 3] = ["before", "during", "after"];
const VERSIONS: [&str; 2] = ["old", "new"];

#[derive(Serialize)]
struct Latency {
    count: u64,
    mean_s: f64,
    p50_s: f64,
    p90_s: f64,
    p99_s: f64,
    p999_s: f64,
}

impl Latency {
    /// `None` where no request was answered.
    fn of(histogram: &Histogram) -> Option<Self> {
        let q = |p| histogram.quantile_secs(p);
        (!histogram.is_empty()).then(|| Self {
            count: histogram.len(),
            mean_s: histogram.mean_secs(),
            p50_s: q(0.5),
            p90_s: q(0.9),
            p99_s: q(0.99),
            p999_s: q(0.999),
        })
    }
}

/// By period and version; null without traffic, and where no request was answered.
pub(super) fn value(result: &SimResult) -> Value {
    if result.latency.is_empty() {
        return Value::Null;
    }
    let mut periods = Map::new();
    for (index, period) in PERIODS.into_iter().enumerate() {
        let mut versions = Map::new();
        for (version, name) in VERSIONS.into_iter().enumerate() {
            let of_both = result.latency.get(index);
            versions.insert(name.into(), json!(of_both.and_then(|of| Latency::of(&of[version]))));
        }
        periods.insert(period.into(), versions.into());
    }
    periods.into()
}

/// Its schema.
pub(super) fn schema() -> Value {
    let names = ["count", "mean_s", "p50_s", "p90_s", "p99_s", "p999_s"];
    let mut one = object(&names, &number());
    one["properties"]["count"] = described("integer", "Answered requests over all runs.");
    let mut periods = nullable(&object(&PERIODS, &object(&VERSIONS, &nullable(&one))));
    periods["description"] = json!(
        "Latency of answered requests by period of the rollout and version, pooled over all runs \
         with requests; null where nothing was answered."
    );
    periods
}
