//! One row a setting, for spreadsheets and data frames.

use crate::outcome::Fate;
use crate::report::json::column;
use crate::scenario::{OutcomeKey, Unit};
use crate::stats::{Estimate, Summary};
use crate::study::sweep::{CellResult, SweepResult};

/// Indices of p5, p50 and p95 among the quantiles of a summary.
const SPREAD: [(usize, &str); 3] = [(0, "p5"), (2, "p50"), (4, "p95")];

/// CSV with a heading: the values of the keys, verdicts, the goal and what is weighed against it
/// with their intervals, then every outcome that applied under some setting.
pub fn render_csv(result: &SweepResult) -> String {
    let keys: Vec<OutcomeKey> = OutcomeKey::ALL
        .iter()
        .copied()
        .filter(|key| result.cells.iter().any(|cell| cell.summary(*key).is_some()))
        .collect();
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let mut write = |row: &[String]| writer.write_record(row).expect("memory takes everything");
    write(&head(result, &keys));
    for (place, cell) in result.cells.iter().enumerate() {
        let mut row = result.setting(cell).values.clone();
        row.extend([cell.runs, cell.runs_requests].map(|n| n.to_string()));
        row.push(word(cell.verdict));
        row.push((result.best == Some(place)).to_string());
        row.push(result.pareto[place].to_string());
        row.extend(cell.gates.iter().map(|gate| word(Some(gate.verdict))));
        row.extend([cell.goal, cell.versus].iter().flat_map(|e| with_ends(e.as_ref())));
        row.push(most(cell));
        for key in &keys {
            row.extend(values(*key, cell.summary(*key)));
        }
        write(&row);
    }
    let bytes = writer.into_inner().expect("memory takes everything");
    String::from_utf8(bytes).expect("fields are text")
}

fn head(result: &SweepResult, keys: &[OutcomeKey]) -> Vec<String> {
    let mut head = result.head.keys.clone();
    head.extend(["runs", "runs_requests", "verdict", "taken", "pareto"].map(str::to_owned));
    head.extend(result.gates.iter().map(|gate| format!("gate: {}", gate.text)));
    for goal in [&result.goal, &result.versus] {
        head.extend(["", "_low", "_high"].map(|end| format!("{}{end}", goal.expression())));
    }
    head.push("most_runs".to_owned());
    for key in keys {
        let column = column(*key);
        if key.unit() == Unit::Event {
            head.push(format!("p_{column}"));
        } else {
            head.push(format!("{column}_mean"));
            head.extend(SPREAD.map(|(_, name)| format!("{column}_{name}")));
        }
    }
    head
}

fn word(verdict: Option<crate::stats::Verdict>) -> String {
    match serde_json::to_value(verdict) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn with_ends(estimate: Option<&Estimate>) -> [String; 3] {
    estimate.map_or_else(Default::default, |e| [e.value, e.low, e.high].map(number))
}

fn number(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { String::new() }
}

/// How most runs end.
fn most(cell: &CellResult) -> String {
    let most = cell.fates.iter().max_by(|a, b| a.1.value.total_cmp(&b.1.value));
    most.map_or_else(String::new, |(fate, _): &(Fate, Estimate)| fate.name().to_owned())
}

fn values(key: OutcomeKey, summary: Option<&Summary>) -> Vec<String> {
    let event = key.unit() == Unit::Event;
    let Some(summary) = summary else {
        return vec![String::new(); if event { 1 } else { 1 + SPREAD.len() }];
    };
    let mean = std::iter::once(number(summary.mean.value));
    let spread = SPREAD.map(|(q, _)| number(summary.quantiles[q].value));
    mean.chain(if event { Vec::new() } else { spread.to_vec() }).collect()
}

#[cfg(test)]
mod tests {
    use super::render_csv;
    use crate::report::sweep::tests::result;

    #[test]
    fn every_row_has_every_column() {
        let text = render_csv(&result(3, 2));
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let head = reader.headers().unwrap().clone();
        assert_eq!(
            (&head[0], &head[1], &head[4]),
            ("strategy.generic.batch", "traffic.rate", "verdict")
        );
        assert!(head.iter().any(|name| name == "duration_s_p95"));
        assert!(head.iter().any(|name| name == "p5(serving_min)_low"));
        let rows: Vec<_> = reader.records().map(|row| row.unwrap()).collect();
        assert_eq!(rows.len(), 6);
        assert!(rows.iter().all(|row| row.len() == head.len()));
        assert_eq!((&rows[0][0], &rows[0][1], &rows[0][4]), ("1", "200/s", "pass"));
    }
}
