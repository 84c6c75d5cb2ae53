//! What the orchestrator's API shows, kept for who asks.

use super::world::World;
use crate::strategy::Status;
use crate::units::Time;

impl World<'_> {
    /// Keeps what the orchestrator's API shows from the next run on; see [`World::statuses`].
    pub fn keep_statuses(&mut self) {
        self.statuses = Some(Vec::new());
    }

    /// What the orchestrator's API showed in the last run, whenever that changed.
    pub fn statuses(&self) -> &[(Time, Status)] {
        self.statuses.as_deref().unwrap_or_default()
    }

    /// The place that an instance of the last run filled; see [`crate::strategy::NO_SLOT`].
    pub fn slot(&self, instance: u32) -> u32 {
        self.fleet.get(instance).slot
    }

    /// Something may have changed what the API shows.
    pub(super) fn note_status(&mut self) {
        let Some(statuses) = &mut self.statuses else { return };
        let Some(status) = self.strategy.status(&self.state) else { return };
        if statuses.last().is_none_or(|(_, last)| *last != status) {
            statuses.push((self.now, status));
        }
    }
}
