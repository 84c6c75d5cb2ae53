//! Counts that may also be written as a percentage of something.

use std::fmt;
use std::str::FromStr;

use super::{Share, UnitError};

/// `3` or `"25%"`, as surge, unavailability and batch sizes are written.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub enum CountOrPercent {
    /// So many.
    Count(u32),
    /// This percentage (25.0 is 25 %) of a whole that the strategy names.
    Percent(f64),
}

/// Which way a percentage of a count is rounded; orchestrators differ, field by field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To the next whole number above.
    Up,
    /// To the next whole number below.
    Down,
}

impl CountOrPercent {
    /// The count that this means out of `whole`.
    pub fn of(self, whole: u32, rounding: Rounding) -> u32 {
        match self {
            Self::Count(n) => n,
            Self::Percent(p) => {
                // The orchestrators multiply first and divide by 100 in integers; so does this
                // for whole percentages, and f64 is exact there.
                let exact = p * f64::from(whole) / 100.0;
                match rounding {
                    Rounding::Up => exact.ceil() as u32,
                    Rounding::Down => exact.floor() as u32,
                }
            }
        }
    }

    /// Whether this is a literal zero (`0` or `0%`), before any rounding.
    pub fn is_zero(self) -> bool {
        matches!(self, Self::Count(0)) || self == Self::Percent(0.0)
    }
}

impl FromStr for CountOrPercent {
    type Err = UnitError;

    /// Reads `3` and `25%`.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        if let Ok(count) = text.parse::<u32>() {
            return Ok(Self::Count(count));
        }
        match text.parse::<Share>() {
            Ok(share) => Ok(Self::Percent((share.0 * 1e12).round() / 1e10)),
            Err(error) if text.contains('%') => Err(error),
            Err(_) => Err(UnitError::new(
                format!("`{text}` is neither a count nor a percentage"),
                "write 3 or \"25%\"",
            )),
        }
    }
}

impl fmt::Display for CountOrPercent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(n) => write!(f, "{n}"),
            Self::Percent(p) => write!(f, "{p}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CountOrPercent, Rounding};

    #[test]
    fn percentages_round_as_told() {
        let quarter: CountOrPercent = "25%".parse().unwrap();
        assert_eq!(quarter.of(10, Rounding::Up), 3);
        assert_eq!(quarter.of(10, Rounding::Down), 2);
        assert_eq!("3".parse::<CountOrPercent>().unwrap().of(10, Rounding::Up), 3);
        assert_eq!("29%".parse::<CountOrPercent>().unwrap().of(100, Rounding::Up), 29);
        assert!("0%".parse::<CountOrPercent>().unwrap().is_zero());
        assert!("a few".parse::<CountOrPercent>().is_err());
    }
}
