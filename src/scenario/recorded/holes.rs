//! Holes: stretches without a request that the traffic around them makes implausible. A log
//! that was rotated away, sampled or not written looks like a quiet hour otherwise.

use super::clock::{show, show_span};
use super::record::significant;

/// Gaps whose statistics are taken together, and how many of them are judged at a time.
const AROUND: usize = 100;
const JUDGED: usize = 50;
/// Fewer gaps say nothing about the usual.
const GAPS_MIN: usize = 10;
/// Mean of the lower 90 % of an exponential distribution, in means: (1 − 0.1·(1 + ln 10)) / 0.9.
/// The usual gap is estimated from those, so that the holes themselves do not count.
const TRIMMED_MEAN: f64 = 0.744_157_212;
/// −ln 10⁻⁶: a longer gap, in usual gaps, has a probability below 10⁻⁶ in a Poisson process.
const MEANS: f64 = 13.815_510_558;
/// Real traffic is burstier than Poisson: a hole must also be so many times longer than the gap
/// that nine in ten stay below.
const TIMES_P90: i64 = 10;

/// A stretch without requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hole {
    /// The last request before.
    pub(super) from: i64,
    /// The first request after.
    pub(super) to: i64,
    /// How many requests would have been usual in it.
    pub(super) expected: f64,
}

/// Finds holes between sorted instants.
pub(super) fn find(at: &[i64]) -> Vec<Hole> {
    let gaps: Vec<i64> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mut holes = Vec::new();
    if gaps.len() < GAPS_MIN {
        return holes;
    }
    let mut sorted = Vec::with_capacity(AROUND);
    for first in (0..gaps.len()).step_by(JUDGED) {
        let judged = first..(first + JUDGED).min(gaps.len());
        let from =
            first.saturating_sub((AROUND - JUDGED) / 2).min(gaps.len().saturating_sub(AROUND));
        sorted.clear();
        sorted.extend_from_slice(&gaps[from..(from + AROUND).min(gaps.len())]);
        sorted.sort_unstable();
        let kept = sorted.len() * 9 / 10;
        let sum: i64 = sorted[..kept].iter().sum();
        let mean = (sum as f64 / kept as f64 / TRIMMED_MEAN).max(1.0);
        let p90 = sorted[kept - 1];
        for i in judged {
            let expected = gaps[i] as f64 / mean;
            if expected > MEANS && gaps[i] > p90.saturating_mul(TIMES_P90) {
                holes.push(Hole { from: at[i], to: at[i + 1], expected });
            }
        }
    }
    holes
}

/// Says where they are: each of a few; of many the sum, the longest, and the rate that the
/// `requests` of the record, `length` long, have outside of them.
pub(super) fn warnings(holes: &[Hole], offset: i32, requests: f64, length: i64) -> Vec<String> {
    let one = |hole: &Hole| {
        format!(
            "{} to {} ({})",
            show(hole.from, offset),
            show(hole.to, offset),
            show_span(hole.to - hole.from)
        )
    };
    if holes.len() <= 3 {
        let each = |hole: &Hole| {
            let expected = hole.expected;
            format!(
                "hole in the record: no request from {}, where {expected:.0} would be usual; a \
                 `window` leaves it out",
                one(hole)
            )
        };
        return holes.iter().map(each).collect();
    }
    let total: i64 = holes.iter().map(|hole| hole.to - hole.from).sum();
    let mut longest: Vec<&Hole> = holes.iter().collect();
    longest.sort_by_key(|hole| (hole.from - hole.to, hole.from));
    let named: Vec<String> = longest.iter().take(3).map(|hole| one(hole)).collect();
    let first = one(&holes[0]);
    let rate = requests / ((length - total).max(1) as f64 / 1e9);
    vec![format!(
        "{} holes in the record, {} in all (outside of them the mean rate is {}/s): the first \
         {first}; the longest {}; a `window` leaves them out",
        holes.len(),
        show_span(total),
        significant(rate),
        named.join(", ")
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: i64 = 1_000_000_000;

    /// A Poisson process of one a second, from a plain congruential generator.
    fn poisson(n: usize, mut seed: u64) -> Vec<i64> {
        let mut now = 0.0;
        (0..n)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
                let uniform = ((seed >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
                now -= libm::log(uniform) * 1e9;
                now as i64
            })
            .collect()
    }

    proptest! {
        #[test]
        fn poisson_traffic_has_no_holes_and_a_cut_is_found(seed in 1u64.., cut in 100usize..900) {
            let mut at = poisson(1_000, seed);
            prop_assert_eq!(find(&at), vec![]);
            at.iter_mut().skip(cut).for_each(|t| *t += 60 * SECOND);
            let holes = find(&at);
            prop_assert_eq!(holes.len(), 1);
            prop_assert_eq!(holes[0].from, at[cut - 1]);
        }
    }

    #[test]
    fn many_holes_are_summed_up() {
        let at: Vec<i64> =
            (0..600).map(|i| (i % 120) * SECOND / 2 + (i / 120) * 3600 * SECOND).collect();
        let holes = find(&at);
        assert_eq!(holes.len(), 4);
        let said = warnings(&holes, 0, 600.0, 4 * 3600 * SECOND + 59 * SECOND);
        assert_eq!(said.len(), 1);
        let start =
            "4 holes in the record, 3h56m2s in all (outside of them the mean rate is 2.02/s)";
        assert!(said[0].starts_with(start), "{said:?}");
        assert!(
            warnings(&holes[..1], 0, 600.0, 0)[0]
                .contains("1970-01-01 00:00:59 to 1970-01-01 01:00:00")
        );
    }
}
