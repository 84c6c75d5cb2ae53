//! What every combination of station and policy shares: servers, nodes, streams, counts.

use super::cache::Caches;
use super::calls::{CallModel, Calls};
use super::dark::Dark;
use super::errors::Errors;
use super::flaws::Flaws;
use super::journeys::Habits;
use super::routes::Routes;
use super::station::InFlight;
use super::tally::Tally;
use super::watch::Watch;
use crate::engine::{BLOCK, EventQueue, Law, Sampler, Seeds, Stream, VariateBlock, math};
use crate::scenario::pieces::Cache;
use crate::scenario::{Discipline, Protocol, Warmup};
use crate::traffic::Source;
use crate::units::{Span, Time};

/// Purposes of the kernel's random streams.
mod purpose {
    pub(super) const SERVICE: u32 = 1;
    pub(super) const PICKS: u32 = 2;
    pub(super) const NODES: u32 = 3;
    pub(super) const ASIDE: u32 = 4;
    pub(super) const CACHES: u32 = 80;
}

/// What a version does to requests.
#[derive(Debug, Clone)]
pub(crate) struct VersionModel {
    /// Service time on a warm instance, in nanoseconds.
    pub(crate) service: Law,
    /// Multiplies `service`.
    pub(crate) factor: f64,
    pub(crate) warmup: Warmup,
    /// Chance of an error answer.
    pub(crate) errors: f64,
}

/// Everything about requests that does not change during a run.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) discipline: Discipline,
    /// Cores that an instance may use on average over a quota's period.
    pub(crate) cpu_limit: Option<f64>,
    /// What each instance keeps near.
    pub(crate) cache: Option<Cache>,
    pub(crate) nodes: u32,
    pub(crate) protocol: Protocol,
    pub(crate) timeout: Span,
    /// Attempts in all.
    pub(crate) attempts: u32,
    pub(crate) retry_delay: Sampler,
    /// By version; later versions behave like the last.
    pub(crate) versions: Vec<VersionModel>,
    pub(crate) window: Span,
    pub(crate) slow_above: Span,
    /// What clients do beyond one attempt for each request, if they do.
    pub(crate) habits: Option<Box<Habits>>,
    /// What attempts ask of others.
    pub(crate) calls: Vec<CallModel>,
    /// Requests may fail for what happens around the service.
    pub(crate) troubled: bool,
}

/// A server needs a closer look before it takes an attempt.
pub(crate) mod guard {
    /// Does not accept.
    pub(crate) const CLOSED: u16 = 1;
    /// Has a limit of attempts in flight.
    pub(crate) const LIMITED: u16 = 2;
    /// Is not warm yet.
    pub(crate) const COLD: u16 = 4;
    /// Answers some requests with errors.
    pub(crate) const ERRORS: u16 = 8;
    /// Asks others before it answers.
    pub(crate) const DEPENDS: u16 = 16;
    /// Its errors in a row are counted.
    pub(crate) const WATCHED: u16 = 32;
    /// Its cache is not full yet.
    pub(crate) const FILLING: u16 = 64;
    /// Has a cache that may miss.
    pub(crate) const CACHED: u16 = 128;
    /// Somebody gets no answer from it.
    pub(crate) const DARK: u16 = 256;
}

/// One server as the kernel sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Server {
    /// Multiplies service times.
    pub(crate) factor: f64,
    /// Since when it could serve (ns).
    pub(crate) opened: u64,
    /// Attempts it has taken.
    pub(crate) served: u64,
    /// Index of its law among the service blocks.
    pub(crate) law: u8,
    pub(crate) version: u8,
    pub(crate) guard: u16,
    /// It said goodbye on its connections instead of dropping them.
    pub(crate) goodbye: bool,
}

/// One data-plane node.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    /// Instances in its rotation.
    pub(crate) members: Vec<u32>,
    /// Its connections, when instances are chosen per connection.
    pub(crate) connections: Vec<Connection>,
}

/// A connection that is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connection {
    /// Its instance; `u32::MAX` before it is made.
    pub(crate) server: u32,
    /// When it is made anew.
    pub(crate) expires: u64,
}

/// A request that will be tried again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retry {
    pub(crate) first: u64,
    pub(crate) node: u16,
    pub(crate) tries: u32,
}

/// An attempt about to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    /// When its request first arrived.
    pub(crate) first: u64,
    pub(crate) node: u32,
    /// How many attempts of this request came before.
    pub(crate) tries: u32,
    /// Bits for the choice of the instance.
    pub(crate) bits: u64,
    /// Place in the service block; `BLOCK` for a retry, whose service is drawn aside.
    pub(crate) slot: usize,
}

/// What an attempt brings beside its own work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beside {
    /// Work for a lookup that missed the cache (ns).
    pub(crate) missed: f64,
    /// Wait for what others answer (ns).
    pub(crate) waits: f64,
    /// It will be answered with an error.
    pub(crate) error: bool,
}

