//! Three canaries that Kayenta's tracker says it passed, and none should have: (canary, baseline).

/// Kayenta #780: the same middle, ten times the spread. Kayenta #426: errors where there were
/// none. Spinnaker #6278: seven samples of ten at a hundred times the baseline.
pub fn known_to_pass() -> [(Vec<f64>, Vec<f64>); 3] {
    let swing = |amplitude: f64| -> Vec<f64> {
        (0..20).map(|i| 100.0 + amplitude * f64::from(i * 7 % 20 - 10) / 10.0 + 0.001).collect()
    };
    let errors = (vec![0.0, 1.0, 2.0, 1.0, 0.0, 0.0], vec![0.0; 6]);
    let mut far = vec![100.0; 7];
    far.extend([1.0; 3]);
    let baseline = vec![1.0; 10];
    [(swing(50.0), swing(5.0)), errors, (far, baseline)]
}
