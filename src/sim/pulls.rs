//! Image pulls that share their host's link and the registry's.

use std::collections::BTreeSet;

use crate::scenario::Hosts;
use crate::units::{Bytes, Span, Time};

#[derive(Debug, Clone, Copy)]
struct Pull {
    instance: u32,
    host: u32,
    version: u8,
    bytes_left: f64,
    /// Nothing comes before then.
    from: Time,
    /// When it was asked for.
    asked: Time,
}

/// Pulls in progress and those that wait for their host.
///
/// Each pull runs at the smaller of its share of the host's bandwidth and its share of the
/// registry's; what one does not use the other pulls of the registry do not get (no further
/// rounds of sharing). Two instances of one version on one host pull once.
#[derive(Debug, Clone)]
pub(crate) struct Pulls {
    hosts: Hosts,
    running: Vec<Pull>,
    waiting: Vec<Pull>,
    /// (host, version) whose image is there.
    cached: BTreeSet<(u32, u8)>,
    updated: Time,
    /// Since when the registry has given nothing, if it does not.
    stalled: Option<Time>,
    /// It may give nothing for a while: what is there already must be known.
    may_stall: bool,
}

impl Pulls {
    pub(crate) fn new(hosts: Hosts) -> Self {
        let (running, waiting, cached) = (Vec::new(), Vec::new(), BTreeSet::new());
        let (updated, stalled, may_stall) = (Time::ZERO, None, false);
        Self { hosts, running, waiting, cached, updated, stalled, may_stall }
    }

    /// The registry may fail.
    pub(crate) fn expect_stalls(&mut self) {
        self.may_stall = true;
    }

    /// The registry gives nothing from now on.
    pub(crate) fn stall(&mut self, now: Time) {
        self.progress(now);
        self.stalled = self.stalled.or(Some(now));
    }

