//! A CPU quota: in each period the attempts share the cores until the quota is used up, then stand
//! still until the next period begins.
//!
//! That is the Linux scheduler's bandwidth control (`cpu.cfs_quota_us`, `cpu.cfs_period_us` =
//! 100 ms; kernel documentation, "CFS Bandwidth Control") with perfect slices: what is not used
//! in a period is lost, and an attempt counts as one thread that only computes.

use super::sharing::{Pace, Served};

/// Length of a period, ns.
const PERIOD: f64 = 100e6;

/// Where a server is in its period.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock {
    period_ends: f64,
    /// CPU time left in the period, ns.
    left: f64,
}

/// Cores of which only a part may be used on average over a period.
#[derive(Debug, Clone)]
pub(crate) struct Quota {
    cores: f64,
    quota: f64,
}

impl Quota {
    pub(crate) fn new(cores: f64, limit: f64) -> Self {
        Self { cores, quota: limit * PERIOD }
    }
}

impl Pace for Quota {
    type State = Clock;

    fn begin(&self, server: usize) -> Clock {
        // Periods of different instances are not in step: spread evenly (golden ratio).
        let phase = (server as f64 * 0.618_033_988_749_895).fract();
        Clock { period_ends: (1.0 - phase) * PERIOD, left: self.quota }
    }

    fn serve(&self, clock: &mut Clock, now: f64, jobs: usize, need: f64, until: f64) -> Served {
        let rate = (self.cores / jobs as f64).min(1.0);
        let burns = rate * jobs as f64;
        let need = need.max(0.0);
        let (mut now, mut got) = (now, 0.0);
        loop {
            if now >= clock.period_ends {
                let over = ((now - clock.period_ends) / PERIOD).floor() + 1.0;
                clock.period_ends += over * PERIOD;
                clock.left = self.quota;
            }
            // Less than a nanosecond is rounding.
            let runs = if clock.left < 1.0 { 0.0 } else { clock.left / burns };
            let pauses = if runs == 0.0 { clock.period_ends } else { now + runs };
            let done = if runs == 0.0 { f64::INFINITY } else { now + (need - got) / rate };
            let next = pauses.min(done).min(clock.period_ends).min(until);
            if runs > 0.0 {
                got += (next - now) * rate;
                clock.left -= (next - now) * burns;
            }
            now = next;
            if next >= done || (next >= until && got >= need) {
                return Served::Done(now);
            }
            if next >= until {
                return Served::Got(got);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::kernel::sharing::SharingStation;
    use crate::sim::kernel::station::{Station, pack};

    const MS: u64 = 1_000_000;

    /// Departures in ms of attempts that arrive at once and need so many ms each.
    fn departures(cores: f64, limit: f64, needs: &[u64]) -> Vec<u64> {
        let mut station = SharingStation::new(Quota::new(cores, limit));
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
        let mut station = SharingStation::new(Quota::new(4.0, 1.5));
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
