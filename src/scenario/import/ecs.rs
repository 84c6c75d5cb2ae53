//! A service of Amazon ECS: what `aws ecs describe-services` prints, or what `create-service`
//! and `update-service` take.
//!
//! Source: the ECS API (`Service`, `DeploymentConfiguration`, `DeploymentCircuitBreaker`,
//! `DeploymentAlarms`) and its defaults.

use serde_json::Value;

use super::fields::{Bare, Fields};
use super::parts::{self, Gates};
use super::toml_text::{TomlText, quoted};
use super::{ImportError, Imported, Options};
use crate::units::{CountOrPercent, Rounding, Span};

/// Keys of `describe-services` that tell of the past, or of what lies around the service.
const STATE: [&str; 18] = [
    "serviceArn",
    "clusterArn",
    "cluster",
    "status",
    "runningCount",
    "pendingCount",
    "createdAt",
    "createdBy",
    "deployments",
    "events",
    "taskSets",
    "roleArn",
    "tags",
    "taskDefinition",
    "resourceManagementType",
    "currentServiceDeployment",
    "currentServiceRevisions",
    "clientToken",
];

/// Imports one service.
pub(super) fn import(
    root: &Value,
    file: &str,
    options: Options<'_>,
) -> Result<Imported, ImportError> {
    let (service, others) = choose(root, file, options.name)?;
    let name = service.text("serviceName").ok_or_else(|| {
        ImportError::new(format!("{file}: the service has no serviceName"))
            .hint("import what `aws ecs describe-services` prints")
    })?;
    refuse_others(&service)?;
    let (count, count_text) = desired(&service, options)?;
    let fields = service.child("deploymentConfiguration")?;
    let config = Config::read(&fields)?;
    let balanced = Balanced::read(&service)?;
    let mut out = TomlText::default();
    parts::head(&mut out, &format!("ECS service {name}"), file, &[]);
    config.gates(&mut out, count, balanced.is_there());
    out.table("service");
    out.value("name", &quoted(&name), "serviceName");
    out.value("instances", &count.to_string(), &count_text);
    parts::inner_life(&mut out, "a task", "see the task definition");
    let start = "image pull and container start until it could pass its checks";
    let longest = balanced.grace.unwrap_or(Span::ZERO);
    parts::versions(&mut out, longest, start, Span::from_secs(30));
    parts::traffic(&mut out);
    balanced.write(&mut out);
    out.table("strategy.ecs");
    let mut read = vec![format!("service {name}: desiredCount {count}{}", given(options))];
    read.push(config.write(&mut out, count));
    if balanced.is_there() {
        out.value("health", "\"checked\"", "targets must be healthy");
    } else {
        let why = "no load balancer; the task definition may have a health check";
        out.assumed("health", "\"running\"", "checked..running", why);
    }
    out.table("pipeline");
    out.value("kind", "\"none\"", "what ECS does by itself is the circuit breaker");
    read.extend(config.read_list());
    read.push(balanced.text.clone());
    let mut ignored = Vec::new();
    let around = ["placementStrategy", "placementConstraints", "availabilityZoneRebalancing"];
    let around: Vec<&str> = around.iter().copied().filter(|key| says(service.get(key))).collect();
    if !around.is_empty() {
        ignored.push(format!("{} (where tasks fit is not modelled)", around.join(", ")));
    }
    service.skip(&STATE);
    let mut unused = service.unread("");
    unused.extend(fields.unread("deploymentConfiguration."));
    if !unused.is_empty() {
        ignored.push(format!("{} (not used)", unused.join(", ")));
    }
    let mut imported = Imported::new(out, file, read, ignored);
    imported.others = others;
    Ok(imported)
}

/// `describe-services` prints empty lists for what is not set.
fn says(value: Option<&Value>) -> bool {
    value.is_some_and(|value| value.as_array().is_none_or(|items| !items.is_empty()))
}

