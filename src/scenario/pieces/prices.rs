//! `[prices]`: what a rollout costs, so that settings can be weighed against each other.

use super::{Default::Is, Env, Key, Kind, Page, Piece, Table, key};
use crate::scenario::OutcomeKey;

/// Prices, all in one currency, whichever it is.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Prices {
    /// Of a request that failed.
    pub lost_request: f64,
    /// Of an instance beyond those desired, an hour.
    pub instance_hour: f64,
    /// Of those who wait for the rollout to end, an hour.
    pub waiting_hour: f64,
    /// Of a rollout that did not end with the new version everywhere.
    pub failure: f64,
}

impl Piece for Prices {
    const TABLE: Table = Table {
        path: "prices",
        about: "What a rollout costs: makes the outcome `cost`.",
        keys: KEYS,
    };

    fn read(env: &mut Env<'_>, path: &str) -> Self {
        let section = env.section(path);
        Self {
            lost_request: section.number("lost_request"),
            instance_hour: section.number("instance_hour"),
            waiting_hour: section.number("waiting_hour"),
            failure: section.number("failure"),
        }
    }

    fn write(&self, page: &mut Page) {
        page.number("lost_request", self.lost_request);
        page.number("instance_hour", self.instance_hour);
        page.number("waiting_hour", self.waiting_hour);
        page.number("failure", self.failure);
    }
}

impl Prices {
    /// Puts the cost of a run beside its other outcomes, one value for each key. What did not
    /// apply costs nothing; a rollout that never ended is waited for until it settled.
    pub fn put(&self, values: &mut [f64]) {
        let of = |key: OutcomeKey| Some(values[key as usize]).filter(|value| value.is_finite());
        let hours = |key| of(key).map(|seconds| seconds / 3600.0);
        let waited = hours(OutcomeKey::Duration).or_else(|| hours(OutcomeKey::Settled));
        let parts = [
            self.lost_request * of(OutcomeKey::Failed).unwrap_or(0.0),
            self.instance_hour * hours(OutcomeKey::SurgeCost).unwrap_or(0.0),
            self.waiting_hour * waited.unwrap_or(0.0),
            self.failure * (1.0 - of(OutcomeKey::Completed).unwrap_or(0.0)),
        ];
        values[OutcomeKey::Cost as usize] = parts.iter().sum();
    }
}

const PRICE: Kind = Kind::Number(0.0, false);

const KEYS: &[Key] = &[
    key("lost_request", PRICE, Is("0"), "Of a request that failed.", "0.02"),
    key("instance_hour", PRICE, Is("0"), "Of an instance beyond those desired, an hour.", "0.4"),
    key("waiting_hour", PRICE, Is("0"), "Of those who wait for the end, an hour.", "80"),
    key("failure", PRICE, Is("0"), "Of a rollout that did not complete.", "150"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_the_sum_of_its_parts() {
        let prices =
            Prices { lost_request: 0.5, instance_hour: 2.0, waiting_hour: 60.0, failure: 100.0 };
        let mut values = vec![f64::NAN; OutcomeKey::ALL.len()];
        let known = [
            (OutcomeKey::Failed, 10.0),
            (OutcomeKey::SurgeCost, 1_800.0),
            (OutcomeKey::Duration, 120.0),
            (OutcomeKey::Completed, 1.0),
        ];
        for (key, value) in known {
            values[key as usize] = value;
        }
        prices.put(&mut values);
        assert!((values[OutcomeKey::Cost as usize] - (5.0 + 1.0 + 2.0)).abs() < 1e-12);
        values[OutcomeKey::Completed as usize] = 0.0;
        values[OutcomeKey::Failed as usize] = f64::NAN;
        prices.put(&mut values);
        assert!((values[OutcomeKey::Cost as usize] - (1.0 + 2.0 + 100.0)).abs() < 1e-12);
    }
}
