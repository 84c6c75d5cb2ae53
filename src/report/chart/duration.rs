//! Chart 3: how long the rollout takes, over runs.

use crate::report::format;
use crate::scenario::gate::{Direction, OutcomeKey};
use crate::study::SimResult;

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Pen, Type, text_width};
use super::frame::{Area, Drawing, PLOT, Plot, TEXT, Words, document, steps, surface};
use super::message;
use super::palette::{BAD, FAINT, INK, RED};

const AREA: Area = Area { top: 160.0, right: 1550.0, ..PLOT };

/// Draws it.
pub(super) fn draw(result: &SimResult) -> Drawing {
    let mut ended: Vec<f64> = result
        .table
        .rows
        .iter()
        .filter_map(|(.., outcome)| outcome.get(OutcomeKey::Duration))
        .collect();
    ended.sort_by(f64::total_cmp);
    let words = words(result, &ended);
    let (Some(first), Some(last)) = (ended.first(), ended.last()) else {
        let lines = ["No run reached an end, so there are no durations to show.".to_owned()];
        return message::draw(&words, &lines);
    };
    let limits: Vec<f64> = gates(result).map(|(_, limit)| limit).collect();
    let far = limits.iter().copied().filter(|l| *l < last * 4.0).fold(*last, f64::max);
    // From zero unless that would squeeze the curve into less than half of the width.
    let low = if *first > far * 0.5 { first - (far - first) * 0.15 } else { 0.0 };
    let high = far + (far - low).max(0.1) * 0.08;
    let canvas = Canvas::default();
    let root = surface(&canvas);
    // Headroom above 100 % for the names of the lines.
    let axes = (Axis::time(low, high), Axis::share(1.0).up_to(1.12));
    let mut plot = Plot::new(&root, &canvas, AREA, axes, None, &words);
    let curve = ecdf(&ended, low, high);
    plot.clip();
    for (_, limit) in gates(result) {
        beyond(&plot, &curve, (limit, high));
    }
    plot.series(curve, (36, 101, 176), 5.0);
    quantiles(&plot, result);
    for (text, limit) in gates(result) {
        name_gate(&plot, &ended, limit.min(high), &text, limit);
    }
    plot.unclip();
    if low > 0.0 {
        let text = "axis zoomed: does not begin at 0";
        let (x, _) = plot.at(low, 0.0);
        let look = Type::label(TEXT, FAINT, Anchor::Start);
        canvas.text((x + 12.0, AREA.top + 34.0), look, text);
    }
    document(&canvas, &words)
}

fn words(result: &SimResult, ended: &[f64]) -> Words {
    let runs = result.table.rows.len();
    let count = |n: usize| format::count(n as u64);
    let never = match runs - ended.len() {
        0 => String::new(),
        n => format!(" {} runs never ended and are not drawn.", count(n)),
    };
    let subtitle = match result.summary(OutcomeKey::Duration) {
        Some(s) => format!(
            "Half of the runs end within {}, 95% within {}, 99% within {}.",
            format::duration(s.quantiles[2].value),
            format::duration(s.quantiles[4].value),
            format::duration(s.quantiles[5].value)
        ),
        None => "No run reached an end.".into(),
    };
    Words {
        title: format!("{}: how long the rollout takes", result.scenario.service.name),
        subtitle,
        caption: format!(
            "A point (x, y) of the curve: a share y of {} runs had ended x after the rollout \
             began, completed or not.{never}",
            count(ended.len())
        ),
        x: "duration (m:ss)".into(),
        y: "share of runs that have ended".into(),
        right: None,
    }
}

fn gates(result: &SimResult) -> impl Iterator<Item = (String, f64)> {
    let duration = |g: &&crate::stats::GateResult| {
        g.gate.outcome == OutcomeKey::Duration && g.gate.direction == Direction::AtMost
    };
    result.gates.iter().filter(duration).map(|g| (g.gate.text.clone(), g.limit))
}

/// Corners of the empirical distribution function; at most about a thousand steps.
fn ecdf(sorted: &[f64], low: f64, high: f64) -> Vec<(f64, f64)> {
    let n = sorted.len();
    let every = n.div_ceil(1000);
    let mut points = vec![(low, 0.0)];
    for (i, value) in sorted.iter().enumerate() {
        if i % every == 0 || i + 1 == n {
            points.push((*value, (i + 1) as f64 / n as f64));
        }
    }
    steps(&points, high)
}

/// The gate's line, and the share of runs beyond it: hatched between the curve and 100 %.
fn beyond(plot: &Plot<'_>, curve: &[(f64, f64)], (limit, high): (f64, f64)) {
    if limit < high {
        let at = curve.iter().rev().find(|p| p.0 <= limit).map_or(0.0, |p| p.1);
        let mut lower = vec![(limit, at)];
        lower.extend(curve.iter().filter(|p| p.0 > limit));
        plot.between(&lower, &[(limit, 1.0), (high, 1.0)], BAD, 1.0);
        plot.vertical(limit, Pen { color: RED, width: 4.0, dash: &[18.0, 10.0] });
    }
}

/// The gate in words at `x`, with the share of runs that take longer than its limit.
fn name_gate(plot: &Plot<'_>, ended: &[f64], x: f64, text: &str, limit: f64) {
    let late = ended.len() - ended.partition_point(|d| *d <= limit);
    let share = format::share(late as f64 / ended.len() as f64);
    let lines = [format!("gate: {text}"), format!("{share} of runs take longer")];
    let width = lines.iter().map(|l| text_width(l, TEXT) * 1.06).fold(0.0, f64::max);
    let (x, y) = plot.at(x, 0.36);
    let left = x - 14.0 - width > plot.area.left;
    let (x, anchor) = if left { (x - 14.0, Anchor::End) } else { (x + 14.0, Anchor::Start) };
    for (i, line) in lines.iter().enumerate() {
        let at = (x, y + 36.0 * i as f64);
        plot.canvas.text(at, Type::label(TEXT, RED, anchor), line);
    }
}

fn quantiles(plot: &Plot<'_>, result: &SimResult) {
    let Some(summary) = result.summary(OutcomeKey::Duration) else { return };
    // Left of its line and above the curve, which is lower there; the last right of its line,
    // where no other line follows.
    for (name, p, index, height, left) in
        [("p50", 0.5, 2, 0.53, true), ("p95", 0.95, 4, 0.985, true), ("p99", 0.99, 5, 0.88, false)]
    {
        let value = summary.quantiles[index].value;
        let (x, y) = plot.at(value, p);
        let (_, bottom) = plot.at(value, 0.0);
        let pen = Pen { color: INK, width: 2.5, dash: &[8.0, 7.0] };
        plot.canvas.line(&[(x, bottom), (x, y)], pen);
        plot.canvas.ring((x, y), 9.0, INK);
        let text = format!("{name} {}", format::duration(value));
        let (_, base) = plot.at(value, height);
        let left = left && x - 18.0 - text_width(&text, TEXT) * 1.06 > plot.area.left;
        let (x, anchor) = if left { (x - 18.0, Anchor::End) } else { (x + 18.0, Anchor::Start) };
        plot.canvas.text((x, base + 10.0), Type::label(TEXT, INK, anchor), &text);
    }
}
