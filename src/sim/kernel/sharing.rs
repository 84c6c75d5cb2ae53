//! Processor sharing: everything in flight shares the cores equally, no attempt gets more than
//! one core.
//!
//! Advanced lazily: between two touches of a server its departures follow from a virtual time
//! that runs at the rate each attempt is served.

use super::station::{InFlight, Station, unpack};

#[derive(Debug, Clone, Copy)]
struct Job {
    /// Virtual time at which it is done.
    tag: f64,
    packed: u64,
    node: u32,
}

#[derive(Debug, Clone, Default)]
struct Server {
    /// Descending by tag: the next to leave stands last.
    jobs: Vec<Job>,
    virtual_now: f64,
    updated: f64,
    /// Attempts that left before they were reported.
    left: Vec<InFlight>,
}

/// Servers that share `cores`.
#[derive(Debug, Clone)]
pub(crate) struct SharingStation {
    cores: f64,
    servers: Vec<Server>,
    used: usize,
}

impl SharingStation {
    pub(crate) fn new(cores: f64) -> Self {
        Self { cores, servers: Vec::new(), used: 0 }
    }

    fn rate(&self, jobs: usize) -> f64 {
        (self.cores / jobs as f64).min(1.0)
    }

    /// Brings a server to `now`.
    fn catch_up(&mut self, index: usize, now: u64) {
        let target = now as f64;
        while let Some(job) = self.servers[index].jobs.last().copied() {
            let rate = self.rate(self.servers[index].jobs.len());
            let server = &mut self.servers[index];
            let departs = server.updated + (job.tag - server.virtual_now) / rate;
            if departs > target {
                server.virtual_now += (target - server.updated) * rate;
                break;
            }
            server.virtual_now = job.tag;
            server.updated = server.updated.max(departs);
            server.jobs.pop();
            let (first, error) = unpack(job.packed);
            let departs = departs.round() as u64;
            server.left.push(InFlight { first, departs, node: job.node, error });
        }
        let server = &mut self.servers[index];
        if server.jobs.is_empty() {
            server.virtual_now = 0.0;
        }
        server.updated = target;
    }
}

impl Station for SharingStation {
    const KNOWN: bool = false;

    fn add(&mut self) {
        if self.used == self.servers.len() {
            self.servers.push(Server::default());
        }
        self.used += 1;
    }

    fn clear(&mut self) {
        for server in &mut self.servers {
            server.jobs.clear();
            server.left.clear();
            (server.virtual_now, server.updated) = (0.0, 0.0);
        }
        self.used = 0;
    }

    fn outstanding(&mut self, server: usize, node: u32, now: u64) -> u32 {
        self.catch_up(server, now);
        self.servers[server].jobs.iter().filter(|job| job.node == node).count() as u32
    }

    fn total(&mut self, server: usize, now: u64) -> u32 {
        self.catch_up(server, now);
        self.servers[server].jobs.len() as u32
    }

    fn starts(&self, _: usize, now: u64) -> u64 {
        now
    }

    fn admit(
        &mut self,
        index: usize,
        _: u64,
        node: u32,
        now: u64,
        packed: u64,
        service: u64,
    ) -> u64 {
        self.catch_up(index, now);
        let server = &mut self.servers[index];
        let tag = server.virtual_now + service as f64;
        let place = server.jobs.partition_point(|job| job.tag > tag);
        server.jobs.insert(place, Job { tag, packed, node });
        u64::MAX
    }

    fn idle_at(&mut self, index: usize, now: u64) -> u64 {
        self.catch_up(index, now);
        let server = &self.servers[index];
        let (mut at, mut virtual_now) = (server.updated, server.virtual_now);
        for (left, job) in server.jobs.iter().enumerate().rev() {
            at += (job.tag - virtual_now) / self.rate(left + 1);
            virtual_now = job.tag;
        }
        (at.ceil() as u64).max(now)
    }

    fn next_departure(&self, index: usize, now: u64) -> u64 {
        let server = &self.servers[index];
        server.jobs.last().map_or(u64::MAX, |job| {
            let wait = (job.tag - server.virtual_now) / self.rate(server.jobs.len());
            ((server.updated + wait).ceil() as u64).max(now)
        })
    }

    fn settle(&mut self, server: usize, now: u64, done: &mut Vec<InFlight>) {
        self.catch_up(server, now);
        done.append(&mut self.servers[server].left);
    }

    fn evict(&mut self, index: usize, now: u64, lost: &mut Vec<InFlight>) {
        self.catch_up(index, now);
        for job in self.servers[index].jobs.drain(..) {
            let (first, error) = unpack(job.packed);
            lost.push(InFlight { first, departs: u64::MAX, node: job.node, error });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::kernel::station::pack;

    #[test]
    fn two_jobs_on_one_core_take_turns() {
        let mut station = SharingStation::new(1.0);
        station.add();
        station.admit(0, 0, 0, 0, pack(0, false), 100);
        station.admit(0, 1, 0, 50, pack(50, false), 100);
        // 50 alone, then half speed: the first has 50 left, done at 150; the second has then 50
        // left and the core to itself: 200.
        assert_eq!(station.idle_at(0, 50), 200);
        assert_eq!(station.next_departure(0, 50), 150);
        let mut done = Vec::new();
        station.settle(0, 1_000, &mut done);
        let departures: Vec<_> = done.iter().map(|d| (d.first, d.departs)).collect();
        assert_eq!(departures, [(0, 150), (50, 200)]);
    }

    #[test]
    fn with_cores_to_spare_nobody_waits() {
        let mut station = SharingStation::new(2.0);
        station.add();
        for first in [0, 10] {
            station.admit(0, 0, 3, first, pack(first, false), 100);
        }
        assert_eq!(station.outstanding(0, 3, 99), 2);
        let mut lost = Vec::new();
        station.evict(0, 105, &mut lost);
        assert_eq!(lost.len(), 1);
        let mut done = Vec::new();
        station.settle(0, 105, &mut done);
        assert_eq!((done[0].departs, lost[0].first), (100, 10));
    }
}
