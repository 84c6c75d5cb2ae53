//! Dates and clock times as text. Days are counted in the proleptic Gregorian calendar; leap
//! seconds do not exist, as in Unix time.

use crate::units::Span;

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;
/// 2200-01-01.
const LAST: i64 = 84_006 * DAY;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// An instant and the clock it was written by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Nanoseconds since 1970-01-01 00:00 UTC.
    pub(super) nanos: i64,
    /// The writer's clock minus UTC, in seconds; 0 if the text names no zone.
    pub(super) offset: i32,
}

/// Reads `2023-11-16 18:15:46.6805900`, RFC 3339, a date alone, and Unix time in s, ms, us or
/// ns (told apart by size: whatever lies from 1973 on).
pub(super) fn parse_stamp(text: &str) -> Option<Stamp> {
    let text = text.trim();
    if text.bytes().next()?.is_ascii_digit() && !text.contains(['-', '/', ':', 'T']) {
        return parse_epoch(text).map(|nanos| Stamp { nanos, offset: 0 });
    }
    let (date, rest) = text.split_at_checked(10)?;
    let mut parts = date.split(['-', '/']);
    let year = digits(parts.next()?, 4)?;
    let days = days_from_civil(year, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?)?;
    let rest = rest.strip_prefix(['T', 't', ' ']).unwrap_or(rest);
    let (clock, offset) = split_zone(rest)?;
    let of_day = if clock.is_empty() { 0 } else { parse_clock(clock)? };
    stamp(days, of_day, offset)
}

/// Reads the time of an access log, `17/May/2015:10:05:03 +0000`.
pub(super) fn parse_log_stamp(text: &str) -> Option<Stamp> {
    let (date, rest) = text.split_once(':')?;
    let mut parts = date.split('/');
    let day = digits(parts.next()?, 2)?;
    let name = parts.next()?;
    let month = MONTHS.iter().position(|month| *month == name)? as i64 + 1;
    let days = days_from_civil(digits(parts.next()?, 4)?, month, day)?;
    let (clock, offset) = split_zone(rest)?;
    stamp(days, parse_clock(clock)?, offset)
}

/// Reads `18:00`, `18:00:30`, `18:00:30.5`: nanoseconds since midnight.
pub(super) fn parse_clock(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, ':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let (second, fraction) = match parts.next() {
        None => (0, 0),
        Some(text) => match text.split_once(['.', ',']) {
            None => (digits(text, 2)?, 0),
            Some((whole, part)) => (digits(whole, 2)?, fraction_nanos(part)?),
        },
    };
    let valid = hour < 24 && minute < 60 && second < 60;
    valid.then_some(((hour * 60 + minute) * 60 + second) * SECOND + fraction)
}

/// Decimal seconds as nanoseconds, without the rounding of floats.
pub(super) fn parse_decimal_seconds(text: &str) -> Option<i64> {
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
    let whole = whole.parse::<u32>().ok()?;
    Some(i64::from(whole) * SECOND + fraction_nanos(part)?)
}

/// The instant on the clock of the record, to whole seconds: `2023-11-16 18:15:46`.
pub(super) fn show(nanos: i64, offset: i32) -> String {
    let local = nanos + i64::from(offset) * SECOND;
    let (year, month, day) = civil_from_days(local.div_euclid(DAY));
    let second = local.rem_euclid(DAY) / SECOND;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// Midnight (of the record's clock) that begins the day of `nanos`.
pub(super) fn midnight(nanos: i64, offset: i32) -> i64 {
    let shift = i64::from(offset) * SECOND;
    (nanos + shift).div_euclid(DAY) * DAY - shift
}

/// A span for people: whole seconds from a minute on, milliseconds below, days above.
pub(super) fn show_span(nanos: i64) -> String {
    // Room for rounding.
    let nanos = nanos.clamp(0, i64::MAX - SECOND);
    let step = if nanos >= 60 * SECOND { SECOND } else { 1_000_000 };
    let rounded = (nanos + step / 2) / step * step;
    let (days, rest) = (rounded / DAY, rounded % DAY);
    match (days, rest) {
        (0, _) if rounded == 0 => Span(nanos as u64).to_string(),
        (0, rest) => Span(rest as u64).to_string(),
        (days, 0) => format!("{days}d"),
        (days, rest) => format!("{days}d{}", Span(rest as u64)),
    }
}

/// `None` outside of 1970..2200: sums and differences of what is left fit 64 bits.
fn stamp(days: i64, of_day: i64, offset: i32) -> Option<Stamp> {
    let nanos = days.checked_mul(DAY)?.checked_add(of_day - i64::from(offset) * SECOND)?;
    (0..LAST).contains(&nanos).then_some(Stamp { nanos, offset })
}

fn parse_epoch(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let number = whole.parse::<i64>().ok()?;
    // Nanoseconds in one unit of the number.
    let unit: i64 = match number {
        100_000_000..100_000_000_000 => 1_000_000_000,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        100_000_000_000_000_000.. => 1,
        _ => return None,
    };
    let fraction = if part.is_empty() { 0 } else { fraction_nanos(part)? / (SECOND / unit) };
    number.checked_mul(unit)?.checked_add(fraction).filter(|nanos| *nanos < LAST)
}

/// Digits after a decimal point of seconds; what is finer than a nanosecond is cut.
fn fraction_nanos(digits: &str) -> Option<i64> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    format!("{digits:0<9}").get(..9)?.parse().ok()
}

