//! The simulated world: fleet, data plane, control-plane latencies, requests.

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
mod model;
mod outside;
mod pipeline;
mod plane;
mod pulls;
mod rotation;
pub mod script;
mod shutdown;
mod status;
pub mod steady;
mod streams;
#[cfg(test)]
mod tests;
mod world;

pub use model::Model;
pub use script::Script;
pub use world::{Depth, World};
