//! The `rollcast` program: an exit code.

fn main() {}
