//! `[strategy.codedeploy]`: an in-place deployment of AWS CodeDeploy.

use super::alarm::{self, Alarm};
use super::operation::{self, Operation};
use super::{Default::Is, Default::Says, Env, Key, Kind, Page, Settings, Table, key};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::raw::Value;
use crate::units::{CountOrPercent, Span};

const PATH: &str = "strategy.codedeploy";

/// An in-place deployment of AWS CodeDeploy to a deployment group behind a load balancer.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct CodeDeploy {
    /// Hosts whose last deployment succeeded that must be left.
    pub minimum_healthy_hosts: MinimumHealthyHosts,
    /// One Availability Zone after the other; `None`: hosts of all zones in random order.
    pub zonal: Option<Zonal>,
    /// A host not healthy behind the load balancer so long after its start has failed.
    pub allow_traffic_timeout: Span,
    /// A failed deployment is followed by one of the last good revision.
    pub auto_rollback_on_failure: bool,
    /// The alarm that stops the deployment.
    pub alarm: Option<Alarm>,
    /// A deployment that the alarm stopped is followed by one of the last good revision.
    pub auto_rollback_on_alarm: bool,
    /// Changes that somebody makes while the rollout runs, in order of time.
    pub operations: Vec<(Span, Operation)>,
}

/// The deployment configuration.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub enum MinimumHealthyHosts {
    /// `CodeDeployDefault.OneAtATime`.
    OneAtATime,
    /// `CodeDeployDefault.HalfAtATime`.
    HalfAtATime,
    /// `CodeDeployDefault.AllAtOnce`.
    AllAtOnce,
    /// `HOST_COUNT`, or `FLEET_PERCENT` rounded up.
    Hosts(CountOrPercent),
}

/// `zonalConfig`.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Zonal {
    /// Zones; host k is in zone k modulo this.
    pub zones: u32,
    /// Between two zones.
    pub monitor_duration: Span,
    /// After the first zone.
    pub first_zone_monitor_duration: Span,
    /// Of the hosts of each zone, a percentage rounded up.
    pub minimum_healthy_hosts_per_zone: CountOrPercent,
}

impl Settings for CodeDeploy {
    const TABLE: Table =
        Table { path: PATH, about: "An in-place deployment of AWS CodeDeploy.", keys: KEYS };
    /// An Application Load Balancer: a check each 30 s, deregistration for up to 300 s before the
    /// application is stopped.
    const WORLD: &'static [(&'static str, &'static str)] = &[
        ("probes.period", "\"30s\""),
        ("probes.timeout", "\"5s\""),
        ("probes.success", "1"),
        ("probes.failure", "2"),
        ("shutdown.drain_wait", "\"300s\""),
        ("shutdown.grace_from", "\"term\""),
    ];

    fn read(env: &mut Env<'_>) -> Self {
        let operations = operation::read(env, PATH);
        let alarm = alarm::read(env, PATH);
        let zonal = read_zonal(env);
        let allow_traffic_timeout = env.positive(PATH, "allow_traffic_timeout");
        let section = env.section(PATH);
        let on_alarm = section.written("auto_rollback_on_alarm").map(|entry| entry.key_at);
        let settings = Self {
            minimum_healthy_hosts: match section.value("minimum_healthy_hosts") {
                Value::Word("HalfAtATime") => MinimumHealthyHosts::HalfAtATime,
                Value::Word("AllAtOnce") => MinimumHealthyHosts::AllAtOnce,
                Value::Amount(hosts) => MinimumHealthyHosts::Hosts(hosts),
                _ => MinimumHealthyHosts::OneAtATime,
            },
            zonal,
            allow_traffic_timeout,
            auto_rollback_on_failure: section.flag("auto_rollback_on_failure"),
            alarm,
            auto_rollback_on_alarm: section.flag("auto_rollback_on_alarm"),
            operations,
        };
        if settings.alarm.is_none() {
            alarm::stray(env, on_alarm, "auto_rollback_on_alarm");
        }
        settings
    }

    fn write(&self, page: &mut Page) {
        let key = "minimum_healthy_hosts";
        match self.minimum_healthy_hosts {
            MinimumHealthyHosts::OneAtATime => page.text(key, "OneAtATime"),
            MinimumHealthyHosts::HalfAtATime => page.text(key, "HalfAtATime"),
            MinimumHealthyHosts::AllAtOnce => page.text(key, "AllAtOnce"),
            MinimumHealthyHosts::Hosts(hosts) => page.amount(key, hosts),
        }
        page.raw("zones", self.zonal.map_or(1, |zonal| zonal.zones));
        if let Some(zonal) = self.zonal {
            page.text("monitor_duration", zonal.monitor_duration);
            page.text("first_zone_monitor_duration", zonal.first_zone_monitor_duration);
            page.amount("minimum_healthy_hosts_per_zone", zonal.minimum_healthy_hosts_per_zone);
        }
        page.text("allow_traffic_timeout", self.allow_traffic_timeout);
        page.raw("auto_rollback_on_failure", self.auto_rollback_on_failure);
        alarm::write(self.alarm, page);
        if self.alarm.is_some() {
            page.raw("auto_rollback_on_alarm", self.auto_rollback_on_alarm);
        }
        operation::write(&self.operations, page);
    }

    fn describe(&self) -> String {
        let config = match self.minimum_healthy_hosts {
            MinimumHealthyHosts::OneAtATime => "OneAtATime".to_owned(),
            MinimumHealthyHosts::HalfAtATime => "HalfAtATime".to_owned(),
            MinimumHealthyHosts::AllAtOnce => "AllAtOnce".to_owned(),
            MinimumHealthyHosts::Hosts(hosts) => format!("minimum healthy hosts {hosts}"),
        };
        let zones = self.zonal.map_or(String::new(), |zonal| format!(", {} zones", zonal.zones));
        format!("codedeploy, {config}{zones}")
    }
}

