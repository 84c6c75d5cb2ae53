//! How long requests took, as access logs tell: lines of the common or combined format with more
//! fields behind it, or lines of JSON.

use std::collections::BTreeMap;

use serde_json::Value;

use super::RecordedError;
use super::access_log::looks_like_one;

/// Which field, in what unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseOptions {
    /// A name (`request_time`), or the number of a field behind the format's own, from 1.
    pub field: Option<String>,
    /// `s`, `ms`, `us` or `ns`; without it the field's name, its unit or its point say.
    pub unit: Option<String>,
}

/// Times of requests that were answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Responses {
    /// Seconds, in the order of the log.
    pub seconds: Vec<f64>,
    /// Resolution in seconds.
    pub tick: f64,
    /// The field that they come from.
    pub field: String,
    /// Requests left out: the server or the client gave up on them (499 and from 500 on).
    pub failed: usize,
    /// Lines without a time.
    pub without: usize,
}

/// Names that are known to be times of responses, the narrowest first, with their unit if it is
/// known. Sources: nginx `ngx_http_log_module` and `ngx_http_upstream_module`; Traefik's access
/// log; the habits of log formats.
const KNOWN: [(&str, &str); 16] = [
    ("upstream_response_time", "s"),
    ("urt", "s"),
    ("request_time", "s"),
    ("rt", "s"),
    ("OriginDuration", "ns"),
    ("Duration", "ns"),
    ("response_time_ms", "ms"),
    ("duration_ms", "ms"),
    ("latency_ms", "ms"),
    ("elapsed_ms", "ms"),
    ("response_time_us", "us"),
    ("duration_us", "us"),
    ("response_time", ""),
    ("duration", ""),
    ("latency", ""),
    ("elapsed", ""),
];

/// What would be right.
const EXPECTED: &str = "a field with the time of the response: nginx's $request_time, Apache's %D, \
                        or JSON with such a key";

/// Whether this is an access log: of the common or combined format, or JSON with a known field.
pub fn is_access_log(text: &str) -> bool {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if let Ok(Value::Object(fields)) = serde_json::from_str::<Value>(first) {
        return KNOWN.iter().any(|(name, _)| fields.contains_key(*name));
    }
    looks_like_one(text)
}

/// Reads the times of responses of an access log.
///
/// # Errors
/// If it has no such field, or its unit cannot be told.
pub fn read_responses(text: &str, options: &ResponseOptions) -> Result<Responses, RecordedError> {
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let fields = if line.trim_start().starts_with('{') { json(line) } else { plain(line) };
        lines.push((number, fields));
    }
    let field = choose(&lines, options)?;
    let unit = options.unit.as_deref().or_else(|| known_unit(&field)).unwrap_or_default();
    let mut responses =
        Responses { seconds: Vec::new(), tick: f64::MAX, field, failed: 0, without: 0 };
    for (number, line) in &lines {
        let cell = line.as_ref().and_then(|line| line.fields.get(&responses.field));
        let Some((line, cell)) = line.as_ref().zip(cell) else {
            responses.without += 1;
            continue;
        };
        // 499: nginx's word for a client that went away.
        if line.status == 499 || line.status >= 500 {
            responses.failed += 1;
            continue;
        }
        match time(cell, unit) {
            Cell::Seconds(seconds, tick) => {
                responses.seconds.push(seconds);
                responses.tick = responses.tick.min(tick);
            }
            Cell::Nothing => responses.without += 1,
            Cell::NoUnit | Cell::Wrong => return Err(wrong(*number, &responses.field, cell)),
        }
    }
    if responses.seconds.is_empty() {
        let message = format!("no answered request has a time in `{}`", responses.field);
        return Err(at_line(1, &message));
    }
    Ok(responses)
}

/// One request: what it ended with, and the fields that may be times.
struct Line {
    status: u16,
    fields: BTreeMap<String, String>,
}

/// What a field holds.
enum Cell {
    /// Seconds and the resolution.
    Seconds(f64, f64),
    /// `-`: it does not apply to this request.
    Nothing,
    /// A whole number of something.
    NoUnit,
    /// No time.
    Wrong,
}

