//! Steps, alarms and the way back.

use std::path::Path;

use proptest::prelude::{Just, ProptestConfig, any, prop_assert, prop_assert_eq};
use proptest::{prop_oneof, proptest};

use super::growth::steps;
use crate::scenario::load;
use crate::scenario::settings::{AppConfig, StrategySettings};
use crate::strategy::driver::{Delays, Driver};
use crate::strategy::{Command, Draws, Strategy};
use crate::trace::{Moment, Phase, Said, VersionId};
use crate::units::{Span, Time};

/// The settings that these lines of a file mean.
fn settings(lines: &str) -> AppConfig {
    let text = format!(
        "rollcast = 1\n[service]\ninstances = 10\n[versions.old]\nstart = \"1s\"\n\
         [strategy.appconfig]\n{lines}\n"
    );
    let loaded = load(&text, "x.toml", Path::new("."), &[]).expect("sound");
    let StrategySettings::AppConfig(settings) = loaded.scenario.strategy else { unreachable!() };
    settings
}

fn begin(lines: &str, n: u32, delays: Delays) -> Driver {
    let strategy = Strategy::new(&StrategySettings::AppConfig(settings(lines)), n);
    let mut driver = Driver::new(strategy, n, delays);
    driver.command(Command::Begin);
    driver
}

fn secs(s: u64) -> Time {
    Time::from_secs(s)
}

/// Minutes and targets of each step, of 100 targets.
fn plan(lines: &str) -> Vec<(f64, u32)> {
    let minutes = |span: Span| span.as_secs_f64() / 60.0;
    steps(&settings(lines), 100).into_iter().map(|(at, count)| (minutes(at), count)).collect()
}

fn never_ready() -> Delays {
    let start = |version, _| (version == VersionId::OLD).then_some(Span::from_secs(1));
    Delays { start: Box::new(start), ..Delays::unit() }
}

#[test]
fn steps_follow_the_documented_growth() {
    // The user guide's own timeline.
    let ten_hours = plan("growth_factor = \"20%\"\ndeployment_duration = \"10h\"");
    assert_eq!(ten_hours, [(120.0, 20), (240.0, 40), (360.0, 60), (480.0, 80), (600.0, 100)]);
    let doubling = "growth_type = \"EXPONENTIAL\"\ngrowth_factor = \"2%\"";
    let counts: Vec<u32> = plan(doubling).iter().map(|(_, count)| *count).collect();
    assert_eq!(counts, [2, 4, 8, 16, 32, 64, 100]);
    let uneven = plan("growth_factor = \"30%\"\ndeployment_duration = \"4m\"");
    assert_eq!(uneven, [(1.0, 30), (2.0, 60), (3.0, 90), (4.0, 100)]);
}

#[test]
fn presets_are_what_they_are_called() {
    let preset = |name: &str| plan(&format!("preset = \"{name}\""));
    assert_eq!(preset("AppConfig.AllAtOnce"), [(0.0, 100)]);
    assert_eq!(preset("AppConfig.Linear50PercentEvery30Seconds"), [(0.5, 50), (1.0, 100)]);
    let canary = [(4.0, 10), (8.0, 20), (12.0, 40), (16.0, 80), (20.0, 100)];
    assert_eq!(preset("AppConfig.Canary10Percent20Minutes"), canary);
    let six = preset("AppConfig.Linear20PercentEvery6Minutes");
    assert_eq!((six[0], six[4]), ((6.0, 20), (30.0, 100)));
    let ecs = preset("CodeDeployDefault.ECSLinear10PercentEvery3Minutes");
    assert_eq!((ecs[0], ecs[1], ecs[9], ecs.len()), ((0.0, 10), (3.0, 20), (27.0, 100), 10));
    let canary = preset("CodeDeployDefault.LambdaCanary10Percent5Minutes");
    assert_eq!(canary, [(0.0, 10), (5.0, 100)]);
    assert_eq!(settings("preset = \"AppConfig.AllAtOnce\"").final_bake_time, Span::from_secs(600));
}

