//! What studies promise, held against cases with exact answers: intervals, stopping, selection,
//! rare events.

mod coverage;
mod law;
mod rare;
mod select;

use std::fmt::Write as _;

/// One promise and how it was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Promise {
    /// Of what.
    pub what: &'static str,
    /// On which case.
    pub case: String,
    /// What is asked.
    pub asked: String,
    /// The number.
    pub measured: f64,
    /// Its 99 % interval, if it is a share of repetitions.
    pub interval: Option<(f64, f64)>,
    /// Repetitions.
    pub repeats: u32,
    /// Whether what is asked holds.
    pub holds: bool,
}

/// Makes the table; `full`: with all repetitions, in minutes.
pub fn studies(full: bool) -> Vec<Promise> {
    let mut all = coverage::promises(full);
    all.extend(select::promises(full));
    all.extend(rare::promises(full));
    all
}

/// A share of repetitions with its 99 % interval (Wilson).
fn share(hits: u32, repeats: u32) -> (f64, (f64, f64)) {
    let (n, p) = (f64::from(repeats), f64::from(hits) / f64::from(repeats));
    let square = 2.575_829_303_549_f64.powi(2);
    let scale = 1.0 + square / n;
    let half = (square * (p * (1.0 - p) / n + square / (4.0 * n * n))).sqrt();
    let centre = p + square / (2.0 * n);
    (p, (((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0)))
}

/// The table as Markdown.
pub fn markdown(promises: &[Promise]) -> String {
    let broken = promises.iter().filter(|promise| !promise.holds).count();
    let mut text = format!(
        "# What studies promise\n\nMade by `rollcast validate --only studies`.\n\n**{} promises, \
         {broken} broken.** Brackets: 99 % intervals over repetitions. `docs/guarantees.md` says \
         what each promise covers.\n\n| what | case | asked | measured | repetitions | |\n\
         |---|---|---|--:|--:|---|\n",
        promises.len()
    );
    for promise in promises {
        let brackets = promise
            .interval
            .map_or_else(String::new, |(low, high)| format!(" [{low:.4}, {high:.4}]"));
        let number = if promise.interval.is_some() {
            format!("{:.4}", promise.measured)
        } else {
            format!("{:.3}", promise.measured)
        };
        let verdict = if promise.holds { "holds" } else { "BROKEN" };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {number}{brackets} | {} | {verdict} |",
            promise.what, promise.case, promise.asked, promise.repeats
        );
    }
    text
}

/// The table as CSV.
pub fn csv(promises: &[Promise]) -> String {
    let mut text = "what,case,asked,measured,low,high,repetitions,holds\n".to_owned();
    for Promise { what, case, asked, measured, interval, repeats, holds } in promises {
        let ends =
            interval.map_or_else(|| ",".to_owned(), |(low, high)| format!("{low:.6},{high:.6}"));
        let _ = writeln!(
            text,
            "\"{what}\",\"{case}\",\"{asked}\",{measured:.6},{ends},{repeats},{holds}"
        );
    }
    text
}
