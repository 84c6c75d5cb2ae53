//! An in-place deployment of AWS `CodeDeploy`: what `aws deploy get-deployment-config` or
//! `get-deployment-group` prints, or the input of their `create-` commands.
//!
//! Source: the `CodeDeploy` API (`DeploymentConfigInfo`, `DeploymentGroupInfo`, `ZonalConfig`) and
//! its user guide (built-in configurations).

use serde_json::Value;

use super::fields::{Bare, Fields};
use super::parts::{self, Gates};
use super::toml_text::{TomlText, quoted};
use super::{ImportError, Imported, Options};
use crate::units::{CountOrPercent, Rounding, Span};

/// Imports a configuration, or a group that names a built-in one.
pub(super) fn import(
    root: &Value,
    file: &str,
    options: Options<'_>,
) -> Result<Imported, ImportError> {
    let root = Fields::root(root)?;
    let info = root.child("deploymentConfigInfo")?;
    let group = root.child("deploymentGroupInfo")?;
    let is_config = info.is_there() || !group.is_there();
    let fields = match (info.is_there(), group.is_there()) {
        (true, _) => &info,
        (false, true) => &group,
        (false, false) => &root,
    };
    refuse_others(fields)?;
    let config_name = fields.text("deploymentConfigName");
    let hosts = Hosts::read(fields, config_name.as_deref())?;
    let zonal = Zonal::read(fields)?;
    let after = After::read(fields)?;
    let group_name = fields.text("deploymentGroupName").or(fields.text("applicationName"));
    let name = group_name.or(config_name.clone()).unwrap_or_else(|| "service".to_owned());
    let n = options.instances.unwrap_or(10);
    let what = if is_config { "CodeDeploy configuration" } else { "CodeDeploy group" };
    let mut out = TomlText::default();
    parts::head(&mut out, &format!("{what} {name}"), file, &[]);
    gates(&mut out, &hosts, &zonal, n);
    out.table("service");
    out.value("name", &quoted(name.rsplit('.').next().unwrap_or(&name)), "");
    if options.instances.is_some() {
        out.value("instances", &n.to_string(), "given with -n");
    } else {
        out.assumed("instances", &n.to_string(), "2..50", "the file does not say; give it with -n");
    }
    parts::inner_life(&mut out, "an instance", "see its machine type");
    let start = "ApplicationStart until it could pass a health check, hooks included";
    parts::versions(&mut out, Span::from_secs(300), start, Span::from_secs(30));
    parts::traffic(&mut out);
    world(&mut out, after.balanced);
    out.table("strategy.codedeploy");
    hosts.write(&mut out, n);
    zonal.write(&mut out);
    after.write(&mut out);
    out.table("pipeline");
    out.value("kind", "\"none\"", "what CodeDeploy does by itself is auto_rollback");
    let mut read = vec![format!("{what} {name}: minimum healthy hosts {}", hosts.text)];
    read.extend(zonal.text.clone());
    read.extend(after.text.clone());
    let mut ignored = Vec::new();
    fields.skip(&[
        "deploymentConfigId",
        "createTime",
        "computePlatform",
        "applicationName",
        "deploymentGroupId",
        "deploymentGroupName",
        "deploymentStyle",
        "serviceRoleArn",
        "targetRevision",
        "lastSuccessfulDeployment",
        "lastAttemptedDeployment",
    ]);
    let unused = fields.unread("");
    if !unused.is_empty() {
        ignored.push(format!("{} (not used)", unused.join(", ")));
    }
    Ok(Imported::new(out, file, read, ignored))
}

fn refuse_others(fields: &Fields<'_>) -> Result<(), ImportError> {
    let platform = fields.word("computePlatform", &["Server", "Lambda", "ECS", "Kubernetes"])?;
    let routed = fields.get("trafficRoutingConfig").and_then(|config| config.get("type"));
    let routed = routed.and_then(Value::as_str).is_some_and(|kind| kind != "AllAtOnce");
    if let Some(platform) = platform.filter(|platform| *platform != "Server") {
        let message =
            format!("computePlatform is {platform}: traffic is shifted, no host is deployed to");
        return Err(fields.error("computePlatform", message).hint(
            "only in-place deployments to servers are imported; [strategy.argo_canary] with \
             traffic_routing = true comes near",
        ));
    }
    if routed {
        return Err(fields
            .error("trafficRoutingConfig", "trafficRoutingConfig shifts traffic: Lambda or ECS")
            .hint("only in-place deployments to servers are imported"));
    }
    let style = fields.child("deploymentStyle")?;
    if style.word("deploymentType", &["IN_PLACE", "BLUE_GREEN"])? == Some("BLUE_GREEN") {
        return Err(style
            .error("deploymentType", "deploymentStyle.deploymentType is BLUE_GREEN")
            .hint("only in-place deployments are imported; [strategy.argo_bluegreen] comes near"));
    }
    Ok(())
}

