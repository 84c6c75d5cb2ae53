//! Rare luck made less rare, and what that must be weighed with: importance sampling.
//!
//! A tilted draw is the draw that a run would make anyway, bent: events happen with another
//! probability, times are taken from further out in their tail. The weight of a run is how much
//! likelier it is without the bending. Averages over weighted runs are those of plain runs,
//! exactly, whatever the tilt; a good one only makes them sharper.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::world::World;

/// What may be tilted, by version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// An instance never gets ready.
    NeverReady,
    /// A process ends by itself.
    Crash,
    /// How soon.
    CrashAfter,
    /// How long a start takes.
    Start,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::NeverReady, Self::Crash, Self::CrashAfter, Self::Start];

    /// The key of a version that says it.
    pub fn key(self) -> &'static str {
        match self {
            Self::NeverReady => "never_ready",
            Self::Crash => "crash",
            Self::CrashAfter => "crash_after",
            Self::Start => "start",
        }
    }

    /// Whether it happens or not; the others are times.
    pub fn is_event(self) -> bool {
        matches!(self, Self::NeverReady | Self::Crash)
    }
}

/// By version (old, new) and cause: an event's probability, or the exponent of a time's tail
/// (below 1: further out); `None`: as it is.
pub type Tilt = [[Option<f64>; 4]; 2];

/// What was drawn of one cause.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Drawn {
    /// How many draws.
    pub draws: f64,
    /// Events that happened; of times the sum of −ln of the tail's probability.
    pub rare: f64,
}

/// Weight and draws of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Luck {
    /// How much likelier the run is without a tilt, as a logarithm.
    pub log_weight: f64,
    /// By version and cause.
    pub drawn: [[Drawn; 4]; 2],
}

/// A tilt, and what was drawn under it so far.
#[derive(Debug, Clone)]
pub(super) struct Tilting {
    tilt: Tilt,
    book: RefCell<(BTreeSet<(usize, u64)>, Luck)>,
}

const NONE: Luck = Luck { log_weight: 0.0, drawn: [[Drawn { draws: 0.0, rare: 0.0 }; 4]; 2] };

impl Tilting {
    pub(super) fn new(tilt: Tilt) -> Self {
        Self { tilt, book: RefCell::new((BTreeSet::new(), NONE)) }
    }

    pub(super) fn reset(&mut self) {
        *self.book.get_mut() = (BTreeSet::new(), NONE);
    }

    pub(super) fn luck(&self) -> Luck {
        self.book.borrow().1
    }

    /// Whether an event with this probability happens to whom `name` stands for. Asked again it
    /// says the same and counts once.
    pub(super) fn happens(
        &self,
        (cause, version): (Cause, usize),
        name: u64,
        unit: f64,
        probability: f64,
    ) -> bool {
        let tilted = self.tilt[version][cause as usize].filter(|_| probability < 1.0);
        let happens = unit < tilted.unwrap_or(probability);
        let ratio = tilted.map_or(0.0, |tilted| {
            if happens {
                libm::log(probability / tilted)
            } else {
                libm::log((1.0 - probability) / (1.0 - tilted))
            }
        });
        self.note((cause, version), name, ratio, f64::from(u8::from(happens)));
        happens
    }

    /// Where in a law the time of whom `name` stands for lies, 0..1.
    pub(super) fn place(&self, (cause, version): (Cause, usize), name: u64, unit: f64) -> f64 {
        // Crashes are rare if they come soon, starts if they take long.
        let turned = |unit: f64| if cause == Cause::Start { 1.0 - unit } else { unit };
        let exponent = self.tilt[version][cause as usize].unwrap_or(1.0);
        let tail = libm::pow(turned(unit), 1.0 / exponent).max(f64::MIN_POSITIVE);
        let ratio = -libm::log(exponent) + (1.0 - exponent) * libm::log(tail);
        self.note((cause, version), name, ratio, -libm::log(tail));
        turned(tail)
    }

    fn note(&self, (cause, version): (Cause, usize), name: u64, ratio: f64, rare: f64) {
        let (names, luck) = &mut *self.book.borrow_mut();
        if names.insert((4 * version + cause as usize, name)) {
            luck.log_weight += ratio;
            let drawn = &mut luck.drawn[version][cause as usize];
            drawn.draws += 1.0;
            drawn.rare += rare;
        }
    }
}

impl World<'_> {
    /// Tilts the luck of all runs to come.
    pub fn tilt(&mut self, tilt: Tilt) {
        self.chance.tilt(tilt);
    }

    /// Weight and draws of the last run, if luck is tilted.
    pub fn luck(&self) -> Option<Luck> {
        self.chance.luck()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Seeds;

    #[test]
    fn weights_undo_the_tilt() {
        let mut tilt: Tilt = Tilt::default();
        tilt[1][Cause::Crash as usize] = Some(0.4);
        tilt[1][Cause::CrashAfter as usize] = Some(0.5);
        tilt[1][Cause::Start as usize] = Some(0.6);
        let mut tilting = Tilting::new(tilt);
        let runs = 40_000;
        // P(crash) = 1 %, P(place of the crash < 0.1), P(place of the start > 0.95).
        let mut sums = [0.0; 4];
        for run in 0..runs {
            tilting.reset();
            let mut stream = Seeds::new(5, run).stream(1, 0);
            let crash = tilting.happens((Cause::Crash, 1), 7, stream.uniform(), 0.01);
            let soon = tilting.place((Cause::CrashAfter, 1), 7, stream.uniform()) < 0.1;
            let late = tilting.place((Cause::Start, 1), 7, stream.uniform()) > 0.95;
            let weight = libm::exp(tilting.luck().log_weight);
            let all = [true, crash, crash && soon, crash && soon && late];
            all.iter().zip(&mut sums).for_each(|(hit, sum)| *sum += f64::from(*hit) * weight);
        }
        for (sum, wanted) in sums.iter().zip([1.0, 0.01, 0.001, 0.000_05]) {
            let seen = sum / runs as f64;
            assert!((seen / wanted - 1.0).abs() < 0.05, "{seen}, not {wanted}");
        }
    }

    #[test]
    fn who_is_asked_twice_counts_once() {
        let mut tilt: Tilt = Tilt::default();
        tilt[0][Cause::NeverReady as usize] = Some(0.5);
        let tilting = Tilting::new(tilt);
        assert!(tilting.happens((Cause::NeverReady, 0), 3, 0.4, 0.1));
        assert!(tilting.happens((Cause::NeverReady, 0), 3, 0.4, 0.1));
        let luck = tilting.luck();
        assert_eq!(luck.drawn[0][0], Drawn { draws: 1.0, rare: 1.0 });
        assert!((luck.log_weight - libm::log(0.2)).abs() < 1e-12);
    }
}
