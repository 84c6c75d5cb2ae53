//! Fitted start and stop times: as a table, as tables of a scenario, as JSON.

mod json;
mod schema;
mod toml;

use std::time::{Duration, UNIX_EPOCH};

use crate::stats::fit::{Goodness, Interval};
use crate::study::fit::{Answer, Report, Row, Service};

pub use json::json;
pub use schema::schema;
pub use toml::{changes, toml};

/// Name and number of the JSON format.
pub const SCHEMA: &str = "rollcast-fit/1";
/// What every TOML file of ours begins with.
pub const MARK: &str = "# Measured by rollcast fit";
/// What is said of the clock.
const CLOCK: &str = "The API shows whole seconds: 7s means anything between 6s and 8s, and the \
                     likelihood says so.";

/// The table for people.
pub fn text(report: &Report) -> String {
    let mut out = format!("{}\n", heading(report));
    if report.tick == 1.0 {
        out.extend([CLOCK, "\n"]);
    }
    out.push('\n');
    let header = ["what", "version", "ended", "not yet", "law", "median", "p95", "KS", "p-value"];
    let mut lines = vec![header.map(str::to_owned)];
    lines.extend(report.rows.iter().map(|row| line(report, row)));
    lines.extend(report.service.as_ref().map(service_line));
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
    let files = report.files.join(", ");
    if report.recorder.is_none() {
        return format!("times of responses ({files})");
    }
    let pods: usize = report.versions.iter().map(|version| version.pods).sum();
    let (from, to) = (time(report.period.0), time(report.period.1));
    let (pods, versions) =
        (count(pods, toml::what(report)), count(report.versions.len(), "version"));
    format!("{}: {pods} of {versions}, {from} to {to} ({files})", report.workload)
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn time(at: f64) -> String {
    let at = UNIX_EPOCH + Duration::from_secs(at.max(0.0) as u64);
    humantime::format_rfc3339_seconds(at).to_string()
}

fn service_line(service: &Service) -> [String; 9] {
    let [law, p50, p95, distance, p_value] = said(&service.answer);
    let (ended, none) = (service.requests.to_string(), "0".to_owned());
    ["service".into(), "-".into(), ended, none, law, p50, p95, distance, p_value]
}

fn line(report: &Report, row: &Row) -> [String; 9] {
    let version = row.version.map_or("all", |v| report.versions[v].hash.as_str());
    let [law, p50, p95, distance, p_value] = said(&row.answer);
    let (name, ended) = (row.quantity.name().to_owned(), row.ended.to_string());
    [name, version.to_owned(), ended, row.censored.to_string(), law, p50, p95, distance, p_value]
}

/// Law, median, 95 % quantile, distance and p-value.
fn said(answer: &Answer) -> [String; 5] {
    let quantile = |p: f64| answer.interval(|law| law.quantile(p)).map_or("-".into(), seconds);
    let (law, [median, p95], goodness) = match answer {
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
    let of = |value: fn(&Goodness) -> f64| {
        goodness.map_or("-".to_owned(), |g| format!("{:.3}", value(g)))
    };
    [law, median, p95, of(|g| g.distance), of(|g| g.p_value)]
}

fn short(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "?".to_owned();
    }
    if seconds < 0.1 {
        return format!("{:.2}ms", seconds * 1e3);
    }
    let digits = if seconds < 1.0 { 2 } else { usize::from(seconds < 100.0) };
    format!("{seconds:.digits$}s")
}

fn seconds(interval: Interval) -> String {
    let Interval { value, low, high } = interval;
    format!("{} ({}..{})", short(value), short(low), short(high))
}
