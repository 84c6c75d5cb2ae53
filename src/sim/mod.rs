//! The simulated world: fleet, data plane, control-plane latencies, requests.

mod chance;
mod drain;
mod fleet;
pub mod kernel;
mod life;
mod model;
mod pulls;
pub mod script;
pub mod steady;
mod world;

pub use script::Script;
pub use world::{Depth, Model, World};
