//! Operating characteristics of judges on one rollout: how often each stops a good release, how
//! often it misses a bad one, how long it takes, and what that costs.
//!
//! Good and bad releases are played apart, with the same luck, each judge alone: what another one
//! does is not its merit. The prior comes in only where it must: in the precision.

pub mod noise;
mod usual;

use rayon::prelude::*;

use super::pool;
use crate::scenario::pieces::{Judge, Metric, Named};
use crate::scenario::{Dist, Scenario};
use crate::sim::{Depth, Model, World};
use crate::stats::{Estimate, interval};
use crate::trace::{Ending, Moment, Record, Ruling, Sink, VersionId};
use crate::units::{Share, Time};

/// How the laboratory is run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Seed of all chance.
    pub seed: u64,
    /// Rollouts of a good and of a bad release for each judge.
    pub runs: u32,
    /// Threads; 0: as many as there are processors.
    pub threads: usize,
}

/// Shares of bad releases for which precision is told.
pub const BASE_RATES: [f64; 3] = [0.01, 0.05, 0.15];
/// Additional errors, as a share of answers, at which power is told.
pub const ERRORS: [f64; 6] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05];
/// Slow-downs at which power is told.
pub const SLOWER: [f64; 5] = [0.02, 0.05, 0.1, 0.2, 0.5];

/// What a share of runs says.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Interval {
    /// As observed.
    pub value: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl From<Estimate> for Interval {
    fn from(Estimate { value, low, high }: Estimate) -> Self {
        Self { value, low, high }
    }
}

/// Over the bad releases that were stopped.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Detection {
    /// Median, seconds from the beginning of the rollout.
    pub p50_s: f64,
    /// 95th percentile.
    pub p95_s: f64,
}

/// Of all verdicts "bad", the share that is right.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Precision {
    /// Share of releases that are bad.
    pub bad_releases: f64,
    /// The precision; nothing if no release is ever stopped.
    pub precision: Option<Interval>,
}

/// Chance of a stop at one size of effect.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Power {
    /// Additional errors as a share of answers, or the slow-down.
    pub effect: f64,
    /// Share of releases stopped.
    pub stopped: Interval,
}

/// What one judge does.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Characteristics {
    /// Its name in the scenario.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// What it looks at.
    pub metric: Metric,
    /// Share of good releases that it stops.
    pub false_stops: Interval,
    /// Share of bad releases that it does not.
    pub missed: Interval,
    /// When it stops those that it does.
    pub detection: Option<Detection>,
    /// Requests that a bad release answered, mean over all bad ones.
    pub exposure: Interval,
    /// By share of bad releases.
    pub precision: Vec<Precision>,
    /// By additional errors; empty if it does not look at them.
    pub power_errors: Vec<Power>,
    /// By slow-down; empty if it does not look at latency.
    pub power_latency: Vec<Power>,
}

/// The whole table.
#[derive(Debug, Clone, PartialEq)]
pub struct Laboratory {
    /// The service.
    pub service: String,
    /// Instances of the fleet.
    pub instances: u32,
    /// What is bad about the bad release, in words.
    pub bad: String,
    /// Rollouts of either kind, for each judge.
    pub runs: u32,
    /// Rollouts at each size of effect.
    pub power_runs: u32,
    /// Seed of all chance.
    pub seed: u64,
    /// Whether these are the scenario's own judges.
    pub own: bool,
    /// In the scenario's order.
    pub judges: Vec<Characteristics>,
}

/// Why there is nothing to judge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JudgeError {
    /// No requests.
    #[error("judges look at requests, and nobody asks this service anything: add [traffic]")]
    NoRequests,
}

