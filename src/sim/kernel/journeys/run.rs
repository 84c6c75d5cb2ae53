//! The loop: arrivals, events and delays in order of time, and what servers do with attempts.

use super::Journeys;
use super::agenda::Event;
use super::choice::Luck;
use super::slab::{Attempt, Entry, Mark, NONE, Request, Stage};
use crate::balancer::Policy;
use crate::engine::{BLOCK, NO_STAMP};
use crate::sim::kernel::desk::{Beside, Desk, guard};
use crate::sim::kernel::tally::NOWHERE;
use crate::trace::Ending;
use crate::units::Time;

/// A run with all that takes part in it.
pub(super) struct Play<'a, P> {
    pub(super) all: &'a mut Journeys,
    pub(super) desk: &'a mut Desk,
    pub(super) policies: &'a mut [P],
}

/// A delay that is the same for all.
#[derive(Debug, Clone, Copy)]
enum Timer {
    /// A request's client gives up.
    Deadline,
    /// An attempt's client does.
    Attempt,
    /// A request is hedged for the k-th time, from 0.
    Hedge(usize),
}

impl Journeys {
    /// Plays everything before `until`.
    pub(crate) fn advance<P: Policy>(&mut self, desk: &mut Desk, policies: &mut [P], until: u64) {
        Play { all: self, desk, policies }.run(until);
        self.now = until;
    }

    /// Ends a server and everything on it; what is done at this very instant is done.
    pub(crate) fn kill<P: Policy>(
        &mut self,
        desk: &mut Desk,
        policies: &mut [P],
        server: u32,
        now: u64,
    ) {
        let mut play = Play { all: self, desk, policies };
        while play.all.events.next_time().0 <= now {
            play.happen();
        }
        let mut lost = std::mem::take(&mut play.all.scratch);
        play.all.workers[server as usize].evict(&mut play.all.attempts, &mut lost);
        for id in lost.drain(..) {
            play.cut(now, id);
        }
        play.all.scratch = lost;
    }

    /// The next delay that is over, and which it is.
    #[inline(always)]
    fn next_timer(&self) -> (u64, Timer) {
        let mut next = (self.open.since.saturating_add(self.timeout), Timer::Deadline);
        let at = self.sent.since.saturating_add(self.habits.attempt_timeout);
        if at < next.0 {
            next = (at, Timer::Attempt);
        }
        for k in 0..self.hedges {
            // A quantile that falls makes some due in the past: they are due now.
            let wait = self.hedge_after.saturating_mul(k as u64 + 1);
            let due = self.unhedged[k].since.saturating_add(wait).max(self.now);
            if due < next.0 {
                next = (due, Timer::Hedge(k));
            }
        }
        next
    }

    /// A server takes an attempt.
    #[inline(always)]
    pub(super) fn admit(&mut self, desk: &mut Desk, now: u64, id: u32) {
        let attempt = &mut self.attempts[id];
        let server = attempt.server;
        let entry = &mut desk.servers[server as usize];
        attempt.serial = entry.served as u32;
        entry.served += 1;
        if let Some(power) = &self.power {
            attempt.stage = Stage::Running;
            let service = needs(desk, attempt, now);
            self.workers[server as usize].share(power, now, id, service);
            self.replan(now, server);
            return;
        }
        let worker = &mut self.workers[server as usize];
        if worker.running.len() < self.slots {
            self.begin(desk, now, id);
        } else {
            attempt.stage = Stage::Waiting;
            worker.waiting.push_back(id);
            worker.patient += 1;
        }
    }

    /// A slot begins with an attempt.
    #[inline(always)]
    fn begin(&mut self, desk: &mut Desk, now: u64, id: u32) {
        let attempt = &mut self.attempts[id];
        attempt.work = now + needs(desk, attempt, now);
        attempt.stamp = self.events.push(Time(attempt.work), Event::Depart(id).packed());
        self.workers[attempt.server as usize].occupy(id, attempt);
    }

