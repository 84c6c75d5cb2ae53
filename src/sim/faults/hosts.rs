//! Hosts and zones that are gone, slow, or out of reach.
//!
//! A host that is gone says nothing: whoever sends requests there waits in vain, and the
//! orchestrator learns of it when heartbeats have failed to come for long enough. Then its
//! instances count as not ready, later as lost, and only that makes most orchestrators replace
//! them. If the host comes back before, its processes start again where they were.

use super::{Host, Step, luck};
use crate::scenario::pieces::Trouble;
use crate::sim::world::{Event, World};
use crate::trace::{Cause, HostChange, Phase, Sink};
use crate::units::Time;

impl World<'_> {
    fn host(&mut self, host: u32) -> Option<&mut Host> {
        let seeds = self.chance.seeds();
        let known = self.faults.as_ref()?.hosts.len() as u32;
        for number in known..=host {
            let noise: f64 = self
                .all_faults()
                .filter(|(_, fault)| matches!(fault.trouble, Trouble::HostNoise { .. }))
                .map(|(fault, _)| self.fault_luck(fault).noise(seeds, fault, number))
                .product();
            self.faults.as_mut()?.hosts.push(Host { down: 0, stamp: 0, noise });
        }
        self.faults.as_mut()?.hosts.get_mut(host as usize)
    }

    /// The hosts that a fault takes in this round.
    pub(super) fn struck_hosts(&self, fault: u8, round: u32) -> Vec<u32> {
        let (places, seeds) = (&self.fleet.places, self.chance.seeds());
        match self.fault(fault).trouble {
            Trouble::HostLoss { host, .. } => {
                // Hosts that are bought later have no part in it: the draw must be the same again.
                let count = self.scenario.hosts.count.max(1);
                vec![host.unwrap_or_else(|| luck::which(seeds, fault, round, count))]
            }
            Trouble::ZoneLoss { zone, .. } => {
                let zones = self.scenario.hosts.zones.max(1);
                let zone = zone.unwrap_or_else(|| luck::which(seeds, fault, round, zones));
                (0..places.count()).filter(|host| places.zone(*host) == zone).collect()
            }
            _ => Vec::new(),
        }
    }

    fn instances_on(&self, host: u32) -> Vec<u32> {
        let there = self.fleet.views().iter().filter(|view| view.host == host);
        there.map(|view| view.id).collect()
    }

    /// A host is gone.
    pub(super) fn lose_host(&mut self, host: u32, fault: u8, round: u32, sink: &mut impl Sink) {
        let Some(entry) = self.host(host) else { return };
        entry.down += 1;
        if entry.down > 1 {
            return;
        }
        entry.stamp += 1;
        let stamp = entry.stamp;
        self.fleet.places.set_down(host, true);
        self.tell_host(host, HostChange::Lost, sink);
        for instance in self.instances_on(host) {
            self.fall_silent(instance, sink);
        }
        let (seeds, luck) = (self.chance.seeds(), self.fault_luck(fault));
        let silent = self.now + luck.silent(seeds, fault, host, round);
        self.plan(silent, Event::Fault(Step::Silent { host, stamp }));
        if let Some(replaced) = luck.replaced(seeds, fault, host, round) {
            self.plan(silent + replaced, Event::Fault(Step::Lost { host, stamp }));
        }
    }

    /// An instance is no more, and nobody knows it.
    fn fall_silent(&mut self, instance: u32, sink: &mut impl Sink) {
        self.pulls.cancel(self.now, instance);
        if self.pulls.next_end() != Time::NEVER {
            self.plan_pull();
        }
        self.lose_process(instance, sink);
        self.end_wait(instance);
        self.fleet.get_mut(instance).gone = true;
        if let Some(kernel) = self.kernel() {
            kernel.set_dark(instance, None, true);
        }
    }

    fn is_stamp(&mut self, host: u32, stamp: u32) -> bool {
        self.host(host).is_some_and(|entry| entry.down > 0 && entry.stamp == stamp)
    }

    /// Heartbeats of a host have not come for too long.
    pub(super) fn silent(&mut self, host: u32, stamp: u32, sink: &mut impl Sink) {
        if !self.is_stamp(host, stamp) {
            return;
        }
        for instance in self.instances_on(host) {
            let entry = *self.fleet.get(instance);
            if entry.gone && entry.phase.is_ready() {
                let cause = Cause::Unreachable;
                self.fleet.move_to(self.now, instance, Phase::Starting, cause, sink);
                self.withdraw(instance);
            }
        }
        self.changed();
    }

    /// A host is given up, and with it its instances.
    pub(super) fn lost(&mut self, host: u32, stamp: u32, sink: &mut impl Sink) {
        if !self.is_stamp(host, stamp) {
            return;
        }
        for instance in self.instances_on(host) {
            let entry = *self.fleet.get(instance);
            if !entry.gone {
                continue;
            }
            if entry.phase.is_active() {
                self.withdraw(instance);
            }
            if let Some(kernel) = self.kernel() {
                kernel.close(instance, false);
            }
            self.fleet.move_to(self.now, instance, Phase::Lost, Cause::HostLost, sink);
            self.vanish(instance, sink);
            self.forget_kill(instance);
            self.gone(instance, sink);
        }
        self.changed();
    }

    /// A host is there again, with what nobody has given up.
    pub(super) fn host_back(&mut self, host: u32, sink: &mut impl Sink) {
        let Some(entry) = self.host(host) else { return };
        entry.down = entry.down.saturating_sub(1);
        if entry.down > 0 {
            return;
        }
        self.fleet.places.set_down(host, false);
        self.tell_host(host, HostChange::Returned, sink);
        for instance in self.instances_on(host) {
            self.come_back(instance, host, sink);
        }
        self.changed();
        self.freed();
    }

    fn come_back(&mut self, instance: u32, host: u32, sink: &mut impl Sink) {
        let entry = self.fleet.get_mut(instance);
        if !std::mem::take(&mut entry.gone) {
            return;
        }
        let phase = entry.phase;
        if let Some(kernel) = self.kernel() {
            kernel.set_dark(instance, None, false);
        }
        match phase {
            Phase::Draining => self.exit(instance, Cause::Exited, sink),
            Phase::Starting | Phase::Ready | Phase::Available => {
                if phase.is_ready() {
                    let cause = Cause::Crashed;
                    self.fleet.move_to(self.now, instance, Phase::Starting, cause, sink);
                    self.withdraw(instance);
                }
                self.fleet.restarted(instance);
                self.fetch(instance, host, sink);
            }
            Phase::Pending | Phase::Failed | Phase::Stopped | Phase::Lost => {}
        }
    }

    /// An instance has got its place: how fast it is there, and who reaches it.
    pub(in crate::sim) fn settle_in(&mut self, instance: u32) {
        if self.faults.is_none() {
            return;
        }
        self.pace(instance);
        self.part(instance);
    }

    /// How fast an instance is on its host now.
    fn pace(&mut self, instance: u32) {
        let host = self.fleet.get(instance).host;
        let Some(noise) = self.host(host).map(|entry| entry.noise) else { return };
        let seeds = self.chance.seeds();
        let slow = self.all_faults().filter(|(fault, _)| self.is_active(*fault));
        let slow = slow.filter_map(|(number, fault)| match fault.trouble {
            Trouble::SlowHost { host: Some(slow), factor, .. } if slow == host => Some(factor),
            Trouble::SlowHost { host: None, share, factor } => {
                luck::befalls(seeds, number, host.into(), share.0).then_some(factor)
            }
            _ => None,
        });
        let pace = noise * slow.product::<f64>();
        if let Some(kernel) = self.kernel() {
            kernel.set_pace(instance, pace);
        }
    }

    /// What is in flight keeps the pace that it began with.
    pub(super) fn pace_all(&mut self) {
        for instance in self.all_placed() {
            self.pace(instance);
        }
    }

    /// Which nodes reach an instance now.
    fn part(&mut self, instance: u32) {
        let host = self.fleet.get(instance).host;
        let (zone, nodes) = (self.fleet.places.zone(host), self.scenario.clients.nodes);
        let (seeds, zones) = (self.chance.seeds(), self.scenario.hosts.zones.max(1));
        for (fault, piece) in self.all_faults() {
            let Trouble::Partition { node: cut, zone: from } = piece.trouble else { continue };
            let round = self.faults.as_ref().map_or(0, |all| all.active[usize::from(fault)].round);
            let cut = cut.unwrap_or_else(|| luck::which(seeds, fault, 2 * round, nodes));
            let from = from.unwrap_or_else(|| luck::which(seeds, fault, 2 * round + 1, zones));
            let is_dark = self.is_active(fault) && from == zone;
            let others = self.all_faults().any(|(other, piece)| {
                let same = matches!(piece.trouble, Trouble::Partition { node, zone: of }
                    if node == Some(cut) && of == Some(zone));
                other != fault && same && self.is_active(other)
            });
            if let Some(kernel) = self.kernel() {
                kernel.set_dark(instance, Some(cut), is_dark || others);
            }
        }
    }

    pub(super) fn part_all(&mut self) {
        for instance in self.all_placed() {
            self.part(instance);
        }
    }

    fn all_placed(&self) -> Vec<u32> {
        let placed = self.fleet.views().iter().filter(|view| view.host != u32::MAX);
        placed.map(|view| view.id).collect()
    }
}
