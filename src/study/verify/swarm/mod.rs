//! A recorded Docker Swarm update, played again.

mod fates;
mod measured;
mod process;
mod scene;
#[cfg(test)]
mod tests;
mod watch;

use super::forecast::{Play, curve, most_frequent, quantile, shares};
use super::{Curves, Inputs, Options, Pair, Verdict, miss};
use crate::sim::{Depth, Model, World};
use crate::trace::recorded::swarm::Recording;
use process::Luck;
pub(super) use scene::scenario;
use watch::Watch;

/// What is said of an update that reaches no end.
const ENDLESS: &str = "none";
/// The recorder went on for so long after an end, and gave up after so long without one.
const PATIENCE_S: f64 = 7.3;
const TIMEOUT_S: f64 = 180.0;

/// Plays the recording and holds it against what was.
pub(super) fn verdict(
    file: &str,
    recording: &Recording,
    options: &Options,
) -> Result<Verdict, String> {
    let plays = play_all(recording, options)?;
    let ends: Vec<String> = plays.iter().map(|(_, end)| end.clone()).collect();
    let plays: Vec<Play> = plays.into_iter().map(|(play, _)| play).collect();
    let fates = shares(ends.iter().cloned());
    let predicted = fates[0].0.clone();
    let summary = &recording.summary;
    let recorded = summary.first_terminal_state.clone().unwrap_or_else(|| ENDLESS.to_owned());
    let mut done: Vec<f64> = plays.iter().filter_map(|play| play.done).collect();
    done.sort_by(f64::total_cmp);
    let ends = predicted != ENDLESS;
    let band = quantile(&done, 0.05).zip(quantile(&done, 0.95)).filter(|_| ends);
    let running = recording.running();
    let replicas = recording.params.replicas;
    let most = shares(plays.iter().map(|play| play.active_max));
    let fewest = shares(plays.iter().map(|play| play.available_min));
    let of = |count: u32| format!("{count} of {replicas} running");
    Ok(Verdict {
        file: file.to_owned(),
        id: recording.id.clone(),
        group: "swarm".to_owned(),
        kind: "swarm".to_owned(),
        class: recording.kind.clone(),
        final_ok: predicted == recorded,
        said: (recorded, predicted),
        is: (
            of(summary.running_at_end),
            of(most_frequent(plays.iter().map(|play| play.at_target))),
        ),
        duration_s: Pair {
            recorded: summary.duration_s,
            predicted: quantile(&done, 0.5).filter(|_| ends),
        },
        band_s: band,
        instances_max: Pair::counts(summary.max_running, most[0].0),
        available_min: Pair::counts(summary.min_running, fewest[0].0),
        misses: miss::both((summary.max_running, &most), (summary.min_running, &fewest)),
        instances_max_runs: most,
        available_min_runs: fewest,
        // Slots come in random order: none is determinate.
        steps_equal: None,
        first_difference: None,
        noise: recording.noise(),
        fates,
        curves: Curves { recorded: running, predicted: curve(&plays, recording.observed_s) },
    })
}

/// All plays, each with the first state that was an end.
fn play_all(recording: &Recording, options: &Options) -> Result<Vec<(Play, String)>, String> {
    let runs = options.runs.max(1);
    if recording.changes_nothing() {
        return Ok(vec![(untouched(recording), ENDLESS.to_owned()); runs as usize]);
    }
    let hooks = recording.hooks()?;
    let last_hook = hooks.last().map_or(0.0, |(at, _)| *at);
    let mut plays = Vec::new();
    let mut play = |model: &Model<'_>, from: u32, to: u32, patience: f64| {
        let mut world = World::new(model);
        for run in from..to {
            let mut watch = Watch::new(recording.poll_hz).leaving(patience, last_hook);
            world.run(options.seed, run, Depth::Control, &mut watch);
            plays.push(watch.finish());
        }
    };
    match options.inputs {
        Inputs::Observed => {
            let scenario = scene::scenario(recording, fates::prepared(recording))?;
            let fates = fates::observed(recording);
            let told = scene::script(recording, fates, recording.observed_s)?;
            play(&Model::with_script(&scenario, told), 0, runs, f64::INFINITY);
        }
        Inputs::Spec => {
            let end = recording.timeout().unwrap_or(TIMEOUT_S);
            for run in 0..runs {
                let luck = Luck::new(options.seed, run);
                let prepared = fates::foretold_prepared(recording, luck);
                let scenario = scene::scenario(recording, prepared)?;
                let told = scene::script(recording, fates::foretold(recording, luck)?, end)?;
                play(&Model::with_script(&scenario, told), run, run + 1, PATIENCE_S);
            }
        }
    }
    Ok(plays)
}

/// A service whose tasks' specification does not change has no dirty slot: there is no update
/// (rule 15 of the strategy's surprises), and nothing to play.
fn untouched(recording: &Recording) -> Play {
    let replicas = recording.params.replicas;
    Play {
        done: None,
        settled: true,
        at_target: replicas,
        active_max: replicas,
        size_max: 0,
        available_min: replicas,
        available: vec![(0.0, replicas)],
    }
}
