//! Retries that feed on themselves.

use rayon::prelude::*;

use super::estimate::{Estimate, Seen, replicate};
use super::queues::{exponential, units};
use super::row::Kind;
use super::{Case, Measured, measured};
use crate::exact::retry::{Storm, attempts};
use crate::scenario::conduct::{RetryCause, RetryOn};
use crate::scenario::{Conduct, Discipline, Dist};
use crate::sim::steady::{Steady, SteadyFleet};
use crate::units::{Share, Span};

/// Attempts fail at the probability that theory calls critical: their load must then be the whole
/// capacity. What it is off by says, with the slope of the load, where the critical one really is.
pub(super) fn stability(case: &Case) -> Vec<Measured> {
    let (rho, tries, p) = (case.number("rho"), case.count("tries"), case.row.value);
    let steady = Steady {
        // Slots for all: how attempts fail does not hang on their number here.
        discipline: Discipline::Fifo { slots: 64, queue: None },
        errors: Share(p),
        retries: (tries, Dist::Fixed(Span::ZERO)),
        conduct: Conduct { retry_on: RetryOn::of([RetryCause::Error]), ..Conduct::default() },
        ..exponential(rho)
    };
    let (runs, length) = case.pick((64, 2e4), (32, 4e3));
    let slope = rho * (attempts(tries, p + 1e-6) - attempts(tries, p - 1e-6)) / 2e-6;
    let found = replicate(case.replications(runs), |replication| {
        let mut fleet = SteadyFleet::new(&Steady { replication, ..steady.clone() });
        fleet.run(units(50.0));
        fleet.measure_from_now();
        fleet.run(units(length));
        let load = rho * fleet.attempts() as f64 / fleet.arrived() as f64;
        Seen { values: vec![p + (1.0 - load) / slope], controls: vec![] }
    });
    let how = format!(
        "answers that fail with p*; the distance of the attempts' load from 1, over its slope, is \
         that of p*; {runs} runs of {length:.0} service times"
    );
    measured(&["critical per-attempt failure prob p*"], &found, &how)
}

/// A fleet of single servers whose attempts time out, go on being worked on, and are made again
/// at once, at any of them.
struct Fleet {
    storm: Storm,
    servers: u32,
    replications: std::ops::Range<u64>,
}

impl Fleet {
    /// With so many jobs in the queue of each server.
    fn begin(&self, lambda: f64, jobs: impl Fn(u32) -> u32, replication: u64) -> SteadyFleet {
        let Storm { tau, tries, .. } = self.storm;
        let steady = Steady {
            servers: self.servers,
            retries: (tries, Dist::Fixed(Span::ZERO)),
            conduct: Conduct {
                attempt_timeout: units(tau),
                retry_on: RetryOn::of([RetryCause::Timeout]),
                ..Conduct::default()
            },
            replication,
            ..exponential(lambda * f64::from(self.servers))
        };
        let mut fleet = SteadyFleet::new(&steady);
        for server in 0..self.servers {
            fleet.preload(server, jobs(server));
        }
        fleet
    }

    /// Geometric queues of this mean, as an M/M/1 server at rest has: in every run the same number
    /// of each length.
    fn geometric(&self, mean: f64) -> impl Fn(u32) -> u32 {
        let servers = f64::from(self.servers);
        let ratio = mean / (1.0 + mean);
        move |server| {
            let place = (f64::from(server) + 0.5) / servers;
            if mean > 0.0 { (libm::log(place) / libm::log(ratio)) as u32 } else { 0 }
        }
    }

    /// Attempts per service time and server, over `length` after `warm`.
    fn attempt_rate(&self, lambda: f64, queue: f64, warm: f64, length: f64) -> f64 {
        let all: Vec<f64> = self
            .replications
            .clone()
            .into_par_iter()
            .map(|replication| {
                let mut fleet = self.begin(lambda, self.geometric(queue), replication);
                fleet.run(units(warm));
                fleet.measure_from_now();
                fleet.run(units(length));
                fleet.attempts() as f64 / f64::from(self.servers) / length
            })
            .collect();
        all.iter().sum::<f64>() / all.len() as f64
    }

