//! Where observations come from: batches of replications of all settings, in parallel.

use std::ops::Range;

use rayon::prelude::*;

use super::limits::Held;
use super::{Plan, batch};
use crate::outcome::Collector;
use crate::scenario::{Gate, Measure, OutcomeKey, Scenario};
use crate::sim::{Depth, Model, World};
use crate::stats::selection::{Limit, Observation, Source};
use crate::stats::{Estimate, anytime};
use crate::study::replicate::by_requests;
use crate::study::sweep::Goal;

/// First replication of the pilot study, which shares no luck with the selection.
const PILOT: u32 = 1 << 31;
/// Steps of the pilot study.
const PILOT_STEPS: u32 = 4;
/// Runs of a batch with requests, where only gates ask for them.
const DEEP: u32 = 10;
/// Steps that are handed out together.
const PIECE: u32 = 5;

/// What the pilot study saw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pilot {
    /// The best mean.
    pub(super) best: f64,
    /// From the best mean to the worst.
    pub(super) spread: f64,
}

/// Of how many runs of a batch what is played: requests only where somebody asks for them, and
/// not more of them than gates need, since they are a thousand times as dear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Depths {
    control: u32,
    requests: u32,
}

/// All settings, ready to be played.
pub(super) struct Bench<'a> {
    plan: &'a Plan,
    models: Vec<(&'a Scenario, Model<'a>, Vec<Held>)>,
    limits: Vec<Limit>,
    depths: Depths,
    batch: u32,
    /// Objectives and counter-objectives so far, by setting.
    seen: Vec<(Vec<f64>, Vec<f64>)>,
    played: u64,
    show: &'a (dyn Fn(u64) + Sync),
}

/// One batch: the objective, what is weighed against it, and what the limits saw.
struct Batch {
    versus: f64,
    observation: Observation,
}

impl<'a> Bench<'a> {
    pub(super) fn new(
        scenarios: &[&'a Scenario],
        plan: &'a Plan,
        show: &'a (dyn Fn(u64) + Sync),
    ) -> Self {
        let gates: &[Gate] = scenarios.first().map_or(&[], |scenario| &scenario.gates);
        let model = |scenario: &&'a Scenario| {
            let desired = scenario.service.instances;
            let held: Vec<Held> =
                scenario.gates.iter().map(|gate| Held::new(gate, desired)).collect();
            (*scenario, Model::new(scenario), held)
        };
        let models: Vec<_> = scenarios.iter().map(model).collect();
        let traffic = scenarios.iter().any(|scenario| scenario.has_requests());
        let deep = |key: OutcomeKey| traffic && by_requests(key);
        let batch = batch(&plan.goal);
        let goals = deep(plan.goal.outcome) || deep(plan.versus.outcome);
        let any = goals || gates.iter().any(|gate| deep(gate.outcome));
        let all = goals && deep(plan.goal.outcome) && deep(plan.versus.outcome);
        let all = all && gates.iter().all(|gate| deep(gate.outcome));
        let depths = Depths {
            control: if all { 0 } else { batch },
            requests: if goals {
                batch
            } else if any {
                DEEP.min(batch)
            } else {
                0
            },
        };
        // Limits are alike under all settings: shares of instances were resolved in what they see.
        let limits = models.first().map_or_else(Vec::new, |(_, _, held)| {
            held.iter().zip(gates).map(|(held, gate)| held.limit(gate)).collect()
        });
        Self {
            plan,
            limits,
            depths,
            batch,
            seen: vec![(Vec::new(), Vec::new()); models.len()],
            models,
            played: 0,
            show,
        }
    }

    pub(super) fn limits(&self) -> &[Limit] {
        &self.limits
    }

    pub(super) fn batch(&self) -> u32 {
        self.batch
    }

    pub(super) fn requests(&self) -> bool {
        self.depths.requests > 0
    }

    /// Some steps of all settings, to know how large the goal's values are.
    pub(super) fn pilot(&mut self) -> Pilot {
        let all: Vec<usize> = (0..self.models.len()).collect();
        let played = self.play(&all, 0..PILOT_STEPS, PILOT);
        let mean = |batches: &Vec<Batch>| {
            let sum: f64 = batches.iter().map(|batch| batch.observation.objective).sum();
            sum / batches.len() as f64
        };
        let means: Vec<f64> = played.iter().map(mean).filter(|mean| mean.is_finite()).collect();
        let (best, worst) = means
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
        if means.is_empty() {
            return Pilot { best: 0.0, spread: 0.0 };
        }
        Pilot { best, spread: worst - best }
    }

    /// The goal's value under a setting, with an interval that holds whenever one stops.
    pub(super) fn goal(&self, setting: usize, error: f64) -> Estimate {
        let values = &self.seen[setting].0;
        let n = values.len() as f64;
        if values.is_empty() {
            return Estimate::UNKNOWN;
        }
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        let sd = (squares / (n - 1.0)).sqrt();
        let found = anytime::mean(mean, sd, n, error);
        if self.plan.goal.max {
            Estimate { value: -mean, low: -found.high, high: -found.low }
        } else {
            found
        }
    }

    /// The mean over batches of what is weighed against the goal.
    pub(super) fn versus(&self, setting: usize) -> f64 {
        let values = &self.seen[setting].1;
        values.iter().sum::<f64>() / values.len() as f64
    }

