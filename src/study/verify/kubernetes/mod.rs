//! A recorded Kubernetes rollout, played again.

mod determinate;
mod fates;
mod race;
mod scene;
mod watch;

use super::forecast::{Forecast, Play, curve};
use super::steps::{self, Change, Merge};
use super::{Curves, Inputs, Options, Pair, Verdict, miss};
use crate::sim::{Depth, Model, World};
use crate::trace::recorded::kubernetes::{Kind, Recording, Step};
use crate::units::Span;
pub(super) use scene::scenario;
use watch::Watch;

/// Plays the recording and holds it against what was.
pub(super) fn verdict(
    file: &str,
    recording: &Recording,
    options: &Options,
) -> Result<Verdict, String> {
    let scenario = scene::scenario(recording)?;
    let told = scene::script(recording, Inputs::Observed, options.seed, 0);
    let (mut plays, mut orders) = (Vec::new(), Vec::new());
    let runs = options.runs.max(1);
    let mut play = |model: &Model<'_>, from: u32, to: u32| {
        let mut world = World::new(model);
        world.keep_statuses();
        for run in from..to {
            let mut watch = Watch::new(recording);
            world.run(options.seed, run, Depth::Control, &mut watch);
            let (play, order) = watch.finish(&world);
            plays.push(play);
            orders.push(order);
        }
    };
    match options.inputs {
        Inputs::Observed => play(&Model::with_script(&scenario, told), 0, runs),
        Inputs::Spec => {
            for run in 0..runs {
                let told = scene::script(recording, Inputs::Spec, options.seed, run);
                play(&Model::with_script(&scenario, told), run, run + 1);
            }
        }
    }
    let forecast = Forecast::of(&plays);
    let summary = &recording.summary;
    let (merge, recorded) = changes(recording);
    let first_difference = steps::compare(&recorded, &orders, merge);
    let last = recording.available.last().map_or(0.0, |(at, _)| *at);
    let end = forecast.band.map_or(last, |(_, high)| high.max(last)) * 1.05 + 0.5;
    let fate = |(done, settled): (bool, bool)| {
        format!("{}, {}", said(done), if settled { "settled" } else { "unsettled" })
    };
    Ok(Verdict {
        file: file.to_owned(),
        id: recording.id.clone(),
        kind: recording.kind.name().to_owned(),
        class: recording.class.clone(),
        group: if recording.spec.min_ready == Span::ZERO {
            "min_ready = 0".to_owned()
        } else {
            "min_ready > 0".to_owned()
        },
        final_ok: forecast.fate == (summary.duration.is_some(), summary.settled),
        said: (said(summary.duration.is_some()).to_owned(), said(forecast.fate.0).to_owned()),
        is: (
            format!("{} of {} at the target", at_target(recording), recording.wanted()),
            format!("{} of {} at the target", forecast.at_target, recording.wanted()),
        ),
        duration_s: Pair { recorded: summary.duration, predicted: forecast.duration },
        band_s: forecast.band,
        instances_max: Pair::counts(summary.active_max, forecast.active_max),
        available_min: Pair::counts(summary.available_min, forecast.available_min),
        misses: misses(recording, &forecast, &plays),
        instances_max_runs: forecast.active_maxes,
        available_min_runs: forecast.available_mins,
        steps_equal: determinate::is_determinate(recording).then_some(first_difference.is_none()),
        first_difference,
        noise: Some(format!("p90 {} ms", recording.noise.1)),
        fates: forecast.fates.iter().map(|(what, share)| (fate(*what), *share)).collect(),
        curves: Curves {
            recorded: recording.available.iter().map(|(at, n)| (*at, f64::from(*n))).collect(),
            predicted: curve(&plays, end),
        },
    })
}

/// What is to be said of the counts that the forecast misses.
fn misses(recording: &Recording, forecast: &Forecast, plays: &[Play]) -> Vec<String> {
    let summary = &recording.summary;
    let most = miss::count(miss::MOST, summary.active_max, &forecast.active_maxes);
    let most = most.map(|text| match race::facts(recording, plays) {
        Some(facts) => format!("{text}; {facts}"),
        None => text,
    });
    let fewest = miss::count(miss::FEWEST, summary.available_min, &forecast.available_mins);
    most.into_iter().chain(fewest).collect()
}

fn said(done: bool) -> &'static str {
    if done { "done" } else { "not done" }
}

/// Pods at the target that were ready and not told to stop when the record ended.
fn at_target(recording: &Recording) -> usize {
    let there = recording.pods.iter().filter(|pod| {
        pod.version == recording.summary.target
            && pod.deleted.is_none()
            && pod.failed.is_none()
            && pod.ready.last().is_some_and(|(_, ready)| *ready)
    });
    there.count()
}

/// The recorded changes in words.
fn changes(recording: &Recording) -> (Merge, Vec<Change>) {
    let merge = match recording.kind {
        Kind::Deployment => Merge::Last,
        Kind::StatefulSet | Kind::DaemonSet => Merge::Together,
    };
    let change = |step: &Step| match step {
        Step::Sizes { at, sizes } => (*at, watch::sizes(sizes)),
        Step::Pod { at, add, place, version } => {
            (*at, watch::pod_change(recording.kind, *add, *place, *version))
        }
    };
    (merge, recording.steps.iter().map(change).collect())
}
