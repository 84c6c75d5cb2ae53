//! What requests ask of the service's dependencies: stations that all instances share.
//!
//! A station is one server, first come, first served, with exponential services of mean
//! 1/capacity. Its backlog is a single number, the time at which it would be idle (Lindley's
//! recursion), so a call costs a few operations and an overload grows and drains as it would.

use super::flaws::scramble;
use crate::engine::{Seeds, Stream, math};
use crate::scenario::Dependency;
use crate::trace::{Record, Sink};
use crate::units::{Rate, Span, Time};

/// Purpose of the random stream of calls.
const CALLS: u32 = 60;

/// One dependency as requests feel it.
#[derive(Debug, Clone)]
pub(crate) struct CallModel {
    /// Its place among the scenario's dependencies.
    dependency: u8,
    capacity: Option<Rate>,
    calls: f64,
    /// From, until (ns), share of calls that fail.
    fails: Option<(u64, u64, f64)>,
}

impl CallModel {
    /// Of this dependency, the `index`-th, in a record whose rollout begins at `begun`; `None` if
    /// requests do not feel it.
    pub(crate) fn new(index: usize, dependency: &Dependency, begun: Time) -> Option<Self> {
        dependency.is_called().then(|| Self {
            dependency: index as u8,
            capacity: dependency.capacity,
            calls: dependency.calls,
            fails: dependency.fails.map(|failure| {
                let from = begun + failure.at;
                (from.0, (from + failure.length).0, failure.share.0)
            }),
        })
    }
}

/// One station while it works.
#[derive(Debug, Clone)]
struct Station {
    model: CallModel,
    /// Mean service time in nanoseconds; 0: at once.
    service: f64,
    /// When it would be idle, in nanoseconds.
    free_at: f64,
    /// Calls in the current window, which is this one, and the most in any so far.
    calls: u32,
    window: u64,
    peak: u32,
}

/// No version has answered yet.
const NOBODY: u8 = u8::MAX;

/// Clients who remember which version answered them last.
#[derive(Debug)]
struct Crossing {
    share: f64,
    /// By client.
    last: Vec<u8>,
}

impl Crossing {
    fn fails(&mut self, first: u64, version: u8, stream: &mut Stream) -> bool {
        let clients = self.last.len() as u64;
        let client = ((scramble(first) >> 32) * clients) >> 32;
        let last = std::mem::replace(&mut self.last[client as usize], version);
        last != NOBODY && last != version && stream.uniform() < self.share
    }
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Calls {
    stations: Vec<Station>,
    window: Span,
    stream: Stream,
    /// Whether `failing` may ever be more than nothing.
    troubled: bool,
    /// Share of attempts that fail whatever they call, by version.
    failing: [f64; 2],
    /// Clients who do not bear that one version answers after the other.
    crossings: Vec<Crossing>,
}

impl Calls {
    pub(crate) fn new(models: &[CallModel], window: Span, troubled: bool) -> Self {
        let station = |model: &CallModel| Station {
            service: model.capacity.map_or(0.0, |capacity| 1e9 / capacity.0.max(1e-9)),
            model: model.clone(),
            free_at: 0.0,
            calls: 0,
            window: 0,
            peak: 0,
        };
        let stations = models.iter().map(station).collect();
        let stream = Seeds::new(0, 0).stream(CALLS, 0);
        let (failing, crossings) = ([0.0; 2], Vec::new());
        Self { stations, window, stream, troubled, failing, crossings }
    }

    /// Forgets the last run.
    pub(crate) fn reset(&mut self, seeds: Seeds) {
        self.stream = seeds.stream(CALLS, 0);
        self.failing = [0.0; 2];
        self.crossings.clear();
        for station in &mut self.stations {
            (station.free_at, station.calls, station.window, station.peak) = (0.0, 0, 0, 0);
        }
    }

    /// Whether an attempt need not ask at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.stations.is_empty() && !self.troubled
    }

    /// From now on these shares of attempts fail, by version, whatever they call.
    pub(crate) fn fail(&mut self, shares: [f64; 2]) {
        self.failing = shares;
    }

    /// From now on this share of the requests fails whose client's last answer came from the other
    /// version; there are so many clients.
    pub(crate) fn cross(&mut self, clients: u32, share: f64) {
        self.crossings.push(Crossing { share, last: vec![NOBODY; clients as usize] });
    }

    /// The calls of one attempt that this version takes at `now`, for a request that arrived at
    /// `first`: how long it waits for the answers, in nanoseconds, and whether one of them is an
    /// error. Calls to one dependency go out together, and the attempt waits for the last;
    /// dependencies are asked one by one.
    pub(crate) fn ask(&mut self, now: u64, first: u64, version: u8) -> (f64, bool) {
        let share = self.failing[usize::from(version.min(1))];
        let mut error = share > 0.0 && self.stream.uniform() < share;
        error |= self.crossings.iter_mut().any(|c| c.fails(first, version, &mut self.stream));
        let mut waits = 0.0;
        for station in &mut self.stations {
            let (latency, failed) = station.ask(now, self.window.0, &mut self.stream);
            waits += latency;
            error |= failed;
        }
        (waits, error)
    }

    /// Writes the busiest windows.
    pub(crate) fn flush(&self, end: Time, sink: &mut impl Sink) {
        for station in &self.stations {
            let Some(capacity) = station.model.capacity else { continue };
            let limit = capacity.0 * self.window.as_secs_f64();
            let (dependency, peak) = (station.model.dependency, station.peak);
            sink.record(end, Record::Calls { dependency, peak, limit });
        }
    }
}

impl Station {
    fn ask(&mut self, now: u64, window: u64, stream: &mut Stream) -> (f64, bool) {
        let whole = self.model.calls.trunc();
        let part = self.model.calls - whole;
        let calls = whole as u32 + u32::from(part > 0.0 && stream.uniform() < part);
        if now / window != self.window {
            (self.window, self.calls) = (now / window, 0);
        }
        self.calls += calls;
        self.peak = self.peak.max(self.calls);
        let mut failed = false;
        let mut latency = 0.0;
        for _ in 0..calls {
            if let Some((from, until, share)) = self.model.fails
                && (from..until).contains(&now)
                && stream.uniform() < share
            {
                // Refused at once: no work for it.
                failed = true;
                continue;
            }
            if self.service > 0.0 {
                let service = -math::ln(math::open_unit(stream.bits())) * self.service;
                self.free_at = self.free_at.max(now as f64) + service;
                latency = self.free_at - now as f64;
            }
        }
        (latency, failed)
    }
}
