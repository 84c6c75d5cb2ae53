//! `[strategy.asg]`: an instance refresh of an EC2 Auto Scaling group.

use super::alarm::{self, Alarm};
use super::{Default::Is, Default::Says, Env, Key, Kind, Page, Settings, Table, key};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::raw::{Entry, Value};
use crate::scenario::source::Place;
use crate::units::Span;

const PATH: &str = "strategy.asg";
/// The API takes no longer bake time and checkpoint delay (172 800 s).
const LONGEST_WAIT: Span = Span::from_secs(172_800);

/// An EC2 Auto Scaling instance refresh (`RefreshPreferences`).
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Asg {
    /// Of the desired capacity, rounded up, 0-100. Default 90.
    pub min_healthy_percentage: u32,
    /// Of the desired capacity, rounded up, 100-200. Default 100.
    pub max_healthy_percentage: u32,
    /// A new instance counts when it is healthy and this old. Default: the grace period.
    pub instance_warmup: Span,
    /// An instance that is not healthy so long after its launch is replaced. Default 300 s.
    pub health_check_grace_period: Span,
    /// Percentages of new instances at which the refresh waits, ascending. Default none.
    pub checkpoint_percentages: Vec<u32>,
    /// How long it waits at each. Default 1 h.
    pub checkpoint_delay: Span,
    /// Wait after the last instance before success. Default 0.
    pub bake_time: Span,
    /// A refresh that fails is followed by one back to the old template. Default false.
    pub auto_rollback: bool,
    /// An alarm that fails the refresh. Default none.
    pub alarm: Option<Alarm>,
    /// Instances protected from scale-in: the first so many. Default 0.
    pub protected_instances: u32,
    /// What becomes of them. Default `Wait`.
    pub scale_in_protected_instances: Protected,
}

/// `ScaleInProtectedInstances`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Protected {
    /// They are replaced too.
    Refresh,
    /// They stay as they are.
    Ignore,
    /// The refresh waits until somebody lifts the protection, and fails after an hour.
    Wait,
}

impl Settings for Asg {
    const TABLE: Table =
        Table { path: PATH, about: "An EC2 Auto Scaling instance refresh.", keys: KEYS };
    const WORLD: &'static [(&'static str, &'static str)] = &[
        // A target group: one passed check admits a new target, two failed ones remove it.
        ("probes.period", "\"30s\""),
        ("probes.timeout", "\"5s\""),
        ("probes.success", "1"),
        ("probes.failure", "2"),
        // Deregistration first; the guest is shut down when nobody uses it any more.
        ("shutdown.drain_wait", "\"300s\""),
        ("shutdown.grace_from", "\"term\""),
        ("clients.lag_remove", "{ law = \"uniform\", low = \"2s\", high = \"15s\" }"),
        ("control.launch", super::machines::LAUNCH),
    ];

    fn read(env: &mut Env<'_>) -> Self {
        let checkpoints = env.section(PATH).list("checkpoint_percentages");
        ascending(env, &checkpoints);
        let alarm = alarm::read(env, PATH);
        let section = env.section(PATH);
        let grace = section.span("health_check_grace_period");
        let warmup = section.written("instance_warmup").map(|_| section.span("instance_warmup"));
        let settings = Self {
            min_healthy_percentage: section.count("min_healthy_percentage"),
            max_healthy_percentage: section.count("max_healthy_percentage"),
            instance_warmup: warmup.unwrap_or(grace),
            health_check_grace_period: grace,
            checkpoint_percentages: checkpoints.iter().map(percentage).collect(),
            checkpoint_delay: section.span("checkpoint_delay"),
            bake_time: section.span("bake_time"),
            auto_rollback: section.flag("auto_rollback"),
            alarm,
            protected_instances: section.count("protected_instances"),
            scale_in_protected_instances: match section.word("scale_in_protected_instances") {
                "Refresh" => Protected::Refresh,
                "Ignore" => Protected::Ignore,
                _ => Protected::Wait,
            },
        };
        let at = |key: &str| section.place(key);
        let places = ["max_healthy_percentage", "checkpoint_delay", "bake_time"].map(at);
        settings.check(env, places);
        settings
    }

    fn write(&self, page: &mut Page) {
        page.raw("min_healthy_percentage", self.min_healthy_percentage);
        page.raw("max_healthy_percentage", self.max_healthy_percentage);
        page.text("instance_warmup", self.instance_warmup);
        page.text("health_check_grace_period", self.health_check_grace_period);
        page.raw("checkpoint_percentages", format!("{:?}", self.checkpoint_percentages));
        page.text("checkpoint_delay", self.checkpoint_delay);
        page.text("bake_time", self.bake_time);
        page.raw("auto_rollback", self.auto_rollback);
        alarm::write(self.alarm, page);
        page.raw("protected_instances", self.protected_instances);
        let protected = match self.scale_in_protected_instances {
            Protected::Refresh => "Refresh",
            Protected::Ignore => "Ignore",
            Protected::Wait => "Wait",
        };
        page.text("scale_in_protected_instances", protected);
    }

    fn describe(&self) -> String {
        let Self { min_healthy_percentage, max_healthy_percentage, instance_warmup, .. } = self;
        format!(
            "asg, healthy {min_healthy_percentage}%-{max_healthy_percentage}%, \
             warm-up {instance_warmup}"
        )
    }

    fn bake(&self) -> Span {
        self.bake_time
    }
}

