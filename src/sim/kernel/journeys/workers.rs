//! What the servers work on: attempts in slots and in queues, or all at once on shared cores.

use std::collections::VecDeque;

use super::slab::{Attempt, Slab, Stage};
use crate::engine::NO_STAMP;
use crate::scenario::Discipline;
use crate::sim::kernel::Config;
use crate::sim::kernel::sharing::{Cores, Pace, Served};
use crate::sim::kernel::throttled::{Clock, Quota};

/// One server.
#[derive(Debug)]
pub(super) struct Worker {
    /// Attempts in service; with shared cores all of them, descending by tag.
    pub(super) running: Vec<u32>,
    /// Those that wait, and some that were withdrawn.
    pub(super) waiting: VecDeque<u32>,
    /// How many of them still wait.
    pub(super) patient: u32,
    /// Of the next departure from shared cores.
    pub(super) stamp: u32,
    shared: Shared,
}

/// The virtual clock of a server whose attempts share its cores: it runs at the rate at which
/// each of them is served.
#[derive(Debug, Default)]
struct Shared {
    /// Virtual times at which each of the running is done.
    tags: Vec<f64>,
    virtual_now: f64,
    updated: f64,
    clock: Clock,
}

/// What attempts share that are served all at once.
#[derive(Debug)]
pub(super) enum Power {
    Whole(Cores),
    Part(Quota),
}

impl Power {
    /// `None`: attempts are served in slots.
    pub(super) fn new(config: &Config) -> Option<Self> {
        let Discipline::Sharing { cores, .. } = config.discipline else { return None };
        Some(match config.cpu_limit {
            Some(limit) if limit < cores => Self::Part(Quota::new(cores, limit)),
            _ => Self::Whole(Cores(cores)),
        })
    }

    fn serve(&self, clock: &mut Clock, now: f64, jobs: usize, need: f64, until: f64) -> Served {
        match self {
            Self::Whole(cores) => cores.serve(&mut (), now, jobs, need, until),
            Self::Part(quota) => quota.serve(clock, now, jobs, need, until),
        }
    }

    /// When `jobs` attempts have got `need` ns of a core each, from `now` on.
    fn done(&self, clock: &mut Clock, now: f64, jobs: usize, need: f64) -> f64 {
        match self.serve(clock, now, jobs, need, f64::INFINITY) {
            Served::Done(at) => at,
            Served::Got(_) => unreachable!("there is always more time"),
        }
    }
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            running: Vec::new(),
            waiting: VecDeque::new(),
            patient: 0,
            stamp: NO_STAMP,
            shared: Shared::default(),
        }
    }
}

impl Worker {
    /// The server of this number.
    pub(super) fn new(power: Option<&Power>, number: usize) -> Self {
        let mut worker = Self::default();
        if let Some(Power::Part(quota)) = power {
            worker.shared.clock = quota.begin(number);
        }
        worker
    }

    /// Attempts in flight.
    #[inline(always)]
    pub(super) fn total(&self) -> u32 {
        self.running.len() as u32 + self.patient
    }

    /// Everything it worked on, except what was withdrawn; nothing is left.
    pub(super) fn evict(&mut self, attempts: &mut Slab<Attempt>, lost: &mut Vec<u32>) {
        lost.append(&mut self.running);
        while let Some(id) = self.next(attempts) {
            lost.push(id);
        }
        self.stamp = NO_STAMP;
        self.shared = Shared { clock: self.shared.clock, ..Shared::default() };
    }

    /// Puts an attempt into a free slot.
    #[inline(always)]
    pub(super) fn occupy(&mut self, id: u32, attempt: &mut Attempt) {
        attempt.stage = Stage::Running;
        attempt.place = self.running.len() as u32;
        self.running.push(id);
    }

    /// Takes an attempt out of its slot.
    #[inline(always)]
    pub(super) fn vacate(&mut self, attempts: &mut Slab<Attempt>, id: u32) {
        let place = attempts[id].place;
        self.running.swap_remove(place as usize);
        if let Some(moved) = self.running.get(place as usize) {
            attempts[*moved].place = place;
        }
    }

    /// Who is next in the queue; those that were withdrawn are put into `withdrawn`.
    #[inline(always)]
    pub(super) fn next(&mut self, attempts: &mut Slab<Attempt>) -> Option<u32> {
        while let Some(id) = self.waiting.pop_front() {
            if attempts[id].stage == Stage::Waiting {
                self.patient -= 1;
                return Some(id);
            }
            attempts.give_back(id);
        }
        None
    }

    /// Brings the virtual clock to `now`; nobody departs before.
    fn catch_up(&mut self, power: &Power, now: u64) {
        let Shared { virtual_now, updated, clock, .. } = &mut self.shared;
        let now = now as f64;
        if self.running.is_empty() {
            *virtual_now = 0.0;
        } else if let Served::Got(got) =
            power.serve(clock, *updated, self.running.len(), f64::INFINITY, now)
        {
            *virtual_now += got;
        }
        *updated = now;
    }

    /// An attempt joins those that share the cores.
    pub(super) fn share(&mut self, power: &Power, now: u64, id: u32, service: u64) {
        self.catch_up(power, now);
        let tag = self.shared.virtual_now + service as f64;
        let place = self.shared.tags.partition_point(|other| *other > tag);
        self.shared.tags.insert(place, tag);
        self.running.insert(place, id);
    }

    /// An attempt leaves them before it is done.
    pub(super) fn unshare(&mut self, power: &Power, now: u64, id: u32) {
        self.catch_up(power, now);
        if let Some(place) = self.running.iter().position(|other| *other == id) {
            self.running.remove(place);
            self.shared.tags.remove(place);
        }
    }

    /// When the next of them is done.
    pub(super) fn plan(&self, power: &Power, now: u64) -> Option<u64> {
        let Shared { tags, virtual_now, updated, clock } = &self.shared;
        let need = tags.last()? - virtual_now;
        let at = power.done(&mut { *clock }, *updated, self.running.len(), need).ceil() as u64;
        Some(at.max(now))
    }

    /// The next of them is done.
    pub(super) fn finish(&mut self, power: &Power, now: u64) -> Option<u32> {
        self.catch_up(power, now);
        self.shared.virtual_now = self.shared.tags.pop()?;
        self.running.pop()
    }

    /// When all of them are done if nobody joins them.
    pub(super) fn shared_until(&mut self, power: &Power, now: u64) -> u64 {
        self.catch_up(power, now);
        let Shared { tags, virtual_now, clock, .. } = &self.shared;
        let (mut virtual_now, mut clock) = (*virtual_now, *clock);
        let mut at = now as f64;
        for (left, tag) in tags.iter().enumerate().rev() {
            at = power.done(&mut clock, at, left + 1, tag - virtual_now);
            virtual_now = *tag;
        }
        (at.ceil() as u64).max(now)
    }
}

/// Slots of a server; with shared cores nobody waits for one.
pub(super) fn slots(discipline: Discipline) -> usize {
    match discipline {
        Discipline::Fifo { slots, .. } => slots as usize,
        Discipline::Sharing { .. } => usize::MAX,
    }
}
