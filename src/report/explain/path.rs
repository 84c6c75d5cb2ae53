//! The critical path of a run, for the terminal.

use std::fmt::Write;

use super::version;
use crate::report::format;
use crate::study::explain::{Part, Path};
use crate::units::Time;

/// Parts that are shown before the rest is summed up.
const SHOWN: usize = 16;
/// Parts shorter than this share of the whole are not shown by themselves.
const SHORT: f64 = 0.002;

/// What made the run as long as it was; at most 80 columns wide. `run` names it.
pub fn render(path: &Path, run: &str) -> String {
    let whole = path.end.since(path.begun).as_secs_f64();
    let end = match path.said {
        Some(said) => format!("then it says {}", super::said(said)),
        None => "and it has no end".to_owned(),
    };
    let mut page = format!("critical path of {run}: {}, {end}\n\n", format::duration(whole));
    let long: Vec<&Part> =
        path.parts.iter().filter(|p| p.span().as_secs_f64() > whole * SHORT).collect();
    // What made most of it, still in order of time.
    let mut order: Vec<usize> = (0..long.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(long[*i].span()));
    order.truncate(SHOWN);
    order.sort_unstable();
    for i in &order {
        line(&mut page, long[*i], path.begun);
    }
    let rest = path.parts.len() - order.len();
    if rest > 0 {
        let shown: f64 = order.iter().map(|i| long[*i].span().as_secs_f64()).sum();
        let _ = writeln!(page, "  … and {rest} shorter: {}", format::duration(whole - shown));
    }
    let total = |(wait, secs, parts): &(crate::study::explain::Wait, f64, u32)| {
        let waits = if *parts == 1 { String::new() } else { format!(" in {parts}") };
        format!("{} {}{waits}", wait.name(), format::share(secs / whole.max(1e-9)))
    };
    let totals: Vec<String> = path.totals().iter().take(4).map(total).collect();
    let _ = writeln!(page, "\n  in all  {}", totals.join(", "));
    page
}

fn line(page: &mut String, part: &Part, begun: Time) {
    let at = format::duration(part.from.since(begun).as_secs_f64());
    let span = format::duration(part.span().as_secs_f64());
    let whose = match part.instance {
        None => String::new(),
        Some((instance, of)) => format!("instance {instance} ({})", version(of)),
    };
    let last = if part.of > 1 { format!(", the last of {}", part.of) } else { String::new() };
    let _ = writeln!(page, "  {at:>7}  {:<12} {span:>7}  {whose}{last}", part.wait.name());
    let kept = page.trim_end().len();
    page.truncate(kept);
    page.push('\n');
}
