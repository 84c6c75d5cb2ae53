//! Errors counted: the k-th one is too many.

use super::Verdict;
use super::evidence::{Evidence, Side};
use crate::engine::special::poisson_from;
use crate::scenario::pieces::FailuresOver;

/// Bad at the `count`-th error of the new version in all, of its last batch, or at so many scrapes
/// with errors in a row.
pub fn judge(evidence: &Evidence, count: u32, over: FailuresOver) -> Verdict {
    let scrapes = evidence.canary_scrapes();
    if evidence.while_judged(Side::Canary).requests == 0 {
        return Verdict::NoData;
    }
    let failed = match over {
        FailuresOver::All => evidence.while_judged(Side::Canary).errors,
        FailuresOver::Batch => {
            let batch = evidence.batch().unwrap_or(scrapes.start)..scrapes.end;
            evidence.totals(Side::Canary, batch).errors
        }
        FailuresOver::Row => {
            let failing = |scrape: &u32| evidence.at(Side::Canary, *scrape).errors > 0;
            scrapes.rev().take_while(failing).count() as u64
        }
    };
    if failed >= u64::from(count) { Verdict::Fail } else { Verdict::Inconclusive }
}

/// The fewest errors that a good version, from which so many are expected, reaches with a chance of
/// at most `alpha`.
pub fn limit(expected: f64, alpha: f64) -> u64 {
    let mut count = 1;
    while poisson_from(count, expected) > alpha {
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Reading;

    #[test]
    fn all_of_a_batch_or_in_a_row() {
        let mut evidence = Evidence::default();
        assert_eq!(judge(&evidence, 1, FailuresOver::All), Verdict::NoData);
        let reading = |errors| Reading { requests: 10, errors, latency: 0.0 };
        for errors in [4, 0, 1] {
            evidence.scrape([(1, Side::Canary, reading(errors))]);
        }
        evidence.scrape([(1, Side::Canary, reading(1)), (2, Side::Canary, reading(1))]);
        evidence.scrape([(1, Side::Canary, reading(1)), (2, Side::Canary, reading(0))]);
        let bad = |count, over| judge(&evidence, count, over) == Verdict::Fail;
        assert!(bad(8, FailuresOver::All) && !bad(9, FailuresOver::All));
        assert!(bad(3, FailuresOver::Batch) && !bad(4, FailuresOver::Batch));
        assert!(bad(3, FailuresOver::Row) && !bad(4, FailuresOver::Row));
    }
}
