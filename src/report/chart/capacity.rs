//! Chart 1: serving capacity over time, with the spread over runs.

use crate::outcome::Point;
use crate::report::format;
use crate::scenario::OutcomeKey;
use crate::study::{SimResult, Story};

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Pen, Type, text_width};
use super::frame::{
    Area, Drawing, KeyEntry, PLOT, Plot, TEXT, Words, band_key, document, key, steps, surface,
};
use super::palette::{AMBER_INK, BAND, DRAINING, INK, NEW, OLD, RED, STARTING, STARTING_INK};
use super::timeline::{batches, draw_batches, draw_events, events, failures, secs, view};

/// One layer of the stack, from the bottom.
struct Layer {
    name: &'static str,
    fill: &'static str,
    ink: &'static str,
    of: fn(&Point) -> u32,
}

const LAYERS: [Layer; 4] = [
    Layer { name: "old version, serving", fill: OLD, ink: INK, of: |p| p.serving_old },
    Layer { name: "new version, serving", fill: NEW, ink: "#123a6b", of: |p| p.serving_new },
    Layer { name: "starting", fill: STARTING, ink: STARTING_INK, of: |p| p.starting },
    Layer { name: "draining", fill: DRAINING, ink: AMBER_INK, of: |p| p.draining },
];

/// Draws it for one run; `name` says which ("the median run").
pub(super) fn draw(result: &SimResult, story: &Story, name: &str) -> Drawing {
    let (from, to) = view(result, story);
    let desired = result.scenario.service.instances;
    let stack = |p: &Point| LAYERS.iter().map(|l| (l.of)(p)).sum::<u32>();
    let tallest = story.series.points.iter().map(|p| stack(p).max(p.desired)).max();
    // Room above the stack for the words of batches and events.
    let high = f64::from(tallest.unwrap_or(desired).max(desired)) * 1.24;
    let words = words(result, story, name);
    let canvas = Canvas::default();
    let root = surface(&canvas);
    let axes = (Axis::time(from, to), Axis::count(high));
    let right = Axis::share(high / f64::from(desired.max(1)));
    let mut plot = Plot::new(&root, &canvas, PLOT, axes, Some(&right), &words);
    plot.clip();
    draw_stack(&plot, story, (from, to));
    draw_band(&mut plot, result);
    draw_batches(&plot, &batches(story), (from, to));
    draw_events(&plot, &events(story), (from, to));
    let mut taken = draw_limits(&plot, result, story, (from, to));
    for (t, _) in failures(story) {
        let (x, _) = plot.at(t, 0.0);
        plot.canvas.cross((x, plot.area.bottom - 22.0), 13.0, RED);
    }
    taken.extend(draw_lowest(&plot, result, story, to));
    let unlabelled = draw_labels(&plot, story, (from, to), &taken);
    plot.unclip();
    draw_key(&canvas, PLOT, result, &unlabelled, !failures(story).is_empty());
    document(&canvas, &words)
}

fn words(result: &SimResult, story: &Story, name: &str) -> Words {
    let is = story.outcome.is;
    let said = match story.outcome.get(OutcomeKey::Duration) {
        Some(d) => {
            format!("{} after {}", crate::report::said(story.outcome.said), format::duration(d))
        }
        None => crate::report::said(story.outcome.said).to_owned(),
    };
    let runs = format::count(u64::from(result.runs_control));
    Words {
        title: format!("{}: serving capacity during the rollout", result.scenario.service.name),
        subtitle: format!(
            "The orchestrator says {said}; at the end {} of {} serve the new version, {} the old.",
            is.serving_new, is.desired, is.serving_old
        ),
        caption: format!(
            "Areas: instances by state at each instant of {name} (run {}); the hatched ones exist \
             but answer nothing. Band of hairlines: where the number of serving instances lay in \
             90% of {runs} runs, instant by instant.",
            story.replication
        ),
        x: "time since the rollout began (m:ss)".into(),
        y: "instances".into(),
        right: Some("share of desired".into()),
    }
}

