//! Recorded rollouts beside their predictions, as people and programs read them.

pub mod json;
mod schema;
mod text;

pub use schema::schema;
pub use text::text;
