//! Chart 4: what is asked of the service against what it can answer, and what fails.

use crate::report::format;
use crate::scenario::OutcomeKey;
use crate::study::SimResult;
use crate::trace::Ending;

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Type};
use super::frame::{Area, Drawing, KeyEntry, Plot, TEXT, Words, document, key, steps, surface};
use super::message;
use super::palette::{BAD, CAUSES, INK, NEW, RED};
use super::timeline::{batches, draw_batches, view};

const ABOVE: Area = Area { left: 165.0, top: 190.0, right: 1550.0, bottom: 520.0 };
const BELOW: Area = Area { left: 165.0, top: 640.0, right: 1550.0, bottom: 802.0 };

/// Draws it.
pub(super) fn draw(result: &SimResult) -> Drawing {
    let over = Overload::of(result);
    let words = words(result, &over);
    if result.demand.is_empty() {
        let lines = [
            "capacity only: the scenario has no [traffic]".to_owned(),
            "No requests were simulated, so there is no load to hold against the capacity.".into(),
            "Add  [traffic]  with  rate = \"900/s\"  to see demand, overload and failures.".into(),
        ];
        return message::draw(&words, &lines);
    }
    let (from, to) = view(result, &result.median);
    let canvas = Canvas::default();
    let root = surface(&canvas);
    let capacity = result.capacity.iter().map(|c| c[1]);
    let high = result.demand.iter().copied().chain(capacity).fold(1.0, f64::max) * 1.22;
    let upper = Words { x: String::new(), ..words.clone() };
    let axes = (Axis::time(from, to).unlabelled(), Axis::rate(high, 5.0));
    let mut plot = Plot::new(&root, &canvas, ABOVE, axes, None, &upper);
    plot.clip();
    draw_load(&mut plot, result, (from, to));
    draw_batches(&plot, &batches(&result.median), (from, to));
    label_lines(&plot, result, to);
    plot.unclip();
    key(&canvas, ABOVE, &lines());
    let causes = causes(result);
    let lower = Words { y: "failed/s".into(), ..words.clone() };
    // An empty axis in thousandths would look as if there were something to see.
    let top = if causes.is_empty() { 1.0 } else { highest(result, &causes).max(1e-3) } * 1.15;
    let axes = (Axis::time(from, to), Axis::rate(top, 3.0));
    let plot = Plot::new(&root, &canvas, BELOW, axes, None, &lower);
    plot.clip();
    draw_failures(&plot, result, &causes);
    plot.unclip();
    let word = if causes.is_empty() { "no request failed" } else { "failed by cause:" };
    canvas.text((BELOW.left, BELOW.top - 19.0), Type::label(TEXT, INK, Anchor::Start), word);
    let shifted = Area { left: BELOW.left + 235.0, ..BELOW };
    key(&canvas, shifted, &entries(&causes));
    document(&canvas, &words)
}

/// Seconds in which demand exceeds capacity: in the median, and in the 5 % quantile over runs.
struct Overload {
    p50: f64,
    p5: f64,
}

impl Overload {
    fn of(result: &SimResult) -> Self {
        let t = &result.bands.t_s;
        let mut over = Self { p50: 0.0, p5: 0.0 };
        for (i, (demand, capacity)) in result.demand.iter().zip(&result.capacity).enumerate() {
            let width = match (t.get(i), t.get(i + 1)) {
                (Some(a), Some(b)) => b - a,
                _ => 0.0,
            };
            over.p5 += if *demand > capacity[0] { width } else { 0.0 };
            over.p50 += if *demand > capacity[1] { width } else { 0.0 };
        }
        over
    }
}

fn words(result: &SimResult, over: &Overload) -> Words {
    let requests = format::count(u64::from(result.runs_requests));
    let failed = result.summary(OutcomeKey::Failed);
    let lost = failed.map_or(String::new(), |s| {
        let share = result.summary(OutcomeKey::FailedShare);
        let share = share.map_or(String::new(), |s| format!(" ({})", format::share(s.mean.value)));
        format!("; {} requests fail{share} on average", format::number(s.mean.value))
    });
    let subtitle = match (result.demand.is_empty(), over.p50 > 0.0, over.p5 > 0.0) {
        (true, ..) => "No traffic in the scenario.".into(),
        (_, true, _) => {
            format!(
                "The median capacity lies below the demand for {}{lost}.",
                format::duration(over.p50)
            )
        }
        (_, false, true) => format!(
            "The median capacity suffices; for {} in all, over 5% of runs fall short{lost}.",
            format::duration(over.p5)
        ),
        (_, false, false) => {
            format!("At each instant at least 95% of runs have enough capacity{lost}.")
        }
    };
    Words {
        title: format!("{}: load against capacity", result.scenario.service.name),
        subtitle,
        caption: format!(
            "Demand: mean requests per second. Capacity: what the serving instances can answer, \
             median and 5% quantile over {} runs at each instant; hatched where demand exceeds the \
             5% quantile. Failures: mean over {requests} runs with requests.",
            format::count(u64::from(result.runs_control))
        ),
        x: "time since the rollout began (m:ss)".into(),
        y: "requests/s".into(),
        right: None,
    }
}

