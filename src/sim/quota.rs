//! Creations that a quota refuses, and when they are tried again.
//!
//! As a `ReplicaSet`'s controller does it: a sync in which a creation fails is put back with an
//! exponential back-off of its own (client-go: 5 ms doubling to 1000 s), which is forgotten once
//! a sync succeeds. It also looks when an instance of its own changes, but not when others make
//! room.

use super::room::Around;
use super::world::{Event, World};
use crate::scenario::pieces::Quota;
use crate::strategy::NO_SLOT;
use crate::trace::{Phase, Sink, VersionId};
use crate::units::{Span, Time};

/// After this a controller no longer waits for what it asked for, and asks anew for what is
/// missing: what it asked for before is void.
const PATIENCE: Span = Span::from_secs(300);

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Creation {
    pub(crate) version: VersionId,
    pub(crate) slot: u32,
    pub(crate) held: bool,
    pub(crate) wave: u32,
}

/// The refused creations of each version.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    by_version: Vec<Refused>,
}

#[derive(Debug, Default)]
struct Refused {
    creations: Vec<(Time, Creation)>,
    /// Syncs in a row that failed.
    failures: u32,
    stamp: u32,
    /// A retry is planned.
    waits: bool,
}

impl Refusals {
    pub(crate) fn clear(&mut self) {
        self.by_version.clear();
    }

    fn of(&mut self, version: VersionId) -> &mut Refused {
        let place = usize::from(version.0);
        if self.by_version.len() <= place {
            self.by_version.resize_with(place + 1, Refused::default);
        }
        &mut self.by_version[place]
    }
}

impl<'a> World<'a> {
    fn quota(&self) -> Option<&'a Quota> {
        self.scenario.pieces.quota.as_ref()
    }

    /// Whether a creation is refused; it is then tried again.
    pub(super) fn refuses(&mut self, creation: Creation) -> bool {
        let Some(quota) = self.quota() else { return false };
        let now = self.now;
        let full = self.is_full(quota);
        let refused = self.refusals.of(creation.version);
        refused.creations.retain(|(since, earlier)| {
            let same = creation.slot == NO_SLOT || creation.slot == earlier.slot;
            !same || now.since(*since) < PATIENCE
        });
        if full {
            refused.creations.push((now, creation));
            if !refused.waits {
                self.back_off(quota, creation.version);
            }
        }
        full
    }

    fn is_full(&self, quota: &Quota) -> bool {
        let counted = self.fleet.views().iter().filter(|view| view.phase != Phase::Failed);
        counted.count() >= quota.instances as usize
    }

    fn back_off(&mut self, quota: &Quota, version: VersionId) {
        let now = self.now;
        let refused = self.refusals.of(version);
        let doubled = quota.back_off.0.saturating_mul(1 << refused.failures.min(40));
        refused.failures += 1;
        refused.stamp += 1;
        refused.waits = true;
        let again = Around::Recreate { version: version.0, stamp: refused.stamp };
        // Nothing waits for it: a fleet whose creations are refused is at rest.
        self.restless += 1;
        self.queue.push(now + Span(doubled).min(quota.back_off_max), Event::Around(again));
    }

    /// An instance of this version changed: its controller looks.
    pub(super) fn look_at_refusals(&mut self, version: VersionId) {
        if self.quota().is_none() {
            return;
        }
        let refused = self.refusals.of(version);
        if refused.creations.is_empty() {
            return;
        }
        refused.stamp += 1;
        let again = Around::Recreate { version: version.0, stamp: refused.stamp };
        self.restless += 1;
        self.queue.push(self.now, Event::Around(again));
    }

    /// Refused creations are tried again; says whether one went through.
    pub(super) fn recreate(&mut self, version: u8, stamp: u32, sink: &mut impl Sink) -> bool {
        let version = VersionId(version);
        let Some(quota) = self.quota() else { return false };
        let refused = self.refusals.of(version);
        if refused.stamp != stamp {
            return false;
        }
        refused.waits = false;
        let mut created = false;
        while !self.is_full(quota) && !self.refusals.of(version).creations.is_empty() {
            let (_, creation) = self.refusals.of(version).creations.remove(0);
            self.create_now(creation, sink);
            created = true;
        }
        if self.refusals.of(version).creations.is_empty() {
            self.refusals.of(version).failures = 0;
        } else {
            self.back_off(quota, version);
        }
        created
    }
}
