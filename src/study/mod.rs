//! Sets worlds going: replications in parallel, gates until decided, validation.

pub mod result;

pub use result::{Bands, RunTable, SimResult, Story};
