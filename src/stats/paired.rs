//! Two settings under the same luck: the difference run by run.

use super::{Estimate, Sample};

/// One outcome of one replication under both settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Under the first setting; not a number where it does not apply.
    pub first: f64,
    /// Under the second.
    pub second: f64,
    /// Weight of the replication.
    pub weight: f64,
}

/// Second minus first.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Paired {
    /// Mean difference, second − first, with Student's interval over pairs.
    pub difference: Estimate,
    /// Correlation of the two, −1..1: near 1, common luck sharpens the comparison. `None` where
    /// one of them does not vary.
    pub correlation: Option<f64>,
    /// Pairs that this rests on.
    pub runs: u32,
}

/// The difference over pairs; those of which one side is not a number are left out. `None` if
/// that leaves nothing.
pub fn difference(pairs: &[Pair]) -> Option<Paired> {
    let differences: Vec<(f64, f64)> =
        pairs.iter().map(|p| (p.second - p.first, p.weight)).collect();
    let sample = Sample::new(&differences)?;
    Some(Paired { difference: sample.mean(), correlation: correlation(pairs), runs: sample.runs() })
}

fn correlation(pairs: &[Pair]) -> Option<f64> {
    let whole = |p: &&Pair| !(p.second - p.first).is_nan() && p.weight > 0.0;
    let sum = |f: &dyn Fn(&Pair) -> f64| -> f64 {
        pairs.iter().filter(whole).map(|p| p.weight * f(p)).sum()
    };
    let total = sum(&|_| 1.0);
    let (first, second) = (sum(&|p| p.first) / total, sum(&|p| p.second) / total);
    let spread = sum(&|p| (p.first - first) * (p.first - first))
        * sum(&|p| (p.second - second) * (p.second - second));
    let together = sum(&|p| (p.first - first) * (p.second - second));
    (spread > 0.0).then(|| (together / spread.sqrt()).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(first: f64, second: f64) -> Pair {
        Pair { first, second, weight: 1.0 }
    }

    #[test]
    fn common_luck_sharpens_the_difference() {
        let pairs: Vec<Pair> = (0..20)
            .map(|i| pair(f64::from(i) * 10.0, f64::from(i) * 10.0 + 1.0 + f64::from(i % 2)))
            .collect();
        let found = difference(&pairs).unwrap();
        assert_eq!((found.difference.value, found.runs), (1.5, 20));
        assert!(found.difference.low > 1.2 && found.difference.high < 1.8);
        assert!(found.correlation.unwrap() > 0.999);
    }

    #[test]
    fn half_a_pair_is_none() {
        let found = difference(&[pair(1.0, f64::NAN), pair(2.0, 5.0)]).unwrap();
        assert_eq!((found.runs, found.difference.value, found.correlation), (1, 3.0, None));
        assert_eq!(difference(&[pair(f64::NAN, 1.0)]), None);
    }
}
