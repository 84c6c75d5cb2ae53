//! Among whom a node chooses: what it knows of each instance, and what it does when too few are
//! left.

use crate::scenario::pieces::Panic;

/// What a node does when too few are left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resort {
    /// When too few are healthy.
    pub panic: Panic,
    /// When nobody is wanted any more, those that are about to stop are used (kube-proxy).
    pub terminating: bool,
}

/// Something that a node knows of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It was told of it, and not that it goes.
    Known,
    /// The node's own checks pass, or it makes none.
    Healthy,
    /// Too many requests failed there.
    Ejected,
    /// It is about to stop, and still there.
    Terminating,
}

/// Among whom it chooses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Who is known and healthy and not ejected.
    #[default]
    Normal,
    /// Who is known: too few of them are healthy.
    Panic,
    /// Who is about to stop: nobody else is known.
    Terminating,
}

/// What one node knows.
#[derive(Debug, Clone)]
pub struct Membership {
    resort: Resort,
    /// By instance: a bit for each mark.
    marks: Vec<u8>,
    known: u32,
    able: u32,
    terminating: u32,
    mode: Mode,
}

impl Mark {
    fn bit(self) -> u8 {
        1 << self as u8
    }
}

const KNOWN: u8 = 1;
const HEALTHY: u8 = 2;
const EJECTED: u8 = 4;
const TERMINATING: u8 = 8;

fn is_able(marks: u8) -> bool {
    marks & (KNOWN | HEALTHY | EJECTED) == KNOWN | HEALTHY
}

fn is_leaving(marks: u8) -> bool {
    marks & (KNOWN | TERMINATING) == TERMINATING
}

impl Mode {
    fn takes(self, marks: u8) -> bool {
        match self {
            Self::Normal => is_able(marks),
            Self::Panic => marks & KNOWN != 0,
            Self::Terminating => is_leaving(marks),
        }
    }
}

impl Membership {
    /// Of a node that knows nobody.
    pub fn new(resort: Resort) -> Self {
        let marks = Vec::new();
        Self { resort, marks, known: 0, able: 0, terminating: 0, mode: Mode::Normal }
    }

    /// Sets a mark or takes it back. Who joins (`true`) or leaves (`false`) by that is added to
    /// `moves`.
    pub fn set(&mut self, instance: u32, mark: Mark, on: bool, moves: &mut Vec<(u32, bool)>) {
        let index = instance as usize;
        if self.marks.len() <= index {
            self.marks.resize(index + 1, 0);
        }
        let before = self.marks[index];
        let after = if on { before | mark.bit() } else { before & !mark.bit() };
        if after == before {
            return;
        }
        self.marks[index] = after;
        let change = |count: &mut u32, was: bool, is: bool| {
            *count = *count + u32::from(is) - u32::from(was);
        };
        change(&mut self.known, before & KNOWN != 0, after & KNOWN != 0);
        change(&mut self.able, is_able(before), is_able(after));
        change(&mut self.terminating, is_leaving(before), is_leaving(after));
        let wanted = self.wanted_mode();
        let was = std::mem::replace(&mut self.mode, wanted);
        if was == self.mode {
            if was.takes(before) != was.takes(after) {
                moves.push((instance, was.takes(after)));
            }
            return;
        }
        for (other, marks) in self.marks.iter().enumerate() {
            let marks_before = if other == index { before } else { *marks };
            let is_in = self.mode.takes(*marks);
            if was.takes(marks_before) != is_in {
                moves.push((other as u32, is_in));
            }
        }
    }

    fn wanted_mode(&self) -> Mode {
        let panics = match self.resort.panic {
            Panic::Off => false,
            Panic::Empty => self.able == 0,
            Panic::Below(share) => f64::from(self.able) < share.0 * f64::from(self.known),
        };
        if self.known > 0 && panics {
            Mode::Panic
        } else if self.known == 0 && self.terminating > 0 && self.resort.terminating {
            Mode::Terminating
        } else {
            Mode::Normal
        }
    }

    /// Whether an instance has a mark.
    pub fn has(&self, instance: u32, mark: Mark) -> bool {
        self.marks.get(instance as usize).is_some_and(|marks| marks & mark.bit() != 0)
    }

