//! Counts brought onto a regular grid of intervals.

use std::fmt::Write;

use super::RecordedError;
use super::clock::{Stamp, show, show_span};
use super::record::{Content, Record, check_length};
use super::source::BadLines;
use crate::units::Span;

/// Places named in one warning.
const NAMED: usize = 5;
/// More intervals than this are a wrong interval, not a record.
const INTERVALS_MAX: i64 = 50_000_000;

/// One row: a count and the time its interval begins, if the table has times.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    /// Begin of the interval.
    pub(super) stamp: Option<Stamp>,
    /// Requests, or requests per second.
    pub(super) value: f64,
    /// Line in the file.
    pub(super) line: u64,
}

/// Rows → intervals as long as the commonest step between rows, then joined to `given` ones.
/// Missing intervals get the line between their neighbours: traffic does not vanish because a
/// sample was lost. Everything done is warned about.
pub(super) fn regular(
    mut rows: Vec<Counted>,
    is_rate: bool,
    given: Option<Span>,
    bad: &BadLines,
    column: &str,
) -> Result<Record, RecordedError> {
    let mut warnings: Vec<String> = bad.warning().into_iter().collect();
    if given == Some(Span::ZERO) {
        return Err(RecordedError::new("an interval of no length"));
    }
    let given = given.map(|span| i64::try_from(span.0).unwrap_or(i64::MAX));
    let kind = if is_rate { "requests per second" } else { "counts" };
    let kind = format!("{kind} in {column}");
    let Some(first) = rows.first() else {
        let mut error = RecordedError::new(format!("no row has a count in {column}"));
        error.line = bad.first_line();
        return Err(error);
    };
    let Some(stamp) = first.stamp else {
        let interval = given.ok_or_else(|| {
            RecordedError::new("the counts have no times")
                .hint("say how long each counts: interval = \"1m\"")
        })?;
        check_length(interval.saturating_mul(rows.len() as i64))?;
        let counts = rows.iter().map(|row| to_count(row.value, is_rate, interval)).collect();
        let content = Content::Counts { begin: 0, interval, counts };
        return Ok(Record { content, offset: 0, warnings, kind });
    };
    let offset = stamp.offset;
    if rows.windows(2).any(|pair| nanos(&pair[1]) < nanos(&pair[0])) {
        warnings.push("rows are not in order of time: sorted".to_owned());
        rows.sort_by_key(nanos);
    }
    let interval = commonest_step(&rows).or(given);
    let interval = interval.ok_or_else(|| {
        RecordedError::new("one row does not tell how long it counts")
            .hint("say it: interval = \"1m\"")
    })?;
    let begin = nanos(&rows[0]);
    check_length((nanos(&rows[rows.len() - 1]) - begin).max(interval))?;
    let slots = (nanos(&rows[rows.len() - 1]) - begin) / interval + 2;
    if slots > INTERVALS_MAX {
        let length = show_span(interval);
        return Err(RecordedError::new(format!("{slots} intervals of {length} are too many"))
            .hint("say the interval: interval = \"1m\""));
    }
    let mut counts = place(&rows, begin, interval, offset, &mut warnings);
    fill(&mut counts, begin, interval, offset, &mut warnings);
    let counts: Vec<f64> =
        counts.into_iter().flatten().map(|v| to_count(v, is_rate, interval)).collect();
    let (counts, interval) = join(counts, interval, given, &mut warnings)?;
    let content = Content::Counts { begin, interval, counts };
    Ok(Record { content, offset, warnings, kind })
}

fn nanos(row: &Counted) -> i64 {
    row.stamp.map_or(0, |stamp| stamp.nanos)
}

fn to_count(value: f64, is_rate: bool, interval: i64) -> f64 {
    if is_rate { value * (interval as f64 / 1e9) } else { value }
}

/// The step that occurs most often; of equally common ones the shortest.
fn commonest_step(rows: &[Counted]) -> Option<i64> {
    let mut steps: Vec<i64> =
        rows.windows(2).map(|pair| nanos(&pair[1]) - nanos(&pair[0])).filter(|s| *s > 0).collect();
    steps.sort_unstable();
    steps.chunk_by(|a, b| a == b).rev().max_by_key(|same| same.len()).map(|same| same[0])
}

/// Each row into the interval nearest to its time.
fn place(
    rows: &[Counted],
    begin: i64,
    interval: i64,
    offset: i32,
    warnings: &mut Vec<String>,
) -> Vec<Option<f64>> {
    let slot = |row: &Counted| ((nanos(row) - begin + interval / 2) / interval) as usize;
    let last = rows.last().map_or(0, slot);
    let mut counts = vec![None; last + 1];
    let (mut shifted, mut doubled) = (Vec::new(), Vec::new());
    for row in rows {
        let index = slot(row);
        let place = || format!("line {} ({})", row.line, show(nanos(row), offset));
        if (nanos(row) - begin - index as i64 * interval).abs() * 10 > interval {
            shifted.push(place());
        }
        match &mut counts[index] {
            Some(count) => {
                *count += row.value;
                doubled.push(place());
            }
            empty @ None => *empty = Some(row.value),
        }
    }
    let length = show_span(interval);
    if !shifted.is_empty() {
        warnings.push(format!(
            "irregular spacing: {} off the grid of {length}, moved to the nearest interval: {}",
            rows_are(shifted.len()),
            listed(&shifted)
        ));
    }
    if !doubled.is_empty() {
        warnings.push(format!(
            "{} in an interval of {length} that has one already, added: {}",
            rows_are(doubled.len()),
            listed(&doubled)
        ));
    }
    counts
}

