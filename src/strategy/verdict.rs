//! What an orchestrator says of itself, each thing once.

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
    /// Somebody goes back, and no decision has told so yet.
    undone: bool,
}

impl Teller {
    /// Before the rollout.
    pub(super) fn new() -> Self {
        Self { said: None, detected: false, undone: false }
    }

    /// Before the rollout, where the API shows the one before it as this.
    pub(super) fn saying(said: Said) -> Self {
        Self { said: Some(said), ..Self::new() }
    }

    /// Says this, if it is news.
    pub(super) fn say(&mut self, said: Said, decision: &mut Decision) {
        if self.said.replace(said) != Some(said) {
            decision.said = Some(said);
        }
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
        self.say(said, decision);
    }

    /// An operator goes back from one version to another; to the same one is no news.
    pub(super) fn undo(&mut self, from: VersionId, to: VersionId) {
        self.undone |= from != to;
    }

    /// Tells that somebody goes back.
    pub(super) fn tell_undone(&mut self, decision: &mut Decision) {
        if std::mem::take(&mut self.undone) {
            decision.moments.push(Moment::RollbackDecided);
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
