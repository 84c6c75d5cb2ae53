//! The sink that turns records into an outcome.
/// Placeholder.
#[derive(Debug, Default)]
pub struct Collector;
