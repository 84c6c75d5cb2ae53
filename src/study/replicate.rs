//! Replications: the control plane many times, requests for a stratified subset of them.

use rayon::prelude::*;

use super::observe::{Keep, Player, Run};
use super::options::{Options, Progress};
use super::release::Both;
use super::result::{RunTable, SimResult};
use super::{assemble, pool};
use crate::outcome::{Fate, Outcome};
use crate::scenario::{Gate, OutcomeKey, Scenario};
use crate::sim::{Depth, Model, Quality};
use crate::stats::{self, GateResult, Verdict};
use crate::trace::Histogram;

/// Runs whose course over time is kept for bands.
const SERIES: u32 = 1000;
/// The least number of runs with requests, where there are as many.
const REQUEST_RUNS: u32 = 100;
/// Runs handed out at a time: their latency histograms are merged before the next.
const CHUNK: u32 = 64;

/// All runs so far.
pub(super) struct Replications<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) model: &'a Model<'a>,
    pub(super) seed: u64,
    /// By replication; with requests where they were simulated.
    pub(super) control: Vec<Run>,
    /// In order of replication.
    pub(super) requests: Vec<Run>,
    /// Latency over all runs with requests, by period and version.
    pub(super) latency: Vec<[Histogram; 2]>,
    /// How often the gates may be looked at before it ends.
    pub(super) looks: u32,
}

/// Plays the scenario until its gates are decided, or as often as asked.
pub fn simulate(
    scenario: &Scenario,
    options: &Options,
    show: &(dyn Fn(Progress) + Sync),
) -> SimResult {
    pool::install(options.threads, || {
        let model = Model::new(scenario);
        let mut bad = Replications::new(&model, options);
        let Some(release) = &scenario.pieces.release else {
            until_decided(options, |wanted| {
                bad.extend(wanted, show);
                bad.gates()
            });
            return assemble::assemble(&bad);
        };
        let model = Model::of_quality(scenario, Quality::Good);
        let good = Replications::new(&model, options);
        let mut both = Both { prior: release.bad, good, bad };
        until_decided(options, |wanted| {
            both.good.extend(wanted, show);
            both.bad.extend(wanted, show);
            both.gates()
        });
        both.assemble()
    })
}

/// The values of one outcome over runs, and the gates, with nothing kept for pictures.
pub(super) fn measure(
    scenario: &Scenario,
    options: &Options,
    key: OutcomeKey,
) -> (Vec<(f64, f64)>, Vec<GateResult>) {
    let model = Model::new(scenario);
    let mut runs = Replications::new(&model, options);
    runs.extend(options.first(), &|_| {});
    (runs.values(key), runs.gates())
}

/// Adds runs until the gates are decided, or as often as asked. `extend` makes so many of them
/// and says what the gates are then.
fn until_decided(options: &Options, mut extend: impl FnMut(u32) -> Vec<GateResult>) {
    let (mut wanted, most) = (options.first(), options.most());
    loop {
        let undecided = extend(wanted).iter().any(|gate| gate.verdict == Verdict::Undecided);
        if wanted >= most || !undecided {
            break;
        }
        wanted = (wanted * 2).min(most);
    }
}

impl<'a> Replications<'a> {
    fn new(model: &'a Model<'a>, options: &Options) -> Self {
        let (control, requests, latency) = (Vec::new(), Vec::new(), Vec::new());
        let looks = looks(options.first(), options.most());
        let (scenario, seed) = (model.scenario(), options.seed);
        Self { scenario, model, seed, control, requests, latency, looks }
    }

