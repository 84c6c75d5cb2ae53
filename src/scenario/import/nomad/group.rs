//! What a group and its tasks say.

use crate::scenario::import::ImportError;
use crate::scenario::import::fields::{Bare, Fields};
use crate::scenario::import::parts;
use crate::scenario::import::toml_text::{TomlText, quoted};
use crate::units::Span;

const API: Bare = Bare::Nanoseconds;

/// `update`, `reschedule` and `restart` of a group; what it does not say, its job may.
pub(super) struct Group {
    lines: Vec<Line>,
    restart: Vec<Line>,
    mode: &'static str,
    /// What bears on rollouts elsewhere only.
    pub(super) ignored: Vec<String>,
    spans: Spans,
}

struct Spans {
    max_parallel: u32,
    canary: u32,
    auto_promote: bool,
    min_healthy_time: Span,
    healthy_deadline: Span,
}

/// A key of the scenario, its value in TOML, the key it comes from, whether the file says it.
struct Line {
    key: &'static str,
    text: String,
    theirs: &'static str,
    stated: bool,
}

/// A block that a group overrides key by key.
struct Layers<'a>(Vec<Fields<'a>>);

impl<'a> Layers<'a> {
    fn of(key: &str, outer: &Fields<'a>, inner: &Fields<'a>) -> Result<Self, ImportError> {
        Ok(Self(vec![inner.child(key)?, outer.child(key)?]))
    }

    fn first<T>(
        &self,
        read: impl Fn(&Fields<'a>) -> Result<Option<T>, ImportError>,
    ) -> Result<Option<T>, ImportError> {
        let mut found = None;
        // All layers are read, so that all of them are known.
        for layer in &self.0 {
            let value = read(layer)?;
            found = found.or(value);
        }
        Ok(found)
    }

    fn unread(&self, prefix: &str) -> Vec<String> {
        let mut all: Vec<String> = self.0.iter().flat_map(|layer| layer.unread(prefix)).collect();
        all.dedup();
        all
    }
}

struct Lines(Vec<Line>);

impl Lines {
    fn put<T: Copy>(
        &mut self,
        key: &'static str,
        theirs: &'static str,
        value: Option<T>,
        default: T,
        text: impl Fn(T) -> String,
    ) -> T {
        let stated = value.is_some();
        let value = value.unwrap_or(default);
        self.0.push(Line { key, text: text(value), theirs, stated });
        value
    }
}

impl Group {
    /// Reads a group of a job.
    pub(super) fn read(job: &Fields<'_>, group: &Fields<'_>) -> Result<Self, ImportError> {
        let update = Layers::of("update", job, group)?;
        let mut lines = Lines(Vec::new());
        let second = Span::from_secs;
        let count = |key: &'static str| update.first(|layer| layer.count(key));
        let flag = |key: &'static str| update.first(|layer| layer.flag(key));
        let span = |key: &'static str| update.first(|layer| layer.span(key, API));
        let number = |n: u32| n.to_string();
        let on = |flag: bool| flag.to_string();
        let mut ignored = Vec::new();
        let max = lines.put("max_parallel", "max_parallel", count("max_parallel")?, 1, number);
        let canary = lines.put("canary", "canary", count("canary")?, 0, number);
        let promote = lines.put("auto_promote", "auto_promote", flag("auto_promote")?, false, on);
        lines.put("auto_revert", "auto_revert", flag("auto_revert")?, false, on);
        let words = ["checks", "task_states", "manual"];
        let word = update.first(|layer| layer.word("health_check", &words))?;
        lines.put("health_check", "health_check", word, "checks", quoted);
        let ten = second(10);
        let time = span("min_healthy_time")?;
        let healthy = lines.put("min_healthy_time", "min_healthy_time", time, ten, parts::span);
        let time = span("healthy_deadline")?;
        let five = second(300);
        let deadline = lines.put("healthy_deadline", "healthy_deadline", time, five, parts::span);
        let time = span("progress_deadline")?;
        lines.put("progress_deadline", "progress_deadline", time, second(600), parts::span);
        if let Some(stagger) = span("stagger")? {
            ignored.push(format!("update.stagger {stagger} (service jobs do not use it)"));
        }
        reschedule(&mut lines, &Layers::of("reschedule", job, group)?)?;
        let (restart, mode) = restart(job, group, &mut ignored)?;
        if group.get("migrate").is_some() | job.get("migrate").is_some() {
            ignored.push("migrate (for drained nodes, not for rollouts)".to_owned());
        }
        let more = update.unread("update.");
        if !more.is_empty() {
            ignored.push(format!("{} (not used)", more.join(", ")));
        }
        let spans = Spans {
            max_parallel: max,
            canary,
            auto_promote: promote,
            min_healthy_time: healthy,
            healthy_deadline: deadline,
        };
        Ok(Self { lines: lines.0, restart, mode, ignored, spans })
    }

