//! One outcome over all runs.

use crate::scenario::{OutcomeKey, Unit};

use super::{QUANTILES, Sample, Summary};

/// Summarises the (value, weight) pairs of one outcome; values that are not a number are left
/// out. `None` if no run had a value. The mean of an event is its probability.
pub fn summarise(key: OutcomeKey, values: &[(f64, f64)]) -> Option<Summary> {
    Some(summarise_sample(key, &Sample::new(values)?))
}

/// The same of a sample that is made already.
pub fn summarise_sample(key: OutcomeKey, sample: &Sample) -> Summary {
    let mean = match key.unit() {
        Unit::Event => sample.share(|value| value > 0.0),
        Unit::Seconds | Unit::Share | Unit::Instances | Unit::Number | Unit::InstanceSeconds => {
            sample.mean()
        }
    };
    Summary {
        key,
        runs: sample.runs(),
        mean,
        quantiles: QUANTILES.map(|q| sample.quantile(q)),
        min: sample.min(),
        max: sample.max(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_in_its_quantiles() {
        let values: Vec<(f64, f64)> = (1..=1_000).map(|i| (f64::from(i), 1.0)).collect();
        let summary = summarise(OutcomeKey::Duration, &values).unwrap();
        assert_eq!(summary.quantiles.map(|q| q.value), [50.0, 250.0, 500.0, 900.0, 950.0, 990.0]);
        assert_eq!((summary.runs, summary.min, summary.max), (1_000, 1.0, 1_000.0));
        assert!(summary.quantiles.iter().all(|q| q.low < q.value && q.value < q.high));
    }

    #[test]
    fn an_event_has_a_probability() {
        let values: Vec<(f64, f64)> = (0..50).map(|i| (f64::from(u8::from(i < 2)), 1.0)).collect();
        let summary = summarise(OutcomeKey::Stuck, &values).unwrap();
        assert_eq!(summary.mean.value, 0.04);
        assert!(summary.mean.low > 0.0 && summary.mean.high < 0.2);
        assert_eq!(summarise(OutcomeKey::Stuck, &[(f64::NAN, 1.0)]), None);
    }
}
