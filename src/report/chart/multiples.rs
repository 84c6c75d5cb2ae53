//! Small multiples: what each outcome does along the first key, a line for each value of the
//! others.

use super::canvas::{Anchor, Canvas, Mark, Pen, Type};
use super::frame::{Drawing, Words, document};
use super::palette::{CAUSES, FAINT, INK, NEW, OLD};
use crate::report::compare::KEYS;
use crate::report::{format, sweep};
use crate::scenario::OutcomeKey;
use crate::study::sweep::{CellResult, SweepResult};

const PANELS: [(f64, f64); 4] = [(130.0, 190.0), (930.0, 190.0), (130.0, 560.0), (930.0, 560.0)];
const WIDTH: f64 = 620.0;
const HEIGHT: f64 = 265.0;
/// Indices of p5, p50 and p95 among the quantiles of a summary.
const SPREAD: [usize; 3] = [0, 2, 4];
const COLORS: [&str; 6] = [NEW, CAUSES[1], CAUSES[2], CAUSES[0], OLD, CAUSES[3]];

/// Settings that differ in the first key alone.
type Line<'a> = (String, Vec<(usize, &'a CellResult)>);

/// Draws it.
pub(super) fn draw(result: &SweepResult) -> Drawing {
    let canvas = Canvas::default();
    let mut columns: Vec<&str> = Vec::new();
    for cell in &result.head.cells {
        if !columns.contains(&cell.values[0].as_str()) {
            columns.push(&cell.values[0]);
        }
    }
    let lines = lines(result, &columns);
    for (key, at) in KEYS.iter().zip(PANELS) {
        panel(&canvas, *key, at, (&columns, &lines));
        let name = &sweep::short_keys(&result.head.keys)[0];
        let look = Type::plain(22.0, FAINT, Anchor::End);
        canvas.text((at.0 + WIDTH, at.1 + HEIGHT + 52.0), look, name);
    }
    let shown = lines.len().min(COLORS.len());
    if lines.len() > 1 {
        let mut x = 130.0;
        for ((name, _), color) in lines.iter().zip(COLORS) {
            canvas.rect((x, 128.0), (30.0, 12.0), color);
            canvas.text((x + 38.0, 142.0), Type::plain(22.0, INK, Anchor::Start), name);
            x += 60.0 + super::canvas::text_width(name, 22.0);
        }
    }
    let hidden = match lines.len() - shown {
        0 => String::new(),
        n => format!(" {n} more combinations of the other keys are not drawn."),
    };
    let runs = format::count(u64::from(result.head.runs));
    let words = Words {
        title: format!("{}: what {} does", result.head.name, result.head.keys[0]),
        subtitle: sweep::recommendation(result),
        caption: format!(
            "Dot: median over {runs} runs of a setting; bar: middle 90% of runs. Each panel begins \
             at 0.{hidden}"
        ),
        x: String::new(),
        y: String::new(),
        right: None,
    };
    document(&canvas, &words)
}

fn lines<'a>(result: &'a SweepResult, columns: &[&str]) -> Vec<Line<'a>> {
    let keys = sweep::short_keys(&result.head.keys);
    let name = |values: &[String]| {
        let others = keys.iter().zip(values).skip(1);
        others.map(|(k, v)| format!("{k} {v}")).collect::<Vec<_>>().join(", ")
    };
    let mut lines: Vec<Line<'a>> = Vec::new();
    // In the order in which the values were written, whatever is played.
    for head in &result.head.cells {
        let name = name(&head.values);
        if !lines.iter().any(|(of, _)| *of == name) {
            lines.push((name, Vec::new()));
        }
    }
    for cell in &result.cells {
        let values = &result.setting(cell).values;
        let column = columns.iter().position(|value| *value == values[0]).unwrap_or(0);
        let name = name(values);
        if let Some((_, points)) = lines.iter_mut().find(|(of, _)| *of == name) {
            points.push((column, cell));
        }
    }
    lines.retain(|(_, points)| !points.is_empty());
    lines
}

fn panel(
    canvas: &Canvas,
    key: OutcomeKey,
    (left, top): (f64, f64),
    (columns, lines): (&[&str], &[Line<'_>]),
) {
    let name = key.name().replace('_', " ");
    let heading = Type { bold: true, ..Type::plain(24.0, INK, Anchor::Start) };
    canvas.text((left, top - 12.0), heading, &name);
    let drawn = &lines[..lines.len().min(COLORS.len())];
    let cells = drawn.iter().flat_map(|(_, points)| points.iter().map(|(_, cell)| cell));
    let high = cells
        .filter_map(|cell| cell.summary(key))
        .map(|s| s.quantiles[SPREAD[2]].value)
        .fold(0.0, f64::max);
    let bottom = top + HEIGHT;
    let axis = Pen { color: INK, width: 2.0, dash: &[] };
    canvas.line(&[(left, top), (left, bottom), (left + WIDTH, bottom)], axis);
    let look = Type::plain(22.0, INK, Anchor::End);
    canvas.text((left - 10.0, bottom + 4.0), look, "0");
    canvas.text((left - 10.0, top + 16.0), look, &format::value(high, key.unit()));
    let step = WIDTH / columns.len() as f64;
    let every = (90.0 / step).ceil().max(1.0) as usize;
    for (i, value) in columns.iter().enumerate().step_by(every) {
        let at = (left + step * (i as f64 + 0.5), bottom + 26.0);
        canvas.text(at, Type::plain(22.0, INK, Anchor::Middle), value);
    }
    let y = |value: f64| if high > 0.0 { bottom - value / high * (HEIGHT - 10.0) } else { bottom };
    let apart = (step * 0.6 / drawn.len() as f64).min(26.0);
    for (row, ((_, points), color)) in drawn.iter().zip(COLORS).enumerate() {
        let offset = apart * (row as f64 - (drawn.len() - 1) as f64 / 2.0);
        let mut course = Vec::new();
        for (column, cell) in points {
            let Some(summary) = cell.summary(key) else { continue };
            let [low, middle, top] = SPREAD.map(|q| summary.quantiles[q].value);
            let x = left + step * (*column as f64 + 0.5) + offset;
            let pen = Pen { color, width: 5.0, dash: &[] };
            canvas.line(&[(x, y(low)), (x, y(top))], pen);
            course.push((x, y(middle)));
        }
        canvas.line(&course, Pen { color, width: 2.0, dash: &[] });
        for at in course {
            canvas.add(Mark::Circle(at, 4.0, color.into(), 8.0));
        }
    }
}
