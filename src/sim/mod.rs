//! The simulated world: fleet, data plane, control-plane latencies, requests.

mod autoscaler;
mod bucket;
mod chance;
mod client;
mod control;
mod crash;
#[cfg(test)]
mod crossings;
mod dependencies;
mod drain;
mod ending;
mod evict;
mod faults;
mod fleet;
mod judging;
pub mod kernel;
mod life;
mod liveness;
mod messages;
mod migration;
mod model;
mod outside;
mod pieces;
mod pipeline;
mod places;
mod plane;
mod pulls;
mod quorum;
mod quota;
mod release;
mod reload;
mod room;
mod rotation;
pub mod script;
mod shutdown;
mod starts;
mod status;
pub mod steady;
mod streams;
#[cfg(test)]
mod tests;
pub mod tilt;
mod world;

pub use model::{Model, Quality};
pub use pipeline::Urge;
pub use script::Script;
pub use world::{Depth, World};
