//! A metric above a fixed limit, so many scrapes in a row: the commonest alert there is.

use super::evidence::{Evidence, Side};
use super::{Verdict, value};
use crate::scenario::pieces::Metric;

/// Bad if the last `scrapes` readings of the new version all lie above `limit`.
pub fn judge(evidence: &Evidence, metric: Metric, limit: f64, scrapes: u32) -> Verdict {
    let seen = evidence.canary_scrapes().rev();
    let values = seen.map(|scrape| value(metric, evidence.at(Side::Canary, scrape)));
    in_a_row(values.map(|value| Some(value? > limit)), scrapes)
}

/// The verdict on comparisons that begin with the latest: bad if so many are. One without a value
/// ends the row.
pub(super) fn in_a_row(bad: impl Iterator<Item = Option<bool>>, scrapes: u32) -> Verdict {
    let mut seen = bad.take(scrapes as usize).peekable();
    match seen.peek() {
        None | Some(None) => return Verdict::NoData,
        Some(Some(false)) => return Verdict::Pass,
        Some(Some(true)) => {}
    }
    let row = seen.take_while(|bad| *bad == Some(true)).count();
    if row == scrapes as usize { Verdict::Fail } else { Verdict::Inconclusive }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Reading;

    #[test]
    fn only_a_full_row_is_bad() {
        use Verdict::{Fail, Inconclusive as Maybe, Pass};
        let mut evidence = Evidence::default();
        let say = |evidence: &Evidence| judge(evidence, Metric::Errors, 0.1, 3);
        assert_eq!(say(&evidence), Verdict::NoData);
        let mut told = Vec::new();
        for errors in [2, 2, 1, 2, 2, 2, 0] {
            let reading = Reading { requests: 10, errors, latency: 0.0 };
            evidence.scrape([(1, Side::Canary, reading)]);
            told.push(say(&evidence));
        }
        assert_eq!(told, [Maybe, Maybe, Pass, Maybe, Maybe, Fail, Pass]);
        evidence.scrape([(1, Side::Canary, Reading::default())]);
        assert_eq!(say(&evidence), Verdict::NoData);
    }
}
