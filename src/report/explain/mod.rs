//! Why a run was as it was, and what an answer hangs on: for the terminal and for files.

mod inputs;
mod moment;
mod path;

pub use inputs::{SCHEMA, render as inputs, render_csv, render_json};
pub(crate) use inputs::{amount, signed, telling};
pub use moment::render as moment;
pub use path::render as path;

use super::said;
use crate::trace::VersionId;

fn version(version: VersionId) -> &'static str {
    if version == VersionId::OLD { "old" } else { "new" }
}