    /// Among whom it chooses now.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// How many instances it was told of.
    pub fn known(&self) -> u32 {
        self.known
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::units::Share;

    const MARKS: [Mark; 4] = [Mark::Known, Mark::Healthy, Mark::Ejected, Mark::Terminating];

    fn follow(members: &mut BTreeSet<u32>, moves: &mut Vec<(u32, bool)>) {
        for (instance, joins) in moves.drain(..) {
            let changed = if joins { members.insert(instance) } else { members.remove(&instance) };
            assert!(changed, "{instance} moved to where it was");
        }
    }

    /// Ten known instances; `n` of them healthy.
    fn ten(resort: Resort, healthy: u32) -> (Membership, BTreeSet<u32>) {
        let (mut node, mut moves) = (Membership::new(resort), Vec::new());
        for instance in 0..10 {
            node.set(instance, Mark::Healthy, instance < healthy, &mut moves);
            node.set(instance, Mark::Known, true, &mut moves);
        }
        let mut members = BTreeSet::new();
        follow(&mut members, &mut moves);
        (node, members)
    }

    #[test]
    fn envoy_panics_below_half_and_not_at_half() {
        let resort = Resort { panic: Panic::Below(Share(0.5)), terminating: false };
        for (healthy, mode, members) in [
            (10, Mode::Normal, 10),
            (5, Mode::Normal, 5),
            (4, Mode::Panic, 10),
            (0, Mode::Panic, 10),
        ] {
            let (node, all) = ten(resort, healthy);
            assert_eq!((node.mode(), all.len()), (mode, members), "{healthy} healthy");
        }
    }

    #[test]
    fn fail_open_is_for_nobody_healthy_only() {
        let resort = Resort { panic: Panic::Empty, terminating: false };
        let counts = [0, 1, 4].map(|healthy| ten(resort, healthy).1.len());
        assert_eq!(counts, [10, 1, 4]);
        let off = Resort { panic: Panic::Off, ..resort };
        assert_eq!(ten(off, 0).1.len(), 0);
    }

    #[test]
    fn the_last_ones_serve_while_they_stop() {
        let resort = Resort { panic: Panic::Off, terminating: true };
        let (mut node, mut members) = ten(resort, 2);
        let mut moves = Vec::new();
        for instance in 0..10 {
            node.set(instance, Mark::Terminating, true, &mut moves);
            node.set(instance, Mark::Known, false, &mut moves);
        }
        follow(&mut members, &mut moves);
        assert_eq!((node.mode(), members.len()), (Mode::Terminating, 10));
        node.set(10, Mark::Known, true, &mut moves);
        follow(&mut members, &mut moves);
        assert_eq!((node.mode(), members.len()), (Mode::Normal, 0), "known, if not healthy");
    }

    proptest! {
        /// Whatever happens, the moves lead to the members that the rules name, and the modes
        /// hold under their conditions and no others.
        #[test]
        fn moves_add_up_and_modes_hold_under_their_conditions(
            panic in prop_oneof![
                Just(Panic::Off),
                Just(Panic::Empty),
                (0.0_f64..1.0).prop_map(|share| Panic::Below(Share(share))),
            ],
            terminating: bool,
            steps in proptest::collection::vec((0_u32..8, 0_usize..4, any::<bool>()), 0..200),
        ) {
            let mut node = Membership::new(Resort { panic, terminating });
            let (mut members, mut moves) = (BTreeSet::new(), Vec::new());
            for (instance, mark, on) in steps {
                node.set(instance, MARKS[mark], on, &mut moves);
                follow(&mut members, &mut moves);
                let who = |wanted: fn(&Membership, u32) -> bool| {
                    (0..8).filter(|i| wanted(&node, *i)).collect::<BTreeSet<u32>>()
                };
                let known = who(|node, i| node.has(i, Mark::Known));
                let able = who(|node, i| {
                    node.has(i, Mark::Known)
                        && node.has(i, Mark::Healthy)
                        && !node.has(i, Mark::Ejected)
                });
                let leaving =
                    who(|node, i| node.has(i, Mark::Terminating) && !node.has(i, Mark::Known));
                let too_few = match panic {
                    Panic::Off => false,
                    Panic::Empty => able.is_empty(),
                    Panic::Below(share) => (able.len() as f64) < share.0 * known.len() as f64,
                };
                let (mode, expected) = if !known.is_empty() && too_few {
                    (Mode::Panic, known)
                } else if known.is_empty() && terminating && !leaving.is_empty() {
                    (Mode::Terminating, leaving)
                } else {
                    (Mode::Normal, able)
                };
                prop_assert_eq!(node.mode(), mode);
                prop_assert_eq!(&members, &expected);
            }
        }
    }
}
