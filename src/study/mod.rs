//! Sets worlds going: replications in parallel, gates until decided, validation.

pub mod options;
pub mod result;
pub mod validate;

pub use options::{Options, Progress, Runs};
pub use result::{Bands, RunTable, SimResult, Story};

use crate::scenario::Scenario;

/// Placeholder, replaced in the next commit.
pub fn simulate(_: &Scenario, _: &Options, _: &(dyn Fn(Progress) + Sync)) -> SimResult {
    unreachable!()
}
