//! Why a run was as it was: what it waited for, and what one of its moments looked like.

mod lives;
pub mod moment;
pub mod path;

pub use moment::At;
pub use path::{Part, Path, Wait};
