//! Some replications of one setting, played together.

use std::ops::Range;

use crate::outcome::{Collector, Fate, Outcome};
use crate::scenario::{OutcomeKey, Scenario};
use crate::sim::{Depth, Model, World};
use crate::study::replicate::by_requests;

/// Replications of a block: enough to represent rare fates, few enough to hand out evenly.
pub const BLOCK: u32 = 100;
/// Runs with requests that a sample has at least, where there are as many.
const REQUEST_RUNS: f64 = 100.0;

/// How many of the runs are simulated with requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Requests {
    /// All; then durations and capacity come from them, too.
    All,
    /// This share of the runs of each fate in each block, weighted back.
    Share(f64),
}

impl Requests {
    /// The usual sample: a quarter, but at least a hundred.
    pub fn sample(runs: u32) -> Self {
        Self::Share((REQUEST_RUNS / f64::from(runs.max(1))).clamp(0.25, 1.0))
    }
}

/// The values of one outcome over the runs of a block.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Column {
    /// The same in all.
    Same(f64),
    /// One a run: of every run, or, if requests decide it, of every run with requests.
    Each(Vec<f64>),
}

impl Column {
    pub(super) fn of(values: Vec<f64>) -> Option<Self> {
        let first = *values.first()?;
        if values.iter().all(|value| value.is_nan()) {
            return None;
        }
        let same = values.iter().all(|value| value.to_bits() == first.to_bits());
        Some(if same { Self::Same(first) } else { Self::Each(values) })
    }

    /// The value of the run with this place in the column.
    pub(super) fn get(&self, place: usize) -> f64 {
        match self {
            Self::Same(value) => *value,
            Self::Each(values) => values[place],
        }
    }
}

/// Replications `first..first + runs` of one setting: their numbers, not their traces.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Its first replication.
    pub first: u32,
    /// How each run ended, and whether it was simulated with requests.
    pub(super) fates: Vec<(Fate, bool)>,
    /// Outcomes that applied in some run, in the order of `OutcomeKey::ALL`.
    pub(super) columns: Vec<(OutcomeKey, Column)>,
    /// Whether the request columns hold only the runs with requests.
    pub(super) sampled: bool,
}

/// The blocks of so many replications.
pub fn blocks(runs: u32) -> impl Iterator<Item = Range<u32>> {
    let firsts = (0..runs).step_by(BLOCK as usize);
    firsts.map(move |first| first..runs.min(first.saturating_add(BLOCK)))
}

/// A world for many runs of one setting.
pub(crate) struct BlockPlayer<'a> {
    scenario: &'a Scenario,
    world: World<'a>,
    collector: Collector,
    seed: u64,
}

impl<'a> BlockPlayer<'a> {
    pub(crate) fn new(scenario: &'a Scenario, model: &'a Model<'a>, seed: u64) -> Self {
        let collector = Collector::new(&scenario.slo, false);
        Self { scenario, world: World::new(model), collector, seed }
    }

    pub(crate) fn play(&mut self, of: Range<u32>, requests: Requests) -> Block {
        let (first, traffic) = (of.start, self.scenario.has_requests());
        let all = traffic && requests == Requests::All;
        let depth = if all { Depth::Requests } else { Depth::Control };
        let mut outcomes: Vec<Outcome> = of.map(|r| self.run(r, depth)).collect();
        let mut fates: Vec<(Fate, bool)> = outcomes.iter().map(|o| (o.fate, all)).collect();
        let sampled = traffic && !all;
        let mut deep = Vec::new();
        if let (true, Requests::Share(share)) = (sampled, requests) {
            for place in stratified(&fates, share) {
                fates[place].1 = true;
                deep.push(self.run(first + place as u32, Depth::Requests));
            }
        }
        let column = |key: &OutcomeKey| {
            let from = if sampled && by_requests(*key) { &deep } else { &outcomes };
            let values = from.iter().map(|outcome| outcome.values[*key as usize]).collect();
            Column::of(values).map(|column| (*key, column))
        };
        let columns = OutcomeKey::ALL.iter().filter_map(column).collect();
        outcomes.clear();
        Block { first, fates, columns, sampled }
    }

    fn run(&mut self, replication: u32, depth: Depth) -> Outcome {
        self.collector.reset();
        let end = self.world.run(self.seed, replication, depth, &mut self.collector);
        let mut outcome = self.collector.finish(end);
        if let Some(prices) = &self.scenario.pieces.prices {
            prices.put(&mut outcome.values);
        }
        // Histograms are large; the quantiles that count are among the values.
        outcome.latency = Vec::new();
        outcome
    }
}

/// Places of the runs that represent all fates: of each its share, rounded up, the first ones.
fn stratified(fates: &[(Fate, bool)], share: f64) -> Vec<usize> {
    let mut chosen = Vec::new();
    for fate in Fate::ALL {
        let of_fate: Vec<usize> = (0..fates.len()).filter(|i| fates[*i].0 == fate).collect();
        let wanted = (of_fate.len() as f64 * share - 1e-9).ceil() as usize;
        chosen.extend(&of_fate[..wanted.min(of_fate.len())]);
    }
    chosen.sort_unstable();
    chosen
}

impl Block {
    /// Plays it.
    pub fn play(scenario: &Scenario, seed: u64, of: Range<u32>, requests: Requests) -> Self {
        let model = Model::new(scenario);
        BlockPlayer::new(scenario, &model, seed).play(of, requests)
    }

    /// Number of runs.
    pub fn runs(&self) -> u32 {
        self.fates.len() as u32
    }

    /// The values of one outcome, one a run; not a number where a run has none.
    pub(super) fn values(&self, key: OutcomeKey) -> Vec<f64> {
        let Some((_, column)) = self.columns.iter().find(|(of, _)| *of == key) else {
            return vec![f64::NAN; self.fates.len()];
        };
        if !(self.sampled && by_requests(key)) {
            return (0..self.fates.len()).map(|place| column.get(place)).collect();
        }
        let mut place = 0;
        let mut next = |deep: bool| {
            if !deep {
                return f64::NAN;
            }
            place += 1;
            column.get(place - 1)
        };
        self.fates.iter().map(|(_, deep)| next(*deep)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_all_runs_once() {
        assert_eq!(blocks(250).collect::<Vec<_>>(), [0..100, 100..200, 200..250]);
        assert_eq!(blocks(1).next(), Some(0..1));
        assert_eq!(blocks(0).count(), 0);
    }

    #[test]
    fn rare_fates_are_among_those_with_requests() {
        let mut fates = vec![(Fate::Completed, false); 20];
        fates[13].0 = Fate::RolledBack;
        assert_eq!(stratified(&fates, 0.25), [0, 1, 2, 3, 4, 13]);
        assert_eq!(stratified(&fates, 1.0).len(), 20);
    }

    #[test]
    fn samples_are_a_quarter_or_a_hundred() {
        assert_eq!(Requests::sample(50), Requests::Share(1.0));
        assert_eq!(Requests::sample(200), Requests::Share(0.5));
        assert_eq!(Requests::sample(2_000), Requests::Share(0.25));
    }
}
