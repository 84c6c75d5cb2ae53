//! Events per second.

use std::fmt;
use std::str::FromStr;

use super::UnitError;

/// A rate in events per second; finite and not negative.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, serde::Serialize)]
#[serde(transparent)]
pub struct Rate(pub f64);

impl Rate {
    /// Events per second.
    pub fn per_second(self) -> f64 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    /// Reads `1050/s`, `90/m` (or `/min`), `3/h`, `20k/s`.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let trimmed = text.trim();
        let Some((number, unit)) = trimmed.split_once('/') else {
            return Err(match trimmed.parse::<f64>() {
                Ok(_) => UnitError::new("a rate needs a unit", format!("write \"{trimmed}/s\"")),
                Err(_) => bad(text),
            });
        };
        let (number, thousand) = match number.trim().strip_suffix('k') {
            Some(rest) => (rest, 1000.0),
            None => (number.trim(), 1.0),
        };
        let per = match unit.trim() {
            "s" | "sec" | "second" => 1.0,
            "m" | "min" | "minute" => 60.0,
            "h" | "hour" => 3600.0,
            _ => return Err(bad(text)),
        };
        let value = number.parse::<f64>().map_err(|_| bad(text))? * thousand / per;
        if value.is_finite() && value >= 0.0 { Ok(Self(value)) } else { Err(bad(text)) }
    }
}

fn bad(text: &str) -> UnitError {
    UnitError::new(format!("`{text}` is not a rate"), "write \"1050/s\", \"90/min\" or \"3/h\"")
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Rate;

    #[test]
    fn rates_read_and_print() {
        assert_eq!("1050/s".parse::<Rate>().unwrap().0, 1050.0);
        assert_eq!("90/min".parse::<Rate>().unwrap().0, 1.5);
        assert_eq!("20k/s".parse::<Rate>().unwrap().0, 20_000.0);
        assert_eq!(Rate(1.5).to_string(), "1.5/s");
        assert_eq!("900".parse::<Rate>().unwrap_err().message, "a rate needs a unit");
        assert!("-1/s".parse::<Rate>().is_err());
        assert!("fast".parse::<Rate>().is_err());
    }
}
