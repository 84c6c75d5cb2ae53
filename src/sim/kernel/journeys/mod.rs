//! Requests as journeys: an engine for clients that do more than try once.
//!
//! Here each request is a record, and so is each of its attempts; the departure of an attempt is
//! an event. That is what time-outs of single attempts, retries of what timed out, hedges,
//! cancellation, connections that carry one request at a time and users who wait for an answer
//! need: what happens to an attempt later depends on what happens meanwhile. The fast loop
//! (`attempt.rs`) knows departures when attempts are admitted, and stays in use where that is
//! enough.
//!
//! - Two entries, not one: a *request* lasts until its client has an answer or gives up, an
//!   *attempt* until nobody waits for it and no server works on it. Work that nobody waits for
//!   goes on, unless clients cancel.
//! - Delays that are the same for all (the request's timeout, the attempt's, the hedge's) are
//!   chains in order of time, not entries of a heap: who began first is due first.
//! - Departures, backoffs, handshakes and think times go into a heap. What is cancelled stays
//!   there, and is told from what holds by its stamp.
//! - Draws come in the same blocks as in the fast loop: the n-th request has the same arrival,
//!   node, choice and service. What only happens here has streams of its own.

mod agenda;
mod budget;
mod choice;
mod ends;
mod links;
#[cfg(test)]
mod properties;
mod run;
mod slab;
#[cfg(test)]
mod tests;
mod workers;

use agenda::Event;
use budget::Account;
use links::{Kept, Links};
use slab::{Attempt, Chain, Entry, Mark, Request, Slab};
use workers::{Power, Worker};

use super::desk::{Config, Desk};
use crate::engine::{BLOCK, Sampler, Seeds, StampedQueue, Stream, VariateBlock, math};
use crate::scenario::Conduct;
use crate::scenario::conduct::{Backoff, Budget, Hedge, HedgeAfter, Pool, RetryOn, Sticky};
use crate::trace::Histogram;
use crate::units::Span;

/// Purposes of the streams that only journeys draw from.
mod purpose {
    pub(super) const SERVICE: u32 = 10;
    pub(super) const BITS: u32 = 11;
    pub(super) const WAITS: u32 = 12;
}

/// What clients do, ready to be drawn from.
#[derive(Debug, Clone)]
pub(crate) struct Habits {
    pub(super) attempt_timeout: u64,
    pub(super) cancel: bool,
    pub(super) retry_on: RetryOn,
    pub(super) backoff: Option<Backoff>,
    pub(super) budget: Option<Budget>,
    pub(super) hedge: Option<Hedge>,
    pub(super) pool: Option<Pool>,
    /// Opening a connection costs time or work.
    pub(super) opens: bool,
    pub(super) connect: Sampler,
    pub(super) handshake: u64,
    pub(super) max_streams: u32,
    pub(super) sticky: Option<Sticky>,
    /// How many users there are, and how long they think.
    pub(super) users: Option<(u32, Sampler)>,
}

impl Habits {
    /// `connect` and `users` as samplers of nanoseconds.
    pub(crate) fn new(conduct: &Conduct, connect: Sampler, users: Option<(u32, Sampler)>) -> Self {
        Self {
            attempt_timeout: conduct.attempt_timeout.0,
            cancel: conduct.cancel,
            retry_on: conduct.retry_on,
            backoff: conduct.backoff,
            budget: conduct.budget,
            hedge: conduct.hedge,
            pool: conduct.pool,
            opens: conduct.opens(),
            connect,
            handshake: conduct.handshake.0,
            max_streams: conduct.max_streams.unwrap_or(u32::MAX),
            sticky: conduct.sticky,
            users,
        }
    }
}

