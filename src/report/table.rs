//! One row a run, for spreadsheets and data frames.

use crate::report::json::column;
use crate::scenario::OutcomeKey;
use crate::study::SimResult;
use crate::trace::Said;

/// CSV with a heading; names as in the JSON result (`…_s` are seconds), empty where an outcome
/// does not apply. Values are printed so that reading them back gives the same number.
pub fn render_csv(result: &SimResult) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut head: Vec<String> = [
        "run",
        "requests_simulated",
        "weight",
        "fate",
        "said",
        "desired",
        "serving_old",
        "serving_new",
    ]
    .map(str::to_owned)
    .into();
    head.extend(OutcomeKey::ALL.iter().map(|k| column(*k)));
    let mut write = |row: &[String]| writer.write_record(row).expect("memory takes everything");
    write(&head);
    for (replication, requests, weight, outcome) in &result.table.rows {
        let mut row = vec![
            replication.to_string(),
            requests.to_string(),
            weight.to_string(),
            word(&outcome.fate),
            word::<Said>(&outcome.said),
            outcome.is.desired.to_string(),
            outcome.is.serving_old.to_string(),
            outcome.is.serving_new.to_string(),
        ];
        let value = |key: &OutcomeKey| outcome.get(*key).map_or(String::new(), |v| v.to_string());
        row.extend(OutcomeKey::ALL.iter().map(value));
        write(&row);
    }
    let bytes = writer.into_inner().expect("memory takes everything");
    String::from_utf8(bytes).expect("fields are text")
}

/// The name that an enum has in JSON.
fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::render_csv;
    use crate::report::fixture;
    use crate::scenario::OutcomeKey;

    #[test]
    fn one_row_a_run_that_reads_back() {
        let result = fixture::batches();
        let text = render_csv(&result);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let head = reader.headers().unwrap().clone();
        let at = |name: &str| head.iter().position(|h| h == name).unwrap();
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), result.table.rows.len());
        for (row, (replication, .., outcome)) in rows.iter().zip(&result.table.rows) {
            assert_eq!(row[0], replication.to_string());
            let duration: f64 = row[at("duration_s")].parse().unwrap();
            assert_eq!(Some(duration), outcome.get(OutcomeKey::Duration));
            assert_eq!(&row[at("restored_s")], "");
        }
        assert!(rows.iter().any(|r| &r[at("fate")] == "paused"));
    }
}