    /// `update.max_parallel`.
    pub(super) fn max_parallel(&self) -> u32 {
        self.spans.max_parallel
    }

    /// `update.canary`.
    pub(super) fn canary(&self) -> u32 {
        self.spans.canary
    }

    /// `update.auto_promote`.
    pub(super) fn auto_promote(&self) -> bool {
        self.spans.auto_promote
    }

    /// `update.min_healthy_time`.
    pub(super) fn min_healthy_time(&self) -> Span {
        self.spans.min_healthy_time
    }

    /// `update.healthy_deadline`.
    pub(super) fn healthy_deadline(&self) -> Span {
        self.spans.healthy_deadline
    }

    /// The strategy's table.
    pub(super) fn write(&self, out: &mut TomlText) {
        for line in &self.lines {
            out.value(line.key, &line.text, &parts::source(line.theirs, line.stated));
        }
    }

    /// `[restart]`.
    pub(super) fn write_restart(&self, out: &mut TomlText) {
        out.table("restart");
        for line in &self.restart {
            let source = parts::source(line.theirs, line.stated);
            if line.key == "attempts" && self.mode == "delay" {
                let comment = format!("mode delay: never given up ({source})");
                out.value(line.key, "\"unbounded\"", &comment);
            } else {
                out.value(line.key, &line.text, &source);
            }
            if line.key == "delay" {
                out.value("delay_max", &line.text, "Nomad's delay does not grow");
            }
        }
    }