/// Requests that are known to be in flight, and what works on them.
#[derive(Debug)]
pub(crate) struct Journeys {
    habits: Habits,
    /// What attempts share, if they are served all at once.
    power: Option<Power>,
    slots: usize,
    room: u32,
    timeout: u64,
    nodes: u32,
    /// Connections of one request at a time are opened and kept.
    opens: bool,
    requests: Slab<Request>,
    attempts: Slab<Attempt>,
    /// Requests by arrival.
    open: Chain,
    /// Attempts that somebody waits for, by when they were sent; only with `attempt_timeout`.
    sent: Chain,
    /// The next request to be hedged for the first, second, … time.
    unhedged: [Mark; 3],
    /// How often a request is hedged at most.
    hedges: usize,
    hedge_after: u64,
    recent: Recent,
    events: StampedQueue,
    workers: Vec<Worker>,
    links: Links,
    /// By server and view: attempts that somebody waits for.
    outstanding: Vec<u32>,
    views: usize,
    /// The same: whether it is in rotation.
    members: Vec<bool>,
    accounts: Vec<Account>,
    draws: Draws,
    scratch: Vec<u32>,
    now: u64,
}

/// Latencies of late, for hedges that wait for a quantile of them.
#[derive(Debug)]
struct Recent {
    histogram: Histogram,
    count: u32,
    least: u64,
    most: u64,
}

impl Default for Recent {
    fn default() -> Self {
        Self { histogram: Histogram::default(), count: 0, least: u64::MAX, most: 0 }
    }
}

/// So many answers make a quantile.
const RECENT: u32 = 1000;

/// What only journeys draw: the luck of retries, of hedges and of users' requests.
#[derive(Debug)]
struct Draws {
    services: Vec<VariateBlock>,
    bits: Box<[u64; BLOCK]>,
    cursor: usize,
    stream: Stream,
    waits: Stream,
}

impl Draws {
    fn new(config: &Config, seeds: Seeds) -> Self {
        // A law that several versions share is drawn from once.
        let service = |version: &super::desk::VersionModel| {
            VariateBlock::new(version.service.clone(), seeds.stream(purpose::SERVICE, 0))
        };
        Self {
            services: config.versions.iter().map(service).collect(),
            bits: Box::new([0; BLOCK]),
            cursor: BLOCK,
            stream: seeds.stream(purpose::BITS, 0),
            waits: seeds.stream(purpose::WAITS, 0),
        }
    }

    /// Bits for a choice, and the place of the service that goes with them.
    #[inline]
    fn next(&mut self) -> (u64, usize) {
        if self.cursor == BLOCK {
            self.cursor = 0;
            self.stream.fill(&mut *self.bits);
            self.services.iter_mut().for_each(VariateBlock::refill);
        }
        let slot = self.cursor;
        self.cursor += 1;
        (self.bits[slot], slot)
    }
}

impl Journeys {
    pub(crate) fn new(config: &Config, habits: Habits) -> Self {
        let seeds = Seeds::new(0, 0);
        Self {
            power: Power::new(config),
            slots: workers::slots(config.discipline),
            room: config.discipline.room(),
            timeout: config.timeout.0,
            nodes: config.nodes,
            opens: habits.pool.is_some() || habits.opens,
            requests: Slab::default(),
            attempts: Slab::default(),
            open: Chain::EMPTY,
            sent: Chain::EMPTY,
            unhedged: [Mark::NOWHERE; 3],
            hedges: habits.hedge.map_or(0, |hedge| hedge.most as usize),
            hedge_after: u64::MAX,
            recent: Recent::default(),
            events: StampedQueue::default(),
            workers: Vec::new(),
            links: Links::default(),
            outstanding: Vec::new(),
            views: config.nodes as usize,
            members: Vec::new(),
            accounts: Vec::new(),
            draws: Draws::new(config, seeds),
            scratch: Vec::new(),
            now: 0,
            habits,
        }
    }

    /// Forgets the last run.
    pub(crate) fn reset(&mut self, config: &Config, seeds: Seeds) {
        self.requests.clear();
        self.attempts.clear();
        (self.open, self.sent, self.unhedged) = (Chain::EMPTY, Chain::EMPTY, [Mark::NOWHERE; 3]);
        self.hedge_after = match self.habits.hedge {
            Some(Hedge { after: HedgeAfter::Span(Span(after)), .. }) => after,
            _ => u64::MAX,
        };
        self.recent.histogram.clear();
        (self.recent.count, self.recent.least, self.recent.most) = (0, u64::MAX, 0);
        self.events.clear();
        self.workers.clear();
        self.links.reset(self.nodes, config.protocol, self.habits.sticky);
        self.outstanding.clear();
        self.views = self.nodes as usize;
        self.members.clear();
        self.accounts.clear();
        self.accounts.resize(self.nodes as usize, Account::default());
        self.draws = Draws::new(config, seeds);
        self.now = 0;
        let Some((users, think)) = &self.habits.users else { return };
        for user in 0..*users {
            let at = think.at(self.draws.waits.bits()) as u64;
            self.events.push(crate::units::Time(at), Event::Ask(user).packed());
        }
    }

