//! Intervals from counts and moments, 95 % unless an error is given. Trials may be an effective
//! number, hence f64.

use super::Estimate;
use crate::engine::special::{binomial_cdf, normal_upper, student_t_upper};

/// How often an interval holds the truth.
pub const CONFIDENCE: f64 = 0.95;
/// How often it may not.
pub const ERROR: f64 = 1.0 - CONFIDENCE;

/// The interval of a probability of which a share `seen` of `trials` was observed (Wilson 1927):
/// all probabilities that the observation would not reject.
pub fn wilson(seen: f64, trials: f64) -> Estimate {
    wilson_at(seen, trials, ERROR)
}

/// [`wilson`] that is wrong with this probability.
pub(super) fn wilson_at(seen: f64, trials: f64, error: f64) -> Estimate {
    if trials <= 0.0 {
        return Estimate { value: seen, low: 0.0, high: 1.0 };
    }
    let z = normal_upper(error / 2.0);
    let square = z * z;
    let centre = seen + square / (2.0 * trials);
    let spread = seen * (1.0 - seen) / trials + square / (4.0 * trials * trials);
    let half = z * spread.sqrt();
    let scale = 1.0 + square / trials;
    // At 0 and 1 the near end is exact; rounding must not move it.
    let low = if seen <= 0.0 { 0.0 } else { ((centre - half) / scale).clamp(0.0, seen) };
    let high = if seen >= 1.0 { 1.0 } else { ((centre + half) / scale).clamp(seen, 1.0) };
    Estimate { value: seen, low, high }
}

/// The interval of a mixture from those of its parts, each with its weight, which are known and
/// add up to 1 (MOVER: Zou and Donner 2008). Parts that were sampled apart do not share their
/// errors; what lies between their means is no error at all.
pub fn mixture(parts: &[(f64, Estimate)]) -> Estimate {
    let value: f64 = parts.iter().map(|(weight, part)| weight * part.value).sum();
    let half = |end: fn(&Estimate) -> f64| {
        let squares =
            parts.iter().map(|(weight, part)| (weight * (end(part) - part.value)).powi(2));
        squares.sum::<f64>().sqrt()
    };
    Estimate { value, low: value - half(|part| part.low), high: value + half(|part| part.high) }
}

/// How many trials it takes until [`wilson_at`] around `seen` leaves out `limit`; infinite if
/// they are equal.
pub(super) fn trials_to_tell(seen: f64, limit: f64, error: f64) -> f64 {
    let gap = seen - limit;
    let z = normal_upper(error / 2.0);
    z * z * limit * (1.0 - limit) / (gap * gap)
}

/// The interval of a mean from the mean and the standard deviation of a sample of `trials`
/// (Student 1908). Both ends are infinite for a single one.
pub fn mean(value: f64, sd: f64, trials: f64) -> Estimate {
    mean_at(value, sd, trials, ERROR)
}

/// [`mean`] that is wrong with this probability.
pub(super) fn mean_at(value: f64, sd: f64, trials: f64, error: f64) -> Estimate {
    let t = student_t_upper(error / 2.0, trials - 1.0);
    let half = if t.is_finite() { t * sd / trials.sqrt() } else { f64::INFINITY };
    Estimate { value, low: value - half, high: value + half }
}

/// The smallest number of runs whose mean has at most this half-width, where one run has the
/// standard deviation `sd`; at least 2.
pub fn runs_for_half_width(half_width: f64, sd: f64) -> u64 {
    let wide = |runs: u64| {
        student_t_upper(ERROR / 2.0, runs as f64 - 1.0) * sd / (runs as f64).sqrt() > half_width
    };
    let mut high = 2;
    while wide(high) && high < 1 << 60 {
        high *= 2;
    }
    let mut low = 1;
    while high - low > 1 {
        let middle = low.midpoint(high);
        if wide(middle) { low = middle } else { high = middle }
    }
    high
}

/// The ranks, from 1, of the order statistics that hold the quantile `q` of any law between them
/// with [`CONFIDENCE`]; `None` where `trials` are too few for that end.
///
/// The number of values at most the quantile is binomial: the lower rank l keeps
/// P(B < l) <= 2.5 %, the upper u keeps P(B >= u) <= 2.5 %.
pub fn quantile_ranks(trials: u64, q: f64) -> (Option<u64>, Option<u64>) {
    quantile_ranks_at(trials, q, ERROR)
}

