//! What a number over runs hangs on: a pair of bars for each input, the strongest on top.

use super::canvas::{Anchor, Canvas, Pen, Type, text_width};
use super::frame::{Drawing, Words, document};
use super::palette::{FAINT, INK, NEW, OLD, RED};
use crate::report::explain::{amount, signed, telling};
use crate::study::sensitivity::{Bar, End, STEP, Sensitivity};

const MIDDLE: f64 = 980.0;
/// Half the width of the widest bar.
const REACH: f64 = 330.0;
const TOP: f64 = 180.0;
const BOTTOM: f64 = 900.0;
/// Inputs that are drawn.
const MOST: usize = 12;

/// Draws it.
pub(super) fn draw(name: &str, found: &Sensitivity) -> Drawing {
    let canvas = Canvas::default();
    let bars: Vec<&Bar> = telling(found).take(MOST).collect();
    let longest = bars.first().map_or(1.0, |bar| bar.size());
    let height = ((BOTTOM - TOP) / bars.len().max(1) as f64).min(90.0);
    let bottom = TOP + height * bars.len() as f64;
    for (i, bar) in bars.iter().enumerate() {
        let y = TOP + height * i as f64;
        let size = (height * 0.34).clamp(18.0, 26.0);
        let look = Type::plain(size, INK, Anchor::Start);
        let mark = if bar.assumed { " (assumed)" } else { "" };
        canvas.text((40.0, y + height * 0.5 + size * 0.36), look, &format!("{}{mark}", bar.key));
        let half = height * 0.38;
        for (end, fill, at) in
            [(&bar.low, OLD, y + height * 0.12), (&bar.high, NEW, y + height * 0.5)]
        {
            if let Some(end) = end {
                side(&canvas, found, end, fill, (at, half), longest);
            }
        }
    }
    if bars.is_empty() {
        let look = Type::plain(28.0, FAINT, Anchor::Start);
        canvas.text((40.0, TOP + 40.0), look, "Nothing that was moved changes it.");
    }
    canvas.line(
        &[(MIDDLE, TOP - 6.0), (MIDDLE, bottom + 6.0)],
        Pen { color: INK, width: 2.0, dash: &[] },
    );
    legend(&canvas);
    document(&canvas, &words(name, found, bars.len()))
}

/// One end of an input, with what it is there, its change and its interval.
fn side(
    canvas: &Canvas,
    found: &Sensitivity,
    end: &End,
    fill: &str,
    (top, height): (f64, f64),
    longest: f64,
) {
    let x = |change: f64| MIDDLE + (change / longest).clamp(-1.15, 1.15) * REACH;
    let (value, low, high) = (end.change.value, end.change.low, end.change.high);
    let (from, to) = (x(value.min(0.0)), x(value.max(0.0)));
    canvas.rect((from, top), ((to - from).max(2.0), height * 0.92), fill);
    let middle = top + height * 0.46;
    canvas.line(&[(x(low), middle), (x(high), middle)], Pen { color: INK, width: 2.5, dash: &[] });
    let broken = !end.breaks.is_empty();
    let size = (height * 0.72).clamp(15.0, 21.0);
    let color = if broken { RED } else { FAINT };
    let breaks = if broken { ", breaks a gate" } else { "" };
    let text = format!("{}: {}{breaks}", end.text, signed(&found.of, value));
    let baseline = middle + size * 0.36;
    let outer = if value < 0.0 { x(low.min(value)) - 10.0 } else { x(high.max(value)) + 10.0 };
    let width = text_width(&text, size);
    let fits = if value < 0.0 { outer - width > 420.0 } else { outer + width < 1590.0 };
    let (anchor, at) = match (value < 0.0, fits) {
        (true, true) => (Anchor::End, outer),
        (false, true) => (Anchor::Start, outer),
        // No room beyond the bar: on the other side of the middle.
        (true, false) => (Anchor::Start, MIDDLE + 10.0),
        (false, false) => (Anchor::End, MIDDLE - 10.0),
    };
    canvas.text((at, baseline), Type { halo: true, ..Type::plain(size, color, anchor) }, &text);
}

fn legend(canvas: &Canvas) {
    let mut x = 40.0;
    for (fill, text) in [(OLD, "smaller"), (NEW, "larger")] {
        canvas.rect((x, 130.0), (26.0, 22.0), fill);
        canvas.text((x + 36.0, 149.0), Type::plain(24.0, INK, Anchor::Start), text);
        x += 36.0 + text_width(text, 24.0) + 40.0;
    }
}

fn words(name: &str, found: &Sensitivity, shown: usize) -> Words {
    let base = amount(&found.of, found.base.value);
    let step = STEP * 100.0;
    Words {
        title: format!("{name}: what {} hangs on", found.of.text),
        subtitle: format!(
            "{base} as it is; each input alone, {step:.0}% smaller and larger, or over its \
             assumed range"
        ),
        caption: format!(
            "Bar: change of {} over {} runs each, under the same luck; line: its 95% interval. \
             {} inputs that surely change it of {}.",
            found.of.text,
            found.runs,
            shown,
            found.bars.len()
        ),
        x: String::new(),
        y: String::new(),
        right: None,
    }
}
