//! Serving instances over time as a picture of characters.

use super::style::Style;
use crate::outcome::Point;
use crate::report::format;
use crate::scenario::OutcomeKey;
use crate::study::SimResult;
use crate::units::Span;

/// Rows of the plane, as many as there is room for.
const ROWS: std::ops::RangeInclusive<usize> = 3..=5;
/// Lines beside them.
const OTHERS: usize = 3;
const LEFT: usize = 15;
/// A line at the bottom, in the middle, or at the top of a cell: three heights a row.
const LINE: [char; 3] = ['▁', '─', '▔'];
/// Fillings of a cell in eighths.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What the signs mean, the rows, the axis with its times, and how far the new version is;
/// in about `room` lines.
pub(super) fn lines(result: &SimResult, style: &Style, room: usize) -> Vec<String> {
    let bands = &result.bands;
    let (Some(first), Some(last)) = (bands.t_s.first(), bands.t_s.last()) else {
        return Vec::new();
    };
    let duration = result.summary(OutcomeKey::Duration);
    let end = duration.map_or(*last, |s| (s.quantiles[4].value * 1.1).min(*last));
    let from = first.max(-end * 0.04);
    let columns = style.columns() - LEFT - 2;
    let edge = |c: usize| from + (end - from) * c as f64 / columns as f64;
    let desired = f64::from(result.scenario.service.instances);
    let top = bands.p95.iter().copied().fold(desired, f64::max);
    let values: Vec<[f64; 3]> =
        (0..columns).map(|c| column(result, edge(c), edge(c + 1))).collect();
    let gate = result.gates.iter().find(|g| g.gate.outcome == OutcomeKey::ServingMin);
    let gate = gate.map(|g| g.limit).filter(|limit| (0.0..=top).contains(limit));
    let rows = room.saturating_sub(OTHERS).clamp(*ROWS.start(), *ROWS.end());
    let plane = Plane { rows, top };
    let mut lines = vec![signs(gate)];
    lines.extend(plane.draw(&values, gate).into_iter().enumerate().map(|(row, text)| {
        let label = plane.label(rows - 1 - row, desired, gate);
        format!("{label:>width$} ┤{text}", width = LEFT - 1)
    }));
    lines.push(axis(from, end, columns));
    let new: String = (0..columns).map(|c| progress(result, edge(c + 1))).collect();
    lines.push(format!("  {:<12}  {new}", "new version"));
    lines
}

fn signs(gate: Option<f64>) -> String {
    let gate = gate.map_or(String::new(), |g| format!("   ╌ gate {}", format::number(g)));
    format!("  serving       ▔─▁ median over runs   ░ p5 to p95{gate}")
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

/// Heights from 0 to `top` on so many rows.
#[derive(Debug, Clone, Copy)]
struct Plane {
    rows: usize,
    top: f64,
}

impl Plane {
    /// The height of a line, in thirds of a row from the bottom.
    fn height(self, value: f64) -> usize {
        let thirds = self.rows * 3;
        ((value / self.top * thirds as f64).round().max(1.0) as usize).min(thirds) - 1
    }

    /// The rows from the top: the band, the gate, and the median line over both.
    fn draw(self, values: &[[f64; 3]], gate: Option<f64>) -> Vec<String> {
        let mut rows = vec![vec![' '; values.len()]; self.rows];
        let scale = self.rows as f64 / self.top;
        let mut before = None;
        for (c, [p5, p50, p95]) in values.iter().enumerate() {
            for (row, cells) in rows.iter_mut().enumerate() {
                let middle = row as f64 + 0.5;
                if p5 * scale < middle && middle < p95 * scale {
                    cells[c] = '░';
                }
            }
            if let Some(gate) = gate {
                let cell = &mut rows[self.height(gate) / 3][c];
                *cell = if *cell == ' ' { '╌' } else { *cell };
            }
            let line = self.height(*p50);
            let from = before.unwrap_or(line) / 3;
            // A jump is drawn through, so that the line does not fall apart.
            for cells in &mut rows[from.min(line / 3)..=from.max(line / 3)] {
                cells[c] = '│';
            }
            rows[line / 3][c] = LINE[line % 3];
            before = Some(line);
        }
        rows.iter().rev().map(|cells| cells.iter().collect()).collect()
    }

    /// What is written at a row of the axis: the wish before the gate before the top.
    fn label(self, row: usize, desired: f64, gate: Option<f64>) -> String {
        let at = |value: f64| self.height(value) / 3 == row;
        match gate {
            _ if at(desired) => format::number(desired),
            Some(gate) if at(gate) => format!("gate {}", format::number(gate)),
            _ if at(self.top) => format::number(self.top),
            _ => String::new(),
        }
    }
}

/// How much of what serves is new in the median run at a time, as a bar.
fn progress(result: &SimResult, t: f64) -> char {
    let series = &result.median.series;
    let offset = Span::from_secs_f64(t.abs());
    let at = if t < 0.0 { series.begun.before(offset) } else { series.begun + offset };
    let Point { serving_old, serving_new, .. } = series.at(at.min(series.end));
    if serving_new == 0 {
        return EIGHTHS[0];
    }
    let share = f64::from(serving_new) / f64::from(serving_old + serving_new);
    // Full and empty only if they are.
    let eighths = if serving_old == 0 { 8 } else { (share * 8.0).round().clamp(1.0, 7.0) as usize };
    EIGHTHS[eighths]
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
    use super::Plane;

    #[test]
    fn a_dip_of_one_in_fifteen_shows() {
        let plane = Plane { rows: 5, top: 15.0 };
        let rows = plane.draw(&[[12.0; 3], [11.0; 3], [12.0; 3], [15.0; 3]], Some(9.0));
        assert_eq!(rows, ["   ▔", "▔─▔│", "╌╌╌╌", "    ", "    "]);
    }

    #[test]
    fn the_band_lies_behind_the_line() {
        let rows = Plane { rows: 4, top: 10.0 }.draw(&[[0.0, 5.0, 10.0], [10.0; 3]], None);
        assert_eq!(rows, ["░▔", "░│", "▔│", "░ "]);
    }

    #[test]
    fn the_axis_names_what_matters() {
        let plane = Plane { rows: 5, top: 15.0 };
        let labels: Vec<String> =
            (0..5).rev().map(|row| plane.label(row, 12.0, Some(9.0))).collect();
        assert_eq!(labels, ["15", "12", "gate 9", "", ""]);
    }
}
