//! Four recorded updates, played again.

use super::*;
use crate::trace::recorded::{self, Recording as Any};

const OPTIONS: Options = Options { inputs: Inputs::Observed, runs: 20, seed: 1, threads: 1 };

fn recording(name: &str) -> Recording {
    let path = format!("{}/tests/data/swarm/{name}.json", env!("CARGO_MANIFEST_DIR"));
    match recorded::load(path.as_ref()).expect("a recording") {
        Any::Swarm(recording) => *recording,
        _ => panic!("{name} is of another orchestrator"),
    }
}

#[test]
fn recorded_delays_lead_to_the_recorded_end() {
    for (name, end) in [
        ("r18", "completed"),
        ("r41", "completed"),
        ("s00", "completed"),
        ("s14", "rollback_completed"),
    ] {
        let verdict = verdict(name, &recording(name), &OPTIONS).unwrap();
        assert_eq!(verdict.said, (end.to_owned(), end.to_owned()), "{name}");
        assert!(verdict.final_ok && verdict.available_min.is_equal(), "{name}: {verdict:?}");
        let duration = verdict.duration_s;
        let (was, is) = (duration.recorded.unwrap(), duration.predicted.unwrap());
        assert!((is / was - 1.0).abs() < 0.12, "{name}: {was} and {is}");
    }
}

#[test]
fn what_could_be_known_beforehand_leads_to_bands_that_hold_the_record() {
    let mut held = 0;
    for name in ["r18", "r41", "s00", "s14"] {
        let options = Options { inputs: Inputs::Spec, runs: 60, ..OPTIONS };
        let verdict = verdict(name, &recording(name), &options).unwrap();
        assert!(verdict.final_ok, "{name}: {:?}", verdict.fates);
        let (low, high) = verdict.band_s.expect("it ends");
        let was = verdict.duration_s.recorded.unwrap();
        held += u32::from((low..=high).contains(&was));
        assert!(low > was / 2.0 && high < was * 2.0, "{name}: {low} to {high} for {was}");
    }
    assert!(held >= 3, "{held} of 4");
}

#[test]
fn an_update_that_changes_no_task_is_none() {
    let mut recording = recording("r18");
    recording.new_env = recording.old_env.clone();
    let verdict = verdict("same", &recording, &OPTIONS).unwrap();
    assert_eq!(verdict.said.1, ENDLESS);
    assert_eq!(verdict.available_min.predicted, Some(7.0));
}

#[test]
fn unknown_hooks_are_no_guesswork() {
    let path = format!("{}/tests/data/swarm/s00.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.replace("\"action\":\"update\"", "\"action\":\"unplug\"");
    let Any::Swarm(recording) = recorded::parse(text.as_bytes()).unwrap() else { panic!() };
    let why = verdict("s00", &recording, &OPTIONS).unwrap_err();
    assert!(why.contains("unplug"), "{why}");
}
