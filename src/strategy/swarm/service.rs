//! The service: its specification, the one before, and what its update says.

use serde::{Deserialize, Serialize};

use super::Spec;
use crate::scenario::settings::Operation;
use crate::strategy::Command;
use crate::trace::VersionId;

/// `UpdateStatus.State`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Status {
    None,
    Updating,
    Paused,
    Completed,
    RollbackStarted,
    RollbackPaused,
    RollbackCompleted,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Service {
    pub(super) spec: Spec,
    /// One deep.
    previous: Option<Spec>,
    pub(super) status: Status,
    /// Something was written that the orchestrator has not looked at.
    changed: bool,
    /// The latest version ever wanted.
    newest: VersionId,
}

impl Service {
    pub(super) fn new(replicas: u32) -> Self {
        let spec = Spec { version: VersionId::OLD, replicas };
        let (status, newest) = (Status::None, VersionId::OLD);
        Self { spec, previous: None, status, changed: false, newest }
    }

    /// Takes a command; says whether somebody decided to go back.
    pub(super) fn command(&mut self, command: Command) -> bool {
        match command {
            Command::Begin => self.update(Spec { version: VersionId::NEW, ..self.spec }),
            // A pipeline wants the old version, whatever the service's previous one is.
            Command::Rollback => {
                if self.previous.is_some_and(|spec| spec.version == VersionId::OLD) {
                    return self.roll_back_by_hand();
                }
                self.update(Spec { version: VersionId::OLD, ..self.spec });
            }
            Command::Operate(operation) => return self.operate(operation),
        }
        false
    }

    fn operate(&mut self, operation: Operation) -> bool {
        match operation {
            Operation::Scale(replicas) => self.update(Spec { replicas, ..self.spec }),
            Operation::Set(version) => {
                self.update(Spec { version: VersionId(version), ..self.spec });
            }
            Operation::Rollover => {
                let version = VersionId(self.newest.0.max(VersionId::NEW.0) + 1);
                self.update(Spec { version, ..self.spec });
            }
            Operation::Resume => self.update(self.spec),
            Operation::Undo => return self.roll_back_by_hand(),
            // Swarm knows no such thing.
            Operation::Pause | Operation::Partition(_) | Operation::Promote | Operation::Abort => {}
        }
        false
    }

    /// `docker service update`: the state of an earlier update is forgotten.
    fn update(&mut self, spec: Spec) {
        self.previous = Some(self.spec);
        self.spec = spec;
        self.newest = self.newest.max(spec.version);
        self.write(Status::None);
    }

    /// `docker service rollback`: the two specifications change places.
    fn roll_back_by_hand(&mut self) -> bool {
        let Some(previous) = self.previous.replace(self.spec) else {
            self.previous = None;
            return false;
        };
        self.spec = previous;
        self.write(Status::RollbackStarted);
        true
    }

    /// The updater goes back; `false` if there is nothing to go back to.
    pub(super) fn roll_back(&mut self) -> bool {
        let Some(previous) = self.previous.take() else { return false };
        self.spec = previous;
        self.write(Status::RollbackStarted);
        true
    }

    /// A new state of the update.
    pub(super) fn write(&mut self, status: Status) {
        self.status = status;
        self.changed = true;
    }

    pub(super) fn complete(&mut self) {
        self.write(match self.status {
            Status::RollbackStarted => Status::RollbackCompleted,
            _ => Status::Completed,
        });
    }

    pub(super) fn pause(&mut self) {
        self.write(match self.status {
            Status::RollbackStarted => Status::RollbackPaused,
            _ => Status::Paused,
        });
    }

    /// Whether the orchestrator must look; it then has.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }
}
