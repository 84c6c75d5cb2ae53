//! Sets worlds going: replications in parallel, gates until decided, validation.

mod assemble;
mod observe;
pub mod options;
mod pool;
mod replicate;
pub mod result;
mod spent;
pub mod validate;

pub use options::{Options, Progress, Runs};
pub use replicate::simulate;
pub use result::{Bands, RunTable, SimResult, Story};
