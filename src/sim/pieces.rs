//! What the pieces of a world have in common: they begin with a run, live with its instances,
//! and say at its end what became of them.

use super::world::World;
use crate::engine::Seeds;
use crate::trace::{Record, Sink, VersionId};
use crate::units::Time;

impl World<'_> {
    /// Forgets the last run.
    pub(super) fn prepare_pieces(&mut self, seeds: Seeds) {
        if let Some(messages) = &mut self.messages {
            messages.reset(seeds, self.begun);
        }
        if let Some(votes) = &mut self.votes {
            votes.reset();
        }
        if let Some(scaler) = &mut self.scaler {
            scaler.reset(self.scenario.service.instances);
        }
    }

    /// An instance that has run for long.
    pub(super) fn add_running(&mut self, instance: u32) {
        if let Some(messages) = &mut self.messages {
            messages.add(VersionId::OLD.0);
            messages.open(instance, Time::ZERO);
        }
        self.vote(instance, 0);
    }

    /// The process of an instance is gone, and with it the messages it worked on.
    pub(super) fn drop_messages(&mut self, instance: u32) {
        if let Some(messages) = &mut self.messages {
            messages.kill(instance, self.now);
        }
    }

    /// Writes what is known only at the end.
    pub(super) fn finish_pieces(&mut self, end: Time, sink: &mut impl Sink) {
        if let Some(messages) = &mut self.messages {
            messages.advance(end);
            sink.record(end, Record::Messages(messages.counts(end)));
        }
        self.finish_autoscaler(end, sink);
    }
}
