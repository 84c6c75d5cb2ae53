//! The simulated world: fleet, data plane, control-plane latencies, requests.

mod autoscaler;
mod bucket;
mod chance;
mod client;
mod control;
mod crash;
mod drain;
mod ending;
mod fleet;
pub mod kernel;
mod life;
mod messages;
mod model;
mod outside;
mod pieces;
mod pipeline;
mod pulls;
mod quorum;
mod rotation;
pub mod script;
mod shutdown;
mod status;
pub mod steady;
#[cfg(test)]
mod tests;
mod world;

pub use model::Model;
pub use script::Script;
pub use world::{Depth, World};
