//! Ctrl-C: once, and what is finished is shown; twice, and the program ends at once.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether to stop after the blocks that are being played.
pub(super) static STOP: AtomicBool = AtomicBool::new(false);

/// From here on interrupting (and asking to end) stops after the blocks that are being played.
pub(super) fn on_signal() {
    let set = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    // Without a handler the signal ends the program, as it does elsewhere.
    drop(set);
}
