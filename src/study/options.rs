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

/// How far a study is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Replications done.
    pub done: u32,
    /// Replications planned so far.
    pub planned: u32,
}
