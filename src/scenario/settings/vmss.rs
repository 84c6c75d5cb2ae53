//! `[strategy.vmss]`: a rolling upgrade of an Azure Virtual Machine Scale Set.

use super::{Default::Is, Env, Key, Kind, Page, Settings, Table, key};
use crate::units::Span;

const PATH: &str = "strategy.vmss";

/// A rolling upgrade policy.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Vmss {
    /// Of all machines, rounded down, at least one machine; 5-100. Default 20.
    pub max_batch_instance_percent: u32,
    /// More unhealthy ones of all before a batch abort the upgrade. Default 20.
    pub max_unhealthy_instance_percent: u32,
    /// More unhealthy ones of the upgraded after a batch abort it. Default 20.
    pub max_unhealthy_upgraded_instance_percent: u32,
    /// Wait between batches. Default 0.
    pub pause_time_between_batches: Span,
    /// Whether unhealthy machines go first. Default false.
    pub prioritize_unhealthy_instances: bool,
    /// Whether a batch may reach over zones. Default false.
    pub enable_cross_zone_upgrade: bool,
    /// Whether a batch is created before the old machines go. Default false.
    pub max_surge: bool,
    /// Whether an abort takes back the upgraded machines that are unhealthy. Default false.
    pub rollback_failed_instances_on_policy_breach: bool,
    /// Zones of the set; a machine is in the one of its place modulo this. Default 1.
    pub zones: u32,
    /// A machine has so long to become healthy before its batch is judged. Default 5 min.
    pub health_wait: Span,
}

impl Settings for Vmss {
    const TABLE: Table =
        Table { path: PATH, about: "An Azure VM Scale Set rolling upgrade.", keys: KEYS };
    const WORLD: &'static [(&'static str, &'static str)] = &[
        ("probes.period", "\"15s\""),
        ("probes.timeout", "\"15s\""),
        ("probes.success", "1"),
        ("probes.failure", "2"),
        ("shutdown.grace_from", "\"term\""),
        ("control.launch", super::machines::LAUNCH),
    ];

    fn read(env: &mut Env<'_>) -> Self {
        let health_wait = env.positive(PATH, "health_wait");
        let section = env.section(PATH);
        Self {
            max_batch_instance_percent: section.count("max_batch_instance_percent"),
            max_unhealthy_instance_percent: section.count("max_unhealthy_instance_percent"),
            max_unhealthy_upgraded_instance_percent: section
                .count("max_unhealthy_upgraded_instance_percent"),
            pause_time_between_batches: section.span("pause_time_between_batches"),
            prioritize_unhealthy_instances: section.flag("prioritize_unhealthy_instances"),
            enable_cross_zone_upgrade: section.flag("enable_cross_zone_upgrade"),
            max_surge: section.flag("max_surge"),
            rollback_failed_instances_on_policy_breach: section
                .flag("rollback_failed_instances_on_policy_breach"),
            zones: section.count("zones"),
            health_wait,
        }
    }

    fn write(&self, page: &mut Page) {
        page.raw("max_batch_instance_percent", self.max_batch_instance_percent);
        page.raw("max_unhealthy_instance_percent", self.max_unhealthy_instance_percent);
        page.raw(
            "max_unhealthy_upgraded_instance_percent",
            self.max_unhealthy_upgraded_instance_percent,
        );
        page.text("pause_time_between_batches", self.pause_time_between_batches);
        page.raw("prioritize_unhealthy_instances", self.prioritize_unhealthy_instances);
        page.raw("enable_cross_zone_upgrade", self.enable_cross_zone_upgrade);
        page.raw("max_surge", self.max_surge);
        page.raw(
            "rollback_failed_instances_on_policy_breach",
            self.rollback_failed_instances_on_policy_breach,
        );
        page.raw("zones", self.zones);
        page.text("health_wait", self.health_wait);
    }

    fn describe(&self) -> String {
        let way = if self.max_surge { "surge" } else { "in place" };
        format!("vmss, batches of {}%, {way}", self.max_batch_instance_percent)
    }

    fn bake(&self) -> Span {
        self.pause_time_between_batches
    }
}

const KEYS: &[Key] = &[
    key(
        "max_batch_instance_percent",
        Kind::Count(5, 100),
        Is("20"),
        "Machines upgraded at a time, of all, rounded down, at least one.",
        "20",
    ),
    key(
        "max_unhealthy_instance_percent",
        Kind::Count(5, 100),
        Is("20"),
        "More unhealthy ones of all before a batch abort the upgrade.",
        "20",
    ),
    key(
        "max_unhealthy_upgraded_instance_percent",
        Kind::Count(0, 100),
        Is("20"),
        "More unhealthy ones of the upgraded after a batch abort it.",
        "20",
    ),
    key(
        "pause_time_between_batches",
        Kind::Duration,
        Is("\"0s\""),
        "Wait after a batch.",
        "\"2s\"",
    ),
    key(
        "prioritize_unhealthy_instances",
        Kind::Flag,
        Is("false"),
        "Unhealthy machines go first.",
        "true",
    ),
    key(
        "enable_cross_zone_upgrade",
        Kind::Flag,
        Is("false"),
        "A batch may reach over zones.",
        "true",
    ),
    key(
        "max_surge",
        Kind::Flag,
        Is("false"),
        "A batch is created first, then the old machines are deleted.",
        "true",
    ),
    key(
        "rollback_failed_instances_on_policy_breach",
        Kind::Flag,
        Is("false"),
        "An abort takes back the upgraded machines that are unhealthy.",
        "true",
    ),
    key("zones", Kind::Count(1, 1000), Is("1"), "Availability zones of the set.", "3"),
    key(
        "health_wait",
        Kind::Duration,
        Is("\"5m\""),
        "A machine has so long to become healthy before its batch is judged.",
        "\"5m\"",
    ),
];
