//! `[strategy.service_fabric]`: a monitored upgrade of a Service Fabric application.

use super::{Default::Is, Env, Key, Kind, Page, Settings, Table, key};
use crate::scenario::raw::{Section, Value};
use crate::units::{Share, Span};

const PATH: &str = "strategy.service_fabric";

/// A monitored application upgrade.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ServiceFabric {
    /// Upgrade domains; an instance is in the one of its place modulo this. Default 5.
    pub upgrade_domains: u32,
    /// After a domain is upgraded, before its health is looked at. Default 0.
    pub health_check_wait: Span,
    /// Healthy for so long, the next domain follows. Default 120 s.
    pub health_check_stable: Span,
    /// Unhealthy for so long, the upgrade has failed. Default 600 s.
    pub health_check_retry_timeout: Span,
    /// Between two looks at the health. Default 60 s.
    pub health_check_interval: Span,
    /// A domain that takes longer has failed. Default: no limit ([`Span::MAX`]).
    pub upgrade_domain_timeout: Span,
    /// An upgrade that takes longer has failed. Default: no limit.
    pub upgrade_timeout: Span,
    /// How long a domain may wait to be safe to take, forward. Default: no limit.
    pub upgrade_replica_set_check_timeout: Span,
    /// So many instances outside a domain must be up before it is taken. Default 1.
    pub min_instance_count: u32,
    /// The same as a percentage of all, rounded up; the larger holds. Default 0.
    pub min_instance_percentage: u32,
    /// Instances of upgraded domains that may be unhealthy, rounded up. Default 0.
    pub max_percent_unhealthy_deployed_applications: u32,
    /// Instances of all that may be unhealthy, rounded up. Default 0.
    pub max_percent_unhealthy_replicas_per_partition: u32,
    /// The share of errors above which a watchdog reports the new version. Default none.
    pub watchdog: Option<Share>,
    /// What follows a failure. Default `Manual`.
    pub failure_action: FailureAction,
}

/// `FailureAction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum FailureAction {
    /// Stop and wait for an operator.
    Manual,
    /// Back to the old version, domain by domain.
    Rollback,
}

impl Settings for ServiceFabric {
    const TABLE: Table =
        Table { path: PATH, about: "A Service Fabric monitored upgrade.", keys: KEYS };
    const WORLD: &'static [(&'static str, &'static str)] = &[
        // An instance is found as soon as it has opened; nobody probes.
        ("probes.period", "\"0s\""),
        ("restart.attempts", "\"unbounded\""),
        ("restart.delay", "\"10s\""),
        ("shutdown.grace_from", "\"term\""),
    ];

    fn read(env: &mut Env<'_>) -> Self {
        let health_check_interval = env.positive(PATH, "health_check_interval");
        let section = env.section(PATH);
        Self {
            upgrade_domains: section.count("upgrade_domains"),
            health_check_wait: section.span("health_check_wait"),
            health_check_stable: section.span("health_check_stable"),
            health_check_retry_timeout: section.span("health_check_retry_timeout"),
            health_check_interval,
            upgrade_domain_timeout: limit(&section, "upgrade_domain_timeout"),
            upgrade_timeout: limit(&section, "upgrade_timeout"),
            upgrade_replica_set_check_timeout: limit(&section, "upgrade_replica_set_check_timeout"),
            min_instance_count: section.count("min_instance_count"),
            min_instance_percentage: section.count("min_instance_percentage"),
            max_percent_unhealthy_deployed_applications: section
                .count("max_percent_unhealthy_deployed_applications"),
            max_percent_unhealthy_replicas_per_partition: section
                .count("max_percent_unhealthy_replicas_per_partition"),
            watchdog: match section.value("watchdog") {
                Value::Share(share) => Some(share),
                _ => None,
            },
            failure_action: match section.word("failure_action") {
                "Rollback" => FailureAction::Rollback,
                _ => FailureAction::Manual,
            },
        }
    }

    fn write(&self, page: &mut Page) {
        page.raw("upgrade_domains", self.upgrade_domains);
        page.text("health_check_wait", self.health_check_wait);
        page.text("health_check_stable", self.health_check_stable);
        page.text("health_check_retry_timeout", self.health_check_retry_timeout);
        page.text("health_check_interval", self.health_check_interval);
        let limits = [
            ("upgrade_domain_timeout", self.upgrade_domain_timeout),
            ("upgrade_timeout", self.upgrade_timeout),
            ("upgrade_replica_set_check_timeout", self.upgrade_replica_set_check_timeout),
        ];
        for (key, limit) in limits {
            match limit {
                Span::MAX => page.text(key, INFINITE),
                limit => page.text(key, limit),
            }
        }
        page.raw("min_instance_count", self.min_instance_count);
        page.raw("min_instance_percentage", self.min_instance_percentage);
        page.raw(
            "max_percent_unhealthy_deployed_applications",
            self.max_percent_unhealthy_deployed_applications,
        );
        page.raw(
            "max_percent_unhealthy_replicas_per_partition",
            self.max_percent_unhealthy_replicas_per_partition,
        );
        match self.watchdog {
            Some(share) => page.text("watchdog", share),
            None => page.text("watchdog", "none"),
        }
        let rollback = self.failure_action == FailureAction::Rollback;
        page.text("failure_action", if rollback { "Rollback" } else { "Manual" });
    }

    fn describe(&self) -> String {
        let Self { upgrade_domains, health_check_stable, .. } = self;
        format!("service_fabric, {upgrade_domains} upgrade domains, stable {health_check_stable}")
    }

    fn bake(&self) -> Span {
        self.health_check_wait + self.health_check_stable
    }
}

