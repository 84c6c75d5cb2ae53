//! How a study is run.

/// How many replications.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// Until every gate is decided, or the most allowed.
    Auto,
    /// So many.
    Fixed(u32),
}

/// How a study is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Seed of all random streams.
    pub seed: u64,
    /// Replications of the control plane; those with requests are a subset.
    pub runs: Runs,
    /// The most replications that `Runs::Auto` may take.
    pub max_runs: u32,
    /// Threads; 0: as many as there are cores.
    pub threads: usize,
}

/// First number of runs when they are added until gates are decided.
const FIRST: u32 = 400;

impl Options {
    /// So many runs to begin with.
    pub(super) fn first(&self) -> u32 {
        match self.runs {
            Runs::Fixed(runs) => runs.max(1),
            Runs::Auto => FIRST.min(self.max_runs.max(1)),
        }
    }

    /// So many at the most.
    pub(super) fn most(&self) -> u32 {
        match self.runs {
            Runs::Fixed(runs) => runs.max(1),
            Runs::Auto => self.max_runs.max(1),
        }
    }
}

/// How far a study is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Replications done.
    pub done: u32,
    /// Replications planned so far.
    pub planned: u32,
}