fn split_zone(text: &str) -> Option<(&str, i32)> {
    let text = text.trim();
    for utc in ["Z", "z", "UTC", "GMT"] {
        if let Some(clock) = text.strip_suffix(utc) {
            return Some((clock.trim_end(), 0));
        }
    }
    let Some(at) = text.rfind(['+', '-']) else { return Some((text, 0)) };
    let (clock, zone) = text.split_at(at);
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let zone = zone[1..].replace(':', "");
    let (hours, minutes) = match zone.len() {
        2 => (digits(&zone, 2)?, 0),
        4 => (digits(zone.get(..2)?, 2)?, digits(zone.get(2..)?, 2)?),
        _ => return None,
    };
    let valid = hours <= 18 && minutes < 60;
    valid.then_some((clock.trim_end(), sign * (hours * 3600 + minutes * 60) as i32))
}

fn digits(text: &str, most: usize) -> Option<i64> {
    let valid = !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_digit());
    if valid { text.parse().ok() } else { None }
}

/// Days since 1970-01-01 by counting years from March, so that the leap day comes last and
/// months before it have the lengths 31, 30, 31, 30, 31 over and over. `None`: no such day.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400);
    let days = y * 365 + leaps + (153 * m + 2) / 5 + day - 1 - 719_468;
    (civil_from_days(days) == (year, month, day)).then_some(days)
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let m = (5 * of_year + 2) / 153;
    let day = of_year - (153 * m + 2) / 5 + 1;
    let (month, next) = if m < 10 { (m + 3, 0) } else { (m - 9, 1) };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(text: &str) -> i64 {
        parse_stamp(text).unwrap_or_else(|| panic!("{text}")).nanos
    }

    #[test]
    fn stamps_of_many_spellings_agree() {
        let same = 1_700_158_546_680_590_000;
        assert_eq!(nanos("2023-11-16 18:15:46.6805900"), same);
        assert_eq!(nanos("2023-11-16T18:15:46.680590Z"), same);
        assert_eq!(nanos("2023-11-16T19:15:46,680590+01:00"), same);
        assert_eq!(nanos("1700158546.680590"), same);
        assert_eq!(nanos("1700158546680.59"), same);
        assert_eq!(nanos("1700158546680590"), same);
        assert_eq!(nanos("1700158546680590000"), same);
        assert_eq!(nanos("2023-11-16"), 1_700_092_800 * SECOND);
        let log = parse_log_stamp("16/Nov/2023:19:15:46 +0100").unwrap();
        assert_eq!(log, Stamp { nanos: same / SECOND * SECOND, offset: 3600 });
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "374", "94.0", "2023-02-29 10:00", "2023-11-16 25:00", "2023-13-01", "x"] {
            assert_eq!(parse_stamp(text), None, "{text}");
        }
        assert_eq!(parse_log_stamp("17/Mai/2015:10:05:03 +0000"), None);
        assert_eq!(parse_stamp("2024-02-29 10:00").unwrap().nanos, 1_709_200_800 * SECOND);
    }

    #[test]
    fn every_day_of_four_centuries_survives_the_round_trip() {
        for days in -80_000..80_000 {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), Some(days));
        }
        assert_eq!(civil_from_days(0), (1970, 1, 1));
    }

    #[test]
    fn instants_and_spans_print_for_people() {
        let stamp = parse_stamp("2015-05-17T10:05:03+02:00").unwrap();
        assert_eq!(show(stamp.nanos, stamp.offset), "2015-05-17 10:05:03");
        assert_eq!(midnight(stamp.nanos, stamp.offset), nanos("2015-05-17T00:00+02:00"));
        assert_eq!(show_span(3542 * SECOND), "59m2s");
        assert_eq!(show_span(90_061 * SECOND), "1d1h1m1s");
        assert_eq!(show_span(4_314_579_000), "4.315s");
    }
}
