//! Stories about what surrounds a fleet: each shows what its text claims.

use std::path::Path;

use rollcast::scenario::{Loaded, OutcomeKey, Override, Scenario, load};
use rollcast::stats::Verdict;
use rollcast::study::{Options, Runs, SimResult, simulate};

/// A story, with changes.
fn story(name: &str, changes: &[(&str, &str)]) -> Scenario {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let text = std::fs::read_to_string(root.join(name)).expect("the story is there");
    let change = |(key, value): &(&str, &str)| Override {
        flag: format!("--set {key}"),
        key: (*key).to_owned(),
        value: (*value).to_owned(),
        append: false,
    };
    let changes: Vec<Override> = changes.iter().map(change).collect();
    let Loaded { scenario, .. } = load(&text, name, &root, &changes).expect("a good scenario");
    scenario
}

fn played(scenario: &Scenario, runs: u32) -> SimResult {
    let options = Options { seed: 1, runs: Runs::Fixed(runs), max_runs: runs, threads: 1 };
    simulate(scenario, &options, &|_| {})
}

fn values(result: &SimResult, key: OutcomeKey) -> Vec<f64> {
    result.table.rows.iter().map(|row| row.3.values[key as usize]).collect()
}

#[test]
fn a_surge_blows_the_connection_limit_and_a_smaller_pool_cures_it() {
    let name = "connection-limit.toml";
    let blown = played(&story(name, &[]), 200);
    assert_eq!(blown.verdict, Some(Verdict::Fail));
    // 25 hold all 500; one more asks for its 20.
    assert!(values(&blown, OutcomeKey::DependencyPeak).iter().all(|peak| *peak == 1.04));
    let cured = played(&story(name, &[("dependencies.postgres.per_instance", "10")]), 200);
    assert_eq!(cured.verdict, Some(Verdict::Pass));
    let median = |result: &SimResult| {
        let mut all = values(result, OutcomeKey::Duration);
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    assert!(median(&blown) > 2.5 * median(&cured));
}
