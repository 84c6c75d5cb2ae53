//! What a strategy has asked for and does not see yet.

use serde::{Deserialize, Serialize};

use super::{Action, Decision, InstanceView, NO_SLOT, View};
use crate::trace::VersionId;

/// Starts and stops that are under way, so that nothing is asked for twice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Ledger {
    /// Version and place of starts whose instances have not been seen.
    starts: Vec<(VersionId, u32)>,
    /// Instances told to stop that still look active.
    stops: Vec<u32>,
    /// Instances with smaller numbers have been seen.
    next: u32,
}

impl Ledger {
    /// Before anything was asked for: instances 0 … `instances` − 1 are known.
    pub(super) fn new(instances: u32) -> Self {
        Self { starts: Vec::new(), stops: Vec::new(), next: instances }
    }

    /// Takes in what can be seen now.
    pub(super) fn observe(&mut self, view: &View<'_>) {
        let fresh = view.instances.partition_point(|i| i.id < self.next);
        let mut unseen = 0;
        for i in &view.instances[fresh..] {
            unseen += i.id - self.next;
            self.next = i.id + 1;
            let asked = (i.version, i.slot);
            if let Some(at) = self.starts.iter().position(|start| *start == asked) {
                self.starts.remove(at);
            }
        }
        // Numbers that were never shown came and went between two looks: ask again.
        let gone = self.starts.len().min(unseen as usize);
        self.starts.drain(..gone);
        self.stops.retain(|&id| find(view, id).is_some_and(|i| i.phase.is_active()));
    }

    /// Asks for an instance of this version, anywhere.
    pub(super) fn start(&mut self, version: VersionId, decision: &mut Decision) {
        self.starts.push((version, NO_SLOT));
        decision.actions.push(Action::start(version));
    }

    /// Asks for an instance of this version in this place.
    pub(super) fn start_in(&mut self, slot: u32, version: VersionId, decision: &mut Decision) {
        self.starts.push((version, slot));
        decision.actions.push(Action::start_in(slot, version));
    }

    /// Tells an active instance to stop, unless it was told before.
    pub(super) fn stop(&mut self, instance: u32, decision: &mut Decision) {
        if !self.stops.contains(&instance) {
            self.stops.push(instance);
            decision.actions.push(Action::Stop { instance });
        }
    }

    /// Whether it is active and nobody told it to stop.
    pub(super) fn stays(&self, instance: &InstanceView) -> bool {
        instance.phase.is_active() && !self.stops.contains(&instance.id)
    }

    /// Starts that are under way: version and place.
    pub(super) fn starts(&self) -> &[(VersionId, u32)] {
        &self.starts
    }
}

/// The instance of this number, if it is still shown.
pub(super) fn find<'a>(view: &View<'a>, id: u32) -> Option<&'a InstanceView> {
    let at = view.instances.binary_search_by_key(&id, |i| i.id).ok()?;
    Some(&view.instances[at])
}
