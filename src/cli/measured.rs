//! Arguments of `fit` and `backtest`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::args::Luck;

#[derive(Debug, ClapArgs)]
pub(super) struct Fit {
    /// What `kubectl get pods,replicasets,events -o json` printed, or the watch stream of
    /// `kubectl get pods -w --output-watch-events -o json`; `docker events --format '{{json .}}'`
    /// or `docker inspect $(docker service ps -q SERVICE)`; access logs; plain or gzipped. `-` is
    /// standard input.
    #[arg(required = true, value_name = "INPUT")]
    pub(super) files: Vec<PathBuf>,
    /// The workload, where the input shows several: name or namespace/name.
    #[arg(long, value_name = "NAME")]
    pub(super) workload: Option<String>,
    /// Write the tables into this TOML file.
    #[arg(short, long = "output", value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Replace a file that rollcast did not write, too.
    #[arg(short, long)]
    pub(super) force: bool,
    /// Write a whole scenario instead of the tables alone.
    #[arg(long)]
    pub(super) complete: bool,
    /// Put the values into this scenario; its comments and its order stay.
    #[arg(long, value_name = "SCENARIO", conflicts_with = "output")]
    pub(super) into: Option<PathBuf>,
    /// The field of access logs that holds the time of the response: a name, or its number behind
    /// the format's own fields.
    #[arg(long, value_name = "NAME|N")]
    pub(super) field: Option<String>,
    /// The unit of that field.
    #[arg(long, value_name = "UNIT", value_parser = ["s", "ms", "us", "ns"])]
    pub(super) unit: Option<String>,
    /// Print only JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// Samples drawn from a fitted law for its p-value.
    #[arg(long, default_value_t = 199, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(19..100_000))]
    pub(super) resamples: u32,
    /// Seed of these draws.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Backtest {
    /// What kubectl or docker recorded (as for `fit`; all files are one history), or recorded
    /// rollouts (of Kubernetes, of a Swarm, or rollcast's own traces), oldest first; `-` is
    /// standard input.
    #[arg(required = true, value_name = "INPUT")]
    pub(super) files: Vec<PathBuf>,
    /// A scenario that says all but instances, start and exit times; without it the defaults of
    /// Kubernetes, of Swarm, or what the recording says.
    #[arg(long, value_name = "SCENARIO")]
    pub(super) settings: Option<PathBuf>,
    /// The workload, where the input shows several: name or namespace/name.
    #[arg(long, value_name = "NAME")]
    pub(super) workload: Option<String>,
    /// How many runs of each forecast.
    #[arg(long, default_value_t = 400, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(20..))]
    pub(super) runs: u32,
    #[command(flatten)]
    pub(super) luck: Luck,
    /// Print only JSON.
    #[arg(long)]
    pub(super) json: bool,
}
