//! Instances that find no place: they wait for one, and hosts are bought for them.

use super::chance::Latency;
use super::world::{Event, World};
use crate::scenario::{AntiAffinity, Hosts, Provision};
use crate::trace::{HostChange, Phase, Record, Sink};
use crate::units::{Span, Time};

/// What happens around the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Around {
    /// A start has had its CPU time, if none began or ended since.
    Cpu { stamp: u32 },
    /// Those who wait for a place are tried again.
    Schedule,
    /// Somebody looks whether hosts must be bought.
    Scan,
    /// A bought host is there.
    Bought { zone: u32 },
    /// The next host is drained.
    Drain,
    /// Evictions that were refused are tried again, if that host is still being drained.
    Evict { host: u32 },
    /// A drained host takes instances again.
    Uncordon { host: u32 },
    /// Creations of a version that were refused are tried again, if nothing came between.
    Recreate { version: u8, stamp: u32 },
}

/// Who waits for a place, and what is being done about it.
#[derive(Debug, Default)]
pub(crate) struct Room {
    waiting: Vec<u32>,
    /// They will be tried again soon.
    tries: bool,
    scans: bool,
    /// By zone: hosts that were bought and are not there yet.
    coming: Vec<u32>,
    /// Hosts bought so far.
    bought: u32,
}

impl Room {
    pub(crate) fn reset(&mut self, zones: u32) {
        self.waiting.clear();
        self.coming.clear();
        self.coming.resize(zones.max(1) as usize, 0);
        (self.tries, self.scans, self.bought) = (false, false, 0);
    }
}

/// Instances that a host takes.
fn each(hosts: &Hosts) -> u32 {
    match hosts.anti_affinity {
        AntiAffinity::None => hosts.room.unwrap_or(u32::MAX),
        AntiAffinity::Version | AntiAffinity::All => 1,
    }
}

impl World<'_> {
    /// Something around the fleet happens; says whether that changed anything.
    pub(super) fn around(&mut self, what: Around, sink: &mut impl Sink) -> bool {
        if let Around::Recreate { version, stamp } = what {
            self.restless -= 1;
            return self.recreate(version, stamp, sink);
        }
        self.moving -= 1;
        match what {
            Around::Cpu { stamp } => self.worked(stamp),
            Around::Schedule => self.schedule(sink),
            Around::Scan => self.scan(),
            Around::Bought { zone } => self.bought(zone, sink),
            Around::Drain => self.drain(sink),
            Around::Evict { host } => self.evict(host, sink),
            Around::Uncordon { host } => self.uncordon(host, sink),
            Around::Recreate { .. } => unreachable!("moves nothing by itself"),
        }
        true
    }

    /// Whether it is recorded which host an instance is on.
    pub(super) fn tells_places(&self) -> bool {
        let (hosts, pieces) = (&self.scenario.hosts, &self.scenario.pieces);
        let broken = pieces.faults.iter().any(|fault| fault.piece.has_places());
        hosts.is_tight() || hosts.zones > 1 || pieces.drains.is_some() || broken
    }

    /// The hosts that are there when the record begins.
    pub(super) fn tell_hosts(&mut self, sink: &mut impl Sink) {
        if self.tells_places() {
            for host in 0..self.fleet.places.count() {
                self.tell_host(host, HostChange::Initial, sink);
            }
        }
    }

    pub(super) fn tell_host(&self, host: u32, change: HostChange, sink: &mut impl Sink) {
        let zone = self.fleet.places.zone(host);
        sink.record(self.now, Record::Host { host, zone, change });
    }

    /// Where an instance was placed, if that is recorded.
    pub(super) fn tell_place(&self, instance: u32, host: u32, sink: &mut impl Sink) {
        if self.tells_places() {
            let zone = self.fleet.places.zone(host);
            sink.record(self.now, Record::Placed { instance, host, zone });
        }
    }

    /// There is no place for an instance.
    pub(super) fn wait_for_place(&mut self, instance: u32) {
        self.room.waiting.push(instance);
        if !self.room.scans
            && let Some(provision) = &self.scenario.hosts.provision
        {
            self.room.scans = true;
            let at = self.next_scan(provision);
            self.plan(at, Event::Around(Around::Scan));
        }
    }

    /// Scans come at fixed intervals, whose beginning nobody knows.
    fn next_scan(&self, provision: &Provision) -> Time {
        let interval = provision.scan_interval;
        let first = self.begun + self.chance.scan_phase(interval);
        let gone = self.now.since(first).0 / interval.0;
        if self.now < first { first } else { first + Span(interval.0.saturating_mul(gone + 1)) }
    }

    /// A place may have become free.
    pub(super) fn freed(&mut self) {
        if !self.room.waiting.is_empty() && !self.room.tries {
            self.room.tries = true;
            let at = self.now + self.latency(Latency::Schedule);
            self.plan(at, Event::Around(Around::Schedule));
        }
    }

    fn schedule(&mut self, sink: &mut impl Sink) {
        self.room.tries = false;
        for instance in std::mem::take(&mut self.room.waiting) {
            self.place(instance, sink);
        }
    }

    /// Buys hosts for those who wait, beyond what was bought for them before.
    fn scan(&mut self) {
        self.room.scans = false;
        let hosts = &self.scenario.hosts;
        let Some(provision) = &hosts.provision else { return };
        let fleet = &self.fleet;
        self.room.waiting.retain(|instance| fleet.get(*instance).phase == Phase::Pending);
        let waiting = self.room.waiting.len() as u64;
        let each = each(hosts);
        let coming: u32 = self.room.coming.iter().sum();
        let places = u64::from(coming) * u64::from(each);
        let wanted = waiting.saturating_sub(places).div_ceil(u64::from(each));
        let there = self.fleet.places.count() + coming;
        let allowed = provision.nodes_max.unwrap_or(u32::MAX).saturating_sub(there);
        for _ in 0..wanted.min(u64::from(allowed)) {
            let zone = self.fleet.places.poorest_zone(&self.room.coming, each);
            self.room.coming[zone as usize] += 1;
            let at = self.now + self.chance.provision(self.room.bought);
            self.room.bought += 1;
            self.plan(at, Event::Around(Around::Bought { zone }));
        }
    }

    fn bought(&mut self, zone: u32, sink: &mut impl Sink) {
        self.room.coming[zone as usize] -= 1;
        let host = self.fleet.places.add(zone);
        self.tell_host(host, HostChange::Bought, sink);
        self.freed();
    }
}
