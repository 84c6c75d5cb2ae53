//! Shares of a whole, written in percent.

use std::fmt;
use std::str::FromStr;

use super::UnitError;

/// A share of a whole: 0 is nothing, 1 is all. Written `25%`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, serde::Serialize)]
#[serde(transparent)]
pub struct Share(pub f64);

impl FromStr for Share {
    type Err = UnitError;

    /// Reads `25%` or `0.4%`. Values above 100 % are read (a surge may be one); who needs a
    /// share of at most one checks it.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let Some(number) = text.strip_suffix('%') else {
            return Err(match text.trim().parse::<f64>() {
                Ok(n) if (0.0..=1.0).contains(&n) => UnitError::new(
                    "a share is written in percent",
                    format!("write \"{}%\"", n * 100.0),
                ),
                Ok(_) => UnitError::new("a share needs its %", format!("write \"{text}%\"")),
                Err(_) => bad(text),
            });
        };
        if number.ends_with(' ') {
            let hint = format!("write \"{}%\"", number.trim());
            return Err(UnitError::new(format!("`{text}` has a blank"), hint));
        }
        let value = number.parse::<f64>().map_err(|_| bad(text))? / 100.0;
        if value.is_finite() && value >= 0.0 { Ok(Self(value)) } else { Err(bad(text)) }
    }
}

fn bad(text: &str) -> UnitError {
    UnitError::new(format!("`{text}` is not a share"), "write a percentage such as \"25%\"")
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded so that 0.07 prints as 7%, not 7.000000000000001%.
        write!(f, "{}%", (self.0 * 1e12).round() / 1e10)
    }
}

#[cfg(test)]
mod tests {
    use super::Share;

    #[test]
    fn shares_read_and_print() {
        assert_eq!("25%".parse::<Share>().unwrap().0, 0.25);
        assert_eq!(Share(0.07).to_string(), "7%");
        assert_eq!(Share(0.0001).to_string(), "0.01%");
        assert_eq!("25 %".parse::<Share>().unwrap_err().hint.unwrap(), "write \"25%\"");
        assert_eq!("0.25".parse::<Share>().unwrap_err().hint.unwrap(), "write \"25%\"");
        assert!("-1%".parse::<Share>().is_err());
    }
}
