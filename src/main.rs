//! The `rollcast` program: an exit code.

fn main() -> std::process::ExitCode {
    rollcast::cli::run()
}
