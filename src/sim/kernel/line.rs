//! First come, first served by at most eight slots: the fast path.
//!
//! A server is one cache line with its eight largest departures in descending order. With c
//! slots, an attempt starts at max(now, c-th largest departure): then a slot is free. How many
//! departures lie after now is the number in flight. Nothing is ever removed: a departure in
//! the past is simply pushed out by a later one. What is pushed out while still in the future
//! goes to an overflow, in order; the line is then full of yet later ones.
//!
//! A ring of (request, departure) beside the line remembers which attempts these are, for the
//! rare case that they must be undone.

use std::collections::VecDeque;

use super::station::{InFlight, NODE_BITS, NODE_MASK, Station, unpack};

/// Departures kept in a line, and attempts in its ring.
const LINE: usize = 8;

/// Departures are kept as floats, whose minimum, maximum and order the vector units know for
/// two at a time; for 64-bit integers they do not. The bit pattern is (time, node) plus this
/// bias, which makes every one a positive normal number: those are ordered as their bits are.
/// Times reach 2⁵⁰ ns, 13 days; scenarios are held to that.
const BIAS: u64 = 1 << 61;

/// A departure of an attempt of `node`.
#[inline]
fn key(at: u64, node: u64) -> f64 {
    f64::from_bits(BIAS + (at << NODE_BITS | node))
}

/// The largest key that has departed by `now`.
#[inline]
fn now_key(now: u64) -> f64 {
    key(now, NODE_MASK)
}

#[inline]
fn time_of(key: f64) -> u64 {
    (key.to_bits() - BIAS) >> NODE_BITS
}

#[inline]
fn node_of(key: f64) -> u32 {
    (key.to_bits() & NODE_MASK) as u32
}

/// 1 if `departure` lies after `now`, else 0: the sign of their difference. (A comparison would
/// be as good, but of this the compiler makes vector code.)
#[inline]
fn is_later(departure: f64, now: f64) -> u64 {
    now.to_bits().wrapping_sub(departure.to_bits()) >> 63
}

/// One server.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Line {
    /// The largest departures, descending.
    departures: [f64; LINE],
    /// The last attempts, each at its serial number modulo the length: packed request, departure.
    ring: [(u64, f64); LINE],
}

impl Line {
    fn idle() -> Self {
        let never = key(0, 0);
        Self { departures: [never; LINE], ring: [(0, never); LINE] }
    }
}

/// What does not fit into a line; rarely used.
#[derive(Debug, Clone, Default)]
struct Spill {
    /// Departures pushed out of the line before their time: ascending.
    departures: VecDeque<f64>,
    by_node: Vec<u32>,
    /// Attempts pushed out of the ring while in flight.
    attempts: Vec<(u64, f64)>,
}

/// FIFO servers with up to eight slots.
#[derive(Debug, Clone)]
pub(crate) struct LineStation {
    slots: usize,
    nodes: usize,
    lines: Vec<Line>,
    spills: Vec<Spill>,
}

impl LineStation {
    /// With `slots` ≤ 8.
    pub(crate) fn new(slots: u32, nodes: u32) -> Self {
        assert!((1..=LINE as u32).contains(&slots), "a line holds 1 to {LINE} slots");
        let (slots, nodes) = (slots as usize, nodes as usize);
        Self { slots, nodes, lines: Vec::new(), spills: Vec::new() }
    }

    /// More nodes from now on.
    pub(crate) fn widen(&mut self, nodes: u32) {
        self.nodes = nodes as usize;
    }

    #[cold]
    #[inline(never)]
    fn spill_departure(&mut self, server: usize, departure: f64) {
        let spill = &mut self.spills[server];
        spill.by_node.resize(self.nodes, 0);
        spill.by_node[node_of(departure) as usize] += 1;
        spill.departures.push_back(departure);
    }

    #[cold]
    #[inline(never)]
    fn spill_attempt(&mut self, server: usize, attempt: (u64, f64), now: f64) {
        let attempts = &mut self.spills[server].attempts;
        if attempts.len() == attempts.capacity() {
            attempts.retain(|(_, departure)| *departure > now);
        }
        attempts.push(attempt);
    }

    /// Forgets what has left the spill; how many of `node` (all if `None`) remain.
    #[cold]
    #[inline(never)]
    fn spilled(&mut self, server: usize, node: Option<u32>, now: f64) -> u32 {
        let spill = &mut self.spills[server];
        while spill.departures.front().is_some_and(|departure| *departure <= now) {
            let departure = spill.departures.pop_front().unwrap_or_default();
            spill.by_node[node_of(departure) as usize] -= 1;
        }
        match node {
            None => spill.departures.len() as u32,
            Some(node) => spill.by_node.get(node as usize).copied().unwrap_or(0),
        }
    }
}

