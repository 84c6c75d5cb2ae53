//! Processor sharing under a CPU quota: in each period the attempts share the cores until the
//! quota is used up, then stand still until the next period begins.
//!
//! That is the Linux scheduler's bandwidth control (`cpu.cfs_quota_us`, `cpu.cfs_period_us` =
//! 100 ms; kernel documentation, "CFS Bandwidth Control") with perfect slices: what is not used
//! in a period is lost, and an attempt counts as one thread that only computes.

use super::station::{InFlight, Station, unpack};

/// Length of a period, ns.
const PERIOD: f64 = 100e6;

#[derive(Debug, Clone, Copy)]
struct Job {
    /// Virtual time at which it is done.
    tag: f64,
    packed: u64,
    node: u32,
}

/// Where a server is in its period.
#[derive(Debug, Clone, Copy, Default)]
struct Clock {
    now: f64,
    period_ends: f64,
    /// CPU time left in the period, ns.
    left: f64,
}

#[derive(Debug, Clone, Default)]
struct Server {
    /// Descending by tag: the next to leave stands last.
    jobs: Vec<Job>,
    virtual_now: f64,
    clock: Clock,
    /// Attempts that left before they were reported.
    left: Vec<InFlight>,
}

/// Servers that share `cores` and may use `limit` of them on average over a period.
#[derive(Debug, Clone)]
pub(crate) struct ThrottledStation {
    cores: f64,
    quota: f64,
    servers: Vec<Server>,
    used: usize,
}

impl ThrottledStation {
    pub(crate) fn new(cores: f64, limit: f64) -> Self {
        Self { cores, quota: limit * PERIOD, servers: Vec::new(), used: 0 }
    }

    /// Serves `jobs` attempts until each has got `need` ns of a core or it is `until`; returns
    /// what each got.
    fn serve(&self, clock: &mut Clock, jobs: usize, need: f64, until: f64) -> f64 {
        let rate = (self.cores / jobs as f64).min(1.0);
        let burns = rate * jobs as f64;
        let mut got = 0.0;
        loop {
            if clock.now >= clock.period_ends {
                let over = ((clock.now - clock.period_ends) / PERIOD).floor() + 1.0;
                clock.period_ends += over * PERIOD;
                clock.left = self.quota;
            }
            // Less than a nanosecond is rounding.
            let runs = if clock.left < 1.0 { 0.0 } else { clock.left / burns };
            let pauses = if runs == 0.0 { clock.period_ends } else { clock.now + runs };
            let done = if runs == 0.0 { f64::INFINITY } else { clock.now + (need - got) / rate };
            let next = pauses.min(done).min(clock.period_ends).min(until);
            if runs > 0.0 {
                got += (next - clock.now) * rate;
                clock.left -= (next - clock.now) * burns;
            }
            clock.now = next;
            if next >= done {
                return need;
            }
            if next >= until {
                return got;
            }
        }
    }

    /// Brings a server to `now`.
    fn catch_up(&mut self, index: usize, now: u64) {
        let target = now as f64;
        let mut server = std::mem::take(&mut self.servers[index]);
        while let Some(job) = server.jobs.last().copied() {
            let need = (job.tag - server.virtual_now).max(0.0);
            let got = self.serve(&mut server.clock, server.jobs.len(), need, target);
            if got < need {
                server.virtual_now += got;
                break;
            }
            server.virtual_now = job.tag;
            server.jobs.pop();
            let (first, error) = unpack(job.packed);
            let departs = server.clock.now.round() as u64;
            server.left.push(InFlight { first, departs, node: job.node, error });
        }
        if server.jobs.is_empty() {
            server.virtual_now = 0.0;
            server.clock.now = server.clock.now.max(target);
        }
        self.servers[index] = server;
    }
}

impl Station for ThrottledStation {
    const KNOWN: bool = false;

    fn add(&mut self) {
        if self.used == self.servers.len() {
            self.servers.push(Server::default());
        }
        // Periods of different instances are not in step: spread evenly (golden ratio).
        let phase = (self.used as f64 * 0.618_033_988_749_895).fract();
        self.servers[self.used].clock =
            Clock { now: 0.0, period_ends: (1.0 - phase) * PERIOD, left: self.quota };
        self.used += 1;
    }

    fn clear(&mut self) {
        for server in &mut self.servers {
            server.jobs.clear();
            server.left.clear();
            server.virtual_now = 0.0;
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
        let (mut clock, mut virtual_now) = (server.clock, server.virtual_now);
        for (left, job) in server.jobs.iter().enumerate().rev() {
            self.serve(&mut clock, left + 1, (job.tag - virtual_now).max(0.0), f64::INFINITY);
            virtual_now = job.tag;
        }
        (clock.now.ceil() as u64).max(now)
    }

    fn next_departure(&self, index: usize, now: u64) -> u64 {
        let server = &self.servers[index];
        server.jobs.last().map_or(u64::MAX, |job| {
            let mut clock = server.clock;
            let need = (job.tag - server.virtual_now).max(0.0);
            self.serve(&mut clock, server.jobs.len(), need, f64::INFINITY);
            (clock.now.ceil() as u64).max(now)
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

    const MS: u64 = 1_000_000;

    /// Departures in ms of attempts that arrive at once and need so many ms each.
    fn departures(cores: f64, limit: f64, needs: &[u64]) -> Vec<u64> {
        let mut station = ThrottledStation::new(cores, limit);
        station.add();
        for (serial, need) in needs.iter().enumerate() {
            station.admit(0, serial as u64, 0, 0, pack(serial as u64, false), need * MS);
        }
        let idle = station.idle_at(0, 0);
        let mut done = Vec::new();
        station.settle(0, 10_000 * MS, &mut done);
        let departures: Vec<u64> = done.iter().map(|attempt| attempt.departs / MS).collect();
        assert_eq!(Some(idle / MS), departures.iter().max().copied());
        departures
    }

    #[test]
    fn short_work_runs_at_full_speed_and_long_work_stands_still_half_of_the_time() {
        // Half a core: 50 ms in each 100.
        assert_eq!(departures(1.0, 0.5, &[20]), [20]);
        assert_eq!(departures(1.0, 0.5, &[50]), [50]);
        assert_eq!(departures(1.0, 0.5, &[60]), [110]);
        assert_eq!(departures(1.0, 0.5, &[120]), [220]);
    }

    #[test]
    fn many_threads_use_the_quota_up_early() {
        // Eight threads on eight cores with two cores' quota: 25 ms, then a pause of 75.
        assert_eq!(departures(8.0, 2.0, &[30; 8]), [105; 8]);
        assert_eq!(departures(8.0, 2.0, &[20; 8]), [20; 8]);
    }

    #[test]
    fn a_limit_that_is_never_reached_is_none() {
        // Two thirds of a core each until 45 ms, then a core each.
        assert_eq!(departures(2.0, 2.0, &[30, 300, 500]), [45, 315, 515]);
    }

    #[test]
    fn over_time_no_more_than_the_limit_is_used() {
        let mut station = ThrottledStation::new(4.0, 1.5);
        station.add();
        for serial in 0..400 {
            station.admit(0, serial, 0, 0, pack(serial, false), 10 * MS);
        }
        // 4 s of work at 1.5 cores.
        let idle = station.idle_at(0, 0) as f64 / 1e9;
        assert!((idle - 4.0 / 1.5).abs() < 0.1, "{idle}");
        assert_eq!(station.total(0, 50 * MS), 400);
        let mut lost = Vec::new();
        station.evict(0, 60 * MS, &mut lost);
        assert_eq!(lost.len(), 400);
    }
}
