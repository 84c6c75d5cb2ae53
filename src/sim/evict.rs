//! Hosts that are drained: cordoned, emptied as far as the disruption budget allows, and given
//! back.
//!
//! As `kubectl drain` and the eviction API do it (`pkg/registry/core/pod/storage/eviction.go`,
//! `pkg/controller/disruption`): an instance that does not run is evicted without asking; one
//! that runs but is not ready if the budget is kept as it is; a ready one if it would be kept
//! without it. What is refused is tried again. Rollouts do not ask, but what they stop counts.

use super::room::Around;
use super::world::{Event, World};
use crate::scenario::pieces::Drains;
use crate::trace::{Cause, HostChange, Phase, Sink};

/// Which host is being drained.
#[derive(Debug, Default)]
pub(crate) struct Draining {
    /// Hosts that were begun.
    begun: u32,
    current: Option<u32>,
    /// Instances wanted.
    pub(crate) desired: u32,
}

impl Draining {
    pub(crate) fn reset(&mut self, desired: u32) {
        *self = Self { desired, ..Self::default() };
    }
}

impl<'a> World<'a> {
    fn drains(&self) -> Option<&'a Drains> {
        self.scenario.pieces.drains.as_ref()
    }

    /// The rollout begins.
    pub(super) fn plan_drains(&mut self) {
        if let Some(drains) = self.drains() {
            self.plan(self.now + drains.at, Event::Around(Around::Drain));
        }
    }

    /// Begins with the next host, if there is one.
    pub(super) fn drain(&mut self, sink: &mut impl Sink) {
        let host = self.draining.begun;
        if self.drains().is_some_and(|drains| host < drains.hosts) {
            self.draining.begun += 1;
            self.draining.current = Some(host);
            self.fleet.places.cordon(host, true);
            self.tell_host(host, HostChange::Cordoned, sink);
            self.evict(host, sink);
        }
    }

    /// Evicts what may be evicted from the host that is being drained.
    pub(super) fn evict(&mut self, host: u32, sink: &mut impl Sink) {
        let Some(drains) = self.drains().filter(|_| self.draining.current == Some(host)) else {
            return;
        };
        let there = self.fleet.views().iter().filter(|view| view.host == host);
        let there: Vec<u32> = there.map(|view| view.id).collect();
        let mut refused = false;
        for instance in there {
            let phase = self.fleet.get(instance).phase;
            if !phase.is_active() {
                continue;
            }
            if self.may_evict(drains, phase) {
                self.tell_because(instance, Cause::Evicted, sink);
            } else {
                refused = true;
            }
        }
        if refused {
            self.plan(self.now + drains.retry, Event::Around(Around::Evict { host }));
        }
        self.emptied(sink);
    }

    fn may_evict(&self, drains: &Drains, phase: Phase) -> bool {
        let ready = self.fleet.views().iter().filter(|view| view.phase.is_ready()).count();
        let keeps = drains.budget.keeps(self.draining.desired) as usize;
        match phase {
            Phase::Ready | Phase::Available => ready > keeps,
            Phase::Starting => ready >= keeps,
            Phase::Pending | Phase::Failed => true,
            Phase::Draining | Phase::Stopped | Phase::Lost => false,
        }
    }

    /// Somebody is gone: the host that is being drained may be empty now.
    pub(super) fn emptied(&mut self, sink: &mut impl Sink) {
        let Some(host) = self.draining.current else { return };
        let Some(drains) = self.drains().filter(|_| self.fleet.places.instances(host) == 0) else {
            return;
        };
        self.draining.current = None;
        self.tell_host(host, HostChange::Drained, sink);
        match drains.back {
            Some(back) => self.plan(self.now + back, Event::Around(Around::Uncordon { host })),
            None => self.plan(self.now, Event::Around(Around::Drain)),
        }
    }

    pub(super) fn uncordon(&mut self, host: u32, sink: &mut impl Sink) {
        self.fleet.places.cordon(host, false);
        self.tell_host(host, HostChange::Uncordoned, sink);
        self.freed();
        self.drain(sink);
    }
}
