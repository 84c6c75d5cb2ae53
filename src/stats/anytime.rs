//! Confidence sequences: intervals that hold at all sample sizes at once, so that one may look
//! after every run and stop whenever one likes.
//!
//! Each is a test martingale turned round (Ville 1939): what it has not rejected by now. They are
//! wider than an interval for one fixed number of runs, by a half up to nine tenths at a thousand
//! runs; that is the price of looking.

use super::Estimate;

/// Weight, in runs, of the mixture over probabilities around a known one.
const NEAR: f64 = 50.0;
/// Weight, in runs, of the mixture over effect sizes: tightest at some 150 runs.
const EFFECT: f64 = 25.0;

/// The probability of which `good` of `of` were seen, wrong at some time with probability
/// `error` at most: a mixture of bets on all probabilities (Robbins 1970), exact.
pub fn share(good: f64, of: f64, error: f64) -> Estimate {
    if of <= 0.0 {
        return Estimate { value: f64::NAN, low: 0.0, high: 1.0 };
    }
    let seen = good / of;
    let holds = |p: f64| evidence(good, of, p, (0.5, 0.5)) < -libm::log(error);
    Estimate { value: seen, low: border(seen, 0.0, holds), high: border(seen, 1.0, holds) }
}

/// Log of what somebody has who betted one unit against the probability `p`, spreading the bets
/// as a beta law.
fn evidence(good: f64, of: f64, p: f64, (a, b): (f64, f64)) -> f64 {
    let bad = of - good;
    let times = |count: f64, p: f64| if count > 0.0 { count * libm::log(p) } else { 0.0 };
    ln_beta(good + a, bad + b) - ln_beta(a, b) - times(good, p) - times(bad, 1.0 - p)
}

fn ln_beta(a: f64, b: f64) -> f64 {
    libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b)
}

/// The point between `inside` and `outside` up to which it holds.
fn border(mut inside: f64, mut outside: f64, holds: impl Fn(f64) -> bool) -> f64 {
    if holds(outside) {
        return outside;
    }
    for _ in 0..60 {
        let middle = f64::midpoint(inside, outside);
        if holds(middle) { inside = middle } else { outside = middle }
    }
    outside
}

/// The ranks, from 1, of the order statistics between which the quantile `q` of any law lies,
/// after each number of runs; `None` where there are too few for that end. Ties only help: runs
/// at the quantile may be counted on either side.
pub fn quantile_ranks(runs: u64, q: f64, error: f64) -> (Option<u64>, Option<u64>) {
    let of = runs as f64;
    let around = (NEAR * q, NEAR * (1.0 - q));
    let holds = |count: u64| evidence(count as f64, of, q, around) < -libm::log(error);
    let near = (q * of).round() as u64;
    // Evidence grows away from the expected count on either side.
    let walk = |end: u64| {
        let (mut inside, mut outside) = (near, end);
        if holds(outside) {
            return None;
        }
        while inside.abs_diff(outside) > 1 {
            let middle = inside.midpoint(outside);
            if holds(middle) { inside = middle } else { outside = middle }
        }
        Some(inside)
    };
    // The quantile is above the values that would leave too few, and at most the one with which
    // there are too many.
    (walk(0), walk(runs).map(|most| most + 1))
}