/// The points of the visible part, as (seconds, point); the first is moved to its left edge.
/// Of points too close to be told apart, the last and the one with fewest serving remain.
fn visible(story: &Story, (from, to): (f64, f64)) -> Vec<(f64, Point)> {
    const BUCKETS: f64 = 800.0;
    let points = &story.series.points;
    let first = points.partition_point(|p| secs(story, p.at) <= from).saturating_sub(1);
    let bucket = |t: f64| ((t - from) / (to - from) * BUCKETS) as u32;
    let mut out: Vec<(f64, Point)> = Vec::new();
    for point in points.iter().skip(first) {
        let t = secs(story, point.at).max(from);
        if t > to {
            break;
        }
        let same = out.iter().rev().take_while(|(u, _)| bucket(*u) == bucket(t)).count();
        if same == 2 {
            let last = out.len() - 1;
            if out[last].1.serving() < out[last - 1].1.serving() {
                out.remove(last - 1);
            } else {
                out.remove(last);
            }
        }
        out.push((t, *point));
    }
    out
}

/// Seconds and height.
type Edge = Vec<(f64, f64)>;

/// The layer's lower and upper edge.
fn edges(points: &[(f64, Point)], layer: usize) -> (Edge, Edge) {
    let below = |p: &Point, n: usize| LAYERS[..n].iter().map(|l| (l.of)(p)).sum::<u32>();
    let edge = |n: usize| points.iter().map(|(t, p)| (*t, f64::from(below(p, n)))).collect();
    (edge(layer), edge(layer + 1))
}

fn draw_stack(plot: &Plot<'_>, story: &Story, view: (f64, f64)) {
    let points = visible(story, view);
    for (index, layer) in LAYERS.iter().enumerate() {
        let (lower, upper) = edges(&points, index);
        if points.iter().any(|(_, p)| (layer.of)(p) > 0) {
            plot.between(&steps(&lower, view.1), &steps(&upper, view.1), layer.fill, 1.0);
        }
    }
}

/// Writes the layers' names into their areas; returns the layers that occur but have no room
/// for their name.
fn draw_labels(plot: &Plot<'_>, story: &Story, view: (f64, f64), taken: &[Area]) -> Vec<usize> {
    let points = visible(story, view);
    let mut unlabelled = Vec::new();
    for (index, layer) in LAYERS.iter().enumerate() {
        if points.iter().all(|(_, p)| (layer.of)(p) == 0) {
            continue;
        }
        match place(plot, &points, index, view, taken) {
            Some(at) => {
                plot.canvas.text(at, Type::label(TEXT, layer.ink, Anchor::Middle), layer.name);
            }
            None => unlabelled.push(index),
        }
    }
    unlabelled
}

/// Where the name of a layer fits into its area without touching what is `taken`: the place
/// with most height around it.
fn place(
    plot: &Plot<'_>,
    points: &[(f64, Point)],
    layer: usize,
    (from, to): (f64, f64),
    taken: &[Area],
) -> Option<(f64, f64)> {
    const TRIES: u32 = 60;
    let per_unit = (to - from) / (plot.area.right - plot.area.left);
    let half = (text_width(LAYERS[layer].name, TEXT) * 0.54 + 10.0) * per_unit;
    let (lower, upper) = edges(points, layer);
    let mut best: Option<(f64, (f64, f64))> = None;
    for i in 0..=TRIES {
        let center = from + half + (to - from - 2.0 * half) * f64::from(i) / f64::from(TRIES);
        let last = points.partition_point(|(t, _)| *t <= center + half);
        let first = points.partition_point(|(t, _)| *t <= center - half).saturating_sub(1);
        if center - half < from || first >= last {
            continue;
        }
        let floor = lower[first..last].iter().map(|p| p.1).fold(0.0, f64::max);
        let roof = upper[first..last].iter().map(|p| p.1).fold(f64::MAX, f64::min);
        let (x, bottom) = plot.at(center, floor);
        let (_, top) = plot.at(center, roof);
        let height = bottom - top;
        if height < TEXT * 1.35 || best.is_some_and(|(h, _)| height <= h) {
            continue;
        }
        let free = [0.5, 0.3, 0.7].map(|part| (x, top + height * part + TEXT * 0.36));
        let clear = |at: &(f64, f64)| {
            let box_ = Area::of_text(*at, Anchor::Middle, LAYERS[layer].name);
            box_.top >= top && box_.bottom <= bottom && !taken.iter().any(|t| t.meets(&box_))
        };
        if let Some(at) = free.into_iter().find(clear) {
            best = Some((height, at));
        }
    }
    best.map(|(_, at)| at)
}