    /// A slot becomes free.
    #[inline(always)]
    pub(super) fn vacate(&mut self, desk: &mut Desk, now: u64, id: u32) {
        let server = self.attempts[id].server as usize;
        self.workers[server].vacate(&mut self.attempts, id);
        if let Some(next) = self.workers[server].next(&mut self.attempts) {
            self.begin(desk, now, next);
        }
    }

    /// Who shares a server has changed: its next departure is another one.
    pub(super) fn replan(&mut self, now: u64, server: u32) {
        let Some(power) = &self.power else { return };
        let worker = &mut self.workers[server as usize];
        let planned = worker.plan(power, now);
        worker.stamp = planned
            .map_or(NO_STAMP, |at| self.events.push(Time(at), Event::Shared(server).packed()));
    }
}

/// Work of an attempt whose service begins at `starts`, nanoseconds.
#[inline(always)]
pub(super) fn needs(desk: &mut Desk, attempt: &Attempt, starts: u64) -> u64 {
    let server = attempt.server as usize;
    if desk.servers[server].guard & guard::COLD == 0 {
        return attempt.work + attempt.extra;
    }
    // Only its lower half was kept; less than that many have come since.
    let served = desk.servers[server].served;
    let serial = served - u64::from((served as u32).wrapping_sub(attempt.serial));
    let coldness = desk.coldness_after(server, serial, starts);
    (attempt.work as f64 * coldness) as u64 + attempt.extra
}

