//! Access logs of Apache and nginx in the common or combined format.
//!
//! Source: Apache HTTP Server, `mod_log_config` ("Common Log Format", `%h %l %u %t "%r" %>s %b`);
//! nginx, `ngx_http_log_module` (`combined`). Apache writes the time at which the request came
//! in, nginx the time at which it was done; both to whole seconds.

use super::RecordedError;
use super::clock::{Stamp, parse_log_stamp};
use super::record::{Record, from_stamps};
use super::source::BadLines;

/// Whether most of the first lines are those of an access log.
pub(super) fn looks_like_one(text: &str) -> bool {
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).take(20).collect();
    let good = lines.iter().filter(|line| stamp_of(line).is_some()).count();
    good * 2 > lines.len()
}

/// Reads all of it; lines that are something else are counted, sorted ones are not asked for.
pub(super) fn read(text: &str) -> Result<Record, RecordedError> {
    let mut bad = BadLines::default();
    let mut stamps = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        match stamp_of(line) {
            Some(stamp) => stamps.push(stamp),
            None if line.trim().is_empty() => {}
            None => bad.add(number, line),
        }
    }
    from_stamps(stamps, &bad, "access log".to_owned())
}

/// The bracketed time, if a quoted request follows it.
fn stamp_of(line: &str) -> Option<Stamp> {
    let (_, rest) = line.split_once('[')?;
    let (stamp, rest) = rest.split_once(']')?;
    rest.starts_with(" \"").then(|| parse_log_stamp(stamp))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_found_and_other_lines_are_not() {
        let line = r#"::1 - ann [17/May/2015:10:05:03 +0000] "GET /a[1] HTTP/1.1" 200 3 "-" "x""#;
        assert!(stamp_of(line).is_some());
        assert!(looks_like_one(line));
        assert!(stamp_of("[17/May/2015:10:05:03 +0000] started").is_none());
        assert!(!looks_like_one("timestamp,value\n2014-04-10 00:04:00,94.0\n"));
    }
}
