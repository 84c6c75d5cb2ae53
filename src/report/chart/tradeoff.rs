//! Chart 5: what is won against what is lost, a point a setting.

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Mark, Pen, Type};
use super::frame::{Area, Drawing, PLOT, Plot, TEXT, Words, document, surface};
use super::message;
use super::palette::{FAINT, INK, NEW, RED};
use crate::report::{format, sweep};
use crate::scenario::Unit;
use crate::stats::{Estimate, Verdict};
use crate::study::sweep::{CellResult, Goal, SweepResult};

const AREA: Area = Area { top: 160.0, right: 1550.0, ..PLOT };
/// More settings than this get no labels, except those on the line.
const LABELS: usize = 24;

/// Draws it.
pub(super) fn draw(result: &SweepResult) -> Drawing {
    let words = words(result);
    let points: Vec<(usize, Estimate, Estimate)> = result
        .cells
        .iter()
        .enumerate()
        .filter_map(|(place, cell)| Some((place, cell.goal?, cell.versus?)))
        .collect();
    if points.is_empty() {
        let lines = ["No setting reaches the goal, so there is nothing to show.".to_owned()];
        return message::draw(&words, &lines);
    }
    let canvas = Canvas::default();
    let root = surface(&canvas);
    let x = axis(&result.goal, points.iter().map(|(_, x, _)| x));
    let y = axis(&result.versus, points.iter().map(|(.., y)| y));
    let plot = Plot::new(&root, &canvas, AREA, (x, y), None, &words);
    plot.clip();
    line(&plot, result, &points);
    for (place, x, y) in &points {
        bars(&plot, x, y, color(&result.cells[*place]));
    }
    for (place, x, y) in &points {
        dot(&plot, result, *place, (x.value, y.value));
    }
    plot.unclip();
    labels(&plot, result, &points);
    document(&canvas, &words)
}

/// An axis from 0 with room for labels.
pub(super) fn axis<'a>(goal: &Goal, all: impl Iterator<Item = &'a Estimate>) -> Axis {
    let ends = all.map(|e| if e.high.is_finite() { e.high } else { e.value });
    let high = ends.fold(0.0, f64::max);
    let high = if high > 0.0 { high * 1.12 } else { 1.0 };
    match goal.unit() {
        Unit::Seconds => Axis::time(0.0, high),
        Unit::Share | Unit::Event => Axis::share(high),
        Unit::Instances => Axis::count(high),
        Unit::Number | Unit::InstanceSeconds => Axis::rate(high, 8.0),
    }
}

fn color(cell: &CellResult) -> &'static str {
    match cell.verdict {
        Some(Verdict::Fail) => RED,
        Some(Verdict::Undecided) => FAINT,
        Some(Verdict::Pass) | None => NEW,
    }
}

/// Steps along the settings that no other beats.
fn line(plot: &Plot<'_>, result: &SweepResult, points: &[(usize, Estimate, Estimate)]) {
    let mut on: Vec<(f64, f64)> = points
        .iter()
        .filter(|(place, ..)| result.pareto[*place])
        .map(|(_, x, y)| (x.value, y.value))
        .collect();
    on.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let at: Vec<(f64, f64)> = on.iter().map(|(x, y)| plot.at(*x, *y)).collect();
    plot.canvas.line(&at, Pen { color: FAINT, width: 3.0, dash: &[10.0, 8.0] });
}

fn bars(plot: &Plot<'_>, x: &Estimate, y: &Estimate, color: &str) {
    let pen = Pen { color, width: 3.0, dash: &[] };
    let end = |v: f64, or: f64| if v.is_finite() { v } else { or };
    let at = |x, y| plot.at(x, y);
    let (left, right) = (end(x.low, x.value), end(x.high, x.value));
    plot.canvas.line(&[at(left, y.value), at(right, y.value)], pen);
    let (low, high) = (end(y.low, y.value), end(y.high, y.value));
    plot.canvas.line(&[at(x.value, low), at(x.value, high)], pen);
}

fn dot(plot: &Plot<'_>, result: &SweepResult, place: usize, (x, y): (f64, f64)) {
    let at = plot.at(x, y);
    let cell = &result.cells[place];
    let color = color(cell);
    let filled = cell.is_feasible();
    let inside = if filled { color } else { "#ffffff" };
    // A disc is a ring as wide as its radius.
    plot.canvas.add(Mark::Circle(at, 5.0, inside.into(), 10.0));
    plot.canvas.add(Mark::Circle(at, 10.0, color.into(), 3.5));
    if result.best == Some(place) {
        plot.canvas.add(Mark::Circle(at, 20.0, INK.into(), 4.0));
    }
}

/// Names beside the points, where they do not lie on each other; the best first, then the line.
fn labels(plot: &Plot<'_>, result: &SweepResult, points: &[(usize, Estimate, Estimate)]) {
    let mut order: Vec<&(usize, Estimate, Estimate)> = points.iter().collect();
    order.sort_by_key(|(place, ..)| (result.best != Some(*place), !result.pareto[*place], *place));
    let mut taken: Vec<Area> = points
        .iter()
        .map(|(_, x, y)| {
            let (x, y) = plot.at(x.value, y.value);
            Area { left: x - 12.0, top: y - 12.0, right: x + 12.0, bottom: y + 12.0 }
        })
        .collect();
    for (place, x, y) in order {
        let best = result.best == Some(*place);
        if points.len() > LABELS && !best && !result.pareto[*place] {
            continue;
        }
        let (px, py) = plot.at(x.value, y.value);
        let text = sweep::setting(result, &result.cells[*place]);
        let far = if best { 30.0 } else { 20.0 };
        let places = [
            ((px + far, py + 9.0), Anchor::Start),
            ((px + far, py - 18.0), Anchor::Start),
            ((px + far, py + 36.0), Anchor::Start),
            ((px, py - far - 6.0), Anchor::Middle),
            ((px, py + far + 24.0), Anchor::Middle),
            ((px - far, py + 9.0), Anchor::End),
        ];
        let free = places.into_iter().find(|(at, anchor)| {
            let area = Area::of_text(*at, *anchor, &text);
            let inside = area.left > AREA.left
                && area.right < AREA.right
                && area.top > AREA.top
                && area.bottom < AREA.bottom;
            inside && !taken.iter().any(|other| other.meets(&area))
        });
        let Some((at, anchor)) = free else { continue };
        taken.push(Area::of_text(at, anchor, &text));
        let look = Type { bold: best, ..Type::label(TEXT, INK, anchor) };
        plot.canvas.text(at, look, &text);
    }
}

fn words(result: &SweepResult) -> Words {
    let runs = format::count(u64::from(result.head.runs));
    let gates = match result.gates.len() {
        0 => "There are no gates.",
        _ => "Hollow: a gate fails (red) or is undecided (grey).",
    };
    Words {
        title: format!("{}: which setting?", result.head.name),
        subtitle: sweep::recommendation(result),
        caption: format!(
            "A point is a setting over {runs} runs with the same luck, with 95% intervals; ringed: \
             taken; dashed: settings that no other beats in both. {gates}"
        ),
        x: title(&result.goal),
        y: title(&result.versus),
        right: None,
    }
}

pub(super) fn title(goal: &Goal) -> String {
    let unit = match goal.unit() {
        Unit::Seconds => " (m:ss)",
        Unit::InstanceSeconds => " (instance-seconds)",
        Unit::Instances => " (instances)",
        Unit::Share | Unit::Event | Unit::Number => "",
    };
    format!("{}{unit}", sweep::axis_title(goal))
}
