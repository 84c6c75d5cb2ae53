//! A gate held against the runs.

use crate::scenario::{Bound, Direction, Gate, Measure, Unit};

use super::interval::{ERROR, trials_for_upper_end, trials_to_tell};
use super::{Estimate, GateResult, Sample, Verdict};

/// Runs below which a mean is not believed if all of them agree: Student's interval has no width
/// then, however few they are.
const FEW: f64 = 30.0;
/// Runs beyond which to ask for more is no advice.
const TOO_MANY: f64 = 1e7;

/// Holds a gate against the (value, weight) pairs of its outcome. Runs to which it does not
/// apply (not a number) are left out. `desired` instances resolve limits that are shares of them.
///
/// A gate passes if its whole 95 % interval lies on the good side, fails if it lies on the bad
/// side, and is undecided between.
pub fn judge(gate: &Gate, desired: u32, values: &[(f64, f64)]) -> GateResult {
    judge_at_looks(gate, desired, values, 1)
}

/// [`judge`] for one who looks up to `looks` times and stops when all is decided. The error is
/// shared among the looks, so that the intervals of all of them hold together with 95 %: stopping
/// then does no harm (Bonferroni; no law of the values is assumed, runs may be weighted anew).
pub fn judge_at_looks(gate: &Gate, desired: u32, values: &[(f64, f64)], looks: u32) -> GateResult {
    judge_sample(gate, desired, Sample::new(values), values.len(), looks)
}

/// The same against a sample that is made already, of runs of which each kind was given so often.
pub fn judge_sample(
    gate: &Gate,
    desired: u32,
    sample: Option<Sample>,
    given: usize,
    looks: u32,
) -> GateResult {
    let limit = resolve(gate.limit, desired);
    let Some(sample) = sample else {
        return GateResult {
            gate: gate.clone(),
            limit,
            verdict: Verdict::Undecided,
            value: Estimate::UNKNOWN,
            share: None,
            runs: 0,
            note: Some("no run had a value".to_owned()),
        };
    };
    let sample = sample.with_error(ERROR / f64::from(looks.max(1)));
    let held = match gate.measure {
        Measure::InRuns(share) => in_runs(&sample, gate.direction, limit, share.0),
        Measure::Quantile(q) => quantile(&sample, gate.direction, limit, q),
        Measure::Mean if gate.outcome.unit() == Unit::Event => {
            probability(&sample, gate.direction, limit)
        }
        Measure::Mean => mean(&sample, gate.direction, limit),
        Measure::Probability => probability(&sample, gate.direction, limit),
    };
    let note = match held.verdict {
        Verdict::Undecided => Some(held.missing.advice(&sample, given)),
        Verdict::Pass | Verdict::Fail => None,
    };
    GateResult {
        gate: gate.clone(),
        limit,
        verdict: held.verdict,
        value: held.value,
        share: held.share,
        runs: sample.runs(),
        note,
    }
}

/// The limit in the outcome's unit.
pub fn resolve(bound: Bound, desired: u32) -> f64 {
    match bound {
        Bound::Absolute(limit) => limit,
        Bound::OfInstances(share) => {
            let limit = share * f64::from(desired);
            // 55% of 100 is 55 instances, not a rounding error more.
            if (limit - limit.round()).abs() < 1e-9 { limit.round() } else { limit }
        }
    }
}

struct Held {
    verdict: Verdict,
    value: Estimate,
    share: Option<Estimate>,
    missing: Missing,
}

/// What would settle an undecided gate.
enum Missing {
    /// That many effective runs, if they go on like those so far.
    Runs(f64),
    /// Nothing: certainty is not to be had from runs.
    Certainty(f64),
}

fn in_runs(sample: &Sample, direction: Direction, limit: f64, share: f64) -> Held {
    let good = sample.share(|value| is_good(direction, value, limit));
    let value = match direction {
        Direction::AtMost => sample.quantile(share),
        Direction::AtLeast => negated(sample.mirrored().quantile(share)),
    };
    Held {
        verdict: decide(Direction::AtLeast, good, share),
        value,
        share: Some(good),
        missing: Missing::for_share(good.value, share, sample.error()),
    }
}

