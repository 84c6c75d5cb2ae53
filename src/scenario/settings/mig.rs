//! `[strategy.mig]`: the updater of a Google Cloud managed instance group.

use super::{Default::Is, Default::Says, Env, Key, Kind, Page, Settings, Table, key};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::units::{CountOrPercent, Rounding, Span};

const PATH: &str = "strategy.mig";
/// Smaller groups take counts only.
const PERCENT_FROM: u32 = 10;

/// A managed instance group's update policy.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Mig {
    /// `PROACTIVE` or `OPPORTUNISTIC`.
    pub kind: MigType,
    /// Machines above the target size; a percentage is rounded up. Default: `zones`.
    pub max_surge: CountOrPercent,
    /// Machines missing from it; a percentage is rounded up. Default: `zones`.
    pub max_unavailable: CountOrPercent,
    /// Zones of the group. Default 3.
    pub zones: u32,
    /// A machine is available after it has been healthy so long. Default 0.
    pub min_ready: Span,
    /// `SUBSTITUTE` or `RECREATE`.
    pub replacement_method: Replacement,
    /// The least that is done to a machine.
    pub minimal_action: MigAction,
    /// The most that may be done to one.
    pub most_disruptive_allowed_action: MigAction,
    /// So many machines get the new version; a percentage is rounded up. Default all.
    pub target_size: CountOrPercent,
    /// Whether an unhealthy machine is made again. Default false.
    pub autohealing: bool,
    /// autohealing: not before it is so old. Default 300 s.
    pub initial_delay: Span,
}

/// `updatePolicy.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum MigType {
    /// The updater replaces machines.
    Proactive,
    /// Only machines that are made for other reasons get the new version.
    Opportunistic,
}

/// `updatePolicy.replacementMethod`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Replacement {
    /// A machine with another name takes over.
    Substitute,
    /// The machine is deleted, then made again under its name.
    Recreate,
}

/// What is done to a machine, from the mildest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum MigAction {
    /// Nothing stops.
    Refresh,
    /// Stop and start.
    Restart,
    /// Delete and make anew.
    Replace,
}

impl MigAction {
    const NAMES: [(Self, &'static str); 3] =
        [(Self::Refresh, "REFRESH"), (Self::Restart, "RESTART"), (Self::Replace, "REPLACE")];

    fn name(self) -> &'static str {
        Self::NAMES[self as usize].1
    }

    fn of(name: &str) -> Self {
        let known = Self::NAMES.iter().find(|(_, known)| *known == name);
        known.map_or(Self::Replace, |(action, _)| *action)
    }
}

impl Mig {
    /// What is done to a machine. Its process changes, so it must at least be restarted.
    pub fn action(&self) -> MigAction {
        self.minimal_action.max(MigAction::Restart)
    }

    /// Whether a machine is stopped before its successor starts in its place.
    pub fn in_place(&self) -> bool {
        self.action() == MigAction::Restart || self.replacement_method == Replacement::Recreate
    }

    /// Machines above the target size of `instances`.
    pub fn surge(&self, instances: u32) -> u32 {
        if self.in_place() { 0 } else { self.max_surge.of(instances, Rounding::Up) }
    }

    /// Machines that may be missing from it.
    pub fn unavailable(&self, instances: u32) -> u32 {
        self.max_unavailable.of(instances, Rounding::Up).min(instances)
    }

    fn check(&self, env: &mut Env<'_>) {
        let instances = env.section("service").count("instances");
        let section = env.section(PATH);
        let mut problems = Vec::new();
        let mut complain = |key: &str, message: String, hint: &str| {
            problems.push(Diagnostic::new(Code::Conflict, section.place(key), message, hint));
        };
        for (key, amount) in
            [("max_surge", self.max_surge), ("max_unavailable", self.max_unavailable)]
        {
            if matches!(amount, CountOrPercent::Percent(_)) && instances < PERCENT_FROM {
                let message = format!("`{key}` of fewer than {PERCENT_FROM} machines is a count");
                complain(key, message, "Google refuses a percentage here");
            }
        }
        if self.surge(instances) == 0 && self.unavailable(instances) == 0 {
            let message = if self.in_place() {
                "a machine that keeps its place is missing meanwhile: none may be".to_owned()
            } else {
                "this update may neither add a machine nor take one away".to_owned()
            };
            complain("max_unavailable", message, "write max_unavailable = 1; Google refuses 0 too");
        }
        if self.action() > self.most_disruptive_allowed_action {
            let message = format!("this update needs {} of every machine", self.action().name());
            let hint = "a higher most_disruptive_allowed_action: this updates nothing";
            complain("most_disruptive_allowed_action", message, hint);
        }
        for problem in problems {
            env.problem(problem);
        }
    }
}

impl Settings for Mig {
    const TABLE: Table =
        Table { path: PATH, about: "A Google Cloud managed instance group.", keys: KEYS };
    const WORLD: &'static [(&'static str, &'static str)] = &[
        ("probes.period", "\"5s\""),
        ("probes.timeout", "\"5s\""),
        ("probes.success", "2"),
        ("probes.failure", "2"),
        // The guest has about this long between the signal and the end of the machine.
        ("shutdown.grace", "\"90s\""),
        ("shutdown.grace_from", "\"term\""),
        ("control.launch", super::machines::LAUNCH),
    ];

