//! Time order and chance: the event queue, named random streams, blocks of variates.
//!
//! Knows no word of the domain.

pub mod block;
pub mod calendar;
pub mod math;
pub mod queue;
pub mod sampler;
pub mod special;
pub mod streams;

pub use block::{BLOCK, Law, VariateBlock};
pub use calendar::{NO_STAMP, StampedQueue};
pub use queue::EventQueue;
pub use sampler::Sampler;
pub use streams::{Seeds, Stream};
