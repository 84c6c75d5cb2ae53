//! The one integration-test binary: one link, one place for helpers.

mod cli;
mod determinism;
mod failures;
mod strategies;
mod support;
mod tidy;
mod world;