/// Values at the times of the bands, as steps.
fn grid(result: &SimResult, values: &[f64]) -> Vec<(f64, f64)> {
    let times = &result.bands.t_s;
    let points: Vec<(f64, f64)> = times.iter().copied().zip(values.iter().copied()).collect();
    steps(&points, times.last().copied().unwrap_or(0.0))
}

fn draw_load(plot: &mut Plot<'_>, result: &SimResult, (from, to): (f64, f64)) {
    let low: Vec<f64> = result.capacity.iter().map(|c| c[0]).collect();
    let mid: Vec<f64> = result.capacity.iter().map(|c| c[1]).collect();
    let met: Vec<f64> = low.iter().zip(&result.demand).map(|(c, d)| c.min(*d)).collect();
    let (low, mid) = (grid(result, &low), grid(result, &mid));
    let zero: Vec<_> = mid.iter().map(|p| (p.0, 0.0)).collect();
    plot.between(&zero, &mid, "#dbe8f6", 1.0);
    let demand = grid(result, &result.demand);
    plot.between(&grid(result, &met), &demand, BAD, 1.0);
    let inside = |p: &(f64, f64)| p.0 >= from - 60.0 && p.0 <= to + 60.0;
    plot.series(mid.into_iter().filter(inside).collect(), (36, 101, 176), 5.0);
    plot.series(low.into_iter().filter(inside).collect(), (36, 101, 176), 2.0);
    plot.series(demand.into_iter().filter(inside).collect(), (28, 36, 48), 4.5);
}

fn label_lines(plot: &Plot<'_>, result: &SimResult, to: f64) {
    let last = result.bands.t_s.partition_point(|t| *t <= to).saturating_sub(1);
    let (Some(demand), Some(capacity)) = (result.demand.get(last), result.capacity.get(last))
    else {
        return;
    };
    let (demand, capacity) = (*demand, capacity[1]);
    let label = |value: f64, text: &str, color: &str, below: bool| {
        let (x, y) = plot.at(to, value);
        // Below the line, unless that would cover the axis.
        let y = if below && y + 38.0 < plot.area.bottom { y + 32.0 } else { y - 12.0 };
        plot.canvas.text((x - 12.0, y), Type::label(TEXT, color, Anchor::End), text);
    };
    label(demand, "demand", INK, demand < capacity);
    label(capacity, "capacity", NEW, demand > capacity);
    let all = result.bands.t_s.iter().zip(&result.demand).zip(&result.capacity);
    let over = all.map(|((t, d), c)| (*t, *d, c[0])).find(|(_, demand, low)| demand > low);
    if let Some((t, _, low)) = over {
        let (x, y) = plot.at(t.max(0.0), low);
        let at = (x + 12.0, (y + 40.0).min(plot.area.bottom - 16.0));
        plot.canvas.text(at, Type::label(TEXT, RED, Anchor::Start), "overload");
    }
}

fn lines() -> Vec<KeyEntry> {
    let entry = |fill, height, text: &str| KeyEntry { fill, over: "", height, text: text.into() };
    vec![
        entry(INK, 4.5, "demand"),
        entry(NEW, 5.0, "capacity, median over runs"),
        entry(NEW, 2.0, "5% of runs have less"),
        entry(BAD, 22.0, "demand above that"),
    ]
}

/// The causes that occur, the most frequent first; all beyond the third are taken together.
fn causes(result: &SimResult) -> Vec<(String, Vec<Ending>)> {
    let total = |e: Ending| result.failures.iter().map(|f| f[e as usize]).sum::<f64>();
    let mut all: Vec<Ending> =
        Ending::ALL.into_iter().filter(|e| *e != Ending::Ok && total(*e) > 0.0).collect();
    all.sort_by(|a, b| total(*b).total_cmp(&total(*a)));
    let rest = if all.len() > 4 { all.split_off(3) } else { Vec::new() };
    let mut causes: Vec<_> =
        all.into_iter().map(|e| (super::super::cause(e).to_owned(), vec![e])).collect();
    if !rest.is_empty() {
        causes.push(("other".into(), rest));
    }
    causes
}

fn rate(result: &SimResult, i: usize, endings: &[Ending]) -> f64 {
    endings.iter().map(|e| result.failures[i][*e as usize]).sum()
}

fn highest(result: &SimResult, causes: &[(String, Vec<Ending>)]) -> f64 {
    let all = |i: usize| causes.iter().map(|(_, e)| rate(result, i, e)).sum::<f64>();
    (0..result.failures.len()).map(all).fold(0.0, f64::max)
}

fn draw_failures(plot: &Plot<'_>, result: &SimResult, causes: &[(String, Vec<Ending>)]) {
    let mut below = vec![0.0; result.failures.len()];
    for ((_, endings), fill) in causes.iter().zip(CAUSES) {
        let above: Vec<f64> =
            below.iter().enumerate().map(|(i, b)| b + rate(result, i, endings)).collect();
        plot.between(&grid(result, &below), &grid(result, &above), fill, 1.0);
        below = above;
    }
}

fn entries(causes: &[(String, Vec<Ending>)]) -> Vec<KeyEntry> {
    let entry = |((name, _), fill): (&(String, Vec<Ending>), &'static str)| KeyEntry {
        fill,
        over: "",
        height: 22.0,
        text: name.clone(),
    };
    causes.iter().zip(CAUSES).map(entry).collect()
}
