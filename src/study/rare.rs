//! How likely something is that hardly ever happens: importance sampling, with a tilt found by
//! the cross-entropy method (Rubinstein 1999; de Boer and others 2005).
//!
//! What may be tilted is the luck of instances: whether they never get ready or crash, how soon,
//! and how long they take to start. The search for a tilt decides only how sharp the answer is,
//! never what it is: the runs of the answer are weighed back exactly (`sim::tilt`), and they are
//! not those of the search.

use rayon::prelude::*;

use super::pool;
use crate::outcome::Collector;
use crate::scenario::{Direction, Gate, Scenario};
use crate::sim::tilt::{Cause, Drawn, Tilt};
use crate::sim::{Depth, Model, World};
use crate::stats::{self, Estimate, Sample};

/// Runs of a round of the search.
const ROUND: u32 = 4_000;
/// Rounds of the search at most.
const ROUNDS: u32 = 20;
/// The share of runs that a round learns from.
const ELITE: f64 = 0.1;
/// Runs that a round must at least learn from.
const FEW: usize = 20;
/// Runs with the event from which on a round learns from nothing less.
const ENOUGH: usize = 100;
/// First replication of the search; far from those of the answer.
const SEARCH: u32 = 1 << 30;
/// Runs of an answer that nothing leads to.
const UNREACHED: u32 = 20_000;
/// Deviations from the untilted law, in standard errors, that count as chance.
const CHANCE: f64 = 4.0;
/// Runs with the event, in effect, below which an interval is not to be trusted.
pub const TRUSTED: f64 = 50.0;

/// How to look for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Seed of all random streams.
    pub seed: u64,
    /// Half-width of the interval wanted, as a share of the probability.
    pub precision: f64,
    /// The most runs of the answer.
    pub max_runs: u32,
    /// Threads; 0: as many as there are cores.
    pub threads: usize,
}

/// What was tilted.
#[derive(Debug, Clone, PartialEq)]
pub struct Tilted {
    /// `versions.new.crash`.
    pub key: String,
    /// Whether it is an event: then the numbers are probabilities, else exponents of the tail.
    pub event: bool,
    /// Untilted.
    pub from: f64,
    /// As it was played.
    pub to: f64,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The probability, with its 95 % interval.
    pub probability: Estimate,
    /// Runs of the answer.
    pub runs: u32,
    /// Runs of the search for a tilt and of the size of the answer.
    pub search_runs: u32,
    /// Runs of the answer in which it happened.
    pub hits: u32,
    /// Equally weighted runs that would tell as much.
    pub effective_hits: f64,
    /// Mean weight: 1 in truth, whatever the tilt.
    pub balance: Estimate,
    /// What was tilted; empty: nothing.
    pub tilted: Vec<Tilted>,
    /// Whether the search reached the event.
    pub reached: bool,
}

impl Answer {
    /// Plain runs that would give an interval as narrow.
    pub fn plain_runs(&self) -> f64 {
        let p = self.probability.value;
        let half = (self.probability.high - self.probability.low) / 2.0;
        let z = 1.96 / half;
        p * (1.0 - p) * z * z
    }

    /// How many times cheaper it was than plain runs, the search included.
    pub fn saved(&self) -> f64 {
        self.plain_runs() / f64::from(self.runs + self.search_runs)
    }
}

/// What of a run counts.
struct Shot {
    /// Small if it is near the event.
    score: f64,
    log_weight: f64,
    drawn: [[Drawn; 4]; 2],
}

struct Range<'a> {
    scenario: &'a Scenario,
    model: Model<'a>,
    gate: &'a Gate,
    seed: u64,
    /// The event: a score of at most this.
    limit: f64,
}

