//! Several rollouts side by side: a row each, a panel for each outcome.

use super::canvas::{Anchor, Canvas, Pen, Type};
use super::frame::{Drawing, Words, document};
use super::palette::{FAINT, INK, NEW, RED};
use crate::report::compare::{KEYS, Row, SPREAD};
use crate::report::format;
use crate::scenario::OutcomeKey;
use crate::stats::Summary;

const LEFT: f64 = 40.0;
const NAMES: f64 = 235.0;
const RIGHT: f64 = 1570.0;
const TOP: f64 = 195.0;
const BOTTOM: f64 = 905.0;
const GAP: f64 = 34.0;
const GRID: &str = "#e2e6eb";

/// Draws it.
pub(super) fn draw(title: &str, rows: &[Row]) -> Drawing {
    let canvas = Canvas::default();
    let height = (BOTTOM - TOP) / rows.len().max(1) as f64;
    let size = (height * 0.6).clamp(14.0, 26.0);
    for (i, row) in rows.iter().enumerate() {
        let y = TOP + height * (i as f64 + 0.5);
        let line = Pen { color: GRID, width: 1.5, dash: &[] };
        canvas.line(&[(LEFT, y + height / 2.0), (RIGHT, y + height / 2.0)], line);
        let look = Type { bold: true, ..Type::plain(size, INK, Anchor::Start) };
        canvas.text((LEFT, y + size * 0.36), look, &row.name);
    }
    let width = (RIGHT - LEFT - NAMES - GAP * 3.0) / KEYS.len() as f64;
    for (i, key) in KEYS.iter().enumerate() {
        let left = LEFT + NAMES + (width + GAP) * i as f64;
        panel(&canvas, rows, *key, (left, width), (height, size));
    }
    let runs = rows.iter().map(|row| row.result.table.rows.len()).min().unwrap_or(0);
    let words = Words {
        title: title.to_owned(),
        subtitle: "The same fleet, traffic and new version; every other setting is the \
                   orchestrator's own default."
            .to_owned(),
        caption: format!(
            "Dot: median over at least {runs} runs; line: middle 90% of runs. Each panel begins \
             at 0."
        ),
        x: String::new(),
        y: String::new(),
        right: None,
    };
    document(&canvas, &words)
}

fn panel(
    canvas: &Canvas,
    rows: &[Row],
    key: OutcomeKey,
    (left, width): (f64, f64),
    (height, size): (f64, f64),
) {
    let (name, note) = heading(key);
    canvas.text((left, 150.0), Type { bold: true, ..Type::plain(26.0, INK, Anchor::Start) }, name);
    canvas.text((left, 178.0), Type::plain(20.0, FAINT, Anchor::Start), note);
    let axis = Pen { color: FAINT, width: 2.0, dash: &[] };
    canvas.line(&[(left, TOP), (left, BOTTOM)], axis);
    let summaries: Vec<Option<&Summary>> = rows.iter().map(|row| row.result.summary(key)).collect();
    let top = |s: &&Summary| s.quantiles[SPREAD[2]].value;
    let most = summaries.iter().flatten().map(top).fold(0.0, f64::max);
    // Room for the number right of the longest line.
    let scale = if most > 0.0 { (width - 150.0) / most } else { 0.0 };
    for (i, summary) in summaries.iter().enumerate() {
        let y = TOP + height * (i as f64 + 0.5);
        let base = y + size * 0.36;
        let Some(summary) = summary else {
            let text = if key == OutcomeKey::Duration { "never ends" } else { "-" };
            canvas.text((left + 10.0, base), Type::plain(size * 0.9, RED, Anchor::Start), text);
            continue;
        };
        let [low, middle, high] = SPREAD.map(|q| summary.quantiles[q].value);
        let x = |value: f64| left + value * scale;
        canvas.line(&[(x(low), y), (x(high), y)], Pen { color: NEW, width: 6.0, dash: &[] });
        canvas.ring((x(middle), y), 7.0, NEW);
        let at = (x(high).max(x(middle)) + 16.0, base);
        let text = format::value(middle, key.unit());
        canvas.text(at, Type::plain(size * 0.9, INK, Anchor::Start), &text);
    }
}

fn heading(key: OutcomeKey) -> (&'static str, &'static str) {
    match key {
        OutcomeKey::Duration => ("Duration", "until the orchestrator says so"),
        OutcomeKey::ServingMin => ("Fewest serving", "instances at the worst moment"),
        OutcomeKey::FailedShare => ("Failed requests", "share, start until settled"),
        OutcomeKey::SurgeCost => ("Surge cost", "instance-seconds above desired"),
        other => (other.name(), ""),
    }
}
