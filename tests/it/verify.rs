//! `rollcast verify`: recorded rollouts held against the simulator.

use std::path::Path;

use rollcast::scenario;
use rollcast::sim::{Depth, Model, World};
use rollcast::trace::Sink;
use rollcast::trace::journal::{self, Header, Writer};

use crate::support::{Finished, Run};

const TRACES: &str = "tests/data/traces";
const RECREATE: &str = "tests/data/traces/rc20f16b8.json";
const PARTITION: &str = "tests/data/traces/rf6589c98.json";

fn verify(args: &[&str]) -> Finished {
    Run::new([&["verify", "--runs", "10"], args].concat()).run()
}

#[test]
fn a_table_and_a_total() {
    let finished = verify(&[PARTITION, RECREATE]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let lines: Vec<&str> = finished.stdout.lines().collect();
    assert!(lines[1].starts_with("rf6589c98.json"), "in the order of the arguments");
    assert!(lines[2].starts_with("rc20f16b8.json"));
    assert!(finished.stdout.contains("fate                    2 of 2"), "{}", finished.stdout);
}

#[test]
fn the_screen_fits_80_columns() {
    let finished = verify(&[TRACES, "tests/data/swarm", "--against", TRACES]);
    for line in finished.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(finished.stdout.contains("…"), "long names of classes are cut: {}", finished.stdout);
}

#[test]
fn a_folder_as_json() {
    let finished = verify(&[TRACES, "--json", "--inputs", "spec"]);
    let value: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!((&value["schema"], &value["inputs"]), (&"rollcast-verify/1".into(), &"spec".into()));
    let traces = value["traces"].as_array().unwrap();
    let one = traces.iter().find(|trace| trace["id"] == "rb0ec58b4").unwrap();
    assert_eq!(one["kind"], "DaemonSet");
    assert!(one["file"].as_str().unwrap().ends_with("rb0ec58b4.json.gz"));
    assert_eq!(one["final_ok"], true);
    assert_eq!(one["duration_s"]["recorded"], 3.459_667);
    assert_eq!(one["instances_max"]["predicted"], 1.0);
    assert_eq!(value["total"]["traces"], traces.len());
}

#[test]
fn bad_files_are_named_and_cost_nothing_else() {
    let finished = verify(&["Cargo.toml", PARTITION, "scenarios/schema.json", "nothing.json"]);
    assert_eq!(finished.code, Some(1));
    assert!(finished.stdout.contains("rf6589c98.json"));
    let lines: Vec<&str> = finished.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{}", finished.stderr);
    assert!(lines[0].starts_with("error: Cargo.toml: is no JSON"), "{}", lines[0]);
    assert!(lines[1].contains("is no recording that rollcast knows"), "{}", lines[1]);
    assert!(lines[2].contains("nothing.json: cannot be read"), "{}", lines[2]);
}

#[test]
fn charts_of_one_recording_or_one_each() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let refused = verify(&[PARTITION, RECREATE, "-o", &path("all.svg")]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("put {} into the name"), "{}", refused.stderr);
    let (svg, png, json) = (path("{}.svg"), path("one.png"), path("all.json"));
    assert_eq!(verify(&[PARTITION, RECREATE, "-o", &svg, "-o", &json]).code, Some(0));
    assert_eq!(verify(&[PARTITION, "-o", &png]).code, Some(0));
    let drawn = std::fs::read_to_string(path("rc20f16b8.svg")).unwrap();
    assert!(drawn.contains("rc20f16b8 (Deployment, recreate)") && drawn.contains("recorded"));
    assert!(std::fs::read(&png).unwrap().starts_with(b"\x89PNG"));
    assert!(std::fs::read_to_string(&json).unwrap().contains("rollcast-verify/1"));
    std::fs::write(&png, "mine").unwrap();
    assert_eq!(verify(&[PARTITION, "-o", &png]).code, Some(1), "not ours");
    assert_eq!(verify(&[PARTITION, "-o", &png, "--force"]).code, Some(0));
}

#[test]
fn two_recordings_of_the_same_are_set_beside_the_prediction() {
    let finished = verify(&[RECREATE, "--against", TRACES]);
    for row in ["all  ", "recreate, min_ready", "repeated"] {
        assert!(finished.stdout.contains(row), "{row}: {}", finished.stdout);
    }
    let missing = verify(&[RECREATE, "--against", "nowhere"]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.stderr.contains("nowhere: "), "{}", missing.stderr);
}

#[test]
fn our_own_traces_are_taken_too() {
    let text = "rollcast = 1\n[service]\nname = \"shop\"\ninstances = 6\n[versions.old]\n\
                start = \"8s\"\n[versions.new]\nstart = \"8s\"\n[strategy.kubernetes]\n";
    let loaded = scenario::load(text, "shop.toml", Path::new("."), &[]).unwrap();
    let written = scenario::print::to_toml(&loaded.scenario);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.jsonl");
    let header = Header::new(journal::World::Sim, 7, 0, written.into());
    let mut journal = Writer::new(std::fs::File::create(&path).unwrap(), &header);
    let model = Model::new(&loaded.scenario);
    let mut records = Vec::new();
    World::new(&model).run(7, 0, Depth::Control, &mut records);
    for (at, record) in records {
        journal.record(at, record);
    }
    journal.finish().unwrap();
    let finished = verify(&[&path.display().to_string(), "--json"]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let value: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap();
    let trace = &value["traces"][0];
    assert_eq!((&trace["kind"], &trace["id"]), (&"rollcast".into(), &"shop".into()));
    assert_eq!(trace["final_ok"], true);
    let (real, said) = (&trace["duration_s"]["recorded"], &trace["duration_s"]["predicted"]);
    let (real, said) = (real.as_f64().unwrap(), said.as_f64().unwrap());
    assert!((real - said).abs() < 0.3 * real, "{real} {said}");
}
