//! `[strategy.appconfig]`: a share of the targets that grows with time, as AWS `AppConfig` and
//! `CodeDeploy`'s linear and canary shifts have it.

use super::{Default::Is, Env, Key, Kind, Page, Settings, Table, key};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::raw::Value;
use crate::units::{CountOrPercent, Share, Span};

const PATH: &str = "strategy.appconfig";

/// Growth of the share of targets that have the new version, and what calls it back.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct AppConfig {
    /// The named deployment strategy this is, if it is one.
    pub preset: Option<&'static str>,
    /// How the share grows.
    pub growth: Growth,
    /// G, the share of a step: above 0, at most 1.
    pub growth_factor: Share,
    /// From the beginning until all targets have been changed.
    pub deployment_duration: Span,
    /// Alarms are watched so long after that.
    pub final_bake_time: Span,
    /// The first step is made at the beginning (`CodeDeploy`), not after one interval
    /// (`AppConfig`).
    pub first_at_once: bool,
    /// What changing a target means for the process on it.
    pub apply: Apply,
    /// The alarm: the share of failing requests of the whole service is above this.
    pub alarm_errors: Option<Share>,
    /// The alarm: more targets than this are not ready; a percentage is rounded down.
    pub alarm_unready: Option<CountOrPercent>,
    /// The alarm goes off when one of these has been so for so long.
    pub alarm_after: Span,
}

/// How the share grows from step to step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Growth {
    /// G, 2·G, 3·G, … until all.
    Linear,
    /// G, 2·G, 4·G, … (G·2^N) until all.
    Exponential,
    /// G, then all.
    Canary,
}

/// What changing a target means for the process on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Apply {
    /// The process goes on: what has the new version takes over when it is ready.
    Live,
    /// The process is stopped and started again.
    Restart,
}

/// A named deployment strategy.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    growth: Growth,
    percent: f64,
    duration: Span,
    bake: Span,
    first_at_once: bool,
}

const fn appconfig(
    name: &'static str,
    growth: Growth,
    percent: f64,
    duration_secs: u64,
    bake_secs: u64,
) -> Preset {
    let (duration, bake) = (Span::from_secs(duration_secs), Span::from_secs(bake_secs));
    Preset { name, growth, percent, duration, bake, first_at_once: false }
}

/// Ten percent at once, and then ten more each interval, or all the rest after it.
const fn codedeploy(name: &'static str, growth: Growth, minutes: u64) -> Preset {
    let intervals = if matches!(growth, Growth::Linear) { 9 } else { 1 };
    let duration = Span::from_secs(intervals * minutes * 60);
    Preset { name, growth, percent: 10.0, duration, bake: Span::ZERO, first_at_once: true }
}

use Growth::{Canary, Exponential, Linear};

/// The predefined strategies of `AppConfig`, and `CodeDeploy`'s for ECS and Lambda.
const PRESETS: [Preset; 18] = [
    appconfig("AppConfig.AllAtOnce", Linear, 100.0, 0, 600),
    appconfig("AppConfig.Linear20PercentEvery6Minutes", Linear, 20.0, 1800, 1800),
    appconfig("AppConfig.Linear50PercentEvery30Seconds", Linear, 50.0, 60, 60),
    appconfig("AppConfig.Canary10Percent20Minutes", Exponential, 10.0, 1200, 600),
    appconfig("CodeDeployDefault.ECSAllAtOnce", Linear, 100.0, 0, 0),
    codedeploy("CodeDeployDefault.ECSLinear10PercentEvery1Minutes", Linear, 1),
    codedeploy("CodeDeployDefault.ECSLinear10PercentEvery3Minutes", Linear, 3),
    codedeploy("CodeDeployDefault.ECSCanary10Percent5Minutes", Canary, 5),
    codedeploy("CodeDeployDefault.ECSCanary10Percent15Minutes", Canary, 15),
    appconfig("CodeDeployDefault.LambdaAllAtOnce", Linear, 100.0, 0, 0),
    codedeploy("CodeDeployDefault.LambdaLinear10PercentEvery1Minute", Linear, 1),
    codedeploy("CodeDeployDefault.LambdaLinear10PercentEvery2Minutes", Linear, 2),
    codedeploy("CodeDeployDefault.LambdaLinear10PercentEvery3Minutes", Linear, 3),
    codedeploy("CodeDeployDefault.LambdaLinear10PercentEvery10Minutes", Linear, 10),
    codedeploy("CodeDeployDefault.LambdaCanary10Percent5Minutes", Canary, 5),
    codedeploy("CodeDeployDefault.LambdaCanary10Percent10Minutes", Canary, 10),
    codedeploy("CodeDeployDefault.LambdaCanary10Percent15Minutes", Canary, 15),
    codedeploy("CodeDeployDefault.LambdaCanary10Percent30Minutes", Canary, 30),
];

const WORDS: [&str; PRESETS.len() + 1] = {
    let mut words = ["none"; PRESETS.len() + 1];
    let mut at = 0;
    while at < PRESETS.len() {
        words[at + 1] = PRESETS[at].name;
        at += 1;
    }
    words
};

/// Keys that a preset decides.
const PRESET_KEYS: [&str; 4] =
    ["growth_type", "growth_factor", "deployment_duration", "final_bake_time"];

