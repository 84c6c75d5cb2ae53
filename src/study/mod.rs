//! Sets worlds going: replications in parallel, gates until decided, validation.

mod assemble;
pub mod assumed;
pub mod backtest;
pub mod exact;
pub mod fit;
pub mod judge;
mod observe;
pub mod options;
mod pool;
mod replicate;
pub mod result;
mod spent;
pub mod storm;
pub mod system;
pub mod validate;
pub mod verify;

pub use assumed::{Effect, End, weigh};
pub use options::{Options, Progress, Runs};
pub use replicate::simulate;
pub use result::{Bands, RunTable, SimResult, Story};
