//! Measured durations from a table.

use std::path::Path;

use super::RecordedError;
use super::source::read_text;
use super::table::{column_index, header_of, reader};
use crate::units::Span;

/// Reads the column `column` (its heading, or its number from 1) of a CSV file, plain or gzip:
/// numbers are seconds, anything else needs its unit (`250ms`).
///
/// # Errors
/// If there is no such file or column, if a cell is no duration (with its line), or if there is
/// no row at all. A sample that quietly lost its odd values would no longer be the sample.
pub fn read_durations(path: &Path, column: &str) -> Result<Vec<Span>, RecordedError> {
    let text = read_text(path)?;
    let header = header_of(&text);
    let index = column_index(header.as_ref(), column)?;
    let mut spans = Vec::new();
    for row in reader(&text).into_records().skip(usize::from(header.is_some())) {
        let Ok(row) = row else { continue };
        let cell = row.get(index).unwrap_or("");
        let span = parse(cell).map_err(|hint| RecordedError {
            message: format!("`{cell}` in column `{column}` is not a duration"),
            hint: Some(hint),
            line: row.position().map(csv::Position::line),
        })?;
        spans.push(span);
    }
    if spans.is_empty() {
        return Err(RecordedError::new(format!("column `{column}` has no values")));
    }
    Ok(spans)
}

fn parse(cell: &str) -> Result<Span, String> {
    let plain = "write seconds as a number, or a unit: \"250ms\"";
    match cell.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => Ok(Span::from_secs_f64(seconds)),
        Ok(_) => Err("durations are finite and not negative".to_owned()),
        Err(_) => cell.parse().map_err(|_| plain.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, column: &str) -> Result<Vec<Span>, RecordedError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("starts.csv");
        std::fs::write(&path, text).unwrap();
        read_durations(&path, column)
    }

    #[test]
    fn numbers_are_seconds_and_units_are_read() {
        let expected = vec![Span::from_millis(1_500), Span::from_millis(250), Span::from_secs(60)];
        assert_eq!(read("pod,seconds\na,1.5\nb,250ms\nc,1m\n", "Seconds").unwrap(), expected);
        assert_eq!(read("1.5\n0.25\n60\n", "1").unwrap(), expected);
    }

    #[test]
    fn a_bad_cell_is_named_with_its_line() {
        let error = read("pod,seconds\na,1.5\nb,soon\n", "seconds").unwrap_err();
        assert_eq!(error.message, "`soon` in column `seconds` is not a duration");
        assert_eq!(error.line, Some(3));
        assert_eq!(read("pod,seconds\na,-1\n", "seconds").unwrap_err().line, Some(2));
        assert!(read("pod,seconds\n", "seconds").unwrap_err().message.contains("no values"));
        assert!(
            read("pod,seconds\na,1\n", "s").unwrap_err().hint.unwrap().contains("pod, seconds")
        );
    }
}
