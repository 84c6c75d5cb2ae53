//! Tables of times: a request a row, or a count an interval.

use csv::{Reader, ReaderBuilder, StringRecord};

use super::clock::{Stamp, parse_decimal_seconds, parse_stamp};
use super::counts::{self, Counted};
use super::record::{Record, from_stamps};
use super::source::BadLines;
use super::{RecordedError, TrafficOptions};

/// Rows looked at to find out which column is what.
const SAMPLE: usize = 200;
/// Headings of columns that hold a count of requests in the row's interval.
const COUNT_NAMES: [&str; 10] = [
    "value",
    "count",
    "counts",
    "requests",
    "hits",
    "sum",
    "total",
    "request_count",
    "num_requests",
    "n",
];
/// Headings of columns that hold requests per second.
const RATE_NAMES: [&str; 8] = [
    "rps",
    "qps",
    "rate",
    "req/s",
    "requests/s",
    "requests_per_second",
    "reqs_per_sec",
    "req_rate",
];
/// Headings of columns of seconds since the record began.
const SECONDS_NAMES: [&str; 8] =
    ["t", "t_s", "time", "time_s", "seconds", "elapsed", "elapsed_s", "timestamp"];

/// Which column is what.
#[derive(Debug)]
struct Columns {
    header: Option<StringRecord>,
    time: Option<usize>,
    value: Option<usize>,
    /// Values are requests per second.
    is_rate: bool,
    /// Plain seconds are accepted as times.
    seconds: bool,
}

/// Reads a table. `counts`: `Some` if the user said which of the two it is.
pub(super) fn read(
    text: &str,
    options: &TrafficOptions,
    counts: Option<bool>,
) -> Result<Record, RecordedError> {
    let columns = find_columns(text, options, counts)?;
    match (columns.time, columns.value) {
        (_, Some(value)) => {
            let (rows, bad) = read_counts(text, &columns, value);
            counts::regular(rows, columns.is_rate, options.interval, &bad, &columns.name(value))
        }
        (Some(time), None) => {
            let (stamps, bad) = read_stamps(text, &columns, time);
            from_stamps(stamps, &bad, format!("timestamps in {}", columns.name(time)))
        }
        (None, None) => Err(columns.nothing_found()),
    }
}

impl Columns {
    fn name(&self, index: usize) -> String {
        match self.header.as_ref().and_then(|header| header.get(index)) {
            Some(name) => format!("column `{name}`"),
            None => format!("column {}", index + 1),
        }
    }

    fn nothing_found(&self) -> RecordedError {
        let known = self.header.as_ref().map(|h| h.iter().collect::<Vec<_>>().join(", "));
        RecordedError::new("no column has times in most of its rows").hint(match known {
            Some(names) => format!("the columns are {names}; choose one with `column`"),
            None => "expected date-times, Unix times, or an access log".to_owned(),
        })
    }

    fn stamp(&self, row: &StringRecord, time: usize) -> Option<Stamp> {
        let cell = row.get(time)?;
        parse_stamp(cell).or_else(|| {
            let nanos = if self.seconds { parse_decimal_seconds(cell) } else { None };
            nanos.map(|nanos| Stamp { nanos, offset: 0 })
        })
    }
}

/// A reader over comma, semicolon or tab, whichever the first line has most of.
pub(super) fn reader(text: &str) -> Reader<&[u8]> {
    let first = text.lines().find(|l| !l.trim().is_empty() && !l.starts_with('#')).unwrap_or("");
    let count = |mark: u8| first.bytes().filter(|b| *b == mark).count();
    let delimiter =
        [b',', b';', b'\t'].into_iter().rev().max_by_key(|mark| count(*mark)).unwrap_or(b',');
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes())
}

/// The first row if none of its cells is a number or a time.
pub(super) fn header_of(text: &str) -> Option<StringRecord> {
    let first = reader(text).records().next()?.ok()?;
    let is_data = |cell: &str| cell.parse::<f64>().is_ok() || parse_stamp(cell).is_some();
    (!first.iter().any(is_data)).then_some(first)
}

/// The index of a column given by its heading (case does not matter) or its number from 1.
pub(super) fn column_index(
    header: Option<&StringRecord>,
    name: &str,
) -> Result<usize, RecordedError> {
    let by_name = header.and_then(|h| h.iter().position(|cell| cell.eq_ignore_ascii_case(name)));
    let by_number = || name.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    by_name.or_else(by_number).ok_or_else(|| {
        RecordedError::new(format!("there is no column `{name}`")).hint(match header {
            Some(header) => {
                format!("the columns are {}", header.iter().collect::<Vec<_>>().join(", "))
            }
            None => "the file has no heading: give the column's number, from 1".to_owned(),
        })
    })
}

