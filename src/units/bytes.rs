//! Sizes in bytes and what a link carries per second.

use std::fmt;
use std::str::FromStr;

use super::{Span, UnitError};

const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// A size in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

/// Bytes per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct Bandwidth(pub u64);

impl Bandwidth {
    /// How long `bytes` take when nobody else uses the link.
    pub fn time_for(self, bytes: Bytes) -> Span {
        Span::from_secs_f64(bytes.0 as f64 / self.0.max(1) as f64)
    }
}

impl FromStr for Bytes {
    type Err = UnitError;

    /// Reads `400MiB`, `1.5GiB`, `250MB`.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bad = || {
            UnitError::new(
                format!("`{text}` is not a size"),
                "write \"400MiB\", \"1.5GiB\" or \"250MB\"",
            )
        };
        let trimmed = text.trim();
        let (unit, size) =
            UNITS.iter().find(|(unit, _)| trimmed.ends_with(unit)).ok_or_else(bad)?;
        let number = trimmed[..trimmed.len() - unit.len()].trim();
        let value = number.parse::<f64>().map_err(|_| bad())? * *size as f64;
        if value.is_finite() && value >= 0.0 { Ok(Self(value.round() as u64)) } else { Err(bad()) }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = UNITS.iter().find(|(_, size)| self.0 >= *size && self.0.is_multiple_of(*size));
        let (unit, size) = exact.copied().unwrap_or(("B", 1));
        write!(f, "{}{unit}", self.0 / size)
    }
}

impl FromStr for Bandwidth {
    type Err = UnitError;

    /// Reads `100MiB/s`, `1GB/s`; also `1Gbit/s` and `800Mbit/s`.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bad = || {
            UnitError::new(
                format!("`{text}` is not a bandwidth"),
                "write \"100MiB/s\" or \"1Gbit/s\"",
            )
        };
        let amount = text.trim().strip_suffix("/s").ok_or_else(bad)?;
        let bytes = if let Some(bits) = amount.strip_suffix("Gbit") {
            bits.trim().parse::<f64>().map_err(|_| bad())? * 125_000_000.0
        } else if let Some(bits) = amount.strip_suffix("Mbit") {
            bits.trim().parse::<f64>().map_err(|_| bad())? * 125_000.0
        } else {
            amount.parse::<Bytes>().map_err(|_| bad())?.0 as f64
        };
        if bytes.is_finite() && bytes >= 1.0 { Ok(Self(bytes.round() as u64)) } else { Err(bad()) }
    }
}

impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", Bytes(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::{Bandwidth, Bytes};

    #[test]
    fn sizes_read_and_print() {
        assert_eq!("400MiB".parse::<Bytes>().unwrap().0, 400 << 20);
        assert_eq!(Bytes(400 << 20).to_string(), "400MiB");
        assert_eq!("1Gbit/s".parse::<Bandwidth>().unwrap().0, 125_000_000);
        assert_eq!(Bandwidth(125_000_000).to_string(), "125MB/s");
        assert_eq!(
            "100MiB/s".parse::<Bandwidth>().unwrap().time_for(Bytes(50 << 20)).0,
            500_000_000
        );
        assert!("400".parse::<Bytes>().is_err());
        assert!("1Gbit".parse::<Bandwidth>().is_err());
    }
}