const INFINITE: &str = "infinite";
const LIMIT: Kind = Kind::OneOf(&[Kind::Word(&[INFINITE]), Kind::Duration]);

fn limit(section: &Section<'_>, key: &str) -> Span {
    match section.value(key) {
        Value::Span(span) => span,
        _ => Span::MAX,
    }
}

const KEYS: &[Key] = &[
    key("upgrade_domains", Kind::Count(1, 1000), Is("5"), "Domains taken one by one.", "5"),
    key(
        "health_check_wait",
        Kind::Duration,
        Is("\"0s\""),
        "Domain upgraded until its health is first looked at.",
        "\"30s\"",
    ),
    key(
        "health_check_stable",
        Kind::Duration,
        Is("\"120s\""),
        "Healthy for so long, the next domain follows.",
        "\"120s\"",
    ),
    key(
        "health_check_retry_timeout",
        Kind::Duration,
        Is("\"600s\""),
        "Unhealthy for so long, the upgrade has failed.",
        "\"600s\"",
    ),
    key(
        "health_check_interval",
        Kind::Duration,
        Is("\"60s\""),
        "Between two looks at the health.",
        "\"60s\"",
    ),
    key(
        "upgrade_domain_timeout",
        LIMIT,
        Is("\"infinite\""),
        "A domain that takes longer has failed.",
        "\"20m\"",
    ),
    key(
        "upgrade_timeout",
        LIMIT,
        Is("\"infinite\""),
        "An upgrade that takes longer has failed.",
        "\"2h\"",
    ),
    key(
        "upgrade_replica_set_check_timeout",
        LIMIT,
        Is("\"infinite\""),
        "A domain is taken after so long even if that is not safe (1200s on the way back).",
        "\"20m\"",
    ),
    key(
        "min_instance_count",
        Kind::Count(0, 1_000_000),
        Is("1"),
        "So many instances outside a domain must be up before it is taken.",
        "2",
    ),
    key(
        "min_instance_percentage",
        Kind::Count(0, 100),
        Is("0"),
        "The same as a percentage of all, rounded up; the larger holds.",
        "75",
    ),
    key(
        "max_percent_unhealthy_deployed_applications",
        Kind::Count(0, 100),
        Is("0"),
        "Instances of upgraded domains that may be unhealthy, rounded up.",
        "10",
    ),
    key(
        "max_percent_unhealthy_replicas_per_partition",
        Kind::Count(0, 100),
        Is("0"),
        "Instances of all domains that may be unhealthy, rounded up.",
        "10",
    ),
    key(
        "watchdog",
        Kind::OneOf(&[Kind::Word(&["none"]), Kind::Share]),
        Is("\"none\""),
        "The new version's share of errors above which a watchdog reports it unhealthy.",
        "\"2%\"",
    ),
    key(
        "failure_action",
        Kind::Word(&["Manual", "Rollback"]),
        Is("\"Manual\""),
        "What follows a failure.",
        "\"Rollback\"",
    ),
];