impl Settings for AppConfig {
    const TABLE: Table = Table {
        path: PATH,
        about: "A share of the targets that grows with time: AWS AppConfig, linear, canary.",
        keys: KEYS,
    };
    const WORLD: &'static [(&'static str, &'static str)] = &[];

    fn read(env: &mut Env<'_>) -> Self {
        let section = env.section(PATH);
        let preset = PRESETS.iter().find(|preset| preset.name == section.word("preset"));
        let stray: Vec<_> = PRESET_KEYS
            .iter()
            .filter_map(|key| section.written(key).map(|entry| (*key, entry.key_at)))
            .filter(|_| preset.is_some())
            .collect();
        let exponential = section.word("growth_type") == "EXPONENTIAL";
        let (factor, at) = (section.share("growth_factor"), section.place("growth_factor"));
        let settings = Self {
            preset: preset.map(|preset| preset.name),
            growth: preset.map_or(if exponential { Exponential } else { Linear }, |p| p.growth),
            growth_factor: preset.map_or(factor, |p| Share(p.percent / 100.0)),
            deployment_duration: preset.map_or(section.span("deployment_duration"), |p| p.duration),
            final_bake_time: preset.map_or(section.span("final_bake_time"), |p| p.bake),
            first_at_once: preset.is_some_and(|p| p.first_at_once),
            apply: if section.word("apply") == "restart" { Apply::Restart } else { Apply::Live },
            alarm_errors: match section.value("alarm_errors") {
                Value::Share(share) => Some(share),
                _ => None,
            },
            alarm_unready: match section.value("alarm_unready") {
                Value::Amount(amount) => Some(amount),
                _ => None,
            },
            alarm_after: section.span("alarm_after"),
        };
        for (key, at) in stray {
            let message = format!("`{key}` has no meaning beside `preset`, which decides it");
            env.problem(Diagnostic::new(Code::Conflict, at, message, "remove one of the two"));
        }
        if settings.growth_factor.0 < 0.01 {
            let message = "`growth_factor` must be at least 1%";
            env.problem(Diagnostic::new(Code::OutOfRange, at, message, "AppConfig refuses less"));
        }
        settings
    }

    fn write(&self, page: &mut Page) {
        page.text("preset", self.preset.unwrap_or("none"));
        if self.preset.is_none() {
            let exponential = self.growth == Exponential;
            page.text("growth_type", if exponential { "EXPONENTIAL" } else { "LINEAR" });
            page.text("growth_factor", self.growth_factor);
            page.text("deployment_duration", self.deployment_duration);
            page.text("final_bake_time", self.final_bake_time);
        }
        page.text("apply", if self.apply == Apply::Live { "live" } else { "restart" });
        match self.alarm_errors {
            Some(share) => page.text("alarm_errors", share),
            None => page.text("alarm_errors", "none"),
        }
        match self.alarm_unready {
            Some(amount) => page.amount("alarm_unready", amount),
            None => page.text("alarm_unready", "none"),
        }
        page.text("alarm_after", self.alarm_after);
    }

    fn describe(&self) -> String {
        let growth = match self.growth {
            Linear => "linear",
            Exponential => "exponential",
            Canary => "canary",
        };
        match self.preset {
            Some(name) => format!("appconfig, {name}"),
            None => format!(
                "appconfig, {growth} {} over {}, bake {}",
                self.growth_factor, self.deployment_duration, self.final_bake_time
            ),
        }
    }

    fn bake(&self) -> Span {
        self.final_bake_time
    }
}

const KEYS: &[Key] = &[
    key(
        "preset",
        Kind::Word(&WORDS),
        Is("\"none\""),
        "A named deployment strategy; it decides growth, duration and bake time.",
        "\"AppConfig.Canary10Percent20Minutes\"",
    ),
    key(
        "growth_type",
        Kind::Word(&["LINEAR", "EXPONENTIAL"]),
        Is("\"LINEAR\""),
        "The share grows by G each step, or is G·2^N.",
        "\"EXPONENTIAL\"",
    ),
    key("growth_factor", Kind::Share, Is("\"20%\""), "G, the share of a step.", "\"10%\""),
    key(
        "deployment_duration",
        Kind::Duration,
        Is("\"30m\""),
        "The steps are spread evenly over this; the last one is at its end.",
        "\"10m\"",
    ),
    key(
        "final_bake_time",
        Kind::Duration,
        Is("\"0s\""),
        "Alarms are watched so long after the last step.",
        "\"10m\"",
    ),
    key(
        "apply",
        Kind::Word(&["live", "restart"]),
        Is("\"live\""),
        "A target takes the new version over while it runs, or is stopped and started.",
        "\"restart\"",
    ),
    key(
        "alarm_errors",
        Kind::OneOf(&[Kind::Word(&["none"]), Kind::Share]),
        Is("\"none\""),
        "An alarm: a larger share of the service's requests fails.",
        "\"1%\"",
    ),
    key(
        "alarm_unready",
        Kind::OneOf(&[Kind::Word(&["none"]), Kind::Amount]),
        Is("\"none\""),
        "An alarm: more targets than this are not ready.",
        "0",
    ),
    key(
        "alarm_after",
        Kind::Duration,
        Is("\"1m\""),
        "An alarm goes off when its condition has held so long.",
        "\"3m\"",
    ),
];