/// Plays the scenario's judges, or the usual ones if it has none.
///
/// # Errors
/// If there are no requests to look at.
pub fn laboratory(scenario: &Scenario, options: &Options) -> Result<Laboratory, JudgeError> {
    if !scenario.has_requests() {
        return Err(JudgeError::NoRequests);
    }
    let own = !scenario.pieces.judges.is_empty();
    let judges = if own { scenario.pieces.judges.clone() } else { usual::judges() };
    let power_runs = (options.runs / 4).max(20).min(options.runs);
    let judges = pool::install(options.threads, || {
        let play = |named: &Named<Judge>| characteristics(scenario, named, options, power_runs);
        judges.iter().map(play).collect()
    });
    Ok(Laboratory {
        service: scenario.service.name.clone(),
        instances: scenario.service.instances,
        bad: badness(scenario),
        runs: options.runs,
        power_runs,
        seed: options.seed,
        own,
        judges,
    })
}

/// The same rollout with this judge alone, of a release like the old version.
fn good(scenario: &Scenario, named: &Named<Judge>) -> Scenario {
    let mut good = scenario.clone();
    good.pieces.judges = vec![named.clone()];
    let old = good.versions.old.clone();
    good.versions.new = old;
    good
}

/// The same of the release that the scenario tells of.
fn bad(scenario: &Scenario, named: &Named<Judge>) -> Scenario {
    let mut bad = scenario.clone();
    bad.pieces.judges = vec![named.clone()];
    bad
}

/// What the new version does worse, in words.
fn badness(scenario: &Scenario) -> String {
    let (old, new) = (&scenario.versions.old, &scenario.versions.new);
    let mut words = Vec::new();
    let percent = |share: Share| format!("{}%", share.0 * 100.0);
    if new.errors.0 > old.errors.0 {
        words.push(format!("{} errors", percent(new.errors)));
    }
    let slower = new.service_time.mean_secs() / old.service_time.mean_secs();
    if slower > 1.0 + 1e-9 {
        words.push(format!("{:.0}% slower", (slower - 1.0) * 100.0));
    }
    if new.never_ready.0 > old.never_ready.0 {
        words.push(format!("{} never ready", percent(new.never_ready)));
    }
    if new.crash.0 > old.crash.0 {
        words.push(format!("{} crash", percent(new.crash)));
    }
    if words.is_empty() {
        "nothing: it is like the old version".to_owned()
    } else {
        words.join(", ")
    }
}

fn characteristics(
    scenario: &Scenario,
    named: &Named<Judge>,
    options: &Options,
    power_runs: u32,
) -> Characteristics {
    let good = play(&good(scenario, named), options.seed, options.runs);
    let bad = play(&bad(scenario, named), options.seed, options.runs);
    let (false_stops, stops) = (share_stopped(&good), share_stopped(&bad));
    let missed =
        Interval { value: 1.0 - stops.value, low: 1.0 - stops.high, high: 1.0 - stops.low };
    let mut times: Vec<f64> = bad.iter().filter_map(|seen| seen.stopped_s).collect();
    times.sort_by(f64::total_cmp);
    let quantile = |p: f64| times[((times.len() as f64 * p).ceil() as usize).max(1) - 1];
    let detection =
        (!times.is_empty()).then(|| Detection { p50_s: quantile(0.5), p95_s: quantile(0.95) });
    let judge = &named.piece;
    let (looks_at_errors, looks_at_latency) =
        (judge.metric != Metric::Latency, judge.metric != Metric::Errors);
    let stopped = |scenario: Scenario| share_stopped(&play(&scenario, options.seed, power_runs));
    let of_errors = |effect: &f64| Power {
        effect: *effect,
        stopped: stopped(with_errors(scenario, named, *effect)),
    };
    let of_latency = |effect: &f64| Power {
        effect: *effect,
        stopped: stopped(slower(scenario, named, *effect)),
    };
    Characteristics {
        name: named.name.clone(),
        kind: judge.kind.name(),
        metric: judge.metric,
        false_stops,
        missed,
        detection,
        exposure: mean(bad.iter().map(|seen| seen.exposed as f64)),
        precision: BASE_RATES.map(|rate| precision(rate, stops, false_stops)).to_vec(),
        power_errors: if looks_at_errors { ERRORS.iter().map(of_errors).collect() } else { vec![] },
        power_latency: if looks_at_latency {
            SLOWER.iter().map(of_latency).collect()
        } else {
            vec![]
        },
    }
}