/// Shared state of a run.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) config: Config,
    pub(crate) servers: Vec<Server>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) tally: Tally,
    pub(crate) retries: EventQueue<Retry>,
    /// Departures in order of time, for policies that watch: (server, its epoch, first, node).
    pub(crate) departures: EventQueue<(u32, u32, u64, u16)>,
    /// By server: counts evictions, so that their departures can be told from later ones.
    pub(crate) epochs: Vec<u32>,
    /// By server: attempts that its earlier processes took.
    pub(crate) taken_before: Vec<u64>,
    pub(crate) arrivals: Box<[u64; BLOCK]>,
    pub(crate) picks: Box<[u64; BLOCK]>,
    pub(crate) senders: Box<[u64; BLOCK]>,
    pub(crate) services: Vec<VariateBlock>,
    pub(crate) cursor: usize,
    pub(crate) routes: Routes,
    pub(crate) errors: Errors,
    /// What is wrong with single servers.
    pub(crate) flaws: Flaws,
    pub(crate) dark: Dark,
    pub(crate) watch: Watch,
    /// Caches of the instances, if they have any.
    pub(crate) caches: Option<Caches>,
    pub(crate) calls: Calls,
    source: Option<Source>,
    pick_stream: Stream,
    node_stream: Stream,
    /// Everything rare: errors, reuse of connections, retries.
    pub(crate) aside: Stream,
    pub(crate) laws: Vec<(u8, f64)>,
    /// Scratch for attempts that a station reports.
    pub(crate) done: Vec<InFlight>,
}

impl Desk {
    pub(crate) fn new(config: Config) -> Self {
        let seeds = Seeds::new(0, 0);
        let tally = Tally::new(config.window, config.slow_above);
        let luck = seeds.stream(purpose::CACHES, 0);
        let caches = config.cache.as_ref();
        let caches = caches.map(|cache| Caches::new(cache, config.window.0, luck));
        Self {
            servers: Vec::new(),
            nodes: Vec::new(),
            tally,
            retries: EventQueue::default(),
            departures: EventQueue::default(),
            epochs: Vec::new(),
            taken_before: Vec::new(),
            arrivals: Box::new([0; BLOCK]),
            picks: Box::new([0; BLOCK]),
            senders: Box::new([0; BLOCK]),
            services: Vec::new(),
            cursor: BLOCK,
            routes: Routes::default(),
            errors: Errors::default(),
            flaws: Flaws::default(),
            dark: Dark::default(),
            watch: Watch::default(),
            caches,
            calls: Calls::new(&config.calls, config.window, config.troubled),
            source: None,
            pick_stream: seeds.stream(purpose::PICKS, 0),
            node_stream: seeds.stream(purpose::NODES, 0),
            aside: seeds.stream(purpose::ASIDE, 0),
            laws: Vec::new(),
            done: Vec::new(),
            config,
        }
    }

    /// Forgets the last run. The same seeds give each request the same luck, whatever serves it:
    /// all versions draw from equal streams.
    pub(crate) fn reset(&mut self, seeds: Seeds, source: Option<Source>) {
        self.servers.clear();
        self.epochs.clear();
        self.taken_before.clear();
        self.tally.clear();
        self.caches.iter_mut().for_each(|c| c.reset(seeds.stream(purpose::CACHES, 0)));
        self.retries.clear();
        self.departures.clear();
        self.services.clear();
        self.laws.clear();
        for version in &self.config.versions {
            let known = self.config.versions[..self.laws.len()]
                .iter()
                .position(|other| same_law(&other.service, &version.service));
            let law = if let Some(known) = known {
                self.laws[known].0
            } else {
                let stream = seeds.stream(purpose::SERVICE, 0);
                self.services.push(VariateBlock::new(version.service.clone(), stream));
                self.services.len() as u8 - 1
            };
            self.laws.push((law, version.factor));
        }
        self.source = source;
        self.routes = Routes::default();
        self.calls.reset(seeds);
        self.errors.clear();
        self.flaws.clear();
        self.dark.clear();
        self.watch.clear();
        self.cursor = BLOCK;
        self.pick_stream = seeds.stream(purpose::PICKS, 0);
        self.node_stream = seeds.stream(purpose::NODES, 0);
        self.aside = seeds.stream(purpose::ASIDE, 0);
        let connections = match self.config.protocol {
            Protocol::PerRequest { .. } => 0,
            Protocol::PerConnection { connections, .. } => connections.max(1),
        };
        self.nodes.resize_with(self.config.nodes as usize, Node::default);
        for node in &mut self.nodes {
            node.members.clear();
            node.connections.clear();
            let unmade = Connection { server: u32::MAX, expires: 0 };
            node.connections.resize(connections as usize, unmade);
        }
    }

    /// What happens from now on is during the rollout.
    pub(crate) fn begin(&mut self, now: Time) {
        self.tally.begin(now);
        self.caches.iter_mut().for_each(|caches| caches.begin(now.0));
    }

