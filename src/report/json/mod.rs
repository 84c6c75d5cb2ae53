//! The result for programs: one JSON document, nothing rounded, nothing left out.
//!
//! Names of durations end in `_s` and hold seconds; shares are 0..1. Fields are only ever added
//! within a schema number. Inside `scenario`, durations are whole nanoseconds, as the simulator
//! takes them.

mod latency;
mod schema;

pub use schema::schema;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::outcome::{Fate, Is};
use crate::report::stories;
use crate::scenario::gate::{OutcomeKey, Unit};
use crate::scenario::{Gate, Scenario};
use crate::stats::{Estimate, GateResult, QUANTILES, Summary, Verdict};
use crate::study::{ByRelease, Effect, Part, SimResult};
use crate::trace::Ending;

/// Name and number of the format.
pub const SCHEMA: &str = "rollcast.result/1";

/// Outcomes of things that no scenario can describe yet: their names are kept, always null.
const NOT_MODELLED: [(&str, &str); 1] =
    [("failed_mixed_version", "Failed: two versions did not understand each other.")];

/// The document, indented by two blanks, with a line end at the end.
pub fn render(result: &SimResult) -> String {
    let document = Document {
        schema: SCHEMA,
        version: env!("CARGO_PKG_VERSION"),
        seed: result.seed,
        runs: result.runs_control,
        runs_requests: result.runs_requests,
        scenario_fnv64: fingerprint(&result.scenario),
        verdict: result.verdict,
        gates: result.gates.iter().map(GateEntry::of).collect(),
        duration_s: result.summary(OutcomeKey::Duration).map(Spread::of),
        serving: Serving::of(result),
        outcomes: Outcomes(&result.fates),
        says: Says(result),
        is: is(result),
        values: Values(&result.summaries),
        time_shares: TimeShares(result),
        stories: stories::value(result),
        latency: latency::value(result),
        load: Load::of(result),
        assumed: &result.assumed,
        by_release: result.by_release.as_ref().map(Releases::of),
        scenario: &result.scenario,
    };
    let mut text = serde_json::to_string_pretty(&document)
        .expect("plain data with text keys always serialises");
    text.push('\n');
    text
}

/// FNV-1a (Fowler, Noll, Vo), 64 bits, over the scenario's JSON: tells scenarios apart, proves
/// nothing against an adversary. As 16 hexadecimal digits.
pub fn fingerprint(scenario: &Scenario) -> String {
    let text = serde_json::to_string(scenario).expect("a scenario is plain data");
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// The name of an outcome with its unit: `duration_s`, `capacity_lost_instance_s`, `requests`.
pub fn column(key: OutcomeKey) -> String {
    match key.unit() {
        Unit::Seconds => format!("{}_s", key.name()),
        Unit::InstanceSeconds => format!("{}_instance_s", key.name()),
        Unit::Share | Unit::Instances | Unit::Number | Unit::Event => key.name().to_owned(),
    }
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    version: &'static str,
    seed: u64,
    runs: u32,
    runs_requests: u32,
    scenario_fnv64: String,
    verdict: Option<Verdict>,
    gates: Vec<GateEntry<'a>>,
    duration_s: Option<Spread>,
    serving: Serving<'a>,
    outcomes: Outcomes<'a>,
    says: Says<'a>,
    is: Vec<IsEntry>,
    values: Values<'a>,
    time_shares: TimeShares<'a>,
    stories: serde_json::Value,
    latency: serde_json::Value,
    load: Option<Load<'a>>,
    assumed: &'a [Effect],
    #[serde(skip_serializing_if = "Option::is_none")]
    by_release: Option<Releases<'a>>,
    scenario: &'a Scenario,
}

/// A gate with what was held against it.
#[derive(Serialize)]
pub(in crate::report) struct GateEntry<'a> {
    expr: &'a str,
    outcome: String,
    verdict: Verdict,
    value: f64,
    ci95: [f64; 2],
    limit: f64,
    share: Option<f64>,
    share_ci95: Option<[f64; 2]>,
    runs: u32,
    note: Option<&'a str>,
    line: Option<u32>,
}

impl<'a> GateEntry<'a> {
    pub(in crate::report) fn of(result: &'a GateResult) -> Self {
        let Gate { text, outcome, line, .. } = &result.gate;
        Self {
            expr: text,
            outcome: column(*outcome),
            verdict: result.verdict,
            value: result.value.value,
            ci95: [result.value.low, result.value.high],
            limit: result.limit,
            share: result.share.map(|s| s.value),
            share_ci95: result.share.map(|s| [s.low, s.high]),
            runs: result.runs,
            note: result.note.as_deref(),
            line: *line,
        }
    }
}

/// The duration at a glance; the same with intervals is in `values`.
#[derive(Serialize)]
struct Spread {
    p5: f64,
    p50: f64,
    p95: f64,
    p99: f64,
    max: f64,
}