/// How likely a run is on the side of the limit that `event` names (`serving_min <= 0`).
pub fn probability(scenario: &Scenario, event: &Gate, plan: &Plan) -> Answer {
    pool::install(plan.threads, || {
        let limit = stats::resolve(event.limit, scenario.service.instances);
        let range = Range {
            scenario,
            model: Model::new(scenario),
            gate: event,
            seed: plan.seed,
            limit: oriented(event.direction, limit),
        };
        let (tilt, reached, rounds) = range.search();
        // How many runs it takes is told by runs of their own.
        let first = range.play(&tilt, SEARCH + ROUNDS * ROUND, ROUND);
        let runs = if reached { range.wanted(&first, plan) } else { UNREACHED };
        let shots = range.play(&tilt, 0, runs);
        range.answer(&shots, &tilt, reached, (rounds + 1) * ROUND)
    })
}

fn oriented(direction: Direction, value: f64) -> f64 {
    match direction {
        Direction::AtMost => value,
        Direction::AtLeast => -value,
    }
}

impl Range<'_> {
    /// In order of replication, whatever the number of threads.
    fn play(&self, tilt: &Tilt, from: u32, runs: u32) -> Vec<Shot> {
        let world = || {
            let mut world = World::new(&self.model);
            world.tilt(*tilt);
            (world, Collector::new(&self.scenario.slo, false))
        };
        let shoot = |(world, collector): &mut (World<'_>, Collector), replication: u32| {
            collector.reset();
            let end = world.run(self.seed, replication, Depth::Control, collector);
            let value = collector.finish(end).values[self.gate.outcome as usize];
            let luck = world.luck().expect("the world was tilted above");
            // What does not apply did not happen.
            let value = oriented(self.gate.direction, value);
            let score = if value.is_nan() { f64::INFINITY } else { value };
            Shot { score, log_weight: luck.log_weight, drawn: luck.drawn }
        };
        let all = (from..from + runs).into_par_iter().with_min_len(256);
        all.map_init(world, |world, replication| shoot(world, replication)).collect()
    }

    /// A tilt under which the event is no longer rare, whether there is one, and the rounds that
    /// it took.
    fn search(&self) -> (Tilt, bool, u32) {
        let mut tilt = Tilt::default();
        for round in 0..ROUNDS {
            let shots = self.play(&tilt, SEARCH + round * ROUND, ROUND);
            let hits = shots.iter().filter(|shot| shot.score <= self.limit).count();
            let Some(level) = self.level(&shots) else {
                return (tilt, hits > 0, round + 1);
            };
            tilt = self.learn(&shots, level);
            if level <= self.limit {
                return (tilt, true, round + 1);
            }
        }
        (tilt, false, ROUNDS)
    }

    /// The score up to which runs are learnt from: that of the nearest tenth, or nearer where a
    /// tenth is no nearer than most; `None` if hardly any run is.
    fn level(&self, shots: &[Shot]) -> Option<f64> {
        let mut scores: Vec<f64> = shots.iter().map(|shot| shot.score).collect();
        scores.sort_by(f64::total_cmp);
        let tenth = scores[(scores.len() as f64 * ELITE) as usize].max(self.limit);
        let up_to = |level: f64| scores.partition_point(|score| *score <= level);
        if up_to(self.limit) >= ENOUGH {
            return Some(self.limit);
        }
        if up_to(tenth) < scores.len() / 2 {
            return Some(tenth);
        }
        let nearer = scores.partition_point(|score| *score < tenth);
        let next = *scores.get(nearer.checked_sub(1)?)?;
        (nearer >= FEW).then_some(next.max(self.limit))
    }

    /// The tilt that is likeliest to have made the runs up to this level.
    fn learn(&self, shots: &[Shot], level: f64) -> Tilt {
        let near = || shots.iter().filter(|shot| shot.score <= level);
        let top = near().map(|shot| shot.log_weight).fold(f64::NEG_INFINITY, f64::max);
        let mut tilt = Tilt::default();
        for (version, causes) in tilt.iter_mut().enumerate() {
            for (cause, place) in Cause::ALL.into_iter().zip(causes) {
                let (mut draws, mut rare, mut count) = (0.0, 0.0, 0.0);
                for shot in near() {
                    let weight = libm::exp(shot.log_weight - top);
                    let drawn = shot.drawn[version][cause as usize];
                    draws += weight * drawn.draws;
                    rare += weight * drawn.rare;
                    count += drawn.draws;
                }
                *place = self.bend(cause, version, (draws, rare, count));
            }
        }
        tilt
    }

    /// The new value of one cause, unless it is as it was but for chance.
    fn bend(
        &self,
        cause: Cause,
        version: usize,
        (draws, rare, count): (f64, f64, f64),
    ) -> Option<f64> {
        if draws <= 0.0 || rare <= 0.0 {
            return None;
        }
        if !cause.is_event() {
            let exponent = (draws / rare).clamp(0.02, 1.0);
            return ((1.0 - exponent) * count.sqrt() > CHANCE).then_some(exponent);
        }
        let plain = self.plain(cause, version);
        let tilted = (rare / draws).min(0.95);
        let error = (plain * (1.0 - plain) / count).sqrt();
        (plain < 1.0 && tilted > plain && tilted - plain > CHANCE * error).then_some(tilted)
    }

    /// The probability of an event as the scenario has it.
    fn plain(&self, cause: Cause, version: usize) -> f64 {
        let versions = &self.scenario.versions;
        let version = if version == 0 { &versions.old } else { &versions.new };
        match cause {
            Cause::NeverReady => version.never_ready.0,
            Cause::Crash => version.crash.0,
            Cause::CrashAfter | Cause::Start => 1.0,
        }
    }

    /// Weight of the runs in which it happened, 0 of the others.
    fn values(&self, shots: &[Shot]) -> Vec<f64> {
        let value = |shot: &Shot| {
            if shot.score <= self.limit { libm::exp(shot.log_weight) } else { 0.0 }
        };
        shots.iter().map(value).collect()
    }

    fn wanted(&self, first: &[Shot], plan: &Plan) -> u32 {
        let values = self.values(first);
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        if mean <= 0.0 {
            return plan.max_runs;
        }
        let spread = (squares / (n - 1.0)).sqrt() / mean;
        // A little more: the spread is a guess.
        let wanted = 1.2 * (1.96 * spread / plan.precision).powi(2);
        wanted.clamp(f64::from(ROUND), f64::from(plan.max_runs.max(ROUND))) as u32
    }

    fn answer(&self, shots: &[Shot], tilt: &Tilt, reached: bool, search_runs: u32) -> Answer {
        let values = self.values(shots);
        let tilted = self.tilted(tilt);
        let pairs = |values: &mut dyn Iterator<Item = f64>| -> Vec<(f64, f64)> {
            values.map(|value| (value, 1.0)).collect()
        };
        let mean =
            |pairs: &[(f64, f64)]| Sample::new(pairs).map_or(Estimate::UNKNOWN, |s| s.mean());
        let weighed = pairs(&mut values.iter().copied());
        let plain = tilted.is_empty();
        let probability = if plain {
            let sample = Sample::new(&weighed);
            sample.map_or(Estimate::UNKNOWN, |s| s.share(|value| value > 0.0))
        } else {
            let found = mean(&weighed);
            Estimate { low: found.low.max(0.0), ..found }
        };
        let (sum, squares) =
            values.iter().fold((0.0, 0.0), |(sum, squares), v| (sum + v, squares + v * v));
        Answer {
            probability,
            runs: shots.len() as u32,
            search_runs,
            hits: values.iter().filter(|value| **value > 0.0).count() as u32,
            effective_hits: if squares > 0.0 { sum * sum / squares } else { 0.0 },
            balance: mean(&pairs(&mut shots.iter().map(|shot| libm::exp(shot.log_weight)))),
            tilted,
            reached,
        }
    }

    fn tilted(&self, tilt: &Tilt) -> Vec<Tilted> {
        let mut all = Vec::new();
        for (version, causes) in tilt.iter().enumerate() {
            for (cause, to) in Cause::ALL.into_iter().zip(causes) {
                let Some(to) = *to else { continue };
                let name = if version == 0 { "old" } else { "new" };
                all.push(Tilted {
                    key: format!("versions.{name}.{}", cause.key()),
                    event: cause.is_event(),
                    from: self.plain(cause, version),
                    to,
                });
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::exact::BirthDeath;
    use crate::scenario::{self, gate_text};

    fn answer(text: &str, event: &str, seed: u64) -> Answer {
        let loaded = scenario::load(text, "x", Path::new(""), &[]);
        let scenario = loaded.unwrap_or_else(|e| panic!("{:?}", e.diagnostics)).scenario;
        let event = gate_text::parse(event).unwrap();
        let plan = Plan { seed, precision: 0.1, max_runs: 200_000, threads: 1 };
        probability(&scenario, &event, &plan)
    }

    fn check(found: &Answer, exact: f64) {
        let p = found.probability;
        // Three half-widths and not one: the seed is fixed, but not chosen.
        let half = (p.high - p.low) / 2.0;
        assert!((p.value - exact).abs() < 1.5 * half, "{found:?}, not {exact:.3e}");
        assert!(half < 0.2 * p.value && found.effective_hits > TRUSTED, "{found:?}");
        assert!(found.saved() > 1_000.0, "{}", found.saved());
    }

    /// Twelve new instances all at once, each crashes for good a minute after its start with
    /// probability c: the number of crashes is binomial.
    #[test]
    fn a_binomial_tail_of_one_in_a_million() {
        let text = "rollcast = 1\nmargin = \"3m\"\n[service]\ninstances = 12\n\
                    [versions.old]\nstart = \"5s\"\n\
                    exit = \"1s\"\n[versions.new]\ncrash = \"1.7%\"\ncrash_after = \"1m\"\n\
                    [restart]\nattempts = 0\n[strategy.generic]\nbatch = 12\n\
                    order = \"start-first\"\nbake = \"0s\"\n";
        let c: f64 = 0.017;
        let terms = [(5, 792.0), (6, 924.0), (7, 792.0), (8, 495.0), (9, 220.0)];
        let exact: f64 =
            terms.iter().map(|(k, ways)| ways * c.powi(*k) * (1.0 - c).powi(12 - k)).sum();
        check(&answer(text, "serving_min <= 7", 1), exact);
    }

    /// A sliding window of exponential starts is a chain of exponential steps.
    #[test]
    fn a_long_rollout_of_one_in_a_million() {
        let text = "rollcast = 1\n[service]\ninstances = 8\n[versions.old]\nexit = \"0s\"\n\
                    start = { law = \"exponential\", mean = \"60s\" }\n\
                    [probes]\nperiod = \"0s\"\ninitial_delay = \"0s\"\n\
                    [strategy.generic]\nbatch = 2\nready_deadline = \"100h\"\n\
                    window = \"sliding\"\norder = \"stop-first\"\n\
                    bake = \"0s\"\n";
        // Two are out until the last one is alone.
        let births: Vec<f64> = (0..8).map(|done| if done < 7 { 2.0 } else { 1.0 } / 60.0).collect();
        let chain = BirthDeath { deaths: vec![0.0; 8], births };
        let mut start = vec![0.0; 9];
        start[0] = 1.0;
        let end = chain.advance(&start, 1_140.0, &[0.0; 9]).end;
        let exact = 1.0 - end[8];
        assert!((1e-7..1e-5).contains(&exact), "{exact}");
        check(&answer(text, "duration >= 19m", 1), exact);
    }

    #[test]
    fn what_no_luck_leads_to_is_not_reached() {
        let text = "rollcast = 1\n[service]\ninstances = 4\n[versions.old]\nstart = \"5s\"\n\
                    [strategy.generic]\nbatch = 1\n";
        let found = answer(text, "serving_min <= 0", 1);
        assert!(!found.reached && found.hits == 0 && found.tilted.is_empty());
        assert!(found.probability.high < 1e-3);
    }
}
