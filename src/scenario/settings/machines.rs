//! What surrounds virtual machines that are made from images.

/// From "the machine has its place" until the service's process has started: the boot. A guess
/// at a small Linux image, not a measurement.
pub(super) const LAUNCH: &str = "{ p50 = \"30s\", p95 = \"60s\" }";
