//! What the charts over time share: the visible span of a run, its marks and their labels.

use crate::scenario::OutcomeKey;
use crate::study::{SimResult, Story};
use crate::trace::{Moment, Phase, Record, Said};
use crate::units::Time;

use super::canvas::{Anchor, Pen, Type, text_width};
use super::frame::{Plot, TEXT};
use super::palette::{FAINT, INK, RED};

/// Borders that can still be told apart.
const MAX_BATCHES: usize = 40;

/// Seconds since the rollout of this run began.
pub(super) fn secs(story: &Story, time: Time) -> f64 {
    time.as_secs_f64() - story.series.begun.as_secs_f64()
}

/// The visible seconds of a run: a little before it began until some time after it settled.
/// Trouble often shows after "completed", so the picture goes on for a while.
pub(super) fn view(result: &SimResult, story: &Story) -> (f64, f64) {
    let begun = story.series.begun;
    let changes = story.records.iter().filter(|(at, record)| {
        *at > begun && matches!(record, Record::Phase { .. } | Record::Said(_) | Record::Moment(_))
    });
    let settled = changes.map(|(at, _)| secs(story, *at)).fold(0.0, f64::max);
    let p95 = result.summary(OutcomeKey::Duration).map_or(0.0, |s| s.quantiles[4].value);
    let length = settled.max(p95.min(settled * 1.3)).max(1.0);
    let end = (length * 1.12).min(secs(story, story.series.end).max(settled * 1.02));
    let before = (length * 0.05).min(begun.as_secs_f64());
    (-before, end.max(1.0))
}

/// Batch borders: (seconds, number).
pub(super) fn batches(story: &Story) -> Vec<(f64, u32)> {
    let batch = |(at, record): &(Time, Record)| match record {
        Record::Moment(Moment::Batch(number)) => Some((secs(story, *at), *number)),
        _ => None,
    };
    story.records.iter().filter_map(batch).collect()
}

/// What was said and decided: (seconds, words, whether it is bad).
pub(super) fn events(story: &Story) -> Vec<(f64, &'static str, bool)> {
    let words = |record: &Record| {
        Some(match record {
            Record::Said(Said::Completed) => ("says “completed”", false),
            Record::Said(Said::Paused) => ("says “paused”", true),
            Record::Said(Said::RollingBack) => ("rolling back", true),
            Record::Said(Said::RolledBack) => ("says “rolled back”", true),
            Record::Said(Said::Failed) => ("says “failed”", true),
            Record::Said(Said::RollbackPaused) => ("rollback paused", true),
            Record::Said(Said::DeadlineExceeded) => ("deadline exceeded", true),
            Record::Moment(Moment::Detected) => ("trouble noticed", true),
            Record::Moment(Moment::RollbackDecided) => ("rollback decided", true),
            Record::Moment(Moment::FlagTurned) => ("flag turned off", true),
            Record::Moment(Moment::FlagOff) => ("flag off everywhere", false),
            Record::Moment(Moment::RollbackFailed) => ("rollback failed", true),
            Record::Moment(Moment::PutBack) => ("new version put back", true),
            Record::Moment(Moment::Migrating) => ("migration begins", false),
            Record::Moment(Moment::Migrated) => ("migration is done", false),
            Record::Moment(Moment::RollbackBlocked) => ("no way back", true),
            Record::Moment(Moment::HumanCalled) => ("a person is called", true),
            Record::Moment(Moment::GaveUp) => ("simulation gives up", true),
            _ => return None,
        })
    };
    let event = |(at, record): &(Time, Record)| {
        let (words, bad) = words(record)?;
        Some((secs(story, *at), words, bad))
    };
    story.records.iter().filter_map(event).collect()
}

/// Failures of instances: (seconds, instance).
pub(super) fn failures(story: &Story) -> Vec<(f64, u32)> {
    let failure = |(at, record): &(Time, Record)| match record {
        Record::Moment(Moment::InstanceFailed(instance))
        | Record::Phase { instance, to: Phase::Failed | Phase::Lost, .. } => {
            Some((secs(story, *at), *instance))
        }
        _ => None,
    };
    story.records.iter().filter_map(failure).collect()
}

