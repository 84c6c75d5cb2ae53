//! A service of a Compose file, as `docker stack deploy` takes it.
//!
//! Source: the Compose specification (`deploy`, `healthcheck`, `stop_grace_period`); Docker's
//! defaults: parallelism 1, monitor 5 s, stop-first, pause, restart after 5 s, health checks
//! every 30 s with a timeout of 30 s and 3 retries, 10 s from SIGTERM to SIGKILL.

use serde_json::Value;

use super::fields::{Bare, Fields};
use super::parts::{self, Gates};
use super::toml_text::{TomlText, quoted};
use super::{ImportError, Imported, Options};
use crate::units::Span;

/// Imports one service.
pub(super) fn import(
    root: &Value,
    file: &str,
    options: Options<'_>,
) -> Result<Imported, ImportError> {
    let root = interpolated(root);
    let root = Fields::root(&root)?;
    let services = root.child("services")?;
    let (name, service) = choose(&root, file, options.name)?;
    let deploy = service.child("deploy")?;
    let mut read = Vec::new();
    let mut notes = Vec::new();
    if !deploy.is_there() {
        notes.push(
            "No `deploy` in the file: all of it is what `docker stack deploy` would fill in."
                .to_owned(),
        );
    }
    let count = Instances::read(&service, &deploy, options)?;
    let update = Config::read(&deploy, "update_config", &["pause", "continue", "rollback"])?;
    let rollback = Config::read(&deploy, "rollback_config", &["pause", "continue"])?;
    let mut out = TomlText::default();
    parts::head(&mut out, &format!("service {name}"), file, &notes);
    let grace = service.span("stop_grace_period", Bare::Seconds)?;
    let health = Health::read(&service)?;
    gates(&mut out, &count, &update, grace, &health);
    out.table("service");
    out.value("name", &quoted(name), "services.NAME");
    count.write(&mut out);
    let limits = deploy.child("resources")?.child("limits")?;
    let cpus = limits.text("cpus").or_else(|| service.text("cpus"));
    let limit = cpus.map_or("no CPU limit".to_owned(), |cpus| format!("CPU limit {cpus}"));
    parts::inner_life(&mut out, "a task", &limit);
    let longest = health.longest_start();
    let start =
        if health.on { "process start until it could pass the health check" } else { START };
    parts::versions(&mut out, longest, start, grace.unwrap_or(Span::from_secs(10)));
    parts::traffic(&mut out);
    health.write(&mut out);
    out.table("shutdown");
    let ten = Span::from_secs(10);
    let stop = ("grace", "stop_grace_period");
    let grace = parts::stated(&mut out, stop, grace, ten, |s| parts::span(*s));
    parts::on_term(&mut out);
    out.table("strategy.swarm");
    update.write(&mut out, "");
    rollback.write(&mut out, "rollback_");
    let restart = restart(&mut out, &deploy)?;
    out.table("pipeline");
    out.value("kind", "\"none\"", "what Docker does by itself is failure_action");
    read.push(format!("service {name}: {}, stop_grace_period {grace}", count.text));
    read.push(format!("update_config: {}", update.text()));
    read.push(format!("rollback_config: {}", rollback.text()));
    read.push(format!("restart_policy: {restart}"));
    read.push(format!("healthcheck: {}", health.text));
    let mut ignored = Vec::new();
    if let Some(signal) = service.text("stop_signal") {
        ignored.push(format!("stop_signal {signal} (taken for SIGTERM; see shutdown.on_term)"));
    }
    if let Some(word) = service.text("restart") {
        ignored.push(format!("restart {word} (a stack reads deploy.restart_policy instead)"));
    }
    ignored.extend(health.ignored.clone());
    if deploy.get("placement").is_some() || service.get("ports").is_some() {
        let both = ["placement", "ports"];
        let there = both.iter().filter(|key| deploy.get(key).or(service.get(key)).is_some());
        let there: Vec<&str> = there.copied().collect();
        ignored.push(format!("{} (where tasks fit is not modelled)", there.join(", ")));
    }
    service.skip(&["image"]);
    let mut unused = service.unread("");
    unused.extend(deploy.unread("deploy."));
    unused.extend(update.unread.clone());
    unused.extend(rollback.unread.clone());
    if !unused.is_empty() {
        ignored.push(format!("{} (not used)", unused.join(", ")));
    }
    let mut imported = Imported::new(out, file, read, ignored);
    imported.others = services.unread("service/");
    imported.others.retain(|other| *other != format!("service/{name}"));
    Ok(imported)
}

