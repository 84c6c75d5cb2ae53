//! The one integration-test binary: one link, one place for helpers.

mod outputs;
mod support;
mod tidy;
