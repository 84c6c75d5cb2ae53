//! Replacing in place: every place has a version that it shall run, and nothing else stays there.

use serde::{Deserialize, Serialize};

use super::ledger::Ledger;
use super::{Decision, InstanceView, View};
use crate::trace::VersionId;

/// The places 0 … n − 1 with the version each shall run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Places {
    goals: Vec<VersionId>,
    ledger: Ledger,
}

/// How a place changes its instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exchange {
    /// The old one is stopped; when it is gone the new one starts.
    InPlace,
    /// The new one starts; when it is ready the old one is stopped.
    Surge,
}

/// Who is in a place.
#[derive(Debug, Clone, Copy, Default)]
struct Seat<'a> {
    /// Runs what the place shall run, and stays.
    right: Option<&'a InstanceView>,
    /// Anybody at all, the stopping ones too.
    taken: bool,
    /// A start for this place is under way.
    awaited: bool,
}

impl Places {
    /// So many places in which the old version runs.
    pub(super) fn new(instances: u32) -> Self {
        Self { goals: vec![VersionId::OLD; instances as usize], ledger: Ledger::new(instances) }
    }

    /// How many places there are.
    pub(super) fn len(&self) -> u32 {
        self.goals.len() as u32
    }

    /// What this place shall run.
    pub(super) fn goal(&self, slot: u32) -> VersionId {
        self.goals[slot as usize]
    }

    /// From now on this place shall run this version.
    pub(super) fn set(&mut self, slot: u32, version: VersionId) {
        self.goals[slot as usize] = version;
    }

    /// Places that shall run this version, ascending.
    pub(super) fn of(&self, version: VersionId) -> impl Iterator<Item = u32> {
        (0..self.len()).filter(move |slot| self.goal(*slot) == version)
    }

    /// Takes in what can be seen now. Before anything else in a look.
    pub(super) fn observe(&mut self, view: &View<'_>) {
        self.ledger.observe(view);
    }

    /// Whether this instance is active and nobody told it to stop.
    pub(super) fn stays(&self, instance: &InstanceView) -> bool {
        self.ledger.stays(instance)
    }

    /// By place: the instance that runs what the place shall run, if it stays.
    pub(super) fn occupants<'a>(&self, view: &View<'a>) -> Vec<Option<&'a InstanceView>> {
        self.seats(view).into_iter().map(|seat| seat.right).collect()
    }

    /// Stops an instance, so that its place is filled anew.
    pub(super) fn renew(&mut self, instance: &InstanceView, decision: &mut Decision) {
        self.ledger.stop(instance.id, decision);
    }

    /// Stops whoever does not belong, starts who is missing.
    pub(super) fn tend(&mut self, view: &View<'_>, how: Exchange, decision: &mut Decision) {
        let seats = self.seats(view);
        for i in view.instances.iter().filter(|i| (i.slot as usize) < seats.len()) {
            let right = seats[i.slot as usize].right;
            if !self.ledger.stays(i) || right.is_some_and(|right| right.id == i.id) {
                continue;
            }
            // Somebody who runs the right version twice is one too many in either case.
            let waits = how == Exchange::Surge
                && i.version != self.goal(i.slot)
                && !right.is_some_and(|right| right.phase.is_ready());
            if !waits {
                self.ledger.stop(i.id, decision);
            }
        }
        for (slot, seat) in (0..).zip(&seats) {
            let free = !seat.taken || how == Exchange::Surge;
            if seat.right.is_none() && !seat.awaited && free {
                self.ledger.start_in(slot, self.goal(slot), decision);
            }
        }
    }

    fn seats<'a>(&self, view: &View<'a>) -> Vec<Seat<'a>> {
        let mut seats = vec![Seat::default(); self.goals.len()];
        for i in view.instances {
            let Some(seat) = seats.get_mut(i.slot as usize) else { continue };
            seat.taken = true;
            if i.version == self.goal(i.slot) && self.ledger.stays(i) {
                seat.right = seat.right.or(Some(i));
            }
        }
        for (_, slot) in self.ledger.starts() {
            if let Some(seat) = seats.get_mut(*slot as usize) {
                seat.awaited = true;
            }
        }
        seats
    }
}
