use std::path::Path;

use clap::{CommandFactory, Parser};

use super::args::{Args, Changes, Verb};
use super::input;
use crate::scenario::diagnostic::{Format, render};
use crate::scenario::settings::StrategySettings;
use crate::scenario::{Dist, Profile, print};
use crate::units::{CountOrPercent, Rate, Span};

fn changes(line: &str) -> Changes {
    let words = ["rollcast", "sim"].into_iter().chain(line.split_whitespace());
    let args = Args::try_parse_from(words).unwrap();
    let Some(Verb::Sim(sim)) = args.verb else { panic!("not sim") };
    sim.changes
}

#[test]
fn the_arguments_are_consistent() {
    Args::command().debug_assert();
}

#[test]
fn flags_alone_make_a_scenario() {
    let flags = changes("-n 12 --batch 3 --start 22s..41s --drain 10s --rate 800/s");
    let checked = input::scenario(None, &flags).unwrap();
    let scenario = checked.scenario.expect("sound");
    assert_eq!(scenario.service.instances, 12);
    assert_eq!(scenario.versions.old.exit, Dist::Fixed(Span::from_secs(10)));
    let p95 = scenario.versions.new.start.quantile(0.95).as_secs_f64();
    assert!((p95 - 41.0).abs() < 1e-6);
    assert_eq!(scenario.traffic.as_ref().unwrap().profile, Profile::Constant(Rate(800.0)));
    let StrategySettings::Generic(generic) = &scenario.strategy else { panic!("not generic") };
    assert_eq!(generic.batch, CountOrPercent::Count(3));
    let again = input::check(&print::to_toml(&scenario), "again", Path::new(""), &[]);
    assert_eq!(again.scenario, Some(scenario));
}

#[test]
fn words_of_kubernetes_imply_it() {
    let flags = changes("-n 40 --max-surge 25% --max-unavailable 0 --start 14s");
    let scenario = input::scenario(None, &flags).unwrap().scenario.expect("sound");
    let StrategySettings::Kubernetes(settings) = scenario.strategy else { panic!("generic") };
    assert_eq!(settings.max_surge, CountOrPercent::Percent(25.0));
    assert_eq!(settings.max_unavailable, CountOrPercent::Count(0));
}

#[test]
fn naming_the_strategy_that_is_there_keeps_its_settings() {
    let text = "rollcast = 1\n[service]\ninstances = 12\n[versions.old]\nstart = \"22s\"\n\
                [strategy.generic]\nbatch = 4\n";
    let batch = |line: &str| {
        let overrides = input::overrides(&changes(line), false);
        let scenario = input::check(text, "x", Path::new(""), &overrides).scenario.expect("sound");
        match scenario.strategy {
            StrategySettings::Generic(settings) => Some(settings.batch),
            _ => None,
        }
    };
    assert_eq!(batch("--strategy generic"), Some(CountOrPercent::Count(4)));
    assert_eq!(batch("--strategy generic --batch 2"), Some(CountOrPercent::Count(2)));
    assert_eq!(batch("--strategy kubernetes"), None);
}

#[test]
fn bad_flags_are_named() {
    let flags = changes("-n many --batch 25% --start 22 --set strategy.bach=4");
    let checked = input::scenario(None, &flags).unwrap();
    assert!(checked.scenario.is_none());
    let text = render(&checked.diagnostics, &checked.source, Format::Human);
    assert!(text.contains("--start 22: a duration needs a unit; write \"22s\""), "{text}");
    assert!(text.contains("--instances many: this must be a whole number"), "{text}");
    assert!(text.contains("--set strategy.bach=4: no key strategy.bach; did you mean"), "{text}");
    assert_eq!(checked.errors(), 3);
}

#[test]
fn infeasible_gates_point_at_gate_and_batch() {
    let text = "rollcast = 1\ngates = [\"serving_min >= 9\"]\n[service]\ninstances = 12\n\
                [versions.old]\nstart = \"22s\"\n[strategy.generic]\nbatch = 4\n";
    let mut checked = input::check(text, "shop.toml", Path::new(""), &[]);
    let shown = render(&checked.diagnostics, &checked.source, Format::Human);
    insta::assert_snapshot!(shown);
    assert_eq!(checked.errors(), 1);
    input::allow_stuck(&mut checked.diagnostics);
    assert_eq!(checked.errors(), 0);
}

#[test]
fn the_stories_are_sound() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
    let mut stories = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|suffix| suffix == "toml") {
            let checked = input::scenario(Some(&path), &Changes::default()).unwrap();
            let shown = render(&checked.diagnostics, &checked.source, Format::Human);
            assert_eq!(checked.errors(), 0, "{shown}");
            stories += 1;
        }
    }
    assert!(stories >= 5);
}
