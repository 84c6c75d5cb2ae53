//! The one integration-test binary: one link, one place for helpers.

mod readme;
mod support;
mod theory;
mod tidy;
mod world;
