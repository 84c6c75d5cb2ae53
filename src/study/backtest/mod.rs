//! Past rollouts, each forecast from those before it: how good would the forecasts have been?

mod learned;
mod past;
mod play;
mod recorded;

use std::path::Path;

use super::pool;
use crate::scenario::recorded::ResponseOptions;
use crate::scenario::{Scenario, load};
use crate::stats::score::{crps, interval_score};
use crate::study::fit::{self, Failure, Recorder};
use crate::trace::recorded::Recording;
use past::{Past, Told};

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
    /// What kubectl or docker printed: the file's name and its text.
    Text(String, String),
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
         json` or `docker events --format '{{{{json .}}}}'`){why}"
    )]
    TooFew {
        /// From the first new pod to the last old one told to stop.
        complete: usize,
        /// All of them.
        seen: usize,
        /// Why others were left out; empty or a sentence.
        why: String,
    },
    /// Two kinds of input.
    #[error(
        "recorded rollouts and what kubectl or docker print cannot be one history; give one kind"
    )]
    Mixed,
    /// Access logs.
    #[error("access logs tell of no rollout; give what kubectl or docker recorded")]
    Logs,
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
    /// Within the interval.
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

/// A service with the defaults of whoever's instances were recorded.
fn default_settings(recorder: Option<Recorder>) -> Scenario {
    let strategy = match recorder {
        Some(Recorder::Docker) => "swarm",
        Some(Recorder::Kubectl) | None => "kubernetes",
    };
    let text = format!(
        "rollcast = 1\n[service]\ninstances = 1\n[versions.old]\nstart = \"1s\"\n\
         [strategy.{strategy}]\n"
    );
    load(&text, "defaults", Path::new("."), &[]).expect("a good scenario").scenario
}

/// Plays the history. `settings` says everything but instances, start and exit; without it the
/// orchestrator's defaults do. Recordings say their strategy themselves, and the rest where there
/// are no settings.
///
/// # Errors
/// If the input cannot be read or holds fewer than two complete rollouts.
pub fn backtest(
    inputs: &[Input],
    settings: Option<&Scenario>,
    options: &Options,
) -> Result<Report, Refused> {
    let mut left_out = Vec::new();
    let (history, defaults) = history(inputs, options, &mut left_out)?;
    let seen = history.len() + left_out.len();
    let complete = |past: &Past| {
        let why = match past.whole.duration {
            _ if past.whole.instances == 0 => "the instances before it are not in the record",
            None => "its end is not in the record",
            Some(_) => return true,
        };
        left_out.push(format!("{}: {why}", past.name));
        false
    };
    let history: Vec<Past> = history.into_iter().filter(complete).collect();
    let too_few = |complete: usize, left_out: &[String]| {
        let why = if left_out.is_empty() { "" } else { "; left out: " };
        Refused::TooFew { complete, seen, why: format!("{why}{}", left_out.join("; ")) }
    };
    if history.len() < 2 {
        return Err(too_few(history.len(), &left_out));
    }
    let mut played = Vec::new();
    pool::install(options.threads, || {
        for now in 1..history.len() {
            let base = base(&history[now], settings, &defaults);
            match play(&history[..now], &history[now], &base, options) {
                Ok(one) => played.push(one),
                Err(why) => left_out.push(format!("{}: {why}", history[now].name)),
            }
        }
    });
    if played.is_empty() {
        return Err(too_few(1, &left_out));
    }
    let duration = score(&played, |one| &one.duration);
    let available_min = score(&played, |one| &one.available_min);
    Ok(Report { played, left_out, duration, available_min })
}

/// All rollouts, and what holds where neither they nor the user say anything.
fn history(
    inputs: &[Input],
    options: &Options,
    left_out: &mut Vec<String>,
) -> Result<(Vec<Past>, Scenario), Refused> {
    let (mut files, mut pasts) = (Vec::new(), Vec::new());
    for input in inputs {
        match input {
            Input::Text(name, text) => files.push((name.clone(), text.clone())),
            Input::Recorded(name, recording) => match recorded::past(name, recording) {
                Ok(past) => pasts.push(past),
                Err(why) if inputs.len() > 1 => left_out.push(format!("{name} {why}")),
                Err(why) => return Err(Refused::Recording { file: name.clone(), why }),
            },
        }
    }
    if files.is_empty() {
        return Ok((pasts, default_settings(None)));
    }
    if inputs.iter().any(|input| matches!(input, Input::Recorded(..))) {
        return Err(Refused::Mixed);
    }
    let read = fit::read(&files, &ResponseOptions::default())?;
    let Some(recorder) = read.recorder.filter(|_| read.logs.is_empty()) else {
        return Err(Refused::Logs);
    };
    let mut lives = read.lives;
    let workload = fit::workload(&lives, options.workload.as_deref())?;
    lives.lives.retain(|life| life.workload == workload);
    let told = match recorder {
        Recorder::Kubectl => Told::Wish,
        Recorder::Docker => Told::Signal,
    };
    Ok((past::of_lives(&lives, told), default_settings(Some(recorder))))
}

/// Everything but instances, start and exit.
fn base(now: &Past, settings: Option<&Scenario>, defaults: &Scenario) -> Scenario {
    match (settings, &now.scenario) {
        (Some(settings), Some(own)) => {
            Scenario { strategy: own.strategy.clone(), ..settings.clone() }
        }
        (None, Some(own)) => own.clone(),
        (settings, None) => settings.unwrap_or(defaults).clone(),
    }
}

fn play(before: &[Past], now: &Past, base: &Scenario, options: &Options) -> Result<Played, String> {
    let learned =
        |of: fn(&Past) -> &Vec<past::Seen>, seed| learned::learned(before, of, play::DRAWS, seed);
    let (starts, count) = learned(|past| &past.starts, options.seed);
    if starts.is_empty() {
        return Err("no start time was seen before it".to_owned());
    }
    let (exits, _) = learned(|past| &past.exits, options.seed.wrapping_add(1));
    let runs = play::play(now, base, &starts, &exits, options);
    let sorted = |of: &dyn Fn(&past::Whole) -> Option<f64>| {
        let mut values: Vec<f64> = runs.iter().filter_map(of).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let durations = sorted(&|run| run.duration);
    if durations.len() * 2 < runs.len() {
        return Err("under these settings most simulated runs do not end".to_owned());
    }
    let lowest = sorted(&|run| run.duration.map(|_| f64::from(run.available_min)));
    let last = before[before.len() - 1].whole;
    let duration = |whole: past::Whole| whole.duration.unwrap_or_default();
    Ok(Played {
        name: now.name.clone(),
        instances: now.whole.instances,
        starts: count,
        duration: forecast(&durations, duration(now.whole), duration(last)),
        available_min: forecast(
            &lowest,
            f64::from(now.whole.available_min),
            f64::from(last.available_min),
        ),
    })
}

fn forecast(values: &[f64], happened: f64, last_time: f64) -> Forecast {
    let at = |p: f64| {
        let place = p * (values.len() - 1) as f64;
        let (low, high) = (values[place.floor() as usize], values[place.ceil() as usize]);
        low + (high - low) * place.fract()
    };
    let (low, median, high) = (at(0.05), at(0.5), at(0.95));
    Forecast {
        covered: happened >= low && happened <= high,
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
