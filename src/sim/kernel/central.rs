//! One queue for all servers: whoever has a free slot takes the head (the M/M/c discipline).
//!
//! Departures are events here, since capacity may change under those who wait.

use std::collections::VecDeque;

use super::attempt::fail;
use super::desk::{Attempt, Beside, Desk, Server, guard};
use super::tally::NOWHERE;
use crate::engine::{BLOCK, EventQueue};
use crate::trace::Ending;
use crate::units::Time;

#[derive(Debug, Clone, Copy)]
struct Waiting {
    attempt: Attempt,
    /// Service by law, drawn when it arrived: which version will take it is not known yet.
    services: [f64; 2],
}

#[derive(Debug, Clone, Copy)]
struct Running {
    first: u64,
    began: u64,
    departs: u64,
    error: bool,
    waiting: Waiting,
}

#[derive(Debug, Clone, Default)]
struct Worker {
    open: bool,
    epoch: u32,
    /// By slot.
    running: Vec<Option<Running>>,
    busy: u32,
}

/// The common queue.
#[derive(Debug)]
pub(crate) struct Central {
    slots: u32,
    room: Option<u32>,
    workers: Vec<Worker>,
    /// Servers with a free slot, in no order that matters: one is drawn at random.
    free: Vec<u32>,
    queue: VecDeque<Waiting>,
    departures: EventQueue<(u32, u32, u32)>,
    in_service: u32,
    /// Jobs of a killed server go back to the head of the queue instead of being cut.
    pub(crate) requeue: bool,
    /// Integral of the queue's length, request-ns, and when it was last updated.
    pub(crate) waited: u128,
    updated: u64,
}

impl Central {
    pub(crate) fn new(slots: u32, room: Option<u32>) -> Self {
        Self {
            slots,
            room,
            workers: Vec::new(),
            free: Vec::new(),
            queue: VecDeque::new(),
            departures: EventQueue::default(),
            in_service: 0,
            requeue: false,
            waited: 0,
            updated: 0,
        }
    }

    pub(crate) fn add(&mut self) {
        self.workers.push(Worker { running: vec![None; self.slots as usize], ..Worker::default() });
    }

    pub(crate) fn open(&mut self, server: u32, now: u64, desk: &mut Desk) {
        let worker = &mut self.workers[server as usize];
        worker.open = true;
        if worker.busy < self.slots {
            self.free.push(server);
        }
        self.hand_out(now, desk);
    }

    pub(crate) fn close(&mut self, server: u32) {
        self.workers[server as usize].open = false;
        self.free.retain(|other| *other != server);
    }

    pub(crate) fn in_flight(&self, server: u32) -> u32 {
        self.workers[server as usize].busy
    }

