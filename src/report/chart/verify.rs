//! A recorded rollout drawn into its predicted band.

use super::axis::Axis;
use super::canvas::{Canvas, Pen};
use super::frame::{Drawing, KeyEntry, PLOT, Plot, Words, document, key, steps, surface};
use super::message;
use super::palette::{INK, NEW};
use crate::study::verify::{Pair, Verdict};

/// The middle 90 % of the runs.
const SPREAD: &str = "#bcd3ee";

/// Points of the curves: second, instances.
type Curve = Vec<(f64, f64)>;

/// Draws it.
pub(super) fn draw(verdict: &Verdict, runs: u32) -> Drawing {
    let words = words(verdict, runs);
    let predicted = &verdict.curves.predicted;
    let Some(&(end, ..)) = predicted.last() else {
        return message::draw(&words, &["The recording has no curve to draw.".to_owned()]);
    };
    let highest = |most: f64, value: f64| most.max(value);
    let recorded = &verdict.curves.recorded;
    let most = recorded.iter().map(|(_, n)| *n).fold(1.0, highest);
    let most = predicted.iter().map(|(.., high)| *high).fold(most, highest);
    let canvas = Canvas::default();
    let root = surface(&canvas);
    let axes = (Axis::time(0.0, end.max(0.1)), Axis::count(most * 1.12));
    let mut plot = Plot::new(&root, &canvas, PLOT, axes, None, &words);
    plot.clip();
    let bounds = |pick: fn(&(f64, f64, f64, f64)) -> f64| -> Curve {
        let points: Curve = predicted.iter().map(|point| (point.0, pick(point))).collect();
        steps(&points, end)
    };
    plot.between(&bounds(|p| p.1), &bounds(|p| p.3), SPREAD, 1.0);
    plot.series(bounds(|p| p.2), (36, 101, 176), 4.0);
    plot.series(steps(recorded, end), (28, 36, 48), 5.0);
    for (at, color) in [(verdict.duration_s.recorded, INK), (verdict.duration_s.predicted, NEW)] {
        if let Some(at) = at {
            plot.vertical(at, Pen { color, width: 2.5, dash: &[10.0, 8.0] });
        }
    }
    plot.unclip();
    let entry = |fill, height, text: String| KeyEntry { fill, over: "", height, text };
    let entries = [
        entry(INK, 5.0, "recorded".to_owned()),
        entry(NEW, 4.0, "predicted, median".to_owned()),
        entry(SPREAD, 22.0, format!("5-95 % of {runs} runs")),
    ];
    key(&canvas, PLOT, &entries);
    document(&canvas, &words)
}

fn words(verdict: &Verdict, runs: u32) -> Words {
    let seconds = |value: Option<f64>| value.map_or("never".to_owned(), |s| format!("{s:.2} s"));
    let count = |value: Option<f64>| value.map_or("none".to_owned(), |n| format!("{n}"));
    let both = |what: &str, pair: &Pair, text: &dyn Fn(Option<f64>) -> String| {
        format!("{what}: recorded {}, predicted {}", text(pair.recorded), text(pair.predicted))
    };
    Words {
        title: format!("{} ({}, {})", verdict.id, verdict.kind, verdict.class),
        subtitle: format!(
            "{}. {}.",
            both("Done", &verdict.duration_s, &seconds),
            both("Fewest available", &verdict.available_min, &count)
        ),
        caption: format!(
            "Instances that the orchestrator itself reported as available. The band holds the \
             middle 90 % of {runs} runs at each instant; dashed lines: when it was done."
        ),
        x: "time since the rollout began (m:ss)".into(),
        y: "available instances".into(),
        right: None,
    }
}