fn draw_band(plot: &mut Plot<'_>, result: &SimResult) {
    let bands = &result.bands;
    let zip = |v: &[f64]| bands.t_s.iter().copied().zip(v.iter().copied()).collect::<Vec<_>>();
    let (low, high) = (zip(&bands.p5), zip(&bands.p95));
    let Some(end) = bands.t_s.last().copied() else { return };
    plot.between(&steps(&low, end), &steps(&high, end), BAND, 1.0);
    plot.series(steps(&low, end), (11, 31, 58), 3.5);
    plot.series(steps(&high, end), (11, 31, 58), 1.5);
}

/// Draws the lines of what is wanted; returns the places that they and the events take.
fn draw_limits(
    plot: &Plot<'_>,
    result: &SimResult,
    story: &Story,
    (from, to): (f64, f64),
) -> Vec<Area> {
    let line_at = |t: f64| {
        let (x, _) = plot.at(t, 0.0);
        Area { left: x - 6.0, right: x + 6.0, ..plot.area }
    };
    let mut taken: Vec<Area> = events(story).iter().map(|e| line_at(e.0)).collect();
    let line: Vec<(f64, f64)> =
        visible(story, (from, to)).iter().map(|(t, p)| (*t, f64::from(p.desired))).collect();
    let corners: Vec<_> = steps(&line, to).iter().map(|p| plot.at(p.0, p.1)).collect();
    plot.canvas.line(&corners, Pen { color: INK, width: 3.5, dash: &[] });
    if let Some((_, desired)) = line.last() {
        let (x, y) = plot.at(to, *desired);
        taken.push(Area { top: y - 4.0, bottom: y + 4.0, ..plot.area });
        let look = Type::label(TEXT, INK, Anchor::End);
        plot.canvas.text((x - 10.0, y - 10.0), look, &format!("desired {desired}"));
    }
    for gate in result.gates.iter().filter(|g| g.gate.outcome == OutcomeKey::ServingMin) {
        plot.horizontal(gate.limit, Pen { color: RED, width: 4.0, dash: &[18.0, 10.0] });
        let (x, y) = plot.at(to, gate.limit);
        let text = format!("gate: {}", gate.gate.text);
        let look = Type::label(TEXT, RED, Anchor::End);
        // Below the line, unless that would cover the axis.
        let base = if y + 38.0 < plot.area.bottom { y + 32.0 } else { y - 12.0 };
        plot.canvas.text((x - 10.0, base), look, &text);
        taken.push(Area::of_text((x - 10.0, base), Anchor::End, &text));
        taken.push(Area { top: y - 4.0, bottom: y + 4.0, ..plot.area });
    }
    taken
}

/// The lowest number of serving instances of this run, once the rollout began. Returns the
/// place that its note takes.
fn draw_lowest(plot: &Plot<'_>, result: &SimResult, story: &Story, to: f64) -> Option<Area> {
    let points: Vec<(f64, Point)> = visible(story, (0.0, to));
    let (t, low) = points.iter().min_by_key(|(_, p)| p.serving())?;
    let below: f64 = points
        .iter()
        .enumerate()
        .filter(|(_, (_, p))| p.serving() < p.desired)
        .map(|(i, (t, _))| points.get(i + 1).map_or(to, |next| next.0) - t)
        .sum();
    let serving = low.serving();
    let mut lines =
        vec![format!("lowest: {serving} of {} serving at {}", low.desired, format::clock(*t))];
    if below > 0.0 {
        lines.push(format!("below {} for {} in all", low.desired, format::duration(below)));
    }
    let p5 = result.bands.p5.iter().copied().fold(f64::MAX, f64::min);
    if p5 < f64::from(serving) {
        lines.push(format!("in 5% of runs: {} or fewer", format::number(p5)));
    }
    plot.callout(*t, f64::from(serving), &lines, true);
    Some(plot.callout_box(*t, f64::from(serving), &lines, true))
}

fn draw_key(canvas: &Canvas, area: Area, result: &SimResult, layers: &[usize], failed: bool) {
    let runs = format::count(u64::from(result.runs_control));
    let mut entries: Vec<KeyEntry> = layers
        .iter()
        .map(|i| &LAYERS[*i])
        .map(|l| KeyEntry { fill: l.fill, over: "", height: 22.0, text: l.name.into() })
        .collect();
    entries.push(band_key(&runs));
    key(canvas, area, &entries);
    if failed {
        let y = area.top - 29.0;
        canvas.cross((area.right - 250.0, y), 12.0, RED);
        let look = Type::plain(TEXT, INK, Anchor::Start);
        canvas.text((area.right - 226.0, y + 10.0), look, "an instance failed");
    }
}
