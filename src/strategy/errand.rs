//! What a tool is run for that knows nothing but runs: towards which version.

use serde::{Deserialize, Serialize};

use super::Command;
use super::verdict::Teller;
use crate::scenario::settings::Operation;
use crate::trace::VersionId;

/// The last run that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Errand {
    /// What it brings.
    pub(super) target: VersionId,
    /// It has not begun.
    asked: bool,
}

impl Errand {
    /// Before the rollout.
    pub(super) fn new() -> Self {
        Self { target: VersionId::OLD, asked: false }
    }

    /// Takes a command: another run begins, unless one towards the same version is `running`.
    pub(super) fn command(&mut self, command: Command, running: bool, teller: &mut Teller) {
        let Some(target) = wanted(command, self.target, teller) else { return };
        if self.target != target || !(running || self.asked) {
            self.target = target;
            self.asked = true;
        }
    }

    /// Whether a run begins now.
    pub(super) fn begins(&mut self) -> bool {
        std::mem::take(&mut self.asked)
    }
}

/// The version that a command asks for, if such a tool knows the command. Operators who go back
/// from `target` are noted.
pub(super) fn wanted(
    command: Command,
    target: VersionId,
    teller: &mut Teller,
) -> Option<VersionId> {
    match command {
        Command::Begin => Some(VersionId::NEW),
        Command::Rollback => Some(VersionId::OLD),
        Command::Operate(Operation::Undo | Operation::Abort) => {
            teller.undo(target, VersionId::OLD);
            Some(VersionId::OLD)
        }
        Command::Operate(
            Operation::Pause
            | Operation::Resume
            | Operation::Scale(_)
            | Operation::Rollover
            | Operation::Set(_)
            | Operation::Partition(_)
            | Operation::Promote,
        ) => None,
    }
}