    /// For the list of what was read.
    pub(super) fn read_list(&self) -> Vec<String> {
        let show = |lines: &[Line], reschedule: bool| {
            let of = |line: &&Line| line.key.starts_with("reschedule") == reschedule;
            let text = |line: &Line| {
                let name = line.theirs.rsplit('.').next().unwrap_or(line.theirs);
                let value = line.text.trim_matches('"');
                format!("{name} {value}{}", if line.stated { "" } else { " (default)" })
            };
            lines.iter().filter(of).map(text).collect::<Vec<_>>().join(", ")
        };
        vec![
            format!("update: {}", show(&self.lines, false)),
            format!("reschedule: {}", show(&self.lines, true)),
            format!("restart: {}, mode {}", show(&self.restart, false), self.mode),
        ]
    }
}

fn reschedule(lines: &mut Lines, layers: &Layers<'_>) -> Result<(), ImportError> {
    let second = Span::from_secs;
    let span = |key: &'static str| layers.first(|layer| layer.span(key, API));
    let delay = span("delay")?;
    lines.put("reschedule_delay", "reschedule.delay", delay, second(30), parts::span);
    let words = ["constant", "exponential", "fibonacci"];
    let function = layers.first(|layer| layer.word("delay_function", &words))?;
    let theirs = "reschedule.delay_function";
    lines.put("reschedule_function", theirs, function, "exponential", quoted);
    let max = span("max_delay")?;
    // Nomad takes no longest delay of 0, and needs none for a constant one.
    let default = if function == Some("constant") { delay } else { None };
    let max = max.filter(|max| *max > Span::ZERO);
    let usual = default.unwrap_or(second(3600)).max(delay.unwrap_or(Span::ZERO));
    lines.put("reschedule_max_delay", "reschedule.max_delay", max, usual, parts::span);
    let unlimited = layers.first(|layer| layer.flag("unlimited"))?;
    let attempts = layers.first(|layer| layer.count("attempts"))?;
    let text = match (unlimited, attempts) {
        (Some(true), _) | (None, None) => quoted("unlimited"),
        (Some(false), None) => "0".to_owned(),
        (_, Some(attempts)) => attempts.to_string(),
    };
    let stated = unlimited.is_some() || attempts.is_some();
    let theirs = "reschedule.attempts";
    lines.0.push(Line { key: "reschedule_attempts", text, theirs, stated });
    if let Some(interval) = span("interval")?.filter(|interval| *interval > Span::ZERO) {
        let theirs = "reschedule.interval";
        lines.put("reschedule_interval", theirs, Some(interval), interval, parts::span);
    }
    Ok(())
}

fn restart(
    job: &Fields<'_>,
    group: &Fields<'_>,
    ignored: &mut Vec<String>,
) -> Result<(Vec<Line>, &'static str), ImportError> {
    // A task's own block comes before its group's.
    let mut layers: Vec<Fields<'_>> = Vec::new();
    for (_, task) in group.labelled("task")? {
        layers.push(task.child("restart")?);
    }
    layers.push(group.child("restart")?);
    layers.push(job.child("restart")?);
    let layers = Layers(layers);
    let mut lines = Lines(Vec::new());
    let attempts = layers.first(|layer| layer.count("attempts"))?;
    lines.put("attempts", "restart.attempts", attempts, 2, |n| n.to_string());
    let delay = layers.first(|layer| layer.span("delay", API))?;
    lines.put("delay", "restart.delay", delay, Span::from_secs(15), parts::span);
    if let Some(interval) = layers.first(|layer| layer.span("interval", API))? {
        ignored.push(format!("restart.interval {interval} (attempts are never forgotten here)"));
    }
    let mode = layers.first(|layer| layer.word("mode", &["fail", "delay"]))?.unwrap_or("fail");
    Ok((lines.0, mode))
}

/// `kill_timeout` and `shutdown_delay` of the tasks and the group.
pub(super) struct Tasks {
    names: Vec<String>,
    kill_timeout: Option<Span>,
    /// The group's and the longest of a task.
    pub(super) shutdown_delay: Span,
    shutdown_stated: bool,
    /// Keys of tasks that were not used.
    pub(super) unread: Vec<String>,
}

impl Tasks {
    /// Reads them; the slowest task counts.
    pub(super) fn read(group: &Fields<'_>) -> Result<Self, ImportError> {
        let own = group.span("shutdown_delay", API)?;
        let (mut kill, mut delay) = (None, None);
        let mut names = Vec::new();
        let mut unread: Vec<String> = Vec::new();
        for (name, task) in group.labelled("task")? {
            names.push(name.to_owned());
            kill = kill.max(task.span("kill_timeout", API)?);
            delay = delay.max(task.span("shutdown_delay", API)?);
            task.skip(&["driver", "service", "restart"]);
            unread.extend(
                task.unread("task.")
                    .into_iter()
                    .filter(|key| !unread.contains(key))
                    .collect::<Vec<_>>(),
            );
        }
        let zero = Span::ZERO;
        Ok(Self {
            names,
            kill_timeout: kill,
            shutdown_delay: own.unwrap_or(zero) + delay.unwrap_or(zero),
            shutdown_stated: own.is_some() || delay.is_some(),
            unread,
        })
    }

    /// From the signal until the kill.
    pub(super) fn kill_timeout(&self) -> Span {
        self.kill_timeout.unwrap_or(Span::from_secs(5))
    }

    /// `[shutdown]`.
    pub(super) fn write(&self, out: &mut TomlText) {
        out.table("shutdown");
        let source = parts::source("shutdown_delay", self.shutdown_stated);
        out.value("pre_stop", &parts::span(self.shutdown_delay), &source);
        let source = parts::source("kill_timeout", self.kill_timeout.is_some());
        out.value("grace", &parts::span(self.kill_timeout()), &source);
        parts::on_term(out);
    }