fn quantile(sample: &Sample, direction: Direction, limit: f64, q: f64) -> Held {
    let value = sample.quantile(q);
    // The limit lies where the share of values on its lower side says.
    let below = match direction {
        Direction::AtMost => sample.share(|value| value <= limit).value,
        Direction::AtLeast => sample.share(|value| value < limit).value,
    };
    let missing = if q <= 0.0 || q >= 1.0 {
        Missing::Certainty(q)
    } else {
        let error = sample.error();
        let end = trials_for_upper_end(if below > q { q } else { 1.0 - q }, error);
        Missing::Runs(trials_to_tell(below, q, error).max(end))
    };
    Held { verdict: decide(direction, value, limit), value, share: None, missing }
}

fn mean(sample: &Sample, direction: Direction, limit: f64) -> Held {
    let value = sample.mean();
    let runs = sample.effective_runs();
    let agree_by_chance = sample.min() == sample.max() && runs < FEW;
    let verdict =
        if agree_by_chance { Verdict::Undecided } else { decide(direction, value, limit) };
    let half = value.high - value.value;
    let needed = if agree_by_chance || half.is_infinite() {
        FEW
    } else {
        // A half-width falls with the root of the runs.
        let ratio = half / (value.value - limit);
        runs * ratio * ratio
    };
    Held { verdict, value, share: None, missing: Missing::Runs(needed) }
}

fn probability(sample: &Sample, direction: Direction, limit: f64) -> Held {
    let value = sample.share(|value| value > 0.0);
    Held {
        verdict: decide(direction, value, limit),
        value,
        share: None,
        missing: Missing::for_share(value.value, limit, sample.error()),
    }
}

fn is_good(direction: Direction, value: f64, limit: f64) -> bool {
    match direction {
        Direction::AtMost => value <= limit,
        Direction::AtLeast => value >= limit,
    }
}

fn decide(direction: Direction, interval: Estimate, limit: f64) -> Verdict {
    let low = is_good(direction, interval.low, limit);
    let high = is_good(direction, interval.high, limit);
    match (low, high) {
        (true, true) => Verdict::Pass,
        (false, false) => Verdict::Fail,
        (true, false) | (false, true) => Verdict::Undecided,
    }
}

fn negated(estimate: Estimate) -> Estimate {
    Estimate { value: -estimate.value, low: -estimate.high, high: -estimate.low }
}

impl Missing {
    fn for_share(seen: f64, limit: f64, error: f64) -> Self {
        if seen == limit && (limit <= 0.0 || limit >= 1.0) {
            Self::Certainty(limit)
        } else {
            Self::Runs(trials_to_tell(seen, limit, error))
        }
    }

    /// For the reader of an undecided gate; `given` runs were made, some perhaps left out.
    fn advice(&self, sample: &Sample, given: usize) -> String {
        match *self {
            Self::Certainty(limit) => {
                let nearly = if limit <= 0.0 { "0.1%" } else { "99.9%" };
                let limit = limit * 100.0;
                format!("no number of runs shows {limit:.0}%: ask for {nearly}")
            }
            Self::Runs(effective) => {
                let given = given as f64;
                let runs = (effective / sample.effective_runs() * given).max(given + 1.0);
                if runs > TOO_MANY {
                    return "too close to the limit for runs to tell".to_owned();
                }
                let runs = two_digits(runs);
                let more = runs - given;
                format!("about {more:.0} more runs may settle it: `--runs {runs:.0}`")
            }
        }
    }
}

