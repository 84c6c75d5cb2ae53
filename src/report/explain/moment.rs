//! One moment of a run, for the terminal.

use std::fmt::Write;

use super::{said, version};
use crate::report::format;
use crate::study::explain::At;
use crate::study::explain::moment::Missing;
use crate::trace::Phase;

/// Instances that are named one by one.
const NAMED: usize = 12;

/// Who serves and who does not, and why; at most 80 columns wide.
pub fn render(at: &At, run: &str) -> String {
    let secs = at.at.since(at.begun).as_secs_f64();
    let serving = at.serving[0] + at.serving[1];
    let mut page = format!(
        "{} into {run}: {serving} serving, {} wanted\n\n",
        format::duration(secs),
        at.desired
    );
    let [old, new] = at.serving;
    let _ = writeln!(page, "  serving   {old} old, {new} new");
    let word = at.said.map_or("nothing yet", said);
    let batch = at.batch.map_or(String::new(), |batch| format!(", batch {batch}"));
    let _ = writeln!(page, "  it says   {word}{batch}");
    if at.missing.is_empty() {
        let _ = writeln!(page, "  missing   nobody: all that exist serve");
    }
    for (i, missing) in at.missing.iter().take(NAMED).enumerate() {
        let head = if i == 0 { "missing" } else { "" };
        let _ = writeln!(page, "  {head:<8}  {}", sentence(missing, at));
    }
    let rest = at.missing.len().saturating_sub(NAMED);
    if rest > 0 {
        let _ = writeln!(page, "            … and {rest} more");
    }
    if let Some((when, phase, count)) = at.next {
        let after = format::duration(when.since(at.at).as_secs_f64());
        let who = if count == 1 { "an instance".to_owned() } else { format!("{count} instances") };
        let _ = writeln!(page, "  next      in {after}: {who} {}", becomes(phase));
    }
    page
}

fn sentence(missing: &Missing, at: &At) -> String {
    let since = format::duration(at.at.since(missing.since).as_secs_f64());
    let state = match missing.phase {
        Phase::Pending => "waits for a place",
        Phase::Starting => "starting",
        Phase::Ready | Phase::Available => "ready, not in rotation everywhere",
        Phase::Draining => "told to stop",
        Phase::Failed => "crashed",
        Phase::Stopped | Phase::Lost => "gone",
    };
    let then = match missing.serves_from {
        Some(from) => {
            let ahead = format::duration(from.since(at.at).as_secs_f64());
            format!("serves in {ahead}")
        }
        None if missing.phase == Phase::Draining => "leaves".to_owned(),
        None => "never serves".to_owned(),
    };
    format!("{} ({}): {state} for {since}, {then}", missing.instance, version(missing.version))
}

fn becomes(phase: Phase) -> &'static str {
    match phase {
        Phase::Pending => "asked for",
        Phase::Starting => "placed",
        Phase::Ready => "ready",
        Phase::Available => "counted as available",
        Phase::Draining => "told to stop",
        Phase::Stopped => "gone",
        Phase::Failed => "crashed",
        Phase::Lost => "lost with its host",
    }
}