fn given(options: Options<'_>) -> &'static str {
    if options.instances.is_some() { " (given)" } else { "" }
}

fn choose<'a>(
    root: &'a Value,
    file: &str,
    name: Option<&str>,
) -> Result<(Fields<'a>, Vec<String>), ImportError> {
    let fields = Fields::root(root)?;
    let mut services = match (root.get("services"), root.get("service")) {
        (Some(Value::Array(_)), _) => fields.children("services")?,
        (_, Some(Value::Object(_))) => fields.children("service")?,
        _ => vec![fields],
    };
    let names: Vec<String> =
        services.iter().map(|s| s.text("serviceName").unwrap_or_default()).collect();
    let name = name.map(|name| name.rsplit('/').next().unwrap_or(name));
    let found = match name {
        Some(name) => names.iter().position(|other| other == name),
        None if services.len() == 1 => Some(0),
        None => None,
    };
    let Some(index) = found else {
        return Err(match (name, names.first()) {
            (_, None) => ImportError::new(format!("{file} has no service"))
                .hint("`failures` in the file says why; is the cluster the right one?"),
            (Some(name), _) => ImportError::new(format!("{file} has no service {name}"))
                .hint(format!("it has {}", names.join(", "))),
            (None, Some(first)) => {
                let message = format!("{file} has {} services: {}", names.len(), names.join(", "));
                ImportError::new(message).hint(format!("say which: --service {first}"))
            }
        });
    };
    let others = names.iter().enumerate().filter(|(i, _)| *i != index);
    let others = others.map(|(_, name)| format!("service/{name}")).collect();
    Ok((services.swap_remove(index), others))
}

/// Deployments that are not rolling updates of ECS.
fn refuse_others(service: &Fields<'_>) -> Result<(), ImportError> {
    let controller = service.child("deploymentController")?;
    let kinds = ["ECS", "CODE_DEPLOY", "EXTERNAL"];
    if let Some(kind) = controller.word("type", &kinds)?.filter(|kind| *kind != "ECS") {
        let message =
            format!("deploymentController.type is {kind}: ECS does not roll this service");
        return Err(controller.error("type", message).hint(
            "blue-green by CodeDeploy is not imported; [strategy.argo_bluegreen] comes near",
        ));
    }
    let config = service.child("deploymentConfiguration")?;
    let kinds = ["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"];
    if let Some(kind) = config.word("strategy", &kinds)?.filter(|kind| *kind != "ROLLING") {
        let message = format!("deploymentConfiguration.strategy is {kind}, not ROLLING");
        return Err(config.error("strategy", message).hint(
            "only rolling updates are imported; [strategy.argo_bluegreen] and \
             [strategy.argo_canary] come near",
        ));
    }
    Ok(())
}

fn desired(service: &Fields<'_>, options: Options<'_>) -> Result<(u32, String), ImportError> {
    let daemon = service.word("schedulingStrategy", &["REPLICA", "DAEMON"])? == Some("DAEMON");
    let running = service.count("runningCount")?;
    let desired = service.count("desiredCount")?;
    if let Some(count) = options.instances {
        return Ok((count, "given with -n".to_owned()));
    }
    let said = if daemon { running.or(desired) } else { desired };
    match said {
        Some(0) => Err(service
            .error("desiredCount", "desiredCount is 0: there is nothing to roll")
            .hint("write what runs in production, or give it with -n")),
        Some(count) if daemon => Ok((count, "DAEMON: a task on every instance".to_owned())),
        Some(count) => Ok((count, "desiredCount; write what is live".to_owned())),
        None => Err(service
            .error("serviceName", "the service has no desiredCount")
            .hint("say how many tasks there are: -n 6")),
    }
}

struct Config {
    minimum: Option<u32>,
    maximum: Option<u32>,
    breaker: Option<bool>,
    rollback: Option<bool>,
    threshold: Option<&'static str>,
    value: Option<u32>,
    reset: Option<bool>,
    alarms: Vec<String>,
    alarm_rollback: bool,
    bake: Option<Span>,
}

