//! Scores of forecasts: smaller is better, and telling the truth is the best one can do
//! (Gneiting and Raftery 2007).

/// The interval score of a 90 % interval: its width, and 20 times the distance by which it misses.
pub fn interval_score(low: f64, high: f64, happened: f64) -> f64 {
    let missed = (low - happened).max(0.0) + (happened - high).max(0.0);
    (high - low).abs() + 20.0 * missed
}

/// The continuous ranked probability score of equally likely values: E|X − x| − ½ E|X − X'|. Of a
/// single value it is the absolute error.
pub fn crps(values: &[f64], happened: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let away = sorted.iter().map(|x| (x - happened).abs()).sum::<f64>() / n;
    // Σ over pairs of |x − x'|, each value weighted by how many lie below less how many above.
    let weighted = |(i, x): (usize, &f64)| (2.0 * i as f64 - n + 1.0) * x;
    let apart = sorted.iter().enumerate().map(weighted).sum::<f64>() * 2.0 / (n * n);
    away - apart / 2.0
}

#[cfg(test)]
mod tests {
    use super::{crps, interval_score};

    #[test]
    fn scores_by_hand() {
        assert_eq!(interval_score(2.0, 5.0, 4.0), 3.0);
        assert_eq!(interval_score(2.0, 5.0, 6.0), 23.0);
        assert_eq!(interval_score(2.0, 5.0, 1.5), 13.0);
        assert_eq!(crps(&[7.0], 4.0), 3.0);
        // E|X − 1| = (1 + 0 + 2)/3, E|X − X'| = 2(1 + 2 + 3)/9.
        assert!((crps(&[3.0, 0.0, 1.0], 1.0) - (1.0 - 12.0 / 18.0)).abs() < 1e-12);
    }
}