impl<P: Policy> Play<'_, P> {
    fn run(&mut self, until: u64) {
        loop {
            if self.desk.cursor == BLOCK {
                self.desk.refill();
            }
            let arrival = self.desk.arrivals[self.desk.cursor % BLOCK];
            let event = self.all.events.next_time().0;
            let (timer, which) = self.all.next_timer();
            let now = arrival.min(event).min(timer);
            if now >= until {
                break;
            }
            self.all.now = now;
            if event == now {
                self.happen();
            } else if timer == now {
                self.expire(now, which);
            } else {
                self.arrive(now);
            }
        }
    }

    /// The next request of the traffic.
    #[inline(always)]
    fn arrive(&mut self, now: u64) {
        let slot = self.desk.cursor % BLOCK;
        self.desk.cursor += 1;
        let nodes = u64::from(self.all.nodes);
        let node = if nodes > 1 { ((self.desk.senders[slot] >> 32) * nodes) >> 32 } else { 0 };
        let luck = Luck::Arrival { bits: self.desk.picks[slot], slot };
        self.request(now, node as u32, NONE, luck);
    }

    /// A request begins.
    #[inline(always)]
    fn request(&mut self, now: u64, node: u32, user: u32, luck: Luck) {
        self.desk.tally.arrive(now);
        let all = &mut *self.all;
        let id = all.requests.take();
        let request = Request { first: now, node: node as u16, user, ..Request::EMPTY };
        all.requests[id] = Request { version: NOWHERE as u8, tries: 1, ..request };
        all.open.append(&mut all.requests, id);
        for mark in all.unhedged.iter_mut().take(all.hedges) {
            if mark.entry == NONE {
                *mark = Mark { entry: id, since: now };
            }
        }
        all.accounts[node as usize].arrive(all.habits.budget, now);
        self.launch(now, id, luck, false);
    }

    fn happen(&mut self) {
        let Some((at, stamp, event)) = self.all.events.pop() else { return };
        let now = at.0;
        match Event::unpacked(event) {
            Event::Depart(attempt) => {
                if self.all.attempts[attempt].stamp == stamp {
                    self.all.vacate(self.desk, now, attempt);
                    self.leave(now, attempt);
                }
            }
            Event::Shared(server) => {
                let Some(power) = &self.all.power else { return };
                let worker = &mut self.all.workers[server as usize];
                if worker.stamp == stamp
                    && let Some(id) = worker.finish(power, now)
                {
                    self.all.replan(now, server);
                    self.leave(now, id);
                }
            }
            Event::Reach(attempt) => {
                if self.all.attempts[attempt].stamp == stamp {
                    self.reach(now, attempt);
                }
            }
            Event::Again(request) => {
                let entry = &mut self.all.requests[request];
                if entry.stamp == stamp {
                    entry.stamp = NO_STAMP;
                    entry.tries += 1;
                    let luck = self.all.luck();
                    self.launch(now, request, luck, true);
                }
            }
            Event::Ask(user) => {
                let node = user % self.all.nodes;
                let luck = self.all.luck();
                self.request(now, node, user, luck);
            }
        }
    }

    fn expire(&mut self, now: u64, timer: Timer) {
        match timer {
            Timer::Deadline => {
                let id = self.all.open.first;
                let version = usize::from(self.all.requests[id].version);
                self.desk.tally.failed(now, version, Ending::Timeout);
                self.finish(now, id);
            }
            Timer::Attempt => {
                let id = self.all.sent.first;
                let request = self.all.attempts[id].request;
                self.abandon(now, id);
                let version = self.all.requests[request].version;
                self.fail(now, request, version, Ending::Timeout);
            }
            Timer::Hedge(k) => {
                let id = self.all.unhedged[k].entry;
                let after = self.all.requests.after(id);
                self.all.unhedged[k] = Mark::at(&self.all.requests, after);
                let (alive, node) = (self.all.requests[id].alive, self.all.requests[id].node);
                let budget = self.all.habits.budget;
                if alive > 0 && self.all.accounts[usize::from(node)].allow(budget, now) {
                    let luck = self.all.luck();
                    self.launch(now, id, luck, true);
                }
            }
        }
    }

    /// An attempt of this request is made; one that is extra has been allowed.
    #[inline(always)]
    fn launch(&mut self, now: u64, request: u32, luck: Luck, is_extra: bool) {
        self.desk.tally.retried += u64::from(is_extra);
        let Request { node, user, first, .. } = self.all.requests[request];
        let chosen = self.choose(now, u32::from(node), user, luck);
        let chosen = chosen.and_then(|mut choice| {
            if self.desk.is_dark(choice.server as usize, u32::from(node)) {
                choice.ready = u64::MAX;
                self.wait_in_vain(choice.server, u32::from(node));
                return Ok((choice, Finding::default()));
            }
            let version = self.desk.servers[choice.server as usize].version;
            if choice.ready > now {
                return Ok((choice, Finding::default()));
            }
            match self.inspect(choice.server, u32::from(node), first, now) {
                Ok(finding) => Ok((choice, finding)),
                Err(ending) => {
                    self.decline(now, u32::from(node), &choice, ending);
                    Err((version, ending))
                }
            }
        });
        let (choice, finding) = match chosen {
            Ok(chosen) => chosen,
            Err((version, ending)) => {
                self.all.accounts[usize::from(node)].extra -= u32::from(is_extra);
                self.all.requests[request].version = version;
                self.fail(now, request, version, ending);
                return;
            }
        };
        let server = choice.server as usize;
        let (law, factor) = (self.desk.servers[server].law, self.desk.servers[server].factor);
        let service = match luck {
            Luck::Arrival { slot, .. } => self.desk.service(law, factor, slot),
            Luck::Aside { slot, .. } => self.all.service_aside(self.desk, choice.server, slot),
        };
        let all = &mut *self.all;
        let id = all.attempts.take();
        all.attempts[id] = Attempt {
            sent: now,
            work: service + if choice.is_new { all.habits.handshake } else { 0 },
            request,
            server: choice.server,
            connection: choice.connection,
            carried: choice.carried,
            view: choice.view as u16,
            node,
            stage: Stage::Connecting,
            is_live: true,
            extra: finding.extra,
            error: finding.error,
            is_extra,
            ..Attempt::EMPTY
        };
        let entry = &mut all.requests[request];
        entry.version = self.desk.servers[server].version;
        entry.live[usize::from(entry.alive)] = id;
        entry.alive += 1;
        if all.habits.attempt_timeout < u64::MAX {
            all.sent.append(&mut all.attempts, id);
        }
        if choice.connection != NONE {
            all.links.pinned[usize::from(node)][choice.connection as usize].streams += 1;
        }
        all.outstanding[server * all.views + choice.view as usize] += 1;
        self.policies[choice.view as usize].started(choice.server);
        if choice.ready == u64::MAX {
            // Nobody answers: it ends when its client gives it up.
        } else if choice.ready > now {
            let stamp = all.events.push(Time(choice.ready), Event::Reach(id).packed());
            all.attempts[id].stamp = stamp;
        } else {
            all.admit(self.desk, now, id);
        }
    }

    /// The connection is open, if there still is somebody at the other end.
    fn reach(&mut self, now: u64, id: u32) {
        let attempt = self.all.attempts[id];
        let first = self.all.requests[attempt.request].first;
        match self.inspect(attempt.server, u32::from(attempt.node), first, now) {
            Ok(Finding { extra, error }) => {
                self.all.attempts[id].extra = extra;
                self.all.attempts[id].error = error;
                self.all.admit(self.desk, now, id);
            }
            Err(ending) => {
                self.all.attempts[id].stage = Stage::Gone;
                self.part(now, id, ending == Ending::Shed);
                let version = self.desk.servers[attempt.server as usize].version;
                self.fail(now, attempt.request, version, ending);
            }
        }
    }

    /// Whether a server takes one more attempt of `node` at `now`, and what it will make of it.
    #[inline(always)]
    fn inspect(&mut self, server: u32, node: u32, first: u64, now: u64) -> Result<Finding, Ending> {
        if self.desk.servers[server as usize].guard == 0 {
            return Ok(Finding::default());
        }
        self.look_closer(server, node, first, now)
    }

    /// A node gets no answer, which counts as a failure where those are counted.
    #[cold]
    fn wait_in_vain(&mut self, server: u32, node: u32) {
        if self.desk.servers[server as usize].guard & guard::WATCHED != 0 {
            self.desk.errors.note(node, server, true);
        }
    }

    #[inline(never)]
    fn look_closer(
        &mut self,
        server: u32,
        node: u32,
        first: u64,
        now: u64,
    ) -> Result<Finding, Ending> {
        let found = self.look(server, first, now);
        if self.desk.servers[server as usize].guard & guard::WATCHED != 0 {
            self.desk.errors.note(node, server, !matches!(found, Ok(Finding { error: false, .. })));
        }
        found
    }

    fn look(&mut self, server: u32, first: u64, now: u64) -> Result<Finding, Ending> {
        let guard = self.desk.servers[server as usize].guard;
        if guard & guard::CLOSED != 0 {
            let reuse = self.all.reuse(self.desk.config.protocol);
            let reset = reuse > 0.0 && self.desk.aside.uniform() < reuse;
            return Err(if reset { Ending::Reset } else { Ending::Refused });
        }
        if guard & guard::LIMITED != 0 && self.all.workers[server as usize].total() >= self.all.room
        {
            return Err(Ending::Shed);
        }
        if guard & (guard::CACHED | guard::DEPENDS) == 0 {
            return Ok(Finding { extra: 0, error: self.desk.errs(server as usize, first, now) });
        }
        let Beside { missed, waits, error } = self.desk.beside(server as usize, first, now);
        Ok(Finding { extra: (missed + waits) as u64, error })
    }
}

/// What a server that takes an attempt will make of it.
#[derive(Debug, Clone, Copy, Default)]
struct Finding {
    /// Beside its own work: missed lookups, calls to others (ns).
    extra: u64,
    /// It will answer with an error.
    error: bool,
}

const _: () = assert!(NOWHERE == 2, "requests begin with the version of those that reached none");
