//! Where connections are that stay where they were made.

/// Load of each instance, relative to the mean, after a rollout of `instances` in batches of
/// `batch` that stop before they start, in the order in which they were replaced.
///
/// A batch that stops gives its connections to those that are left, evenly; its successors come
/// when these are made already. With q = n/(n − b) a batch has q^(k − 1) of the mean when its turn
/// comes, and its successors end with q^(n/b) − q^k: the first have e − 1 = 1.72 times the mean if
/// there are many batches, the last have nothing.
pub fn after_batches(instances: u32, batch: u32) -> Vec<f64> {
    let (n, b) = (f64::from(instances), f64::from(batch));
    let q = n / (n - b);
    let batches = instances / batch;
    let power = |k: u32| libm::pow(q, f64::from(k));
    let of = |k: u32| power(batches) - power(k);
    (0..instances).map(|place| of(place / batch + 1)).collect()
}

/// Share of connections that have not been made anew `since` they were made, where each lives
/// `age` ± 10 %. A load of 1 + x becomes 1 + x·(this).
pub fn unrenewed(since: f64, age: f64) -> f64 {
    ((1.1 - since / age) / 0.2).clamp(0.0, 1.0)
}

/// The same for sessions of exponential length.
pub fn unended(since: f64, mean: f64) -> f64 {
    libm::exp(-since / mean)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same by moving connections one batch at a time.
    fn moved(instances: usize, batch: usize) -> Vec<f64> {
        let mut loads = vec![1.0; instances];
        for first in (0..instances).step_by(batch) {
            let stops = first..first + batch;
            let freed: f64 = loads[stops.clone()].iter().sum();
            let each = freed / (instances - batch) as f64;
            for (place, load) in loads.iter_mut().enumerate() {
                *load = if stops.contains(&place) { 0.0 } else { *load + each };
            }
        }
        loads
    }

    #[test]
    fn the_formula_is_the_sum_of_the_moves() {
        for (instances, batch) in [(10, 1), (12, 3), (40, 4)] {
            let ours = after_batches(instances, batch);
            for (a, b) in ours.iter().zip(moved(instances as usize, batch as usize)) {
                assert!((a - b).abs() < 1e-12);
            }
            assert!((ours.iter().sum::<f64>() - f64::from(instances)).abs() < 1e-9);
            assert!(ours[instances as usize - 1].abs() < 1e-12, "the last have nothing");
        }
        assert!((after_batches(1000, 1)[0] - (std::f64::consts::E - 1.0)).abs() < 3e-3);
    }

    #[test]
    fn ages_end_within_a_tenth() {
        assert_eq!(
            [0.0, 0.9, 1.0, 1.1, 2.0].map(|t| (unrenewed(t, 1.0) * 1e9).round() / 1e9),
            [1.0, 1.0, 0.5, 0.0, 0.0]
        );
        assert!((unended(2.0, 2.0) - libm::exp(-1.0)).abs() < 1e-15);
    }
}
