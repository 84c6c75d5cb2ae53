//! The table for the terminal.

use super::{columns, gates, heading, recommendation, short_keys, value};
use crate::report::format;
use crate::stats::Verdict;
use crate::study::sweep::SweepResult;

/// Columns of a terminal that everybody has.
const WIDTH: usize = 80;

/// A table of at most 80 columns, the settings in their order, and what to take.
pub fn render_text(result: &SweepResult, ascii: bool) -> String {
    let mut lines = vec![head(result)];
    let mut notes = Vec::new();
    for cell in &result.cells {
        let place = lines.len() - 1;
        let mut line = vec![mark(result, place, ascii)];
        line.extend(result.setting(cell).values.iter().cloned());
        line.extend(columns(result).iter().map(|(key, q, _)| value(cell, *key, *q)));
        line.push(gates(cell));
        lines.push(line);
    }
    for cell in &result.head.cells {
        if let Some(problem) = &cell.problem {
            notes.push(format!("not played: {}: {problem}", cell.values.join(", ")));
        }
    }
    let mut out = format!("{}\n\n", fold(&heading(result), ""));
    for line in &fitted(&lines) {
        out.extend([line.trim_end(), "\n"]);
    }
    for note in notes {
        out.extend([&fold(&note, "  "), "\n"]);
    }
    out.extend(["\n", &legend(result, ascii), "\n"]);
    out.extend([&fold(&verdict_line(result), ""), "\n"]);
    out
}

/// How far it came, and what to take.
pub fn verdict_line(result: &SweepResult) -> String {
    let so_far = if result.is_whole() {
        String::new()
    } else {
        format!("So far, {} of {} settings: ", result.cells.len(), result.wanted())
    };
    so_far + &recommendation(result)
}

fn head(result: &SweepResult) -> Vec<String> {
    let mut head = vec![String::new()];
    head.extend(short_keys(&result.head.keys));
    head.extend(columns(result).iter().map(|(.., name)| (*name).to_owned()));
    head.push(if result.gates.is_empty() { String::new() } else { "gates".to_owned() });
    head
}

fn mark(result: &SweepResult, place: usize, ascii: bool) -> String {
    let best = if ascii { ">" } else { "▶" };
    let line = if ascii { "*" } else { "·" };
    let failed = result.cells[place].verdict == Some(Verdict::Fail);
    if result.best == Some(place) {
        best.to_owned()
    } else if result.pareto[place] && !failed {
        line.to_owned()
    } else {
        String::new()
    }
}

fn legend(result: &SweepResult, ascii: bool) -> String {
    let (best, line) = if ascii { (">", "*") } else { ("▶", "·") };
    let failed =
        if columns(result).len() > 3 { "; failed: p95 of the share of requests" } else { "" };
    let text = format!(
        "{best} taken   {line} none is better in both {} and {}\nduration: p50, p95 of runs; \
         lowest: p5 of the fewest serving{failed}",
        result.goal.expression(),
        result.versus.expression(),
    );
    text.lines().map(|line| fold(line, "  ")).collect::<Vec<_>>().join("\n")
}

/// Columns under each other; the widest gives way where a line would be too long.
fn fitted(lines: &[Vec<String>]) -> Vec<String> {
    let columns = lines[0].len();
    let width = |c: usize| lines.iter().map(|line| line[c].chars().count()).max().unwrap_or(0);
    let mut widths: Vec<usize> = (0..columns).map(width).collect();
    let gaps = 2 * (columns - 1);
    while widths.iter().sum::<usize>() + gaps > WIDTH {
        let Some(widest) = (0..columns).max_by_key(|c| widths[*c]) else { break };
        widths[widest] -= 1;
    }
    let row = |line: &Vec<String>| {
        let cells = line.iter().zip(&widths).enumerate().map(|(c, (text, width))| {
            let text = cut(text, *width);
            if c + 1 == columns || c == 0 {
                format!("{text:<width$}")
            } else {
                format!("{text:>width$}")
            }
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    lines.iter().map(row).collect()
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    kept + "~"
}

/// Broken at blanks; further lines begin with `indent`.
fn fold(text: &str, indent: &str) -> String {
    format::wrap(text, WIDTH, indent)
}

#[cfg(test)]
mod tests {
    use super::render_text;
    use crate::report::sweep::tests::result;

    #[test]
    fn fits_a_terminal() {
        for result in [result(5, 1), result(3, 2)] {
            let text = render_text(&result, false);
            assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
            assert!(render_text(&result, true).is_ascii());
        }
        insta::assert_snapshot!(render_text(&result(5, 1), false));
    }

    #[test]
    fn what_is_not_finished_is_told() {
        let mut result = result(4, 1);
        result.cells.pop();
        result.pareto.pop();
        assert!(render_text(&result, false).contains("So far, 3 of 4 settings: batch 3:"));
    }
}