impl Spread {
    fn of(summary: &Summary) -> Self {
        let [p5, _, p50, _, p95, p99] = summary.quantiles.map(|q| q.value);
        Self { p5, p50, p95, p99, max: summary.max }
    }
}

/// Serving instances over time, over runs.
#[derive(Serialize)]
struct Serving<'a> {
    /// Lowest of any run.
    min: Option<f64>,
    t_s: &'a [f64],
    p5: &'a [f64],
    p50: &'a [f64],
    p95: &'a [f64],
    lowest: &'a [f64],
}

impl<'a> Serving<'a> {
    fn of(result: &'a SimResult) -> Self {
        let bands = &result.bands;
        Self {
            min: result.summary(OutcomeKey::ServingMin).map(|s| s.min),
            t_s: &bands.t_s,
            p5: &bands.p5,
            p50: &bands.p50,
            p95: &bands.p95,
            lowest: &bands.min,
        }
    }
}

/// Share of runs by fate: what is.
struct Outcomes<'a>(&'a [(Fate, Estimate)]);

impl Serialize for Outcomes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (fate, estimate) in self.0 {
            map.serialize_entry(fate, &Interval::of(estimate))?;
        }
        map.end()
    }
}

/// Number of runs by what the orchestrator says at the end.
struct Says<'a>(&'a SimResult);

impl Serialize for Says<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut counts = std::collections::BTreeMap::new();
        for (.., outcome) in &self.0.table.rows {
            *counts.entry(outcome.said).or_insert(0_u32) += 1;
        }
        counts.serialize(serializer)
    }
}

/// How many instances of which version serve at the end, and in how many runs.
#[derive(Serialize)]
struct IsEntry {
    desired: u32,
    serving_old: u32,
    serving_new: u32,
    runs: u32,
}

/// Every end that occurred, the most frequent first.
fn is(result: &SimResult) -> Vec<IsEntry> {
    let mut counts = std::collections::BTreeMap::new();
    for (.., outcome) in &result.table.rows {
        let Is { desired, serving_old, serving_new } = outcome.is;
        *counts.entry((desired, serving_old, serving_new)).or_insert(0_u32) += 1;
    }
    let mut ends: Vec<IsEntry> = counts
        .into_iter()
        .map(|((desired, serving_old, serving_new), runs)| IsEntry {
            desired,
            serving_old,
            serving_new,
            runs,
        })
        .collect();
    ends.sort_by_key(|end| std::cmp::Reverse(end.runs));
    ends
}

/// Good and bad releases apart, and how often there are bad ones.
#[derive(Serialize)]
struct Releases<'a> {
    prior_bad: f64,
    good: PartEntry<'a>,
    bad: PartEntry<'a>,
}

#[derive(Serialize)]
struct PartEntry<'a> {
    runs: u32,
    runs_requests: u32,
    outcomes: Outcomes<'a>,
    values: Values<'a>,
}

impl<'a> Releases<'a> {
    fn of(parts: &'a ByRelease) -> Self {
        let entry = |part: &'a Part| PartEntry {
            runs: part.runs,
            runs_requests: part.runs_requests,
            outcomes: Outcomes(&part.fates),
            values: Values(&part.summaries),
        };
        let ByRelease { prior, good, bad } = parts;
        Self { prior_bad: prior.0, good: entry(good), bad: entry(bad) }
    }
}

/// An estimate with its 95 % interval.
#[derive(Serialize)]
pub(in crate::report) struct Interval {
    value: f64,
    ci95: [f64; 2],
}

impl Interval {
    pub(in crate::report) fn of(estimate: &Estimate) -> Self {
        Self { value: estimate.value, ci95: [estimate.low, estimate.high] }
    }
}

/// Every outcome by name; null where it applied in no run.
struct Values<'a>(&'a [Summary]);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = OutcomeKey::ALL.len() + NOT_MODELLED.len();
        let mut map = serializer.serialize_map(Some(names))?;
        for key in OutcomeKey::ALL {
            let summary = self.0.iter().find(|summary| summary.key == *key);
            map.serialize_entry(&column(*key), &summary.map(Value::of))?;
        }
        for (name, _) in NOT_MODELLED {
            map.serialize_entry(name, &None::<Value>)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Value {
    runs: u32,
    mean: Interval,
    p5: Interval,
    p25: Interval,
    p50: Interval,
    p90: Interval,
    p95: Interval,
    p99: Interval,
    min: f64,
    max: f64,
}

impl Value {
    fn of(summary: &Summary) -> Self {
        // The names below are those of these quantiles, in this order.
        const _: () = assert!(QUANTILES.len() == 6);
        let [p5, p25, p50, p90, p95, p99] = summary.quantiles.each_ref().map(Interval::of);
        let Summary { runs, mean, min, max, .. } = summary;
        let (runs, mean, min, max) = (*runs, Interval::of(mean), *min, *max);
        Self { runs, mean, p5, p25, p50, p90, p95, p99, min, max }
    }
}

/// Shares of the median run's duration.
struct TimeShares<'a>(&'a SimResult);

