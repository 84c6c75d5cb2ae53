//! The simulator held against queueing theory.

use std::path::Path;

/// Placeholder.
pub fn run(_full: bool, _out: &Path) -> anyhow::Result<()> {
    Ok(())
}
