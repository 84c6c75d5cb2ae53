//! Recorded instants, played as they are, pass after pass.

use super::STEP;
use crate::engine::BLOCK;
use crate::units::{Span, Time};

/// A position in the record.
#[derive(Debug, Clone)]
pub(super) struct Replay {
    at: Vec<u64>,
    period: u64,
    /// Begin of the current pass on the simulation's clock; may lie before its zero.
    pass: i128,
    next: usize,
}

impl Replay {
    /// The first pass that matters is the one that holds the clock's zero.
    pub(super) fn new(at: &[u64], period: Span, origin: Time) -> Self {
        let period = period.0.max(at.last().map_or(0, |last| last + 1)).max(1);
        let passes_before = origin.0.div_ceil(period);
        let pass = i128::from(origin.0) - i128::from(passes_before) * i128::from(period);
        let next = at.partition_point(|t| i128::from(*t) + pass < 0);
        Self { at: at.to_vec(), period, pass, next }
    }

    pub(super) fn fill(&mut self, out: &mut [u64; BLOCK]) {
        for slot in out {
            *slot = self.next_instant();
        }
    }

    fn next_instant(&mut self) -> u64 {
        if self.at.is_empty() {
            return u64::MAX;
        }
        if self.next == self.at.len() {
            self.next = 0;
            self.pass += i128::from(self.period);
        }
        let instant = self.pass + i128::from(self.at[self.next]);
        self.next += 1;
        u64::try_from(instant).unwrap_or(u64::MAX)
    }
}

/// Instants per second around `time`.
pub(super) fn rate_at(at: &[u64], period: Span, time: Time, origin: Time) -> f64 {
    let period = i128::from(period.0.max(1));
    let offset = (i128::from(time.0) - i128::from(origin.0)).rem_euclid(period) as u64;
    let from = at.partition_point(|t| *t < offset);
    let to = at.partition_point(|t| *t < offset.saturating_add(STEP.0));
    (to - from) as f64 / STEP.as_secs_f64()
}
