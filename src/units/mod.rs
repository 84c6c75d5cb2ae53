//! Quantities with their text forms: `"30s"`, `"25%"`, `"1050/s"`, `"400MiB"`.
//!
//! Everything here is plain data with a parser and a printer that invert each other. A number
//! without its unit is refused: container tools disagree on what a bare `15` means by a factor
//! of 10⁹.

mod amount;
mod bytes;
mod rate;
mod share;
mod time;

pub use amount::{CountOrPercent, Rounding};
pub use bytes::{Bandwidth, Bytes};
pub use rate::Rate;
pub use share::Share;
pub use time::{Span, Time};

/// Why a text is not the quantity that was asked for.
///
/// The message is a full clause without a full stop; `hint` says what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UnitError {
    /// What is wrong, e.g. `a duration needs a unit`.
    pub message: String,
    /// What to write instead, e.g. `write "15s" (or "15m", "15ms")`.
    pub hint: Option<String>,
}

impl UnitError {
    /// An error with a hint.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()) }
    }
}