    fn read(env: &mut Env<'_>) -> Self {
        let section = env.section(PATH);
        let zones = section.count("zones");
        let amount = |key: &str| match section.written(key) {
            Some(_) => section.amount(key),
            None => CountOrPercent::Count(zones),
        };
        let settings = Self {
            kind: match section.word("type") {
                "OPPORTUNISTIC" => MigType::Opportunistic,
                _ => MigType::Proactive,
            },
            max_surge: amount("max_surge"),
            max_unavailable: amount("max_unavailable"),
            zones,
            min_ready: section.span("min_ready"),
            replacement_method: match section.word("replacement_method") {
                "RECREATE" => Replacement::Recreate,
                _ => Replacement::Substitute,
            },
            minimal_action: MigAction::of(section.word("minimal_action")),
            most_disruptive_allowed_action: MigAction::of(
                section.word("most_disruptive_allowed_action"),
            ),
            target_size: section.amount("target_size"),
            autohealing: section.flag("autohealing"),
            initial_delay: section.span("initial_delay"),
        };
        settings.check(env);
        settings
    }

    fn write(&self, page: &mut Page) {
        let opportunistic = self.kind == MigType::Opportunistic;
        page.text("type", if opportunistic { "OPPORTUNISTIC" } else { "PROACTIVE" });
        page.amount("max_surge", self.max_surge);
        page.amount("max_unavailable", self.max_unavailable);
        page.raw("zones", self.zones);
        page.text("min_ready", self.min_ready);
        let recreate = self.replacement_method == Replacement::Recreate;
        page.text("replacement_method", if recreate { "RECREATE" } else { "SUBSTITUTE" });
        page.text("minimal_action", self.minimal_action.name());
        let most = self.most_disruptive_allowed_action.name();
        page.text("most_disruptive_allowed_action", most);
        page.amount("target_size", self.target_size);
        page.raw("autohealing", self.autohealing);
        page.text("initial_delay", self.initial_delay);
    }

    fn describe(&self) -> String {
        let Self { max_surge, max_unavailable, .. } = self;
        let place = if self.in_place() { ", in place" } else { "" };
        format!("mig, max_surge {max_surge}, max_unavailable {max_unavailable}{place}")
    }
}

const ACTIONS: Kind = Kind::Word(&["REFRESH", "RESTART", "REPLACE"]);

const KEYS: &[Key] = &[
    key(
        "type",
        Kind::Word(&["PROACTIVE", "OPPORTUNISTIC"]),
        Is("\"PROACTIVE\""),
        "Whether the updater replaces machines, or waits until they are made for other reasons.",
        "\"PROACTIVE\"",
    ),
    key(
        "max_surge",
        Kind::Amount,
        Says("as `zones`"),
        "Machines above the target size, rounded up; unused in place.",
        "3",
    ),
    key(
        "max_unavailable",
        Kind::Amount,
        Says("as `zones`"),
        "Machines missing from the target size, rounded up.",
        "0",
    ),
    key("zones", Kind::Count(1, 1000), Is("3"), "Zones of the group; 1 if it is zonal.", "1"),
    key("min_ready", Kind::Duration, Is("\"0s\""), "Healthy so long is available.", "\"30s\""),
    key(
        "replacement_method",
        Kind::Word(&["SUBSTITUTE", "RECREATE"]),
        Is("\"SUBSTITUTE\""),
        "Another machine takes over, or the same name is made again.",
        "\"RECREATE\"",
    ),
    key(
        "minimal_action",
        ACTIONS,
        Is("\"REPLACE\""),
        "The least that is done to a machine; a new version needs RESTART anyway.",
        "\"RESTART\"",
    ),
    key(
        "most_disruptive_allowed_action",
        ACTIONS,
        Is("\"REPLACE\""),
        "The most that may be done to one.",
        "\"REPLACE\"",
    ),
    key(
        "target_size",
        Kind::Amount,
        Is("\"100%\""),
        "Machines that get the new version (a canary), rounded up.",
        "\"10%\"",
    ),
    key(
        "autohealing",
        Kind::Flag,
        Is("false"),
        "A machine whose health check fails is made again.",
        "true",
    ),
    key(
        "initial_delay",
        Kind::Duration,
        Is("\"300s\""),
        "autohealing: not so soon after it was made.",
        "\"300s\"",
    ),
];
