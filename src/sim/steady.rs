//! A fleet under traffic without a control plane: for benches, and for cases that queueing
//! theory knows. Whoever holds it plays the orchestrator by hand.

use super::kernel::{CallModel, Config, Failing, Flaw, Kernel, VersionModel};
use super::model;
use crate::engine::{Sampler, Seeds};
use crate::scenario::pieces::{Dependency, Users};
use crate::scenario::{
    Algorithm, Arrivals, Conduct, Discipline, Dist, Profile, Protocol, Traffic, Warmup,
};
use crate::trace::{Ending, Histogram, Period};
use crate::traffic::Source;
use crate::units::{Rate, Share, Span, Time};

pub use crate::balancer::slow_start_weight;

/// Parameters of a steady fleet.
#[derive(Debug, Clone)]
pub struct Steady {
    /// Servers, all open from the beginning.
    pub servers: u32,
    /// How each serves.
    pub discipline: Discipline,
    /// CPU limit of a server, for processor sharing.
    pub cpu_limit: Option<f64>,
    /// Service times.
    pub service: Dist,
    /// How slow a fresh server is; servers are fresh at the beginning.
    pub warmup: Warmup,
    /// Requests per second, of the whole fleet.
    pub rate: Rate,
    /// How they arrive.
    pub arrivals: Arrivals,
    /// Data-plane nodes.
    pub nodes: u32,
    /// Whom they choose.
    pub algorithm: Algorithm,
    /// Clients' patience.
    pub timeout: Span,
    /// Attempts in all and the wait before each further one.
    pub retries: (u32, Dist),
    /// What clients do beyond that.
    pub conduct: Conduct,
    /// Users who wait for answers, beside the traffic.
    pub users: Option<Users>,
    /// For what a server is chosen.
    pub protocol: Protocol,
    /// Chance that a request is answered with an error.
    pub errors: Share,
    /// What requests ask of others.
    pub dependencies: Vec<Dependency>,
    /// Seed of all streams.
    pub seed: u64,
    /// Which replication.
    pub replication: u64,
}

impl Default for Steady {
    fn default() -> Self {
        Self {
            servers: 1,
            discipline: Discipline::Fifo { slots: 1, queue: None },
            cpu_limit: None,
            service: Dist::Exponential { mean: Span::from_secs(1) },
            warmup: Warmup::None,
            rate: Rate(0.5),
            arrivals: Arrivals::Poisson,
            nodes: 1,
            algorithm: Algorithm::Random,
            timeout: Span::MAX,
            retries: (1, Dist::Fixed(Span::ZERO)),
            conduct: Conduct::default(),
            users: None,
            protocol: Protocol::PerRequest { reuse: Share(0.0) },
            errors: Share(0.0),
            dependencies: Vec::new(),
            seed: 1,
            replication: 0,
        }
    }
}

/// The sampler that a simulated world uses for durations of this law, in nanoseconds.
pub fn duration_sampler(dist: &Dist) -> Sampler {
    model::sampler(dist)
}

/// A steady fleet that runs.
#[derive(Debug)]
pub struct SteadyFleet {
    kernel: Kernel,
    now: Time,
}

impl SteadyFleet {
    /// Ready to run, empty.
    pub fn new(steady: &Steady) -> Self {
        let profile = Profile::Constant(steady.rate);
        Self::with_traffic(steady, &Traffic { profile, arrivals: steady.arrivals, scale: 1.0 })
    }

    /// The same under traffic that may vary, instead of `rate` and `arrivals`.
    pub fn with_traffic(steady: &Steady, traffic: &Traffic) -> Self {
        let calls = steady.dependencies.iter().enumerate();
        let calls = calls.filter_map(|(i, d)| CallModel::new(i, d, Time::ZERO));
        let config = Config {
            discipline: steady.discipline,
            cpu_limit: steady.cpu_limit,
            cache: None,
            nodes: steady.nodes,
            protocol: steady.protocol,
            timeout: steady.timeout,
            attempts: steady.retries.0,
            retry_delay: model::sampler(&steady.retries.1),
            versions: vec![VersionModel {
                service: model::law(&steady.service),
                factor: 1.0,
                warmup: steady.warmup,
                errors: steady.errors.0,
            }],
            // Few and long windows: memory does not grow with the run.
            window: Span::from_secs(100_000_000),
            slow_above: Span::MAX,
            habits: model::habits(&steady.conduct, steady.users.as_ref()),
            calls: calls.collect(),
            troubled: false,
        };
        let seeds = Seeds::new(steady.seed, steady.replication);
        let mut kernel = Kernel::new(config, steady.algorithm);
        kernel.reset(seeds, Some(Source::new(traffic, Time::ZERO, seeds)));
        for _ in 0..steady.servers {
            let server = kernel.add_server(0);
            kernel.open(server, Time::ZERO, false);
        }
        for node in 0..steady.nodes {
            for server in 0..steady.servers {
                kernel.join(node, server, 1.0);
            }
        }
        Self { kernel, now: Time::ZERO }
    }

