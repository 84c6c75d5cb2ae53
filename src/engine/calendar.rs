//! Many events that say little and happen soon: a ring of short lists, one for each slice of time.
//!
//! Where a heap moves entries about, here each is put into its list and taken out again. What lies
//! beyond the ring waits in a heap. How long slices are follows what is asked for; in which order
//! entries come out does not hang on it.

use super::queue::Heap;
use crate::units::Time;

/// A stamp that no entry has.
pub const NO_STAMP: u32 = u32::MAX;

/// No node.
const NONE: u32 = u32::MAX;
/// Slices at first.
const SLICES: usize = 1024;
/// After so many entries the length of slices is looked at.
const PERIOD: u32 = 4096;

#[derive(Debug, Clone, Copy)]
struct Node {
    time: u64,
    stamp: u32,
    what: u32,
    /// The next one of its list, or of those that are free.
    next: u32,
}

impl Node {
    /// Time, then the stamp, then what happens: one comparison orders entries.
    #[inline(always)]
    fn key(self) -> u128 {
        key(self.time, self.stamp, self.what)
    }
}

#[inline(always)]
fn key(time: u64, stamp: u32, what: u32) -> u128 {
    u128::from(time) << 64 | u128::from(stamp) << 32 | u128::from(what)
}

/// A queue of future events. Each gets a stamp; whoever waits for it keeps the stamp, and an entry
/// that nobody waits for any more is told by that. Events at the same time come out in the order
/// they went in (for four thousand million of them; then stamps begin anew).
#[derive(Debug, Clone)]
pub struct StampedQueue {
    /// The earliest entry; all ones if there is none.
    earliest: u128,
    nodes: Vec<Node>,
    free: u32,
    /// By slice, modulo their number: its list.
    heads: Vec<u32>,
    /// Whether there is one, a bit each.
    filled: Vec<u64>,
    /// A slice lasts 2^`shift` ns.
    shift: u32,
    /// The slice at which the ring begins; nothing is asked for before it.
    first: u64,
    far: Heap<u128>,
    next_stamp: u32,
    /// Entries of this period, how many of them went beyond the ring, and nodes passed in lists.
    pushed: u32,
    beyond: u32,
    passed: u32,
}

impl Default for StampedQueue {
    fn default() -> Self {
        Self {
            earliest: u128::MAX,
            nodes: Vec::new(),
            free: NONE,
            heads: vec![NONE; SLICES],
            filled: vec![0; SLICES / 64],
            shift: 14,
            first: 0,
            far: Heap(Vec::new()),
            next_stamp: 0,
            pushed: 0,
            beyond: 0,
            passed: 0,
        }
    }
}

impl StampedQueue {
    /// Adds something; returns its stamp.
    #[inline]
    pub fn push(&mut self, time: Time, what: u32) -> u32 {
        let stamp = self.next_stamp;
        self.next_stamp = if stamp + 1 == NO_STAMP { 0 } else { stamp + 1 };
        self.pushed += 1;
        if self.pushed >= PERIOD {
            self.adapt();
        }
        self.earliest = self.earliest.min(key(time.0, stamp, what));
        self.insert(time.0, stamp, what);
        stamp
    }

    /// The time of the next entry; [`Time::NEVER`] if there is none.
    #[inline(always)]
    pub fn next_time(&self) -> Time {
        Time((self.earliest >> 64) as u64)
    }

    /// Takes the next entry: when, its stamp, and what happens.
    #[inline]
    pub fn pop(&mut self) -> Option<(Time, u32, u32)> {
        let wanted = self.earliest;
        let far = self.far.0.first().copied().unwrap_or(u128::MAX);
        if wanted == u128::MAX {
            return None;
        }
        let time = (wanted >> 64) as u64;
        // Nothing is earlier: the ring may begin here. It never goes back, even for what was asked
        // for too late and waits in the heap.
        self.first = self.first.max(time >> self.shift);
        if far == wanted {
            self.far.pop();
        } else {
            self.unlink(wanted);
        }
        let far = self.far.0.first().copied().unwrap_or(u128::MAX);
        self.earliest = self.nearest().min(far);
        Some((Time(time), (wanted >> 32) as u32, wanted as u32))
    }

    /// Forgets all entries, keeps the memory.
    pub fn clear(&mut self) {
        self.nodes.clear();
        self.heads.fill(NONE);
        self.filled.fill(0);
        self.far.0.clear();
        (self.earliest, self.free, self.first) = (u128::MAX, NONE, 0);
        (self.next_stamp, self.pushed, self.beyond, self.passed) = (0, 0, 0, 0);
    }

    #[inline(always)]
    fn insert(&mut self, time: u64, stamp: u32, what: u32) {
        let slice = time >> self.shift;
        let slices = self.heads.len();
        if slice.wrapping_sub(self.first) >= slices as u64 {
            self.beyond += 1;
            self.far.push(key(time, stamp, what));
            return;
        }
        let place = slice as usize & (slices - 1);
        let head = &mut self.heads[place];
        let node = Node { time, stamp, what, next: *head };
        if self.free == NONE {
            *head = self.nodes.len() as u32;
            self.nodes.push(node);
        } else {
            *head = self.free;
            let entry = &mut self.nodes[self.free as usize];
            self.free = entry.next;
            *entry = node;
        }
        self.filled[place / 64] |= 1 << (place % 64);
    }

