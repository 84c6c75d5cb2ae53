//! What two rollouts under the same luck differ in: as text and as Markdown.

use std::fmt::Write;

use super::format;
use crate::scenario::Unit;
use crate::study::SimResult;
use crate::study::compare::{Comparison, Difference};

/// A table of at most 80 columns: means over pairs of runs, their difference, what it means.
pub fn render_text(names: (&str, &str), compared: &Comparison) -> String {
    let head = ["", names.0, names.1, "difference [95%]", ""];
    let mut lines = vec![head.map(|text| short(text, 16))];
    lines.extend(compared.differences.iter().map(row));
    let width = |c: usize| lines.iter().map(|line| line[c].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..5).map(width).collect();
    let mut out = String::new();
    for line in &lines {
        let [name, first, second, difference, change] = line;
        let text = format!(
            "{name:<0$}  {first:>1$}  {second:>2$}  {difference:>3$}  {change}",
            widths[0], widths[1], widths[2], widths[3]
        );
        let _ = writeln!(out, "{}", text.trim_end());
    }
    out + &broken(compared, names.1) + "Means over pairs of runs with the same luck.\n"
}

fn row(of: &Difference) -> [String; 5] {
    let unit = of.key.unit();
    [
        short(of.key.name(), 16),
        value(of.first, unit),
        value(of.second, unit),
        interval(of),
        of.change.name().to_owned(),
    ]
}

fn value(value: f64, unit: Unit) -> String {
    match unit {
        Unit::InstanceSeconds => format::number(value),
        unit => format::value(value, unit),
    }
}

/// `-53s [-56s, -50s]`.
fn interval(of: &Difference) -> String {
    let signed = |v: f64| {
        let text = value(v.abs(), of.key.unit());
        match v {
            v if v > 0.0 => format!("+{text}"),
            v if v < 0.0 => format!("-{text}"),
            _ => text,
        }
    };
    let d = &of.difference;
    if d.low == d.high {
        return signed(d.value);
    }
    format!("{} [{}, {}]", signed(d.value), signed(d.low), signed(d.high))
}

fn short(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width - 1).collect::<String>() + "~"
}

fn broken(compared: &Comparison, name: &str) -> String {
    if compared.broken.is_empty() {
        return String::new();
    }
    format::wrap(&format!("{name} breaks: {}", compared.broken.join("; ")), 80, "  ") + "\n"
}

/// Markdown for a pull request: what changed, and what it means.
pub fn render_markdown(names: (&str, &str), compared: &Comparison) -> String {
    let cell = |text: &str| text.replace('|', "\\|");
    let mut out = format!(
        "| | {} | {} | difference [95%] | |\n|---|--:|--:|--:|---|\n",
        cell(names.0),
        cell(names.1)
    );
    for of in &compared.differences {
        let [_, first, second, difference, change] = row(of);
        let name = of.key.name();
        let _ = writeln!(out, "| {name} | {first} | {second} | {difference} | {change} |");
    }
    let _ = writeln!(out, "\nMeans over pairs of runs with the same luck.");
    for gate in &compared.broken {
        let _ = writeln!(out, "\n**{} breaks** `{gate}`", cell(names.1));
    }
    format::capped(&out)
}

/// Markdown of one result: verdict, gates, the screen; with a comparison if there is one.
pub fn render_summary(result: &SimResult, compared: Option<(&str, &Comparison)>) -> String {
    let mut out = format!("### {}\n\n", super::summary::verdict_line(result));
    if !result.gates.is_empty() {
        out += "| gate | verdict | value | |\n|---|---|--:|---|\n";
        for gate in &result.gates {
            let value = format::value(gate.value.value, gate.gate.outcome.unit());
            let note = gate.note.as_deref().unwrap_or("").replace('|', "\\|");
            let verdict = match gate.verdict {
                crate::stats::Verdict::Pass => "pass",
                crate::stats::Verdict::Fail => "**FAIL**",
                crate::stats::Verdict::Undecided => "undecided",
            };
            let _ = writeln!(out, "| `{}` | {verdict} | {value} | {note} |", gate.gate.text);
        }
        out.push('\n');
    }
    if let Some((base, compared)) = compared {
        let _ = writeln!(out, "{}", render_markdown((base, "this"), compared));
    }
    let style = super::Style { width: 80, ascii: false, color: false };
    let screen = super::summary::render(result, &style);
    let _ = writeln!(out, "<details><summary>details</summary>\n\n```text\n{screen}```\n");
    let _ = writeln!(out, "</details>\n\n<sub>rollcast {}</sub>", env!("CARGO_PKG_VERSION"));
    format::capped(&out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn differences_fit_a_terminal() {
        let (a, b) = (fixture::batches(), fixture::kubernetes());
        let compared = Comparison::new(&a, &b, 0.0);
        let text = render_text(("base", "a-long-name-of-another-scenario"), &compared);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("duration") && text.contains("serving_min"), "{text}");
    }

    #[test]
    fn summaries_have_gates_and_the_comparison() {
        let result = fixture::batches();
        let compared = Comparison::new(&result, &result, 0.0);
        let text = render_summary(&result, Some(("base", &compared)));
        assert!(text.contains("| gate | verdict |") && text.contains("no difference"), "{text}");
        assert!(text.contains("```text\n") && text.len() < 60_000);
    }
}
