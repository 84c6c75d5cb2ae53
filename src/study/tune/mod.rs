//! The best of several settings under the gates, with a guarantee: what `rollcast tune` does.
//!
//! Settings share their luck. A step of the selection (`stats::selection`) is a batch of
//! replications of one setting: its observation is the mean, or the quantile, of that batch.

mod bench;
mod cliff;
mod limits;

use bench::{Bench, Pilot};

pub use cliff::{Cliff, Next};

use super::pool;
use super::sweep::Goal;
use crate::engine::special;
use crate::scenario::{Measure, Scenario};
use crate::stats::Estimate;
use crate::stats::selection::{self, Place, Rule};

/// From this many settings on, those that are far behind are left behind by a race: the triangle
/// compares all pairs, and its first steps would be most of the work.
const MANY: usize = 100;
/// Steps before anything is left behind.
const FIRST: u32 = 20;

/// A difference that does not matter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Within {
    /// A share of the best value in a pilot study with luck of its own.
    Share(f64),
    /// In the goal's unit.
    Absolute(f64),
}

/// How to tune.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What a good setting is.
    pub goal: Goal,
    /// What is weighed against it.
    pub versus: Goal,
    /// A difference that does not matter.
    pub within: Within,
    /// The choice may be wrong with this probability.
    pub error: f64,
    /// By which rule settings are left behind; `None`: by their number.
    pub rule: Option<Rule>,
    /// The most replications of one setting.
    pub max_runs: u32,
    /// Seed of all random streams.
    pub seed: u64,
    /// Threads; 0: as many as there are cores.
    pub threads: usize,
}

/// A setting: what was written for each key, and the scenario that it makes.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// One value for each key.
    pub values: Vec<String>,
    /// Why it is not played, if it is not.
    pub scenario: Result<Scenario, String>,
}

/// What became of a setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// One value for each key.
    pub values: Vec<String>,
    /// Its place; `Err`: it was not played.
    pub place: Result<Place, String>,
    /// The goal's value, with an interval that holds whenever one stops.
    pub goal: Estimate,
    /// The value of what is weighed against it: a mean over batches.
    pub versus: f64,
    /// Replications.
    pub runs: u64,
    /// Whether no other setting that keeps the gates is better in both.
    pub on_front: bool,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuned {
    /// The keys that were varied.
    pub keys: Vec<String>,
    /// The gates, as written.
    pub gates: Vec<String>,
    /// In the order given.
    pub tried: Vec<Tried>,
    /// The choice, if a setting is known to keep the gates.
    pub best: Option<usize>,
    /// Whether the guarantee was reached.
    pub certain: bool,
    /// By which rule settings were left behind.
    pub rule: Rule,
    /// Replications in a step.
    pub batch: u32,
    /// The difference that does not matter, in the goal's unit.
    pub within: f64,
    /// Whether requests were simulated, in ten runs of a batch at least.
    pub requests: bool,
}

impl Tuned {
    /// Replications of all settings.
    pub fn runs(&self) -> u64 {
        self.tried.iter().map(|tried| tried.runs).sum()
    }
}

/// Finds the best of the candidates; gates are those of each scenario. `show` is told how many
/// replications were played.
pub fn tune(
    keys: &[String],
    candidates: &[Candidate],
    plan: &Plan,
    show: &(dyn Fn(u64) + Sync),
) -> Tuned {
    pool::install(plan.threads, || {
        let sound: Vec<(usize, &Scenario)> = candidates
            .iter()
            .enumerate()
            .filter_map(|(index, of)| of.scenario.as_ref().ok().map(|scenario| (index, scenario)))
            .collect();
        let scenarios: Vec<&Scenario> = sound.iter().map(|(_, scenario)| *scenario).collect();
        let mut bench = Bench::new(&scenarios, plan, show);
        let within = within(plan, &bench.pilot());
        let rule = plan.rule.unwrap_or(match scenarios.len() {
            ..MANY => Rule::Triangle,
            _ => Rule::Race,
        });
        let selected = {
            let most = (plan.max_runs / bench.batch()).max(2);
            let selecting =
                selection::Plan { rule, within, error: plan.error, first: FIRST.min(most), most };
            let limits = bench.limits().to_vec();
            selection::select(scenarios.len(), &limits, &selecting, &mut bench)
        };
        let mut tried: Vec<Tried> = candidates.iter().map(unplayed).collect();
        for (place, (index, _)) in sound.iter().enumerate() {
            let into = &mut tried[*index];
            into.place = Ok(relative(selected.places[place], &sound));
            into.goal = bench.goal(place, plan.error);
            into.versus = bench.versus(place);
            into.runs = u64::from(selected.steps[place]) * u64::from(bench.batch());
        }
        mark_front(&mut tried, plan);
        Tuned {
            keys: keys.to_vec(),
            gates: scenarios.first().map_or_else(Vec::new, |scenario| {
                scenario.gates.iter().map(|gate| gate.text.clone()).collect()
            }),
            best: selected.best().map(|best| sound[best].0),
            certain: selected.certain,
            rule,
            batch: bench.batch(),
            within,
            requests: bench.requests(),
            tried,
        }
    })
}