const START: &str =
    "process start until it can answer (no health check: tasks get traffic at once)";

fn choose<'a>(
    root: &Fields<'a>,
    file: &str,
    name: Option<&str>,
) -> Result<(&'a str, Fields<'a>), ImportError> {
    let mut services = root.labelled("services")?;
    let names: Vec<&str> = services.iter().map(|(name, _)| *name).collect();
    let listed = names.join(", ");
    let name = name.map(|name| name.rsplit('/').next().unwrap_or(name));
    let found = match name {
        Some(name) => names.iter().position(|other| *other == name),
        None if names.len() == 1 => Some(0),
        None => None,
    };
    match (found, name, names.first()) {
        (Some(index), _, _) => Ok(services.swap_remove(index)),
        (None, Some(name), _) => {
            let message = format!("{file} has no service {name}");
            Err(root.error("services", message).hint(format!("it has {listed}")))
        }
        (None, None, Some(first)) => {
            let message = format!("{file} has {} services: {listed}", names.len());
            Err(root.error("services", message).hint(format!("say which: --service {first}")))
        }
        (None, None, None) => Err(root.error("services", format!("{file} has no services"))),
    }
}

struct Instances {
    count: u32,
    comment: String,
    assumed: bool,
    text: String,
}

impl Instances {
    fn read(
        service: &Fields<'_>,
        deploy: &Fields<'_>,
        options: Options<'_>,
    ) -> Result<Self, ImportError> {
        let modes = ["replicated", "global", "replicated-job", "global-job"];
        let mode = deploy.word("mode", &modes)?.unwrap_or("replicated");
        if mode.ends_with("-job") {
            return Err(deploy
                .error("mode", format!("deploy.mode is {mode}: a job ends by itself"))
                .hint("there is no rollout to rehearse"));
        }
        let replicas = deploy.count("replicas")?;
        let scale = service.count("scale")?;
        let of = |count: u32, comment: &str, assumed: bool, text: String| Self {
            count,
            comment: comment.to_owned(),
            assumed,
            text,
        };
        if let Some(count) = options.instances {
            return Ok(of(count, "given with -n", false, format!("{count} tasks (given)")));
        }
        if mode == "global" {
            let text = "mode global: a task on every node".to_owned();
            return Ok(of(3, "mode global: a task on every node", true, text));
        }
        let said = replicas.map(|n| (n, "deploy.replicas")).or(scale.map(|n| (n, "scale")));
        match said {
            Some((0, key)) => Err(deploy
                .error("replicas", format!("{key} is 0: there is nothing to roll"))
                .hint("write what runs in production, or give it with -n")),
            Some((n, key)) => {
                Ok(of(n, &format!("{key}; write what is live"), false, format!("replicas {n}")))
            }
            None => {
                let comment = "no deploy.replicas: default; write what is live";
                Ok(of(1, comment, false, "replicas 1 (default)".to_owned()))
            }
        }
    }

    fn write(&self, out: &mut TomlText) {
        let count = self.count.to_string();
        if self.assumed {
            out.assumed("instances", &count, "1..20", &self.comment);
        } else {
            out.value("instances", &count, &self.comment);
        }
    }
}

/// `update_config` or `rollback_config`.
struct Config {
    key: &'static str,
    parallelism: Option<u32>,
    delay: Option<Span>,
    order: Option<&'static str>,
    monitor: Option<Span>,
    ratio: Option<f64>,
    action: Option<&'static str>,
    unread: Vec<String>,
}