fn find_columns(
    text: &str,
    options: &TrafficOptions,
    counts: Option<bool>,
) -> Result<Columns, RecordedError> {
    let header = header_of(text);
    let skip = usize::from(header.is_some());
    let sample: Vec<StringRecord> =
        reader(text).records().skip(skip).take(SAMPLE).filter_map(Result::ok).collect();
    let width = sample.iter().map(StringRecord::len).max().unwrap_or(0);
    let chosen = options.column.as_ref().map(|name| column_index(header.as_ref(), name));
    let chosen = chosen.transpose()?;
    let most = |column: usize, test: &dyn Fn(&str) -> bool| {
        let good = sample.iter().filter(|row| row.get(column).is_some_and(test)).count();
        good > 0 && good * 10 >= sample.len() * 8
    };
    let heading = |i: usize| header.as_ref().and_then(|h| h.get(i)).unwrap_or("").to_lowercase();
    let is_time = |i: usize| most(i, &|cell| parse_stamp(cell).is_some());
    let is_number = |i: usize| most(i, &|cell| cell.parse::<f64>().is_ok());
    let is_seconds = |i: usize| {
        let named = chosen == Some(i) || SECONDS_NAMES.contains(&heading(i).as_str());
        named && counts != Some(true) && most(i, &|cell| parse_decimal_seconds(cell).is_some())
    };
    let mut time = (0..width).find(|i| is_time(*i));
    let mut seconds = false;
    if time.is_none() {
        time = (0..width).find(|i| is_seconds(*i));
        seconds = time.is_some();
    }
    let numbers: Vec<usize> = (0..width).filter(|i| Some(*i) != time && is_number(*i)).collect();
    let known = |i: &usize| {
        let heading = heading(*i);
        COUNT_NAMES.contains(&heading.as_str()) || RATE_NAMES.contains(&heading.as_str())
    };
    let value = match (counts, chosen) {
        (Some(false), _) => None,
        (_, Some(column)) if is_time(column) => None,
        (Some(true), Some(column)) => Some(column),
        (None, Some(column)) if time != Some(column) => Some(column),
        (Some(true), None) => {
            numbers.iter().copied().find(|i| known(i)).or_else(|| numbers.first().copied())
        }
        (None, None) if time.is_none() && options.interval.is_some() => numbers.first().copied(),
        (None, _) => numbers.iter().copied().find(|i| known(i)).or_else(|| {
            let only = if numbers.len() == 1 { numbers.first().copied() } else { None };
            only.filter(|_| time.is_some_and(|time| evenly_spaced(&sample, time)))
        }),
    };
    if let Some(column) = chosen.filter(|c| is_time(*c)) {
        time = Some(column);
    }
    let is_rate = value.is_some_and(|i| RATE_NAMES.contains(&heading(i).as_str()));
    Ok(Columns { header, time, value, is_rate, seconds })
}

/// Whether four in five steps between rows are the same: rows of an interval, not of a request.
fn evenly_spaced(sample: &[StringRecord], time: usize) -> bool {
    let stamps: Vec<i64> = sample
        .iter()
        .filter_map(|row| row.get(time).and_then(parse_stamp))
        .map(|stamp| stamp.nanos)
        .collect();
    let mut steps: Vec<i64> = stamps.windows(2).map(|pair| pair[1] - pair[0]).collect();
    steps.sort_unstable();
    let Some(median) = steps.get(steps.len() / 2).copied() else { return false };
    let same = steps.iter().filter(|step| **step == median).count();
    median > 0 && same * 5 >= steps.len() * 4
}

fn rows(text: &str, columns: &Columns) -> impl Iterator<Item = (u64, StringRecord)> {
    let skip = usize::from(columns.header.is_some());
    // Broken rows cannot occur: the text is UTF-8 and rows may have any length.
    reader(text).into_records().skip(skip).filter_map(Result::ok).map(|row| {
        let line = row.position().map_or(0, csv::Position::line);
        (line, row)
    })
}

fn read_stamps(text: &str, columns: &Columns, time: usize) -> (Vec<Stamp>, BadLines) {
    let mut bad = BadLines::default();
    let mut stamps = Vec::new();
    for (line, row) in rows(text, columns) {
        match columns.stamp(&row, time) {
            Some(stamp) => stamps.push(stamp),
            None => bad.add(line, &row.iter().collect::<Vec<_>>().join(",")),
        }
    }
    (stamps, bad)
}

