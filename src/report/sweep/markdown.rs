//! The table for a pull request.

use std::fmt::Write;

use super::{columns, gates, heading, recommendation, short_keys, value};
use crate::report::format::capped;
use crate::study::sweep::SweepResult;

/// Markdown: what to take, the table, the gates. At most 60 kB.
pub fn render_markdown(result: &SweepResult) -> String {
    let mut out = format!("### {}\n\n{}\n\n", heading(result), recommendation(result));
    let mut head: Vec<String> = short_keys(&result.head.keys);
    head.extend(columns(result).iter().map(|(key, q, _)| {
        format!(
            "{} {}",
            key.name().replace('_', " "),
            ["p5", "p25", "p50", "p90", "p95", "p99"][*q]
        )
    }));
    if !result.gates.is_empty() {
        head.push("gates".to_owned());
    }
    let _ = writeln!(out, "| | {} |\n|---|{}", head.join(" | "), "--:|".repeat(head.len()));
    for (place, cell) in result.cells.iter().enumerate() {
        let mut line = result.setting(cell).values.clone();
        line.extend(columns(result).iter().map(|(key, q, _)| value(cell, *key, *q)));
        if !result.gates.is_empty() {
            line.push(gates(cell));
        }
        let mark = match (result.best == Some(place), result.pareto[place]) {
            (true, _) => "▶",
            (false, true) => "·",
            (false, false) => "",
        };
        if result.best == Some(place) {
            for text in &mut line {
                *text = format!("**{text}**");
            }
        }
        let line: Vec<String> = line.iter().map(|text| text.replace('|', "\\|")).collect();
        let _ = writeln!(out, "| {mark} | {} |", line.join(" | "));
    }
    for cell in &result.head.cells {
        if let Some(problem) = &cell.problem {
            let _ = writeln!(out, "\nNot played: {}: {problem}", cell.values.join(", "));
        }
    }
    let _ = write!(
        out,
        "\n▶ taken; · no other setting is better in both `{}` and `{}`.",
        result.goal.expression(),
        result.versus.expression()
    );
    if !result.gates.is_empty() {
        let gates: Vec<String> =
            result.gates.iter().map(|gate| format!("`{}`", gate.text)).collect();
        let _ = write!(out, " Gates: {}.", gates.join(", "));
    }
    let _ = writeln!(
        out,
        " Every setting has the same luck.\n\n<sub>rollcast {}, study {}, seed {}</sub>",
        result.head.version, result.head.study, result.head.seed
    );
    capped(&out)
}

#[cfg(test)]
mod tests {
    use super::render_markdown;
    use crate::report::sweep::tests::result;

    #[test]
    fn the_best_stands_out() {
        let text = render_markdown(&result(5, 1));
        assert!(text.contains("| ▶ | **3** | **3m"), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("| ")).count(), 6);
    }

    #[test]
    fn large_tables_fit_into_a_comment() {
        let text = render_markdown(&result(40, 40));
        assert!(text.len() <= 60_000 && text.ends_with("here.\n"), "{}", text.len());
    }
}
