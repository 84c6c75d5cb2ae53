//! What the user writes, and what it means.
//!
//! [`model`] holds the checked scenario: complete, every default filled in, no `Option` that
//! stands for one. Nothing past this room sees the text it came from.

pub mod dist;
pub mod gate;
pub mod import;
pub mod model;
pub mod recorded;
pub mod settings;

pub use dist::Dist;
pub use gate::{Bound, Direction, Gate, Measure, OutcomeKey, Unit};
pub use model::*;
