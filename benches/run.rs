//! Whole runs: replications of the control plane per second, one run with requests, and the
//! time until the quickstart's gates are decided.
//!
//! `cargo bench --bench run`

#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::path::Path;
use std::time::Instant;

use rollcast::scenario::{self, Scenario};
use rollcast::study::{self, Options, Runs};

fn load(name: &str, without_traffic: bool) -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name);
    let text = std::fs::read_to_string(&path).expect("the scenario is in the repository");
    let loaded = scenario::load(&text, name, path.parent().expect("a folder"), &[]);
    let mut scenario = loaded.expect("it passes check").scenario;
    if without_traffic {
        scenario.traffic = None;
        scenario.gates.retain(|gate| !gate.outcome.needs_traffic());
    }
    scenario
}

fn time(what: &str, scenario: &Scenario, runs: Runs, threads: usize) {
    let options = Options { seed: 1, runs, max_runs: 20_000, threads };
    let begin = Instant::now();
    let result = study::simulate(scenario, &options, &|_| ());
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{what:<44} {seconds:>8.3} s   {:>9.0} runs/s   {} with requests, {:?}",
        f64::from(result.runs_control) / seconds,
        result.runs_requests,
        result.verdict,
    );
}

fn main() {
    let capacity_only = load("quickstart.toml", true);
    let quickstart = load("quickstart.toml", false);
    let generic = load("generic-batches.toml", true);
    time("kubernetes, control plane, 1 thread", &capacity_only, Runs::Fixed(20_000), 1);
    time("kubernetes, control plane, all threads", &capacity_only, Runs::Fixed(100_000), 0);
    time("generic, control plane, all threads", &generic, Runs::Fixed(100_000), 0);
    time("quickstart until its gates are decided", &quickstart, Runs::Auto, 0);
}