impl Config {
    fn read(
        deploy: &Fields<'_>,
        key: &'static str,
        actions: &[&'static str],
    ) -> Result<Self, ImportError> {
        let fields = deploy.child(key)?;
        let ratio = fields.number("max_failure_ratio")?;
        if ratio.is_some_and(|ratio| ratio > 1.0) {
            return Err(fields
                .wrong("max_failure_ratio", "a share from 0 to 1")
                .hint("write 0.2 for 20% of the tasks; Docker refuses more than 1"));
        }
        Ok(Self {
            key,
            parallelism: fields.count("parallelism")?,
            delay: fields.span("delay", Bare::Nanoseconds)?,
            order: fields.word("order", &["stop-first", "start-first"])?,
            monitor: fields.span("monitor", Bare::Nanoseconds)?,
            action: fields.word("failure_action", actions)?,
            ratio,
            unread: fields.unread(&format!("deploy.{key}.")),
        })
    }

    fn write(&self, out: &mut TomlText, prefix: &str) {
        let key = |name: &str| format!("{prefix}{name}");
        let theirs = |name: &str| format!("{}.{name}", self.key);
        let mut put = |name: &str, text: Option<String>, default: &str, more: &str| {
            let source = parts::source(&theirs(name), text.is_some());
            out.value(&key(name), text.as_deref().unwrap_or(default), &format!("{source}{more}"));
        };
        put("parallelism", self.parallelism.map(|n| n.to_string()), "1", "");
        put("delay", self.delay.map(parts::span), "\"0s\"", "");
        put("order", self.order.map(quoted), "\"stop-first\"", "");
        let zero = if self.monitor == Some(Span::ZERO) { "; Docker takes 0s for 5s" } else { "" };
        put("monitor", self.monitor.map(parts::span), "\"5s\"", zero);
        put("max_failure_ratio", self.ratio.map(|r| r.to_string()), "0", "");
        put("failure_action", self.action.map(quoted), "\"pause\"", "");
    }

    fn text(&self) -> String {
        let mark = |stated: bool| if stated { "" } else { " (default)" };
        let monitor = match self.monitor {
            Some(Span::ZERO) => "0s → 5s".to_owned(),
            Some(monitor) => monitor.to_string(),
            None => "5s (default)".to_owned(),
        };
        format!(
            "parallelism {}{}, delay {}{}, order {}{}, monitor {monitor}, max_failure_ratio {}{}, \
             failure_action {}{}",
            self.parallelism.unwrap_or(1),
            mark(self.parallelism.is_some()),
            self.delay.unwrap_or(Span::ZERO),
            mark(self.delay.is_some()),
            self.order.unwrap_or("stop-first"),
            mark(self.order.is_some()),
            self.ratio.unwrap_or(0.0),
            mark(self.ratio.is_some()),
            self.action.unwrap_or("pause"),
            mark(self.action.is_some()),
        )
    }
}

fn gates(
    out: &mut TomlText,
    count: &Instances,
    update: &Config,
    grace: Option<Span>,
    health: &Health,
) {
    let n = count.count;
    let parallelism = match update.parallelism.unwrap_or(1) {
        0 => n,
        parallelism => parallelism.min(n),
    };
    let start_first = update.order == Some("start-first");
    let floor = if start_first { n } else { n - parallelism };
    let why = if start_first {
        format!("replicas {n}, start-first")
    } else {
        format!("replicas {n} - parallelism {parallelism}, stop-first")
    };
    let wave = parts::START_P95
        + grace.unwrap_or(Span::from_secs(10))
        + update.delay.unwrap_or(Span::ZERO)
        + if health.on { health.interval.unwrap_or(Span::from_secs(30)) } else { Span::ZERO };
    let gates = Gates {
        floor,
        floor_why: why,
        wave,
        waves: n.div_ceil(parallelism),
        pauses: update.monitor.unwrap_or(Span::from_secs(5)),
        ..Gates::default()
    };
    parts::gates(out, &gates, "every task new and running in the end");
}

/// `healthcheck`.
struct Health {
    on: bool,
    text: String,
    interval: Option<Span>,
    timeout: Option<Span>,
    retries: Option<u32>,
    start_period: Option<Span>,
    ignored: Option<String>,
    off: bool,
}

impl Health {
    fn read(service: &Fields<'_>) -> Result<Self, ImportError> {
        let fields = service.child("healthcheck")?;
        let test = match fields.get("test") {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(words)) => {
                words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
            }
            _ => String::new(),
        };
        let off = fields.flag("disable")? == Some(true) || test == "NONE";
        let interval = fields.span("interval", Bare::Nanoseconds)?;
        let start_interval = fields.span("start_interval", Bare::Nanoseconds)?;
        let on = fields.is_there() && !off;
        let test = test.trim_start_matches("CMD-SHELL ").trim_start_matches("CMD ");
        let text = match (on, off) {
            (true, _) => {
                format!("`{test}` every {}", interval.unwrap_or(Span::from_secs(30)))
            }
            (_, true) => "disabled: a task counts as running when its process does".to_owned(),
            _ => "none: a task counts as running when its process does".to_owned(),
        };
        let ignored = start_interval
            .map(|s| format!("start_interval {s} (not modelled: probes keep to interval)"));
        Ok(Self {
            on,
            text,
            interval,
            timeout: fields.span("timeout", Bare::Nanoseconds)?,
            retries: fields.count("retries")?.filter(|retries| *retries > 0),
            start_period: fields.span("start_period", Bare::Nanoseconds)?,
            ignored,
            off,
        })
    }

