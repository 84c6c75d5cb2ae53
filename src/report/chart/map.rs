//! Chart 6: the goal over two keys, and where the gates break.

use super::canvas::{Anchor, Canvas, Pen, Type};
use super::frame::{Drawing, Words, document};
use super::palette::{BAD, FAINT, INK, STARTING};
use super::{message, tradeoff};
use crate::report::{format, sweep};
use crate::stats::Verdict;
use crate::study::sweep::{CellResult, SweepResult};

const LEFT: f64 = 190.0;
const RIGHT: f64 = 1550.0;
const TOP: f64 = 150.0;
const BOTTOM: f64 = 800.0;

/// Draws it.
pub(super) fn draw(result: &SweepResult) -> Drawing {
    let words = words(result);
    if result.head.keys.len() != 2 {
        let lines = ["A map needs two keys: --vary one=… --vary other=…".to_owned()];
        return message::draw(&words, &lines);
    }
    let canvas = Canvas::default();
    let columns = values(result, 0);
    let rows = values(result, 1);
    let size = ((RIGHT - LEFT) / columns.len() as f64, (BOTTOM - TOP) / rows.len() as f64);
    let corner = |column: usize, row: usize| {
        (LEFT + size.0 * column as f64, BOTTOM - size.1 * (row as f64 + 1.0))
    };
    let at = |column: usize, row: usize| cell_at(result, &columns[column], &rows[row]);
    let range = range(result);
    for column in 0..columns.len() {
        for row in 0..rows.len() {
            draw_cell(&canvas, result, at(column, row), (corner(column, row), size), range);
        }
    }
    contour(&canvas, &columns, &rows, &at, &corner, size);
    labels(&canvas, result, (&columns, &rows), size);
    document(&canvas, &words)
}

/// The values of a key in the order in which they were written.
fn values(result: &SweepResult, key: usize) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for cell in &result.head.cells {
        if !all.contains(&cell.values[key]) {
            all.push(cell.values[key].clone());
        }
    }
    all
}

fn cell_at<'a>(result: &'a SweepResult, x: &str, y: &str) -> Option<(usize, &'a CellResult)> {
    let here = |cell: &&CellResult| result.setting(cell).values == [x, y];
    let place = result.cells.iter().position(|cell| here(&cell))?;
    Some((place, &result.cells[place]))
}

/// Smallest and largest number of the goal.
fn range(result: &SweepResult) -> (f64, f64) {
    let all = result.cells.iter().filter_map(|cell| cell.goal).map(|goal| goal.value);
    all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
}

fn draw_cell(
    canvas: &Canvas,
    result: &SweepResult,
    cell: Option<(usize, &CellResult)>,
    (corner, size): ((f64, f64), (f64, f64)),
    (low, high): (f64, f64),
) {
    let middle = (corner.0 + size.0 / 2.0, corner.1 + size.1 / 2.0);
    let text_size = (size.0 / 5.5).min(size.1 / 2.2).min(30.0);
    let Some((place, cell)) = cell else {
        canvas.rect(corner, size, STARTING);
        return;
    };
    let Some(goal) = cell.goal else {
        canvas.rect(corner, size, BAD);
        return;
    };
    let share = if high > low { (goal.value - low) / (high - low) } else { 0.0 };
    let (fill, dark) = shade(share);
    canvas.rect(corner, size, &fill);
    if cell.verdict == Some(Verdict::Fail) {
        canvas.rect(corner, size, BAD);
    }
    if text_size >= 9.0 {
        let mut text = format::value(goal.value, result.goal.unit());
        if cell.verdict == Some(Verdict::Undecided) {
            text.push('?');
        }
        let failing = cell.verdict == Some(Verdict::Fail);
        let color = if dark && !failing { "#ffffff" } else { INK };
        let look = Type { halo: failing, ..Type::plain(text_size, color, Anchor::Middle) };
        canvas.text((middle.0, middle.1 + text_size * 0.36), look, &text);
    }
    if result.best == Some(place) {
        let inset = 5.0;
        let (left, top) = (corner.0 + inset, corner.1 + inset);
        let (right, bottom) = (corner.0 + size.0 - inset, corner.1 + size.1 - inset);
        let frame = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
        canvas.line(&frame, Pen { color: "#ffffff", width: 9.0, dash: &[] });
        canvas.line(&frame, Pen { color: INK, width: 5.0, dash: &[] });
    }
}

