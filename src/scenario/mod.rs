//! What the user writes, and what it means.
//!
//! [`model`] holds the checked scenario: complete, every default filled in, no `Option` that
//! stands for one. Nothing past this room sees the text it came from. The way there is told in
//! [`reader`].

mod check;
pub mod codes;
pub mod conduct;
pub mod diagnostic;
pub mod dist;
pub mod edit;
pub mod gate;
pub mod gate_text;
mod hosts;
pub mod import;
pub mod keys;
pub mod load;
pub mod model;
pub mod pieces;
pub mod pipeline;
pub mod print;
mod quantity;
pub mod raw;
pub mod reader;
pub mod recorded;
pub mod schema;
pub mod settings;
pub mod source;
pub mod suggest;
pub mod sweep;
pub mod system;
pub mod tree;

pub use conduct::Conduct;
pub use diagnostic::Diagnostic;
pub use dist::Dist;
pub use gate::{Bound, Direction, Gate, Measure, Measured, OutcomeKey, Unit};
pub use hosts::{AntiAffinity, Hosts, Provision};
pub use load::{LoadError, Loaded, load};
pub use model::*;
pub use pieces::{
    Change, ChangeKind, Dependency, Failure, Migration, Named, Over, Pieces, Reload, When,
};
pub use pipeline::{Pipeline, PipelineKind, Watch};
pub use source::{Place, Source};
pub use tree::Override;

#[cfg(test)]
mod tests;
