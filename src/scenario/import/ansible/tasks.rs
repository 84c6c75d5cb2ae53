//! What the tasks of a play do to a host: drain it, stop its service, wait for it.

use serde_json::Value;

use crate::scenario::import::fields::Fields;
use crate::scenario::import::parts;
use crate::scenario::import::toml_text::TomlText;
use crate::units::Span;

/// Tasks that bear on a rollout.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    /// A task takes the host out of its balancer.
    pub(super) drains: bool,
    /// It waits so long for the host's connections, and why.
    pub(super) drain_wait: Option<(Span, String)>,
    /// Pauses before the service is first touched.
    pub(super) pause: Span,
    start_timeout: Option<(Span, String)>,
    /// For the list of what was read.
    pub(super) read: Vec<String>,
    /// What is not modelled.
    pub(super) ignored: Vec<String>,
    stopped: bool,
    others: usize,
}

/// Modules that stop, start or replace what serves.
const SERVICE: [&str; 9] = [
    "service",
    "systemd",
    "systemd_service",
    "docker_container",
    "docker_compose_v2",
    "win_service",
    "supervisorctl",
    "podman_container",
    "sysvinit",
];

impl Tasks {
    /// Reads the tasks of a play in their order.
    pub(super) fn read(play: &Fields<'_>) -> Self {
        let mut tasks = Self::default();
        for section in ["pre_tasks", "roles", "tasks", "post_tasks"] {
            let items = play.get(section).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            if section == "roles" {
                let names: Vec<&str> = items
                    .iter()
                    .filter_map(|role| {
                        let name = role.get("role").or(role.get("name")).unwrap_or(role);
                        name.as_str()
                    })
                    .collect();
                if !names.is_empty() {
                    let names = names.join(", ");
                    tasks.ignored.push(format!("roles {names} (their tasks are in other files)"));
                    // Whatever they do, the service is touched there or later.
                    tasks.stopped = true;
                }
                continue;
            }
            for item in items {
                tasks.task(item);
            }
        }
        if tasks.others > 0 {
            let s = if tasks.others == 1 { "task" } else { "tasks" };
            tasks.ignored.push(format!("{} more {s} (part of start)", tasks.others));
        }
        if !tasks.drains {
            let text = "no task takes a host out of its balancer before its service is stopped";
            tasks.read.push(text.to_owned());
        }
        tasks
    }

    fn task(&mut self, task: &Value) {
        for inner in ["block", "rescue", "always"] {
            for item in task.get(inner).and_then(Value::as_array).into_iter().flatten() {
                self.task(item);
            }
        }
        if task.get("block").is_some() {
            return;
        }
        let Some((module, args)) = module(task) else {
            self.others += 1;
            return;
        };
        let name = task.get("name").and_then(Value::as_str).unwrap_or(module);
        let seconds = |key: &str| number(args.get(key));
        match module {
            "haproxy" => self.haproxy(name, args),
            "pause" => {
                let length =
                    seconds("seconds").unwrap_or(0.0) + seconds("minutes").unwrap_or(0.0) * 60.0;
                let length = Span::from_secs_f64(length);
                if self.stopped {
                    let text = format!("task \"{name}\": pause {length} (after the start)");
                    self.ignored.push(text);
                } else {
                    self.pause += length;
                    self.read.push(format!("task \"{name}\": pause {length}"));
                }
            }
            "wait_for" => {
                let drained = args.get("state").and_then(Value::as_str) == Some("drained");
                let timeout = Span::from_secs_f64(seconds("timeout").unwrap_or(300.0));
                let text = format!("task \"{name}\": wait_for up to {timeout}");
                let why = format!("timeout of task \"{name}\"").replace('"', "'");
                if drained {
                    self.drain_wait = Some((timeout, why));
                    self.read.push(format!("{text} until connections have ended"));
                } else {
                    self.start_timeout = Some((timeout, why));
                    self.read.push(text);
                }
            }
            "uri" if task.get("until").is_some() || task.get("retries").is_some() => {
                let retries = number(task.get("retries")).unwrap_or(3.0);
                let delay = number(task.get("delay")).unwrap_or(5.0);
                let timeout = Span::from_secs_f64(retries * delay);
                let why = format!("retries times delay of task '{name}'");
                self.read.push(format!("task \"{name}\": asks {retries} times every {delay}s"));
                self.start_timeout = Some((timeout, why));
            }
            "shell" | "command" | "raw" if by_hand(args) => self.drained_by(name),
            module if SERVICE.contains(&module) => {
                self.stopped = true;
                self.read.push(format!("task \"{name}\": {module}"));
            }
            _ => self.others += 1,
        }
    }

    fn haproxy(&mut self, name: &str, args: &Value) {
        let is = |key: &str| match args.get(key) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(word)) => ["yes", "true", "on"].contains(&word.as_str()),
            _ => false,
        };
        let state = args.get("state").and_then(Value::as_str).unwrap_or("");
        match state {
            "disabled" | "drain" => {
                self.drained_by(name);
                if is("drain") || (state == "drain" && is("wait")) {
                    let retries = number(args.get("wait_retries")).unwrap_or(25.0);
                    let interval = number(args.get("wait_interval")).unwrap_or(5.0);
                    let wait = Span::from_secs_f64(retries * interval);
                    self.drain_wait = Some((wait, "wait_retries times wait_interval".to_owned()));
                    self.read.push(format!("task \"{name}\": waits for connections up to {wait}"));
                }
            }
            _ => self.read.push(format!("task \"{name}\": HAProxy, state {state}")),
        }
    }

    fn drained_by(&mut self, name: &str) {
        if !self.stopped {
            self.drains = true;
        }
        self.read.push(format!("task \"{name}\": takes the host out of HAProxy"));
    }

    /// The keys of the strategy's table that come from tasks.
    pub(super) fn write(&self, out: &mut TomlText) {
        match &self.drain_wait {
            Some((wait, why)) => out.value("drain_wait", &parts::span(*wait), why),
            None => out.value("drain_wait", "\"0s\"", "no task waits for connections to end"),
        }
        // A start that may take no time at all would fail every host.
        if let Some((timeout, why)) =
            self.start_timeout.as_ref().filter(|(timeout, _)| *timeout > Span::ZERO)
        {
            out.value("start_timeout", &parts::span(*timeout), why);
        } else {
            let why = "no task waits for the service; some check must fail it";
            out.assumed("start_timeout", "\"5m\"", "30s..15m", why);
        }
    }
}

/// Module and arguments of a task; a module may have its collection's name before it.
fn module(task: &Value) -> Option<(&str, &Value)> {
    const KNOWN: [&str; 7] = ["haproxy", "pause", "wait_for", "uri", "shell", "command", "raw"];
    let known = |name: &str| KNOWN.contains(&name) || SERVICE.contains(&name);
    task.as_object()?.iter().find_map(|(key, args)| {
        let name = key.rsplit('.').next().unwrap_or(key);
        known(name).then_some((name, args))
    })
}

/// `echo "disable server …" | socat …`.
fn by_hand(args: &Value) -> bool {
    let text = args.as_str().or(args.get("cmd").and_then(Value::as_str)).unwrap_or("");
    let drains = ["disable server", "set server", "state drain", "state maint"];
    drains.iter().any(|words| text.contains(words)) && !text.contains("state ready")
}

fn number(value: Option<&Value>) -> Option<f64> {
    let number = match value? {
        Value::String(text) => text.trim().parse().ok()?,
        other => other.as_f64()?,
    };
    (number >= 0.0).then_some(number)
}
