//! Processor sharing: everything in flight shares the cores equally, no attempt gets more than
//! one core.
//!
//! Advanced lazily: between two touches of a server its departures follow from a virtual time
//! that runs at the rate each attempt is served. What that rate is says a [`Pace`].

use super::station::{InFlight, Station, unpack};

/// How fast a server works.
pub(super) trait Pace {
    /// What it must remember of a server.
    type State: Copy + Default;

    /// At the beginning, of the server of this number.
    fn begin(&self, server: usize) -> Self::State;

    /// Serves `jobs` attempts from `now` on until each has got `need` ns of a core, or it is
    /// `until`.
    fn serve(
        &self,
        state: &mut Self::State,
        now: f64,
        jobs: usize,
        need: f64,
        until: f64,
    ) -> Served;
}

/// How far attempts have come.
#[derive(Debug, Clone, Copy)]
pub(super) enum Served {
    /// Each has got what it needed, at that time.
    Done(f64),
    /// The time is over; each has got so many ns.
    Got(f64),
}

/// The cores, whenever somebody wants them.
#[derive(Debug, Clone)]
pub(crate) struct Cores(pub(crate) f64);

impl Pace for Cores {
    type State = ();

    fn begin(&self, _: usize) {}

    #[inline]
    fn serve(&self, (): &mut (), now: f64, jobs: usize, need: f64, until: f64) -> Served {
        let rate = (self.0 / jobs as f64).min(1.0);
        let done = now + need / rate;
        if done > until { Served::Got((until - now) * rate) } else { Served::Done(done) }
    }
}

#[derive(Debug, Clone, Copy)]
struct Job {
    /// Virtual time at which it is done.
    tag: f64,
    packed: u64,
    node: u32,
}

#[derive(Debug, Clone, Default)]
struct Server<S> {
    /// Descending by tag: the next to leave stands last.
    jobs: Vec<Job>,
    virtual_now: f64,
    updated: f64,
    pace: S,
    /// Attempts that left before they were reported.
    left: Vec<InFlight>,
}

/// Servers whose attempts share what they have.
#[derive(Debug, Clone)]
pub(crate) struct SharingStation<P: Pace> {
    pace: P,
    servers: Vec<Server<P::State>>,
    used: usize,
}

impl<P: Pace> SharingStation<P> {
    pub(crate) fn new(pace: P) -> Self {
        Self { pace, servers: Vec::new(), used: 0 }
    }

    /// Brings a server to `now`.
    fn catch_up(&mut self, index: usize, now: u64) {
        let target = now as f64;
        let server = &mut self.servers[index];
        while let Some(job) = server.jobs.last().copied() {
            let need = job.tag - server.virtual_now;
            let jobs = server.jobs.len();
            match self.pace.serve(&mut server.pace, server.updated, jobs, need, target) {
                Served::Got(got) => {
                    server.virtual_now += got;
                    break;
                }
                Served::Done(departs) => {
                    server.virtual_now = job.tag;
                    server.updated = server.updated.max(departs);
                    server.jobs.pop();
                    let (first, error) = unpack(job.packed);
                    let departs = departs.round() as u64;
                    server.left.push(InFlight { first, departs, node: job.node, error });
                }
            }
        }
        if server.jobs.is_empty() {
            server.virtual_now = 0.0;
        }
        server.updated = target;
    }

    /// When the last of the next `count` departures is, if nothing more arrives.
    fn after(&self, index: usize, count: usize) -> f64 {
        let server = &self.servers[index];
        let (mut at, mut virtual_now) = (server.updated, server.virtual_now);
        let mut pace = server.pace;
        for (left, job) in server.jobs.iter().enumerate().rev().take(count) {
            let need = job.tag - virtual_now;
            match self.pace.serve(&mut pace, at, left + 1, need, f64::INFINITY) {
                Served::Done(departs) => at = departs,
                Served::Got(_) => unreachable!("there is always more time"),
            }
            virtual_now = job.tag;
        }
        at
    }
}

impl<P: Pace> Station for SharingStation<P> {
    const KNOWN: bool = false;

    fn add(&mut self) {
        if self.used == self.servers.len() {
            self.servers.push(Server::default());
        }
        self.servers[self.used].pace = self.pace.begin(self.used);
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
        (self.after(index, usize::MAX).ceil() as u64).max(now)
    }

    fn next_departure(&self, index: usize, now: u64) -> u64 {
        if self.servers[index].jobs.is_empty() {
            return u64::MAX;
        }
        (self.after(index, 1).ceil() as u64).max(now)
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
        let mut station = SharingStation::new(Cores(1.0));
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
        let mut station = SharingStation::new(Cores(2.0));
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