    /// For the list of what was read.
    pub(super) fn text(&self) -> String {
        let mark = |stated: bool| if stated { "" } else { " (default)" };
        let s = if self.names.len() == 1 { "" } else { "s" };
        format!(
            "task{s} {}: shutdown_delay {}{}, kill_timeout {}{}",
            self.names.join(", "),
            self.shutdown_delay,
            mark(self.shutdown_stated),
            self.kill_timeout(),
            mark(self.kill_timeout.is_some())
        )
    }
}

/// Checks of the group's services and of its tasks'.
pub(super) struct Checks {
    /// The one with the longest interval decides.
    pub(super) slowest: Option<Check>,
    /// For the list of what was read.
    pub(super) text: String,
    /// Settings of checks that are not modelled.
    pub(super) ignored: Vec<String>,
}

/// A check.
pub(super) struct Check {
    name: String,
    /// Between two.
    pub(super) interval: Span,
    timeout: Option<Span>,
    success: Option<u32>,
    failure: Option<u32>,
    limit: u32,
    grace: Option<Span>,
}

impl Checks {
    /// Reads all of them.
    pub(super) fn read(group: &Fields<'_>) -> Result<Self, ImportError> {
        let mut services = group.children("service")?;
        for (_, task) in group.labelled("task")? {
            services.extend(task.children("service")?);
        }
        let mut checks = Vec::new();
        let mut ignored = Vec::new();
        for service in &services {
            let restart_all = service.child("check_restart")?;
            for check in service.children("check")? {
                let own = check.child("check_restart")?;
                let restart = if own.is_there() { &own } else { &restart_all };
                let kind = check.text("type").unwrap_or_else(|| "?".to_owned());
                let name = check.text("path").map_or(kind.clone(), |path| format!("{kind} {path}"));
                if check.text("on_update").is_some_and(|word| word != "require_healthy") {
                    ignored.push(format!("check {name}: on_update (the check counts here)"));
                }
                let name = match check.text("name").filter(|name| !name.is_empty()) {
                    Some(own) => format!("{own} ({name})"),
                    None => name,
                };
                let interval = check.span("interval", API)?;
                checks.push(Check {
                    name,
                    interval: interval.unwrap_or(Span::from_secs(10)),
                    timeout: check.span("timeout", API)?,
                    success: check.count("success_before_passing")?.filter(|n| *n > 0),
                    failure: check.count("failures_before_critical")?.filter(|n| *n > 0),
                    limit: restart.count("limit")?.unwrap_or(0),
                    grace: restart.span("grace", API)?,
                });
            }
        }
        let n = checks.len();
        let slowest = checks.into_iter().max_by_key(|check| check.interval);
        let text = match &slowest {
            Some(check) if n == 1 => format!("check {} every {}", check.name, check.interval),
            Some(check) => {
                format!("check {} every {}, the slowest of {n}", check.name, check.interval)
            }
            None => "no check: healthy when its tasks run for min_healthy_time".to_owned(),
        };
        Ok(Self { slowest, text, ignored })
    }

    /// `[probes]`.
    pub(super) fn write(&self, out: &mut TomlText) {
        out.table("probes");
        let Some(check) = &self.slowest else {
            out.value("enabled", "false", "no check in the job");
            return;
        };
        out.comment(&format!("check {}", check.name));
        let show = |s: &Span| parts::span(*s);
        out.value("period", &show(&check.interval), "interval");
        if let Some(timeout) = check.timeout {
            out.value("timeout", &show(&timeout), "timeout");
        }
        let success = ("success", "success_before_passing");
        parts::stated(out, success, check.success, 1, u32::to_string);
        if check.limit > 0 {
            out.value("kills", "true", "check_restart");
            out.value("failure", &check.limit.to_string(), "check_restart.limit");
            let grace = ("start_period", "check_restart.grace");
            parts::stated(out, grace, check.grace, Span::from_secs(1), show);
        } else {
            let failure = ("failure", "failures_before_critical");
            parts::stated(out, failure, check.failure, 1, u32::to_string);
        }
    }
}