    pub(crate) fn add(&mut self) {
        self.workers.push(Worker::new(self.power.as_ref(), self.workers.len()));
        self.outstanding.resize(self.workers.len() * self.views, 0);
        self.members.resize(self.outstanding.len(), false);
        if self.habits.pool.is_some() {
            self.links.kept.resize(self.workers.len() * self.nodes as usize, Kept::default());
        }
    }

    /// Every node has two views from now on.
    pub(crate) fn split(&mut self) {
        let old = self.views;
        self.views = 2 * self.nodes as usize;
        let wider = self.workers.len() * self.views;
        let (mut outstanding, mut members) = (vec![0; wider], vec![false; wider]);
        for (server, counts) in self.outstanding.chunks(old.max(1)).enumerate() {
            outstanding[server * self.views..][..counts.len()].copy_from_slice(counts);
        }
        for (server, marks) in self.members.chunks(old.max(1)).enumerate() {
            members[server * self.views..][..marks.len()].copy_from_slice(marks);
        }
        (self.outstanding, self.members) = (outstanding, members);
    }

    /// Whether a view has the server in its rotation.
    pub(crate) fn set_member(&mut self, view: u32, server: u32, is_in: bool) {
        self.members[server as usize * self.views + view as usize] = is_in;
    }

    /// The server accepts no connections any more and ends those that are idle.
    pub(crate) fn close(&mut self, server: u32, goodbye: bool) {
        self.links.close(server, goodbye, self.nodes, self.now);
    }

    /// Attempts at a server.
    pub(crate) fn in_flight(&self, server: u32) -> u32 {
        self.workers[server as usize].total()
    }

    /// Connections opened since the beginning.
    pub(crate) fn opened(&self) -> u64 {
        self.links.opened
    }

    /// Requests that have not ended.
    #[cfg(test)]
    pub(in crate::sim) fn unfinished(&self) -> usize {
        self.requests.len()
    }

    /// Gives the server work that nobody waits for.
    pub(crate) fn preload(&mut self, desk: &mut Desk, server: u32, now: u64) {
        let (_, slot) = self.draws.next();
        let id = self.attempts.take();
        let work = self.service_aside(desk, server, slot);
        self.attempts[id] = Attempt { sent: now, work, server, ..Attempt::EMPTY };
        self.admit(desk, now, id);
    }

    /// When a server has finished what it has, if nothing more comes.
    pub(crate) fn idle_at(&mut self, desk: &mut Desk, server: u32, now: u64) -> u64 {
        if let Some(power) = &self.power {
            return self.workers[server as usize].shared_until(power, now);
        }
        self.work_ahead(desk, server, now).0
    }

    /// When a server would turn to something that comes now.
    pub(crate) fn starts(&mut self, desk: &mut Desk, server: u32, now: u64) -> u64 {
        self.work_ahead(desk, server, now).1
    }

    /// Slots: when the last one and when the first one is free, if nothing more comes.
    fn work_ahead(&self, desk: &mut Desk, server: u32, now: u64) -> (u64, u64) {
        let worker = &self.workers[server as usize];
        let departs = worker.running.iter().map(|id| self.attempts[*id].work);
        let mut free: std::collections::BinaryHeap<_> = departs.map(std::cmp::Reverse).collect();
        let mut last = free.iter().map(|at| at.0).max().unwrap_or(now).max(now);
        for id in &worker.waiting {
            let attempt = &self.attempts[*id];
            if attempt.stage != slab::Stage::Waiting {
                continue;
            }
            let Some(std::cmp::Reverse(starts)) = free.pop() else { break };
            let departs = starts + run::needs(desk, attempt, starts);
            last = last.max(departs);
            free.push(std::cmp::Reverse(departs));
        }
        let first = free.peek().filter(|_| free.len() >= self.slots).map_or(now, |at| at.0);
        (last, first.max(now))
    }

