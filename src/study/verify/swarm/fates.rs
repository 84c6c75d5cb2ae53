//! What befalls each task: as recorded, or as the inputs say.

use super::process::{Luck, Process, SHORTEST};
use crate::sim::script::{Ends, Fate};
use crate::trace::VersionId;
use crate::trace::recorded::swarm::{Env, Hook, Recording, Task};
use crate::units::Span;

/// Tasks of a version with a fate of their own; more repeat them.
const FATES: usize = 256;
/// Of a task whose delays nobody saw, where no other task's were seen either.
const USUAL_READY: f64 = 0.95;
const USUAL_STOP: f64 = 1.6;
/// Created → assigned: all that comes before a missing image is noticed.
const ASSIGNED: f64 = 0.06;

/// Seconds as a span; none is negative.
pub(super) fn span(seconds: f64) -> Span {
    Span::from_secs_f64(seconds.max(0.0))
}

/// Median time that a task took to be prepared.
pub(super) fn prepared(recording: &Recording) -> f64 {
    if recording.lacks_image() {
        return ASSIGNED;
    }
    let new = recording.tasks.iter().filter(|task| task.created > 0.0);
    median(new.filter_map(|task| Some(task.prepared()? - task.created))).unwrap_or(0.28)
}

/// By version and order of creation: each task's own delays; where they were not seen, the median
/// of its version.
pub(super) fn observed(recording: &Recording) -> Vec<Vec<Fate>> {
    let group = |version: u8, initial: bool| {
        let is_it =
            |task: &&Task| task.version() == VersionId(version) && (task.created < 0.0) == initial;
        let mut tasks: Vec<&Task> = recording.tasks.iter().filter(is_it).collect();
        if initial {
            tasks.sort_by_key(|task| task.slot);
        }
        Group::of(recording, tasks).fates()
    };
    let mut fates = vec![group(0, true)];
    fates[0].extend(group(0, false).into_iter().cycle().take(FATES));
    for version in [1, 2] {
        fates.push(group(version, false).into_iter().cycle().take(FATES).collect());
    }
    fates
}

/// Tasks whose delays stand in for each other.
struct Group<'a> {
    lives: Vec<Life<'a>>,
    ready: Option<f64>,
    stop: f64,
    /// After it was ready (or started, if none ever was) it ends by itself.
    end: Option<f64>,
    flaky: bool,
}

/// One task's delays in seconds, as far as they were seen.
struct Life<'a> {
    task: &'a Task,
    ready: Option<f64>,
    stop: Option<f64>,
    /// Whether it was ready before, and how long before.
    end: Option<(bool, f64)>,
    /// How long it was ready, to its end or to the record's.
    lived: f64,
}

impl<'a> Group<'a> {
    fn of(recording: &Recording, tasks: Vec<&'a Task>) -> Self {
        let prepared = prepared(recording);
        let lives: Vec<Life<'a>> =
            tasks.into_iter().map(|task| Life::of(recording, task, prepared)).collect();
        let all = recording.tasks.iter().map(|task| Life::of(recording, task, prepared));
        let everywhere = median(all.filter_map(|life| life.stop)).unwrap_or(USUAL_STOP);
        let ready = median(lives.iter().filter_map(|life| life.ready));
        let from_ready = ready.is_some();
        let ends = lives.iter().filter_map(|life| life.end);
        let end = median(ends.filter(|(ready, _)| *ready == from_ready).map(|(_, after)| after));
        let start_first = recording.params.update.order == "start-first";
        let lost = recording.finds_no_node(start_first)
            && lives.iter().any(|life| life.task.version() == VersionId::NEW);
        let ready = if end.is_none() && !lost { ready.or(Some(USUAL_READY)) } else { ready };
        let stop = median(lives.iter().filter_map(|life| life.stop)).unwrap_or(everywhere);
        let flaky = [&recording.old_env, &recording.new_env].iter().any(|e| e.has("FAULT_PROB"));
        Self { lives, ready, stop, end, flaky }
    }

