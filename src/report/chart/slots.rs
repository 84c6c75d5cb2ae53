//! Chart 2: each instance of one run as a bar over time (a Gantt chart).

use std::collections::BTreeMap;

use crate::report::format;
use crate::study::{SimResult, Story};
use crate::trace::{Phase, Record, VersionId};

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Type};
use super::frame::{Area, Drawing, KeyEntry, PLOT, Plot, TEXT, Words, document, key, surface};
use super::palette::{DRAINING, FAINT, INK, LEAVING, NEW, OLD, RED, STARTING};
use super::timeline::{batches, draw_batches, draw_events, events, failures, secs, view};

/// More rows would be thinner than a line on a screen.
const MAX_ROWS: usize = 200;
/// Height kept free for the words of batches and events.
const HEADROOM: f64 = 90.0;
const AREA: Area = Area { right: 1560.0, ..PLOT };

/// What an instance is doing, as far as this chart tells it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Starting,
    Serving,
    /// Told to stop, still in rotation.
    Leaving,
    Draining,
    Failed,
    Gone,
}

/// One instance: its states with the seconds at which they begin.
#[derive(Debug, Clone)]
struct Row {
    instance: u32,
    version: VersionId,
    states: Vec<(f64, State)>,
    /// When the rollout touched it first: an old one is told to stop, a new one is created.
    touched: f64,
    phase: Phase,
    serving: bool,
}

/// Draws it for one run; `name` says which ("the median run").
pub(super) fn draw(result: &SimResult, story: &Story, name: &str) -> Drawing {
    let (from, to) = view(result, story);
    let mut all = rows(story);
    all.retain(|r| r.states.iter().any(|(t, s)| *t <= to && *s != State::Gone));
    all.sort_by(|a, b| a.touched.total_cmp(&b.touched).then(a.instance.cmp(&b.instance)));
    let total = all.len();
    let shown = thinned(&all, &failures(story));
    let words = words(result, story, name, (shown.len(), total));
    let canvas = Canvas::default();
    let root = surface(&canvas);
    let axes = (Axis::time(from, to), Axis::rate(1.0, 2.0).without_ticks());
    let plot = Plot::new(&root, &canvas, AREA, axes, None, &words);
    let step = (AREA.bottom - AREA.top - HEADROOM) / shown.len().max(1) as f64;
    plot.clip();
    for (i, row) in shown.iter().enumerate() {
        bar(&plot, row, AREA.top + HEADROOM + step * i as f64, step, (from, to));
    }
    draw_batches(&plot, &batches(story), (from, to));
    draw_events(&plot, &events(story), (from, to));
    for (t, instance) in failures(story) {
        if let Some(i) = shown.iter().position(|r| r.instance == instance) {
            let y = AREA.top + HEADROOM + step * (i as f64 + 0.5);
            canvas.cross((plot.at(t, 0.0).0, y), (step * 0.35).clamp(8.0, 14.0), RED);
        }
    }
    plot.unclip();
    numbers(&canvas, &shown, step);
    legend(&canvas, &shown, !failures(story).is_empty());
    document(&canvas, &words)
}

fn words(result: &SimResult, story: &Story, name: &str, (shown, total): (usize, usize)) -> Words {
    let duration = story.outcome.get(crate::scenario::OutcomeKey::Duration);
    let took = duration.map_or(String::new(), |d| format!(" after {}", format::duration(d)));
    let note = if shown < total {
        format!(
            " {shown} of {total} instances are shown: one of every {}, and all that failed.",
            total.div_ceil(MAX_ROWS)
        )
    } else {
        String::new()
    };
    let runs = format::count(u64::from(result.runs_control));
    Words {
        title: format!("{}: what each instance does", result.scenario.service.name),
        subtitle: format!(
            "{total} instances, old and new, in the order in which the rollout reaches them; ends \
             as {}{took}.",
            story.outcome.fate.name()
        ),
        caption: format!(
            "A row is one instance of {name} (run {} of {runs}). It counts as serving while at \
             least half of the nodes that send requests choose it and it can answer.{note}",
            story.replication
        ),
        x: "time since the rollout began (m:ss)".into(),
        y: "instance number".into(),
        right: None,
    }
}

