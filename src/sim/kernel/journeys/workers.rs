//! What the servers work on: attempts in slots and in queues, or all at once on shared cores.

use std::collections::VecDeque;

use super::slab::{Attempt, Slab, Stage};
use crate::scenario::Discipline;

/// One server.
#[derive(Debug, Default)]
pub(super) struct Worker {
    /// Attempts in service; with shared cores all of them, descending by tag.
    pub(super) running: Vec<u32>,
    /// Those that wait, and some that were withdrawn.
    pub(super) waiting: VecDeque<u32>,
    /// How many of them still wait.
    pub(super) patient: u32,
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
    /// Tells its next departure from those that were planned before.
    epoch: u32,
}

impl Worker {
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
        let epoch = self.shared.epoch.wrapping_add(1);
        self.shared = Shared { epoch, ..Shared::default() };
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

    /// The rate at which each of `jobs` is served.
    fn rate(cores: f64, jobs: usize) -> f64 {
        (cores / jobs as f64).min(1.0)
    }

    /// Brings the virtual clock to `now`; nobody departs before.
    fn catch_up(&mut self, cores: f64, now: u64) {
        let shared = &mut self.shared;
        let now = now as f64;
        if self.running.is_empty() {
            shared.virtual_now = 0.0;
        } else {
            let rate = Self::rate(cores, self.running.len());
            shared.virtual_now += (now - shared.updated) * rate;
        }
        shared.updated = now;
    }

    /// An attempt joins those that share the cores.
    pub(super) fn share(&mut self, cores: f64, now: u64, id: u32, service: u64) {
        self.catch_up(cores, now);
        let tag = self.shared.virtual_now + service as f64;
        let place = self.shared.tags.partition_point(|other| *other > tag);
        self.shared.tags.insert(place, tag);
        self.running.insert(place, id);
    }

    /// An attempt leaves them before it is done.
    pub(super) fn unshare(&mut self, cores: f64, now: u64, id: u32) {
        self.catch_up(cores, now);
        if let Some(place) = self.running.iter().position(|other| *other == id) {
            self.running.remove(place);
            self.shared.tags.remove(place);
        }
    }

    /// When the next of them is done, and the epoch in which that holds.
    pub(super) fn plan(&mut self, cores: f64, now: u64) -> Option<(u64, u32)> {
        self.shared.epoch = self.shared.epoch.wrapping_add(1);
        let tag = self.shared.tags.last()?;
        let wait = (tag - self.shared.virtual_now) / Self::rate(cores, self.running.len());
        let at = (self.shared.updated + wait).ceil() as u64;
        Some((at.max(now), self.shared.epoch))
    }

    /// The one whose departure was planned in this epoch, if that still holds.
    pub(super) fn finish(&mut self, cores: f64, now: u64, epoch: u32) -> Option<u32> {
        if self.shared.epoch != epoch {
            return None;
        }
        self.catch_up(cores, now);
        self.shared.virtual_now = self.shared.tags.pop()?;
        self.running.pop()
    }

    /// When all of them are done if nobody joins them.
    pub(super) fn shared_until(&mut self, cores: f64, now: u64) -> u64 {
        self.catch_up(cores, now);
        let (mut at, mut virtual_now) = (now as f64, self.shared.virtual_now);
        for (left, tag) in self.shared.tags.iter().enumerate().rev() {
            at += (tag - virtual_now) / Self::rate(cores, left + 1);
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