/// Rounded up to two digits.
fn two_digits(value: f64) -> f64 {
    let mut unit = 1.0;
    while value / unit >= 100.0 {
        unit *= 10.0;
    }
    (value / unit).ceil() * unit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::OutcomeKey;
    use crate::units::Share;
    use proptest::prelude::*;

    fn gate(outcome: OutcomeKey, measure: Measure, direction: Direction, limit: f64) -> Gate {
        let limit = Bound::Absolute(limit);
        Gate { text: String::new(), outcome, measure, direction, limit, line: None }
    }

    fn at_most(measure: Measure, limit: f64) -> Gate {
        gate(OutcomeKey::Duration, measure, Direction::AtMost, limit)
    }

    fn at_least(measure: Measure, limit: f64) -> Gate {
        gate(OutcomeKey::ServingMin, measure, Direction::AtLeast, limit)
    }

    const IN_95: Measure = Measure::InRuns(Share(0.95));

    /// 1, 2, … `count`, each with weight 1.
    fn ladder(count: u32) -> Vec<(f64, f64)> {
        (1..=count).map(|i| (f64::from(i), 1.0)).collect()
    }

    fn verdict(gate: &Gate, values: &[(f64, f64)]) -> Verdict {
        judge(gate, 20, values).verdict
    }

    #[test]
    fn shares_of_runs_pass_fail_or_wait() {
        let runs = ladder(1_000);
        for (limit, wanted) in
            [(980.0, Verdict::Pass), (955.0, Verdict::Undecided), (920.0, Verdict::Fail)]
        {
            let result = judge(&at_most(IN_95, limit), 20, &runs);
            assert_eq!(result.verdict, wanted, "{limit}");
            assert_eq!(result.share.unwrap().value, limit / 1_000.0);
            assert_eq!(result.value.value, 950.0);
            assert_eq!(result.note.is_some(), wanted == Verdict::Undecided);
        }
    }

    #[test]
    fn who_looks_often_must_see_more() {
        let runs = ladder(1_000);
        let once = judge(&at_most(IN_95, 965.0), 20, &runs);
        let often = judge_at_looks(&at_most(IN_95, 965.0), 20, &runs, 7);
        assert_eq!((once.verdict, often.verdict), (Verdict::Pass, Verdict::Undecided));
        let (once, often) = (once.share.unwrap(), often.share.unwrap());
        // The normal quantile at 1 − 0.05/14 is 2.690.
        let wider = (often.high - often.low) / (once.high - once.low);
        assert!((1.34..1.40).contains(&wider), "{wider}");
    }

    #[test]
    fn at_least_is_the_mirror_of_at_most() {
        let runs = ladder(1_000);
        for (limit, wanted) in
            [(21.0, Verdict::Pass), (46.0, Verdict::Undecided), (81.0, Verdict::Fail)]
        {
            let result = judge(&at_least(IN_95, limit), 20, &runs);
            assert_eq!(result.verdict, wanted, "{limit}");
            // 951 … 51 are 950 of 1000 runs.
            assert_eq!(result.value.value, 51.0);
            assert!(result.value.low < 51.0 && result.value.high > 51.0);
        }
    }

    #[test]
    fn agreement_of_few_runs_proves_little() {
        let gate = at_least(IN_95, 9.0);
        let same = |runs: usize| vec![(9.0, 1.0); runs];
        // All good of n shows a share of n/(n + z²).
        assert_eq!(verdict(&gate, &same(72)), Verdict::Undecided);
        assert_eq!(verdict(&gate, &same(73)), Verdict::Pass);
        let result = judge(&gate, 20, &same(40));
        let advice = "about 33 more runs may settle it: `--runs 73`";
        assert_eq!(result.note.unwrap(), advice);
        assert_eq!(verdict(&at_most(Measure::Mean, 9.0), &same(29)), Verdict::Undecided);
        assert_eq!(verdict(&at_most(Measure::Mean, 9.0), &same(30)), Verdict::Pass);
    }

    #[test]
    fn runs_without_a_value_are_left_out() {
        let restored = |measure| gate(OutcomeKey::Restored, measure, Direction::AtMost, 60.0);
        let mut runs = vec![(f64::NAN, 1.0); 900];
        runs.extend([(30.0, 1.0); 40]);
        let result = judge(&restored(IN_95), 20, &runs);
        assert_eq!((result.runs, result.verdict), (40, Verdict::Undecided));
        // 73 with a value are some 1720 of all.
        assert!(result.note.unwrap().ends_with("`--runs 1800`"));
        let none = judge(&restored(Measure::Mean), 20, &runs[..900]);
        assert_eq!((none.runs, none.verdict), (0, Verdict::Undecided));
        assert_eq!(none.note.unwrap(), "no run had a value");
        assert!(none.value.value.is_nan());
    }

    #[test]
    fn quantiles_are_held_by_order_statistics() {
        let runs = ladder(1_000);
        let p90 = Measure::Quantile(0.9);
        assert_eq!(verdict(&at_most(p90, 925.0), &runs), Verdict::Pass);
        assert_eq!(verdict(&at_most(p90, 905.0), &runs), Verdict::Undecided);
        assert_eq!(verdict(&at_most(p90, 870.0), &runs), Verdict::Fail);
        assert_eq!(verdict(&at_least(p90, 870.0), &runs), Verdict::Pass);
        assert_eq!(verdict(&at_least(p90, 925.0), &runs), Verdict::Fail);
        let few = judge(&at_most(p90, 1e9), 20, &ladder(10));
        assert_eq!(few.verdict, Verdict::Undecided);
        assert!(few.value.high.is_infinite() && few.note.unwrap().contains("`--runs 36`"));
    }

    #[test]
    fn means_and_probabilities() {
        let runs = ladder(1_000);
        assert_eq!(verdict(&at_most(Measure::Mean, 530.0), &runs), Verdict::Pass);
        assert_eq!(verdict(&at_most(Measure::Mean, 510.0), &runs), Verdict::Undecided);
        assert_eq!(verdict(&at_most(Measure::Mean, 470.0), &runs), Verdict::Fail);
        let stuck = |limit| gate(OutcomeKey::Stuck, Measure::Probability, Direction::AtMost, limit);
        let events: Vec<(f64, f64)> = (0..200).map(|i| (f64::from(u8::from(i < 2)), 1.0)).collect();
        assert_eq!(verdict(&stuck(0.05), &events), Verdict::Pass);
        assert_eq!(verdict(&stuck(0.03), &events), Verdict::Undecided);
        assert_eq!(verdict(&stuck(0.001), &events), Verdict::Fail);
        let never = judge(&stuck(0.0), 20, &[(0.0, 1.0); 500]);
        assert_eq!(never.note.unwrap(), "no number of runs shows 0%: ask for 0.1%");
    }

    #[test]
    fn shares_of_instances_are_whole_where_they_can_be() {
        assert_eq!(resolve(Bound::OfInstances(0.55), 100), 55.0);
        assert!((resolve(Bound::OfInstances(0.95), 12) - 11.4).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn the_advice_settles_it(good in 500u32..1_000, share in 0.5..0.999f64) {
            let measure = Measure::InRuns(Share(share));
            let of = |runs: u32| -> Vec<(f64, f64)> {
                let bad = (f64::from(runs) * f64::from(1_000 - good) / 1_000.0).round() as u32;
                (0..runs).map(|i| (f64::from(u8::from(i < bad)), 1.0)).collect()
            };
            let first = judge(&at_most(measure, 0.5), 20, &of(1_000));
            if let Some(note) = first.note {
                let told = note.rsplit(' ').next().unwrap().trim_end_matches('`');
                if let Ok(runs @ ..200_000) = told.parse::<u32>() {
                    // A tenth more, because whole bad runs move the share a little.
                    let then = verdict(&at_most(measure, 0.5), &of(runs * 11 / 10));
                    prop_assert_ne!(then, Verdict::Undecided);
                }
            }
        }

        #[test]
        fn the_value_keeps_the_limit_just_when_the_share_does(
            values in prop::collection::vec(0i32..30, 1..200),
            share in 0.01..0.99f64,
            limit in 0i32..30,
        ) {
            let values: Vec<(f64, f64)> =
                values.into_iter().map(|v| (f64::from(v), 1.0)).collect();
            let measure = Measure::InRuns(Share(share));
            for gate in [at_most(measure, f64::from(limit)), at_least(measure, f64::from(limit))] {
                let result = judge(&gate, 20, &values);
                let kept = is_good(gate.direction, result.value.value, result.limit);
                prop_assert_eq!(kept, result.share.unwrap().value >= share - 1e-9);
            }
        }
    }
}