impl Config {
    fn read(fields: &Fields<'_>) -> Result<Self, ImportError> {
        fields.skip(&["strategy"]);
        let minimum = fields.count("minimumHealthyPercent")?;
        let maximum = fields.count("maximumPercent")?;
        if minimum.is_some_and(|percent| percent > 100) {
            return Err(fields.wrong("minimumHealthyPercent", "a percentage from 0 to 100"));
        }
        if maximum.is_some_and(|percent| !(100..=1000).contains(&percent)) {
            return Err(fields.wrong("maximumPercent", "a percentage from 100 on"));
        }
        let breaker = fields.child("deploymentCircuitBreaker")?;
        let threshold = breaker.child("thresholdConfiguration")?;
        let kinds = ["BOUNDED_PERCENT", "UNBOUNDED_PERCENT", "COUNT"];
        let alarms = fields.child("alarms")?;
        let names = alarms.get("alarmNames").and_then(Value::as_array);
        let names = names.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        let names: Vec<String> = names.collect();
        let on = alarms.flag("enable")?.unwrap_or(false) && !names.is_empty();
        let minutes = fields.count("bakeTimeInMinutes")?;
        Ok(Self {
            minimum,
            maximum,
            breaker: breaker.flag("enable")?,
            rollback: breaker.flag("rollback")?,
            threshold: threshold.word("type", &kinds)?,
            value: threshold.count("value")?.filter(|value| *value > 0),
            reset: breaker.flag("resetOnHealthyTask")?,
            alarms: if on { names } else { Vec::new() },
            alarm_rollback: alarms.flag("rollback")?.unwrap_or(false),
            bake: minutes.map(|minutes| Span::from_secs_f64(f64::from(minutes) * 60.0)),
        })
    }

    /// Tasks that must be healthy, and that may be there; of the desired count, rounded up and
    /// down.
    fn limits(&self, count: u32) -> (u32, u32) {
        let of = |percent: u32, rounding| {
            CountOrPercent::Percent(f64::from(percent)).of(count, rounding)
        };
        (
            of(self.minimum.unwrap_or(100), Rounding::Up),
            of(self.maximum.unwrap_or(200), Rounding::Down),
        )
    }

    fn gates(&self, out: &mut TomlText, count: u32, balanced: bool) {
        let (low, high) = self.limits(count);
        let checks = Span::from_secs(if balanced { 60 } else { 40 });
        let drain = Span::from_secs(if balanced { 330 } else { 30 });
        let bake = if self.alarms.is_empty() { Span::ZERO } else { self.bake_time() };
        let percent = self.minimum.unwrap_or(100);
        let gates = Gates {
            floor: low.min(count),
            floor_why: format!("minimumHealthyPercent {percent} of {count}, rounded up"),
            wave: parts::START_P95 + checks + drain,
            waves: count.div_ceil((high - count + count - low.min(count)).max(1)),
            pauses: bake,
            ..Gates::default()
        };
        parts::gates(out, &gates, "every task new and healthy in the end");
    }

    fn bake_time(&self) -> Span {
        self.bake.unwrap_or(Span::from_secs(300))
    }

    fn write(&self, out: &mut TomlText, count: u32) -> String {
        let (low, high) = self.limits(count);
        let source = parts::source("minimumHealthyPercent", self.minimum.is_some());
        let (minimum, maximum) = (self.minimum.unwrap_or(100), self.maximum.unwrap_or(200));
        let comment = format!("{source}; rounded up, {low} of {count}");
        out.value("minimum_healthy_percent", &minimum.to_string(), &comment);
        let source = parts::source("maximumPercent", self.maximum.is_some());
        let comment = format!("{source}; rounded down, {high} for {count}");
        out.value("maximum_percent", &maximum.to_string(), &comment);
        let on = self.breaker;
        let key = ("circuit_breaker", "deploymentCircuitBreaker.enable");
        if parts::stated(out, key, on, false, ToString::to_string) {
            let key = ("circuit_breaker_rollback", "deploymentCircuitBreaker.rollback");
            parts::stated(out, key, self.rollback, false, ToString::to_string);
            if let Some(kind) = self.threshold {
                let comment = "thresholdConfiguration.type";
                out.value("threshold_type", &quoted(&kind.to_lowercase()), comment);
            }
            if let Some(value) = self.value {
                out.value("threshold_value", &value.to_string(), "thresholdConfiguration.value");
            }
            if let Some(reset) = self.reset {
                out.value("reset_on_healthy_task", &reset.to_string(), "resetOnHealthyTask");
            }
        }
        if !self.alarms.is_empty() {
            let why = format!("the alarm {} is defined elsewhere", self.alarms.join(", "));
            out.assumed("alarm", "\"5%\"", "1%..20%", &why);
            out.assumed("alarm_delay", "\"1m\"", "1m..10m", "period times evaluation periods");
            out.value("alarm_rollback", &self.alarm_rollback.to_string(), "alarms.rollback");
            let key = ("bake_time", "bakeTimeInMinutes");
            parts::stated(out, key, self.bake, Span::from_secs(300), |s| parts::span(*s));
        }
        let mark = |stated: bool| if stated { "" } else { " (default)" };
        format!(
            "deploymentConfiguration: minimumHealthyPercent {minimum} → {low}{}, maximumPercent \
             {maximum} → {high}{}",
            mark(self.minimum.is_some()),
            mark(self.maximum.is_some())
        )
    }

