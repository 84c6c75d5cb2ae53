//! Whoever has fewest outstanding; ties at random.

use super::{Loads, Policy, index};

const ABSENT: u32 = u32::MAX;

/// Instances sorted by their outstanding count, so that a start, an end and a choice each cost a
/// constant: equal counts stand together, and one step up or down is a swap with the border.
#[derive(Debug, Clone, Default)]
pub struct LeastOutstanding {
    /// Instances in rotation, ascending by count.
    order: Vec<u32>,
    /// By instance: its place in `order`, or `ABSENT`.
    place: Vec<u32>,
    /// By instance: outstanding; kept while it is out of rotation.
    count: Vec<u32>,
    /// By count c: how many instances in rotation have fewer than c outstanding.
    begin: Vec<u32>,
}

impl LeastOutstanding {
    #[cold]
    fn know(&mut self, instance: u32) {
        let len = instance as usize + 1;
        if self.place.len() < len {
            self.place.resize(len, ABSENT);
            self.count.resize(len, 0);
        }
    }

    fn begin_of(&mut self, count: u32) -> u32 {
        while self.begin.len() <= count as usize {
            self.begin.push(self.order.len() as u32);
        }
        self.begin[count as usize]
    }

    fn swap(&mut self, a: u32, b: u32) {
        self.order.swap(a as usize, b as usize);
        self.place[self.order[a as usize] as usize] = a;
        self.place[self.order[b as usize] as usize] = b;
    }

    /// Moves an instance in rotation from `count` to `count + 1`.
    fn step_up(&mut self, instance: u32, count: u32) {
        let last = self.begin_of(count + 1) - 1;
        self.swap(self.place[instance as usize], last);
        self.begin[count as usize + 1] -= 1;
    }

    /// Moves an instance in rotation from `count` to `count − 1`.
    fn step_down(&mut self, instance: u32, count: u32) {
        let first = self.begin_of(count);
        self.swap(self.place[instance as usize], first);
        self.begin[count as usize] += 1;
    }
}

impl Policy for LeastOutstanding {
    const WATCHES: bool = true;

    fn pick(&mut self, _: &[u32], _: u64, bits: u64, _: &mut impl Loads) -> u32 {
        let least = self.count[self.order[0] as usize];
        let ties = self.begin_of(least + 1);
        self.order[index((bits >> 32) as u32, ties as usize)]
    }

    fn joined(&mut self, instance: u32, _: f64) {
        self.know(instance);
        if self.place[instance as usize] != ABSENT {
            return;
        }
        // Enters at the top, above every count there is, and steps down to its own.
        let top = self.begin.len() as u32;
        self.place[instance as usize] = self.order.len() as u32;
        self.order.push(instance);
        self.begin.push(self.order.len() as u32 - 1);
        for count in (self.count[instance as usize] + 1..=top).rev() {
            self.step_down(instance, count);
        }
        // With a count above `top` the loop is empty, and its own borders are added here.
        for count in top + 1..=self.count[instance as usize] {
            self.begin.push(self.order.len() as u32 - 1);
            debug_assert_eq!(self.begin.len() as u32, count + 1);
        }
    }

    fn left(&mut self, instance: u32) {
        self.know(instance);
        if self.place[instance as usize] == ABSENT {
            return;
        }
        for count in self.count[instance as usize]..self.begin.len() as u32 {
            self.step_up(instance, count);
        }
        // Now it stands last, above every border but the one just made.
        self.order.pop();
        self.place[instance as usize] = ABSENT;
        let len = self.order.len() as u32;
        for begin in &mut self.begin {
            *begin = (*begin).min(len);
        }
    }

    fn started(&mut self, instance: u32) {
        // A kept connection may lead to one that was never in this rotation.
        if instance as usize >= self.count.len() {
            self.know(instance);
        }
        let count = self.count[instance as usize];
        self.count[instance as usize] += 1;
        if self.place[instance as usize] != ABSENT {
            self.step_up(instance, count);
        }
    }

    fn ended(&mut self, instance: u32, _: u64, _: u64) {
        let count = self.count[instance as usize];
        self.count[instance as usize] -= 1;
        if self.place[instance as usize] != ABSENT {
            self.step_down(instance, count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balancer::testing::{Fixed, bits};
    use proptest::prelude::*;

    proptest! {
        /// Whatever comes and goes, the choice is always one with the smallest count.
        #[test]
        fn always_picks_a_least_loaded(steps in prop::collection::vec((0u8..4, 0u32..6), 1..400)) {
            let mut policy = LeastOutstanding::default();
            let mut counts = [0u32; 6];
            let mut present = [false; 6];
            for (i, (step, instance)) in steps.into_iter().enumerate() {
                let at = instance as usize;
                match step {
                    0 => { policy.joined(instance, 1.0); present[at] = true; }
                    1 => { policy.left(instance); present[at] = false; }
                    2 if counts[at] > 0 => { policy.ended(instance, 0, 0); counts[at] -= 1; }
                    _ if present.contains(&true) => {
                        let picked = policy.pick(&[], 0, bits(i as u64), &mut Fixed(vec![]));
                        let least = (0..6).filter(|m| present[*m]).map(|m| counts[m]).min();
                        prop_assert!(present[picked as usize]);
                        prop_assert_eq!(Some(counts[picked as usize]), least);
                        policy.started(picked);
                        counts[picked as usize] += 1;
                    }
                    _ => {}
                }
            }
        }
    }
}