    fn longest_start(&self) -> Span {
        let interval = self.interval.unwrap_or(Span::from_secs(30));
        let retries = f64::from(self.retries.unwrap_or(3));
        let failing = interval * retries + self.start_period.unwrap_or(Span::ZERO);
        if self.on { failing } else { Span::ZERO }
    }

    fn write(&self, out: &mut TomlText) {
        out.table("probes");
        if self.off {
            out.value("enabled", "false", "the health check is disabled");
            return;
        }
        if !self.on {
            let why = "no healthcheck here; the image may have one of its own (HEALTHCHECK)";
            out.assumed("enabled", "false", "false..true", why);
            return;
        }
        let half = Span::from_secs(30);
        let show = |s: &Span| parts::span(*s);
        out.value("enabled", "true", &self.text);
        // Zero is "not set" for Docker.
        let interval = self.interval.filter(|interval| *interval > Span::ZERO);
        let timeout = self.timeout.filter(|timeout| *timeout > Span::ZERO);
        parts::stated(out, ("period", "interval"), interval, half, show);
        parts::stated(out, ("timeout", "timeout"), timeout, half, show);
        parts::stated(out, ("failure", "retries"), self.retries, 3, u32::to_string);
        let start = ("start_period", "start_period");
        parts::stated(out, start, self.start_period, Span::ZERO, show);
    }
}

fn restart(out: &mut TomlText, deploy: &Fields<'_>) -> Result<String, ImportError> {
    let fields = deploy.child("restart_policy")?;
    let condition = fields.word("condition", &["any", "on-failure", "none"])?;
    let any = "any";
    let key = ("restart_condition", "restart_policy.condition");
    let condition = parts::stated(out, key, condition, any, |word| quoted(word));
    let show = |s: &Span| parts::span(*s);
    let key = ("restart_delay", "restart_policy.delay");
    let delay = fields.span("delay", Bare::Nanoseconds)?;
    let delay = parts::stated(out, key, delay, Span::from_secs(5), show);
    let key = ("restart_max_attempts", "restart_policy.max_attempts");
    let attempts = parts::stated(out, key, fields.count("max_attempts")?, 0, u32::to_string);
    let key = ("restart_window", "restart_policy.window");
    let window = fields.span("window", Bare::Nanoseconds)?;
    let window = parts::stated(out, key, window, Span::ZERO, show);
    let attempts = if attempts == 0 { "for ever".to_owned() } else { format!("{attempts} times") };
    let mark = if fields.is_there() { "" } else { " (default)" };
    Ok(format!("condition {condition}, delay {delay}, {attempts}, window {window}{mark}"))
}

/// `${NAME:-3}` and `${NAME-3}` with their defaults; other variables stay as they are and are
/// complained about where their value matters.
fn interpolated(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), interpolated(value))).collect()
        }
        Value::Array(items) => items.iter().map(interpolated).collect(),
        Value::String(text) => Value::String(with_defaults(text)),
        other => other.clone(),
    }
}

fn with_defaults(text: &str) -> String {
    let whole = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let default = whole.and_then(|inner| inner.split_once('-').map(|(_, default)| default));
    default.filter(|default| !default.contains(['$', '{'])).unwrap_or(text).to_owned()
}
