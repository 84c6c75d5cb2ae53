//! More or fewer requests with the same shape.

use super::RecordedError;

/// More requests than this do not fit the memory of a laptop beside the simulation.
const REQUESTS_MAX: f64 = 100e6;

/// Multiplies sorted instants.
///
/// The rule: each instant is kept ⌊scale⌋ times; of all n instants the round(n·(scale − ⌊scale⌋))
/// whose position has the smallest hash (`SplitMix64`) get one copy more. So the number of
/// requests is round(n·scale), thinning is even-handed (a Poisson process stays one), and the
/// same file gives the same requests everywhere. The k copies of an instant lie at j/k of the
/// shorter of the gaps beside it (j = 0..k), so that bursts stay bursts and holes stay holes.
pub(super) fn instants(at: &[i64], scale: f64) -> Result<Vec<i64>, RecordedError> {
    if at.len() as f64 * scale > REQUESTS_MAX {
        return Err(RecordedError::new(format!(
            "{} requests times {scale} are too many to hold",
            at.len()
        ))
        .hint("choose a shorter `window`, or count them: interval = \"1s\""));
    }
    let whole = scale.floor();
    let extra = (at.len() as f64 * (scale - whole)).round() as usize;
    let lucky = smallest_hashes(at.len(), extra);
    let mut out = Vec::with_capacity(at.len() * whole as usize + extra);
    for (i, t) in at.iter().enumerate() {
        let copies = whole as i64 + i64::from(lucky[i]);
        let before = i.checked_sub(1).map(|h| t - at[h]);
        let after = at.get(i + 1).map(|next| next - t);
        let gap = match (before, after) {
            (Some(before), Some(after)) => before.min(after),
            (only, None) | (None, only) => only.unwrap_or(0),
        };
        let room = i128::from(gap);
        out.extend((0..copies).map(|j| t + (room * i128::from(j) / i128::from(copies)) as i64));
    }
    Ok(out)
}

/// Which `chosen` of `n` positions have the smallest hashes.
fn smallest_hashes(n: usize, chosen: usize) -> Vec<bool> {
    let mut marks = vec![false; n];
    if chosen == 0 {
        return marks;
    }
    let mut order: Vec<(u64, usize)> = (0..n).map(|i| (split_mix(i as u64), i)).collect();
    if chosen < n {
        order.select_nth_unstable(chosen);
    }
    for (_, i) in &order[..chosen] {
        marks[*i] = true;
    }
    marks
}

/// `SplitMix64` (Steele, Lea, Flood 2014), a bijection: no two positions collide.
fn split_mix(position: u64) -> u64 {
    let mut z = position.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_number_is_exact_and_the_order_kept(
            gaps in proptest::collection::vec(0i64..2_000, 1..200),
            scale in 0.05f64..6.0,
        ) {
            let mut now = 0;
            let at: Vec<i64> = gaps.iter().map(|gap| { now += gap; now }).collect();
            let scaled = instants(&at, scale).unwrap();
            let whole = at.len() as f64 * scale;
            prop_assert!((scaled.len() as f64 - whole).abs() <= 0.5 + 1e-9);
            prop_assert!(scaled.is_sorted());
            prop_assert!(scaled.iter().all(|t| *t >= at[0]));
        }
    }

    #[test]
    fn copies_stay_near_and_holes_stay_empty() {
        let at = [0, 10, 20, 1_000, 1_010];
        assert_eq!(instants(&at, 2.0).unwrap(), [0, 5, 10, 15, 20, 25, 1_000, 1_005, 1_010, 1_015]);
        assert_eq!(instants(&at, 1.0).unwrap(), at);
    }

    #[test]
    fn thinning_does_not_follow_a_pattern_of_the_record() {
        let at: Vec<i64> = (0..10_000).collect();
        let half = instants(&at, 0.5).unwrap();
        assert_eq!(half.len(), 5_000);
        let even = half.iter().filter(|t| *t % 2 == 0).count();
        // Binomial(5000, 1/2) would have standard deviation 35.
        assert!((2_350..2_650).contains(&even), "{even}");
        assert!(instants(&at, 1e9).is_err());
    }
}
