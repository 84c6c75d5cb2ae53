//! The pod template of a set, who changes it, and what is said of the rollout: the same for a
//! `StatefulSet` and a `DaemonSet`, which know neither a pause nor a deadline.

use serde::{Deserialize, Serialize};

use super::{Command, Decision};
use crate::scenario::settings::Operation;
use crate::trace::{Moment, Said, VersionId};
use crate::units::{Span, Time};

/// Which version the template says, and how far its rollout is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Template {
    /// What new pods shall run.
    pub(super) target: VersionId,
    /// `kubectl rollout status` has succeeded since the last change.
    pub(super) finished: bool,
    /// The newest version there ever was.
    newest: VersionId,
    begun: Option<Time>,
    /// How many of the scheduled operations have been carried out.
    operations_done: usize,
    /// An operator undid the rollout and no decision has told so yet.
    undone: bool,
    /// What was said last; nothing before the rollout begins.
    said: Option<Said>,
}

impl Template {
    /// The old version, rolled out.
    pub(super) fn new() -> Self {
        Self {
            target: VersionId::OLD,
            finished: true,
            newest: VersionId::NEW,
            begun: None,
            operations_done: 0,
            undone: false,
            said: None,
        }
    }

    /// Takes a command; hands back an operation that is about something else than the template.
    pub(super) fn command(&mut self, command: Command, now: Time) -> Option<Operation> {
        match command {
            Command::Begin => {
                self.begun.get_or_insert(now);
                self.set(VersionId::NEW);
                None
            }
            Command::Rollback => {
                self.set(VersionId::OLD);
                None
            }
            Command::Operate(operation) => self.operate(operation),
        }
    }

    fn operate(&mut self, operation: Operation) -> Option<Operation> {
        match operation {
            Operation::Undo => self.turn(VersionId::OLD),
            Operation::Set(version) => self.turn(VersionId(version)),
            Operation::Rollover => {
                let newest = self.newest.max(self.target);
                self.set(VersionId(newest.0.saturating_add(1)));
            }
            Operation::Scale(_) | Operation::Partition(_) => return Some(operation),
            // `kubectl` refuses these for sets, or they are other orchestrators' words.
            Operation::Pause | Operation::Resume | Operation::Promote | Operation::Abort => {}
        }
        None
    }

    fn turn(&mut self, version: VersionId) {
        self.undone |= version < self.target;
        self.set(version);
    }

    fn set(&mut self, version: VersionId) {
        if version != self.target {
            self.target = version;
            self.newest = self.newest.max(version);
            self.finished = false;
        }
    }

    /// The next scheduled operation, if it is due and about something else than the template;
    /// those about the template are carried out.
    pub(super) fn take_due(
        &mut self,
        operations: &[(Span, Operation)],
        now: Time,
    ) -> Option<Operation> {
        while self.next_operation(operations).is_some_and(|due| due <= now) {
            let (_, operation) = operations[self.operations_done];
            self.operations_done += 1;
            if let Some(other) = self.operate(operation) {
                return Some(other);
            }
        }
        None
    }

    /// When the next operation is due; `None` before the rollout begins.
    pub(super) fn next_operation(&self, operations: &[(Span, Operation)]) -> Option<Time> {
        let (after, _) = operations.get(self.operations_done)?;
        Some(self.begun? + *after)
    }

    /// Says what changed.
    pub(super) fn report(&mut self, decision: &mut Decision) {
        if std::mem::take(&mut self.undone) {
            decision.moments.push(Moment::RollbackDecided);
        }
        if self.begun.is_none() {
            return;
        }
        let back = self.target == VersionId::OLD;
        let said = match (self.finished, back) {
            (true, false) => Said::Completed,
            (true, true) => Said::RolledBack,
            (false, false) => Said::Progressing,
            (false, true) => Said::RollingBack,
        };
        if self.said != Some(said) {
            self.said = Some(said);
            decision.said = Some(said);
        }
    }
}
