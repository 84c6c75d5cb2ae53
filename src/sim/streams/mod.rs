//! Long-lived streams (`[streams]`): who holds how many, and what a rollout does to them.
//!
//! Streams live beside the request kernel, with a queue of their own that is brought up to date
//! whenever the world has something to say: a stream costs an event when it begins and one when it
//! ends, and nothing in between.

mod hooks;
mod length;
#[cfg(test)]
mod tests;

use length::Length;

use crate::balancer::{Loads, Policy, PowerOfChoices, Random, RoundRobin};
use crate::engine::{EventQueue, Seeds, Stream};
use crate::scenario::Algorithm;
use crate::scenario::pieces::{OnDrain, StreamDemand, Streams as Settings};
use crate::trace::Record;
use crate::units::{Span, Time};

/// Purpose of the draws.
const CHANCE: u32 = 65;

/// A stream that has no instance.
const NOWHERE: u32 = u32::MAX;

/// What happens to a stream, if it still is the one that was meant.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// The next one begins.
    Arrive,
    /// It has been long enough.
    End { stream: u32, turn: u32 },
    /// Its client leaves its instance.
    Leave { stream: u32, turn: u32 },
    /// Its client opens it anew.
    Open { stream: u32, turn: u32 },
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    instance: u32,
    /// Its place among the streams of its instance.
    place: u32,
    /// When it ends by itself.
    ends: Time,
    /// Counts what has befallen it: what was planned before is void.
    turn: u32,
}

/// One instance's side.
#[derive(Debug, Clone, Default)]
struct Side {
    streams: Vec<u32>,
    accepts: bool,
    /// When the last of them will have left it, once they were asked to.
    asked_until: Time,
}

/// All streams of a run.
#[derive(Debug)]
pub(super) struct Streams<'a> {
    settings: &'a Settings,
    algorithm: Algorithm,
    length: Length,
    all: Vec<Entry>,
    free: Vec<u32>,
    sides: Vec<Side>,
    /// By node: whom it may choose.
    members: Vec<Vec<u32>>,
    turns: Vec<RoundRobin>,
    queue: EventQueue<Act>,
    chance: Stream,
    begun: Time,
    books: Books,
}

/// What is counted.
#[derive(Debug, Clone, Default)]
struct Books {
    opened: u64,
    cut: u64,
    moved: u64,
    /// The second that is counted now, how many opened anew in it, and the most so far.
    second: u64,
    in_second: u64,
    busiest: u64,
}

/// How many streams each instance has.
struct Counts<'a>(&'a [Side]);

impl Loads for Counts<'_> {
    fn outstanding(&mut self, instance: u32) -> u32 {
        self.0[instance as usize].streams.len() as u32
    }
}

impl<'a> Streams<'a> {
    pub(super) fn new(settings: &'a Settings, algorithm: Algorithm) -> Self {
        Self {
            settings,
            algorithm,
            length: Length::new(&settings.length),
            all: Vec::new(),
            free: Vec::new(),
            sides: Vec::new(),
            members: Vec::new(),
            turns: Vec::new(),
            queue: EventQueue::default(),
            chance: Seeds::new(0, 0).stream(CHANCE, 0),
            begun: Time::ZERO,
            books: Books::default(),
        }
    }

    /// Forgets the last run.
    pub(super) fn reset(&mut self, seeds: Seeds, nodes: u32, begun: Time) {
        self.all.clear();
        self.free.clear();
        self.sides.clear();
        self.members.clear();
        self.members.resize(nodes as usize, Vec::new());
        self.turns = (0..nodes as usize).map(|node| RoundRobin::starting_at(node * 7)).collect();
        self.queue.clear();
        self.chance = seeds.stream(CHANCE, 0);
        self.begun = begun;
        self.books = Books::default();
    }

    /// The fleet is complete: those that have been open for long are there too.
    pub(super) fn begin(&mut self) {
        let count = match self.settings.demand {
            StreamDemand::Open(open) => open,
            StreamDemand::Rate(rate) => {
                self.queue.push(Time::ZERO, Act::Arrive);
                (rate.0 * self.length.mean_secs()).round() as u32
            }
        };
        for _ in 0..count {
            let left = self.length.residual(&mut self.chance);
            let stream = self.fresh(Time::ZERO + left);
            self.land(stream, Time::ZERO);
        }
        self.books = Books::default();
    }

