//! The simulated world.

pub mod kernel;
mod model;
pub mod steady;
