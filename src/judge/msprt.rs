//! A mixture sequential probability ratio test of the new version's errors against the old one's:
//! valid however often one looks, and told no bad share.
//!
//! Given how many errors there were in a scrape on either side, each of them fell upon the new
//! version with a probability that hangs on the shares of answers and on the ratio of the two
//! error rates alone (the conditional test of Przyborowski and Wilenski, 1940). The likelihood
//! ratio of a worse version against one no worse, averaged over how much worse it may be, is a
//! martingale if it is not worse: it passes 1/alpha with a chance of at most alpha, ever (Ville).

use super::Verdict;
use super::evidence::{Evidence, Side};

/// How much worse a bad version may be: ratios of error rates, each as likely as the other.
const RATIOS: [f64; 10] = [1.25, 1.5, 2.0, 3.0, 5.0, 8.0, 16.0, 32.0, 64.0, 256.0];

/// Bad once the average likelihood ratio has passed 1/`alpha`.
pub fn judge(evidence: &Evidence, alpha: f64) -> Verdict {
    if evidence.while_judged(Side::Canary).requests == 0 {
        return Verdict::NoData;
    }
    if libm::exp(logarithm(evidence)) >= 1.0 / alpha {
        Verdict::Fail
    } else {
        Verdict::Inconclusive
    }
}

/// Logarithm of the average likelihood ratio. Scrapes without answers on one side say nothing.
pub fn logarithm(evidence: &Evidence) -> f64 {
    let mut ratios = [0.0; RATIOS.len()];
    for scrape in evidence.canary_scrapes() {
        let (new, old) = (evidence.at(Side::Canary, scrape), evidence.at(Side::Baseline, scrape));
        if new.errors + old.errors == 0 || new.requests == 0 || old.requests == 0 {
            continue;
        }
        let share = new.requests as f64 / (new.requests + old.requests) as f64;
        for (sum, ratio) in ratios.iter_mut().zip(RATIOS) {
            let all = ratio * share + 1.0 - share;
            *sum += new.errors as f64 * libm::log(ratio)
                - (new.errors + old.errors) as f64 * libm::log(all);
        }
    }
    let most = ratios.iter().copied().fold(f64::MIN, f64::max);
    let sum: f64 = ratios.iter().map(|ratio| libm::exp(ratio - most)).sum();
    most + libm::log(sum / RATIOS.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Seeds;
    use crate::judge::Reading;

    fn say(errors: (u64, u64), scrapes: u32) -> Verdict {
        let mut evidence = Evidence::default();
        for _ in 0..scrapes {
            let of = |errors| Reading { requests: 1000, errors, latency: 0.0 };
            evidence.scrape([(0, Side::Baseline, of(errors.0)), (1, Side::Canary, of(errors.1))]);
        }
        judge(&evidence, 0.01)
    }

    #[test]
    fn errors_on_the_new_side_alone_are_soon_too_many() {
        assert_eq!(say((0, 1), 4), Verdict::Inconclusive);
        assert_eq!(say((0, 1), 9), Verdict::Fail);
        assert_eq!(say((5, 5), 500), Verdict::Inconclusive);
        assert_eq!(say((50, 80), 10), Verdict::Fail);
    }

    /// However often one looks: 100 times at a version as good as the old one.
    #[test]
    fn looking_again_and_again_stops_no_more_good_releases_than_promised() {
        let mut stopped = 0;
        for replication in 0..300 {
            let mut luck = Seeds::new(9, replication).stream(1, 0);
            let mut evidence = Evidence::default();
            let mut ended = false;
            for _ in 0..100 {
                let mut draw = || {
                    let errors = (0..20).filter(|_| luck.uniform() < 0.02).count() as u64;
                    Reading { requests: 20, errors, latency: 0.0 }
                };
                evidence.scrape([(0, Side::Baseline, draw()), (1, Side::Canary, draw())]);
                ended = ended || judge(&evidence, 0.1) == Verdict::Fail;
            }
            stopped += u32::from(ended);
        }
        // 10 % of 300 and three standard deviations.
        assert!(stopped <= 30 + 16, "{stopped}");
        assert!(stopped > 0, "a test that never stops anything is none");
    }
}
