//! A trace of rollcast's own, held against other runs of its scenario.

use std::path::Path;

use super::forecast::{Forecast, Play, curve};
use super::{Curves, Options, Pair, Verdict, miss};
use crate::scenario::{self, Scenario};
use crate::sim::{Depth, Model, World};
use crate::trace::journal::Journal;
use crate::trace::{Moment, Phase, Record, Said, VersionId};
use crate::units::Time;

/// Plays the scenario in the journal's header and holds it against its records.
pub(super) fn verdict(file: &str, journal: &Journal, options: &Options) -> Result<Verdict, String> {
    let Some(text) = journal.header.scenario.as_str() else {
        let hint = "it must be the text that `rollcast sim --print-scenario` prints";
        return Err(format!("the scenario in its header cannot be played again: {hint}"));
    };
    let loaded = scenario::load(text, file, Path::new("."), &[]).map_err(|error| {
        let first = error.diagnostics.first().map_or("", |problem| problem.message.as_str());
        format!("the scenario in its header cannot be played again: {first}")
    })?;
    let scenario = loaded.scenario;
    let model = Model::new(&scenario);
    let mut world = World::new(&model);
    let one = |run| {
        let mut records = Vec::new();
        world.run(options.seed, run, Depth::Control, &mut records);
        watch(&records, &scenario).0
    };
    let plays: Vec<Play> = (0..options.runs.max(1)).map(one).collect();
    let (real, said) = watch(&journal.records, &scenario);
    let forecast = Forecast::of(&plays);
    let number = scenario.service.instances;
    let is = |count| format!("{count} of {number} at the target");
    let word = |done: bool| if done { "done" } else { "not done" };
    let available = |&(at, count): &(f64, u32)| (at, f64::from(count));
    let last = real.available.last().map_or(0.0, |(at, _)| *at);
    let end = forecast.band.map_or(last, |(_, high)| high.max(last)) * 1.05 + 0.5;
    let fate = |((done, settled), share): &((bool, bool), f64)| {
        (format!("{}, {}", word(*done), if *settled { "settled" } else { "unsettled" }), *share)
    };
    Ok(Verdict {
        file: file.to_owned(),
        id: scenario.service.name.clone(),
        group: "rollcast".to_owned(),
        kind: "rollcast".to_owned(),
        class: scenario.strategy.orchestrator().name().to_owned(),
        final_ok: forecast.fate == (real.done.is_some(), real.settled),
        said: (format!("{said:?}").to_lowercase(), word(forecast.fate.0).to_owned()),
        is: (is(real.at_target), is(forecast.at_target)),
        duration_s: Pair { recorded: real.done, predicted: forecast.duration },
        band_s: forecast.band,
        instances_max: Pair::counts(real.active_max, forecast.active_max),
        available_min: Pair::counts(real.available_min, forecast.available_min),
        misses: miss::both(
            (real.active_max, &forecast.active_maxes),
            (real.available_min, &forecast.available_mins),
        ),
        instances_max_runs: forecast.active_maxes,
        available_min_runs: forecast.available_mins,
        steps_equal: None,
        first_difference: None,
        noise: journal.torn.then(|| "its last line has no end".to_owned()),
        fates: forecast.fates.iter().map(fate).collect(),
        curves: Curves {
            recorded: real.available.iter().map(available).collect(),
            predicted: curve(&plays, end),
        },
    })
}

/// What a trace shows from the beginning of its rollout on, and what was said last.
fn watch(records: &[(Time, Record)], scenario: &Scenario) -> (Play, Said) {
    let begins = |record: &Record| *record == Record::Moment(Moment::Begun);
    let begun = records.iter().find(|(_, record)| begins(record)).map_or(Time::ZERO, |(t, _)| *t);
    let mut play = Play { available_min: u32::MAX, ..Play::default() };
    let mut phases: Vec<(Phase, VersionId)> = Vec::new();
    let mut said = Said::Progressing;
    for (at, record) in records {
        match record {
            Record::Phase { instance, version, to, .. } => {
                let place = *instance as usize;
                if phases.len() <= place {
                    phases.resize(place + 1, (Phase::Stopped, *version));
                }
                phases[place] = (*to, *version);
            }
            Record::Said(now) => {
                said = *now;
                if now.is_terminal() && *now != Said::Paused {
                    play.done.get_or_insert(at.since(begun).as_secs_f64());
                }
            }
            _ => {}
        }
        let count = |of: fn(Phase) -> bool| phases.iter().filter(|(p, _)| of(*p)).count() as u32;
        let active = count(|phase| phase.is_active() && phase != Phase::Failed);
        let available = count(|phase| phase == Phase::Available);
        if *at >= begun && phases.len() >= scenario.service.instances as usize {
            play.active_max = play.active_max.max(active);
            play.available_min = play.available_min.min(available);
            if play.available.last().is_none_or(|(_, last)| *last != available) {
                play.available.push((at.since(begun).as_secs_f64(), available));
            }
        }
    }
    let back = said == Said::RolledBack;
    let target = if back { VersionId::OLD } else { VersionId::NEW };
    let there =
        |(phase, version): &&(Phase, VersionId)| *phase == Phase::Available && *version == target;
    play.at_target = phases.iter().filter(there).count() as u32;
    let left = phases.iter().any(|(phase, version)| {
        *phase == Phase::Draining || (phase.is_active() && *version != target)
    });
    play.settled = !left && play.at_target > 0;
    play.available_min = play.available_min.min(scenario.service.instances);
    (play, said)
}
