//! Probes and their thresholds: when readiness is noticed, and what a run of results means.
//!
//! Pure arithmetic: no input or output, no clock, no generator.

mod readiness;
mod thresholds;

pub use readiness::{ready_at, unfit_at, unready_at};
pub use thresholds::{Change, Health, Thresholds};