fn with_errors(scenario: &Scenario, named: &Named<Judge>, effect: f64) -> Scenario {
    let mut worse = good(scenario, named);
    let errors = &mut worse.versions.new.errors;
    *errors = Share((errors.0 + effect).min(1.0));
    worse
}

fn slower(scenario: &Scenario, named: &Named<Judge>, effect: f64) -> Scenario {
    let mut worse = good(scenario, named);
    let old = worse.versions.old.service_time.clone();
    worse.versions.new.service_time = Dist::Scaled(Box::new(old), 1.0 + effect);
    worse
}

/// The interval takes the worse ends of both, and the better ones.
fn precision(bad_releases: f64, stops: Interval, false_stops: Interval) -> Precision {
    let of = |right: f64, wrong: f64| {
        let (right, wrong) = (bad_releases * right, (1.0 - bad_releases) * wrong);
        if right + wrong > 0.0 { right / (right + wrong) } else { 0.0 }
    };
    let is_ever = stops.value > 0.0 || false_stops.value > 0.0;
    let precision = is_ever.then(|| Interval {
        value: of(stops.value, false_stops.value),
        low: of(stops.low, false_stops.high),
        high: of(stops.high, false_stops.low),
    });
    Precision { bad_releases, precision }
}

/// What is seen of one rollout.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    begun: Time,
    /// When the judge said that the release is bad, in seconds since the rollout began.
    stopped_s: Option<f64>,
    /// Requests that the new version answered.
    exposed: u64,
}

impl Sink for Seen {
    fn record(&mut self, at: Time, record: Record) {
        match record {
            Record::Moment(Moment::Begun) => self.begun = at,
            Record::Judged { ruling: Ruling::Fail, .. } => {
                let since = at.since(self.begun).as_secs_f64();
                self.stopped_s.get_or_insert(since);
            }
            Record::Window { counts } => {
                let new = &counts[usize::from(VersionId::NEW.0)];
                let answered = [Ending::Ok, Ending::Version].map(|e| new.ended[e as usize]);
                self.exposed += u64::from(answered[0]) + u64::from(answered[1]);
            }
            _ => {}
        }
    }
}

fn play(scenario: &Scenario, seed: u64, runs: u32) -> Vec<Seen> {
    let model = Model::new(scenario);
    let one = |world: &mut World<'_>, replication: u32| {
        let mut seen = Seen::default();
        world.run(seed, replication, Depth::Requests, &mut seen);
        seen
    };
    (0..runs).into_par_iter().with_min_len(4).map_init(|| World::new(&model), one).collect()
}

fn share_stopped(seen: &[Seen]) -> Interval {
    let stopped = seen.iter().filter(|seen| seen.stopped_s.is_some()).count() as f64;
    let runs = seen.len() as f64;
    interval::wilson(stopped / runs.max(1.0), runs).into()
}

fn mean(values: impl Iterator<Item = f64>) -> Interval {
    let values: Vec<f64> = values.collect();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let square: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    interval::mean(mean, (square / (count - 1.0).max(1.0)).sqrt(), count).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_needs_few_false_stops_where_bad_releases_are_few() {
        let sure = |value| Interval { value, low: value, high: value };
        // Gandalf: 92.4 % at 1 % bad releases takes at most 0.0831 % false stops.
        let found = precision(0.01, sure(1.0), sure(0.000_831)).precision.unwrap();
        assert!((found.value - 0.924).abs() < 1e-4, "{found:?}");
        assert!(precision(0.05, sure(0.0), sure(0.0)).precision.is_none());
    }

    #[test]
    fn the_usual_judges_are_of_every_kind() {
        let kinds: Vec<&str> =
            usual::judges().iter().map(|named| named.piece.kind.name()).collect();
        assert_eq!(kinds.len(), 8);
        assert!(kinds.contains(&"robust") && kinds.contains(&"kayenta"));
    }
}