impl Station for LineStation {
    const KNOWN: bool = true;

    fn add(&mut self) {
        self.lines.push(Line::idle());
        if self.spills.len() < self.lines.len() {
            self.spills.push(Spill::default());
        }
    }

    fn clear(&mut self) {
        for spill in self.spills.iter_mut().take(self.lines.len()) {
            spill.departures.clear();
            spill.by_node.clear();
            spill.attempts.clear();
        }
        self.lines.clear();
    }

    #[inline(always)]
    fn outstanding(&mut self, server: usize, node: u32, now: u64) -> u32 {
        let now = now_key(now);
        let departures = &self.lines[server].departures;
        let mut mine = 0;
        for departure in departures {
            // One where the node is the same: the difference wraps below zero.
            let same = ((departure.to_bits() ^ u64::from(node)) & NODE_MASK).wrapping_sub(1) >> 63;
            mine += is_later(*departure, now) & same;
        }
        let mut mine = mine as u32;
        if departures[LINE - 1] > now {
            mine += self.spilled(server, Some(node), now);
        }
        mine
    }

    #[inline(always)]
    fn total(&mut self, server: usize, now: u64) -> u32 {
        let now = now_key(now);
        let departures = &self.lines[server].departures;
        let mut count = 0u64;
        for departure in departures {
            count += is_later(*departure, now);
        }
        let mut count = count as u32;
        if count == LINE as u32 {
            count += self.spilled(server, None, now);
        }
        count
    }

    #[inline(always)]
    fn starts(&self, server: usize, now: u64) -> u64 {
        time_of(self.lines[server].departures[(self.slots - 1) % LINE]).max(now)
    }

    fn starts_with(&self, server: usize, now: u64, slots: u32) -> u64 {
        time_of(self.lines[server].departures[(slots as usize).clamp(1, self.slots) - 1]).max(now)
    }

    #[inline(always)]
    fn admit(
        &mut self,
        server: usize,
        serial: u64,
        node: u32,
        now: u64,
        packed: u64,
        service: u64,
    ) -> u64 {
        let line = &mut self.lines[server];
        let free = time_of(line.departures[(self.slots - 1) % LINE]);
        let departs = free.max(now) + service;
        let new = key(departs, node.into());
        let old = line.departures;
        let out = if old[LINE - 1] < new { old[LINE - 1] } else { new };
        // Insertion without a chain: each place takes the larger of itself and what would be
        // pushed down to it from above.
        let mut above = [f64::INFINITY; LINE];
        above[1..].copy_from_slice(&old[..LINE - 1]);
        for place in 0..LINE {
            let pushed = if above[place] < new { above[place] } else { new };
            line.departures[place] = if old[place] > pushed { old[place] } else { pushed };
        }
        let entry = &mut line.ring[serial as usize % LINE];
        let forgotten = std::mem::replace(entry, (packed, new));
        let now = now_key(now);
        if out > now {
            self.spill_departure(server, out);
        }
        if forgotten.1 > now {
            self.spill_attempt(server, forgotten, now);
        }
        departs
    }

    fn idle_at(&mut self, server: usize, now: u64) -> u64 {
        time_of(self.lines[server].departures[0]).max(now)
    }

    fn evict(&mut self, server: usize, now: u64, lost: &mut Vec<InFlight>) {
        let now = now_key(now);
        let spill = &mut self.spills[server];
        let line = &mut self.lines[server];
        for (packed, departure) in spill.attempts.drain(..).chain(line.ring) {
            if departure > now {
                let (first, error) = unpack(packed);
                let (departs, node) = (time_of(departure), node_of(departure));
                lost.push(InFlight { first, departs, node, error });
            }
        }
        *line = Line::idle();
        spill.departures.clear();
        spill.by_node.fill(0);
    }

    #[inline]
    fn touch(&self, server: usize, serial: u64) -> u64 {
        let line = &self.lines[server];
        line.departures[0].to_bits() ^ line.ring[serial as usize % LINE].0
    }
}

/// Any number of slots: departures in a sorted queue, departed ones dropped when touched.
#[derive(Debug, Clone)]
pub(crate) struct WideStation {
    slots: usize,
    servers: Vec<VecDeque<(u64, u64)>>,
    used: usize,
}

impl WideStation {
    pub(crate) fn new(slots: u32) -> Self {
        Self { slots: slots.max(1) as usize, servers: Vec::new(), used: 0 }
    }

    #[inline]
    fn drop_departed(&mut self, server: usize, now: u64) -> &mut VecDeque<(u64, u64)> {
        let queue = &mut self.servers[server];
        while queue
            .front()
            .is_some_and(|(departure, _)| *departure <= (now << NODE_BITS | NODE_MASK))
        {
            queue.pop_front();
        }
        queue
    }
}

