//! Probes and their thresholds: when readiness is noticed, what a run of results means, and what
//! proxies make of it.
//!
//! Pure arithmetic: no input or output, no clock, no generator.

mod active;
mod outlier;
mod readiness;
mod thresholds;
mod throttle;

pub use active::Rhythm;
pub use outlier::{Ejections, Volume, stragglers};
pub use readiness::{ready_at, unfit_at, unready_at};
pub use thresholds::{Change, Health, Thresholds};
pub use throttle::Throttle;