    /// Everything before `until` happens.
    pub(super) fn advance(&mut self, until: Time) {
        while self.queue.next_time() < until {
            let Some((now, act)) = self.queue.pop() else { return };
            self.happen(act, now);
        }
    }

    fn happen(&mut self, act: Act, now: Time) {
        match act {
            Act::Arrive => {
                if let StreamDemand::Rate(rate) = self.settings.demand
                    && rate.0 > 0.0
                {
                    let wait = -libm::log(self.chance.uniform()) / rate.0;
                    self.queue.push(now + Span::from_secs_f64(wait), Act::Arrive);
                }
                // The first arrival is a wait after the beginning.
                if now > Time::ZERO {
                    self.open_new(now);
                }
            }
            Act::End { stream, turn } if self.is_it(stream, turn) => {
                self.detach(stream);
                match self.settings.demand {
                    StreamDemand::Open(_) => {
                        let length = self.length.draw(&mut self.chance);
                        self.all[stream as usize].ends = now + length;
                        self.books.opened += 1;
                        self.land(stream, now);
                    }
                    StreamDemand::Rate(_) => self.free.push(stream),
                }
            }
            Act::Leave { stream, turn } if self.is_it(stream, turn) => {
                self.detach(stream);
                self.reopen(stream, now);
            }
            Act::Open { stream, turn } if self.is_it(stream, turn) => self.reopen(stream, now),
            Act::End { .. } | Act::Leave { .. } | Act::Open { .. } => {}
        }
    }

    fn is_it(&self, stream: u32, turn: u32) -> bool {
        self.all[stream as usize].turn == turn
    }

    fn open_new(&mut self, now: Time) {
        let length = self.length.draw(&mut self.chance);
        let stream = self.fresh(now + length);
        self.books.opened += 1;
        self.land(stream, now);
    }

    /// A stream without an instance.
    fn fresh(&mut self, ends: Time) -> u32 {
        if let Some(stream) = self.free.pop() {
            self.all[stream as usize].ends = ends;
            return stream;
        }
        self.all.push(Entry { instance: NOWHERE, place: 0, ends, turn: 0 });
        self.all.len() as u32 - 1
    }

    /// Opens one that was lost or moved.
    fn reopen(&mut self, stream: u32, now: Time) {
        if now >= self.begun {
            let second = now.0 / 1_000_000_000;
            if second != self.books.second {
                (self.books.second, self.books.in_second) = (second, 0);
            }
            self.books.in_second += 1;
            self.books.busiest = self.books.busiest.max(self.books.in_second);
        }
        self.land(stream, now);
    }

    /// Finds an instance for a stream, or tries again later.
    fn land(&mut self, stream: u32, now: Time) {
        let node = stream as usize % self.members.len();
        let chosen = self.choose(node).filter(|i| self.sides[*i as usize].accepts);
        let Entry { ends, turn, .. } = self.all[stream as usize];
        if let Some(instance) = chosen {
            let side = &mut self.sides[instance as usize];
            let entry = &mut self.all[stream as usize];
            (entry.instance, entry.place) = (instance, side.streams.len() as u32);
            side.streams.push(stream);
            self.queue.push(ends.max(now), Act::End { stream, turn });
        } else {
            let wait = self.spread();
            self.queue.push(now + wait, Act::Open { stream, turn });
        }
    }

    fn choose(&mut self, node: usize) -> Option<u32> {
        let members = &self.members[node];
        if members.is_empty() {
            return None;
        }
        let bits = self.chance.bits();
        let mut counts = Counts(&self.sides);
        Some(match self.algorithm {
            Algorithm::RoundRobin => self.turns[node].pick(members, 0, bits, &mut counts),
            Algorithm::LeastOutstanding | Algorithm::Central { .. } => {
                let load = |instance: &u32| self.sides[*instance as usize].streams.len();
                *members.iter().min_by_key(|instance| load(instance))?
            }
            Algorithm::PowerOfChoices { choices } => {
                PowerOfChoices::new(choices).pick(members, 0, bits, &mut counts)
            }
            Algorithm::PeakEwma { .. } => {
                PowerOfChoices::new(2).pick(members, 0, bits, &mut counts)
            }
            Algorithm::Random | Algorithm::Weighted | Algorithm::ConsistentHash { .. } => {
                Random.pick(members, 0, bits, &mut counts)
            }
        })
    }

