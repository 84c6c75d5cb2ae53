//! Several services rolled out in order: a lane each, and below them what fails.

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Pen, Type};
use super::frame::{Area, Drawing, KeyEntry, PLOT, Plot, TEXT, Words, document, key, surface};
use super::palette::{FAINT, INK, NEW, OLD, RED};
use crate::report::format;
use crate::study::system::SystemResult;

const AREA: Area = Area { left: 300.0, right: 1560.0, ..PLOT };

/// Draws it.
pub(super) fn draw(title: &str, result: &SystemResult) -> Drawing {
    let words = words(title, result);
    let canvas = Canvas::default();
    let root = surface(&canvas);
    let last = result.t_s.last().copied().unwrap_or(1.0);
    let axes = (Axis::time(0.0, last), Axis::rate(1.0, 2.0).without_ticks());
    let plot = Plot::new(&root, &canvas, AREA, axes, None, &words);
    let lanes = result.lanes.len() + result.entries.len();
    let step = (AREA.bottom - AREA.top) / lanes.max(1) as f64;
    let lane = |i: usize| (AREA.top + step * (i as f64 + 0.25), step * 0.55);
    for (i, service) in result.lanes.iter().enumerate() {
        let (top, height) = lane(i);
        canvas.rect((AREA.left, top), (AREA.right - AREA.left, height), OLD);
        fill(&plot, &result.t_s, &service.new, (top, height), NEW);
        name(&canvas, &result.system.services[i].name, top + height / 2.0);
        let Some(ends) = service.ends else { continue };
        let (x, _) = plot.at(ends.p50, 0.0);
        let pen = Pen { color: INK, width: 3.0, dash: &[] };
        canvas.line(&[(x, top - 6.0), (x, top + height + 6.0)], pen);
        let (anchor, x) =
            if x > AREA.right - 160.0 { (Anchor::End, x - 8.0) } else { (Anchor::Start, x + 8.0) };
        let look = Type { halo: true, ..Type::plain(TEXT * 0.85, INK, anchor) };
        canvas.text((x, top - 8.0), look, &format::clock(ends.p50));
    }
    for (i, entry) in result.entries.iter().enumerate() {
        let (top, height) = lane(result.lanes.len() + i);
        let base = Pen { color: FAINT, width: 1.5, dash: &[] };
        canvas.line(&[(AREA.left, top + height), (AREA.right, top + height)], base);
        fill(&plot, &result.t_s, &entry.errors, (top, height), RED);
        let service = &result.system.services[entry.service].name;
        name(&canvas, &format!("{service}: errors"), top + height / 2.0);
        let look = Type { halo: true, ..Type::plain(TEXT * 0.85, RED, Anchor::End) };
        let text = format!("{} at worst", format::share(entry.peak.p95));
        canvas.text((AREA.right - 8.0, top - 8.0), look, &text);
    }
    let entry = |fill, text: &str| KeyEntry { fill, over: "", height: 22.0, text: text.into() };
    let entries = [
        entry(OLD, "old version"),
        entry(NEW, "new version, share of the serving"),
        entry(RED, "fails for versions, share"),
    ];
    key(&canvas, AREA, &entries);
    document(&canvas, &words)
}

/// A share over time as an area that stands on the bottom of its lane.
fn fill(plot: &Plot<'_>, t_s: &[f64], shares: &[f64], (top, height): (f64, f64), color: &str) {
    let base = top + height;
    let mut points = vec![(AREA.left, base)];
    for (t, share) in t_s.iter().zip(shares) {
        let x = plot.at(*t, 0.0).0;
        // A step: what holds from here on held until here otherwise.
        if let Some((_, y)) = points.last().copied() {
            points.push((x, y));
        }
        points.push((x, base - share.clamp(0.0, 1.0) * height));
    }
    points.push((AREA.right, base));
    if shares.iter().any(|share| *share > 0.0) {
        plot.canvas.polygon(&points, color, 1.0);
    }
}

fn name(canvas: &Canvas, text: &str, y: f64) {
    let look = Type { bold: true, ..Type::plain(TEXT, INK, Anchor::End) };
    canvas.text((AREA.left - 16.0, y + TEXT * 0.36), look, text);
}

fn words(title: &str, result: &SystemResult) -> Words {
    let took = result.duration.map_or("do not all complete in any run".to_owned(), |spread| {
        format!("take {} (median)", format::duration(spread.p50))
    });
    let errors = if result.worst() > 0.0 {
        format!("versions that do not fit fail up to {}", format::share(result.worst()))
    } else {
        "every pair of versions fits".to_owned()
    };
    let services = result.lanes.len();
    Words {
        title: format!("{title}: {services} services, one after what it needs"),
        subtitle: format!("The rollouts {took}; {errors}."),
        caption: format!(
            "A lane is a service; mean over {} runs. The line marks the median time at which its \
             orchestrator says completed.",
            format::count(u64::from(result.runs))
        ),
        x: "time since the first rollout began (m:ss)".into(),
        y: String::new(),
        right: None,
    }
}
