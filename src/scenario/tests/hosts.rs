//! Tables of orchestrators that work host by host.

use super::{complaints, good};
use crate::scenario::settings::{Runner, StrategySettings};
use crate::scenario::{GraceFrom, OnTerm};
use crate::units::{CountOrPercent, Span};

fn file(strategy: &str) -> String {
    format!(
        "rollcast = 1\n[service]\ninstances = 12\n[versions.old]\nstart = \"22s\"\n{strategy}\n"
    )
}

#[test]
fn a_serial_is_a_size_or_a_list_of_them() {
    let serial = |line: &str| {
        let text = file(&format!("[strategy.ansible]\n{line}"));
        let StrategySettings::Ansible(settings) = good(&text).strategy else { unreachable!() };
        (settings.serial, settings.max_fail_percentage)
    };
    let (one, quarter) = (CountOrPercent::Count(1), CountOrPercent::Percent(25.0));
    assert_eq!(serial("serial = 1"), (vec![one], None));
    assert_eq!(serial("serial = \"25%\""), (vec![quarter], None));
    assert_eq!(serial("serial = [1, \"25%\"]"), (vec![one, quarter], None));
    assert_eq!(serial("max_fail_percentage = 0"), (vec![], Some(0.0)));
    assert_eq!(serial("max_fail_percentage = 30"), (vec![], Some(30.0)));
    assert_eq!(serial("max_fail_percentage = \"29%\""), (vec![], Some(29.0)));
    let text = complaints(&file("[strategy.ansible]\nserial = [1, \"33.3%\"]"), &[]);
    assert!(text.contains("`serial` takes whole percentages"), "{text}");
    let text = complaints(&file("[strategy.ansible]\nserial = [1, \"a few\"]"), &[]);
    assert!(text.contains("`a few` is neither a count nor a percentage"), "{text}");
}

#[test]
fn the_orchestrators_drain_time_is_the_worlds() {
    let ansible = good(&file("[strategy.ansible]\ndrain_wait = \"60s\""));
    assert_eq!(ansible.shutdown.drain_wait, Span::from_secs(60));
    assert_eq!(ansible.shutdown.grace_from, GraceFrom::Term);
    let kamal = good(&file("[strategy.kamal]"));
    assert_eq!(kamal.shutdown.drain_wait, Span::from_secs(30));
    assert_eq!(kamal.shutdown.on_term, OnTerm::Exit);
    // Without a proxy there is nobody who drains.
    let worker = good(&file("[strategy.kamal]\nproxy = false"));
    assert_eq!(worker.shutdown.drain_wait, Span::ZERO);
    let twice = "[strategy.kamal]\ndrain_timeout = \"9s\"\n[shutdown]\ndrain_wait = ";
    good(&file(&format!("{twice}\"9s\"")));
    let text = complaints(&file(&format!("{twice}\"8s\"")), &[]);
    let conflict = "`drain_wait` contradicts `strategy.kamal.drain_timeout`, which is 9s";
    assert!(text.contains(conflict), "{text}");
}

#[test]
fn keys_that_mean_nothing_together_are_refused() {
    let StrategySettings::Capistrano(settings) =
        good(&file("[strategy.capistrano]\nin = \"groups\"")).strategy
    else {
        unreachable!()
    };
    let wait = Span::from_secs(2);
    assert_eq!(settings.runner, Runner::Groups { limit: 2, wait });
    let text = complaints(&file("[strategy.capistrano]\nin = \"sequence\"\nlimit = 3"), &[]);
    assert!(text.contains("`limit` has no meaning with this `in`"), "{text}");
    let both = "preset = \"AppConfig.AllAtOnce\"\ngrowth_factor = \"50%\"";
    let text = complaints(&file(&format!("[strategy.appconfig]\n{both}")), &[]);
    assert!(text.contains("`growth_factor` has no meaning beside `preset`"), "{text}");
    let text = complaints(&file("[strategy.appconfig]\ngrowth_factor = \"0%\""), &[]);
    assert!(text.contains("`growth_factor` must be at least 1%"), "{text}");
    let text = complaints(&file("[strategy.kamal]\nboot_limit = 0"), &[]);
    assert!(text.contains("a group of nobody boots nothing"), "{text}");
}
