//! The ends of assumed ranges: the same scenario with one key at its smallest and largest.

use std::path::Path;

use super::args::Sim;
use super::input;
use crate::scenario::settings::Orchestrator;
use crate::scenario::{self, Assumed, OutcomeKey, Override, Scenario, Source};
use crate::study::{self, End, SimResult};

/// Plays the scenario at both ends of each range that it assumes and holds its gates against
/// what comes out. A key that a flag sets is no longer assumed.
pub(super) fn weigh(base: SimResult, sim: &Sim, source: &Source) -> SimResult {
    let overrides = input::overrides(&sim.changes, sim.file.is_none());
    let open: Vec<Assumed> =
        base.scenario.assumed.iter().filter(|a| !is_set(&a.key, &overrides)).cloned().collect();
    if base.gates.is_empty() || open.is_empty() {
        return base;
    }
    let folder = sim.file.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let runs = study::assumed::RUNS.min(base.runs_control);
    let options = study::Options {
        seed: sim.luck.seed,
        runs: study::Runs::Fixed(runs),
        max_runs: runs,
        threads: sim.luck.threads,
    };
    let about_requests = base
        .gates
        .iter()
        .any(|g| g.gate.outcome.needs_traffic() || g.gate.outcome == OutcomeKey::Outage);
    let play = |assumed: &Assumed, value: &str| {
        let mut scenario = at(source, folder, &overrides, &assumed.key, value)?;
        // An end that is the base itself tells nothing new.
        if scenario == base.scenario {
            return None;
        }
        if !about_requests {
            scenario.traffic = None;
            scenario.pieces.users = None;
        }
        Some(study::simulate(&scenario, &options, &|_| {}))
    };
    let ranges: Vec<(Assumed, Vec<(End, SimResult)>)> = open
        .into_iter()
        .map(|assumed| {
            let low = play(&assumed, &assumed.low).map(|result| (End::Low, result));
            let high = play(&assumed, &assumed.high).map(|result| (End::High, result));
            let ends = low.into_iter().chain(high).collect();
            (assumed, ends)
        })
        .collect();
    study::weigh(base, &ranges)
}

/// `strategy.batch` sets `strategy.generic.batch`.
fn is_set(key: &str, overrides: &[Override]) -> bool {
    let plain = |key: &str| {
        let tables = Orchestrator::ALL.iter().map(|of| of.table().path);
        tables.fold(key.to_owned(), |key, path| key.replace(&format!("{path}."), "strategy."))
    };
    let (key, inside) = (plain(key), format!("{}.", plain(key)));
    overrides.iter().map(|o| plain(&o.key)).any(|set| set == key || set.starts_with(&inside))
}

/// The scenario with one key at this value; `None` if that makes no scenario (a value of a kind
/// that does not go with the other keys).
fn at(
    source: &Source,
    folder: &Path,
    overrides: &[Override],
    key: &str,
    value: &str,
) -> Option<Scenario> {
    let end = Override {
        flag: format!("[assumed] {key} = {value}"),
        key: key.to_owned(),
        value: value.to_owned(),
        append: false,
    };
    let overrides: Vec<Override> = overrides.iter().cloned().chain([end]).collect();
    let loaded = scenario::load(&source.text, &source.file, folder, &overrides);
    loaded.ok().map(|loaded| loaded.scenario)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::weigh;
    use crate::cli::args::{Args, Verb};
    use crate::cli::input;
    use crate::stats::Verdict;
    use crate::study::{Options, Runs, SimResult, simulate};

    const SCENARIO: &str = r#"
rollcast = 1
gates = ["p95(duration) <= 2m", "serving_min >= 3"]
[service]
instances = 4
[versions.old]
start = "10s"
exit = "1s"
[strategy.generic]
batch = 1
[assumed]
"versions.old.start" = "5s..2m"
"versions.old.exit" = "500ms..2s"
"shutdown.on_term" = "drain..dance"
"#;

    fn weighed(flags: &[&str]) -> SimResult {
        let words = ["rollcast", "sim", "x.toml"].iter().chain(flags);
        let Some(Verb::Sim(sim)) = Args::try_parse_from(words).unwrap().verb else {
            panic!("not sim")
        };
        let overrides = input::overrides(&sim.changes, false);
        let checked = input::check(SCENARIO, "x.toml", std::path::Path::new(""), &overrides);
        let scenario = checked.scenario.expect("sound");
        let options = Options { seed: 1, runs: Runs::Fixed(400), max_runs: 400, threads: 1 };
        let base = simulate(&scenario, &options, &|_| {});
        assert_eq!(base.verdict, Some(Verdict::Pass));
        weigh(base, &sim, &checked.source)
    }

    #[test]
    fn the_ends_decide_what_must_be_measured() {
        let result = weighed(&[]);
        assert_eq!(result.verdict, Some(Verdict::Undecided));
        let of = |key: &str| result.assumed.iter().find(|e| e.assumed.key == key).unwrap();
        assert_eq!(of("versions.old.start").decides, ["p95(duration) <= 2m"]);
        assert!(of("versions.old.exit").is_harmless());
        assert_eq!(of("shutdown.on_term").tried, 0, "drain is the base, dance is no word");
    }

    #[test]
    fn what_a_flag_sets_is_measured() {
        let result = weighed(&["--set", "versions.old.start=11s"]);
        assert_eq!(result.verdict, Some(Verdict::Pass));
        assert!(result.assumed.iter().all(|e| e.assumed.key != "versions.old.start"));
    }
}
