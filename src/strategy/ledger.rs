//! What a strategy has asked for and does not see yet.

use serde::{Deserialize, Serialize};

use super::{Action, Decision, InstanceView, View};
use crate::trace::VersionId;

/// Starts and stops under way: whoever keeps it acts on no instance twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ledger {
    /// Instances with smaller numbers have been seen.
    next_instance: u32,
    /// Starts that have not been seen: slot and version, in the order of asking.
    starts: Vec<(u32, VersionId)>,
    /// Instances told to stop that still look active, ascending.
    told: Vec<u32>,
}

impl Ledger {
    /// Nothing is under way, and this many instances have been seen.
    pub(super) fn new(instances: u32) -> Self {
        Self { next_instance: instances, starts: Vec::new(), told: Vec::new() }
    }

    /// Crosses out what can be seen by now; tells `arrived` of each instance seen first, with
    /// the slot of the start that it answers.
    pub(super) fn observe(&mut self, view: &View<'_>, mut arrived: impl FnMut(&InstanceView)) {
        let fresh = view.instances.partition_point(|i| i.id < self.next_instance);
        let mut vanished = 0;
        for i in &view.instances[fresh..] {
            vanished += i.id - self.next_instance;
            self.next_instance = i.id + 1;
            if let Some(at) = self.starts.iter().position(|s| *s == (i.slot, i.version)) {
                self.starts.remove(at);
            }
            arrived(i);
        }
        // A number never shown came and went between two looks; whose it was nobody knows.
        self.starts.drain(..self.starts.len().min(vanished as usize));
        if !self.told.is_empty() {
            self.told.retain(|&id| find(view, id).is_some_and(|i| i.phase.is_active()));
        }
    }

    /// Asks for an instance in this slot.
    pub(super) fn start(&mut self, slot: u32, version: VersionId, decision: &mut Decision) {
        self.starts.push((slot, version));
        decision.actions.push(Action::start_in(slot, version));
    }

    /// Tells an instance to stop, unless it was told.
    pub(super) fn stop(&mut self, instance: u32, decision: &mut Decision) {
        if let Err(at) = self.told.binary_search(&instance) {
            self.told.insert(at, instance);
            decision.actions.push(Action::Stop { instance });
        }
    }

    /// Whether it exists and was not told to stop; failed ones too.
    pub(super) fn keeps(&self, i: &InstanceView) -> bool {
        i.phase.is_active() && self.told.binary_search(&i.id).is_err()
    }

    /// Starts that have not been seen: slot and version.
    pub(super) fn starts(&self) -> &[(u32, VersionId)] {
        &self.starts
    }
}

/// The instance of this number.
pub(super) fn find<'a>(view: &View<'a>, id: u32) -> Option<&'a InstanceView> {
    let at = view.instances.binary_search_by_key(&id, |i| i.id).ok()?;
    Some(&view.instances[at])
}
