//! Who votes: the members of a quorum that run and have caught up.

use super::world::{Event, World};
use crate::scenario::pieces::Quorum;
use crate::trace::{Record, Sink};

/// Who votes in this run.
#[derive(Debug)]
pub(super) struct Votes {
    members: u32,
    need: u32,
    /// By instance: its process with this number has caught up.
    caught_up: Vec<Option<u32>>,
    /// How many voted when that was last written.
    written: Option<u32>,
}

impl Votes {
    pub(super) fn new(quorum: &Quorum) -> Self {
        let Quorum { members, need, .. } = *quorum;
        Self { members, need, caught_up: Vec::new(), written: None }
    }

    pub(super) fn reset(&mut self) {
        self.caught_up.clear();
        self.written = None;
    }

    /// This process of an instance votes from now on, as long as it answers.
    pub(super) fn admit(&mut self, instance: u32, process: u32) {
        let index = instance as usize;
        if self.caught_up.len() <= index {
            self.caught_up.resize(index + 1, None);
        }
        self.caught_up[index] = Some(process);
    }
}

impl World<'_> {
    /// A process could answer from now on: it replays its log, then it votes.
    pub(super) fn replay(&mut self, instance: u32, process: u32) {
        if self.votes.is_some() {
            let entry = self.fleet.get(instance);
            let at = self.now + self.chance.catch_up(entry.version, entry.ordinal, process);
            self.plan(at, Event::Vote { instance, process });
        }
    }

    pub(super) fn vote(&mut self, instance: u32, process: u32) {
        if let Some(votes) = &mut self.votes {
            votes.admit(instance, process);
        }
    }

    /// Writes how many vote, if that has changed.
    pub(super) fn count_votes(&mut self, sink: &mut impl Sink) {
        let Some(state) = &mut self.votes else { return };
        let votes_now = |instance: u32| {
            let entry = self.fleet.get(instance);
            let caught_up = state.caught_up.get(instance as usize).copied().flatten();
            entry.able && caught_up == Some(entry.process)
        };
        let here = self.fleet.views().iter().filter(|view| votes_now(view.id)).count() as u32;
        // Members that run elsewhere always vote; those beyond the members (a surge) only learn.
        let elsewhere = state.members - self.scenario.service.instances.min(state.members);
        let (votes, need) = ((here + elsewhere).min(state.members), state.need);
        if state.written != Some(votes) {
            state.written = Some(votes);
            sink.record(self.now, Record::Votes { votes, need });
        }
    }
}
