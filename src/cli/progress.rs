//! A bar on standard error, only if that is a terminal.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::study;

/// The bar; hidden off a terminal.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// A new one. `quiet` hides it too.
    pub(super) fn new(quiet: bool) -> Self {
        let shown = !quiet && std::io::stderr().is_terminal();
        let target =
            if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        if let Ok(style) = ProgressStyle::with_template("  {bar:40} {pos}/{len} runs") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Shows how far it is. The plan may grow while gates are undecided.
    pub(super) fn show(&self, progress: study::Progress) {
        self.0.set_length(u64::from(progress.planned));
        self.0.set_position(u64::from(progress.done));
    }

    /// Takes it away.
    pub(super) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
