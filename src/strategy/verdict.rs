//! What runs that may fail half-way say of themselves.

use serde::{Deserialize, Serialize};

use super::Decision;
use crate::trace::{Moment, Said, VersionId};

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Standing {
    /// At it.
    Running,
    /// Through.
    Done,
    /// Given up, or through with failures.
    Failed,
}

/// What was told so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Teller {
    said: Option<Said>,
    detected: bool,
}

impl Teller {
    /// Before the rollout.
    pub(super) fn new() -> Self {
        Self { said: None, detected: false }
    }

    /// Says how the run towards `target` stands, if that is news.
    pub(super) fn tell(&mut self, target: VersionId, standing: Standing, decision: &mut Decision) {
        let back = target == VersionId::OLD;
        let said = match standing {
            Standing::Running if back => Said::RollingBack,
            Standing::Running => Said::Progressing,
            Standing::Done if back => Said::RolledBack,
            Standing::Done => Said::Completed,
            Standing::Failed => Said::Failed,
        };
        if self.said.replace(said) != Some(said) {
            decision.said = Some(said);
        }
    }

    /// Trouble was noticed.
    pub(super) fn detect(&mut self, decision: &mut Decision) {
        if !std::mem::replace(&mut self.detected, true) {
            decision.moments.push(Moment::Detected);
        }
    }

    /// An instance failed.
    pub(super) fn failure(&mut self, instance: u32, decision: &mut Decision) {
        decision.moments.push(Moment::InstanceFailed(instance));
        self.detect(decision);
    }
}
