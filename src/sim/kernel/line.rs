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

use super::station::{InFlight, NODE_BITS, NODE_MASK, Station, pack, unpack};

/// Departures kept in a line.
const LINE: usize = 8;
const FIRST_RING: usize = 8;

#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Line([u64; LINE]);

/// Departures pushed out of the line before their time: ascending.
#[derive(Debug, Clone, Default)]
struct Overflow {
    departures: VecDeque<u64>,
    by_node: Vec<u32>,
}

/// Attempts in the order of arrival, the last `entries.len()` of them.
#[derive(Debug, Clone, Default)]
struct Ring {
    entries: Vec<(u64, u64)>,
    next: usize,
}

/// FIFO servers with up to eight slots.
#[derive(Debug, Clone)]
pub(crate) struct LineStation {
    slots: usize,
    nodes: usize,
    lines: Vec<Line>,
    rings: Vec<Ring>,
    overflows: Vec<Overflow>,
    used: usize,
}

impl LineStation {
    /// With `slots` ≤ 8.
    pub(crate) fn new(slots: u32, nodes: u32) -> Self {
        assert!((1..=LINE as u32).contains(&slots), "a line holds 1 to {LINE} slots");
        Self {
            slots: slots as usize,
            nodes: nodes as usize,
            lines: Vec::new(),
            rings: Vec::new(),
            overflows: Vec::new(),
            used: 0,
        }
    }

    #[cold]
    fn overflow(&mut self, server: usize, departure: u64) {
        let overflow = &mut self.overflows[server];
        overflow.by_node.resize(self.nodes, 0);
        overflow.by_node[(departure & NODE_MASK) as usize] += 1;
        overflow.departures.push_back(departure);
    }

    /// Forgets what has left the overflow; how many of `node` (all if `None`) remain.
    #[cold]
    fn overflowing(&mut self, server: usize, node: Option<u32>, now_key: u64) -> u32 {
        let overflow = &mut self.overflows[server];
        while overflow.departures.front().is_some_and(|departure| *departure <= now_key) {
            let departure = overflow.departures.pop_front().unwrap_or_default();
            overflow.by_node[(departure & NODE_MASK) as usize] -= 1;
        }
        match node {
            None => overflow.departures.len() as u32,
            Some(node) => overflow.by_node.get(node as usize).copied().unwrap_or(0),
        }
    }

    #[cold]
    fn grow_ring(&mut self, server: usize) {
        let ring = &mut self.rings[server];
        let len = ring.entries.len();
        ring.entries.rotate_left(ring.next & (len - 1));
        ring.entries.resize(len * 2, (0, 0));
        ring.next = len;
    }
}

/// The largest key of an attempt that has departed by `now`.
#[inline]
fn key(now: u64) -> u64 {
    now << NODE_BITS | NODE_MASK
}

impl Station for LineStation {
    const KNOWN: bool = true;

    fn add(&mut self) {
        if self.used == self.lines.len() {
            self.lines.push(Line([0; LINE]));
            self.rings.push(Ring { entries: vec![(0, 0); FIRST_RING], next: 0 });
            self.overflows.push(Overflow::default());
        }
        self.used += 1;
    }

    fn clear(&mut self) {
        for server in 0..self.used {
            self.lines[server] = Line([0; LINE]);
            self.rings[server].entries.fill((0, 0));
            self.overflows[server].departures.clear();
            self.overflows[server].by_node.clear();
        }
        self.used = 0;
    }

    #[inline]
    fn outstanding(&mut self, server: usize, node: u32, now: u64) -> u32 {
        let now_key = key(now);
        if self.nodes == 1 {
            return self.total(server, now);
        }
        let (mut count, mut mine) = (0, 0);
        for departure in self.lines[server].0 {
            let running = departure > now_key;
            let sent = (departure & NODE_MASK) as u32 == node;
            count += u32::from(running);
            mine += u32::from(running & sent);
        }
        if count == LINE as u32 {
            mine += self.overflowing(server, Some(node), now_key);
        }
        mine
    }

    #[inline]
    fn total(&mut self, server: usize, now: u64) -> u32 {
        let now_key = key(now);
        let mut count = 0;
        for departure in self.lines[server].0 {
            count += u32::from(departure > now_key);
        }
        if count == LINE as u32 {
            count += self.overflowing(server, None, now_key);
        }
        count
    }

    #[inline]
    fn starts(&self, server: usize, now: u64) -> u64 {
        (self.lines[server].0[(self.slots - 1) % LINE] >> NODE_BITS).max(now)
    }

    #[inline]
    fn admit(&mut self, server: usize, node: u32, now: u64, packed: u64, service: u64) -> u64 {
        let departs = self.starts(server, now) + service;
        let pushed = departs << NODE_BITS | u64::from(node);
        let mut out = pushed;
        for slot in &mut self.lines[server].0 {
            let larger = (*slot).max(out);
            out = (*slot).min(out);
            *slot = larger;
        }
        if out > key(now) {
            self.overflow(server, out);
        }
        let ring = &mut self.rings[server];
        let mask = ring.entries.len() - 1;
        let entry = &mut ring.entries[ring.next & mask];
        if entry.1 > key(now) {
            self.grow_ring(server);
            return self.remember(server, packed, pushed, departs);
        }
        *entry = (packed, pushed);
        ring.next += 1;
        departs
    }

    fn idle_at(&mut self, server: usize, now: u64) -> u64 {
        (self.lines[server].0[0] >> NODE_BITS).max(now)
    }

    fn evict(&mut self, server: usize, now: u64, lost: &mut Vec<InFlight>) {
        let now_key = key(now);
        for (packed, departure) in &mut self.rings[server].entries {
            if *departure > now_key {
                let (first, error) = unpack(*packed);
                let node = (*departure & NODE_MASK) as u32;
                lost.push(InFlight { first, departs: *departure >> NODE_BITS, node, error });
                *departure = 0;
            }
        }
        self.lines[server] = Line([0; LINE]);
        self.overflows[server].departures.clear();
        self.overflows[server].by_node.fill(0);
    }
}

impl LineStation {
    #[cold]
    fn remember(&mut self, server: usize, packed: u64, pushed: u64, departs: u64) -> u64 {
        let ring = &mut self.rings[server];
        let mask = ring.entries.len() - 1;
        ring.entries[ring.next & mask] = (packed, pushed);
        ring.next += 1;
        departs
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
        while queue.front().is_some_and(|(departure, _)| *departure <= key(now)) {
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
        let queue = &self.servers[server];
        match queue.len().checked_sub(self.slots) {
            Some(index) => (queue[index].0 >> NODE_BITS).max(now),
            None => now,
        }
    }

    fn admit(&mut self, server: usize, node: u32, now: u64, packed: u64, service: u64) -> u64 {
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
            assert_eq!(station.admit(0, *node, now, pack(now, false), *service), expected);
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
