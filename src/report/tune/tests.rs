//! The screen and the document of a small answer.

use super::*;
use crate::report::shape::holds;
use crate::stats::Estimate;
use crate::study::tune::Within;

fn tried(value: &str, place: Place, goal: f64, on_front: bool) -> Tried {
    let goal = Estimate { value: goal, low: goal - 2.0, high: goal + 2.0 };
    let values = vec![value.to_owned()];
    Tried { values, place: Ok(place), goal, versus: 9.0, runs: 2_000, on_front }
}

fn answer(check: impl Fn(&Answer<'_>)) {
    let goal = |text| Goal::read(text).unwrap();
    let plan = Plan {
        goal: goal("min p95(duration)"),
        versus: goal("max p5(serving_min)"),
        within: Within::Share(0.02),
        error: 0.05,
        rule: None,
        max_runs: 20_000,
        seed: 1,
        threads: 1,
    };
    let open =
        Tried { place: Err("it can never end".to_owned()), ..tried("9", Place::Void, 1.0, false) };
    let tuned = Tuned {
        keys: vec!["strategy.generic.batch".to_owned()],
        gates: vec!["serving_min >= 9".to_owned()],
        tried: vec![
            tried("1", Place::Behind(1), 580.0, false),
            tried("3", Place::Best, 257.0, true),
            tried("6", Place::Breaks(0), 121.0, false),
            open,
        ],
        best: Some(1),
        certain: true,
        rule: Rule::Triangle,
        batch: 100,
        within: 5.1,
        requests: false,
    };
    let text = "rollcast = 1\n[service]\ninstances = 12\n[versions.old]\nstart = \"5s\"\n\
                [strategy.generic]\nbatch = 3\n";
    let loaded = crate::scenario::load(text, "x", std::path::Path::new(""), &[]).expect("sound");
    let cliff = Cliff { what: "traffic".to_owned(), holds: Some("+5%".to_owned()), breaks: None };
    let cliffs = [cliff];
    let best = Some(&loaded.scenario);
    check(&Answer { name: "checkout", plan: &plan, tuned: &tuned, best, cliffs: &cliffs });
}

#[test]
fn the_screen_begins_with_the_choice() {
    answer(|answer| {
        let text = text(answer);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let row = text.lines().nth(3).unwrap();
        assert!(row.starts_with("▶ 3") && row.ends_with("best"), "{text}");
        assert!(text.contains("breaks serving_min >= 9") && text.contains("it can never end"));
        assert!(text.contains("is the best by 95%"), "{text}");
        assert!(text.contains("  [strategy.generic]\n  batch = 3\n"), "{text}");
    });
}

#[test]
fn the_document_keeps_to_its_schema() {
    answer(|answer| {
        let value: serde_json::Value = serde_json::from_str(&json(answer)).unwrap();
        let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
        holds(&value, &schema, "tune");
        assert_eq!(value["settings"][2]["place"], "breaks");
        assert_eq!(value["settings"][0]["behind"], 1);
        assert_eq!(csv(answer).lines().count(), 5);
    });
}
