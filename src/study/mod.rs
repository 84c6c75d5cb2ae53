//! Sets worlds going: replications in parallel, gates until decided, validation.

mod assemble;
pub mod assumed;
pub mod backtest;
pub mod cell;
pub mod compare;
pub mod exact;
pub mod explain;
pub mod fit;
pub mod incidents;
pub mod judge;
mod observe;
pub mod options;
mod pool;
pub mod rare;
mod release;
mod replicate;
pub mod result;
pub mod sensitivity;
mod spent;
mod stories;
pub mod storm;
pub mod sweep;
pub mod system;
pub mod trouble;
pub mod tune;
pub mod validate;
pub mod verify;

pub use assemble::tell;
pub use assumed::{Effect, End, weigh};
pub use options::{Options, Progress, Runs};
pub use release::{ByRelease, Part};
pub use replicate::simulate;
pub use result::{Bands, FailureStory, RunTable, SimResult, Story};
