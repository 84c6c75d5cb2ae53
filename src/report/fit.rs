//! Fitted start and stop times: as a table, as tables of a scenario, as JSON.

use std::fmt::Write;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::scenario::print::dist;
use crate::stats::fit::{Fitted, Goodness, Interval, Law};
use crate::study::fit::{Answer, Quantity, Report, Row};
use crate::trace::recorded::kubectl::Seconds;

/// Name and number of the JSON format.
pub const SCHEMA: &str = "rollcast-fit/1";
/// What every TOML file of ours begins with.
pub const MARK: &str = "# Measured by rollcast fit";
/// What is said of the clock.
const CLOCK: &str = "The API shows whole seconds: 7s means anything between 6s and 8s, and the \
                     likelihood says so.";

/// The table for people.
pub fn text(report: &Report) -> String {
    let mut out = format!("{}\n{CLOCK}\n\n", heading(report));
    let header = ["what", "version", "ended", "not yet", "law", "median", "p95", "KS", "p-value"];
    let mut lines = vec![header.map(str::to_owned)];
    lines.extend(report.rows.iter().map(|row| line(report, row)));
    let width = |column: usize| lines.iter().map(|l| l[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    for line in &lines {
        let cells: Vec<String> =
            line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        out.extend([cells.join("  ").trim_end(), "\n"]);
    }
    out.push_str(
        "\nIn brackets: 90% intervals by the observed information, weighted over all laws tried.\n\
         `not yet`: right-censored.\n\
         p-value: share of samples of the fitted law, rounded, censored and fitted alike, that \
         are as far off.\n",
    );
    out
}

fn heading(report: &Report) -> String {
    let pods: usize = report.versions.iter().map(|version| version.pods).sum();
    let files = report.files.join(", ");
    let (from, to) = (time(report.period.0), time(report.period.1));
    let versions = report.versions.len();
    let (pods, versions) = (count(pods, "pod"), count(versions, "version"));
    format!("{}: {pods} of {versions}, {from} to {to} ({files})", report.workload)
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn time(at: Seconds) -> String {
    let at = UNIX_EPOCH + Duration::from_secs(at.max(0) as u64);
    humantime::format_rfc3339_seconds(at).to_string()
}

fn line(report: &Report, row: &Row) -> [String; 9] {
    let version = row.version.map_or("all", |v| report.versions[v].hash.as_str());
    let quantile = |p: f64| row.answer.interval(|law| law.quantile(p)).map_or("-".into(), seconds);
    let (law, [median, p95], goodness) = match &row.answer {
        Answer::Law { fitted, goodness, .. } => {
            let law = fitted.law.family().name().to_owned();
            (law, [quantile(0.5), quantile(0.95)], Some(goodness))
        }
        Answer::Quantiles { points, best, goodness } => {
            let at = |p: f64| {
                points.iter().find(|(q, _)| *q == p).map_or(String::new(), |(_, x)| short(*x))
            };
            let law = format!("none ({} refused)", best.law.family().name());
            (law, [at(0.5), at(0.95)], Some(goodness))
        }
        Answer::Fixed(value) => ("fixed".to_owned(), [short(*value), short(*value)], None),
        Answer::Nothing(_) => ("too few".to_owned(), ["-".into(), "-".into()], None),
    };
    let of = |value: fn(&Goodness) -> f64, digits: usize| {
        goodness.map_or("-".to_owned(), |g| format!("{:.digits$}", value(g)))
    };
    [
        row.quantity.name().to_owned(),
        version.to_owned(),
        row.ended.to_string(),
        row.censored.to_string(),
        law,
        median,
        p95,
        of(|g| g.distance, 3),
        of(|g| g.p_value, 3),
    ]
}

fn short(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "?".to_owned();
    }
    let digits = if seconds < 1.0 { 2 } else { usize::from(seconds < 100.0) };
    format!("{seconds:.digits$}s")
}

fn seconds(interval: Interval) -> String {
    let Interval { value, low, high } = interval;
    format!("{} ({}..{})", short(value), short(low), short(high))
}

/// Tables of a scenario, or all of it, with where every value comes from.
pub fn toml(report: &Report, complete: bool) -> String {
    let mut out = format!("{MARK}: {}\n", heading(report));
    for version in &report.versions {
        let revision = version.revision.map_or(String::new(), |r| format!("revision {r}, "));
        let (hash, image, pods) = (&version.hash, &version.image, count(version.pods, "pod"));
        let _ = writeln!(out, "#   {hash}: {revision}{image}, {pods}");
    }
    if complete {
        let name = report.workload.rsplit('/').next().unwrap_or_default();
        let instances = report.instances.max(1);
        let _ = write!(
            out,
            "rollcast = 1\n\n[service]\nname = {}\ninstances = {instances}  # ready pods of the \
             newest version\n",
            Value::from(name)
        );
    }
    out.push_str("\n[versions.old]\n");
    for (quantity, key) in [(Quantity::Start, "start"), (Quantity::Exit, "exit")] {
        if let Some(row) = report.chosen(quantity) {
            out.push_str(&provenance(report, row));
            let value = row.answer.dist().map_or(String::new(), |value| dist(&value));
            let _ = writeln!(out, "{key} = {value}");
        } else {
            let what = quantity.describe();
            let _ = writeln!(out, "# {key}: too few pods were seen from {what}.");
        }
    }
    out.push_str(
        "\n[probes]\nperiod = \"0s\"  # the wait for the next probe is in the measured start\n",
    );
    match report.pre_stop {
        Some(sleep) => {
            let _ = writeln!(out, "\n[shutdown]\npre_stop = \"{sleep}s\"  # as all pods say");
        }
        None => out.push_str(
            "\n# Pods differ in their preStop hooks, or these do more than sleep: exit holds what \
             they take.\n",
        ),
    }
    if complete {
        out.push_str("\n[strategy.kubernetes]  # defaults; see rollcast import\n");
    }
    out
}

/// Comments that say where a value comes from.
fn provenance(report: &Report, row: &Row) -> String {
    let version = row.version.map_or("all versions", |v| report.versions[v].hash.as_str());
    let mut out = format!(
        "# {}: {} of {version}, {} that had not (right-censored).\n",
        capital(row.quantity.describe()),
        count(row.ended, "pod"),
        row.censored
    );
    let held = |goodness: &Goodness| {
        let Goodness { distance, p_value, resamples } = goodness;
        format!("KS distance {distance:.3}, p = {p_value:.3} (bootstrap of {resamples})")
    };
    match &row.answer {
        Answer::Law { fitted, goodness, .. } => {
            let of = |of: fn(&Law) -> f64| row.answer.interval(of).map_or(String::new(), seconds);
            let parameters: Vec<String> = fitted
                .parameters()
                .iter()
                .map(|(name, i)| format!("{name} {:.3} ({:.3}..{:.3})", i.value, i.low, i.high))
                .collect();
            let _ = writeln!(
                out,
                "# Maximum likelihood of whole-second times, 90% intervals: {},\n# median {}, mean \
                 {}; {}.",
                parameters.join(", "),
                of(|law| law.quantile(0.5)),
                of(Law::mean),
                held(goodness)
            );
        }
        Answer::Quantiles { best, goodness, .. } => {
            let law = best.law.family().name();
            let _ = writeln!(
                out,
                "# Quantiles of the values: no law fits; the best, {law}: {}.",
                held(goodness)
            );
        }
        Answer::Fixed(_) => {
            out.push_str("# They do not differ by more than the clock's resolution of 1s.\n");
        }
        Answer::Nothing(_) => {}
    }
    out
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// `rollcast-fit/1`.
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
    let value = json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "files": report.files,
        "workload": report.workload,
        "from": time(report.period.0),
        "to": time(report.period.1),
        "instances": report.instances,
        "pre_stop_s": report.pre_stop,
        "resolution_s": 1,
        "confidence": 0.9,
        "versions": versions,
        "rows": rows,
    });
    let mut text = serde_json::to_string_pretty(&value).expect("plain data");
    text.push('\n');
    text
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
    match answer {
        Answer::Law { fitted, goodness, .. } => json!({ "law": law(fitted, goodness) }),
        Answer::Quantiles { points, best, goodness } => {
            json!({ "quantiles_s": points, "refused": law(best, goodness) })
        }
        Answer::Fixed(value) => json!({ "fixed_s": value }),
        Answer::Nothing(error) => json!({ "nothing": error.to_string() }),
    }
}