/// `minimumHealthyHosts`, or the built-in configuration of that name.
struct Hosts {
    built_in: Option<&'static str>,
    amount: CountOrPercent,
    assumed: Option<String>,
    text: String,
}

impl Hosts {
    fn read(fields: &Fields<'_>, name: Option<&str>) -> Result<Self, ImportError> {
        let one = CountOrPercent::Count(1);
        for built_in in ["OneAtATime", "HalfAtATime", "AllAtOnce"] {
            if name.and_then(|name| name.strip_prefix("CodeDeployDefault.")) == Some(built_in) {
                fields.skip(&["minimumHealthyHosts"]);
                let text = format!("{built_in} (built-in)");
                return Ok(Self { built_in: Some(built_in), amount: one, assumed: None, text });
            }
        }
        if let Some(hosts) = minimum(fields, "minimumHealthyHosts")? {
            return Ok(Self {
                built_in: None,
                amount: hosts,
                assumed: None,
                text: hosts.to_string(),
            });
        }
        let (why, text) = match name {
            Some(name) => (
                format!("{name} is not in the file; import `get-deployment-config` of it"),
                format!("of {name}, which is not in the file"),
            ),
            None => ("no minimumHealthyHosts: the default".to_owned(), "none (default)".to_owned()),
        };
        Ok(Self { built_in: Some("OneAtATime"), amount: one, assumed: Some(why), text })
    }

    /// Hosts that must be healthy of so many.
    fn keeps(&self, n: u32) -> u32 {
        match self.built_in {
            Some("AllAtOnce") => 0,
            Some("HalfAtATime") => n.div_ceil(2),
            Some(_) => n - 1,
            None => self.amount.of(n, Rounding::Up).min(n),
        }
    }

    fn write(&self, out: &mut TomlText, n: u32) {
        let keeps = self.keeps(n);
        let value = self.built_in.map_or_else(|| parts::amount(self.amount), quoted);
        if let Some(why) = &self.assumed {
            out.assumed("minimum_healthy_hosts", &value, "OneAtATime..AllAtOnce", why);
            return;
        }
        let comment = match self.built_in {
            Some(_) => format!("deploymentConfigName; keeps {keeps} of {n}"),
            None => format!("minimumHealthyHosts; keeps {keeps} of {n}"),
        };
        out.value("minimum_healthy_hosts", &value, &comment);
    }
}

/// `{ "type": "FLEET_PERCENT", "value": 75 }`.
fn minimum(fields: &Fields<'_>, key: &str) -> Result<Option<CountOrPercent>, ImportError> {
    let hosts = fields.child(key)?;
    if !hosts.is_there() {
        return Ok(None);
    }
    let kind = hosts.word("type", &["HOST_COUNT", "FLEET_PERCENT"])?;
    let kind = kind.ok_or_else(|| {
        fields
            .error(key, format!("{key} has no type"))
            .hint("write {\"type\": \"FLEET_PERCENT\", \"value\": 75}, or HOST_COUNT")
    })?;
    let value = hosts.count("value")?.unwrap_or(0);
    if kind == "FLEET_PERCENT" && value > 100 {
        return Err(hosts.wrong("value", "a percentage from 0 to 100"));
    }
    Ok(Some(match kind {
        "FLEET_PERCENT" => CountOrPercent::Percent(f64::from(value)),
        _ => CountOrPercent::Count(value),
    }))
}

/// `zonalConfig`.
struct Zonal {
    on: bool,
    monitor: Option<Span>,
    first: Option<Span>,
    hosts: Option<CountOrPercent>,
    text: Option<String>,
}

impl Zonal {
    fn read(fields: &Fields<'_>) -> Result<Self, ImportError> {
        let zonal = fields.child("zonalConfig")?;
        let monitor = zonal.span("monitorDurationInSeconds", Bare::Seconds)?;
        let first = zonal.span("firstZoneMonitorDurationInSeconds", Bare::Seconds)?;
        let hosts = minimum(&zonal, "minimumHealthyHostsPerZone")?;
        let text = zonal.is_there().then(|| {
            format!(
                "zonalConfig: monitorDurationInSeconds {}, firstZoneMonitorDurationInSeconds {}, \
                 minimumHealthyHostsPerZone {}",
                monitor.map_or("0s (default)".to_owned(), |span| span.to_string()),
                first.map_or("as the others (default)".to_owned(), |span| span.to_string()),
                hosts.map_or("0 (default)".to_owned(), |hosts| hosts.to_string()),
            )
        });
        Ok(Self { on: zonal.is_there(), monitor, first, hosts, text })
    }

    fn write(&self, out: &mut TomlText) {
        if !self.on {
            return;
        }
        out.assumed("zones", "3", "2..6", "zonalConfig does not say how many");
        let show = |s: &Span| parts::span(*s);
        let key = ("monitor_duration", "monitorDurationInSeconds");
        parts::stated(out, key, self.monitor, Span::ZERO, show);
        if let Some(first) = self.first {
            let key = "first_zone_monitor_duration";
            out.value(key, &parts::span(first), "firstZoneMonitorDurationInSeconds");
        }
        let key = ("minimum_healthy_hosts_per_zone", "minimumHealthyHostsPerZone");
        let none = CountOrPercent::Count(0);
        parts::stated(out, key, self.hosts, none, |hosts| parts::amount(*hosts));
    }
}

