//! A count that was not predicted, in words made of facts.

use super::forecast::Shares;

/// The name of the one count, and of the other.
pub(super) const MOST: &str = "most at once";
pub(super) const FEWEST: &str = "fewest available";

/// Both counts of a recording that are missed.
pub(super) fn both(
    (most, mosts): (u32, &Shares),
    (fewest, fewests): (u32, &Shares),
) -> Vec<String> {
    count(MOST, most, mosts).into_iter().chain(count(FEWEST, fewest, fewests)).collect()
}

/// Where the runs lay when the most frequent count is not the recorded one; `None` if it is.
pub(super) fn count(what: &str, recorded: u32, shares: &Shares) -> Option<String> {
    let &(predicted, most) = shares.first().filter(|(count, _)| *count != recorded)?;
    let hit = shares.iter().find(|(count, _)| *count == recorded);
    let hit = hit.map_or("none".to_owned(), |(_, share)| percent(*share));
    let (low, high) = middle(shares);
    let range = if low == high { format!("{low}") } else { format!("{low} to {high}") };
    Some(format!(
        "{what}: recorded {recorded}, predicted {predicted} in {} of the runs and {recorded} in \
         {hit}; the middle 90 % came to {range}",
        percent(most)
    ))
}

/// A share as a whole percentage, but never 0 % of something.
pub(super) fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.01 {
        "under 1 %".to_owned()
    } else {
        format!("{:.0} %", share * 100.0)
    }
}

/// Between which counts the middle 90 % of the runs lie.
fn middle(shares: &Shares) -> (u32, u32) {
    let mut sorted = shares.clone();
    sorted.sort_unstable_by_key(|(count, _)| *count);
    let at = |p: f64| {
        let mut sum = 0.0;
        let found = sorted.iter().find(|(_, share)| {
            sum += share;
            sum >= p - 1e-9
        });
        found.or(sorted.last()).map_or(0, |(count, _)| *count)
    };
    (at(0.05), at(0.95))
}

#[cfg(test)]
mod tests {
    use super::{count, percent};

    #[test]
    fn a_miss_says_how_the_runs_were_spread() {
        let shares = vec![(33, 0.9), (34, 0.06), (36, 0.04)];
        assert_eq!(count("most at once", 33, &shares), None);
        let text = count("most at once", 36, &shares).unwrap();
        let wanted = "most at once: recorded 36, predicted 33 in 90 % of the runs and 36 in 4 %; \
                      the middle 90 % came to 33 to 34";
        assert_eq!(text, wanted);
        let text = count("most at once", 40, &shares).unwrap();
        assert!(text.contains("and 40 in none"), "{text}");
        assert_eq!(percent(0.004), "under 1 %");
    }
}
