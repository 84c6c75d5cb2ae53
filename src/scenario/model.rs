//! The checked scenario. Every field has a value; whatever was left out has its default.

use crate::scenario::pieces::Pieces;
use crate::scenario::pipeline::Pipeline;
use crate::scenario::settings::StrategySettings;
use crate::scenario::{Conduct, Dist, Gate, Hosts};
use crate::units::{Bytes, Rate, Share, Span};

/// A complete, consistent scenario.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Scenario {
    /// The fleet that is rolled.
    pub service: Service,
    /// What runs before and what is rolled out.
    pub versions: Versions,
    /// What the service is asked; `None`: only the control plane is simulated.
    pub traffic: Option<Traffic>,
    /// The data-plane nodes that send requests to instances.
    pub clients: Clients,
    /// How a node chooses among instances.
    pub balancer: Balancer,
    /// Readiness probing.
    pub probes: Probes,
    /// What happens between "stop" and "gone".
    pub shutdown: Shutdown,
    /// What happens to processes that end by themselves.
    pub restart: Restart,
    /// The orchestrator and its settings.
    pub strategy: StrategySettings,
    /// Latencies of the orchestrator's control plane.
    pub control: ControlPlane,
    /// Where instances run and what limits image pulls.
    pub hosts: Hosts,
    /// Who rolls back.
    pub pipeline: Pipeline,
    /// What else there is of the world.
    pub pieces: Pieces,
    /// Service-level objective, for `degraded` and `error_budget`.
    pub slo: Slo,
    /// Limits on outcomes.
    pub gates: Vec<Gate>,
    /// Values nobody measured, with the range they may lie in.
    pub assumed: Vec<Assumed>,
    /// The simulation gives up (verdict: stuck) this long after the rollout began.
    pub horizon: Span,
    /// Traffic simulated before the rollout begins and after it has settled.
    pub margin: Span,
}

impl Scenario {
    /// Whether anybody asks the service anything.
    pub fn has_requests(&self) -> bool {
        self.traffic.is_some() || self.pieces.users.is_some()
    }

    /// Whether somebody looks at what requests show, and acts upon it.
    pub fn is_judged(&self) -> bool {
        self.has_requests() && !self.pieces.judges.is_empty()
    }
}

/// The fleet.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Service {
    /// Its name, for headings.
    pub name: String,
    /// Desired instances when the rollout begins.
    pub instances: u32,
    /// How one instance serves.
    pub discipline: Discipline,
    /// CPU limit of an instance in cores, kept by a quota in each period; `None` is no limit.
    pub cpu_limit: Option<f64>,
}

impl Service {
    /// Requests that one instance serves at full speed at once, on average over time.
    pub fn servers(&self) -> f64 {
        match self.discipline {
            Discipline::Fifo { slots, .. } => f64::from(slots),
            Discipline::Sharing { cores, .. } => self.cpu_limit.unwrap_or(cores).min(cores),
        }
    }
}

/// How one instance works on requests.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub enum Discipline {
    /// `slots` requests at a time, the rest wait in order of arrival.
    Fifo {
        /// Requests in service at once.
        slots: u32,
        /// Waiting places; `None` is no limit. A request that finds them full is shed.
        queue: Option<u32>,
    },
    /// All requests at once share `cores` equally; none gets more than one core.
    Sharing {
        /// Cores; may be fractional (CPU limits).
        cores: f64,
        /// Requests at once; `None` is no limit. One more is shed.
        limit: Option<u32>,
    },
}

impl Discipline {
    /// The most requests that an instance takes at once, those that wait included.
    pub fn room(self) -> u32 {
        match self {
            Self::Fifo { slots, queue } => slots.saturating_add(queue.unwrap_or(u32::MAX)),
            Self::Sharing { limit, .. } => limit.unwrap_or(u32::MAX),
        }
    }
}

/// The two versions of a rollout.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Versions {
    /// What runs when the rollout begins.
    pub old: Version,
    /// What is rolled out.
    pub new: Version,
}

/// One version of the service.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Version {
    /// Time one request needs on a warm instance with a core to itself.
    pub service_time: Dist,
    /// Image to pull before the process starts, if pulls are modelled.
    pub pull: Option<Bytes>,
    /// Share of that image which is in the images of the other versions too.
    pub pull_shared: Share,
    /// CPU time that the process needs first, shared with whatever else starts on its host.
    pub start_cpu: Option<Dist>,
    /// Process start (or the end of that CPU time) until it could answer a readiness probe.
    pub start: Dist,
    /// How slow a fresh instance is, and what makes that fade.
    pub warmup: Warmup,
    /// Time the idle process needs from SIGTERM to its exit.
    pub exit: Dist,
    /// Chance that an instance never becomes ready.
    pub never_ready: Share,
    /// Chance that an instance's process ends by itself, each time it is started.
    pub crash: Share,
    /// Process start until it does.
    pub crash_after: Dist,
    /// Chance that a request is answered with an error.
    pub errors: Share,
    /// Weight in weighted balancing, relative to 1.
    pub weight: f64,
}