/// What a group says of rollback, alarms and balancers.
struct After {
    on_failure: Option<bool>,
    on_alarm: bool,
    alarms: Vec<String>,
    /// In front of the group is a load balancer; `None`: the file does not say.
    balanced: Option<bool>,
    text: Vec<String>,
}

impl After {
    fn read(fields: &Fields<'_>) -> Result<Self, ImportError> {
        let rollback = fields.child("autoRollbackConfiguration")?;
        let events = rollback.get("events").and_then(Value::as_array);
        let on = |event: &str| events.is_some_and(|events| events.iter().any(|e| e == event));
        let enabled = rollback.flag("enabled")?.unwrap_or(false);
        let alarm = fields.child("alarmConfiguration")?;
        let alarms = match alarm.flag("enabled")? {
            Some(true) => alarm.children("alarms")?.iter().filter_map(|a| a.text("name")).collect(),
            _ => Vec::new(),
        };
        let style = fields.child("deploymentStyle")?;
        let options = ["WITH_TRAFFIC_CONTROL", "WITHOUT_TRAFFIC_CONTROL"];
        let option = style.word("deploymentOption", &options)?;
        let balancer = fields.child("loadBalancerInfo")?;
        let balanced = option.map(|option| option == options[0]);
        let balanced = balanced.or(balancer.is_there().then_some(true));
        let on_failure = rollback.is_there().then(|| enabled && on("DEPLOYMENT_FAILURE"));
        let on_alarm = enabled && on("DEPLOYMENT_STOP_ON_ALARM");
        let mut text = Vec::new();
        if let Some(failure) = on_failure {
            text.push(format!(
                "autoRollbackConfiguration: on failure {failure}, on alarm {on_alarm}"
            ));
        }
        if !alarms.is_empty() {
            text.push(format!("alarmConfiguration: {}", alarms.join(", ")));
        }
        if let Some(balanced) = balanced {
            let with = if balanced { "" } else { "no " };
            text.push(format!(
                "{with}load balancer: hosts are taken out while they are deployed to"
            ));
        }
        if balanced == Some(false) {
            text.pop();
            text.push("no load balancer: hosts get requests while they are deployed to".to_owned());
        }
        Ok(Self { on_failure, on_alarm, alarms, balanced, text })
    }

    fn write(&self, out: &mut TomlText) {
        if let Some(on) = self.on_failure {
            let key = "auto_rollback_on_failure";
            out.value(key, &on.to_string(), "autoRollbackConfiguration");
        } else {
            let why = "part of the group, not of this file";
            out.assumed("auto_rollback_on_failure", "false", "false..true", why);
        }
        if !self.alarms.is_empty() {
            let why = format!("the alarm {} is defined elsewhere", self.alarms.join(", "));
            out.assumed("alarm", "\"5%\"", "1%..20%", &why);
            out.assumed("alarm_delay", "\"1m\"", "1m..10m", "period times evaluation periods");
            let key = "auto_rollback_on_alarm";
            out.value(key, &self.on_alarm.to_string(), "autoRollbackConfiguration.events");
        }
    }
}

fn world(out: &mut TomlText, balanced: Option<bool>) {
    out.table("clients");
    let lag = super::toml_text::quantiles("1s", "5s");
    out.assumed("lag_add", &lag, "0s..15s", "until the load balancer knows of a host");
    out.assumed("lag_remove", &lag, "0s..15s", "until the load balancer leaves it out");
    out.table("probes");
    let why = "in the target group, not in this file";
    out.assumed("period", "\"30s\"", "5s..300s", why);
    out.assumed("success", "1", "1..10", why);
    out.assumed("failure", "2", "2..10", why);
    out.table("shutdown");
    if balanced == Some(false) {
        out.value("drain_wait", "\"0s\"", "no load balancer to wait for");
    } else {
        let why = "deregistration delay of the target group";
        out.assumed("drain_wait", "\"300s\"", "0s..3600s", why);
    }
    out.assumed("grace", "\"30s\"", "1s..5m", "ApplicationStop until the process is killed");
    parts::on_term(out);
}

fn gates(out: &mut TomlText, hosts: &Hosts, zonal: &Zonal, n: u32) {
    let keeps = hosts.keeps(n);
    let gates = Gates {
        floor: keeps,
        floor_why: format!("minimum healthy hosts {}, of {n}", hosts.text),
        wave: parts::START_P95 + Span::from_secs(60 + 300 + 30),
        waves: n.div_ceil((n - keeps).max(1)),
        pauses: zonal.first.or(zonal.monitor).unwrap_or(Span::ZERO)
            + zonal.monitor.unwrap_or(Span::ZERO),
        ..Gates::default()
    };
    parts::gates(out, &gates, "every host new and healthy in the end");
}
