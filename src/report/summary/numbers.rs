//! The table of quantiles, and what fails why.

use super::style::Style;
use crate::report::{cause, format};
use crate::scenario::gate::{Direction, OutcomeKey, Unit};
use crate::stats::Summary;
use crate::study::SimResult;
use crate::trace::Ending;

/// Which outcomes a person asks for first; in how many runs, if not in all.
const ROWS: [(OutcomeKey, &str, Direction); 16] = [
    (OutcomeKey::Duration, "duration", Direction::AtMost),
    (OutcomeKey::ServingMin, "lowest serving", Direction::AtLeast),
    (OutcomeKey::Outage, "outage", Direction::AtMost),
    (OutcomeKey::QuorumLost, "no quorum", Direction::AtMost),
    (OutcomeKey::BacklogAge, "backlog age", Direction::AtMost),
    (OutcomeKey::Redelivered, "redelivered", Direction::AtMost),
    (OutcomeKey::WorkLost, "work lost", Direction::AtMost),
    (OutcomeKey::FailedShare, "failed share", Direction::AtMost),
    (OutcomeKey::LatencyP99, "latency p99", Direction::AtMost),
    (OutcomeKey::DesiredMax, "most wanted", Direction::AtMost),
    (OutcomeKey::NodesBought, "nodes bought", Direction::AtMost),
    (OutcomeKey::Drained, "hosts drained", Direction::AtMost),
    (OutcomeKey::Restored, "restored after", Direction::AtMost),
    (OutcomeKey::Cost, "cost", Direction::AtMost),
    (OutcomeKey::CapacityLost, "capacity lost", Direction::AtMost),
    (OutcomeKey::SurgeCost, "surge cost", Direction::AtMost),
];
const MAX_ROWS: usize = 5;
const COLUMN: usize = 9;

/// The table, with its heading.
pub(super) fn lines(result: &SimResult, style: &Style) -> Vec<String> {
    let mut heads = vec!["p5", "median", "p95", "p99"];
    if style.is_wide() {
        heads.push("worst");
    }
    let head = cells(heads.iter().map(|h| (*h).to_owned()));
    let mut lines = vec![format!("  {:<15}{head}", "over runs")];
    let rows = ROWS.iter().filter_map(|row| {
        let summary = result.summary(row.0)?;
        // Outages, surges and lost capacity are rows only where there are any.
        let zero = summary.max == 0.0 && row.0 != OutcomeKey::ServingMin;
        let needed = matches!(row.0, OutcomeKey::FailedShare | OutcomeKey::Duration);
        (needed || !zero).then(|| line(result, summary, row, style))
    });
    lines.extend(rows.take(MAX_ROWS));
    lines
}

fn line(
    result: &SimResult,
    summary: &Summary,
    (key, name, good): &(OutcomeKey, &str, Direction),
    style: &Style,
) -> String {
    let unit = match key.unit() {
        Unit::InstanceSeconds => Unit::Number,
        unit => unit,
    };
    let worst = match good {
        Direction::AtMost => summary.max,
        Direction::AtLeast => summary.min,
    };
    let mut values: Vec<f64> = [0, 2, 4, 5].map(|i: usize| summary.quantiles[i].value).into();
    if style.is_wide() {
        values.push(worst);
    }
    let cells = cells(values.iter().map(|v| format::value(*v, unit)));
    format!("  {name:<15}{cells}   {}", note(result, summary, *key))
}

fn cells(texts: impl Iterator<Item = String>) -> String {
    texts.fold(String::new(), |mut row, text| {
        let blanks = COLUMN.saturating_sub(text.chars().count());
        row.extend(std::iter::repeat_n(' ', blanks));
        row.push_str(&text);
        row
    })
}

/// What a reader must know to read the row.
fn note(result: &SimResult, summary: &Summary, key: OutcomeKey) -> String {
    let all = if key.needs_traffic() { result.runs_requests } else { result.runs_control };
    let runs = format::count(u64::from(summary.runs));
    match key {
        OutcomeKey::ServingMin => format!("of {}", result.scenario.service.instances),
        OutcomeKey::CapacityLost | OutcomeKey::SurgeCost => "instance-seconds".into(),
        OutcomeKey::Duration if summary.runs < all => format!("{runs} runs that ended"),
        _ if summary.runs < all => format!("{runs} runs"),
        _ => String::new(),
    }
}

/// Failed requests by cause, if there was traffic.
pub(super) fn causes(result: &SimResult) -> Option<String> {
    const KEYS: [(OutcomeKey, Ending); 7] = [
        (OutcomeKey::FailedRefused, Ending::Refused),
        (OutcomeKey::FailedReset, Ending::Reset),
        (OutcomeKey::FailedCut, Ending::Cut),
        (OutcomeKey::FailedTimeout, Ending::Timeout),
        (OutcomeKey::FailedShed, Ending::Shed),
        (OutcomeKey::FailedVersion, Ending::Version),
        (OutcomeKey::FailedNoEndpoint, Ending::NoEndpoint),
    ];
    let mean = |key| result.summary(key).map_or(0.0, |s| s.mean.value);
    let requests = result.summary(OutcomeKey::Requests)?.mean.value;
    let failed = mean(OutcomeKey::Failed);
    if failed <= 0.0 {
        let text = format::number(requests);
        return Some(format!("  failed     none of {text} requests a run"));
    }
    let mut parts: Vec<(f64, Ending)> = KEYS.map(|(k, e)| (mean(k), e)).into();
    parts.retain(|(n, _)| *n > 0.0);
    parts.sort_by(|a, b| b.0.total_cmp(&a.0));
    let parts: Vec<String> = parts
        .iter()
        .take(4)
        .map(|(n, e)| format!("{} {}", cause(*e), format::share(n / failed)))
        .collect();
    Some(format!(
        "  failed     {} of {} requests a run: {}",
        format::number(failed),
        format::number(requests),
        parts.join(", ")
    ))
}