    /// Requests waiting.
    pub(crate) fn queue_len(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn idle_at(&self, server: u32, now: u64) -> u64 {
        let running = self.workers[server as usize].running.iter().flatten();
        running.map(|r| r.departs).max().unwrap_or(now).max(now)
    }

    pub(crate) fn kill(&mut self, server: u32, now: u64, desk: &mut Desk) {
        self.close(server);
        // What is done at this very instant is done.
        while self.departures.next_time().0 <= now {
            self.depart(desk);
        }
        let worker = &mut self.workers[server as usize];
        worker.epoch += 1;
        worker.busy = 0;
        let lost: Vec<Running> = worker.running.iter_mut().filter_map(Option::take).collect();
        self.in_service -= lost.len() as u32;
        for running in lost {
            if self.requeue {
                self.account(now);
                // Resumed, not begun again: with the same draw a second beginning would make long
                // jobs longer, and no longer memoryless.
                let left = running.departs.saturating_sub(now) as f64;
                let done = 1.0 - left / (running.departs - running.began).max(1) as f64;
                let services = running.waiting.services.map(|service| service * (1.0 - done));
                self.queue.push_front(Waiting { services, ..running.waiting });
                continue;
            }
            let version = desk.servers[server as usize].version as usize;
            let mut attempt = running.waiting.attempt;
            attempt.tries = desk.config.attempts;
            fail(desk, now, version, &attempt, Ending::Cut);
        }
        self.hand_out(now, desk);
    }

    pub(crate) fn advance(&mut self, desk: &mut Desk, until: u64) {
        loop {
            if desk.cursor == BLOCK {
                desk.refill();
            }
            let arrival = desk.arrivals[desk.cursor];
            let departure = self.departures.next_time().0;
            let retry = desk.retries.next_time().0;
            let now = arrival.min(departure).min(retry);
            if now >= until {
                break;
            }
            if departure == now {
                self.depart(desk);
            } else if arrival == now {
                let slot = desk.cursor;
                desk.cursor += 1;
                desk.tally.arrive(now);
                let attempt =
                    Attempt { first: now, node: 0, tries: 0, bits: desk.picks[slot], slot };
                self.arrive(desk, now, attempt);
            } else if let Some((at, again)) = desk.retries.pop() {
                let (first, tries) = (again.first, again.tries);
                let bits = desk.aside.bits();
                self.arrive(desk, at.0, Attempt { first, node: 0, tries, bits, slot: BLOCK });
            }
        }
        self.account(until);
    }

    /// Ends the requests that still wait or are served at the end of a run although their
    /// clients have left.
    pub(crate) fn expire(&mut self, desk: &mut Desk, end: u64) {
        let timeout = desk.config.timeout.0;
        for waiting in self.queue.drain(..) {
            let leaves = waiting.attempt.first.saturating_add(timeout);
            if leaves < end {
                desk.tally.failed(leaves, NOWHERE, Ending::Timeout);
            }
        }
        for (server, worker) in self.workers.iter_mut().enumerate() {
            let version = desk.servers[server].version as usize;
            for running in worker.running.iter_mut().filter_map(Option::take) {
                let leaves = running.first.saturating_add(timeout);
                if leaves < end {
                    desk.tally.failed(leaves, version, Ending::Timeout);
                }
            }
        }
    }

    fn account(&mut self, now: u64) {
        self.waited += u128::from(now - self.updated) * self.queue.len() as u128;
        self.updated = now;
    }

    fn arrive(&mut self, desk: &mut Desk, now: u64, attempt: Attempt) {
        desk.tally.retried += u64::from(attempt.tries > 0);
        let inside = self.in_service as usize + self.queue.len();
        if self.room.is_some_and(|room| inside >= room as usize) {
            fail(desk, now, NOWHERE, &attempt, Ending::Shed);
            return;
        }
        let mut services = [0.0; 2];
        for (law, service) in services.iter_mut().enumerate().take(desk.services.len()) {
            *service = match desk.services[law].values.get(attempt.slot) {
                Some(base) => *base,
                None => desk.service_aside_of(law as u8),
            };
        }
        self.account(now);
        self.queue.push_back(Waiting { attempt, services });
        self.hand_out(now, desk);
    }

    /// Gives the head of the queue to free slots until one of the two runs out.
    fn hand_out(&mut self, now: u64, desk: &mut Desk) {
        while !self.free.is_empty() && !self.queue.is_empty() {
            self.account(now);
            let Some(waiting) = self.queue.pop_front() else { return };
            if now - waiting.attempt.first > desk.config.timeout.0 {
                // The client has left: nobody starts what nobody waits for.
                let at = waiting.attempt.first + desk.config.timeout.0;
                desk.tally.failed(at, NOWHERE, Ending::Timeout);
                continue;
            }
            let place = (((waiting.attempt.bits >> 32) * self.free.len() as u64) >> 32) as usize;
            let server = self.free[place];
            self.start(server, now, waiting, desk);
            if self.workers[server as usize].busy == self.slots {
                self.free.swap_remove(place);
            }
        }
    }

    fn start(&mut self, server: u32, now: u64, waiting: Waiting, desk: &mut Desk) {
        let index = server as usize;
        let Server { factor, law, guard, .. } = desk.servers[index];
        let cold = if guard & guard::COLD == 0 { 1.0 } else { desk.coldness(index, now) };
        let own = waiting.services[usize::from(law)] * factor * cold;
        let Beside { missed, waits, error } = desk.beside(index, waiting.attempt.first, now);
        let departs = (now + ((own + missed) as u64).max(1)).saturating_add(waits as u64);
        desk.servers[index].served += 1;
        let worker = &mut self.workers[index];
        let slot = worker.running.iter().position(Option::is_none).unwrap_or(0);
        worker.running[slot] =
            Some(Running { first: waiting.attempt.first, began: now, departs, error, waiting });
        worker.busy += 1;
        self.in_service += 1;
        self.departures.push(Time(departs), (server, worker.epoch, slot as u32));
    }

    fn depart(&mut self, desk: &mut Desk) {
        let Some((at, (server, epoch, slot))) = self.departures.pop() else { return };
        let worker = &mut self.workers[server as usize];
        if worker.epoch != epoch {
            return;
        }
        let Some(done) = worker.running[slot as usize].take() else { return };
        worker.busy -= 1;
        self.in_service -= 1;
        if worker.open && worker.busy == self.slots - 1 {
            self.free.push(server);
        }
        let version = desk.servers[server as usize].version as usize;
        if desk.watch.is_on() {
            desk.watch.note(server, done.first, at.0, done.error);
        }
        if at.0 - done.first > desk.config.timeout.0 {
            desk.tally.failed(done.first + desk.config.timeout.0, version, Ending::Timeout);
        } else if done.error {
            desk.tally.failed(at.0, version, Ending::Version);
        } else {
            desk.tally.answered(done.first, at.0, version);
        }
        self.hand_out(at.0, desk);
    }
}
