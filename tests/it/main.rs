//! The one integration-test binary: one link, one place for helpers.

mod support;
mod tidy;
mod world;