/// Runs of all candidates together if each were given as many, enough that the choice is right
/// with the same probability: two stages, with Student's quantile for each pair (Clark and Yang
/// 1986), for the widest of the pairs that hold the choice.
pub fn equal_runs(candidates: &[Candidate], plan: &Plan, tuned: &Tuned) -> Option<f64> {
    let sound: Vec<(usize, &Scenario)> = candidates
        .iter()
        .enumerate()
        .filter_map(|(index, of)| of.scenario.as_ref().ok().map(|scenario| (index, scenario)))
        .collect();
    let scenarios: Vec<&Scenario> = sound.iter().map(|(_, scenario)| *scenario).collect();
    let best = sound.iter().position(|(index, _)| Some(*index) == tuned.best)?;
    let mut bench = Bench::new(&scenarios, plan, &|_| {});
    let spread = bench.widest(best, FIRST);
    let tail = plan.error / (scenarios.len() as f64 - 1.0);
    let t = special::student_t_upper(tail, f64::from(FIRST) - 1.0);
    let steps = (t * spread / tuned.within).powi(2).ceil().max(f64::from(FIRST));
    Some(steps * f64::from(bench.batch()) * scenarios.len() as f64)
}

fn unplayed(candidate: &Candidate) -> Tried {
    Tried {
        values: candidate.values.clone(),
        place: Err(candidate.scenario.as_ref().err().cloned().unwrap_or_default()),
        goal: Estimate::UNKNOWN,
        versus: f64::NAN,
        runs: 0,
        on_front: false,
    }
}

/// Counted among all candidates instead of those that were played.
fn relative(place: Place, sound: &[(usize, &Scenario)]) -> Place {
    match place {
        Place::Behind(other) => Place::Behind(sound[other].0),
        _ => place,
    }
}

/// The difference that does not matter; never nothing, else ties would take for ever.
fn within(plan: &Plan, pilot: &Pilot) -> f64 {
    let least = f64::EPSILON * (1.0 + pilot.best.abs());
    match plan.within {
        Within::Absolute(value) => value,
        // Where the best is nothing at all, what matters is how far apart they are.
        Within::Share(share) if pilot.best == 0.0 => share * pilot.spread,
        Within::Share(share) => share * pilot.best.abs(),
    }
    .max(least)
}

/// Marks the settings of which none that keeps the gates is better in both goals.
fn mark_front(tried: &mut [Tried], plan: &Plan) {
    let sign = |goal: &Goal| if goal.max { -1.0 } else { 1.0 };
    let signs = (sign(&plan.goal), sign(&plan.versus));
    let points: Vec<Option<(f64, f64)>> = tried
        .iter()
        .map(|t| {
            let keeps = matches!(t.place, Ok(Place::Best | Place::Behind(_) | Place::Close));
            let point = (signs.0 * t.goal.value, signs.1 * t.versus);
            (keeps && point.0.is_finite() && point.1.is_finite()).then_some(point)
        })
        .collect();
    for (of, point) in tried.iter_mut().zip(&points) {
        let Some((x, y)) = point else { continue };
        let beaten = points.iter().flatten().any(|(a, b)| a <= x && b <= y && (a < x || b < y));
        of.on_front = !beaten;
    }
}

/// Replications in a step: few for a mean, enough to see a quantile.
fn batch(goal: &Goal) -> u32 {
    match goal.measure {
        Measure::Quantile(q) => (5.0 / q.min(1.0 - q)).ceil().clamp(10.0, 500.0) as u32,
        Measure::Mean | Measure::Probability | Measure::InRuns(_) => 10,
    }
}
