//! Recorded traffic and durations.

use std::path::Path;

use crate::scenario::Profile;
use crate::units::Span;

/// How to read a recorded file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrafficOptions {
    /// Column with the values.
    pub column: Option<String>,
    /// Length of an interval.
    pub interval: Option<Span>,
    /// Part of the record.
    pub window: Option<(String, String)>,
    /// Where the rollout begins.
    pub at: Option<String>,
    /// Multiplies every count.
    pub scale: f64,
    /// Begin anew at the end.
    pub repeat: bool,
    /// Kind of file.
    pub format: Option<String>,
}

/// What was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The traffic.
    pub profile: Profile,
    /// What deserves a look.
    pub warnings: Vec<String>,
    /// One line about it.
    pub describe: String,
}

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RecordedError {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Line in the recorded file.
    pub line: Option<u64>,
}

fn not_here(path: &Path) -> RecordedError {
    let message = format!("{} cannot be read yet", path.display());
    RecordedError { message, hint: None, line: None }
}

/// Reads traffic.
pub fn read_traffic(path: &Path, _: &TrafficOptions) -> Result<Recorded, RecordedError> {
    Err(not_here(path))
}

/// Reads durations.
pub fn read_durations(path: &Path, _: &str) -> Result<Vec<Span>, RecordedError> {
    Err(not_here(path))
}
