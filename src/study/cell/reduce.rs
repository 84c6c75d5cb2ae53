//! From blocks to the numbers of one setting.

use super::block::Block;
use crate::outcome::Fate;
use crate::scenario::{Gate, OutcomeKey};
use crate::stats::{self, Estimate, GateResult, Summary};
use crate::study::replicate::by_requests;

/// All runs of one setting so far, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cell {
    blocks: Vec<Block>,
    runs: u32,
}

impl Cell {
    /// Adds the block that comes next.
    ///
    /// # Panics
    /// If it is another one: then runs would be missing or counted twice.
    pub fn push(&mut self, block: Block) {
        assert_eq!(block.first, self.runs, "blocks are put together in order");
        self.runs += block.runs();
        self.blocks.push(block);
    }

    /// Number of runs.
    pub fn runs(&self) -> u32 {
        self.runs
    }

    /// How many of them were simulated with requests.
    pub fn runs_requests(&self) -> u32 {
        self.fates_of().filter(|(_, deep)| *deep).count() as u32
    }

    fn fates_of(&self) -> impl Iterator<Item = (Fate, bool)> {
        self.blocks.iter().flat_map(|block| block.fates.iter().copied())
    }

    /// (value, weight) of an outcome, one entry a replication; not a number where a run has none
    /// or was not simulated deeply enough for it.
    pub fn values(&self, key: OutcomeKey) -> Vec<(f64, f64)> {
        let weights = self.weights();
        let weigh = self.blocks.iter().any(|block| block.sampled) && by_requests(key);
        let values = self.blocks.iter().flat_map(|block| block.values(key));
        let weight = |fate: Fate| if weigh { weights[fate as usize] } else { 1.0 };
        values.zip(self.fates_of()).map(|(value, (fate, _))| (value, weight(fate))).collect()
    }

    /// For how many runs each run with requests stands, by fate.
    fn weights(&self) -> [f64; Fate::ALL.len()] {
        let mut all = [0.0; Fate::ALL.len()];
        let mut simulated = all;
        for (fate, deep) in self.fates_of() {
            all[fate as usize] += 1.0;
            simulated[fate as usize] += f64::from(u8::from(deep));
        }
        // A fate that occurred was simulated: blocks see to that. 1 is for the others.
        std::array::from_fn(|i| if simulated[i] > 0.0 { all[i] / simulated[i] } else { 1.0 })
    }

    /// Every outcome that applied in some run, in the order of `OutcomeKey::ALL`.
    pub fn summaries(&self) -> Vec<Summary> {
        let keys = OutcomeKey::ALL.iter();
        keys.filter_map(|key| stats::summarise(*key, &self.values(*key))).collect()
    }

    /// Gates held against the runs. `desired` instances resolve limits that are shares of them.
    pub fn gates(&self, gates: &[Gate], desired: u32) -> Vec<GateResult> {
        let judge = |gate: &Gate| stats::judge(gate, desired, &self.values(gate.outcome));
        gates.iter().map(judge).collect()
    }

    /// Share of runs by fate; only fates that occurred.
    pub fn fates(&self) -> Vec<(Fate, Estimate)> {
        let n = f64::from(self.runs);
        let share = |fate: Fate| {
            let hits = self.fates_of().filter(|(of, _)| *of == fate).count() as f64;
            (hits > 0.0).then(|| (fate, stats::interval::wilson(hits / n, n)))
        };
        Fate::ALL.into_iter().filter_map(share).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Cell;
    use crate::scenario::{self, OutcomeKey, Scenario};
    use crate::study::cell::{Block, Requests, blocks};
    use crate::study::{Options, Runs, simulate};

    fn scenario() -> Scenario {
        let text = "rollcast = 1\n[service]\ninstances = 4\nslots = 4\n[versions.old]\n\
                    start = { p50 = \"5s\", p95 = \"9s\" }\nexit = \"1s\"\n\
                    service_time = \"10ms\"\n\
                    [versions.new]\ncrash = \"10%\"\n[traffic]\nrate = \"50/s\"\n\
                    [strategy.generic]\nbatch = 1\n";
        scenario::load(text, "x", Path::new(""), &[]).expect("sound").scenario
    }

    fn cell(scenario: &Scenario, runs: u32, requests: Requests) -> Cell {
        let mut cell = Cell::default();
        for of in blocks(runs) {
            cell.push(Block::play(scenario, 1, of, requests));
        }
        cell
    }

    #[test]
    fn a_cell_agrees_with_a_simulation() {
        let scenario = scenario();
        let runs = Runs::Fixed(300);
        let options = Options { seed: 1, runs, max_runs: 300, threads: 1 };
        let whole = simulate(&scenario, &options, &|_| {});
        let cell = cell(&scenario, 300, Requests::sample(300));
        assert_eq!(cell.fates(), whole.fates);
        let summaries = cell.summaries();
        let of = |key: OutcomeKey| summaries.iter().find(|s| s.key == key);
        assert_eq!(of(OutcomeKey::Duration), whole.summary(OutcomeKey::Duration));
        let near = (of(OutcomeKey::Requests).unwrap().mean, OutcomeKey::Requests);
        let other = whole.summary(near.1).unwrap().mean;
        assert!(near.0.low < other.high && other.low < near.0.high, "{near:?} {other:?}");
        assert!(cell.runs_requests() >= 100 && cell.runs_requests() < 120);
    }

    #[test]
    fn with_all_requests_everything_comes_from_them() {
        let cell = cell(&scenario(), 40, Requests::All);
        assert_eq!((cell.runs(), cell.runs_requests()), (40, 40));
        let of = |key| cell.values(key).iter().filter(|(v, w)| !v.is_nan() && *w == 1.0).count();
        assert_eq!((of(OutcomeKey::Requests), of(OutcomeKey::ServingMin)), (40, 40));
    }
}