    fn read_list(&self) -> Vec<String> {
        let mut read = Vec::new();
        read.push(match (self.breaker, self.rollback) {
            (Some(true), rollback) => {
                let end = if rollback == Some(true) { "rollback" } else { "no rollback" };
                format!("deploymentCircuitBreaker: enabled, {end}")
            }
            (Some(false), _) => "deploymentCircuitBreaker: disabled".to_owned(),
            (None, _) => "deploymentCircuitBreaker: disabled (default)".to_owned(),
        });
        if !self.alarms.is_empty() {
            let end = if self.alarm_rollback { "rollback" } else { "no rollback" };
            read.push(format!("alarms: {}, {end}", self.alarms.join(", ")));
        }
        read
    }
}

/// The load balancer in front, and what it asks of a task.
struct Balanced {
    targets: usize,
    grace: Option<Span>,
    text: String,
}

impl Balanced {
    fn read(service: &Fields<'_>) -> Result<Self, ImportError> {
        let targets = service.children("loadBalancers")?.len();
        let grace = service.span("healthCheckGracePeriodSeconds", Bare::Seconds)?;
        let meshes = service.children("serviceRegistries")?.len();
        let mesh = if service.child("serviceConnectConfiguration")?.flag("enabled")? == Some(true) {
            "Service Connect"
        } else if meshes > 0 {
            "Cloud Map"
        } else {
            "none"
        };
        let grace_text = match grace {
            Some(grace) => format!("healthCheckGracePeriodSeconds {grace}"),
            None => "healthCheckGracePeriodSeconds 0 (default)".to_owned(),
        };
        let text = match targets {
            0 => format!("loadBalancers: none; discovery: {mesh}"),
            1 => format!("loadBalancers: one target group; {grace_text}"),
            n => format!("loadBalancers: {n} target groups, taken for one; {grace_text}"),
        };
        Ok(Self { targets, grace, text })
    }

    fn is_there(&self) -> bool {
        self.targets > 0
    }

    fn write(&self, out: &mut TomlText) {
        out.table("clients");
        let lag = super::toml_text::quantiles("1s", "5s");
        let who = if self.is_there() { "the load balancer" } else { "service discovery" };
        out.assumed("lag_add", &lag, "0s..15s", &format!("until {who} knows of a task"));
        out.assumed("lag_remove", &lag, "0s..15s", &format!("until {who} leaves it out"));
        out.table("probes");
        if self.is_there() {
            let why = "in the target group, not in the service";
            out.assumed("period", "\"30s\"", "5s..300s", why);
            out.assumed("timeout", "\"5s\"", "2s..120s", why);
            out.assumed("success", "1", "1..10", "a new target needs one pass");
            out.assumed("failure", "2", "2..10", why);
            out.value("kills", "true", "ECS replaces tasks whose targets are unhealthy");
            let key = ("start_period", "healthCheckGracePeriodSeconds");
            parts::stated(out, key, self.grace, Span::ZERO, |s| parts::span(*s));
        } else {
            out.assumed("period", "\"30s\"", "5s..300s", "of a check in the task definition");
        }
        out.table("shutdown");
        if self.is_there() {
            let why = "deregistration delay of the target group";
            out.assumed("drain_wait", "\"300s\"", "0s..3600s", why);
        } else {
            out.value("drain_wait", "\"0s\"", "no load balancer to wait for");
        }
        out.assumed("grace", "\"30s\"", "2s..120s", "stopTimeout of the task definition");
        parts::on_term(out);
    }
}