    fn fates(&self) -> Vec<Fate> {
        let nobody = || Fate {
            ready: self.ready.map(span),
            stop: span(self.stop),
            ends: None,
            rejected: None,
        };
        if self.lives.is_empty() {
            return vec![nobody()];
        }
        self.lives.iter().map(|life| self.fate(life)).collect()
    }

    fn fate(&self, life: &Life<'_>) -> Fate {
        let stop = span(life.stop.unwrap_or(self.stop));
        if let Some((_, after)) = life.end.filter(|_| life.task.rejected().is_some()) {
            return Fate { ready: None, stop, ends: None, rejected: Some(span(after)) };
        }
        let ends = |from_ready, after| Ends { after: span(after), from_ready, back: None };
        if let Some((from_ready, after)) = life.end {
            let ready = life.ready.filter(|_| from_ready).map(span);
            return Fate { ready, stop, ends: Some(ends(from_ready, after)), rejected: None };
        }
        // It was stopped, or the record ended, before its end: that would have come as the
        // others' did, unless chance decides or it outlived them.
        let armed = !self.flaky || life.task.logged("fault_armed").is_some();
        let end = self.end.filter(|end| armed && life.lived < *end);
        let ready = life.ready.or(self.ready);
        let ends = end.map(|end| ends(self.ready.is_some(), end));
        Fate { ready: ready.map(span), stop, ends, rejected: None }
    }
}

impl<'a> Life<'a> {
    fn of(recording: &Recording, task: &'a Task, prepared: f64) -> Self {
        let base = (task.created + prepared).max(task.released().unwrap_or(f64::MIN));
        let ran = task.ran();
        let ready = ran.filter(|_| task.created > 0.0).map(|ran| (ran - base).max(0.0));
        let end = task.ended_by_itself().map(|end| match (task.rejected(), ran) {
            (Some(rejected), _) => (false, rejected - task.created - prepared),
            (None, Some(ran)) => (true, (end - ran).max(SHORTEST)),
            (None, None) => (false, (end - base).max(0.0)),
        });
        // One that was only prepared has nothing to stop.
        let started = task.created < 0.0 || task.logged("start").is_some();
        let stop = task.told().and_then(|told| Some(task.ended()? - told)).filter(|_| started);
        let until = task.told().unwrap_or(recording.observed_s);
        let lived = ran.map_or(0.0, |ran| until - ran);
        Self { task, ready, stop, end, lived }
    }
}

/// By version and order of creation: what environment, health check and measured latencies say.
pub(super) fn foretold(recording: &Recording, luck: Luck) -> Result<Vec<Vec<Fate>>, String> {
    let replicas = recording.params.replicas as usize;
    let start_first = recording.params.update.order == "start-first";
    let old = Process { recording, env: &recording.old_env, unplaceable: false, rejected: false };
    let new = Process {
        env: &recording.new_env,
        unplaceable: recording.finds_no_node(start_first),
        rejected: recording.lacks_image(),
        ..old
    };
    let third: Env = recording
        .hooks()?
        .into_iter()
        .rev()
        .find_map(|(_, hook)| if let Hook::Update(env) = hook { Some(env) } else { None })
        .unwrap_or_default();
    let third = Process { env: &third, ..old };
    let of = |version: usize, process: Process<'_>| {
        (0..FATES).map(|task| process.fate(&mut luck.of(version, task))).collect::<Vec<_>>()
    };
    let mut fates = vec![of(0, old), of(1, new), of(2, third)];
    // What ran at the beginning is good, whatever its environment says of later tasks.
    for fate in fates[0].iter_mut().take(replicas) {
        fate.ends = None;
    }
    Ok(fates)
}

/// Created → prepared, as the measured latencies say.
pub(super) fn foretold_prepared(recording: &Recording, luck: Luck) -> f64 {
    if recording.lacks_image() { ASSIGNED } else { luck.prepare() }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    super::quantile(&values, 0.5)
}