    /// The largest standard deviation of the difference between a setting and any other, over the
    /// first steps.
    pub(super) fn widest(&mut self, best: usize, first: u32) -> f64 {
        let all: Vec<usize> = (0..self.models.len()).collect();
        let steps = self.play(&all, 0..first, 0);
        let objective = |setting: usize, step: usize| steps[setting][step].observation.objective;
        let n = f64::from(first);
        let sd = |other: usize| {
            let differences =
                || (0..first as usize).map(|step| objective(other, step) - objective(best, step));
            let mean = differences().sum::<f64>() / n;
            (differences().map(|d| (d - mean) * (d - mean)).sum::<f64>() / (n - 1.0)).sqrt()
        };
        all.iter().map(|other| sd(*other)).fold(0.0, f64::max)
    }

    /// By setting, then by step, whatever the number of threads.
    fn play(&mut self, settings: &[usize], steps: Range<u32>, from: u32) -> Vec<Vec<Batch>> {
        let pieces: Vec<(usize, Range<u32>)> = settings
            .iter()
            .flat_map(|setting| {
                let starts = steps.clone().step_by(PIECE as usize);
                let end = steps.end;
                starts.map(move |start| (*setting, start..end.min(start + PIECE)))
            })
            .collect();
        let each = pieces.len() / settings.len().max(1);
        let mut played: Vec<Vec<Batch>> =
            pieces.par_iter().map(|(setting, steps)| self.piece(*setting, steps, from)).collect();
        let runs = u64::from(steps.end - steps.start) * settings.len() as u64;
        self.played += runs * u64::from(self.batch);
        (self.show)(self.played);
        let mut by_setting = Vec::with_capacity(settings.len());
        let mut pieces = played.drain(..);
        for _ in settings {
            by_setting.push(pieces.by_ref().take(each).flatten().collect());
        }
        by_setting
    }

    fn piece(&self, setting: usize, steps: &Range<u32>, from: u32) -> Vec<Batch> {
        let (scenario, model, held) = &self.models[setting];
        let mut world = World::new(model);
        let mut collector = Collector::new(&scenario.slo, false);
        let mut run = |replication: u32, depth: Depth| {
            collector.reset();
            let end = world.run(self.plan.seed, replication, depth, &mut collector);
            let mut values = collector.finish(end).values;
            if let Some(prices) = &scenario.pieces.prices {
                prices.put(&mut values);
            }
            values
        };
        let traffic = scenario.has_requests();
        steps
            .clone()
            .map(|step| {
                let first = from + step * self.batch;
                let mut runs = |of: u32, depth: Depth| -> Vec<Vec<f64>> {
                    (first..first + of).map(|replication| run(replication, depth)).collect()
                };
                let control = runs(self.depths.control, Depth::Control);
                let requests = runs(self.depths.requests, Depth::Requests);
                let values = |key: OutcomeKey| {
                    let deep = control.is_empty() || traffic && by_requests(key);
                    let of = if deep { &requests } else { &control };
                    of.iter().map(move |values| values[key as usize])
                };
                let sees = held.iter().zip(&scenario.gates);
                Batch {
                    versus: measure(&self.plan.versus, values(self.plan.versus.outcome)),
                    observation: Observation {
                        objective: signed(&self.plan.goal, values(self.plan.goal.outcome)),
                        limits: sees.map(|(held, gate)| held.seen(values(gate.outcome))).collect(),
                    },
                }
            })
            .collect()
    }
}

impl Source for Bench<'_> {
    fn observe(&mut self, settings: &[usize], steps: Range<u32>) -> Vec<Vec<Observation>> {
        let played = self.play(settings, steps, 0);
        let mut observed = Vec::with_capacity(played.len());
        for (setting, batches) in settings.iter().zip(played) {
            let (goals, versus) = &mut self.seen[*setting];
            goals.extend(batches.iter().map(|batch| batch.observation.objective));
            versus.extend(batches.iter().map(|batch| batch.versus));
            observed.push(batches.into_iter().map(|batch| batch.observation).collect());
        }
        observed
    }
}

fn signed(goal: &Goal, values: impl Iterator<Item = f64>) -> f64 {
    let value = measure(goal, values);
    if goal.max { -value } else { value }
}

/// The goal's number over the runs of a batch; not a number where none has a value.
fn measure(goal: &Goal, values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
    let n = values.len() as f64;
    match goal.measure {
        Measure::Quantile(_) if values.is_empty() => f64::NAN,
        Measure::Quantile(q) => {
            values.sort_by(f64::total_cmp);
            // Between the order statistics whose expected ranks enclose it (Weibull's position).
            let place = (q * (n + 1.0) - 1.0).clamp(0.0, n - 1.0);
            let (low, part) = (place.floor() as usize, place.fract());
            let high = (low + 1).min(values.len() - 1);
            values[low] + (values[high] - values[low]) * part
        }
        Measure::Probability => values.iter().filter(|value| **value > 0.0).count() as f64 / n,
        Measure::Mean | Measure::InRuns(_) => values.iter().sum::<f64>() / n,
    }
}

#[cfg(test)]
mod tests {
    use super::measure;
    use crate::study::sweep::Goal;

    #[test]
    fn a_batch_has_a_number() {
        let of = |goal: &str, values: &[f64]| {
            measure(&Goal::read(goal).unwrap(), values.iter().copied())
        };
        let ladder: Vec<f64> = (1..=99).map(f64::from).collect();
        assert!((of("min p95(duration)", &ladder) - 95.0).abs() < 1e-9);
        assert!((of("min p50(duration)", &ladder) - 50.0).abs() < 1e-9);
        assert_eq!(of("max mean(serving_min)", &[1.0, f64::NAN, 2.0]), 1.5);
        assert_eq!(of("min p(stuck)", &[1.0, 0.0, 0.0, 1.0]), 0.5);
        assert!(of("min p95(duration)", &[f64::NAN]).is_nan());
        assert!(of("min mean(duration)", &[]).is_nan());
    }
}