#[test]
fn targets_take_over_without_a_loss_of_capacity() {
    let mut d = begin("preset = \"AppConfig.Linear50PercentEvery30Seconds\"", 9, Delays::unit());
    d.run_until(secs(40));
    // Half of nine, rounded up.
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 5);
    assert!(d.run_until(secs(1000)));
    assert_eq!(d.said, [(secs(0), Said::Progressing), (secs(120), Said::Completed)]);
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 9);
    assert!(d.history.iter().all(|s| s.available >= 9 && s.objects <= 9 + 5));
    let batches = [(secs(30), Moment::Batch(1)), (secs(60), Moment::Batch(2))];
    assert_eq!(d.moments, batches);
}

#[test]
fn a_restart_takes_the_step_out() {
    let lines = "growth_factor = \"25%\"\ndeployment_duration = \"40s\"\napply = \"restart\"";
    let mut d = begin(lines, 8, Delays::unit());
    assert!(d.run_until(secs(1000)));
    assert_eq!(d.said.last(), Some(&(secs(40), Said::Completed)));
    assert_eq!(d.history.iter().map(|s| s.available).min(), Some(6));
    assert!(d.history.iter().all(|s| s.objects <= 8));
}

#[test]
fn completed_is_a_matter_of_time() {
    let lines = "growth_factor = \"50%\"\ndeployment_duration = \"1m\"\napply = \"restart\"";
    let mut d = begin(lines, 4, never_ready());
    assert!(d.run_until(secs(1000)));
    assert_eq!(d.said.last(), Some(&(secs(60), Said::Completed)));
    assert_eq!(d.count(VersionId::NEW, Phase::Available), 0);
    // A target that takes nothing over goes on as before.
    let mut d = begin(&lines.replace("restart", "live"), 4, never_ready());
    assert!(d.run_until(secs(1000)));
    assert_eq!(d.last_said(), Some(Said::Completed));
    assert_eq!(d.count(VersionId::OLD, Phase::Available), 4);
}

#[test]
fn an_alarm_turns_all_targets_back_at_once() {
    for apply in ["live", "restart"] {
        let lines = format!(
            "preset = \"AppConfig.Canary10Percent20Minutes\"\napply = \"{apply}\"\n\
             alarm_unready = 0\nalarm_after = \"2m\""
        );
        let mut d = begin(&lines, 10, never_ready());
        assert!(d.run_until(secs(10_000)));
        // First step after four minutes, alarm two minutes later.
        assert!(d.moments.contains(&(secs(360), Moment::RollbackDecided)));
        assert!(d.moments.contains(&(secs(360), Moment::Detected)));
        assert_eq!(d.last_said(), Some(Said::RolledBack));
        assert_eq!(d.count(VersionId::OLD, Phase::Available), 10);
        assert_eq!((d.instances.len(), d.said.len()), (10, 3));
    }
}

#[test]
fn more_than_the_allowed_number_must_be_unready() {
    let lines = "preset = \"AppConfig.AllAtOnce\"\napply = \"restart\"\nalarm_after = \"1m\"\n";
    let run = |allowed: &str| {
        let start = |_, id| (id != 10 && id != 11).then_some(Span::from_secs(1));
        let delays = Delays { start: Box::new(start), ..Delays::unit() };
        let mut d = begin(&format!("{lines}alarm_unready = {allowed}"), 10, delays);
        assert!(d.run_until(secs(10_000)));
        d.last_said()
    };
    assert_eq!(run("1"), Some(Said::RolledBack));
    assert_eq!(run("2"), Some(Said::Completed));
    assert_eq!(run("\"29%\""), Some(Said::Completed));
}

#[test]
fn an_alarm_that_ends_in_time_does_not_go_off() {
    let slow = || Delays { start: Box::new(|_, _| Some(Span::from_secs(50))), ..Delays::unit() };
    let lines = "preset = \"AppConfig.AllAtOnce\"\nalarm_unready = 0\nalarm_after = ";
    let run = |after: &str| {
        let mut d = begin(&format!("{lines}\"{after}\""), 4, slow());
        assert!(d.run_until(secs(10_000)));
        d.last_said()
    };
    assert_eq!(run("51s"), Some(Said::Completed));
    assert_eq!(run("49s"), Some(Said::RolledBack));
}

