//! What is wrong with servers of a bad release, as requests feel it.
//!
//! A server that is well pays nothing: one that is not is guarded as one that answers with
//! errors, or as one that is not warm.

use super::desk::{Desk, guard};
use super::dispatch::Kernel;
use crate::engine::math;
use crate::scenario::Discipline;

/// What is wrong with a server.
#[derive(Debug, Clone)]
pub(crate) struct Flaw {
    /// Multiplies its service times.
    pub(crate) factor: f64,
    /// Share of its slots or cores that is there.
    pub(crate) capacity: f64,
    /// Chances of error answers.
    pub(crate) errors: Vec<Failing>,
    /// Memory that it loses.
    pub(crate) leaks: Vec<Leak>,
    /// Slots that are there, if not all are; the kernel fills this in.
    pub(crate) slots: Option<u32>,
}

impl Default for Flaw {
    /// Nothing.
    fn default() -> Self {
        let (errors, leaks) = (Vec::new(), Vec::new());
        Self { factor: 1.0, capacity: 1.0, errors, leaks, slots: None }
    }
}

/// A chance of error answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failing {
    /// Share of the class that fails.
    pub(crate) share: f64,
    /// From when on (ns).
    pub(crate) from: u64,
    /// It grows to that share over this time (ns).
    pub(crate) rise: u64,
    /// Share of all requests that are of the class.
    pub(crate) class: f64,
    /// Tells which those are.
    pub(crate) key: u64,
}

/// Memory that is lost, by requests or by time, whichever comes first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leak {
    /// Since when (ns).
    pub(crate) since: u64,
    /// Nothing is left after this time; 0: time does nothing.
    pub(crate) time: u64,
    /// Nothing is left after so many requests; 0: requests do nothing.
    pub(crate) served: f64,
    /// Service times are so many times longer at the end.
    pub(crate) factor: f64,
}

/// The flaws of all servers.
#[derive(Debug, Default)]
pub(crate) struct Flaws {
    /// By server, as far as any has one.
    of: Vec<Option<Flaw>>,
    /// Servers that have no memory left, each once.
    pub(crate) exhausted: Vec<u32>,
}

impl Flaws {
    pub(crate) fn clear(&mut self) {
        self.of.clear();
        self.exhausted.clear();
    }

    pub(crate) fn get(&self, server: usize) -> Option<&Flaw> {
        self.of.get(server)?.as_ref()
    }
}

impl Failing {
    /// Chance that a request that arrived at `first` fails at `now`.
    fn chance(&self, first: u64, now: u64) -> f64 {
        if now < self.from || !self.befalls(first) {
            return 0.0;
        }
        let grown = (now - self.from) as f64 / self.rise.max(1) as f64;
        if self.rise == 0 { self.share } else { self.share * grown.min(1.0) }
    }

    /// Whether a request is of the class. Its identity is when it arrived, which no strategy and
    /// no retry changes.
    fn befalls(&self, first: u64) -> bool {
        self.class >= 1.0 || math::open_unit(scramble(first ^ self.key)) < self.class
    }
}

/// `SplitMix64`'s finaliser (Steele, Lea and Flood, 2014): neighbouring numbers become strangers.
pub(super) fn scramble(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

impl Leak {
    /// The part of the memory that is gone.
    fn gone(&self, served: u64, now: u64) -> f64 {
        let by_time = match self.time {
            0 => 0.0,
            time => now.saturating_sub(self.since) as f64 / time as f64,
        };
        let by_requests = if self.served > 0.0 { served as f64 / self.served } else { 0.0 };
        by_time.max(by_requests)
    }
}

impl Flaw {
    /// Slots of a server that has this many when it is well, where that can be told (`None`: all
    /// of them), and by how much longer each service takes for the rest of what is lost.
    fn slots(&self, of: Option<u32>) -> (Option<u32>, f64) {
        match of {
            _ if self.capacity >= 1.0 => (None, 1.0),
            None => (None, 1.0 / self.capacity),
            Some(slots) => {
                let there = f64::from(slots) * self.capacity;
                let whole = there.ceil().max(1.0);
                (Some(whole as u32), whole / there)
            }
        }
    }
}

impl Desk {
    /// How many slots of a server there are, if not all.
    pub(super) fn fewer_slots(&self, server: usize) -> Option<u32> {
        self.flaws.get(server)?.slots
    }

    /// The most attempts that a server takes at once, those that wait included.
    pub(super) fn room(&self, server: usize) -> u32 {
        let room = self.config.discipline.room();
        match (self.config.discipline, self.fewer_slots(server)) {
            (Discipline::Fifo { slots: all, .. }, Some(slots)) => room - (all - slots),
            _ => room,
        }
    }

    /// Whether what is wrong with a server makes the attempt fail that it takes at `now`, for a
    /// request that arrived at `first`.
    pub(super) fn fails(&mut self, server: usize, first: u64, now: u64) -> bool {
        let Some(flaw) = self.flaws.get(server) else { return false };
        let well = |chance: f64, failing: &Failing| chance * (1.0 - failing.chance(first, now));
        let chance = 1.0 - flaw.errors.iter().fold(1.0, well);
        chance > 0.0 && self.aside.uniform() < chance
    }

    /// How much longer a service takes because of the memory that a server has lost, which took
    /// `served` attempts since its process began.
    pub(super) fn leaking(&mut self, server: usize, served: u64, now: u64) -> f64 {
        let Some(Some(flaw)) = self.flaws.of.get_mut(server) else { return 1.0 };
        let mut slowness = 1.0;
        for leak in &mut flaw.leaks {
            let gone = leak.gone(served, now);
            if gone >= 1.0 && leak.served > 0.0 {
                self.flaws.exhausted.push(server as u32);
                // Said once. It stays as slow as it is until somebody looks.
                (leak.since, leak.time, leak.served) = (0, 1, 0.0);
            }
            slowness *= 1.0 + (leak.factor - 1.0) * gone.min(1.0);
        }
        slowness
    }
}

impl Kernel {
    /// From now on this is wrong with a server that is open, or nothing is.
    pub(crate) fn afflict(&mut self, server: u32, flaw: Option<Flaw>) {
        let index = server as usize;
        let slots = self.countable_slots();
        let desk = &mut self.desk;
        if flaw.is_none() && desk.flaws.get(index).is_none() {
            return;
        }
        if desk.flaws.of.len() <= index {
            desk.flaws.of.resize(index + 1, None);
        }
        let entry = &mut desk.servers[index];
        entry.factor = desk.laws[usize::from(entry.version)].1;
        desk.flaws.of[index] = flaw.map(|flaw| {
            let (slots, rest) = flaw.slots(slots);
            entry.factor *= flaw.factor * rest;
            let fails = !flaw.errors.is_empty() || slots.is_some();
            entry.guard |= u16::from(fails) * guard::ERRORS;
            entry.guard |= u16::from(!flaw.leaks.is_empty()) * guard::COLD;
            Flaw { slots, ..flaw }
        });
    }

    /// Slots of a server, where a server may have fewer: each has its own queue, and its clients
    /// try once.
    fn countable_slots(&mut self) -> Option<u32> {
        match self.desk.config.discipline {
            Discipline::Fifo { slots, .. } => {
                Some(slots).filter(|_| self.journeys.is_none()).filter(|_| self.central().is_none())
            }
            Discipline::Sharing { .. } => None,
        }
    }

    /// Servers whose memory has run out since somebody last asked.
    pub(crate) fn exhausted(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.desk.flaws.exhausted)
    }
}
