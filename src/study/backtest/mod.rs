//! Past rollouts, each forecast from those before it: how good would the forecasts have been?

mod past;

use std::path::Path;

use crate::scenario::settings::StrategySettings;
use crate::scenario::{Dist, OutcomeKey, Scenario, load};
use crate::stats::fit::Sample;
use crate::stats::score::{crps, interval_score};
use crate::study::fit::{self, Answer, Failure};
use crate::study::options::{Options as Study, Runs};
use crate::study::simulate;
use crate::trace::recorded::kubectl::Pods;
use crate::trace::recorded::kubernetes::Recording;
use crate::units::Span;
use past::Past;

/// How the past is played.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which workload's; needed where there are several.
    pub workload: Option<String>,
    /// Runs of each forecast.
    pub runs: u32,
    /// Seed of all chance.
    pub seed: u64,
    /// Threads; 0: one per core. Results do not depend on it.
    pub threads: usize,
}

/// What a history is read from.
#[derive(Debug, Clone)]
pub enum Input {
    /// What kubectl printed: the file's name and its text.
    Kubectl(String, String),
    /// A recorded rollout and its file's name.
    Recorded(String, Box<Recording>),
}

/// Why nothing can be played.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The input makes no sense.
    #[error(transparent)]
    Input(#[from] Failure),
    /// A recording of something else.
    #[error("{file} {why}")]
    Recording {
        /// Its file.
        file: String,
        /// What it is.
        why: String,
    },
    /// Too short a history.
    #[error(
        "{complete} of {seen} rollouts in the input are complete; two are the fewest: one to learn \
         from, one to forecast (record them with `kubectl get pods -w --output-watch-events -o \
         json`)"
    )]
    TooFew {
        /// From the first new pod to the last old one told to stop.
        complete: usize,
        /// All of them.
        seen: usize,
    },
    /// Two kinds of input.
    #[error("recorded rollouts and kubectl's output cannot be one history; give one kind")]
    Mixed,
}

/// A forecast beside what happened.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Forecast {
    /// Lower end of the 90 % interval.
    pub low: f64,
    /// Median.
    pub median: f64,
    /// Upper end.
    pub high: f64,
    /// What happened.
    pub happened: f64,
    /// What happened the time before.
    pub last_time: f64,
    /// Within the interval, the clock's resolution granted.
    pub covered: bool,
    /// Interval score (smaller is better).
    pub interval_score: f64,
    /// The same of the guess "as last time".
    pub guess_interval_score: f64,
    /// Continuous ranked probability score (smaller is better).
    pub crps: f64,
    /// The same of the guess: its absolute error.
    pub guess_crps: f64,
}

/// One rollout that was forecast.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Played {
    /// Its name.
    pub name: String,
    /// Instances.
    pub instances: u32,
    /// Start times that the forecast was made from.
    pub starts: usize,
    /// Seconds.
    pub duration: Forecast,
    /// Fewest available at once.
    pub available_min: Forecast,
}

/// The means over all that were forecast.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize)]
pub struct Score {
    /// Share within the 90 % interval.
    pub coverage: f64,
    /// Mean interval score.
    pub interval_score: f64,
    /// Of the guess.
    pub guess_interval_score: f64,
    /// Mean CRPS.
    pub crps: f64,
    /// Of the guess.
    pub guess_crps: f64,
}

/// The past, played.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Report {
    /// Oldest first; the first rollout is only learned from.
    pub played: Vec<Played>,
    /// Rollouts that could not be used, and why.
    pub left_out: Vec<String>,
    /// Of durations.
    pub duration: Score,
    /// Of the lowest availability.
    pub available_min: Score,
}

impl Report {
    /// Forecasts of the duration were no worse than the guess "as last time".
    pub fn holds(&self) -> bool {
        self.duration.crps <= self.duration.guess_crps
    }
}

/// A Deployment with the defaults of Kubernetes.
pub fn default_settings() -> Scenario {
    let text = "rollcast = 1\n[service]\ninstances = 1\n[versions.old]\nstart = \"1s\"\n\
                [strategy.kubernetes]\n";
    load(text, "defaults", Path::new("."), &[]).expect("a good scenario").scenario
}

/// Plays the history. `settings` says everything but instances, start and exit; recordings say
/// their strategy themselves.
///
/// # Errors
/// If the input cannot be read or holds fewer than two complete rollouts.
pub fn backtest(
    inputs: &[Input],
    settings: &Scenario,
    options: &Options,
) -> Result<Report, Refused> {
    let history = history(inputs, settings, options)?;
    let mut left_out = Vec::new();
    let seen = history.len();
    let complete = |past: &Past| {
        let why = match past.duration {
            _ if past.instances == 0 => "the pods before it are not in the record",
            None => "its end is not in the record",
            Some(_) => return true,
        };
        left_out.push(format!("{}: {why}", past.name));
        false
    };
    let history: Vec<Past> = history.into_iter().filter(complete).collect();
    if history.len() < 2 {
        return Err(Refused::TooFew { complete: history.len(), seen });
    }
    let mut played = Vec::new();
    for now in 1..history.len() {
        match play(&history[..now], &history[now], settings, options) {
            Ok(one) => played.push(one),
            Err(why) => left_out.push(format!("{}: {why}", history[now].name)),
        }
    }
    if played.is_empty() {
        return Err(Refused::TooFew { complete: 1, seen });
    }
    let duration = score(&played, |one| &one.duration);
    let available_min = score(&played, |one| &one.available_min);
    Ok(Report { played, left_out, duration, available_min })
}