fn choose(
    lines: &[(u64, Option<Line>)],
    options: &ResponseOptions,
) -> Result<String, RecordedError> {
    let read: Vec<&Line> = lines.iter().filter_map(|(_, line)| line.as_ref()).collect();
    if read.is_empty() {
        return Err(at_line(1, "no line of an access log"));
    }
    let share = |name: &str, fits: &dyn Fn(&str) -> bool| {
        let has = |line: &&&Line| line.fields.get(name).is_some_and(|cell| fits(cell));
        read.iter().filter(has).count() * 10 >= read.len() * 9
    };
    let some = |name: &str| read.iter().any(|line| line.fields.contains_key(name));
    if let Some(name) = &options.field {
        if some(name) {
            return Ok(name.clone());
        }
        let mut names: Vec<&String> = read.iter().flat_map(|line| line.fields.keys()).collect();
        names.sort();
        names.dedup();
        let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
        let hint = format!("there is {}", names.join(", "));
        return Err(at_line(1, &format!("no line has a field `{name}`")).hint(hint));
    }
    if let Some((name, _)) = KNOWN.iter().find(|(name, _)| some(name)) {
        return Ok((*name).to_owned());
    }
    // Nameless fields are numbered; the status and the size are not among them.
    let unit = options.unit.as_deref().unwrap_or_default();
    let numbers: Vec<String> = (1..=20).map(|number: u32| number.to_string()).collect();
    let is_time = |cell: &str| matches!(time(cell, unit), Cell::Seconds(..) | Cell::Nothing);
    if let Some(name) = numbers.iter().find(|name| share(name, &is_time)) {
        return Ok(name.clone());
    }
    let is_count = |cell: &str| matches!(time(cell, unit), Cell::NoUnit);
    if let Some(name) = numbers.iter().find(|name| share(name, &is_count)) {
        let cell = read.iter().find_map(|line| line.fields.get(name)).map_or("", String::as_str);
        return Err(wrong(lines[0].0, name, cell));
    }
    let message = "the log has no response times: after the format's own fields there is none";
    Err(at_line(lines[0].0, message))
}

fn at_line(line: u64, message: &str) -> RecordedError {
    let error = RecordedError::new(format!("line {line}: {message}; expected {EXPECTED}"));
    RecordedError { line: Some(line), ..error }
}

fn wrong(line: u64, field: &str, cell: &str) -> RecordedError {
    let message = format!("`{cell}` in field {field} has no unit that can be told");
    let hint = "say it: --unit us (Apache's %D), ms or s";
    RecordedError::new(format!("line {line}: {message}; {hint}")).at(line)
}

impl RecordedError {
    fn at(self, line: u64) -> Self {
        Self { line: Some(line), ..self }
    }
}

fn known_unit(field: &str) -> Option<&'static str> {
    let known = KNOWN.iter().find(|(name, _)| *name == field)?;
    Some(known.1).filter(|unit| !unit.is_empty())
}

/// A line of JSON; text and numbers at its top.
fn json(line: &str) -> Option<Line> {
    let Ok(Value::Object(object)) = serde_json::from_str::<Value>(line) else { return None };
    let cell = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let status = ["status", "DownstreamStatus", "response_code", "status_code"];
    let status = status.iter().find_map(|key| cell(object.get(*key)?)?.parse().ok());
    let fields = object.iter().filter_map(|(key, value)| Some((key.clone(), cell(value)?)));
    Some(Line { status: status.unwrap_or(200), fields: fields.collect() })
}

/// A line of the common or combined format: what follows it, by number or by name.
fn plain(line: &str) -> Option<Line> {
    let (_, rest) = line.split_once('[')?;
    let (_, rest) = rest.split_once("] \"")?;
    let rest = after_quote(rest)?;
    let mut words = words(rest);
    if words.len() < 2 {
        return None;
    }
    let status = words.remove(0).0.parse().ok()?;
    // The size; then, if they are quoted, the referrer and the agent of the combined format.
    words.remove(0);
    let quoted = words.iter().take_while(|(_, quoted)| *quoted).count();
    words.drain(..quoted.min(2));
    let mut fields = BTreeMap::new();
    for (index, (word, quoted)) in words.into_iter().enumerate() {
        match word.split_once('=').filter(|_| !quoted) {
            Some((name, value)) => {
                fields.insert(name.to_owned(), value.trim_matches('"').to_owned())
            }
            None => fields.insert((index + 1).to_string(), word),
        };
    }
    Some(Line { status, fields })
}

/// What follows the closing quote.
fn after_quote(text: &str) -> Option<&str> {
    let mut escaped = false;
    let end = text.char_indices().find(|(_, c)| {
        let is_end = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        is_end
    });
    end.map(|(at, _)| &text[at + 1..])
}