fn read_zonal(env: &mut Env<'_>) -> Option<Zonal> {
    let section = env.section(PATH);
    let zones = section.count("zones");
    let keys =
        ["monitor_duration", "first_zone_monitor_duration", "minimum_healthy_hosts_per_zone"];
    if zones > 1 {
        let monitor_duration = section.span(keys[0]);
        let first = section.written(keys[1]).is_some();
        return Some(Zonal {
            zones,
            monitor_duration,
            first_zone_monitor_duration: if first {
                section.span(keys[1])
            } else {
                monitor_duration
            },
            minimum_healthy_hosts_per_zone: section.amount(keys[2]),
        });
    }
    let stray: Vec<_> = keys
        .iter()
        .filter_map(|key| section.written(key).map(|entry| (*key, entry.key_at)))
        .collect();
    for (key, at) in stray {
        let message = format!("`{key}` has no meaning with one zone");
        env.problem(Diagnostic::new(Code::Conflict, at, message, "write zones = 3"));
    }
    None
}

const KEYS: &[Key] = &[
    key(
        "minimum_healthy_hosts",
        Kind::OneOf(&[Kind::Word(&["OneAtATime", "HalfAtATime", "AllAtOnce"]), Kind::Amount]),
        Is("\"OneAtATime\""),
        "A built-in configuration, or hosts that must be left; a percentage is rounded up.",
        "\"75%\"",
    ),
    key(
        "zones",
        Kind::Count(1, 1000),
        Is("1"),
        "Availability Zones that are deployed to one after the other; 1: no zonal configuration.",
        "3",
    ),
    key("monitor_duration", Kind::Duration, Is("\"0s\""), "Between two zones.", "\"10m\""),
    key(
        "first_zone_monitor_duration",
        Kind::Duration,
        Says("as `monitor_duration`"),
        "After the first zone.",
        "\"30m\"",
    ),
    key(
        "minimum_healthy_hosts_per_zone",
        Kind::Amount,
        Is("0"),
        "Hosts that must be left in the zone in work; a percentage is rounded up.",
        "\"50%\"",
    ),
    key(
        "allow_traffic_timeout",
        Kind::Duration,
        Is("\"1h\""),
        "A host not healthy behind the load balancer so long after its start has failed.",
        "\"10m\"",
    ),
    key(
        "auto_rollback_on_failure",
        Kind::Flag,
        Is("false"),
        "After a failed deployment deploy the last good revision.",
        "true",
    ),
    alarm::ERRORS,
    alarm::DELAY,
    key(
        "auto_rollback_on_alarm",
        Kind::Flag,
        Is("false"),
        "After an alarm deploy the last good revision.",
        "true",
    ),
    key(
        "operations",
        operation::KIND,
        Is("[]"),
        "What somebody does in mid-rollout: abort (stop the deployment), undo (deploy the last \
         good revision).",
        "[{ at = \"5m\", do = \"abort\" }]",
    ),
];
