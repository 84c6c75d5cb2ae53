//! What the controllers changed, in order.

use super::{raw, version};
use crate::trace::VersionId;
use crate::trace::recorded::RecordingError;

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Sizes (`spec.replicas`) of the replica sets that have any, by version.
    Sizes {
        /// Seconds.
        at: f64,
        /// Since then.
        sizes: Vec<(VersionId, u32)>,
    },
    /// A pod was created or told to stop.
    Pod {
        /// Seconds.
        at: f64,
        /// Created.
        add: bool,
        /// Its index or its node's.
        place: u32,
        /// What it runs.
        version: VersionId,
    },
}

pub(super) fn read(file: &raw::File) -> Result<Vec<Step>, RecordingError> {
    if let Some(sizes) = &file.summary.sequence_timed {
        let step = |timed: &raw::TimedSizes| {
            let mut sizes = Vec::new();
            for (name, size) in timed.by_version.iter().filter(|(_, size)| **size > 0) {
                sizes.push((version(name)?, *size));
            }
            Ok(Step::Sizes { at: timed.t_s, sizes })
        };
        return sizes.iter().map(step).collect();
    }
    let step = |value: &serde_json::Value| {
        let damaged = || RecordingError::Damaged(format!("step {value}"));
        Ok(Step::Pod {
            at: value.get(0).and_then(serde_json::Value::as_f64).ok_or_else(damaged)?,
            add: value.get(1).is_some_and(|what| what == "add"),
            place: value.get(2).and_then(serde_json::Value::as_u64).ok_or_else(damaged)? as u32,
            version: version(value.get(3).and_then(|v| v.as_str()).ok_or_else(damaged)?)?,
        })
    };
    file.summary.sequence.iter().map(step).collect()
}
