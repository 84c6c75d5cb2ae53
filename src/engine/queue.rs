//! Pending events in order of (time, sequence number): a 4-ary heap.

use crate::units::Time;

const ARITY: usize = 4;

#[derive(Debug, Clone, Copy)]
struct Entry<E> {
    /// Time in the upper half, sequence number in the lower: one comparison orders both.
    key: u128,
    event: E,
}

impl<E> Entry<E> {
    #[inline]
    fn time(&self) -> Time {
        Time((self.key >> 64) as u64)
    }
}

/// A queue of future events. Events at the same time come out in the order they went in.
#[derive(Debug, Clone)]
pub struct EventQueue<E> {
    heap: Vec<Entry<E>>,
    next_sequence: u64,
}

impl<E: Copy> Default for EventQueue<E> {
    fn default() -> Self {
        Self { heap: Vec::new(), next_sequence: 0 }
    }
}

impl<E: Copy> EventQueue<E> {
    /// Adds an event.
    #[inline]
    pub fn push(&mut self, time: Time, event: E) {
        let key = u128::from(time.0) << 64 | u128::from(self.next_sequence);
        let entry = Entry { key, event };
        self.next_sequence += 1;
        self.heap.push(entry);
        self.sift_up(self.heap.len() - 1);
    }

    /// The time of the next event; [`Time::NEVER`] if there is none.
    #[inline]
    pub fn next_time(&self) -> Time {
        self.heap.first().map_or(Time::NEVER, Entry::time)
    }

    /// Takes the next event.
    #[inline]
    pub fn pop(&mut self) -> Option<(Time, E)> {
        let last = self.heap.pop()?;
        let Some(&first) = self.heap.first() else {
            return Some((last.time(), last.event));
        };
        self.sift_down(last);
        Some((first.time(), first.event))
    }

    /// How many are pending.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether none is pending.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Forgets all events, keeps the memory.
    pub fn clear(&mut self) {
        self.heap.clear();
        self.next_sequence = 0;
    }

    fn sift_up(&mut self, mut index: usize) {
        let entry = self.heap[index];
        while index > 0 {
            let parent = (index - 1) / ARITY;
            if entry.key >= self.heap[parent].key {
                break;
            }
            self.heap[index] = self.heap[parent];
            index = parent;
        }
        self.heap[index] = entry;
    }

    /// Puts `entry` where the root was taken from.
    fn sift_down(&mut self, entry: Entry<E>) {
        let len = self.heap.len();
        let mut index = 0;
        loop {
            let first = index * ARITY + 1;
            if first >= len {
                break;
            }
            let children = &self.heap[first..(first + ARITY).min(len)];
            let (mut least, mut key) = (0, children[0].key);
            for (place, child) in children.iter().enumerate().skip(1) {
                let earlier = child.key < key;
                least = if earlier { place } else { least };
                key = if earlier { child.key } else { key };
            }
            if key >= entry.key {
                break;
            }
            self.heap[index] = children[least];
            index = first + least;
        }
        self.heap[index] = entry;
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