impl Serialize for TimeShares<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shares = &self.0.time_shares;
        let mut map = serializer.serialize_map(Some(shares.len()))?;
        for (what, share) in shares {
            map.serialize_entry(what, share)?;
        }
        map.end()
    }
}

/// Requests over the times of `serving.t_s`, per second.
#[derive(Serialize)]
struct Load<'a> {
    #[serde(rename = "demand_per_s")]
    demand: &'a [f64],
    #[serde(rename = "capacity_per_s")]
    capacity: CapacityBands,
    #[serde(rename = "failed_per_s")]
    failed: FailedByCause<'a>,
}

#[derive(Serialize)]
struct CapacityBands {
    p5: Vec<f64>,
    p50: Vec<f64>,
}

struct FailedByCause<'a>(&'a [[f64; 8]]);

impl Serialize for FailedByCause<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Ending::ALL.len() - 1))?;
        for ending in Ending::ALL.into_iter().filter(|e| *e != Ending::Ok) {
            let rates: Vec<f64> = self.0.iter().map(|r| r[ending as usize]).collect();
            map.serialize_entry(ending.name(), &rates)?;
        }
        map.end()
    }
}

impl<'a> Load<'a> {
    /// `None` without traffic.
    fn of(result: &'a SimResult) -> Option<Self> {
        (!result.demand.is_empty()).then(|| Self {
            demand: &result.demand,
            capacity: CapacityBands {
                p5: result.capacity.iter().map(|c| c[0]).collect(),
                p50: result.capacity.iter().map(|c| c[1]).collect(),
            },
            failed: FailedByCause(&result.failures),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{column, fingerprint, render};
    use crate::report::fixture;
    use crate::scenario::OutcomeKey;

    #[test]
    fn nothing_is_rounded_and_everything_is_named() {
        let result = fixture::batches();
        let parsed: Value = serde_json::from_str(&render(&result)).unwrap();
        assert_eq!(parsed["schema"], "rollcast.result/1");
        assert_eq!(parsed["runs"], 200);
        assert_eq!(parsed["verdict"], "undecided");
        let duration = result.summary(OutcomeKey::Duration).unwrap();
        assert_eq!(parsed["duration_s"]["p95"].as_f64().unwrap(), duration.quantiles[4].value);
        assert_eq!(parsed["gates"][2]["expr"], "p(paused) <= 3%");
        assert_eq!(parsed["gates"][0]["line"], 2);
        for key in OutcomeKey::ALL {
            assert!(parsed["values"].get(column(*key)).is_some(), "{}", key.name());
        }
        assert!(parsed["values"]["restored_s"].is_null());
        assert_eq!(parsed["values"]["duration_s"]["runs"], 200);
        assert_eq!(parsed["scenario"]["service"]["name"], "checkout");
    }

    #[test]
    fn the_same_result_gives_the_same_bytes() {
        assert_eq!(render(&fixture::batches()), render(&fixture::batches()));
    }

    #[test]
    fn without_traffic_there_is_no_load() {
        let parsed: Value = serde_json::from_str(&render(&fixture::capacity_only())).unwrap();
        assert!(parsed["load"].is_null());
        assert!(parsed["verdict"].is_null());
        assert!(parsed["values"]["latency_p99_s"].is_null());
        assert!(parsed["latency"].is_null());
    }

    #[test]
    fn latency_is_told_by_period_and_version() {
        let parsed: Value = serde_json::from_str(&render(&fixture::batches())).unwrap();
        let latency = &parsed["latency"];
        assert!(latency["before"]["new"].is_null(), "the new version had not begun");
        assert_eq!(latency["before"]["old"]["count"], 1000);
        let new = |p: &str| latency["during"]["new"][p].as_f64().unwrap();
        assert!(new("p50_s") < new("p90_s") && new("p99_s") <= new("p999_s"));
        assert!((new("mean_s") - 0.030).abs() < 0.001);
    }

    #[test]
    fn both_truths_and_every_name_are_there() {
        let parsed: Value = serde_json::from_str(&render(&fixture::not_serving())).unwrap();
        let runs = |key: &str| parsed[key].as_array().unwrap().iter().map(|e| e["runs"].as_u64());
        assert_eq!(runs("is").map(Option::unwrap).sum::<u64>(), 200);
        assert!(parsed["is"].as_array().unwrap().iter().any(|e| e["serving_new"] == 38));
        assert_eq!(parsed["says"]["completed"], 200);
        for name in ["failed_mixed_version", "nodes_bought", "dependency_peak"] {
            assert!(parsed["values"].as_object().unwrap()[name].is_null(), "{name}");
        }
    }

    #[test]
    fn fingerprints_tell_scenarios_apart() {
        let (one, other) = (fixture::batches().scenario, fixture::kubernetes().scenario);
        assert_eq!(fingerprint(&one), fingerprint(&one.clone()));
        assert_ne!(fingerprint(&one), fingerprint(&other));
        assert_eq!(fingerprint(&one).len(), 16);
    }
}
