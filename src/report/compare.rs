//! Several rollouts side by side: as text and as CSV.

use super::format;
use crate::scenario::OutcomeKey;
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

/// A table for the terminal: median and, in brackets, the middle 90 % of runs.
pub fn render_text(rows: &[Row]) -> String {
    let mut cells = vec![vec![
        String::new(),
        "duration".to_owned(),
        "fewest serving".to_owned(),
        "failed requests".to_owned(),
        "surge cost".to_owned(),
        "runs end".to_owned(),
    ]];
    for row in rows {
        let mut line = vec![row.name.clone()];
        line.extend(KEYS.map(|key| cell(row.result.summary(key))));
        line.push(ends(&row.result));
        cells.push(line);
    }
    let widths: Vec<usize> = (0..cells[0].len())
        .map(|i| cells.iter().map(|line| line[i].chars().count()).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    for line in &cells {
        let padded: Vec<String> =
            line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        out.extend([padded.join("  ").trim_end(), "\n"]);
    }
    out
}

fn cell(summary: Option<&Summary>) -> String {
    let Some(summary) = summary else { return "-".to_owned() };
    let value = |i: usize| format::value(summary.quantiles[SPREAD[i]].value, summary.key.unit());
    let (low, middle, high) = (value(0), value(1), value(2));
    if low == high { middle } else { format!("{middle} [{low}, {high}]") }
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
    fn a_line_for_each_with_its_spread() {
        let text = render_text(&rows());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].starts_with("generic") && lines[1].contains('['), "{text}");
        assert_eq!(lines[1].replace("generic", ""), lines[2].replace("again  ", ""));
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
