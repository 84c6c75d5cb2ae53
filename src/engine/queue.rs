//! Pending events in order of (time, sequence number): a 4-ary heap.

use crate::units::Time;

const ARITY: usize = 4;

/// Something that has its place in an order; no two have the same.
pub(super) trait Keyed: Copy {
    /// Time in the upper half, sequence number in the lower: one comparison orders both.
    fn key(&self) -> u128;
}

/// The least stands first.
#[derive(Debug, Clone)]
pub(super) struct Heap<T>(pub(super) Vec<T>);

impl<T: Keyed> Heap<T> {
    #[inline]
    pub(super) fn push(&mut self, entry: T) {
        self.0.push(entry);
        self.sift_up(self.0.len() - 1, entry);
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<T> {
        let last = self.0.pop()?;
        let Some(&first) = self.0.first() else { return Some(last) };
        self.sift_down(last);
        Some(first)
    }

    /// Puts `entry` where it belongs on the way from `index`, which is free, to the root.
    #[inline]
    fn sift_up(&mut self, mut index: usize, entry: T) {
        while index > 0 {
            let parent = (index - 1) / ARITY;
            if entry.key() >= self.0[parent].key() {
                break;
            }
            self.0[index] = self.0[parent];
            index = parent;
        }
        self.0[index] = entry;
    }

    /// Puts `entry`, which stood last, into a heap whose root was taken. It belongs near the
    /// leaves: the gap is moved down to one without looking at it, and then up again.
    fn sift_down(&mut self, entry: T) {
        let mut index = 0;
        loop {
            let first = index * ARITY + 1;
            let Some([a, b, c, d]) = self.0.get(first..first + ARITY) else { break };
            let (left, low) = if b.key() < a.key() { (1, b) } else { (0, a) };
            let (right, high) = if d.key() < c.key() { (3, d) } else { (2, c) };
            let (place, least) = if high.key() < low.key() { (right, high) } else { (left, low) };
            self.0[index] = *least;
            index = first + place;
        }
        let first = index * ARITY + 1;
        let rest = self.0.get(first..).unwrap_or_default();
        if let Some((place, least)) = rest.iter().enumerate().min_by_key(|(_, e)| e.key()) {
            self.0[index] = *least;
            index = first + place;
        }
        self.sift_up(index, entry);
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry<E> {
    key: u128,
    event: E,
}

impl<E: Copy> Keyed for Entry<E> {
    #[inline(always)]
    fn key(&self) -> u128 {
        self.key
    }
}

fn time(key: u128) -> Time {
    Time((key >> 64) as u64)
}

/// A queue of future events. Events at the same time come out in the order they went in.
#[derive(Debug, Clone)]
pub struct EventQueue<E> {
    heap: Heap<Entry<E>>,
    next_sequence: u64,
}

impl<E: Copy> Default for EventQueue<E> {
    fn default() -> Self {
        Self { heap: Heap(Vec::new()), next_sequence: 0 }
    }
}

impl<E: Copy> EventQueue<E> {
    /// Adds an event.
    #[inline]
    pub fn push(&mut self, time: Time, event: E) {
        let key = u128::from(time.0) << 64 | u128::from(self.next_sequence);
        self.next_sequence += 1;
        self.heap.push(Entry { key, event });
    }

    /// The time of the next event; [`Time::NEVER`] if there is none.
    #[inline]
    pub fn next_time(&self) -> Time {
        self.heap.0.first().map_or(Time::NEVER, |entry| time(entry.key))
    }

    /// Takes the next event.
    #[inline]
    pub fn pop(&mut self) -> Option<(Time, E)> {
        self.heap.pop().map(|entry| (time(entry.key), entry.event))
    }

    /// How many are pending.
    pub fn len(&self) -> usize {
        self.heap.0.len()
    }

    /// Whether none is pending.
    pub fn is_empty(&self) -> bool {
        self.heap.0.is_empty()
    }

    /// Forgets all events, keeps the memory.
    pub fn clear(&mut self) {
        self.heap.0.clear();
        self.next_sequence = 0;
    }
}

impl Keyed for u128 {
    #[inline(always)]
    fn key(&self) -> u128 {
        *self
    }
}

#[cfg(test)]
mod tests {
    use super::EventQueue;
    use crate::units::Time;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn comes_out_sorted_and_ties_in_order(times in prop::collection::vec(0u64..50, 0..300)) {
            let mut queue = EventQueue::default();
            let mut expected: Vec<(u64, usize)> = Vec::new();
            for (index, &time) in times.iter().enumerate() {
                queue.push(Time(time), index);
                expected.push((time, index));
            }
            expected.sort_unstable();
            let mut got = Vec::new();
            while let Some((time, index)) = queue.pop() {
                got.push((time.0, index));
            }
            prop_assert_eq!(got, expected);
        }
    }
}