    /// Adds runs until there are `wanted` of the control plane.
    fn extend(&mut self, wanted: u32, show: &(dyn Fn(Progress) + Sync)) {
        let have = self.control.len() as u32;
        let added: Vec<u32> = (have..wanted).collect();
        if self.scenario.is_judged() {
            self.extend_judged(&added, show);
            return;
        }
        let runs = self.play(&added, Depth::Control);
        self.control.extend(runs);
        let chosen = self.stratified(requests_for(wanted));
        let missing: Vec<u32> = chosen
            .into_iter()
            .filter(|r| self.requests.binary_search_by_key(r, |run| run.replication).is_err())
            .collect();
        let planned = (self.requests.len() + missing.len()) as u32;
        if !self.scenario.has_requests() {
            show(Progress { done: wanted, planned: wanted });
            return;
        }
        for chunk in missing.chunks(CHUNK as usize) {
            show(Progress { done: self.requests.len() as u32, planned });
            for mut run in self.play(chunk, Depth::Requests) {
                self.absorb_latency(&mut run.outcome);
                self.requests.push(run);
            }
        }
        self.requests.sort_by_key(|run| run.replication);
        show(Progress { done: planned, planned });
    }

    /// Where metrics decide how a rollout ends, its end is not known without its requests.
    fn extend_judged(&mut self, added: &[u32], show: &(dyn Fn(Progress) + Sync)) {
        let planned = (self.control.len() + added.len()) as u32;
        for chunk in added.chunks(CHUNK as usize) {
            show(Progress { done: self.control.len() as u32, planned });
            for mut run in self.play(chunk, Depth::Requests) {
                self.absorb_latency(&mut run.outcome);
                self.control.push(run.clone());
                self.requests.push(run);
            }
        }
        show(Progress { done: planned, planned });
    }

    /// In order of `replications`, whatever the number of threads.
    fn play(&self, replications: &[u32], depth: Depth) -> Vec<Run> {
        let player = || Player::new(self.model, self.scenario, self.seed);
        // A player is made for each piece of work: pieces are large enough that this is rare.
        let piece = match depth {
            Depth::Control => 256,
            Depth::Requests => 8,
        };
        replications
            .par_iter()
            .with_min_len(piece)
            .map_init(player, |player, replication| {
                let keep = Keep { series: *replication < SERIES, records: false };
                player.play(*replication, depth, keep)
            })
            .collect()
    }

    /// Histograms are large: kept once for all runs, not in each outcome.
    fn absorb_latency(&mut self, outcome: &mut Outcome) {
        let latency = std::mem::take(&mut outcome.latency);
        self.latency.resize_with(latency.len().max(self.latency.len()), Default::default);
        for (all, one) in self.latency.iter_mut().zip(&latency) {
            all[0].merge(&one[0]);
            all[1].merge(&one[1]);
        }
    }

    /// Replications that represent all fates: each gets its share of `count`, but at least a
    /// few; the first of each fate are taken.
    fn stratified(&self, count: u32) -> Vec<u32> {
        let total = self.control.len() as f64;
        let mut chosen = Vec::new();
        for fate in Fate::ALL {
            let of_fate: Vec<u32> = self
                .control
                .iter()
                .filter(|run| run.outcome.fate == fate)
                .map(|run| run.replication)
                .collect();
            let share = of_fate.len() as f64 / total * f64::from(count);
            let wanted = (share.round() as usize).max(5).min(of_fate.len());
            chosen.extend(&of_fate[..wanted]);
        }
        chosen.sort_unstable();
        chosen
    }

    /// The weight of a run with requests, by fate: how many runs each stands for.
    pub(super) fn weights(&self) -> [f64; Fate::ALL.len()] {
        let fate_of = |replication: u32| self.control[replication as usize].outcome.fate;
        let mut all = [0.0; Fate::ALL.len()];
        let mut simulated = [0.0; Fate::ALL.len()];
        for run in &self.control {
            all[run.outcome.fate as usize] += 1.0;
        }
        for run in &self.requests {
            simulated[fate_of(run.replication) as usize] += 1.0;
        }
        std::array::from_fn(
            |fate| if simulated[fate] > 0.0 { all[fate] / simulated[fate] } else { 0.0 },
        )
    }

