//! Recorded rollouts of real orchestrators, as files: which format it is, and what it says.

pub mod docker;
mod document;
pub mod kubectl;
pub mod kubernetes;
pub mod life;
pub mod swarm;

pub use document::Malformed;

use std::io::{self, Read};
use std::path::Path;

use flate2::read::GzDecoder;

use crate::trace::journal::{self, Journal, JournalError};

/// A recorded rollout.
#[derive(Debug, Clone)]
pub enum Recording {
    /// Of Kubernetes controllers.
    Kubernetes(Box<kubernetes::Recording>),
    /// Of a Docker Swarm.
    Swarm(Box<swarm::Recording>),
    /// Of rollcast itself.
    Rollcast(Box<Journal>),
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// Reading failed.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is no JSON.
    #[error("is no JSON: {0}")]
    Json(serde_json::Error),
    /// It is JSON, but of a recording that this program knows.
    #[error("is no recording that rollcast knows: {0}")]
    Foreign(String),
    /// A recording in which something is missing or makes no sense.
    #[error("is a damaged recording: {0}")]
    Damaged(String),
    /// Rollcast's own trace, damaged.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Reads a recording: `.json`, or `.json.gz`, or rollcast's own JSON lines.
pub fn load(path: &Path) -> Result<Recording, RecordingError> {
    let mut bytes = std::fs::read(path)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain)?;
        bytes = plain;
    }
    parse(&bytes)
}

/// The same from its bytes.
pub fn parse(bytes: &[u8]) -> Result<Recording, RecordingError> {
    if bytes.starts_with(b"{\"rollcast_trace\":") {
        return Ok(Recording::Rollcast(Box::new(journal::read(bytes)?)));
    }
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(RecordingError::Json)?;
    let has = |key: &str| value.get(key).is_some();
    if has("kubernetes_version") {
        return Ok(Recording::Kubernetes(Box::new(kubernetes::Recording::read(value)?)));
    }
    if value.get("format").and_then(|f| f.as_str()) == Some("swarm-trace/1") {
        return Ok(Recording::Swarm(Box::new(swarm::Recording::read(value)?)));
    }
    let what = match value.as_object() {
        Some(object) => format!(
            "it has {}, but no `kubernetes_version` or `rollcast_trace`",
            object.keys().take(4).map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
        ),
        None => "it is no JSON object".to_owned(),
    };
    Err(RecordingError::Foreign(what))
}
