//! The simulator and the exact solver held against queueing theory, with short runs.

use rollcast::study::validate::{Kind, table};

/// The seed is fixed, so that this passes always or never.
#[test]
fn the_sample_is_within_its_limits() {
    let report = table(false);
    assert!(report.complaints().is_empty(), "\n{}\n", report.complaints().join("\n"));
    assert!(report.worst_z() <= 4.0);
    let counts = [Kind::Simulated, Kind::Solver, Kind::Deterministic].map(|k| report.count(k));
    assert!(counts[0] >= 60 && counts[1] >= 30 && counts[2] >= 50, "{counts:?}");
}