/// The mean of a law, from the mean and standard deviation of `runs`: a mixture of t-tests over
/// effect sizes (Lai 1976; Wang and Ramdas 2025). Exact for normal values, for others as good as
/// the central limit theorem is.
pub fn mean(value: f64, sd: f64, runs: f64, error: f64) -> Estimate {
    let prior = EFFECT / (runs + EFFECT);
    let limit = libm::exp((-libm::log(error) - 0.5 * libm::log(prior)) * 2.0 / runs);
    let room = 1.0 - prior * limit;
    if runs < 2.0 || room <= 0.0 {
        return Estimate { value, low: f64::NEG_INFINITY, high: f64::INFINITY };
    }
    let half = sd * ((limit - 1.0) / room * (runs - 1.0) / runs).sqrt();
    Estimate { value, low: value - half, high: value + half }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::draws::uniform;
    use crate::stats::interval;

    /// How many of `repeats` sequences were ever wrong within `runs` runs.
    fn ever_wrong(
        repeats: u64,
        runs: u32,
        wrong: impl Fn(&mut dyn FnMut() -> f64, u32) -> bool,
    ) -> u32 {
        let one = |repeat| {
            let mut index = 0;
            let mut draw = || {
                index += 1;
                uniform(11, repeat, index)
            };
            wrong(&mut draw, runs)
        };
        (0..repeats).map(|repeat| u32::from(one(repeat))).sum()
    }

    #[test]
    fn a_share_is_never_wrong_too_often() {
        for p in [0.02, 0.5, 0.95] {
            let wrong = ever_wrong(400, 400, |uniform, runs| {
                let mut good = 0.0;
                (1..=runs).any(|n| {
                    good += f64::from(u8::from(uniform() < p));
                    let found = share(good, n.into(), 0.05);
                    p < found.low || found.high < p
                })
            });
            // 20 of 400 expected at most; 5 % of such tests would see 28.
            assert!(wrong <= 28, "{p}: {wrong} of 400");
        }
    }

    #[test]
    fn a_mean_of_normal_values_is_never_wrong_too_often() {
        let wrong = ever_wrong(600, 300, |uniform, runs| {
            let (mut sum, mut squares) = (0.0, 0.0);
            (1..=runs).any(|n| {
                let (u, v) = (uniform(), uniform());
                let x = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
                (sum, squares) = (sum + x, squares + x * x);
                let n = f64::from(n);
                let sd = ((squares - sum * sum / n) / (n - 1.0)).max(0.0).sqrt();
                let found = mean(sum / n, sd, n, 0.05);
                n >= 2.0 && (found.low > 0.0 || found.high < 0.0)
            })
        });
        assert!((3..=42).contains(&wrong), "{wrong} of 600");
    }

    #[test]
    fn ranks_hold_the_quantile_after_each_run() {
        let q = 0.9;
        let wrong = ever_wrong(400, 400, |uniform, runs| {
            let mut below = 0;
            (1..=u64::from(runs)).any(|n| {
                below += u64::from(uniform() < q);
                let (low, high) = quantile_ranks(n, q, 0.05);
                // The quantile lies from the low-th value on and before the high-th.
                low.is_some_and(|low| below < low) || high.is_some_and(|high| below >= high)
            })
        });
        assert!(wrong <= 28, "{wrong} of 400");
    }

    #[test]
    fn looking_costs_less_than_as_much_again() {
        let fixed = interval::wilson(0.3, 1_000.0);
        let anytime = share(300.0, 1_000.0, 0.05);
        let ratio = (anytime.high - anytime.low) / (fixed.high - fixed.low);
        assert!((1.3..1.95).contains(&ratio), "{ratio}");
        let fixed = interval::mean(5.0, 1.0, 1_000.0);
        let ratio = (mean(5.0, 1.0, 1_000.0, 0.05).high - 5.0) / (fixed.high - 5.0);
        assert!((1.3..1.95).contains(&ratio), "{ratio}");
        let (fixed, anytime) =
            (interval::quantile_ranks(1_000, 0.9), quantile_ranks(1_000, 0.9, 0.05));
        assert!(anytime.0.unwrap() < fixed.0.unwrap() && fixed.1.unwrap() < anytime.1.unwrap());
    }

    #[test]
    fn the_ends_of_what_was_never_seen() {
        let never = share(0.0, 500.0, 0.05);
        assert!(never.low <= 0.0 && never.high < 0.02, "{never:?}");
        let always = share(500.0, 500.0, 0.05);
        assert!(always.high >= 1.0 && always.low > 0.98);
        assert_eq!(quantile_ranks(5, 0.95, 0.05).1, None);
        assert!(mean(1.0, 1.0, 1.0, 0.05).high.is_infinite());
    }
}
