//! Stories about what surrounds a fleet: each shows what its text claims.

use std::path::Path;

use rollcast::scenario::system;
use rollcast::scenario::{Loaded, OutcomeKey, Override, Scenario, load};
use rollcast::stats::Verdict;
use rollcast::study::{self, Options, Runs, SimResult, simulate};

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

/// A story about several services, after `change` of its text.
fn system_story(name: &str, change: impl Fn(&str) -> String) -> study::system::SystemResult {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/system");
    let text = std::fs::read_to_string(root.join(name)).expect("the story is there");
    let system = system::load(&change(&text), name, &root).expect("a good system");
    let options = Options { seed: 1, runs: Runs::Fixed(100), max_runs: 100, threads: 2 };
    study::system::simulate(&system, &options)
}

#[test]
fn three_services_fit_in_two_of_six_orders() {
    let told = system_story("shop.toml", str::to_owned);
    assert!(told.is_compatible() && told.orders.broken.is_empty());
    assert!(told.entries.iter().all(|entry| entry.lost.p95 == 0.0));
    // web 0, cart 1, prices 2.
    assert_eq!(told.orders.compatible, [[0, 2, 1], [2, 0, 1]]);
    let pace = (told.at_pace.unwrap(), told.one_by_one.unwrap());
    assert_eq!(told.duration, told.at_pace, "as `needs` has it");
    assert!(pace.0.p50 < pace.1.p50);
    // All at once: the pairs meet, and the shop fails.
    let hasty = system_story("shop.toml", |text| text.replace("needs = [\"prices\", \"web\"]", ""));
    assert!(!hasty.is_compatible() && hasty.worst() > 0.5);
    assert_eq!(hasty.orders.broken.len(), 2);
    // 3 calls: 1 − (1 − x)³ of requests fail where x of calls do.
    let (calls, web) = (&hasty.pairs[1], &hasty.entries[0]);
    assert!(web.lost.p50 > 1.5 * calls.lost && web.lost.p50 < 3.0 * calls.lost);
    assert!(hasty.duration.unwrap().p50 < told.duration.unwrap().p50);
}

#[test]
fn a_renamed_field_needs_a_release_between() {
    let told = system_story("no-order.toml", str::to_owned);
    assert_eq!((told.orders.count, told.orders.pace.is_some()), (Some(0), false));
    assert_eq!(told.orders.conflict.len(), 2);
    assert!(told.worst() > 0.9);
    // Expand: prices that answer both. Then any order of the rest is fine.
    let expanded = system_story("no-order.toml", |text| {
        text.replace("old_new", "old_old").replace("old_old = \"100%\"", "old_new = \"0%\"")
    });
    assert!(expanded.is_compatible() && expanded.orders.count == Some(1));
}

#[test]
fn a_bad_value_is_caught_by_a_rollout_and_not_by_a_reload() {
    let name = "config-change.toml";
    let hot = played(&story(name, &[]), 200);
    assert_eq!(hot.verdict, Some(Verdict::Fail));
    assert!(values(&hot, OutcomeKey::ServingMin).iter().filter(|min| **min == 0.0).count() > 190);
    assert!(values(&hot, OutcomeKey::RolledBack).iter().all(|back| *back == 1.0));
    let rolled = played(&story(name, &[("change.reload", "restart")]), 400);
    assert_eq!(rolled.verdict, Some(Verdict::Pass));
    assert!(values(&rolled, OutcomeKey::ServingMin).iter().all(|min| *min == 10.0));
}

#[test]
fn there_is_no_way_back_from_a_dropped_column() {
    let name = "migration.toml";
    let dropped = played(&story(name, &[]), 60);
    assert_eq!(dropped.verdict, Some(Verdict::Fail));
    assert!(values(&dropped, OutcomeKey::RollbackBlocked).iter().all(|blocked| *blocked == 1.0));
    let expanding = [("migration.irreversible", "false"), ("migration.old_errors", "0%")];
    let expanded = played(&story(name, &expanding), 400);
    assert_eq!(expanded.verdict, Some(Verdict::Pass));
    assert!(values(&expanded, OutcomeKey::RolledBack).iter().all(|back| *back == 1.0));
}

#[test]
fn two_regions_at_once_are_too_much_for_the_third() {
    let waves = system_story("regions.toml", str::to_owned);
    assert!(waves.has_capacity() && waves.completed.value == 1.0);
    // A wave begins when the one before it is complete and baked.
    let (south, west) = (&waves.lanes[0], &waves.lanes[1]);
    assert!(west.begins.unwrap().p5 >= south.ends.unwrap().p5 + 3600.0);
    let at_once = system_story("regions.toml", |text| {
        text.replace("needs = [\"west\"]", "needs = [\"south\"]")
    });
    assert_eq!(at_once.busiest().map(|(service, _)| service), Some(0));
    // South gets 300 + 500 + 500 a second. It answers 4 at once in each of 6 instances.
    let scenario = &at_once.system.services[0].scenario;
    let answers = 24.0 / scenario.versions.old.service_time.mean_secs();
    let peak = at_once.lanes[0].load.unwrap().p95;
    assert!((peak - 1300.0 / answers).abs() < 1e-9 && !at_once.has_capacity(), "{peak}");
}