/// From pale to deep blue, and whether text on it must be white.
fn shade(share: f64) -> (String, bool) {
    let (pale, deep) = ([232.0, 241.0, 250.0], [36.0, 101.0, 176.0]);
    let mix = |i: usize| (pale[i] + (deep[i] - pale[i]) * share).round() as u8;
    (format!("#{:02x}{:02x}{:02x}", mix(0), mix(1), mix(2)), share > 0.55)
}

/// The border between settings that keep all gates and those that do not.
fn contour<'a>(
    canvas: &Canvas,
    columns: &[String],
    rows: &[String],
    at: &dyn Fn(usize, usize) -> Option<(usize, &'a CellResult)>,
    corner: &dyn Fn(usize, usize) -> (f64, f64),
    size: (f64, f64),
) {
    let holds = |column: usize, row: usize| at(column, row).map(|(_, cell)| cell.is_feasible());
    let pen = Pen { color: INK, width: 6.0, dash: &[] };
    for column in 0..columns.len() {
        for row in 0..rows.len() {
            let (x, y) = corner(column, row);
            let Some(here) = holds(column, row) else { continue };
            let right = (column + 1 < columns.len()).then(|| holds(column + 1, row)).flatten();
            if right.is_some_and(|other| other != here) {
                canvas.line(&[(x + size.0, y), (x + size.0, y + size.1)], pen);
            }
            let above = (row + 1 < rows.len()).then(|| holds(column, row + 1)).flatten();
            if above.is_some_and(|other| other != here) {
                canvas.line(&[(x, y), (x + size.0, y)], pen);
            }
        }
    }
}

fn labels(
    canvas: &Canvas,
    result: &SweepResult,
    (columns, rows): (&[String], &[String]),
    size: (f64, f64),
) {
    let every = |count: usize, room: f64| ((count as f64 * room) as usize).max(1);
    let step = every(columns.len(), 110.0 / (RIGHT - LEFT));
    for (i, value) in columns.iter().enumerate().step_by(step) {
        let at = (LEFT + size.0 * (i as f64 + 0.5), BOTTOM + 34.0);
        canvas.text(at, Type::plain(25.0, INK, Anchor::Middle), value);
    }
    let step = every(rows.len(), 34.0 / (BOTTOM - TOP));
    for (i, value) in rows.iter().enumerate().step_by(step) {
        let at = (LEFT - 14.0, BOTTOM - size.1 * (i as f64 + 0.5) + 9.0);
        canvas.text(at, Type::plain(25.0, INK, Anchor::End), value);
    }
    let keys = sweep::short_keys(&result.head.keys);
    let look = Type::plain(27.0, FAINT, Anchor::Middle);
    canvas.text((f64::midpoint(LEFT, RIGHT), BOTTOM + 76.0), look, &keys[0]);
    let look = Type::plain(27.0, FAINT, Anchor::Start);
    canvas.text((40.0, TOP - 12.0), look, &format!("{} (upwards)", keys[1]));
}

fn words(result: &SweepResult) -> Words {
    let gates = if result.gates.is_empty() {
        ""
    } else {
        " Hatched: a gate fails; ?: undecided; thick line: the border of all gates."
    };
    Words {
        title: format!("{}: {}", result.head.name, tradeoff::title(&result.goal)),
        subtitle: sweep::recommendation(result),
        caption: format!(
            "A cell is a setting over {} runs with the same luck; the darker, the larger. Framed: \
             taken; pale stripes: not played.{gates}",
            format::count(u64::from(result.head.runs))
        ),
        x: String::new(),
        y: String::new(),
        right: None,
    }
}