/// Words between blanks and whether they are quoted; blanks inside of quotes do not part.
fn words(text: &str) -> Vec<(String, bool)> {
    let mut words: Vec<(String, bool)> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('"') {
            let after = after_quote(inside).unwrap_or("");
            let end = (inside.len() - after.len()).saturating_sub(1);
            words.push((inside[..end].to_owned(), true));
            rest = after.trim_start();
            continue;
        }
        let mut within = false;
        let end = rest.find(|c: char| {
            within ^= c == '"';
            c.is_whitespace() && !within
        });
        let end = end.unwrap_or(rest.len());
        words.push((rest[..end].to_owned(), false));
        rest = rest[end..].trim_start();
    }
    words
}

/// A time; several that follow each other (nginx asked one upstream after the other) are added.
fn time(cell: &str, unit: &str) -> Cell {
    let parts = cell.split([',', ':']).map(str::trim).filter(|part| !part.is_empty());
    let (mut seconds, mut tick, mut some) = (0.0, f64::MAX, false);
    for part in parts.filter(|part| *part != "-") {
        match single(part, unit) {
            Cell::Seconds(value, resolution) => {
                seconds += value;
                tick = tick.min(resolution);
                some = true;
            }
            other => return other,
        }
    }
    if some { Cell::Seconds(seconds, tick) } else { Cell::Nothing }
}

fn single(text: &str, unit: &str) -> Cell {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, own) = text.split_at(end);
    let Ok(value) = number.parse::<f64>() else { return Cell::Wrong };
    let decimals = number.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let factor = match if own.is_empty() { unit } else { own } {
        "s" => 1.0,
        "ms" => 1e-3,
        "us" | "µs" => 1e-6,
        "ns" => 1e-9,
        // With a point it can hardly be anything but seconds.
        "" if decimals > 0 => 1.0,
        "" => return Cell::NoUnit,
        _ => return Cell::Wrong,
    };
    Cell::Seconds(value * factor, libm::pow(10.0, -(decimals as f64)) * factor)
}

#[cfg(test)]
mod tests {
    use super::{ResponseOptions, Responses, is_access_log, read_responses};

    const LINE: &str =
        r#"::1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 3 "-" "x \" y""#;

    fn read(text: &str, field: &str, unit: &str) -> Result<Responses, String> {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let options = ResponseOptions { field: some(field), unit: some(unit) };
        read_responses(text, &options).map_err(|error| error.to_string())
    }

    #[test]
    fn fields_behind_the_combined_format() {
        let text = format!("{LINE} 0.012 0.010\n{LINE} 0.120 -\n");
        let first = read(&text, "", "").unwrap();
        assert_eq!((first.seconds, first.tick), (vec![0.012, 0.12], 1e-3));
        let second = read(&text, "2", "").unwrap();
        assert_eq!((second.seconds, second.without), (vec![0.01], 1));
        let named = format!("{LINE} rt=0.012 urt=\"0.002, 0.008\"\n");
        let named = read(&named, "", "").unwrap();
        assert_eq!((named.field.as_str(), named.seconds), ("urt", vec![0.01]));
        let traefik = format!("{LINE} 7 \"web@docker\" \"http://10.0.0.2:80\" 12ms\n");
        let traefik = read(&traefik, "", "").unwrap();
        assert_eq!((traefik.field.as_str(), traefik.seconds), ("4", vec![0.012]));
    }

    #[test]
    fn whole_numbers_need_their_unit() {
        let text = format!("{LINE} 12345\n");
        let error = read(&text, "", "").unwrap_err();
        assert!(error.starts_with("line 1: `12345` in field 1 has no unit"), "{error}");
        let read = read(&text, "", "us").unwrap();
        assert!((read.seconds[0] - 0.012_345).abs() < 1e-12);
    }

    #[test]
    fn a_log_without_times_says_what_was_expected() {
        let error = read(&format!("\n{LINE}\n"), "", "").unwrap_err();
        assert!(error.starts_with("line 2: the log has no response times"), "{error}");
        assert!(error.contains("nginx's $request_time, Apache's %D"), "{error}");
        let error = read(&format!("{LINE} rt=0.1\n"), "time", "").unwrap_err();
        assert!(error.contains("no line has a field `time`"), "{error}");
        assert!(read("hello\n", "", "").unwrap_err().contains("no line of an access log"));
    }

    #[test]
    fn lines_of_json_and_requests_that_failed() {
        let text = "{\"status\": 200, \"request_time\": \"0.250\"}\n\
                    {\"status\": 502, \"request_time\": 60.0}\n{\"status\": \"499\", \
                    \"request_time\": 3.1}\n";
        assert!(is_access_log(text));
        let read = read(text, "", "").unwrap();
        assert_eq!((read.seconds, read.failed), (vec![0.25], 2));
        assert!(!is_access_log("{\"kind\": \"Pod\"}"));
        assert!(is_access_log(LINE));
    }
}