impl Version {
    /// How long the start of an instance takes whose image is there and who has a core to
    /// itself: the sum of this quantile of both steps.
    pub fn start_quantile(&self, p: f64) -> Span {
        let cpu = self.start_cpu.as_ref().map_or(Span::ZERO, |cpu| cpu.quantile(p));
        cpu + self.start.quantile(p)
    }
}

/// Speed of a fresh instance: 1 − β·e^(−x/scale), with β = 1 − 1/slowdown and x the requests
/// served or the time since it could serve.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub enum Warmup {
    /// Full speed at once.
    None,
    /// Fades with requests served.
    Requests {
        /// The scale, in requests.
        scale: f64,
        /// Service times at first are this many times longer.
        slowdown: f64,
    },
    /// Fades with time.
    Time {
        /// The scale.
        scale: Span,
        /// Service times at first are this many times longer.
        slowdown: f64,
    },
}

/// Arrivals of requests.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Traffic {
    /// How many per second, as it varies.
    pub profile: Profile,
    /// How they are spread at a given rate.
    pub arrivals: Arrivals,
    /// Multiplies every rate (1 = as stated).
    pub scale: f64,
}

/// The rate over time. Time 0 of a profile is the beginning of the rollout.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub enum Profile {
    /// The same all the time.
    Constant(Rate),
    /// `mean + (peak − mean)·cos(2π(clock − peak_at)/24 h)` per second, where the rollout begins at
    /// clock time `start_at`.
    Day {
        /// Mean over the day.
        mean: Rate,
        /// At the busiest time.
        peak: Rate,
        /// Time of day of the peak.
        peak_at: Span,
        /// Time of day at which the rollout begins.
        start_at: Span,
    },
    /// Piecewise linear through (time, rate); constant before the first and after the last.
    Table(Vec<(Span, Rate)>),
    /// Two-state Markov-modulated: `base` and `burst`, exponential stays.
    Bursts {
        /// Rate between bursts.
        base: Rate,
        /// Rate in a burst.
        burst: Rate,
        /// Mean time between bursts.
        every: Span,
        /// Mean length of a burst.
        length: Span,
    },
    /// A flash crowd: `base`, from `at` rising linearly over `rise` to `peak`, which decays
    /// exponentially with time constant `decay`.
    Flash {
        /// Before.
        base: Rate,
        /// Highest.
        peak: Rate,
        /// When it sets in, after the beginning of the rollout.
        at: Span,
        /// How long it rises.
        rise: Span,
        /// Time constant of the fall.
        decay: Span,
    },
    /// A recorded series: counts per interval, repeated or cut as asked when it was read.
    Counts {
        /// Length of an interval.
        interval: Span,
        /// Requests in each.
        counts: Vec<f64>,
    },
    /// Recorded instants (ns since the first), played as they are, over and over every `period`.
    Instants {
        /// Sorted.
        at: Vec<u64>,
        /// Length of one pass.
        period: Span,
    },
}

/// How arrivals are spread at a given rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Arrivals {
    /// Independently: a Poisson process.
    Poisson,
    /// Evenly.
    Deterministic,
}

/// The data-plane nodes: proxies, sidecars or client libraries that choose instances.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Clients {
    /// How many.
    pub nodes: u32,
    /// What the choice is made for.
    pub protocol: Protocol,
    /// A request ends as a timeout after this; the work goes on.
    pub timeout: Span,
    /// Instance ready → chosen by a node.
    pub lag_add: Dist,
    /// Instance terminating or unready → no longer chosen by a node.
    pub lag_remove: Dist,
    /// Retries of requests that failed fast (refused, reset, shed, no endpoint); those that were
    /// cut are not tried again, unless `conduct` says so.
    pub retries: Retries,
    /// Everything beyond one attempt for each request.
    pub conduct: Conduct,
}

/// For what an instance is chosen.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub enum Protocol {
    /// For each request. `reuse` of them travel on a kept-alive connection.
    PerRequest {
        /// Share of requests on a kept-alive connection.
        reuse: Share,
    },
    /// For each connection; requests of a node are spread over its `connections`.
    PerConnection {
        /// Connections that each node keeps.
        connections: u32,
        /// A connection is made anew after this ([`Span::MAX`]: never).
        max_age: Span,
        /// The server announces its end (HTTP/2 GOAWAY) and clients reconnect without an error;
        /// otherwise the first request on each closed connection is reset.
        goaway: bool,
    },
}

/// Retries of fast failures.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Retries {
    /// Attempts in all; 1 is no retry, `u32::MAX` without end.
    pub attempts: u32,
    /// Wait before each.
    pub delay: Dist,
}

