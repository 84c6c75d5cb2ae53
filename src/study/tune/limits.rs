//! Gates as limits that a selection understands.

use crate::scenario::{Direction, Gate, Measure, Unit};
use crate::stats;
use crate::stats::selection::{Limit, Seen};

/// A gate under one setting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    kind: Kind,
    direction: Direction,
    /// In the outcome's unit.
    limit: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// Runs on the good side are counted.
    Value,
    /// Runs without the event are counted, or those with it.
    Event,
    Mean,
}

impl Held {
    /// A gate for so many desired instances.
    pub(super) fn new(gate: &Gate, desired: u32) -> Self {
        let kind = match gate.measure {
            Measure::InRuns(_) | Measure::Quantile(_) => Kind::Value,
            Measure::Probability => Kind::Event,
            Measure::Mean if gate.outcome.unit() == Unit::Event => Kind::Event,
            Measure::Mean => Kind::Mean,
        };
        Self { kind, direction: gate.direction, limit: stats::resolve(gate.limit, desired) }
    }

    /// What a setting must keep. A quantile is kept if enough runs are on its good side.
    pub(super) fn limit(&self, gate: &Gate) -> Limit {
        let up = self.direction == Direction::AtMost;
        match (self.kind, gate.measure) {
            (Kind::Value, Measure::InRuns(share)) => Limit::Share(share.0),
            (Kind::Value, Measure::Quantile(q)) => Limit::Share(if up { q } else { 1.0 - q }),
            (Kind::Event, _) => Limit::Share(if up { 1.0 - self.limit } else { self.limit }),
            // What a mean sees is how far it is beyond the limit.
            (Kind::Value | Kind::Mean, _) => Limit::Mean(0.0),
        }
    }

    /// What it saw in these runs; those to which it does not apply are left out.
    pub(super) fn seen(&self, values: impl Iterator<Item = f64> + Clone) -> Seen {
        let values = values.filter(|value| !value.is_nan());
        let up = self.direction == Direction::AtMost;
        let count = |good: &dyn Fn(f64) -> bool| Seen::Share {
            good: values.clone().filter(|value| good(*value)).count() as u32,
            of: values.clone().count() as u32,
        };
        match self.kind {
            Kind::Value if up => count(&|value| value <= self.limit),
            Kind::Value => count(&|value| value >= self.limit),
            Kind::Event => count(&|value| (value > 0.0) != up),
            Kind::Mean => {
                let mean = values.clone().sum::<f64>() / values.count() as f64;
                Seen::Mean(if up { mean - self.limit } else { self.limit - mean })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::gate_text::parse;

    fn held(text: &str, values: &[f64]) -> (Limit, Seen) {
        let gate = parse(text).unwrap();
        let held = Held::new(&gate, 20);
        (held.limit(&gate), held.seen(values.iter().copied()))
    }

    fn near(limit: Limit, share: f64) -> bool {
        matches!(limit, Limit::Share(of) if (of - share).abs() < 1e-12)
    }

    #[test]
    fn gates_count_the_runs_on_their_good_side() {
        let seconds = [50.0, 60.0, 70.0, f64::NAN];
        let (limit, seen) = held("p90(duration) <= 1m", &seconds);
        assert!(near(limit, 0.9) && seen == Seen::Share { good: 2, of: 3 });
        let (limit, seen) = held("p90(duration) >= 1m", &seconds);
        assert!(near(limit, 0.1) && seen == Seen::Share { good: 2, of: 3 });
        let (limit, seen) = held("serving_min >= 55% in 99% of runs", &[10.0, 11.0, 12.0]);
        assert!(near(limit, 0.99) && seen == Seen::Share { good: 2, of: 3 });
        let (limit, seen) = held("p(stuck) <= 3%", &[0.0, 1.0]);
        assert!(near(limit, 0.97) && seen == Seen::Share { good: 1, of: 2 });
    }

    #[test]
    fn means_are_how_far_they_are_beyond_the_limit() {
        let (limit, seen) = held("mean(duration) <= 1m", &[50.0, 60.0]);
        assert_eq!((limit, seen), (Limit::Mean(0.0), Seen::Mean(-5.0)));
        let (limit, seen) = held("mean(serving_min) >= 9", &[8.0, 9.0]);
        assert_eq!((limit, seen), (Limit::Mean(0.0), Seen::Mean(0.5)));
    }
}
