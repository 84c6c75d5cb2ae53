//! The normal law.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Density of the standard normal law at `z`.
pub(super) fn density(z: f64) -> f64 {
    libm::exp(-z * z / 2.0) / (2.0 * PI).sqrt()
}

/// P(Z <= `z`) of the standard normal law, accurate in the lower tail too.
pub(super) fn cumulative(z: f64) -> f64 {
    libm::erfc(-z * FRAC_1_SQRT_2) / 2.0
}
