//! A change of the data before or after the instances are replaced.

use super::world::{Event, World};
use crate::scenario::{Migration, When};
use crate::strategy::Command;
use crate::trace::{Moment, Record, Said, Sink, VersionId};

/// How far a run is with its migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Migrated {
    /// Not begun, or there is none.
    No,
    /// It runs.
    Running,
    /// It has run.
    Done,
    /// It runs, and somebody has wanted the old version back meanwhile.
    Unwanted,
    /// It is being undone, for the rollback that follows if the new version was handed over.
    Undoing { handed: bool },
}

impl World<'_> {
    fn migration(&self, when: When) -> Option<&Migration> {
        self.scenario.pieces.migration.as_ref().filter(|migration| migration.when == when)
    }

    /// A migration that comes first runs first; says whether there is one.
    pub(super) fn migrates_first(&mut self, sink: &mut impl Sink) -> bool {
        let first = self.migration(When::Before).is_some();
        if first {
            self.migrate(Migrated::Running, sink);
        }
        first
    }

    /// A migration that comes last holds back the word that all is done; says whether it does.
    pub(super) fn migrates_last(&mut self, said: Said, sink: &mut impl Sink) -> bool {
        if said != Said::Completed || self.migration(When::After).is_none() {
            return false;
        }
        match self.migrated {
            Migrated::No => self.migrate(Migrated::Running, sink),
            Migrated::Running | Migrated::Unwanted | Migrated::Undoing { .. } => {}
            Migrated::Done => return false,
        }
        true
    }

    fn migrate(&mut self, how: Migrated, sink: &mut impl Sink) {
        self.migrated = how;
        sink.record(self.now, Record::Moment(Moment::Migrating));
        let takes = self.chance.migration(how != Migrated::Running);
        self.lock();
        self.plan(self.now + takes, Event::Migrated);
    }

    /// What requests feel of it now, and of versions that do not go together.
    pub(super) fn lock(&mut self) {
        let migration = self.scenario.pieces.migration.as_ref();
        let locked = match (migration, self.migrated) {
            (None, _) | (_, Migrated::No) => [0.0; 2],
            (Some(migration), Migrated::Done) => [migration.old_errors.0, 0.0],
            (Some(migration), _) => [migration.locks.0; 2],
        };
        let discord = self.discord();
        let either = |version: usize| 1.0 - (1.0 - locked[version]) * (1.0 - discord[version]);
        let failing = if discord == [0.0; 2] { locked } else { [either(0), either(1)] };
        if let Some(kernel) = self.kernel() {
            kernel.desk.calls.fail(failing);
        }
    }

    /// It has run, or has been undone.
    pub(super) fn migrated(&mut self, sink: &mut impl Sink) {
        let was = self.migrated;
        let undone = matches!(was, Migrated::Undoing { .. });
        self.migrated = if undone { Migrated::No } else { Migrated::Done };
        sink.record(self.now, Record::Moment(Moment::Migrated));
        self.lock();
        let first = self.migration(When::Before).is_some();
        match was {
            Migrated::Undoing { handed: true } => self.go_back(sink),
            Migrated::Undoing { handed: false } => self.say(Said::RolledBack, sink),
            Migrated::Unwanted if !self.is_irreversible() => {
                self.migrate(Migrated::Undoing { handed: !first }, sink);
            }
            // Who called a person waits for that.
            Migrated::Unwanted => {}
            Migrated::No | Migrated::Running | Migrated::Done if first => self.hand_over(sink),
            Migrated::No | Migrated::Running | Migrated::Done => self.say(Said::Completed, sink),
        }
    }

    fn is_irreversible(&self) -> bool {
        self.scenario.pieces.migration.as_ref().is_some_and(|migration| migration.irreversible)
    }

    /// The new version is handed over: to the orchestrator, or to the running processes.
    pub(super) fn hand_over(&mut self, sink: &mut impl Sink) {
        if self.is_hot() {
            self.reload_all(VersionId::NEW, sink);
        } else {
            self.command(Command::Begin);
        }
    }

    /// Somebody wants the old version back. A migration is undone first; one that cannot be leaves
    /// everything where it is, and a person with it.
    pub(super) fn want_back(&mut self, sink: &mut impl Sink) {
        let was = self.migrated;
        if was == Migrated::Running {
            self.migrated = Migrated::Unwanted;
        }
        if was != Migrated::No && self.is_irreversible() {
            sink.record(self.now, Record::Moment(Moment::RollbackBlocked));
            sink.record(self.now, Record::Moment(Moment::HumanCalled));
            self.say(Said::Failed, sink);
        } else if was == Migrated::Done {
            self.migrate(Migrated::Undoing { handed: true }, sink);
        } else if was == Migrated::No {
            self.go_back(sink);
        }
    }

    fn go_back(&mut self, sink: &mut impl Sink) {
        if self.is_hot() {
            self.take_back(sink);
        } else {
            self.command(Command::Rollback);
        }
    }
}