/// [`quantile_ranks`] that are wrong with this probability.
pub(super) fn quantile_ranks_at(trials: u64, q: f64, error: f64) -> (Option<u64>, Option<u64>) {
    let tail = error / 2.0;
    let below = |bound: f64, k: u64| binomial_cdf(k, trials, q) <= bound;
    let count = |bound: f64| {
        let (mut low, mut high) = (0, trials);
        while low < high {
            let middle = low.midpoint(high);
            if below(bound, middle) { low = middle + 1 } else { high = middle }
        }
        low
    };
    let lower = count(tail);
    let upper = count(1.0 - tail) + 1;
    ((lower >= 1).then_some(lower), (upper <= trials).then_some(upper))
}

/// How many runs it takes for the interval of the quantile `q` to have an upper end; a lower one
/// for 1 − `q`.
pub(super) fn trials_for_upper_end(q: f64, error: f64) -> f64 {
    (libm::log(error / 2.0) / libm::log(q)).ceil()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// P(B = 0), P(B = 1), …
    fn binomial(trials: u64, p: f64) -> Vec<f64> {
        let choose = |k: u64| {
            let ln = |m: u64| libm::lgamma(m as f64 + 1.0);
            ln(trials) - ln(k) - ln(trials - k)
        };
        let chance =
            |k: u64| (choose(k) + k as f64 * p.ln() + (trials - k) as f64 * (-p).ln_1p()).exp();
        (0..=trials).map(chance).collect()
    }

    fn wilson_coverage(trials: u64, p: f64) -> f64 {
        let holds = |k: usize| {
            let interval = wilson(k as f64 / trials as f64, trials as f64);
            interval.low <= p && p <= interval.high
        };
        let chances = binomial(trials, p).into_iter().enumerate();
        chances.filter(|(k, _)| holds(*k)).map(|(_, chance)| chance).sum()
    }

    #[test]
    fn wilson_covers_what_it_says() {
        for p in [0.05, 0.1, 0.3, 0.5, 0.8, 0.95] {
            for trials in [100, 200, 500, 2_000] {
                let covered = wilson_coverage(trials, p);
                assert!((0.93..=0.97).contains(&covered), "n = {trials}, p = {p}: {covered}");
            }
        }
    }

    #[test]
    fn wilson_agrees_with_a_published_example() {
        // 15 of 148: 0.0624 to 0.1605 (Newcombe 1998, table I, method 3).
        let interval = wilson(15.0 / 148.0, 148.0);
        assert!((interval.low - 0.0624).abs() < 5e-5 && (interval.high - 0.1605).abs() < 5e-5);
    }

    #[test]
    fn trials_to_tell_are_just_enough() {
        for (seen, limit) in [(0.97, 0.95), (1.0, 0.95), (0.9, 0.95), (0.0, 0.01)] {
            let needed = trials_to_tell(seen, limit, ERROR);
            let leaves_out = |trials: f64| {
                let interval = wilson(seen, trials);
                interval.low > limit || interval.high < limit
            };
            assert!(leaves_out(needed * 1.001) && !leaves_out(needed * 0.999));
        }
    }

    #[test]
    fn replications_agree_with_the_reference() {
        let text = include_str!("../../tests/data/theory.csv");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(|r| r.unwrap()).collect();
        let row = rows.iter().find(|r| &r[0] == "replications_paired_ci").unwrap();
        let parameters: serde_json::Value = serde_json::from_str(&row[1]).unwrap();
        let number = |key: &str| parameters[key].as_f64().unwrap();
        let runs = runs_for_half_width(number("halfwidth"), number("sd_diff"));
        assert_eq!(runs as f64, row[3].parse::<f64>().unwrap());
    }

    #[test]
    fn few_runs_have_no_far_quantiles() {
        assert_eq!(quantile_ranks(5, 0.5), (None, None));
        assert_eq!(quantile_ranks(6, 0.5), (Some(1), Some(6)));
        assert_eq!(quantile_ranks(100, 0.99).1, None);
        let enough = trials_for_upper_end(0.99, ERROR) as u64;
        assert!(quantile_ranks(enough, 0.99).1.is_some());
        assert!(quantile_ranks(enough - 1, 0.99).1.is_none());
    }

    proptest! {
        #[test]
        fn wilson_covers_within_two_points(trials in 200u64..1_500, p in 0.1..0.9f64) {
            let covered = wilson_coverage(trials, p);
            prop_assert!((0.93..=0.97).contains(&covered), "{covered}");
        }

        #[test]
        fn order_statistics_cover_at_least_what_they_say(
            trials in 1u64..600, q in 0.005..0.995f64,
        ) {
            let (lower, upper) = quantile_ranks(trials, q);
            // The quantile lies between the ranks if lower <= B < upper values are below it.
            let (lower, upper) = (lower.unwrap_or(0), upper.unwrap_or(trials + 1));
            let chances = binomial(trials, q);
            let covered: f64 = chances[lower as usize..upper as usize].iter().sum();
            prop_assert!(covered >= CONFIDENCE - 1e-9, "{covered}");
        }
    }
}
