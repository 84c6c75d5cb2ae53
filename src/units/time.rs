//! Instants and durations in whole nanoseconds. No float time, hence no epsilon anywhere.

use std::fmt;
use std::ops::{Add, AddAssign, Mul, Sub};
use std::str::FromStr;

use super::UnitError;

/// An instant: nanoseconds since the simulation began.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
pub struct Time(pub u64);

/// A duration in nanoseconds.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
#[serde(transparent)]
pub struct Span(pub u64);

impl Time {
    /// The beginning.
    pub const ZERO: Self = Self(0);
    /// Later than everything; stands for "never".
    pub const NEVER: Self = Self(u64::MAX);

    /// So many whole seconds after the beginning.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs * 1_000_000_000)
    }

    /// Seconds since the beginning.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Time passed since `earlier`; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// The instant `span` earlier; the beginning if that would lie before it.
    #[must_use]
    pub fn before(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// Longer than everything; stands for "no limit".
    pub const MAX: Self = Self(u64::MAX);

    /// From whole seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs * 1_000_000_000)
    }

    /// From whole milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000_000)
    }

    /// From seconds, rounded to the nearest nanosecond. Negative and not-a-number become zero.
    pub fn from_secs_f64(secs: f64) -> Self {
        Self((secs * 1e9).round() as u64)
    }

    /// In seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Add<Span> for Time {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Span> for Time {
    fn add_assign(&mut self, span: Span) {
        *self = *self + span;
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Span {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Mul<f64> for Span {
    type Output = Self;
    fn mul(self, factor: f64) -> Self {
        Self((self.0 as f64 * factor).round() as u64)
    }
}

impl FromStr for Span {
    type Err = UnitError;

    /// Reads `250ms`, `1.5s`, `1m30s`, `2h`. Months and years are refused: `1M` is too easily
    /// meant as a minute.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let trimmed = text.trim();
        if let Ok(number) = trimmed.parse::<f64>() {
            return if number == 0.0 {
                Ok(Self::ZERO)
            } else {
                let hint = format!("write \"{trimmed}s\" (or \"{trimmed}m\", \"{trimmed}ms\")");
                Err(UnitError::new("a duration needs a unit", hint))
            };
        }
        let long = ["M", "month", "y", "year"];
        let unit_is_long = trimmed
            .split(|c: char| !c.is_ascii_alphabetic())
            .any(|word| long.iter().any(|l| word == *l || (l.len() > 1 && word.starts_with(l))));
        if unit_is_long {
            let hint = "use ms, s, m, h or d";
            return Err(UnitError::new(format!("`{text}` is not a duration of a rollout"), hint));
        }
        match humantime::parse_duration(trimmed) {
            Ok(duration) => Ok(Self(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))),
            Err(_) => Err(UnitError::new(
                format!("`{text}` is not a duration"),
                "write a number with its unit: \"250ms\", \"1.5s\", \"1m30s\", \"2h\"",
            )),
        }
    }
}

impl fmt::Display for Span {
    /// Prints what [`Span::from_str`] reads back to the same nanoseconds: `1m30s`, `1.5s`,
    /// `250ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let (seconds, millis) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000 / 1_000_000);
        if (1..60).contains(&seconds) && millis > 0 && self.0.is_multiple_of(1_000_000) {
            return write!(f, "{}s", format!("{seconds}.{millis:03}").trim_end_matches('0'));
        }
        let units: [(&str, u64); 6] = [
            ("h", 3_600_000_000_000),
            ("m", 60_000_000_000),
            ("s", 1_000_000_000),
            ("ms", 1_000_000),
            ("us", 1_000),
            ("ns", 1),
        ];
        let mut left = self.0;
        for (unit, size) in units {
            if left >= size {
                write!(f, "{}{unit}", left / size)?;
                left %= size;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    fn check(text: &str, nanos: u64, printed: &str) {
        let span: Span = text.parse().unwrap();
        assert_eq!(span.0, nanos, "{text}");
        assert_eq!(span.to_string(), printed);
        assert_eq!(printed.parse::<Span>().unwrap(), span);
    }

    #[test]
    fn spans_read_and_print() {
        check("30s", 30_000_000_000, "30s");
        check("1m30s", 90_000_000_000, "1m30s");
        check("1.5s", 1_500_000_000, "1.5s");
        check("59s80ms", 59_080_000_000, "59.08s");
        check("1m1s500ms", 61_500_000_000, "1m1s500ms");
        check("1s1us", 1_000_001_000, "1s1us");
        check("250ms", 250_000_000, "250ms");
        check("100us", 100_000, "100us");
        check("0", 0, "0s");
        check("2h", 7_200_000_000_000, "2h");
    }

    #[test]
    fn bare_numbers_and_months_are_refused() {
        let error = "15".parse::<Span>().unwrap_err();
        assert_eq!(error.message, "a duration needs a unit");
        assert_eq!(error.hint.unwrap(), "write \"15s\" (or \"15m\", \"15ms\")");
        assert!("1M".parse::<Span>().is_err());
        assert!("2 months".parse::<Span>().is_err());
        assert!("soon".parse::<Span>().is_err());
        assert!("-3s".parse::<Span>().is_err());
    }
}
