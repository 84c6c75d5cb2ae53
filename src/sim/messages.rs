//! A queue and its consumers: messages arrive, are handed out, and are done, handed out again,
//! or given up.
//!
//! Beside the request kernel, with events of its own: there are thousands of messages where there
//! are millions of requests. A message is always exactly one of: waiting, hidden (its consumer
//! is gone, nobody knows yet), taken by one consumer, done, dead.

use std::collections::VecDeque;

use super::model;
use crate::engine::math::open_unit;
use crate::engine::{BLOCK, EventQueue, Sampler, Seeds};
use crate::scenario::pieces::{Queue, Redelivery};
use crate::scenario::{Discipline, Scenario};
use crate::trace::MessageCounts;
use crate::traffic::Source;
use crate::units::{Span, Time};

/// Purposes of the draws here.
mod purpose {
    pub(super) const SERVICE: u32 = 400;
    pub(super) const ERROR: u32 = 401;
    pub(super) const CONSUMER: u32 = 402;
}

/// What does not change from run to run.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    queue: Queue,
    slots: u32,
    /// By version, in nanoseconds.
    service: [Sampler; 2],
    /// By version.
    errors: [f64; 2],
}

impl Config {
    /// Of this scenario, if it has a queue.
    pub(crate) fn of(scenario: &Scenario) -> Option<Self> {
        let queue = scenario.pieces.queue.clone()?;
        let versions = [&scenario.versions.old, &scenario.versions.new];
        let slots = match scenario.service.discipline {
            Discipline::Fifo { slots, .. } => slots,
            Discipline::Sharing { .. } => 1,
        };
        Some(Self {
            queue,
            slots,
            service: versions.map(|version| model::sampler(&version.service_time)),
            errors: versions.map(|version| version.errors.0),
        })
    }
}

/// Where a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the line.
    Waiting,
    /// Out of sight, with nobody.
    Hidden,
    /// With this consumer.
    Taken(u32),
    /// Worked on to the end.
    Done,
    /// Given up.
    Dead,
}

#[derive(Debug, Clone, Copy)]
struct Message {
    sent: u64,
    /// How often it was handed out. Whoever was handed it out earlier has lost it.
    receives: u32,
    place: Place,
}

/// A message in the hands of a consumer.
#[derive(Debug, Clone, Copy)]
struct Job {
    message: u32,
    receive: u32,
    began: u64,
    departs: u64,
    fails: bool,
}

#[derive(Debug, Clone, Default)]
struct Consumer {
    version: u8,
    open: bool,
    /// Processes so far: what was planned for an earlier one is void.
    epoch: u32,
    jobs: Vec<Option<Job>>,
    busy: u32,
    /// Jobs begun, and nanoseconds of slots spent on those that have ended.
    taken: u64,
    worked: u64,
}

#[derive(Debug, Clone, Copy)]
enum Event {
    /// A job is at its end.
    Depart { consumer: u32, epoch: u32, slot: u32 },
    /// A message is there again, unless it was handed out anew since.
    Visible { message: u32, receive: u32 },
}

/// The queue with its consumers.
#[derive(Debug)]
pub(crate) struct Messages {
    config: Config,
    seeds: Seeds,
    source: Option<Source>,
    arrivals: Box<[u64; BLOCK]>,
    cursor: usize,
    all: Vec<Message>,
    /// In order; those that have been done since they came into the line are still in it.
    waiting: VecDeque<u32>,
    /// How many of them wait.
    waits: u32,
    consumers: Vec<Consumer>,
    /// Consumers that take and have a free slot, in no order that matters.
    free: Vec<u32>,
    events: EventQueue<Event>,
    hidden: u32,
    begun: u64,
    counts: MessageCounts,
}

