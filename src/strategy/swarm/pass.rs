//! The orchestrator's pass over all slots: too few, too many, or an update.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::service::Status as Update;
use super::tasks::{Desired, Status, Task};
use super::{Look, State};
use crate::trace::VersionId;

/// A slot as a pass found it: tasks change, this does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Slot {
    pub(super) number: u32,
    pub(super) tasks: Vec<Found>,
}

/// A task as a pass found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) id: u32,
    pub(super) version: VersionId,
    pub(super) desired: Desired,
}

impl Slot {
    /// More than one task, or one that is not of this version.
    pub(super) fn is_dirty(&self, version: VersionId) -> bool {
        self.tasks.len() != 1 || self.tasks[0].version != version
    }
}

impl State {
    /// Something was written to the service: look at all its slots.
    pub(super) fn pass(&mut self, look: &Look<'_>) {
        let mut slots = self.slots(look);
        let wanted = self.service.spec.replicas as usize;
        if slots.len() > wanted {
            self.order_by_worth(&mut slots);
            let surplus = slots.split_off(wanted);
            self.update(slots, look);
            for found in surplus.iter().flat_map(|slot| &slot.tasks) {
                self.tasks.want(found.id, Desired::Remove);
            }
            return;
        }
        let taken: Vec<u32> = slots.iter().map(|slot| slot.number).collect();
        let missing = wanted - slots.len();
        self.update(slots, look);
        for slot in (0..).filter(|slot| !taken.contains(slot)).take(missing) {
            self.tasks.create(slot, self.service.spec.version, Desired::Running);
        }
    }

    /// Slots that an updater may work on: those with tasks that are wanted, or whose latest task
    /// has ended for good (but a rollback fills such slots anew), in random order.
    fn slots(&self, look: &Look<'_>) -> Vec<Slot> {
        let mut by_number: BTreeMap<u32, Vec<&Task>> = BTreeMap::new();
        for task in self.tasks.iter() {
            by_number.entry(task.slot).or_default().push(task);
        }
        let rolls_back = self.service.status == Update::RollbackStarted;
        let mut slots = Vec::new();
        for (number, all) in by_number {
            let mut tasks: Vec<&Task> =
                all.iter().copied().filter(|t| t.desired < Desired::Shutdown).collect();
            if tasks.is_empty() && !rolls_back {
                let over = |t: &&Task| {
                    t.status == Status::Ended
                        && t.desired == Desired::Shutdown
                        && !self.history.allows(t, &look.settings.restart, look.now)
                };
                tasks.extend(all.last().copied().filter(over));
            }
            if tasks.is_empty() {
                continue;
            }
            tasks.sort_by_key(|task| look.coins.task_order(task.id));
            let found = |t: &&Task| Found { id: t.id, version: t.version, desired: t.desired };
            slots.push(Slot { number, tasks: tasks.iter().map(found).collect() });
        }
        slots.sort_by_key(|slot| look.coins.slot_order(self.runs, slot.number));
        slots
    }

    /// Which slots to keep when there are too many: those that run, spread over hosts, and then
    /// the lowest.
    fn order_by_worth(&self, slots: &mut Vec<Slot>) {
        let runs = |slot: &Slot| {
            let status = |f: &Found| self.tasks.get(f.id).map(|t| t.status);
            slot.tasks.iter().any(|found| status(found) == Some(Status::Running))
        };
        slots.sort_by_key(|slot| (!runs(slot), slot.number));
        let mut by_host: BTreeMap<u32, u32> = BTreeMap::new();
        let mut ranked: Vec<(u32, Slot)> = Vec::new();
        for slot in slots.drain(..) {
            let host = match &slot.tasks[..] {
                [one] => self.tasks.get(one.id).map(|t| t.host).filter(|host| *host != u32::MAX),
                _ => None,
            };
            let rank = host.map_or(u32::MAX, |host| {
                let count = by_host.entry(host).or_default();
                *count += 1;
                *count
            });
            ranked.push((rank, slot));
        }
        ranked.sort_by_key(|(rank, _)| *rank);
        slots.extend(ranked.into_iter().map(|(_, slot)| slot));
    }
}