    /// Draws the next block of arrivals and all that goes with them.
    pub(crate) fn refill(&mut self) {
        self.cursor = 0;
        match &mut self.source {
            Some(source) => source.fill(&mut self.arrivals),
            None => self.arrivals.fill(u64::MAX),
        }
        self.pick_stream.fill(&mut *self.picks);
        if self.config.nodes > 1 || self.routes.is_on() {
            self.node_stream.fill(&mut *self.senders);
        }
        for block in &mut self.services {
            block.refill();
        }
    }

    /// Splits the nodes, if they are not: their bits must be there for the rest of the block.
    pub(crate) fn split(&mut self) {
        self.routes.nodes = self.config.nodes;
        if self.config.nodes == 1 && self.cursor < BLOCK {
            self.node_stream.fill(&mut *self.senders);
        }
    }

    /// Which of its two views node `node` asks for the attempt in this place of the block. The
    /// upper bits of the sender's word say which node it is, the lower ones are free.
    #[inline(always)]
    pub(crate) fn draw_route(&mut self, node: u32, slot: usize) -> u32 {
        let bits = match self.senders.get(slot) {
            Some(bits) => *bits,
            None => self.aside.bits(),
        };
        let is_new = (bits & 0xFFFF_FFFF) < self.routes.thresholds[node as usize];
        node + if is_new { self.routes.nodes } else { 0 }
    }

    /// Service time in nanoseconds of an attempt on a warm server.
    #[inline(always)]
    pub(crate) fn service(&mut self, law: u8, factor: f64, slot: usize) -> u64 {
        let base = match self.services[law as usize].values.get(slot) {
            Some(base) => *base,
            None => self.service_aside_of(law),
        };
        // At most 2⁵¹ ns, 26 days; at least 1.
        math::to_u64((base * factor).min(2_251_799_813_685_248.0)) | 1
    }

    #[cold]
    pub(crate) fn service_aside_of(&mut self, law: u8) -> f64 {
        let version = self.laws.iter().position(|(known, _)| *known == law).unwrap_or(0);
        let mut block = [0.0; BLOCK];
        self.config.versions[version].service.fill(&mut self.aside, &mut block);
        block[0]
    }

    /// What an attempt that `server` takes at `now` brings beside its own work; its request
    /// arrived at `first`.
    pub(crate) fn beside(&mut self, server: usize, first: u64, now: u64) -> Beside {
        let Server { guard, version, .. } = self.servers[server];
        let missed = if guard & guard::CACHED != 0 { self.look_up(server, now) } else { 0.0 };
        let error = self.errs(server, first, now);
        if guard & guard::DEPENDS == 0 {
            return Beside { missed, waits: 0.0, error };
        }
        let (waits, failed) = self.calls.ask(now, first, version);
        Beside { missed, waits, error: error || failed }
    }

    /// Whether `server` answers its next attempt with an error.
    #[inline]
    pub(crate) fn errs(&mut self, server: usize, first: u64, now: u64) -> bool {
        let Server { guard, version, .. } = self.servers[server];
        if guard & guard::ERRORS == 0 {
            return false;
        }
        let errors = self.config.versions[usize::from(version)].errors;
        let errs = errors > 0.0 && self.aside.uniform() < errors;
        self.fails(server, first, now) || errs
    }

    /// How much longer a service that starts at `starts` takes because the server is not warm.
    pub(crate) fn coldness(&mut self, server: usize, starts: u64) -> f64 {
        self.coldness_after(server, self.servers[server].served, starts)
    }

    /// The same for an attempt before which the server took `served`.
    pub(crate) fn coldness_after(&mut self, server: usize, served: u64, starts: u64) -> f64 {
        let cold = self.warming(server, served, starts);
        if self.flaws.get(server).is_none() {
            return cold;
        }
        self.servers[server].guard |= guard::COLD;
        let since = served.saturating_sub(self.taken_before[server]);
        cold * self.leaking(server, since, starts)
    }

    /// How much longer a service takes because the server is fresh.
    fn warming(&mut self, server: usize, served: u64, starts: u64) -> f64 {
        let Server { version, opened, .. } = self.servers[server];
        let model = &self.config.versions[version as usize];
        let (slowdown, x) = match model.warmup {
            Warmup::None => return 1.0,
            Warmup::Requests { scale, slowdown } => {
                (slowdown, served.saturating_sub(self.taken_before[server]) as f64 / scale)
            }
            Warmup::Time { scale, slowdown } => {
                let since = Time(starts).since(Time(opened));
                (slowdown, since.as_secs_f64() / scale.as_secs_f64())
            }
        };
        if x > 40.0 {
            self.servers[server].guard &= !guard::COLD;
            return 1.0;
        }
        let beta = 1.0 - 1.0 / slowdown;
        1.0 / (1.0 - beta * math::exp(-x))
    }
}

fn same_law(a: &Law, b: &Law) -> bool {
    match (a, b) {
        (Law::Fixed(a), Law::Fixed(b)) | (Law::Exponential(a), Law::Exponential(b)) => a == b,
        (Law::LogNormal { mu, sigma }, Law::LogNormal { mu: m, sigma: s }) => mu == m && sigma == s,
        (Law::Tabulated(a), Law::Tabulated(b)) => a == b,
        _ => false,
    }
}
