//! The CPU time of starts, which share the cores of their host.

use crate::units::{Span, Time};

#[derive(Debug, Clone, Copy)]
struct Work {
    instance: u32,
    process: u32,
    host: u32,
    /// Nanoseconds of a core.
    left: f64,
}

/// Starts in progress: processor sharing among those of one host. None gets more than `most`
/// cores.
#[derive(Debug, Clone)]
pub(crate) struct Starts {
    cores: f64,
    most: f64,
    running: Vec<Work>,
    /// Running, by host.
    by_host: Vec<u32>,
    updated: Time,
}

impl Starts {
    /// On hosts of so many cores, with a CPU limit on each instance.
    pub(crate) fn new(cores: f64, limit: Option<f64>) -> Self {
        // A process that starts is mostly one thread.
        let most = limit.unwrap_or(1.0).min(1.0);
        let (running, by_host) = (Vec::new(), Vec::new());
        Self { cores, most, running, by_host, updated: Time::ZERO }
    }

    pub(crate) fn clear(&mut self) {
        self.running.clear();
        self.by_host.clear();
        self.updated = Time::ZERO;
    }

    /// A process begins its work.
    pub(crate) fn begin(
        &mut self,
        now: Time,
        (instance, process): (u32, u32),
        host: u32,
        work: Span,
    ) {
        self.progress(now);
        if self.by_host.len() <= host as usize {
            self.by_host.resize(host as usize + 1, 0);
        }
        self.by_host[host as usize] += 1;
        self.running.push(Work { instance, process, host, left: work.0 as f64 });
    }

    /// Gives up the work of an instance; says whether it had any.
    pub(crate) fn cancel(&mut self, now: Time, instance: u32) -> bool {
        let Some(place) = self.running.iter().position(|work| work.instance == instance) else {
            return false;
        };
        self.progress(now);
        let work = self.running.remove(place);
        self.by_host[work.host as usize] -= 1;
        true
    }

    /// Whether an instance has had its CPU time at this very instant, which nobody noticed yet.
    pub(crate) fn is_done(&mut self, now: Time, instance: u32) -> bool {
        if !self.running.iter().any(|work| work.instance == instance) {
            return false;
        }
        self.progress(now);
        self.running.iter().any(|work| work.instance == instance && work.left < 0.5)
    }

    /// When the next one is done if nothing changes; [`Time::NEVER`] if none runs.
    pub(crate) fn next_end(&self) -> Time {
        let ends = self.running.iter().map(|work| {
            let nanos = (work.left / self.rate(work.host)).max(0.0);
            Time(self.updated.0 + nanos.ceil() as u64)
        });
        ends.min().unwrap_or(Time::NEVER)
    }

    /// Appends (instance, process) of those that are done by `now`.
    pub(crate) fn finish(&mut self, now: Time, done: &mut Vec<(u32, u32)>) {
        self.progress(now);
        let by_host = &mut self.by_host;
        self.running.retain(|work| {
            // Half a nanosecond: what rounding to whole ones may leave.
            let ends = work.left < 0.5;
            if ends {
                by_host[work.host as usize] -= 1;
                done.push((work.instance, work.process));
            }
            !ends
        });
    }

    /// Cores that each start on a host gets.
    fn rate(&self, host: u32) -> f64 {
        (self.cores / f64::from(self.by_host[host as usize])).min(self.most)
    }

    fn progress(&mut self, now: Time) {
        let nanos = now.since(self.updated).0 as f64;
        for index in 0..self.running.len() {
            let rate = self.rate(self.running[index].host);
            self.running[index].left -= rate * nanos;
        }
        self.updated = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(starts: &mut Starts) -> Vec<(f64, Vec<u32>)> {
        let mut ends = Vec::new();
        while starts.next_end() != Time::NEVER {
            let (now, mut done) = (starts.next_end(), Vec::new());
            starts.finish(now, &mut done);
            ends.push((now.as_secs_f64(), done.iter().map(|(instance, _)| *instance).collect()));
        }
        ends
    }

    #[test]
    fn ten_at_once_take_ten_times_as_long_and_end_together() {
        let mut starts = Starts::new(1.0, None);
        for instance in 0..10 {
            starts.begin(Time::ZERO, (instance, 0), 3, Span::from_secs(2));
        }
        assert_eq!(run(&mut starts), [(20.0, (0..10).collect())]);
    }

    #[test]
    fn another_host_is_not_in_the_way_and_whoever_leaves_makes_room() {
        let mut starts = Starts::new(1.0, None);
        starts.begin(Time::ZERO, (0, 0), 0, Span::from_secs(4));
        starts.begin(Time::ZERO, (1, 0), 0, Span::from_secs(1));
        starts.begin(Time::ZERO, (2, 0), 1, Span::from_secs(1));
        assert!(!starts.cancel(Time::ZERO, 9));
        // 1 is done at 2 s, when 0 has 3 s left and the core to itself.
        assert_eq!(run(&mut starts), [(1.0, vec![2]), (2.0, vec![1]), (5.0, vec![0])]);
        starts.begin(Time::from_secs(10), (0, 0), 0, Span::from_secs(4));
        starts.begin(Time::from_secs(10), (1, 0), 0, Span::from_secs(4));
        assert!(starts.cancel(Time::from_secs(14), 0));
        assert_eq!(run(&mut starts), [(16.0, vec![1])]);
    }

    #[test]
    fn a_start_uses_one_core_at_most_and_keeps_to_its_limit() {
        let mut starts = Starts::new(4.0, None);
        for instance in 0..3 {
            starts.begin(Time::ZERO, (instance, 0), 0, Span::from_secs(6));
        }
        assert_eq!(run(&mut starts), [(6.0, vec![0, 1, 2])]);
        let mut limited = Starts::new(4.0, Some(0.5));
        limited.begin(Time::ZERO, (0, 0), 0, Span::from_secs(6));
        assert_eq!(run(&mut limited), [(12.0, vec![0])]);
    }
}