/// Missing intervals between others, by linear interpolation.
fn fill(
    counts: &mut [Option<f64>],
    begin: i64,
    interval: i64,
    offset: i32,
    warnings: &mut Vec<String>,
) {
    let mut places = Vec::new();
    let mut missing = 0;
    let (mut before, mut last) = (None::<usize>, 0.0);
    for i in 0..counts.len() {
        let Some(value) = counts[i] else { continue };
        if let Some(from) = before.filter(|from| from + 1 < i) {
            missing += i - from - 1;
            let start = begin + (from as i64 + 1) * interval;
            let length = (i - from - 1) as i64 * interval;
            places.push(format!("{} ({})", show(start, offset), show_span(length)));
            for (k, count) in counts.iter_mut().enumerate().take(i).skip(from + 1) {
                let share = (k - from) as f64 / (i - from) as f64;
                *count = Some(last + (value - last) * share);
            }
        }
        (before, last) = (Some(i), value);
    }
    if missing > 0 {
        let what = if missing == 1 { "interval is" } else { "intervals are" };
        warnings.push(format!(
            "{missing} {what} missing and filled by interpolation: {}",
            listed(&places)
        ));
    }
}

/// Several intervals into one of the length that was asked for.
fn join(
    counts: Vec<f64>,
    interval: i64,
    given: Option<i64>,
    warnings: &mut Vec<String>,
) -> Result<(Vec<f64>, i64), RecordedError> {
    let Some(given) = given.filter(|given| *given != interval) else {
        return Ok((counts, interval));
    };
    let (found, asked) = (show_span(interval), show_span(given));
    if given < interval || given % interval != 0 {
        return Err(RecordedError::new(format!("the rows are {found} apart, not {asked}"))
            .hint(format!("leave `interval` out, or give a multiple of {found}")));
    }
    let each = (given / interval) as usize;
    let left = counts.len() % each;
    if left > 0 {
        warnings.push(format!("the last {left} rows do not fill {asked} and are left out"));
    }
    let joined: Vec<f64> = counts.chunks_exact(each).map(|chunk| chunk.iter().sum()).collect();
    if joined.is_empty() {
        return Err(RecordedError::new(format!("the record is shorter than {asked}")));
    }
    Ok((joined, given))
}

fn rows_are(count: usize) -> String {
    if count == 1 { "1 row is".to_owned() } else { format!("{count} rows are") }
}

/// The first few, and how many more.
fn listed(places: &[String]) -> String {
    let mut text = places[..places.len().min(NAMED)].join(", ");
    if places.len() > NAMED {
        let _ = write!(text, " and {} more", places.len() - NAMED);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(pairs: &[(i64, f64)]) -> Vec<Counted> {
        (2..)
            .zip(pairs)
            .map(|(line, (seconds, value))| Counted {
                stamp: Some(Stamp { nanos: seconds * 1_000_000_000, offset: 0 }),
                value: *value,
                line,
            })
            .collect()
    }

    fn counts(pairs: &[(i64, f64)], given: Option<Span>) -> (Vec<f64>, Vec<String>) {
        let record = regular(rows(pairs), false, given, &BadLines::default(), "x").unwrap();
        let Content::Counts { counts, .. } = record.content else { panic!() };
        (counts, record.warnings)
    }

    #[test]
    fn missing_intervals_are_interpolated_and_named() {
        let (counts, warnings) = counts(&[(0, 4.0), (60, 6.0), (240, 12.0), (300, 1.0)], None);
        assert_eq!(counts, [4.0, 6.0, 8.0, 10.0, 12.0, 1.0]);
        assert_eq!(
            warnings,
            ["2 intervals are missing and filled by interpolation: 1970-01-01 00:02:00 (2m)"]
        );
    }

    #[test]
    fn rows_off_the_grid_and_doubled_rows_are_named() {
        let pairs = [(0, 4.0), (60, 6.0), (135, 5.0), (180, 1.0), (180, 2.0), (240, 1.0)];
        let (counts, warnings) = counts(&pairs, None);
        assert_eq!(counts, [4.0, 6.0, 5.0, 3.0, 1.0]);
        assert!(warnings[0].contains("line 4 (1970-01-01 00:02:15)"), "{warnings:?}");
        assert!(warnings[1].starts_with("1 row is in an interval of 1m"), "{warnings:?}");
    }

    #[test]
    fn one_row_needs_an_interval() {
        assert_eq!(counts(&[(0, 4.0)], Some(Span::from_secs(30))).0, [4.0]);
        let error = regular(rows(&[(0, 4.0)]), false, None, &BadLines::default(), "x");
        assert!(error.unwrap_err().hint.unwrap().contains("interval"));
    }

    #[test]
    fn a_longer_interval_joins_rows() {
        let pairs = [(0, 4.0), (60, 6.0), (120, 1.0), (180, 2.0), (240, 9.0)];
        let (joined, warnings) = counts(&pairs, Some(Span::from_secs(120)));
        assert_eq!(joined, [10.0, 3.0]);
        assert_eq!(warnings, ["the last 1 rows do not fill 2m and are left out"]);
        let given = Some(Span::from_secs(90));
        let error = regular(rows(&pairs), false, given, &BadLines::default(), "x");
        assert_eq!(error.unwrap_err().message, "the rows are 1m apart, not 1m30s");
    }
}