    /// Puts `jobs` exponential or other fresh services into a server's queue, uncounted: a start
    /// nearer to rest than an empty fleet. For policies that look at queues when they choose, not
    /// for those that keep count, nor for the central queue.
    pub fn preload(&mut self, server: u32, jobs: u32) {
        for _ in 0..jobs {
            self.kernel.preload(server, self.now);
        }
    }

    /// Runs for `span`.
    pub fn run(&mut self, span: Span) {
        self.now += span;
        self.kernel.advance(self.now);
    }

    /// Forgets what was counted; the requests in flight stay.
    pub fn measure_from_now(&mut self) {
        self.kernel.settle_all(self.now);
        self.kernel.desk.tally.clear();
        self.kernel.desk.tally.begin(self.now);
    }

    /// Requests that arrived since the counts began.
    pub fn arrived(&self) -> u64 {
        self.kernel.desk.tally.arrived()
    }

    /// Attempts since the counts began.
    pub fn attempts(&self) -> u64 {
        self.arrived() + self.kernel.desk.tally.retried
    }

    /// Sojourn of the requests that arrived since the counts began and were answered.
    pub fn latency(&mut self) -> Histogram {
        self.kernel.settle_all(self.now);
        self.kernel.desk.tally.latency(Period::During)
    }

    /// Requests with this ending since the counts began.
    pub fn ended(&mut self, ending: Ending) -> u64 {
        self.kernel.settle_all(self.now);
        self.kernel.desk.tally.total(ending)
    }

    /// The time since the fleet began.
    pub fn now(&self) -> Time {
        self.now
    }

    /// From now on a server answers this share of its requests with errors, as one of a bad
    /// release would.
    pub fn spoil(&mut self, server: u32, share: Share) {
        let flaw = (share.0 > 0.0).then(|| {
            let failing = Failing { share: share.0, from: self.now.0, rise: 0, class: 1.0, key: 0 };
            Flaw { errors: vec![failing], ..Flaw::default() }
        });
        self.kernel.afflict(server, flaw);
    }

    /// Requests in flight over all servers.
    pub fn in_flight(&mut self) -> u64 {
        (0..self.kernel.desk.servers.len() as u32)
            .map(|server| u64::from(self.kernel.in_flight(server, self.now)))
            .sum()
    }

    /// Connections opened since the fleet began, as far as they are modelled one by one.
    pub fn opened(&self) -> u64 {
        self.kernel.opened()
    }

    /// How long a server would need to finish what it has.
    pub fn drain_time(&mut self, server: u32) -> Span {
        self.kernel.idle_at(server, self.now).since(self.now)
    }

    /// Attempts that a server has taken since the fleet began.
    pub fn served(&self, server: u32) -> u64 {
        self.kernel.desk.servers[server as usize].served
    }

    /// Attempts in flight at one server.
    pub fn in_flight_at(&mut self, server: u32) -> u32 {
        self.kernel.in_flight(server, self.now)
    }

    /// The server leaves every rotation and accepts nothing more; what is in flight goes on.
    pub fn close(&mut self, server: u32) {
        for node in 0..self.kernel.desk.config.nodes {
            self.kernel.leave(node, server);
        }
        self.kernel.close(server, false);
    }

    /// The server leaves every rotation and ends with everything in flight on it.
    pub fn kill(&mut self, server: u32) {
        for node in 0..self.kernel.desk.config.nodes {
            self.kernel.leave(node, server);
        }
        self.kernel.kill(server, self.now);
    }

    /// The server serves (again), in every rotation with this weight; fresh if it warms up.
    pub fn open(&mut self, server: u32, weight: f64) {
        self.kernel.open(server, self.now, false);
        for node in 0..self.kernel.desk.config.nodes {
            self.kernel.leave(node, server);
            self.kernel.join(node, server, weight);
        }
    }

    /// Central queue only: what a killed server was working on goes back to the head of the queue
    /// and is resumed, instead of being cut.
    pub fn requeue_killed(&mut self) {
        if let Some(central) = self.kernel.central() {
            central.requeue = true;
        }
    }

    /// Central queue only: requests that wait.
    pub fn waiting(&mut self) -> usize {
        self.kernel.central().map_or(0, |central| central.queue_len())
    }

    /// Central queue only: the integral of [`Self::waiting`] since the fleet began,
    /// request-seconds.
    pub fn waited_secs(&mut self) -> f64 {
        self.kernel.central().map_or(0.0, |central| central.waited as f64 / 1e9)
    }

    /// Speed of a server of a fresh fleet `since` after it opened, relative to a warm one.
    pub fn speed_at(&mut self, server: u32, since: Span) -> f64 {
        let opened = self.kernel.desk.servers[server as usize].opened;
        1.0 / self.kernel.desk.coldness(server as usize, opened + since.0)
    }
}