fn history(inputs: &[Input], settings: &Scenario, options: &Options) -> Result<Vec<Past>, Refused> {
    let (mut files, mut recorded) = (Vec::new(), Vec::new());
    let own = default_settings().strategy;
    let strategy = match &settings.strategy {
        kubernetes @ StrategySettings::Kubernetes(_) => kubernetes,
        _ => &own,
    };
    let StrategySettings::Kubernetes(defaults) = strategy else { unreachable!("it says so") };
    for input in inputs {
        match input {
            Input::Kubectl(name, text) => files.push((name, text)),
            Input::Recorded(name, recording) => {
                let past = past::of_recording(recording, defaults)
                    .map_err(|why| Refused::Recording { file: name.clone(), why })?;
                recorded.push(past);
            }
        }
    }
    if files.is_empty() {
        return Ok(recorded);
    }
    if !recorded.is_empty() {
        return Err(Refused::Mixed);
    }
    let texts: Vec<&str> = files.iter().map(|(_, text)| text.as_str()).collect();
    let mut read = Pods::read(&texts)
        .map_err(|(index, error)| Failure::Read { file: files[index].0.clone(), error })?;
    let workload = fit::workload(&read, options.workload.as_deref())?;
    read.pods.retain(|pod| pod.workload == workload);
    Ok(past::of_pods(&read.pods, read.latest))
}

fn play(
    before: &[Past],
    now: &Past,
    settings: &Scenario,
    options: &Options,
) -> Result<Played, String> {
    let mut scenario = settings.clone();
    scenario.service.instances = now.instances;
    if let Some(strategy) = &now.strategy {
        scenario.strategy = StrategySettings::Kubernetes(strategy.clone());
    }
    // The wait for the next probe is in the measured start, the way to the process in the exit.
    scenario.probes.period = Span::ZERO;
    scenario.traffic = None;
    scenario.gates.clear();
    let (start, starts) = learned(before, |past| &past.starts, options);
    let start = start.ok_or("no start time was seen before it")?;
    let (exit, _) = learned(before, |past| &past.exits, options);
    for version in [&mut scenario.versions.old, &mut scenario.versions.new] {
        version.start = start.clone();
        version.pull = None;
        version.start_cpu = None;
        version.exit = exit.clone().unwrap_or_else(|| version.exit.clone());
    }
    let study = Study {
        seed: options.seed,
        runs: Runs::Fixed(options.runs.max(20)),
        max_runs: options.runs.max(20),
        threads: options.threads,
    };
    let result = simulate(&scenario, &study, &|_| {});
    let values = |key: OutcomeKey| {
        let rows = result.table.rows.iter().filter_map(|row| row.3.get(key));
        let mut values: Vec<f64> = rows.collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let durations = values(OutcomeKey::Duration);
    if durations.len() * 2 < result.table.rows.len() {
        return Err("under these settings most simulated runs do not end".to_owned());
    }
    let last = &before[before.len() - 1];
    let happened = now.duration.unwrap_or_default();
    let last_time = last.duration.unwrap_or_default();
    let (lowest, last_lowest) = (f64::from(now.available_min), f64::from(last.available_min));
    Ok(Played {
        name: now.name.clone(),
        instances: now.instances,
        starts,
        duration: forecast(&durations, happened, last_time, now.tick),
        available_min: forecast(&values(OutcomeKey::AvailableMin), lowest, last_lowest, 0.0),
    })
}

/// What the rollouts before say of a time, and from how many values.
fn learned(
    before: &[Past],
    of: impl Fn(&Past) -> &Vec<(f64, bool)>,
    options: &Options,
) -> (Option<Dist>, usize) {
    let tick = before.iter().map(|past| past.tick).fold(0.0, f64::max);
    let values = |over: bool| -> Vec<f64> {
        let all = before.iter().flat_map(&of);
        all.filter(|(_, ended)| *ended == over).map(|(value, _)| *value).collect()
    };
    let mut ended = values(true);
    let sample = Sample::new(tick, &ended, &values(false));
    let how = fit::Options { workload: None, resamples: 99, seed: options.seed };
    let law = match Answer::of(&sample, &how) {
        // Few values are better than none.
        Answer::Nothing(_) => {
            ended.sort_by(f64::total_cmp);
            let spans: Vec<Span> = ended.iter().map(|x| Span::from_secs_f64(*x)).collect();
            (!spans.is_empty()).then_some(Dist::Data(spans))
        }
        answer => answer.dist(),
    };
    (law, ended.len())
}

fn forecast(values: &[f64], happened: f64, last_time: f64, tick: f64) -> Forecast {
    let at = |p: f64| {
        let place = p * (values.len() - 1) as f64;
        let (low, high) = (values[place.floor() as usize], values[place.ceil() as usize]);
        low + (high - low) * place.fract()
    };
    let (low, median, high) = (at(0.05), at(0.5), at(0.95));
    Forecast {
        covered: happened >= low - tick && happened <= high + tick,
        interval_score: interval_score(low, high, happened),
        guess_interval_score: interval_score(last_time, last_time, happened),
        crps: crps(values, happened),
        guess_crps: crps(&[last_time], happened),
        low,
        median,
        high,
        happened,
        last_time,
    }
}

fn score(played: &[Played], which: fn(&Played) -> &Forecast) -> Score {
    let n = played.len().max(1) as f64;
    let mean = |of: fn(&Forecast) -> f64| played.iter().map(|one| of(which(one))).sum::<f64>() / n;
    Score {
        coverage: mean(|one| f64::from(u8::from(one.covered))),
        interval_score: mean(|one| one.interval_score),
        guess_interval_score: mean(|one| one.guess_interval_score),
        crps: mean(|one| one.crps),
        guess_crps: mean(|one| one.guess_crps),
    }
}