impl Asg {
    /// The API's own limits, and an alarm that can be reached.
    fn check(&self, env: &mut Env<'_>, [max_at, delay_at, bake_at]: [Place; 3]) {
        if self.max_healthy_percentage - self.min_healthy_percentage.min(100) > 100 {
            let message = "the two percentages may differ by at most 100";
            let hint = "AWS refuses this too";
            env.problem(Diagnostic::new(Code::Conflict, max_at, message, hint));
        }
        let waits = [
            ("checkpoint_delay", self.checkpoint_delay, delay_at),
            ("bake_time", self.bake_time, bake_at),
        ];
        for (key, wait, at) in waits {
            if wait > LONGEST_WAIT {
                let message = format!("`{key}` is longer than AWS takes");
                env.problem(Diagnostic::new(Code::OutOfRange, at, message, "at most 48h"));
            }
        }
    }
}

fn percentage(entry: &Entry) -> u32 {
    match entry.value {
        Value::Count(count) => count,
        _ => unreachable!("the catalogue says these are counts"),
    }
}

fn ascending(env: &mut Env<'_>, checkpoints: &[Entry]) {
    for pair in checkpoints.windows(2) {
        if percentage(&pair[0]) >= percentage(&pair[1]) {
            let message = "checkpoints must ascend";
            let hint = "for example [5, 20, 100]";
            env.problem(Diagnostic::new(Code::Conflict, pair[1].at, message, hint));
        }
    }
}

const KEYS: &[Key] = &[
    key(
        "min_healthy_percentage",
        Kind::Count(0, 100),
        Is("90"),
        "Of the desired capacity, rounded up: so many stay healthy.",
        "90",
    ),
    key(
        "max_healthy_percentage",
        Kind::Count(100, 200),
        Is("100"),
        "Of the desired capacity, rounded up: so many exist; above 100: launch first.",
        "110",
    ),
    key(
        "instance_warmup",
        Kind::Duration,
        Says("as `health_check_grace_period`"),
        "A new instance counts when it is healthy and this long launched.",
        "\"120s\"",
    ),
    key(
        "health_check_grace_period",
        Kind::Duration,
        Is("\"300s\""),
        "An instance that is not healthy so long after its launch is replaced.",
        "\"300s\"",
    ),
    key(
        "checkpoint_percentages",
        Kind::List(&Kind::Count(1, 100)),
        Is("[]"),
        "Shares of new instances at which the refresh waits; it ends with the last.",
        "[20, 50, 100]",
    ),
    key("checkpoint_delay", Kind::Duration, Is("\"1h\""), "The wait at each.", "\"10m\""),
    key("bake_time", Kind::Duration, Is("\"0s\""), "Wait before success is said.", "\"10m\""),
    key(
        "auto_rollback",
        Kind::Flag,
        Is("false"),
        "A refresh that fails is followed by one back to the old template.",
        "true",
    ),
    alarm::ERRORS,
    alarm::DELAY,
    key(
        "protected_instances",
        Kind::Count(0, 1_000_000),
        Is("0"),
        "The first so many old instances are protected from scale-in.",
        "1",
    ),
    key(
        "scale_in_protected_instances",
        Kind::Word(&["Refresh", "Ignore", "Wait"]),
        Is("\"Wait\""),
        "What becomes of them.",
        "\"Ignore\"",
    ),
];
