//! Many settings of one scenario, each played many times under the same luck.
//!
//! A [`Study`] is a list of settings and the blocks of replications that they need. Who plays
//! which block does not show in the answer: threads, an earlier call that was interrupted
//! ([`checkpoint`]) and other machines ([`part`]) all hand in the same blocks, and each setting is
//! reduced from its blocks in their order.

mod axis;
pub mod checkpoint;
mod design;
mod goal;
pub mod part;
mod play;
mod result;

use std::ops::Range;

pub use axis::Axis;
pub use design::{Design, SOBOL_AXES};
pub use goal::Goal;
pub use play::{Gather, Keep, play};
pub use result::{CellResult, SweepResult};

use super::cell::{Requests, blocks};
use crate::scenario::gate_text;
use crate::scenario::{Gate, Scenario, print};

/// What a study is, as far as its answer needs it; stands at the head of checkpoints and parts.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The program that plays it.
    pub version: String,
    /// Tells studies apart: over everything that decides their numbers.
    pub study: String,
    /// The service's name.
    pub name: String,
    /// Seed of all random streams.
    pub seed: u64,
    /// Replications of each setting.
    pub runs: u32,
    /// Share of the runs that are simulated with requests; `None`: all, and nothing but them.
    pub requests_share: Option<f64>,
    /// What is varied.
    pub keys: Vec<String>,
    /// What the best setting is.
    pub goal: String,
    /// What is weighed against the goal.
    pub versus: String,
    /// Gates, as written.
    pub gates: Vec<String>,
    /// The settings.
    pub cells: Vec<CellHead>,
    /// The scenario that is varied, as TOML, every default filled in.
    pub scenario: String,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellHead {
    /// A value for each of the keys.
    pub values: Vec<String>,
    /// Instances desired.
    pub instances: u32,
    /// Why it is not played, if it is not: it can never end, or never keep its gates.
    pub problem: Option<String>,
}

/// How a study is to be played.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Seed of all random streams.
    pub seed: u64,
    /// Replications of each setting.
    pub runs: u32,
    /// How many of them with requests.
    pub requests: Requests,
    /// What the best setting is.
    pub goal: Goal,
    /// What is weighed against it.
    pub versus: Goal,
}

/// A block of a study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Which setting.
    pub cell: u32,
    /// Its replications.
    pub runs: Range<u32>,
}

/// A study that can be played.
#[derive(Debug)]
pub struct Study {
    /// What it is.
    pub head: Head,
    /// By setting; `None` where there is a problem.
    pub(super) scenarios: Vec<Option<Scenario>>,
}

impl Study {
    /// From the scenario as it is without variation, the keys, and for each setting its values
    /// with its scenario or the reason why it is not played.
    pub fn new(
        base: &Scenario,
        keys: Vec<String>,
        settings: Vec<(Vec<String>, Result<Scenario, String>)>,
        plan: &Plan,
    ) -> Self {
        let requests_share = match plan.requests {
            Requests::All => None,
            Requests::Share(share) => Some(share),
        };
        let cells = settings.iter().map(|(values, scenario)| CellHead {
            values: values.clone(),
            instances: scenario.as_ref().map_or(base, |scenario| scenario).service.instances,
            problem: scenario.as_ref().err().cloned(),
        });
        let mut head = Head {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            study: String::new(),
            name: base.service.name.clone(),
            seed: plan.seed,
            runs: plan.runs,
            requests_share,
            keys,
            goal: plan.goal.text.clone(),
            versus: plan.versus.text.clone(),
            gates: base.gates.iter().map(|gate| gate.text.clone()).collect(),
            cells: cells.collect(),
            scenario: print::to_toml(base),
        };
        let scenarios: Vec<Option<Scenario>> =
            settings.into_iter().map(|(_, scenario)| scenario.ok()).collect();
        head.study = fingerprint(&head, &scenarios);
        Self { head, scenarios }
    }