#[test]
fn few_bad_targets_dilute_the_error_alarm() {
    // A tenth of the answers are errors: the service shows 2 % when a fifth of it is bad.
    let run = |most: &str, old: f64| {
        let lines =
            format!("preset = \"AppConfig.Canary10Percent20Minutes\"\nalarm_errors = \"{most}\"");
        let mut d = begin(&lines, 20, Delays::unit());
        d.errors = [old, 0.1];
        assert!(d.run_until(secs(10_000)));
        let decided = d.moments.iter().find(|(_, m)| *m == Moment::RollbackDecided);
        (d.last_said().unwrap(), decided.map(|(at, _)| *at))
    };
    // Steps after 4, 8 and 12 minutes, a start of 1 s, an alarm after 1 min.
    assert_eq!(run("0.9%", 0.0), (Said::RolledBack, Some(secs(240 + 1 + 60))));
    assert_eq!(run("1.9%", 0.0), (Said::RolledBack, Some(secs(480 + 1 + 60))));
    assert_eq!(run("2.1%", 0.0), (Said::RolledBack, Some(secs(720 + 1 + 60))));
    assert_eq!(run("10%", 0.0), (Said::Completed, None));
    // What is wrong already counts, too.
    assert_eq!(run("2%", 0.03), (Said::RolledBack, Some(secs(60))));
}

#[test]
fn the_old_version_comes_back_at_any_time() {
    for apply in ["live", "restart"] {
        for half_seconds in [0, 20, 21, 22, 41, 60, 81, 100] {
            let lines = format!(
                "growth_factor = \"25%\"\ndeployment_duration = \"40s\"\napply = \"{apply}\""
            );
            let mut d = begin(&lines, 8, Delays::unit());
            d.run_until(Time(half_seconds * 500_000_000));
            d.command(Command::Rollback);
            assert!(d.run_until(secs(1000)));
            assert_eq!(d.last_said(), Some(Said::RolledBack), "{apply} {half_seconds}");
            assert_eq!(d.count(VersionId::OLD, Phase::Available), 8);
            assert_eq!(d.instances.len(), 8);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn it_ends_and_live_targets_lose_no_capacity(
        n in 1u32..20,
        growth in prop_oneof![Just("LINEAR"), Just("EXPONENTIAL")],
        factor in 1u32..=100,
        duration_s in 0u64..200,
        bake_s in 0u64..50,
        live in any::<bool>(),
        alarm in any::<bool>(),
        bad_percent in prop_oneof![Just(0u64), 0u64..60],
        latency_ms in 0u64..100,
        seed in any::<u64>(),
    ) {
        let luck = Draws::new(seed);
        let delays = Delays {
            start: Box::new(move |version, id| {
                let bad = version == VersionId::NEW && luck.bits(1, id) % 100 < bad_percent;
                (!bad).then(|| Span::from_millis(luck.bits(2, id) % 5000))
            }),
            stop: Box::new(move |id| Span::from_millis(luck.bits(3, id) % 2000)),
            latency: Span::from_millis(latency_ms),
        };
        let lines = format!(
            "growth_type = \"{growth}\"\ngrowth_factor = \"{factor}%\"\n\
             deployment_duration = \"{duration_s}s\"\nfinal_bake_time = \"{bake_s}s\"\n\
             apply = \"{}\"\nalarm_unready = {}\nalarm_after = \"10s\"",
            if live { "live" } else { "restart" },
            if alarm { "0" } else { "\"none\"" },
        );
        let mut d = begin(&lines, n, delays);
        prop_assert!(d.run_until(secs(100_000)), "does not come to rest");
        let (at, said) = *d.said.last().unwrap();
        let new = d.count(VersionId::NEW, Phase::Available);
        match said {
            Said::Completed => prop_assert!(at >= secs(duration_s + bake_s)),
            Said::RolledBack => {
                prop_assert!(alarm && new == 0);
                prop_assert_eq!(d.count(VersionId::OLD, Phase::Available), n as usize);
            }
            _ => prop_assert!(false, "{said:?}"),
        }
        if bad_percent == 0 && said == Said::Completed {
            prop_assert_eq!(new, n as usize);
            prop_assert_eq!((d.started, d.stopped.len() as u32), (n, n));
        }
        if live {
            prop_assert!(d.history.iter().all(|s| s.available >= n));
        }
    }
}
