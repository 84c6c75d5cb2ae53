//! What a good setting is: an outcome over runs, to be small or large.

use crate::scenario::gate_text::measured;
use crate::scenario::{Measure, OutcomeKey, Unit};
use crate::stats::{Estimate, Sample};

/// `min p95(duration)`, `max p5(serving_min)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// As written.
    pub text: String,
    /// Whether more is better.
    pub max: bool,
    /// What of the outcome.
    pub measure: Measure,
    /// The outcome.
    pub outcome: OutcomeKey,
}

impl Goal {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong, and what to write.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (max, rest) = match text.split_once(' ') {
            Some(("min", rest)) => (false, rest),
            Some(("max", rest)) => (true, rest),
            _ => return Err(format!("`{text}`: write min or max before it: min p95(duration)")),
        };
        let of = measured(rest).map_err(|error| format!("{}; {}", error.message, error.hint))?;
        Ok(Self { text: text.to_owned(), max, measure: of.measure, outcome: of.outcome })
    }

    /// Its number over runs, from (value, weight) pairs; `None` where no run had a value.
    pub fn estimate(&self, values: &[(f64, f64)]) -> Option<Estimate> {
        Some(Sample::new(values)?.measured(self.measure))
    }

    /// Whether `a` is better than `b`.
    pub fn better(&self, a: f64, b: f64) -> bool {
        if self.max { a > b } else { a < b }
    }

    /// The expression without `min` or `max`.
    pub fn expression(&self) -> &str {
        self.text[3..].trim()
    }

    /// What its values are measured in.
    pub fn unit(&self) -> Unit {
        self.outcome.unit()
    }
}

#[cfg(test)]
mod tests {
    use super::Goal;

    #[test]
    fn goals_are_read() {
        let goal = Goal::read("min p95(duration)").unwrap();
        assert!(!goal.max && goal.better(1.0, 2.0) && goal.expression() == "p95(duration)");
        let values: Vec<(f64, f64)> = (1..=100).map(|i| (f64::from(i), 1.0)).collect();
        assert_eq!(goal.estimate(&values).unwrap().value, 95.0);
        assert_eq!(Goal::read("max serving_min").unwrap().estimate(&values).unwrap().value, 50.5);
        assert!(Goal::read("min p(stuck)").unwrap().estimate(&[]).is_none());
        assert!(Goal::read("p95(duration)").unwrap_err().contains("min or max"));
        assert!(Goal::read("min p95(duraton)").unwrap_err().contains("duration"));
    }
}
