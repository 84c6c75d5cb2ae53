//! A bar on standard error, only if that is a terminal.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::terminal;
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

/// How many runs of a sweep are done, and how long the rest will take: a bar on a terminal, else
/// a line for each tenth, once a sweep takes a while.
pub(super) struct Blocks {
    bar: Option<ProgressBar>,
    told: Mutex<Told>,
    all: u64,
    quiet: bool,
    begun: Instant,
}

/// What was said.
struct Told {
    done: u64,
    tenths: u64,
}

/// A sweep that is done sooner says nothing on its way.
const A_WHILE_SECS: f64 = 5.0;

impl Blocks {
    /// So many runs to go, so many done before.
    pub(super) fn new(quiet: bool, to_go: u64, before: u64) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = (!quiet && terminal).then(|| {
            let bar = ProgressBar::with_draw_target(Some(to_go), ProgressDrawTarget::stderr());
            let template = "  {bar:40} {pos}/{len} runs, {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar
        });
        if before > 0 && !quiet {
            terminal::error_line(&format!("{before} runs were done before, {to_go} to go"));
        }
        let told = Mutex::new(Told { done: 0, tenths: 0 });
        #[allow(clippy::disallowed_methods, reason = "this room may read a clock")]
        let begun = Instant::now();
        Self { bar, told, all: to_go, quiet: quiet || terminal, begun }
    }

    /// So many more are done.
    pub(super) fn add(&self, runs: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(runs);
        }
        let mut told = self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        told.done += runs;
        let (done, tenths) = (told.done, told.done * 10 / self.all.max(1));
        let spent = self.begun.elapsed().as_secs_f64();
        if self.quiet || tenths <= told.tenths || spent < A_WHILE_SECS || done >= self.all {
            return;
        }
        told.tenths = tenths;
        let left = (spent / done as f64 * (self.all - done) as f64).ceil();
        let left = crate::report::format::duration(left);
        terminal::error_line(&format!("{done} of {} runs, about {left} left", self.all));
    }

    /// Takes it away.
    pub(super) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