    /// The blocks of one shard of `of`, counted from 1: every `of`-th. The blocks of a large
    /// setting so go to all shards.
    pub fn shard(&self, shard: u32, of: u32) -> Vec<Item> {
        self.head.items().into_iter().skip(shard as usize - 1).step_by(of as usize).collect()
    }
}

impl Head {
    /// All blocks, by setting and replication.
    pub fn items(&self) -> Vec<Item> {
        let played = self.cells.iter().enumerate().filter(|(_, cell)| cell.problem.is_none());
        let of = |(cell, _): (usize, &CellHead)| {
            blocks(self.runs).map(move |runs| Item { cell: cell as u32, runs })
        };
        played.flat_map(of).collect()
    }

    /// The gates; none that cannot be read, which those of a study can.
    pub fn gates(&self) -> Vec<Gate> {
        self.gates.iter().filter_map(|text| gate_text::parse(text).ok()).collect()
    }

    /// How many runs are simulated with requests.
    pub fn requests(&self) -> Requests {
        self.requests_share.map_or(Requests::All, Requests::Share)
    }
}

/// FNV-1a (Fowler, Noll, Vo), 64 bits, over everything that decides the numbers of a study.
fn fingerprint(head: &Head, scenarios: &[Option<Scenario>]) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |text: &str| {
        for byte in text.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    add(&serde_json::to_string(head).expect("plain data"));
    for scenario in scenarios {
        add(&serde_json::to_string(scenario).expect("a scenario is plain data"));
    }
    format!("{hash:016x}")
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario;
    use crate::study::cell::{Base, Setting};

    const TEXT: &str = "rollcast = 1\ngates = [\"serving_min >= 3\"]\n[service]\ninstances = 5\n\
                        slots = 4\n[versions.old]\nstart = { p50 = \"5s\", p95 = \"9s\" }\n\
                        exit = \"1s\"\nservice_time = \"10ms\"\n[versions.new]\ncrash = \"10%\"\n\
                        [traffic]\nrate = \"50/s\"\n[strategy.generic]\nbatch = 1\n";

    /// Three batch sizes.
    pub(crate) fn study(runs: u32, requests: Requests) -> Study {
        let base = Base {
            text: TEXT.to_owned(),
            file: "x".to_owned(),
            folder: Path::new("").to_owned(),
            overrides: Vec::new(),
        };
        let settings = (1..=3).map(|batch| {
            let key = "strategy.generic.batch".to_owned();
            let setting = Setting { key, value: batch.to_string() };
            let loaded = base.at(&[setting], "--vary").expect("sound");
            (vec![batch.to_string()], Ok(loaded.scenario))
        });
        let plain = scenario::load(TEXT, "x", Path::new(""), &[]).expect("sound").scenario;
        let goal = |text| Goal::read(text).unwrap();
        let plan = Plan {
            seed: 1,
            runs,
            requests,
            goal: goal("min p95(duration)"),
            versus: goal("max p5(serving_min)"),
        };
        Study::new(&plain, vec!["strategy.generic.batch".into()], settings.collect(), &plan)
    }

    #[test]
    fn shards_share_all_blocks() {
        let study = study(250, Requests::All);
        let all = study.head.items();
        assert_eq!(all.len(), 9);
        for of in 1..12 {
            let mut shared: Vec<Item> = (1..=of).flat_map(|k| study.shard(k, of)).collect();
            shared.sort_by_key(|item| (item.cell, item.runs.start));
            assert_eq!(shared, all, "{of} shards");
        }
    }

    #[test]
    fn every_number_tells_studies_apart() {
        let one = study(100, Requests::All).head;
        assert_eq!(one, study(100, Requests::All).head);
        assert_ne!(one.study, study(101, Requests::All).head.study);
        assert_ne!(one.study, study(100, Requests::Share(0.5)).head.study);
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Head>(&text).unwrap(), one);
    }
}
