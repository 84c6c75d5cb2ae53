//! What somebody outside does to a fleet, as a script tells it.

use super::world::World;
use crate::sim::script::{Outside, Script};
use crate::trace::{Phase, Sink, VersionId};

impl World<'_> {
    /// What is told about this world.
    pub(super) fn script(&self) -> &Script {
        &self.model.script
    }

    /// The `index`-th event of the script.
    pub(super) fn outside(&mut self, index: usize, sink: &mut impl Sink) {
        match self.script().events[index].1 {
            Outside::Tell(command) => self.command(command),
            Outside::Stop { version, count } => {
                for instance in self.first(version, count, Phase::is_active) {
                    self.tell(instance, sink);
                }
            }
            Outside::Fail { version, count } => {
                let healthy = |phase: Phase| phase.is_active() && phase != Phase::Failed;
                for instance in self.first(version, count, healthy) {
                    self.fail(instance, sink);
                }
            }
        }
    }

    /// The first `count` instances of a version that are there, in order of creation.
    fn first(&self, version: VersionId, count: u32, which: fn(Phase) -> bool) -> Vec<u32> {
        let views = self.fleet.views().iter();
        let there = views.filter(|view| view.version == version && which(view.phase));
        there.take(count as usize).map(|view| view.id).collect()
    }
}
