//! The one integration-test binary: one link, one place for helpers.

mod readme;
mod cli;
mod determinism;
mod failures;
mod strategies;
mod support;
mod theory;
mod tidy;
mod world;