    /// Takes a stream from its instance, and makes void what was planned for it.
    fn detach(&mut self, stream: u32) {
        let entry = &mut self.all[stream as usize];
        let (instance, place) = (entry.instance, entry.place);
        entry.turn += 1;
        entry.instance = NOWHERE;
        if instance == NOWHERE {
            return;
        }
        let streams = &mut self.sides[instance as usize].streams;
        streams.swap_remove(place as usize);
        if let Some(moved) = streams.get(place as usize) {
            self.all[*moved as usize].place = place;
        }
    }

    /// A client's wait before it opens a stream anew; never none, so that time goes on.
    fn spread(&mut self) -> Span {
        (self.settings.reconnect * self.chance.uniform()).max(Span::from_millis(1))
    }

    fn side(&mut self, instance: u32) -> &mut Side {
        let index = instance as usize;
        if self.sides.len() <= index {
            self.sides.resize(index + 1, Side::default());
        }
        &mut self.sides[index]
    }

    /// An instance takes streams from now on, or no more.
    pub(super) fn set_accepts(&mut self, instance: u32, accepts: bool) {
        self.side(instance).accepts = accepts;
    }

    /// An instance comes into a node's rotation or leaves it.
    pub(super) fn rotate(&mut self, instance: u32, node: u32, joins: bool) {
        self.side(instance);
        let members = &mut self.members[node as usize];
        members.retain(|member| *member != instance);
        if joins {
            members.push(instance);
        }
    }

    /// SIGTERM: what is agreed on with the streams of an instance happens.
    pub(super) fn drain(&mut self, instance: u32, now: Time) {
        let asked = self.side(instance).streams.clone();
        match self.settings.on_drain {
            OnDrain::Cut => {}
            OnDrain::Goaway => {
                for stream in asked {
                    let at = now + self.spread();
                    let turn = self.all[stream as usize].turn;
                    self.queue.push(at, Act::Leave { stream, turn });
                    let until = at.min(self.all[stream as usize].ends);
                    let side = self.side(instance);
                    side.asked_until = side.asked_until.max(until);
                    self.books.moved += 1;
                }
            }
            OnDrain::Migrate => {
                for stream in asked {
                    self.detach(stream);
                    self.books.moved += 1;
                    self.reopen(stream, now);
                }
            }
        }
    }

    /// When the last stream of an instance will have left it, if it waits for that.
    pub(super) fn leave_by(&mut self, instance: u32, now: Time) -> Time {
        if !self.settings.wait {
            return now;
        }
        // Just after the last: what happens at one instant happens here later than in the world.
        let after = Span(1);
        if self.side(instance).asked_until > now {
            return self.side(instance).asked_until + after;
        }
        let ends = |stream: &u32| self.all[*stream as usize].ends;
        let streams = self.sides[instance as usize].streams.iter();
        streams.map(ends).max().map_or(now, |last| last.max(now) + after)
    }

    /// The process of an instance is gone: its streams are cut.
    pub(super) fn cut(&mut self, instance: u32, now: Time) {
        let lost = std::mem::take(&mut self.side(instance).streams);
        for stream in lost {
            let entry = &mut self.all[stream as usize];
            entry.turn += 1;
            entry.instance = NOWHERE;
            if now >= self.begun {
                self.books.cut += 1;
            }
            let turn = self.all[stream as usize].turn;
            let wait = self.spread();
            self.queue.push(now + wait, Act::Open { stream, turn });
        }
    }

    /// How many streams an instance has.
    pub(super) fn held_by(&self, instance: u32) -> u64 {
        self.sides.get(instance as usize).map_or(0, |side| side.streams.len() as u64)
    }

    /// What is to be told at the end; `ready`: the instances that count.
    pub(super) fn record(&self, ready: impl Iterator<Item = u32>) -> Record {
        let Books { opened, cut, moved, busiest, .. } = self.books;
        let held = ready.map(|instance| (instance, self.held_by(instance))).collect();
        Record::Streams { opened, cut, moved, reconnect_peak: busiest, held }
    }
}
