//! What settings that run under common luck have shown so far.

use super::selection::{Observation, Seen};

/// Sum and sum of squares of what a limit saw.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Tally {
    pub(super) count: f64,
    pub(super) sum: f64,
    squares: f64,
}

impl Tally {
    fn add(&mut self, seen: Seen) {
        match seen {
            Seen::Share { good, of } => {
                self.count += f64::from(of);
                self.sum += f64::from(good);
            }
            Seen::Mean(value) if !value.is_nan() => {
                self.count += 1.0;
                self.sum += value;
                self.squares += value * value;
            }
            Seen::Mean(_) => {}
        }
    }

    /// Mean and standard deviation of means.
    pub(super) fn moments(&self) -> (f64, f64) {
        let mean = self.sum / self.count;
        let variance = (self.squares - self.sum * mean) / (self.count - 1.0);
        (mean, variance.max(0.0).sqrt())
    }
}

/// Objectives of all steps, and tallies of the limits.
#[derive(Debug, Clone)]
pub(super) struct Paths {
    limits: usize,
    objectives: Vec<Vec<f64>>,
    sums: Vec<f64>,
    tallies: Vec<Tally>,
    first: u32,
    /// Variances of the differences over the first steps, by pair.
    spreads: Vec<f64>,
}

impl Paths {
    pub(super) fn new(settings: usize, limits: usize) -> Self {
        Self {
            limits,
            objectives: vec![Vec::new(); settings],
            sums: vec![0.0; settings],
            tallies: vec![Tally::default(); settings * limits],
            first: 0,
            spreads: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, setting: usize, steps: &[Observation]) {
        for step in steps {
            self.objectives[setting].push(step.objective);
            self.sums[setting] += step.objective;
            let tallies = &mut self.tallies[setting * self.limits..][..self.limits];
            tallies.iter_mut().zip(&step.limits).for_each(|(tally, seen)| tally.add(*seen));
        }
    }

    /// Takes the variances of all differences; all settings have the same steps by now.
    pub(super) fn fix_spreads(&mut self) {
        let settings = self.objectives.len();
        self.first = self.objectives.first().map_or(0, |steps| steps.len() as u32);
        let pairs = (0..settings).flat_map(|i| (0..settings).map(move |j| (i, j)));
        self.spreads = pairs
            .map(|(i, j)| if i < j { self.difference(i, j).1 } else { 0.0 })
            .map(|sd| sd * sd)
            .collect();
    }

    /// Whether some step had no objective.
    pub(super) fn is_void(&self, setting: usize) -> bool {
        !self.sums[setting].is_finite()
    }

    pub(super) fn first(&self) -> u32 {
        self.first
    }

    pub(super) fn spread(&self, one: usize, other: usize) -> f64 {
        self.spreads[one.min(other) * self.objectives.len() + one.max(other)]
    }

    pub(super) fn steps(&self, setting: usize) -> u32 {
        self.objectives[setting].len() as u32
    }

    pub(super) fn mean(&self, setting: usize) -> f64 {
        self.sums[setting] / self.objectives[setting].len() as f64
    }

    pub(super) fn tally(&self, setting: usize, limit: usize) -> &Tally {
        &self.tallies[setting * self.limits + limit]
    }

    /// Mean, standard deviation and number of the paired differences, `one` − `other`.
    pub(super) fn difference(&self, one: usize, other: usize) -> (f64, f64, f64) {
        let (ours, theirs) = (&self.objectives[one], &self.objectives[other]);
        let steps = ours.len().min(theirs.len()) as f64;
        let differences = || ours.iter().zip(theirs).map(|(a, b)| a - b);
        let mean = differences().sum::<f64>() / steps;
        let squares: f64 = differences().map(|d| (d - mean) * (d - mean)).sum();
        (mean, (squares / (steps - 1.0)).sqrt(), steps)
    }
}