impl Messages {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            seeds: Seeds::new(0, 0),
            source: None,
            arrivals: Box::new([0; BLOCK]),
            cursor: BLOCK,
            all: Vec::new(),
            waiting: VecDeque::new(),
            waits: 0,
            consumers: Vec::new(),
            free: Vec::new(),
            events: EventQueue::default(),
            hidden: 0,
            begun: u64::MAX,
            counts: MessageCounts::default(),
        }
    }

    /// Forgets the last run, keeps memory. The profile of arrivals begins at `origin`.
    pub(crate) fn reset(&mut self, seeds: Seeds, origin: Time) {
        self.seeds = seeds;
        self.source = Some(Source::new(&self.config.queue.arrivals, origin, seeds));
        self.cursor = BLOCK;
        self.all.clear();
        self.waiting.clear();
        self.consumers.clear();
        self.free.clear();
        self.events.clear();
        (self.waits, self.hidden) = (0, 0);
        self.begun = u64::MAX;
        self.counts = MessageCounts::default();
    }

    /// What happens from now on belongs to the rollout.
    pub(crate) fn begin(&mut self, now: Time) {
        self.begun = now.0;
    }

    /// Adds a consumer that takes nothing yet; they are numbered in order.
    pub(crate) fn add(&mut self, version: u8) {
        let jobs = vec![None; self.config.slots as usize];
        self.consumers.push(Consumer { version: version.min(1), jobs, ..Consumer::default() });
    }

    /// The consumer takes messages from now on.
    pub(crate) fn open(&mut self, consumer: u32, now: Time) {
        let entry = &mut self.consumers[consumer as usize];
        if !std::mem::replace(&mut entry.open, true) && entry.busy < self.config.slots {
            self.free.push(consumer);
        }
        self.hand_out(now.0);
    }

    /// The consumer takes nothing more, and goes on with what it has.
    pub(crate) fn close(&mut self, consumer: u32) {
        self.consumers[consumer as usize].open = false;
        self.free.retain(|other| *other != consumer);
    }

    /// When the consumer has done all it has.
    pub(crate) fn idle_at(&self, consumer: u32, now: Time) -> Time {
        let jobs = self.consumers[consumer as usize].jobs.iter().flatten();
        Time(jobs.map(|job| job.departs).max().unwrap_or(0)).max(now)
    }

    /// The consumer's process is gone, and with it the work it had begun.
    pub(crate) fn kill(&mut self, consumer: u32, now: Time) {
        let now = now.0;
        self.close(consumer);
        // What is done at this very instant is done.
        while self.events.next_time().0 <= now {
            self.next_event();
        }
        let entry = &mut self.consumers[consumer as usize];
        entry.epoch += 1;
        entry.busy = 0;
        let lost: Vec<Job> = entry.jobs.iter_mut().filter_map(Option::take).collect();
        entry.worked += lost.iter().map(|job| now - job.began).sum::<u64>();
        // The last begun goes to the head of the line first.
        for job in lost.iter().rev() {
            self.lose(job, now);
            if self.owns(consumer, job) {
                self.give_back(job, now);
            }
        }
        self.hand_out(now);
        self.note_backlog(now);
    }

    /// Plays everything before `until`.
    pub(crate) fn advance(&mut self, until: Time) {
        loop {
            if self.cursor == BLOCK {
                self.cursor = 0;
                match &mut self.source {
                    Some(source) => source.fill(&mut self.arrivals),
                    None => self.arrivals.fill(u64::MAX),
                }
            }
            let arrival = self.arrivals[self.cursor];
            let event = self.events.next_time().0;
            let now = arrival.min(event);
            if now >= until.0 {
                return;
            }
            if event == now {
                self.next_event();
            } else {
                self.cursor += 1;
                self.waiting.push_back(self.all.len() as u32);
                self.waits += 1;
                self.all.push(Message { sent: now, receives: 0, place: Place::Waiting });
                self.counts.sent += 1;
                self.hand_out(now);
            }
            self.note_backlog(now);
        }
    }

    /// Time of slots that a consumer has spent on jobs, and how many it has begun.
    pub(crate) fn worked(&self, consumer: u32, now: Time) -> (Span, u64) {
        let entry = &self.consumers[consumer as usize];
        let running: u64 = entry.jobs.iter().flatten().map(|job| now.0 - job.began).sum();
        (Span(entry.worked + running), entry.taken)
    }

    /// What there is to say at the end.
    pub(crate) fn counts(&mut self, end: Time) -> MessageCounts {
        for index in 0..self.all.len() {
            let Message { sent, place, .. } = self.all[index];
            if matches!(place, Place::Waiting | Place::Hidden) {
                self.note_age(sent, end.0);
            }
        }
        let ended = self.counts.done + self.counts.dead;
        self.counts.left = self.counts.sent - ended;
        self.counts
    }

    fn next_event(&mut self) {
        let Some((at, event)) = self.events.pop() else { return };
        match event {
            Event::Depart { consumer, epoch, slot } => self.depart(at.0, consumer, epoch, slot),
            Event::Visible { message, receive } => self.show(message, receive, at.0),
        }
    }

    /// Gives the head of the line to free slots until one of the two runs out.
    fn hand_out(&mut self, now: u64) {
        while !self.free.is_empty() {
            let Some(message) = self.waiting.pop_front() else { return };
            if self.all[message as usize].place != Place::Waiting {
                continue;
            }
            self.waits -= 1;
            let receive = self.all[message as usize].receives + 1;
            let index = u64::from(receive) << 32 | u64::from(message);
            let bits = self.seeds.bits(purpose::CONSUMER, index);
            let place = (((bits >> 32) * self.free.len() as u64) >> 32) as usize;
            let consumer = self.free[place];
            self.start(consumer, message, receive, now);
            if self.consumers[consumer as usize].busy == self.config.slots {
                self.free.swap_remove(place);
            }
        }
    }

    fn start(&mut self, consumer: u32, message: u32, receive: u32, now: u64) {
        let version = usize::from(self.consumers[consumer as usize].version);
        let entry = &mut self.all[message as usize];
        (entry.receives, entry.place) = (receive, Place::Taken(consumer));
        let sent = entry.sent;
        self.note_age(sent, now);
        if receive > 1 && now >= self.begun {
            self.counts.redelivered += 1;
        }
        // A message is as much work each time, whoever takes it.
        let bits = self.seeds.bits(purpose::SERVICE, u64::from(message));
        let service = self.config.service[version].at(bits).max(1.0) as u64;
        let index = u64::from(receive) << 32 | u64::from(message);
        let fails = self.config.errors[version] > 0.0
            && open_unit(self.seeds.bits(purpose::ERROR, index)) < self.config.errors[version];
        let departs = now + service;
        let visibility = self.config.queue.visibility_timeout.0;
        if !self.config.queue.extend && visibility < service {
            self.events.push(Time(now + visibility), Event::Visible { message, receive });
        }
        let entry = &mut self.consumers[consumer as usize];
        let slot = entry.jobs.iter().position(Option::is_none).unwrap_or(0);
        entry.jobs[slot] = Some(Job { message, receive, began: now, departs, fails });
        entry.busy += 1;
        entry.taken += 1;
        let depart = Event::Depart { consumer, epoch: entry.epoch, slot: slot as u32 };
        self.events.push(Time(departs), depart);
    }

    fn depart(&mut self, now: u64, consumer: u32, epoch: u32, slot: u32) {
        let slots = self.config.slots;
        let entry = &mut self.consumers[consumer as usize];
        if entry.epoch != epoch {
            return;
        }
        let Some(job) = entry.jobs[slot as usize].take() else { return };
        entry.busy -= 1;
        entry.worked += now - job.began;
        if entry.open && entry.busy + 1 == slots {
            self.free.push(consumer);
        }
        if !job.fails && self.is_latest(&job) {
            // Perhaps it waits again, but nobody else has it yet: its place in line is void.
            self.waits -= u32::from(self.all[job.message as usize].place == Place::Waiting);
            self.all[job.message as usize].place = Place::Done;
            self.counts.done += 1;
        } else {
            self.lose(&job, now);
            if self.owns(consumer, &job) {
                self.give_back(&job, now);
            }
        }
        self.hand_out(now);
    }

    /// Whether the message of a job is still this consumer's, by this handing out.
    fn owns(&self, consumer: u32, job: &Job) -> bool {
        let message = self.all[job.message as usize];
        message.place == Place::Taken(consumer) && message.receives == job.receive
    }

    /// Whether nobody was handed the message of a job after this one, and it is not dead.
    fn is_latest(&self, job: &Job) -> bool {
        let message = self.all[job.message as usize];
        message.receives == job.receive && message.place != Place::Dead
    }

    /// What was done for this job was in vain.
    fn lose(&mut self, job: &Job, now: u64) {
        if now >= self.begun {
            self.counts.work_lost += Span(now - job.began);
        }
    }

    /// The message of a job that ended without success will be there again.
    fn give_back(&mut self, job: &Job, now: u64) {
        let Job { message, receive, began, .. } = *job;
        let queue = &self.config.queue;
        let visibility = queue.visibility_timeout.0;
        let at = match queue.redelivery {
            Redelivery::Disconnect => now,
            Redelivery::Timeout if queue.extend => {
                // It was extended last at the last half of the timeout that is over.
                let half = (visibility / 2).max(1);
                now - (now - began) % half + visibility
            }
            Redelivery::Timeout => began + visibility,
        };
        if at > now {
            self.all[message as usize].place = Place::Hidden;
            self.hidden += 1;
            self.events.push(Time(at), Event::Visible { message, receive });
        } else {
            self.again(message, now, true);
        }
    }

    /// A visibility timeout is over.
    fn show(&mut self, message: u32, receive: u32, now: u64) {
        let entry = self.all[message as usize];
        let waits_for_it = match entry.place {
            Place::Hidden => {
                self.hidden -= u32::from(entry.receives == receive);
                true
            }
            Place::Taken(_) => true,
            Place::Waiting | Place::Done | Place::Dead => false,
        };
        if waits_for_it && entry.receives == receive {
            self.again(message, now, false);
            self.hand_out(now);
        }
    }

    /// A message is in the line again, or was handed out too often for that.
    fn again(&mut self, message: u32, now: u64, at_head: bool) {
        let entry = &mut self.all[message as usize];
        if entry.receives >= self.config.queue.max_receives {
            entry.place = Place::Dead;
            let sent = entry.sent;
            self.note_age(sent, now);
            self.counts.dead += 1;
            self.counts.dead_letters += u64::from(now >= self.begun);
            return;
        }
        entry.place = Place::Waiting;
        self.waits += 1;
        if at_head {
            self.waiting.push_front(message);
        } else {
            self.waiting.push_back(message);
        }
    }

    /// A message that was sent then has waited until now, perhaps not for the first time.
    fn note_age(&mut self, sent: u64, now: u64) {
        if now >= self.begun {
            self.counts.oldest = self.counts.oldest.max(Span(now - sent));
        }
    }

    fn note_backlog(&mut self, now: u64) {
        if now >= self.begun {
            let backlog = u64::from(self.waits) + u64::from(self.hidden);
            self.counts.backlog_max = self.counts.backlog_max.max(backlog);
        }
    }
}

#[cfg(test)]
mod tests;
