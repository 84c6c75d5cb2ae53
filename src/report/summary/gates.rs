//! Gates: each with what was found next to its limit, and why.

use super::style::{Style, word};
use crate::report::format;
use crate::scenario::gate::{Bound, Measure};
use crate::stats::{GateResult, Verdict};
use crate::study::SimResult;

/// More than these would push the numbers off the screen.
const MAX: usize = 4;
/// Width of mark and word.
const MARK: usize = 11;

/// `1 of 3 gates fails, 1 undecided`.
pub(super) fn count(result: &SimResult) -> String {
    let of = |v: Verdict| result.gates.iter().filter(|g| g.verdict == v).count();
    let all = result.gates.len();
    let gates = if all == 1 { "gate" } else { "gates" };
    let (failed, open) = (of(Verdict::Fail), of(Verdict::Undecided));
    match (failed, open) {
        (0, 0) if all == 1 => "the gate holds".into(),
        (0, 0) => format!("all {all} gates hold"),
        (0, _) if all == 1 => "the gate is undecided".into(),
        (0, open) => format!("{open} of {all} {gates} undecided"),
        (_, 0) if all == 1 => "the gate failed".into(),
        (failed, 0) => format!("{failed} of {all} {gates} failed"),
        (failed, open) => format!("{failed} of {all} {gates} failed, {open} undecided"),
    }
}

/// One line a gate, those that do not pass first if not all fit; a reason that does not fit
/// beside its gate goes below it while there are `spare` lines in all.
pub(super) fn lines(result: &SimResult, style: &Style, spare: usize) -> Vec<String> {
    let mut shown: Vec<&GateResult> = result.gates.iter().collect();
    let mut hidden = 0;
    if shown.len() > MAX {
        shown.sort_by_key(|g| u8::from(g.verdict == Verdict::Pass));
        hidden = shown.len() - (MAX - 1);
        shown.truncate(MAX - 1);
    }
    let text = shown.iter().map(|g| name(g).chars().count()).max().unwrap_or(0);
    let found = shown.iter().map(|g| found(g).chars().count()).max().unwrap_or(0);
    let mut spare = spare.saturating_sub(shown.len() + usize::from(hidden > 0));
    let mut lines = Vec::new();
    for gate in shown {
        let why = why(gate);
        let used = 2 + MARK + 2 + text + 2 + found + 2;
        let beside = used + why.chars().count() <= style.columns();
        let below = !beside && spare > 0 && gate.verdict != Verdict::Pass;
        lines.push(line(gate, style, (text, found), if below { "" } else { &why }));
        if below {
            spare -= 1;
            lines.push(format!("{}{why}", " ".repeat(2 + MARK + 2)));
        }
    }
    if hidden > 0 {
        lines.push(format!("  … and {hidden} more, in the JSON result"));
    }
    lines
}

fn line(
    gate: &GateResult,
    style: &Style,
    (text, found_width): (usize, usize),
    why: &str,
) -> String {
    let mark = format!("{} {:<9}", Style::mark(gate.verdict), word(gate.verdict));
    let mark = style.paint(gate.verdict, &mark);
    let name = name(gate);
    let found = found(gate);
    format!("  {mark}  {name:<text$}  {found:<found_width$}  {why}")
}

/// The gate as written; a share of instances with what it comes to.
fn name(gate: &GateResult) -> String {
    match gate.gate.limit {
        Bound::Absolute(_) => gate.gate.text.clone(),
        Bound::OfInstances(_) => {
            format!("{} (= {})", gate.gate.text, format::number(gate.limit))
        }
    }
}

/// The value with its interval, if that says more.
fn found(gate: &GateResult) -> String {
    let unit = gate.gate.outcome.unit();
    let [value, low, high] =
        [gate.value.value, gate.value.low, gate.value.high].map(|v| format::value(v, unit));
    // Too few runs say nothing of that side.
    let [low, high] = [low, high].map(|v| if v == "-" { "?".to_owned() } else { v });
    if low == value && high == value { value } else { format!("{value} [{low}, {high}]") }
}

fn why(gate: &GateResult) -> String {
    if let Some(note) = &gate.note {
        return note.clone();
    }
    match (gate.gate.measure, gate.share) {
        (Measure::InRuns(_), Some(share)) => {
            format!("holds in {} of runs", format::share(share.value))
        }
        _ => String::new(),
    }
}