fn rows(story: &Story) -> Vec<Row> {
    let mut rows: BTreeMap<u32, Row> = BTreeMap::new();
    for (at, record) in &story.records {
        let t = secs(story, *at);
        let (id, version) = match record {
            Record::Phase { instance, version, .. } | Record::Serving { instance, version, .. } => {
                (*instance, *version)
            }
            _ => continue,
        };
        let row = rows.entry(id).or_insert_with(|| Row {
            instance: id,
            version,
            states: Vec::new(),
            touched: if version == VersionId::OLD { f64::MAX } else { t },
            phase: Phase::Pending,
            serving: false,
        });
        match record {
            Record::Phase { to, .. } => row.phase = *to,
            Record::Serving { serving, .. } => row.serving = *serving,
            _ => {}
        }
        if row.phase == Phase::Draining {
            row.touched = row.touched.min(t);
        }
        let state = state(row.phase, row.serving);
        if row.states.last().is_none_or(|(_, last)| *last != state) {
            row.states.push((t, state));
        }
    }
    rows.into_values().collect()
}

fn state(phase: Phase, serving: bool) -> State {
    match (phase, serving) {
        (Phase::Stopped | Phase::Lost, _) => State::Gone,
        (Phase::Failed, _) => State::Failed,
        (Phase::Draining, true) => State::Leaving,
        (Phase::Draining, false) => State::Draining,
        (Phase::Ready | Phase::Available | Phase::Starting | Phase::Pending, true) => {
            State::Serving
        }
        (Phase::Ready | Phase::Available | Phase::Starting | Phase::Pending, false) => {
            State::Starting
        }
    }
}

/// At most about [`MAX_ROWS`] rows, evenly chosen; failed instances always.
fn thinned(all: &[Row], failed: &[(f64, u32)]) -> Vec<Row> {
    let every = all.len().div_ceil(MAX_ROWS).max(1);
    let keep = |(i, row): &(usize, &Row)| {
        i % every == 0 || (failed.len() < 20 && failed.iter().any(|f| f.1 == row.instance))
    };
    all.iter().enumerate().filter(keep).map(|(_, r)| r.clone()).collect()
}

fn bar(plot: &Plot<'_>, row: &Row, top: f64, step: f64, (from, to): (f64, f64)) {
    // A gap between rows where there is room for one.
    let gap = if step > 9.0 { step * 0.16 } else { 0.0 };
    let height = step - gap;
    for (i, (t, state)) in row.states.iter().enumerate() {
        let until = row.states.get(i + 1).map_or(to, |next| next.0).min(to);
        let since = t.max(from);
        if until <= since {
            continue;
        }
        let (left, right) = (plot.at(since, 0.0).0, plot.at(until, 0.0).0);
        let version = if row.version == VersionId::OLD { OLD } else { NEW };
        let fills: &[&str] = match state {
            State::Starting => &[STARTING],
            State::Serving => &[version],
            State::Leaving => &[version, LEAVING],
            State::Draining => &[DRAINING],
            State::Failed => &[super::palette::BAD],
            State::Gone => &[],
        };
        for fill in fills {
            plot.canvas.rect((left, top + gap / 2.0), (right - left, height), fill);
        }
    }
}

/// Instance numbers at the left, as many as fit.
fn numbers(canvas: &Canvas, shown: &[Row], step: f64) {
    let every = ((TEXT * 1.15) / step).ceil().max(1.0) as usize;
    for (i, row) in shown.iter().enumerate().step_by(every) {
        let y = AREA.top + HEADROOM + step * (i as f64 + 0.5) + TEXT * 0.35;
        let color = if row.version == VersionId::OLD { FAINT } else { "#123a6b" };
        let look = Type::plain(TEXT.min(26.0), color, Anchor::End);
        canvas.text((AREA.left - 10.0, y), look, &row.instance.to_string());
    }
}

fn legend(canvas: &Canvas, shown: &[Row], failed: bool) {
    let has = |version_old: bool, state: State| {
        shown.iter().any(|r| {
            (r.version == VersionId::OLD) == version_old
                && r.states.iter().any(|(_, s)| *s == state)
        })
    };
    let either = |state| has(true, state) || has(false, state);
    let entry = |fill, over, text: &str| KeyEntry { fill, over, height: 22.0, text: text.into() };
    let all = [
        (has(true, State::Serving), entry(OLD, "", "old, serving")),
        (has(false, State::Serving), entry(NEW, "", "new, serving")),
        (either(State::Starting), entry(STARTING, "", "starting")),
        (either(State::Leaving), entry(OLD, LEAVING, "told to stop, still gets requests")),
        (either(State::Draining), entry(DRAINING, "", "draining")),
        (either(State::Failed), entry(super::palette::BAD, "", "crashed")),
    ];
    let entries: Vec<KeyEntry> = all.into_iter().filter(|(is, _)| *is).map(|(_, e)| e).collect();
    key(canvas, AREA, &entries);
    if failed {
        canvas.cross((AREA.right - 90.0, AREA.top - 29.0), 12.0, RED);
        let look = Type::plain(TEXT, INK, Anchor::Start);
        canvas.text((AREA.right - 68.0, AREA.top - 19.0), look, "failed");
    }
}