    /// The registry is back. Whoever failed meanwhile has waited longer from try to try, and
    /// learns of it at the next.
    pub(crate) fn resume(&mut self, now: Time, retry: Span, retry_max: Span) {
        self.progress(now);
        let Some(since) = self.stalled.take() else { return };
        for pull in self.running.iter_mut().chain(&mut self.waiting) {
            let (mut next, mut wait) = (since.max(pull.asked), retry);
            while next < now {
                next += wait;
                wait = (wait * 2.0).min(retry_max);
            }
            pull.from = next;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.running.clear();
        self.waiting.clear();
        self.cached.clear();
        self.updated = Time::ZERO;
        self.stalled = None;
    }

    /// The image of a version is on a host.
    pub(crate) fn has(&mut self, host: u32, version: u8) {
        let limited = self.hosts.bandwidth.is_some() || self.hosts.registry.is_some();
        if limited || self.may_stall {
            self.cached.insert((host, version));
        }
    }

    /// An instance asks for its image; `true` if it need not wait. A host that has the image of
    /// another version has the `shared` part of this one.
    pub(crate) fn ask(
        &mut self,
        now: Time,
        instance: u32,
        host: u32,
        version: u8,
        (image, shared): (Bytes, f64),
    ) -> bool {
        let unlimited = self.hosts.bandwidth.is_none() && self.hosts.registry.is_none();
        let cached = self.hosts.cache && self.cached.contains(&(host, version));
        if (unlimited && self.stalled.is_none()) || cached || image.0 == 0 {
            if self.may_stall {
                self.cached.insert((host, version));
            }
            return true;
        }
        self.progress(now);
        let has_another = || self.cached.range((host, 0)..=(host, u8::MAX)).next().is_some();
        let lacks = if self.hosts.cache && has_another() { 1.0 - shared } else { 1.0 };
        let pull = Pull {
            instance,
            host,
            version,
            bytes_left: image.0 as f64 * lacks,
            from: now,
            asked: now,
        };
        let shares_image = |other: &Pull| other.host == host && other.version == version;
        let held = self.running.iter().any(|other| {
            other.host == host
                && (self.hosts.serial_pulls || (self.hosts.cache && shares_image(other)))
        });
        if held {
            self.waiting.push(pull);
        } else {
            self.running.push(pull);
        }
        false
    }

    /// Gives up the pull of an instance that is stopped.
    pub(crate) fn cancel(&mut self, now: Time, instance: u32) {
        self.progress(now);
        self.waiting.retain(|pull| pull.instance != instance);
        let before = self.running.len();
        self.running.retain(|pull| pull.instance != instance);
        if self.running.len() < before {
            self.start_waiting();
        }
    }

    /// When the next pull ends if nothing changes; [`Time::NEVER`] if none runs.
    pub(crate) fn next_end(&self) -> Time {
        if self.stalled.is_some() {
            return Time::NEVER;
        }
        let ends = self.running.iter().map(|pull| {
            if pull.from > self.updated {
                return pull.from;
            }
            let nanos = pull.bytes_left / self.rate(pull) * 1e9;
            Time(self.updated.0 + nanos.ceil() as u64)
        });
        ends.min().unwrap_or(Time::NEVER)
    }

    /// Appends the instances whose image is there by `now`.
    pub(crate) fn finish(&mut self, now: Time, done: &mut Vec<u32>) {
        self.progress(now);
        // Half a byte: what rounding to whole nanoseconds may leave.
        while let Some(index) = self.running.iter().position(|pull| pull.bytes_left < 0.5) {
            let pull = self.running.remove(index);
            done.push(pull.instance);
            self.cached.insert((pull.host, pull.version));
            if self.hosts.cache {
                let (cached, waiting): (Vec<_>, Vec<_>) = self
                    .waiting
                    .drain(..)
                    .partition(|other| other.host == pull.host && other.version == pull.version);
                done.extend(cached.iter().map(|other| other.instance));
                self.waiting = waiting;
            }
            self.start_waiting();
        }
    }

    fn start_waiting(&mut self) {
        let mut index = 0;
        while index < self.waiting.len() {
            let host = self.waiting[index].host;
            if self.running.iter().any(|pull| pull.host == host) {
                index += 1;
            } else {
                let pull = self.waiting.remove(index);
                self.running.push(pull);
            }
        }
    }

    /// Bytes per second of one pull.
    fn rate(&self, pull: &Pull) -> f64 {
        let beside = self.running.iter().filter(|other| other.host == pull.host).count() as f64;
        let share = |link: Option<crate::units::Bandwidth>, pulls: f64| {
            link.map_or(f64::INFINITY, |bandwidth| bandwidth.0 as f64 / pulls)
        };
        share(self.hosts.bandwidth, beside)
            .min(share(self.hosts.registry, self.running.len() as f64))
    }

    fn progress(&mut self, now: Time) {
        let seconds = now.since(self.updated).as_secs_f64();
        if self.stalled.is_some() {
            self.updated = now;
            return;
        }
        let rates: Vec<f64> = self.running.iter().map(|pull| self.rate(pull)).collect();
        for (pull, rate) in self.running.iter_mut().zip(rates) {
            if pull.from > self.updated {
                continue;
            }
            pull.bytes_left = if rate.is_finite() { pull.bytes_left - rate * seconds } else { 0.0 };
        }
        self.updated = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Bandwidth;

    fn hosts(serial_pulls: bool) -> Hosts {
        let bandwidth = |bytes| Some(Bandwidth(bytes));
        Hosts { bandwidth: bandwidth(100), serial_pulls, registry: bandwidth(150), ..Hosts::of(2) }
    }

    fn run(pulls: &mut Pulls) -> Vec<(f64, Vec<u32>)> {
        let mut ends = Vec::new();
        while pulls.next_end() != Time::NEVER {
            let now = pulls.next_end();
            let mut done = Vec::new();
            pulls.finish(now, &mut done);
            ends.push(((now.as_secs_f64() * 1e3).round() / 1e3, done));
        }
        ends
    }

    #[test]
    fn two_hosts_share_the_registry() {
        let mut pulls = Pulls::new(hosts(false));
        assert!(!pulls.ask(Time::ZERO, 0, 0, 1, (Bytes(300), 0.0)));
        assert!(!pulls.ask(Time::ZERO, 1, 1, 1, (Bytes(150), 0.0)));
        // 75 bytes/s each; from 2 s on the first has its host's 100 bytes/s.
        assert_eq!(run(&mut pulls), [(2.0, vec![1]), (3.5, vec![0])]);
        assert!(pulls.ask(Time::from_secs(9), 2, 0, 1, (Bytes(300), 0.0)), "the image is there");
    }

    #[test]
    fn one_host_pulls_one_image_after_the_other() {
        let mut pulls = Pulls::new(hosts(true));
        for (instance, version) in [(0, 1), (1, 2), (2, 1)] {
            assert!(!pulls.ask(Time::ZERO, instance, 0, version, (Bytes(100), 0.0)));
        }
        assert_eq!(run(&mut pulls), [(1.0, vec![0, 2]), (2.0, vec![1])]);
        let mut pulls = Pulls::new(hosts(true));
        pulls.ask(Time::ZERO, 0, 0, 1, (Bytes(100), 0.0));
        pulls.ask(Time::ZERO, 1, 0, 2, (Bytes(100), 0.0));
        pulls.cancel(Time::ZERO, 0);
        assert_eq!(run(&mut pulls), [(1.0, vec![1])]);
    }
}