impl Station for WideStation {
    const KNOWN: bool = true;

    fn add(&mut self) {
        if self.used == self.servers.len() {
            self.servers.push(VecDeque::new());
        }
        self.used += 1;
    }

    fn clear(&mut self) {
        self.servers.iter_mut().for_each(VecDeque::clear);
        self.used = 0;
    }

    fn outstanding(&mut self, server: usize, node: u32, now: u64) -> u32 {
        let queue = self.drop_departed(server, now);
        queue.iter().filter(|(departure, _)| (departure & NODE_MASK) as u32 == node).count() as u32
    }

    fn total(&mut self, server: usize, now: u64) -> u32 {
        self.drop_departed(server, now).len() as u32
    }

    fn starts(&self, server: usize, now: u64) -> u64 {
        self.starts_with(server, now, self.slots as u32)
    }

    fn starts_with(&self, server: usize, now: u64, slots: u32) -> u64 {
        let queue = &self.servers[server];
        match queue.len().checked_sub(slots.max(1) as usize) {
            Some(index) => (queue[index].0 >> NODE_BITS).max(now),
            None => now,
        }
    }

    fn admit(
        &mut self,
        server: usize,
        _: u64,
        node: u32,
        now: u64,
        packed: u64,
        service: u64,
    ) -> u64 {
        self.drop_departed(server, now);
        let departs = self.starts(server, now) + service;
        let entry = (departs << NODE_BITS | u64::from(node), packed);
        let queue = &mut self.servers[server];
        // Few attempts that began earlier end later: search from the back.
        let mut place = queue.len();
        while place > 0 && queue[place - 1].0 > entry.0 {
            place -= 1;
        }
        queue.insert(place, entry);
        departs
    }

    fn idle_at(&mut self, server: usize, now: u64) -> u64 {
        self.servers[server].back().map_or(now, |(departure, _)| (departure >> NODE_BITS).max(now))
    }

    fn evict(&mut self, server: usize, now: u64, lost: &mut Vec<InFlight>) {
        self.drop_departed(server, now);
        for (departure, packed) in self.servers[server].drain(..) {
            let (first, error) = unpack(packed);
            let node = (departure & NODE_MASK) as u32;
            lost.push(InFlight { first, departs: departure >> NODE_BITS, node, error });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::kernel::station::pack;
    use proptest::prelude::*;

    /// The definition, slowly: each slot's next free time.
    struct Naive {
        free: Vec<u64>,
        attempts: Vec<InFlight>,
    }

    impl Naive {
        fn admit(&mut self, node: u32, now: u64, first: u64, service: u64) -> u64 {
            let slot = (0..self.free.len()).min_by_key(|i| self.free[*i]).unwrap();
            let departs = self.free[slot].max(now) + service;
            self.free[slot] = departs;
            self.attempts.push(InFlight { first, departs, node, error: false });
            departs
        }

        fn in_flight(&self, now: u64) -> Vec<InFlight> {
            let mut running: Vec<_> =
                self.attempts.iter().filter(|a| a.departs > now).copied().collect();
            running.sort_by_key(|a| (a.first, a.departs));
            running
        }
    }

    fn check(station: &mut impl Station, slots: usize, steps: &[(u64, u64, u32)], evict: usize) {
        station.add();
        let mut naive = Naive { free: vec![0; slots], attempts: Vec::new() };
        let mut now = 1;
        for (index, (gap, service, node)) in steps.iter().enumerate() {
            now += gap;
            let running = naive.in_flight(now);
            assert_eq!(station.total(0, now) as usize, running.len());
            let mine = running.iter().filter(|a| a.node == *node).count();
            assert_eq!(station.outstanding(0, *node, now) as usize, mine);
            if index == evict {
                let mut lost = Vec::new();
                station.evict(0, now, &mut lost);
                lost.sort_by_key(|a| (a.first, a.departs));
                assert_eq!(lost, running);
                naive = Naive { free: vec![0; slots], attempts: Vec::new() };
            }
            let expected = naive.admit(*node, now, now, *service);
            assert_eq!(
                station.admit(0, index as u64, *node, now, pack(now, false), *service),
                expected
            );
            let last = naive.attempts.iter().map(|a| a.departs).max().unwrap();
            assert_eq!(station.idle_at(0, now), last.max(now));
        }
    }

    proptest! {
        #[test]
        fn fifo_by_its_definition(
            slots in 1usize..=8,
            steps in prop::collection::vec((0u64..60, 1u64..200, 0u32..3), 1..200),
            evict in 0usize..200,
        ) {
            check(&mut LineStation::new(slots as u32, 3), slots, &steps, evict);
            check(&mut WideStation::new(slots as u32), slots, &steps, evict);
        }
    }
}