    /// The weight of one run with requests.
    pub(super) fn weight(&self, weights: &[f64; Fate::ALL.len()], replication: u32) -> f64 {
        weights[self.control[replication as usize].outcome.fate as usize]
    }

    /// (value, weight) of an outcome over runs, one entry a run; not a number where a run was
    /// not simulated deeply enough for it.
    pub(super) fn values(&self, key: OutcomeKey) -> Vec<(f64, f64)> {
        if !(self.has_traffic() && by_requests(key)) {
            let runs = self.control.iter();
            return runs.map(|run| (run.outcome.values[key as usize], 1.0)).collect();
        }
        let weights = self.weights();
        let mut values = vec![(f64::NAN, 1.0); self.control.len()];
        for run in &self.requests {
            let weight = self.weight(&weights, run.replication);
            values[run.replication as usize] = (run.outcome.values[key as usize], weight);
        }
        values
    }

    /// (value, weight) of an outcome over the runs that were simulated deeply enough for it.
    pub(super) fn known(&self, key: OutcomeKey) -> Vec<(f64, f64)> {
        if !(self.has_traffic() && by_requests(key)) {
            return self.values(key);
        }
        let weights = self.weights();
        let of =
            |run: &Run| (run.outcome.values[key as usize], self.weight(&weights, run.replication));
        self.requests.iter().map(of).collect()
    }

    /// One row a run: fate and capacity from its control plane, losses and latency from its
    /// requests if those were simulated.
    pub(super) fn table(&self) -> RunTable {
        let weights = self.weights();
        let mut rows: Vec<(u32, bool, f64, Outcome)> = self
            .control
            .iter()
            .map(|run| (run.replication, false, 0.0, run.outcome.clone()))
            .collect();
        for run in &self.requests {
            let row = &mut rows[run.replication as usize];
            row.1 = true;
            row.2 = self.weight(&weights, run.replication);
            for key in OutcomeKey::ALL.iter().filter(|key| by_requests(**key)) {
                row.3.values[*key as usize] = run.outcome.values[*key as usize];
            }
            row.3.endings = run.outcome.endings;
        }
        if self.has_traffic() {
            for row in rows.iter_mut().filter(|row| !row.1) {
                for key in OutcomeKey::ALL.iter().filter(|key| by_requests(**key)) {
                    row.3.values[*key as usize] = f64::NAN;
                }
            }
        }
        RunTable { rows }
    }

    pub(super) fn gates(&self) -> Vec<GateResult> {
        let desired = self.scenario.service.instances;
        let judge = |gate: &Gate| {
            stats::judge_at_looks(gate, desired, &self.values(gate.outcome), self.looks)
        };
        self.scenario.gates.iter().map(judge).collect()
    }

    pub(super) fn has_traffic(&self) -> bool {
        self.scenario.has_requests()
    }
}

/// How often one looks who begins with `first` runs and doubles them until there are `most`.
fn looks(first: u32, most: u32) -> u32 {
    1 + most.div_ceil(first).next_power_of_two().ilog2()
}

/// Outcomes that requests decide when they are simulated.
pub(super) fn by_requests(key: OutcomeKey) -> bool {
    key.needs_traffic() || matches!(key, OutcomeKey::Outage | OutcomeKey::Cost)
}

/// How many of `runs` get requests.
fn requests_for(runs: u32) -> u32 {
    (runs / 4).max(REQUEST_RUNS).min(runs)
}

#[cfg(test)]
mod tests {
    use super::looks;

    #[test]
    fn looks_are_doublings() {
        // 400, 800, 1600, 3200, 6400, 12800, 20000.
        assert_eq!(looks(400, 20_000), 7);
        assert_eq!((looks(400, 400), looks(400, 401), looks(400, 800)), (1, 2, 2));
        assert_eq!((looks(400, 1_600), looks(400, 1_601)), (3, 4));
    }
}