    /// Takes the entry with this key out of its list.
    #[inline(always)]
    fn unlink(&mut self, wanted: u128) {
        let place = self.first as usize & (self.heads.len() - 1);
        let stamp = (wanted >> 32) as u32;
        let mut index = self.heads[place];
        let mut before = NONE;
        while self.nodes[index as usize].stamp != stamp {
            before = index;
            index = self.nodes[index as usize].next;
            self.passed += 1;
        }
        let after = self.nodes[index as usize].next;
        self.nodes[index as usize].next = self.free;
        self.free = index;
        if before == NONE {
            self.heads[place] = after;
            if after == NONE {
                self.filled[place / 64] &= !(1 << (place % 64));
            }
        } else {
            self.nodes[before as usize].next = after;
        }
    }

    /// The earliest entry of the ring; all ones if there is none.
    #[inline(always)]
    fn nearest(&mut self) -> u128 {
        let place = self.first as usize & (self.heads.len() - 1);
        let word = place / 64;
        let ahead = self.filled[word] & (u64::MAX << (place % 64));
        let found = if ahead != 0 {
            word * 64 + ahead.trailing_zeros() as usize
        } else if let Some(found) = self.next_filled(word) {
            found
        } else {
            return u128::MAX;
        };
        let mut node = self.nodes[self.heads[found] as usize];
        let mut least = node.key();
        while node.next != NONE {
            node = self.nodes[node.next as usize];
            least = least.min(node.key());
            self.passed += 1;
        }
        least
    }

    /// The next list after those of this word, around the ring.
    fn next_filled(&self, word: usize) -> Option<usize> {
        let words = self.filled.len();
        (1..=words).map(|step| (word + step) & (words - 1)).find_map(|other| {
            let bits = self.filled[other];
            (bits != 0).then(|| other * 64 + bits.trailing_zeros() as usize)
        })
    }

    /// Slices that hold many get shorter, and more if there are few of them; if much lies beyond
    /// the ring they get longer. What comes all at once ends up in the heap.
    #[cold]
    fn adapt(&mut self) {
        let (beyond, passed) = (self.beyond, self.passed);
        (self.pushed, self.beyond, self.passed) = (0, 0, 0);
        if passed > 2 * PERIOD && self.shift > 0 {
            let is_small = 4 * self.nodes.len() > self.heads.len();
            self.rebuild(self.shift - 1, self.heads.len() << u32::from(is_small));
        } else if beyond > PERIOD / 8 && passed < PERIOD && self.shift < 60 {
            self.rebuild(self.shift + 1, self.heads.len());
        }
    }

    fn rebuild(&mut self, shift: u32, slices: usize) {
        let slices = slices.min(1 << 20);
        let mut kept = std::mem::take(&mut self.far.0);
        for head in &self.heads {
            let mut index = *head;
            while index != NONE {
                let node = self.nodes[index as usize];
                kept.push(node.key());
                index = node.next;
            }
        }
        self.nodes.clear();
        self.free = NONE;
        self.first = self.first << self.shift >> shift;
        self.shift = shift;
        (self.heads, self.filled) = (vec![NONE; slices], vec![0; slices / 64]);
        for key in kept {
            self.insert((key >> 64) as u64, (key >> 32) as u32, key as u32);
        }
        self.beyond = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Beside a sorted list: some come soon, some late, some at once.
    fn compare(waits: &[(u64, bool)]) {
        let mut queue = StampedQueue::default();
        let mut expected: Vec<(u64, u32, u32)> = Vec::new();
        let mut now = 0;
        for (index, (wait, pops)) in waits.iter().enumerate() {
            let time = now + wait;
            let stamp = queue.push(Time(time), 7 * index as u32);
            expected.push((time, stamp, 7 * index as u32));
            expected.sort_unstable_by(|a, b| b.cmp(a));
            if *pops {
                let next = expected.pop().unwrap();
                assert_eq!(queue.next_time(), Time(next.0));
                now = next.0;
                assert_eq!(queue.pop(), Some((Time(next.0), next.1, next.2)));
            }
        }
        while let Some(next) = expected.pop() {
            assert_eq!(queue.pop(), Some((Time(next.0), next.1, next.2)));
        }
        assert_eq!((queue.pop(), queue.next_time()), (None, Time::NEVER));
    }

    proptest! {
        #[test]
        fn comes_out_sorted_and_ties_in_order(
            waits in prop::collection::vec(
                (prop_oneof![0u64..5, 0u64..100_000, 0u64..100_000_000, 0u64..100_000_000_000],
                 any::<bool>()),
                0..400,
            ),
        ) {
            compare(&waits);
        }
    }

    #[test]
    fn what_is_put_back_comes_out_in_order() {
        let mut queue = StampedQueue::default();
        (0..900).for_each(|i| _ = queue.push(Time(i * 40_000_000), i as u32));
        let mut taken: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        taken.rotate_left(700);
        for (at, _, what) in &taken {
            let _ = queue.push(*at, *what);
        }
        (0..900).for_each(|i| _ = queue.push(Time(36_000_000_000 + i * 20_000), 900 + i as u32));
        let order: Vec<u32> = std::iter::from_fn(|| queue.pop()).map(|(_, _, what)| what).collect();
        assert!(order.is_sorted(), "{order:?}");
    }

    #[test]
    fn slices_follow_what_is_asked_for() {
        // Far apart, then all at once, then apart again; each for some periods.
        let mut waits = Vec::new();
        let mut bits = 1_u64;
        for span in [3_000_000_000, 2_000, 60_000_000] {
            for index in 0..12_000_u64 {
                bits = bits.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(1);
                waits.push(((bits >> 33) % span, index % 12_000 > 300));
            }
        }
        compare(&waits);
    }
}
