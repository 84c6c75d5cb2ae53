//! Several rollouts side by side: as text and as CSV.

use std::fmt::Write;

use super::format;
use crate::outcome::Fate;
use crate::scenario::OutcomeKey;
use crate::scenario::gate::Unit;
use crate::stats::Summary;
use crate::study::SimResult;

/// A rollout with its name.
#[derive(Debug)]
pub struct Row {
    /// How the reader knows it.
    pub name: String,
    /// What was found.
    pub result: SimResult,
}

/// What is put side by side: how long, how low, how many failed, what it cost.
pub const KEYS: [OutcomeKey; 4] =
    [OutcomeKey::Duration, OutcomeKey::ServingMin, OutcomeKey::FailedShare, OutcomeKey::SurgeCost];

/// Indices of p5, p50 and p95 among the quantiles of a summary.
pub(super) const SPREAD: [usize; 3] = [0, 2, 4];

/// Columns of a terminal that everybody has.
const COLUMNS: usize = 80;

/// A group of columns: its name, its outcome, and which quantiles of it, by index.
type Group = (&'static str, OutcomeKey, &'static [(usize, &'static str)]);

/// The columns of the table.
const SHOWN: [Group; 4] = [
    ("duration", OutcomeKey::Duration, &[(2, "p50"), (4, "p95")]),
    ("serving", OutcomeKey::ServingMin, &[(2, "p50"), (0, "p5")]),
    ("failed", OutcomeKey::FailedShare, &[(2, "p50"), (4, "p95")]),
    ("surge", OutcomeKey::SurgeCost, &[(2, "p50")]),
];

const LEGEND: &str = "\
p50: the median run; p95, or p5 of serving: one run in twenty is worse
serving: fewest instances; failed: share of requests; surge: instance-seconds
";

/// A table for the terminal, at most 80 columns wide: the median and the bad end of the runs.
pub fn render_text(rows: &[Row]) -> String {
    let quantiles = || SHOWN.iter().flat_map(|(_, key, of)| of.iter().map(|(i, _)| (*key, *i)));
    let mut head: Vec<String> = vec![String::new()];
    head.extend(SHOWN.iter().flat_map(|(.., of)| of.iter().map(|(_, name)| (*name).to_owned())));
    head.push("runs end".to_owned());
    let mut cells = vec![head];
    for row in rows {
        let mut line = vec![String::new()];
        line.extend(quantiles().map(|(key, i)| cell(row.result.summary(key), i)));
        line.push(ends(&row.result).replace(Fate::CompletedNotServing.name(), "not serving"));
        cells.push(line);
    }
    let mut widths: Vec<usize> = (0..cells[0].len())
        .map(|i| cells.iter().map(|line| line[i].chars().count()).max().unwrap_or(0))
        .collect();
    let surge = widths.len() - 2;
    widths[surge] = widths[surge].max(SHOWN[3].0.len());
    // Names get what is left.
    let used = widths.iter().sum::<usize>() + 2 * (widths.len() - 1);
    let longest = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    widths[0] = longest.min(COLUMNS.saturating_sub(used));
    for (line, row) in cells[1..].iter_mut().zip(rows) {
        line[0] = cut(&row.name, widths[0]);
    }
    let mut out = groups(&widths) + "\n";
    for line in &cells {
        let padded = line.iter().zip(&widths).enumerate().map(|(i, (cell, width))| {
            let is_text = i == 0 || i == widths.len() - 1;
            if is_text { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        out.extend([padded.collect::<Vec<_>>().join("  ").trim_end(), "\n"]);
    }
    out + LEGEND
}

/// The line above the head: each group's name ends where its columns end.
fn groups(widths: &[usize]) -> String {
    let mut line = " ".repeat(widths[0]);
    let mut at = 1;
    for (name, _, of) in SHOWN {
        let width: usize = widths[at..at + of.len()].iter().map(|width| width + 2).sum();
        let _ = write!(line, "{name:>width$}");
        at += of.len();
    }
    line
}

fn cell(summary: Option<&Summary>, quantile: usize) -> String {
    let Some(summary) = summary else { return "-".to_owned() };
    let value = summary.quantiles[quantile].value;
    match summary.key.unit() {
        // The legend says the unit.
        Unit::InstanceSeconds => format::number(value),
        unit => format::value(value, unit),
    }
}

fn cut(name: &str, width: usize) -> String {
    if name.chars().count() <= width {
        return name.to_owned();
    }
    let kept: String = name.chars().take(width.saturating_sub(1)).collect();
    kept + "~"
}

/// How most runs end, and how many.
pub(super) fn ends(result: &SimResult) -> String {
    let most = result.fates.iter().max_by(|a, b| a.1.value.total_cmp(&b.1.value));
    most.map_or_else(String::new, |(fate, share)| {
        if share.value >= 1.0 {
            fate.name().to_owned()
        } else {
            format!("{} {}", fate.name(), format::share(share.value))
        }
    })
}

/// One line a rollout: p5, p50 and p95 of each outcome, empty where it does not apply.
pub fn render_csv(rows: &[Row]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |line: &[String]| writer.write_record(line).expect("memory takes everything");
    let mut head = vec!["name".to_owned(), "runs".to_owned(), "ends".to_owned()];
    for key in KEYS {
        let column = super::json::column(key);
        head.extend(["p5", "p50", "p95"].map(|q| format!("{column}_{q}")));
    }
    write(&head);
    for row in rows {
        let runs = row.result.table.rows.len().to_string();
        let mut line = vec![row.name.clone(), runs, ends(&row.result)];
        for key in KEYS {
            let summary = row.result.summary(key);
            line.extend(
                SPREAD.map(|i| {
                    summary.map_or_else(String::new, |s| s.quantiles[i].value.to_string())
                }),
            );
        }
        write(&line);
    }
    let bytes = writer.into_inner().expect("memory takes everything");
    String::from_utf8(bytes).expect("fields are text")
}

#[cfg(test)]
mod tests {
    use super::{Row, render_csv, render_text};
    use crate::report::fixture;

    fn rows() -> Vec<Row> {
        let row = |name: &str| Row { name: name.to_owned(), result: fixture::batches() };
        vec![row("generic"), row("again")]
    }

    #[test]
    fn fits_a_terminal() {
        let mut rows = rows();
        let result = fixture::kubernetes();
        rows.push(Row { name: "argo_bluegreen_with_a_long_name_of_its_own".into(), result });
        rows.push(Row { name: "not_serving".into(), result: fixture::not_serving() });
        rows.push(Row { name: "no traffic".into(), result: fixture::capacity_only() });
        let text = render_text(&rows);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn csv_has_a_column_for_each_quantile() {
        let text = render_csv(&rows());
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let head = reader.headers().unwrap().clone();
        assert_eq!(
            (head.len(), &head[3], &head[14]),
            (15, "duration_s_p5", "surge_cost_instance_s_p95")
        );
        assert_eq!(reader.records().count(), 2);
    }
}