    /// The kept connections of a node to a server.
    fn kept(&mut self, server: u32, node: u32) -> &mut Kept {
        &mut self.links.kept[(server * self.nodes + node) as usize]
    }

    /// A connection is being opened; returns how long that takes (ns).
    fn opening(&mut self) -> u64 {
        self.links.opened += 1;
        self.habits.connect.at(self.draws.waits.bits()) as u64
    }

    /// Service of an attempt that is no request's first, nanoseconds on a warm server.
    fn service_aside(&self, desk: &Desk, server: u32, slot: usize) -> u64 {
        let super::desk::Server { version, factor, .. } = desk.servers[server as usize];
        let base = self.draws.services[usize::from(version)].values[slot];
        math::to_u64((base * factor).min(2_251_799_813_685_248.0)) | 1
    }
}

#[cfg(test)]
impl Journeys {
    /// Nodes and servers that have an open connection.
    pub(in crate::sim) fn open_pairs(&self) -> Vec<(u32, u32)> {
        self.links.open_pairs(self.nodes)
    }

    /// Users think for ever from now on.
    fn retire(&mut self) {
        if let Some((_, think)) = &mut self.habits.users {
            *think = Sampler::fixed(1e18);
        }
        let mut kept = Vec::new();
        while let Some((at, stamp, event)) = self.events.pop() {
            if !matches!(Event::unpacked(event), Event::Ask(_)) {
                kept.push((at, stamp, event));
            }
        }
        for (at, old, event) in kept {
            let stamp = self.events.push(at, event);
            let planned = match Event::unpacked(event) {
                Event::Depart(id) | Event::Reach(id) => &mut self.attempts[id].stamp,
                Event::Shared(server) => &mut self.workers[server as usize].stamp,
                Event::Again(id) => &mut self.requests[id].stamp,
                Event::Ask(_) => continue,
            };
            // Old stamps are smaller than new ones, and none is met twice.
            if *planned == old {
                *planned = stamp;
            }
        }
    }

    /// What is counted twice agrees.
    pub(in crate::sim) fn check(&self) {
        let outstanding: u32 = self.outstanding.iter().sum();
        let mut open = Vec::new();
        let mut next = self.open.first;
        while next != slab::NONE {
            open.push(next);
            next = self.requests.after(next);
        }
        assert_eq!(open.len(), self.requests.len());
        let alive: u32 = open.iter().map(|id| u32::from(self.requests[*id].alive)).sum();
        assert_eq!(alive, outstanding);
        let requests: u32 = self.accounts.iter().map(|account| account.requests).sum();
        assert_eq!(requests as usize, open.len());
        let waits = open.iter().filter(|id| self.requests[**id].waits()).count();
        let live = open.iter().flat_map(|id| {
            let entry = &self.requests[*id];
            entry.live.iter().take(usize::from(entry.alive))
        });
        let mut extra = waits;
        let mut connecting = 0;
        for id in live {
            let attempt = &self.attempts[*id];
            assert!(attempt.is_live && attempt.stage != slab::Stage::Gone);
            extra += usize::from(attempt.is_extra);
            connecting += usize::from(attempt.stage == slab::Stage::Connecting);
        }
        let counted: u32 = self.accounts.iter().map(|account| account.extra).sum();
        assert_eq!(counted as usize, extra);
        let at_servers: usize =
            self.workers.iter().map(|worker| worker.running.len() + worker.waiting.len()).sum();
        assert!(self.attempts.len() >= at_servers, "every attempt at a server exists");
        let most = at_servers + open.len() * slab::AT_ONCE;
        assert!(self.attempts.len() <= most, "no attempt is forgotten");
        if self.habits.connect == Sampler::fixed(0.0) {
            // Only what nothing answers takes time to connect.
            assert_eq!(self.attempts.len(), at_servers + connecting);
        }
    }
}