fn read_counts(text: &str, columns: &Columns, value: usize) -> (Vec<Counted>, BadLines) {
    let mut bad = BadLines::default();
    let mut counted = Vec::new();
    for (line, row) in rows(text, columns) {
        let number = row.get(value).and_then(|cell| cell.parse::<f64>().ok());
        let number = number.filter(|n| n.is_finite() && *n >= 0.0);
        let stamp = columns.time.map(|time| columns.stamp(&row, time));
        match (number, stamp) {
            (Some(value), None) => counted.push(Counted { stamp: None, value, line }),
            (Some(value), Some(Some(stamp))) => {
                counted.push(Counted { stamp: Some(stamp), value, line });
            }
            _ => bad.add(line, &row.iter().collect::<Vec<_>>().join(",")),
        }
    }
    (counted, bad)
}

#[cfg(test)]
mod tests {
    use super::super::record::Content;
    use super::*;
    use crate::units::Span;

    fn instants(text: &str, options: &TrafficOptions) -> usize {
        match read(text, options, None).unwrap().content {
            Content::Instants { at, .. } => at.len(),
            Content::Counts { .. } => panic!("counts"),
        }
    }

    fn counts(text: &str, options: &TrafficOptions) -> (i64, Vec<f64>) {
        match read(text, options, None).unwrap().content {
            Content::Instants { .. } => panic!("instants"),
            Content::Counts { interval, counts, .. } => (interval / 1_000_000_000, counts),
        }
    }

    #[test]
    fn rows_with_irregular_times_are_requests() {
        let text = "id;when;ms\na;2023-11-16 18:15:46.68;3\nb;2023-11-16 18:15:47.1;9\n\
                    c;2023-11-16 18:15:49.2;2\n";
        assert_eq!(instants(text, &TrafficOptions::default()), 3);
    }

    #[test]
    fn rows_with_even_times_and_one_number_are_counts() {
        let text = "1700000000\t4\n1700000060\t6\n1700000120\t5\n";
        assert_eq!(counts(text, &TrafficOptions::default()), (60, vec![4.0, 6.0, 5.0]));
        let forced = read(text, &TrafficOptions::default(), Some(false)).unwrap();
        assert!(matches!(forced.content, Content::Instants { .. }));
    }

    #[test]
    fn a_named_column_decides_and_rates_become_counts() {
        let text = "minute,rps,p99\n2023-11-16 18:00,2.5,0.1\n2023-11-16 18:01,3,0.2\n\
                    2023-11-16 18:02,4,0.3\n";
        assert_eq!(counts(text, &TrafficOptions::default()), (60, vec![150.0, 180.0, 240.0]));
        let options = TrafficOptions { column: Some("minute".into()), ..Default::default() };
        assert_eq!(instants(text, &options), 3);
        let options = TrafficOptions { column: Some("rsp".into()), ..Default::default() };
        let error = read(text, &options, None).unwrap_err();
        assert_eq!(error.message, "there is no column `rsp`");
        assert_eq!(error.hint.unwrap(), "the columns are minute, rps, p99");
    }

    #[test]
    fn values_without_times_need_an_interval() {
        let options = TrafficOptions { interval: Some(Span::from_secs(10)), ..Default::default() };
        assert_eq!(counts("requests\n4\n6\n", &options), (10, vec![4.0, 6.0]));
        let error = read("requests\n4\n6\n", &TrafficOptions::default(), None).unwrap_err();
        assert!(error.hint.unwrap().contains("interval"), "{}", error.message);
    }

    #[test]
    fn seconds_since_the_beginning_are_times_when_the_heading_says_so() {
        assert_eq!(instants("t_s,bytes\n0.1,4\n0.25,4\n1.5,4\n", &TrafficOptions::default()), 3);
        let error = read("a,b\n1,2\n3,4\n", &TrafficOptions::default(), None).unwrap_err();
        assert_eq!(error.message, "no column has times in most of its rows");
    }

    #[test]
    fn bad_rows_are_counted_and_the_first_is_named() {
        let text = "when,x,y\n2023-11-16 18:15:46.68,1,1\nnever,1,1\n2023-11-16 18:15:47.1,1,1\n\
                    2023-11-16 18:15:48.1,1,1\n2023-11-16 18:15:50.1,1,1\n";
        let record = read(text, &TrafficOptions::default(), None).unwrap();
        let said = "1 line could not be read and is left out: line 3: `never,1,1`";
        assert_eq!(record.warnings[0], said);
    }
}
