//! Judges in the world: they see what is scraped, and what they say has consequences.

use rollcast::scenario::{Override, Scenario, load};
use rollcast::sim::{Depth, Model, World};
use rollcast::trace::{Moment, Record, Ruling, Said};
use rollcast::units::{Span, Time};

use crate::support::Run;

fn scenario(set: &[&str]) -> Scenario {
    let text = include_str!("../../scenarios/judged-canary.toml");
    let change = |assignment: &&str| {
        let (key, value) = assignment.split_once('=').unwrap();
        let (key, value) = (key.to_owned(), value.to_owned());
        Override { flag: format!("--set {assignment}"), key, value, append: false }
    };
    let set: Vec<Override> = set.iter().map(change).collect();
    let loaded = load(text, "judged-canary.toml", std::path::Path::new("."), &set);
    loaded.unwrap_or_else(|error| panic!("{:?}", error.diagnostics)).scenario
}

fn play(scenario: &Scenario, replication: u32, depth: Depth) -> Vec<(Time, Record)> {
    let model = Model::new(scenario);
    let mut records = Vec::new();
    World::new(&model).run(1, replication, depth, &mut records);
    records
}

fn when(records: &[(Time, Record)], wanted: &Record) -> Option<Time> {
    records.iter().find(|(_, record)| record == wanted).map(|(at, _)| *at)
}

#[test]
fn a_bad_release_is_found_and_taken_back_and_a_good_one_is_not() {
    let (bad, good) = (scenario(&[]), scenario(&["versions.new.errors=0%"]));
    let fail = Record::Judged { judge: 1, ruling: Ruling::Fail };
    for replication in 0..4 {
        let records = play(&bad, replication, Depth::Requests);
        let begun = when(&records, &Record::Moment(Moment::Begun)).unwrap();
        let ruled = when(&records, &fail).expect("2 % errors are seen");
        // Nothing is seen before the delay is over.
        assert!(ruled >= begun + Span::from_secs(30), "{ruled:?}");
        assert!(ruled <= begun + Span::from_secs(600), "{ruled:?}");
        assert_eq!(when(&records, &Record::Moment(Moment::Detected)), Some(ruled));
        assert_eq!(when(&records, &Record::Moment(Moment::RollbackDecided)), Some(ruled));
        let said = records.iter().rev().find_map(|(_, record)| match record {
            Record::Said(said) => Some(*said),
            _ => None,
        });
        assert_eq!(said, Some(Said::RolledBack));
        let records = play(&good, replication, Depth::Requests);
        assert_eq!(when(&records, &fail), None);
        assert!(when(&records, &Record::Said(Said::Completed)).is_some());
    }
    // Without requests there is nothing to see.
    let records = play(&bad, 0, Depth::Control);
    assert!(!records.iter().any(|(_, record)| matches!(record, Record::Judged { .. })));
}

#[test]
fn a_longer_delay_is_a_later_verdict() {
    let at = |delay: &str| {
        let scenario = scenario(&[&format!("judges.default.delay={delay}")]);
        let records = play(&scenario, 0, Depth::Requests);
        let fail = Record::Judged { judge: 1, ruling: Ruling::Fail };
        when(&records, &fail).expect("2 % errors are seen")
    };
    assert_eq!(at("60s").since(at("30s")), Span::from_secs(30));
}

#[test]
fn the_laboratory_says_the_same_on_any_number_of_threads() {
    let run = |threads: &str| {
        let args = ["judge", "scenarios/judged-canary.toml", "--runs", "6", "--json"];
        let set = ["--set", "service.instances=4", "--set", "traffic.rate=60/s"];
        let threads = ["--threads", threads];
        Run::new([&args[..], &set[..], &threads[..]].concat()).run()
    };
    let one = run("1");
    assert_eq!(one.code, Some(0), "{}", one.stderr);
    let value: serde_json::Value = serde_json::from_str(&one.stdout).unwrap();
    assert_eq!(value["judges"].as_array().map(Vec::len), Some(2));
    assert_eq!(one.stdout, run("2").stdout);
}
