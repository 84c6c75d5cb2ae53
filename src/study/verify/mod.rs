//! Recorded real rollouts against the simulator: what was, what it says, and how far apart.

mod files;
mod forecast;
mod kubernetes;
mod steps;
mod swarm;
mod total;
mod verdict;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::pool;
use crate::trace::recorded::{self, Recording, RecordingError};

pub use total::{Differences, Total, differences};
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
    let against = against.map(|folder| differences(&verdicts, &files::durations(folder)));
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
        Recording::Rollcast(_) => Err(unusable("not yet".into())),
    }
}
