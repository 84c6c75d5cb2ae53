//! Serving instances over time as a picture of characters.

use super::style::Style;
use crate::report::format;
use crate::scenario::OutcomeKey;
use crate::study::SimResult;

const ROWS: usize = 4;
const LEFT: usize = 15;
/// Fillings of a cell in eighths.
const EIGHTHS: [char; 8] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇'];

/// The rows, the axis with its times, and what the shades mean.
pub(super) fn lines(result: &SimResult, style: &Style) -> Vec<String> {
    let bands = &result.bands;
    let (Some(first), Some(last)) = (bands.t_s.first(), bands.t_s.last()) else {
        return Vec::new();
    };
    let duration = result.summary(OutcomeKey::Duration);
    let end = duration.map_or(*last, |s| (s.quantiles[4].value * 1.1).min(*last));
    let from = first.max(-end * 0.04);
    let columns = style.columns() - LEFT - 2;
    let desired = f64::from(result.scenario.service.instances);
    let top = bands.p95.iter().copied().fold(desired, f64::max);
    let cells: Vec<[f64; 3]> = (0..columns)
        .map(|c| {
            let edge = |c: usize| from + (end - from) * c as f64 / columns as f64;
            column(result, edge(c), edge(c + 1))
        })
        .collect();
    let mut lines: Vec<String> = (0..ROWS)
        .map(|row| {
            let label = if row == 0 { format::number(top) } else { String::new() };
            let text: String = cells
                .iter()
                .map(|c| cell(c.map(|v| v / top * ROWS as f64), ROWS - 1 - row))
                .collect();
            let name = if row == 0 { "  serving" } else { "" };
            format!("{name:<9}{label:>width$} ┤{text}", width = LEFT - 10)
        })
        .collect();
    lines.push(axis(from, end, columns));
    let key = "█ at least so many in 95% of runs   ▒ in half of them   ░ in 5%";
    lines.push(format!("{}{key}", " ".repeat(LEFT + 1)));
    lines
}

/// 5 %, 50 % and 95 % quantile over runs in a span of time: the lowest of each.
fn column(result: &SimResult, from: f64, to: f64) -> [f64; 3] {
    let bands = &result.bands;
    // The value that holds at `from` counts too.
    let first = bands.t_s.partition_point(|t| *t <= from).saturating_sub(1);
    let last = bands.t_s.partition_point(|t| *t < to).max(first + 1);
    let low = |v: &[f64]| v[first..last.min(v.len())].iter().copied().fold(f64::MAX, f64::min);
    [low(&bands.p5), low(&bands.p50), low(&bands.p95)]
}

/// The character of the cell between heights `row` and `row` + 1.
fn cell([p5, p50, p95]: [f64; 3], row: usize) -> char {
    let row = row as f64;
    if p5 >= row + 1.0 - 1e-9 {
        '█'
    } else if p50 >= row + 0.5 {
        // Part of the cell is certain, the median covers more.
        if p5 > row && p5 >= p50 - 0.06 { EIGHTHS[eighths(p5 - row)] } else { '▒' }
    } else if p95 >= row + 0.5 {
        '░'
    } else {
        EIGHTHS[eighths(p5 - row)]
    }
}

fn eighths(part: f64) -> usize {
    ((part * 8.0).round().max(0.0) as usize).min(7)
}

/// The time axis with a label at each whole step of the clock.
fn axis(from: f64, to: f64, columns: usize) -> String {
    const STEPS: [f64; 14] =
        [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0];
    let step = STEPS.into_iter().find(|s| (to - from) / s <= columns as f64 / 9.0);
    let step = step.unwrap_or((to - from) / 8.0);
    let mut line: Vec<char> = " ".repeat(columns + 1).chars().collect();
    line[0] = '┼';
    line[1..].fill('─');
    let mut t = 0.0;
    while t < to {
        let at = 1 + ((t - from) / (to - from) * columns as f64) as usize;
        let label = format!("┬{}", format::duration(t));
        if at + label.chars().count() <= line.len() {
            for (i, c) in label.chars().enumerate() {
                line[at + i] = c;
            }
        }
        t += step;
    }
    let line: String = line.into_iter().collect();
    format!("{:>width$} {line}", "0", width = LEFT - 1)
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn cells_show_certainty_first() {
        assert_eq!(cell([2.0, 2.0, 2.0], 1), '█');
        assert_eq!(cell([1.5, 1.5, 2.0], 1), '▄');
        assert_eq!(cell([1.0, 2.0, 2.0], 1), '▒');
        assert_eq!(cell([1.0, 1.0, 2.0], 1), '░');
        assert_eq!(cell([0.0, 0.0, 0.0], 0), ' ');
    }
}