    /// Where between two values it first collapses, by halving so often. Collapse is meant where
    /// attempts at the end are nearer to all that can be made than to one for each request.
    fn collapses_above(
        &self,
        (mut low, mut high): (f64, f64),
        steps: u32,
        at: impl Fn(f64) -> (f64, f64),
        warm: f64,
    ) -> f64 {
        for _ in 0..steps {
            let middle = f64::midpoint(low, high);
            let (lambda, queue) = at(middle);
            let rate = self.attempt_rate(lambda, queue, warm, 50.0);
            let most = f64::from(self.storm.tries) * lambda;
            if rate > f64::midpoint(lambda, most) {
                high = middle;
            } else {
                low = middle;
            }
        }
        f64::midpoint(low, high)
    }
}

/// Each quantity as a fleet shows it: rates at rest, and borders by halving.
pub(super) fn metastable(case: &Case) -> Vec<Measured> {
    let storm =
        Storm { mu: case.number("mu"), tau: case.number("tau"), tries: case.count("tries") };
    let (servers, runs, steps) = case.pick((1000, 4, 8), (60, 1, 5));
    let fleet = Fleet { storm, servers, replications: case.replications(runs) };
    let slow = case.pick(4000.0, 600.0);
    let mut all = Vec::new();
    for row in case.group {
        let lambda = || row.number("lambda");
        let (quantity, value, how) = match row.quantity.as_str() {
            "healthy attempt rate" => {
                let rate = fleet.attempt_rate(lambda(), 0.0, 200.0, slow);
                ("healthy attempt rate", rate, "from empty queues")
            }
            "tipping attempt rate" => {
                // From queues as of an M/M/1 server at this rate; halved by their mean length.
                let at = |log: f64| (lambda(), libm::exp(log));
                let ends = (libm::log(2.0), libm::log(400.0));
                let queue = libm::exp(fleet.collapses_above(ends, steps + 2, at, 300.0));
                (
                    "tipping attempt rate",
                    queue / (1.0 + queue),
                    "begun in M/M/1 queues of that load",
                )
            }
            "collapse possible above rho" => {
                // Queues twenty timeouts long: long enough that none of them ends meanwhile.
                let queue = (20.0 * storm.tau) as u32;
                let sustained = fleet.stays_full((0.0, storm.mu), steps + 2, queue);
                ("collapse possible above rho", sustained, "begun with all timing out")
            }
            _ => {
                let at = |lambda| (lambda, 0.0);
                let ends = (0.4 * storm.mu, storm.mu);
                let quantity = "saddle-node load rho_c (no healthy state above)";
                (quantity, fleet.collapses_above(ends, steps, at, slow), "begun with empty queues")
            }
        };
        all.push(Measured {
            quantity,
            estimate: Estimate { value, half_width: 0.0 },
            how: format!("{servers} single servers chosen at random, {runs} runs; {how}"),
            kind: Kind::MeanField,
        });
    }
    all
}

impl Fleet {
    /// From which request rate on full queues grow instead of shrinking.
    fn stays_full(&self, (mut low, mut high): (f64, f64), steps: u32, queue: u32) -> f64 {
        for _ in 0..steps {
            let lambda = f64::midpoint(low, high);
            let grows = |replication| {
                let mut fleet = self.begin(lambda, |_| queue, replication);
                // Each request has made its last attempt by then.
                fleet.run(units(self.storm.tau * f64::from(self.storm.tries)));
                let before = fleet.in_flight();
                fleet.run(units(2.0 * self.storm.tau));
                fleet.in_flight() as f64 - before as f64
            };
            let change: f64 = self.replications.clone().map(grows).sum();
            if change > 0.0 { high = lambda } else { low = lambda }
        }
        f64::midpoint(low, high)
    }
}
