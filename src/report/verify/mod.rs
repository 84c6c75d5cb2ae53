//! Recorded rollouts beside their predictions, as people and programs read them.

pub mod json;
mod text;

pub use text::text;