/// Dotted batch borders, with their numbers in the first row under the top edge as far as
/// there is room.
pub(super) fn draw_batches(plot: &Plot<'_>, batches: &[(f64, u32)], (from, to): (f64, f64)) {
    let pen = Pen { color: FAINT, width: 2.0, dash: &[3.0, 8.0] };
    let mut free = f64::MIN;
    // More lines would be a grey area.
    let every = batches.len().div_ceil(MAX_BATCHES).max(1);
    let shown = batches.iter().step_by(every).filter(|(t, _)| (from..=to).contains(t));
    for (t, number) in shown {
        plot.vertical(*t, pen);
        let (x, _) = plot.at(*t, 0.0);
        let long = format!("batch {number}");
        let next = batches.iter().map(|b| plot.at(b.0, 0.0).0).find(|n| *n > x + 1.0);
        let room = next.unwrap_or(plot.area.right) - x;
        let text = if text_width(&long, TEXT) + 16.0 < room { long } else { format!("{number}") };
        if x >= free {
            let look = Type { bold: false, ..Type::label(TEXT, FAINT, Anchor::Start) };
            plot.canvas.text((x + 7.0, plot.area.top + 30.0), look, &text);
            free = x + text_width(&text, TEXT) + 14.0;
        }
    }
}

/// Event lines with their words in rows below the batch numbers: on the side where no other
/// line would cross them, and in the first row where they cover no others.
pub(super) fn draw_events(plot: &Plot<'_>, events: &[(f64, &str, bool)], (from, to): (f64, f64)) {
    let shown: Vec<_> =
        telling(events).into_iter().filter(|e| (from..=to).contains(&e.0)).collect();
    for (t, _, bad) in &shown {
        let color = if *bad { RED } else { INK };
        plot.vertical(*t, Pen { color, width: 3.5, dash: &[] });
    }
    let lines: Vec<f64> = shown.iter().map(|e| plot.at(e.0, 0.0).0).collect();
    let mut rows: [Vec<(f64, f64)>; 4] = Default::default();
    for ((_, words, bad), x) in shown.iter().zip(&lines) {
        let width = text_width(words, TEXT) * 1.06 + 10.0;
        let crossed = |left: f64| {
            let apart = |line: &&f64| (**line - x).abs() > 1.0;
            lines.iter().filter(apart).filter(|l| (left..left + width).contains(*l)).count()
        };
        let fits = [*x + width <= plot.area.right, *x - width >= plot.area.left];
        let right = fits[0] && (!fits[1] || crossed(*x) <= crossed(*x - width));
        let left = if right { *x } else { *x - width };
        let free = |row: &Vec<(f64, f64)>| row.iter().all(|(a, b)| left > *b || left + width < *a);
        let row = rows.iter().position(free).unwrap_or(rows.len() - 1);
        rows[row].push((left, left + width));
        let at = if right { x + 10.0 } else { x - 10.0 };
        let anchor = if right { Anchor::Start } else { Anchor::End };
        let y = plot.area.top + 64.0 + 34.0 * row as f64;
        let color = if *bad { RED } else { INK };
        plot.canvas.text((at, y), Type::label(TEXT, color, anchor), words);
    }
}

/// Without those that only repeat another one of about the same time.
fn telling<'a>(events: &[(f64, &'a str, bool)]) -> Vec<(f64, &'a str, bool)> {
    let near = |t: f64, words: &str| events.iter().any(|e| e.1 == words && (e.0 - t).abs() < 1.5);
    let repeats = |(t, words, _): &(f64, &str, bool)| match *words {
        "trouble noticed" => near(*t, "deadline exceeded") || near(*t, "rollback decided"),
        "rolling back" => near(*t, "rollback decided"),
        _ => false,
    };
    events.iter().filter(|e| !repeats(e)).copied().collect()
}
