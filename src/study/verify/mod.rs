//! Recorded real rollouts against the simulator: what was, what it says, and how far apart.

mod files;
mod forecast;
mod kubernetes;
mod miss;
mod rollcast;
mod steps;
mod swarm;
mod total;
mod verdict;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::pool;
use crate::scenario::Scenario;
use crate::trace::recorded::{self, Recording, RecordingError};

pub use total::{Band, Class, Difference, Differences, Spread, Total};
pub use verdict::{Curves, Inputs, Pair, Verdict};

/// How recordings are held against the simulator.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// What it is told of each.
    pub inputs: Inputs,
    /// How often each is played.
    pub runs: u32,
    /// Seed of all chance.
    pub seed: u64,
    /// Threads; 0: one per core. Results do not depend on it.
    pub threads: usize,
}

/// The scenario of a recorded Kubernetes rollout; its delays stand in for those of its pods.
pub(super) fn kubernetes_scenario(
    recording: &recorded::kubernetes::Recording,
) -> Result<Scenario, String> {
    kubernetes::scenario(recording)
}

/// The scenario of a recorded Swarm update; its delays stand in for those of its tasks.
pub(super) fn swarm_scenario(recording: &recorded::swarm::Recording) -> Result<Scenario, String> {
    swarm::scenario(recording, 0.0)
}

/// A file that could not be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {why}")]
pub struct Unusable {
    /// Its name.
    pub file: String,
    /// What is wrong with it.
    pub why: String,
}

/// What became of all recordings.
#[derive(Debug)]
pub struct Report {
    /// How they were held against the simulator.
    pub options: Options,
    /// In the order of the arguments, the files of a folder by name.
    pub verdicts: Vec<Verdict>,
    /// Files that could not be used, in the same order.
    pub unusable: Vec<Unusable>,
    /// Over all verdicts.
    pub total: Total,
    /// Two recordings of each, if others were given.
    pub against: Option<Differences>,
}

/// Plays every recording in `paths` (files, or folders of them). `against` holds second
/// recordings of some of them, under the same names.
pub fn verify(paths: &[PathBuf], against: Option<&Path>, options: Options) -> Report {
    let (files, mut unusable) = files::list(paths);
    let played: Vec<_> = pool::install(options.threads, || {
        files.par_iter().map(|file| play(file, &options)).collect()
    });
    let mut verdicts = Vec::new();
    for one in played {
        match one {
            Ok(verdict) => verdicts.push(verdict),
            Err(one) => unusable.push(one),
        }
    }
    let total = Total::of(&verdicts);
    let against = against.and_then(|folder| match files::durations(folder) {
        Ok(durations) => Some(total::differences(&verdicts, &durations)),
        Err(error) => {
            let (file, why) = (folder.display().to_string(), error.to_string());
            unusable.push(Unusable { file, why });
            None
        }
    });
    Report { options, verdicts, unusable, total, against }
}

fn play(file: &Path, options: &Options) -> Result<Verdict, Unusable> {
    let name = file.display().to_string();
    let unusable = |why: String| Unusable { file: name.clone(), why };
    match recorded::load(file).map_err(|e: RecordingError| unusable(e.to_string()))? {
        Recording::Kubernetes(recording) => {
            kubernetes::verdict(&name, &recording, options).map_err(unusable)
        }
        Recording::Swarm(recording) => swarm::verdict(&name, &recording, options).map_err(unusable),
        Recording::Rollcast(journal) => {
            rollcast::verdict(&name, &journal, options).map_err(unusable)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Inputs, Options, verify};

    fn folder() -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/traces"))
    }

    #[test]
    fn recorded_rollouts_are_predicted() {
        for inputs in [Inputs::Observed, Inputs::Spec] {
            let options = Options { inputs, runs: 20, seed: 1, threads: 2 };
            let report = verify(&[folder()], Some(&folder()), options);
            assert!(report.unusable.is_empty(), "{:?}", report.unusable);
            let ours: Vec<_> = report.verdicts.iter().filter(|v| v.kind != "swarm").collect();
            assert!(ours.len() >= 4);
            for verdict in ours {
                let name = &verdict.id;
                assert!(verdict.final_ok, "{name}: {:?} {:?}", verdict.said, verdict.is);
                assert!(verdict.instances_max.is_equal(), "{name}: {:?}", verdict.instances_max);
                assert!(verdict.available_min.is_equal(), "{name}: {:?}", verdict.available_min);
                assert_ne!(verdict.steps_equal, Some(false), "{name}");
                let pair = verdict.duration_s;
                assert_eq!(pair.recorded.is_some(), pair.predicted.is_some(), "{name}");
                let error = pair.recorded.zip(pair.predicted).map_or(0.0, |(a, b)| (a - b).abs());
                assert!(error < 0.3, "{name}: {pair:?}");
            }
            let same = &report.against.unwrap().groups["all"];
            assert_eq!(same.repeated.unwrap().max, 0.0, "a folder is no other than itself");
        }
    }

    #[test]
    fn threads_and_order_do_not_show() {
        let options = Options { inputs: Inputs::Spec, runs: 5, seed: 3, threads: 1 };
        let one = verify(&[folder()], None, options);
        let four = verify(&[folder()], None, Options { threads: 4, ..options });
        assert_eq!(one.verdicts, four.verdicts);
        let missing = folder().join("nothing.json");
        let some = verify(&[missing.clone(), folder()], None, options);
        assert_eq!(some.verdicts, one.verdicts, "one bad file costs nothing else");
        assert_eq!(some.unusable[0].file, missing.display().to_string());
    }
}