/// Whom a node chooses.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Balancer {
    /// The rule.
    pub algorithm: Algorithm,
    /// A fresh instance's weight rises over this time (weighted algorithms only; zero: off).
    pub slow_start: Span,
}

/// Load-balancing rules.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub enum Algorithm {
    /// In turn.
    RoundRobin,
    /// Uniformly at random.
    Random,
    /// Whoever has fewest outstanding from this node; ties at random.
    LeastOutstanding,
    /// The one with fewer outstanding out of `choices` random ones.
    PowerOfChoices {
        /// Usually 2.
        choices: u32,
    },
    /// At random in proportion to weights.
    Weighted,
    /// The cheaper of two random ones by peak-EWMA latency × (outstanding + 1).
    PeakEwma {
        /// Time constant of the average.
        decay: Span,
    },
    /// By hash of the request's key on a ring.
    ConsistentHash {
        /// Distinct keys.
        keys: u32,
    },
    /// No choice: one queue for all, any free slot takes the head.
    Central {
        /// Requests in the whole system; `None` is no limit.
        room: Option<u32>,
    },
}

/// Readiness probing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Probes {
    /// Process start → first probe.
    pub initial_delay: Span,
    /// Between probes; zero: readiness is known at once.
    pub period: Span,
    /// Successes in a row that make ready.
    pub success_threshold: u32,
    /// Failures in a row that make unready.
    pub failure_threshold: u32,
    /// A probe without an answer fails after this.
    pub timeout: Span,
    /// Whether there is any; without one an instance is ready as soon as its process has started.
    pub enabled: bool,
    /// Failures in a row stop the instance, as a liveness probe or a container's health check.
    pub kills: bool,
    /// Failures so soon after the process start do not count for that.
    pub start_period: Span,
}

/// From "stop" to "gone".
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Shutdown {
    /// Runs before SIGTERM, beside the removal from the data plane.
    pub pre_stop: Span,
    /// After `pre_stop` SIGTERM waits until the instance is out of every rotation and idle, but
    /// no longer than this.
    pub drain_wait: Span,
    /// Time until SIGKILL.
    pub grace: Span,
    /// Where `grace` begins.
    pub grace_from: GraceFrom,
    /// What the process does at SIGTERM.
    pub on_term: OnTerm,
}

/// Where the grace period begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum GraceFrom {
    /// When the instance is told to stop: `pre_stop` and `drain_wait` use it up.
    Stop,
    /// At SIGTERM.
    Term,
}

/// What happens to an instance whose process ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Restart {
    /// It is started again so often, in the same instance; after that, or with 0, the instance
    /// has failed and is the orchestrator's business. `u32::MAX`: without end.
    pub attempts: u32,
    /// Before the second restart (the first is immediate); doubles each time.
    pub delay: Span,
    /// But is never longer than this.
    pub delay_max: Span,
    /// A process that ran so long begins with no delay again; [`Span::MAX`]: none does.
    pub reset: Span,
    /// What it runs then.
    pub image: Boots,
}

/// What a process runs that is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Boots {
    /// What it ran before.
    Same,
    /// The old version, whatever it ran: the machine's image or the template still has it.
    Old,
}

/// What a process does when it gets SIGTERM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum OnTerm {
    /// Stops accepting, finishes what is in flight, exits.
    Drain,
    /// Exits at once; what is in flight is cut.
    Exit,
    /// Goes on serving until SIGKILL.
    Ignore,
}

/// Latencies of the control plane; defaults as recorded from real clusters.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ControlPlane {
    /// An instance changed → the controller of instances acts.
    pub watch: Dist,
    /// One controller changed something → the next controller acts.
    pub sync: Dist,
    /// A controller decided → each instance is created or told to stop.
    pub act: Dist,
    /// Created → placed on a host.
    pub schedule: Dist,
    /// One batch of creations (1, 2, 4, …) sent → the next, which waits for it.
    pub next_batch: Dist,
    /// Placed and its image there → process started.
    pub launch: Dist,
    /// What each controller may write to the API; `None` is no limit.
    pub writes: Option<WriteLimit>,
}

/// A token bucket on a controller's writes (creations, deletions, status updates).
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct WriteLimit {
    /// Tokens per second.
    pub rate: Rate,
    /// Tokens at most.
    pub burst: u32,
}

/// Service-level objective.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Slo {
    /// Share of requests that must succeed.
    pub availability: Share,
    /// Successful requests should be faster than this.
    pub latency: Span,
    /// Share of successful requests that must be.
    pub latency_share: Share,
    /// The period over which the error budget is counted.
    pub period: Span,
    /// Outage and degradation are judged in windows of this length.
    pub window: Span,
    /// A window with at least this share of failures is an outage.
    pub outage_share: Share,
}

/// A value nobody measured.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Assumed {
    /// The key, e.g. `versions.old.start`.
    pub key: String,
    /// Smallest plausible value, as written.
    pub low: String,
    /// Largest plausible value, as written.
    pub high: String,
}
