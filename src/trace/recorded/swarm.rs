//! Recorded updates of Docker Swarm services (`swarm-trace/1`). Times are seconds since the
//! moment before the update was asked for.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::RecordingError;
use crate::trace::VersionId;

/// A recorded update.
#[derive(Debug, Clone, Deserialize)]
pub struct Recording {
    /// The name it gives itself.
    pub id: String,
    /// How the new version behaves, or what was special.
    pub kind: String,
    /// The service's settings.
    pub params: Params,
    /// How the old version's process behaves.
    pub old_env: Env,
    /// How the new one's does.
    pub new_env: Env,
    #[serde(default)]
    extra: BTreeMap<String, Value>,
    hooks_fired: Vec<RawHook>,
    /// When it ends.
    pub observed_s: f64,
    /// How often tasks and state were asked for, a second.
    pub poll_hz: f64,
    /// What it says of itself.
    pub summary: Summary,
    /// Every task, in order of creation once read.
    pub tasks: Vec<Task>,
    series: Vec<Vec<f64>>,
    noise: Option<Value>,
}

/// Settings of the service.
#[derive(Debug, Clone, Deserialize)]
pub struct Params {
    /// Replicas at the beginning.
    pub replicas: u32,
    /// Of the update.
    #[serde(flatten)]
    pub update: Config,
    /// Of a rollback.
    pub rollback: Config,
    /// The health check, if there is one.
    pub healthcheck: Option<Healthcheck>,
    /// SIGTERM until SIGKILL.
    pub stop_grace_s: f64,
    /// What follows the end of a task.
    pub restart: Restart,
}

/// One update configuration.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    /// Slots at a time; 0 is all.
    pub parallelism: u32,
    /// Rest of a worker after a slot.
    pub delay_s: f64,
    /// `stop-first` or `start-first`.
    pub order: String,
    /// 0 is the default.
    pub monitor_s: f64,
    /// Allowed share of failures.
    pub max_failure_ratio: f64,
    /// `pause`, `continue` or `rollback`.
    pub failure_action: String,
}

/// A container's health check.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Healthcheck {
    /// Start to first probe, and end of a probe to the next.
    pub interval_s: f64,
    /// Failures in a row that make unhealthy.
    pub retries: u32,
    /// Failures so soon after the start do not count.
    pub start_period_s: f64,
}

/// The restart policy.
#[derive(Debug, Clone, Deserialize)]
pub struct Restart {
    /// `any`, `on-failure` or `none`.
    pub condition: String,
    /// Before the next task starts.
    pub delay_s: f64,
    /// 0: without end.
    #[serde(default)]
    pub max_attempts: u32,
    /// Only restarts so recent count.
    #[serde(default)]
    pub window_s: f64,
}

/// The environment of a version: numbers and texts by name.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Env(BTreeMap<String, Value>);

impl Env {
    /// A number of milliseconds, in seconds; negative: never.
    pub fn seconds(&self, name: &str) -> Option<f64> {
        self.number(name).map(|ms| ms / 1e3)
    }

    /// A number.
    pub fn number(&self, name: &str) -> Option<f64> {
        let value = self.0.get(name)?;
        value.as_f64().or_else(|| value.as_str()?.parse().ok())
    }

    /// Whether it says anything of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

#[derive(Debug, Clone, Deserialize)]
struct RawHook {
    t: f64,
    action: String,
    #[serde(default)]
    detail: Value,
}

/// What somebody did during the update.
#[derive(Debug, Clone, PartialEq)]
pub enum Hook {
    /// Another update, to a third version.
    Update(Env),
    /// The same update again.
    Again,
    /// `docker service rollback`.
    Rollback,
    /// `docker service scale`.
    Scale(u32),
    /// A container of this version was killed.
    Kill(VersionId),
}

/// What the record says of itself.
#[derive(Debug, Clone, Deserialize)]
pub struct Summary {
    /// The first state that is an end.
    pub first_terminal_state: Option<String>,
    /// When the last such state was reached.
    pub duration_s: Option<f64>,
    /// Fewest tasks running.
    pub min_running: u32,
    /// Most.
    pub max_running: u32,
    /// At the end of the record.
    pub running_at_end: u32,
}

/// One task.
#[derive(Debug, Clone, Deserialize)]
pub struct Task {
    /// Its slot, from 1.
    pub slot: u32,
    version: String,
    /// When it was created.
    pub created: f64,
    states: Vec<Seen>,
    desired: Vec<Wanted>,
    #[serde(default)]
    log: Vec<Logged>,
}

#[derive(Debug, Clone, Deserialize)]
struct Seen {
    state: String,
    t: f64,
}

#[derive(Debug, Clone, Deserialize)]
struct Wanted {
    desired: String,
    updated_at: f64,
}

#[derive(Debug, Clone, Deserialize)]
struct Logged {
    ev: String,
    t: f64,
}

impl Task {
    /// `v1` is the old version, `v2` the new one.
    pub fn version(&self) -> VersionId {
        let number = self.version.trim_start_matches('v').parse().unwrap_or(1_u8);
        VersionId(number.saturating_sub(1))
    }

    /// When it first was in one of these states.
    fn first(&self, states: &[&str]) -> Option<f64> {
        self.states.iter().find(|s| states.contains(&s.state.as_str())).map(|s| s.t)
    }

    fn wanted(&self, desired: &str) -> Option<f64> {
        self.desired.iter().find(|d| d.desired == desired).map(|d| d.updated_at)
    }

    /// When its process first wrote this.
    pub fn logged(&self, what: &str) -> Option<f64> {
        self.log.iter().find(|l| l.ev == what).map(|l| l.t)
    }

    /// Prepared, if that was seen.
    pub fn prepared(&self) -> Option<f64> {
        self.first(&["ready"])
    }

    /// When it got leave to start; creation if it had it from the beginning.
    pub fn released(&self) -> Option<f64> {
        let leave = self.wanted("running")?;
        // The time is that of the poll's last change, up to a third of a second late.
        let late = if self.prepared().is_some() { 0.15 } else { 0.5 };
        let held = leave > self.created + late;
        Some(if held { leave } else { self.created })
    }

    /// When it ran, if anybody saw that: of a process that ends at once the managers may hear no
    /// sooner than of its end.
    pub fn ran(&self) -> Option<f64> {
        self.first(&["running"])
    }

    /// When it was told to stop, if it had not ended before.
    pub fn told(&self) -> Option<f64> {
        let told = ["shutdown", "remove"].iter().find_map(|what| self.wanted(what))?;
        (self.ended().is_none_or(|end| end > told)).then_some(told)
    }

    /// When it had ended.
    pub fn ended(&self) -> Option<f64> {
        self.first(&["complete", "shutdown", "failed", "rejected", "remove", "orphaned"])
    }

    /// When it ended by itself.
    pub fn ended_by_itself(&self) -> Option<f64> {
        self.ended().filter(|_| self.told().is_none())
    }

    /// When its preparation failed.
    pub fn rejected(&self) -> Option<f64> {
        self.first(&["rejected"])
    }
}

impl Recording {
    /// From its JSON.
    ///
    /// # Errors
    /// If something is missing or of another kind.
    pub fn read(value: Value) -> Result<Self, RecordingError> {
        let mut recording: Self =
            serde_json::from_value(value).map_err(|e| RecordingError::Damaged(e.to_string()))?;
        recording.tasks.sort_by(|a, b| a.created.total_cmp(&b.created));
        if recording.old_env == recording.new_env {
            // A forced update: what it made calls itself the old version.
            for task in recording.tasks.iter_mut().filter(|task| task.created > 0.0) {
                "v2".clone_into(&mut task.version);
            }
        }
        Ok(recording)
    }

    /// What was done during the update, with its time.
    ///
    /// # Errors
    /// If it is nothing that this program knows.
    pub fn hooks(&self) -> Result<Vec<(f64, Hook)>, String> {
        self.hooks_fired.iter().map(|hook| Ok((hook.t, hook.read()?))).collect()
    }

    /// The recorder gave up after so many seconds.
    pub fn timeout(&self) -> Option<f64> {
        self.extra.get("timeout")?.as_f64()
    }

    /// The tasks are on an overlay network.
    pub fn is_on_overlay(&self) -> bool {
        self.extra.contains_key("network")
    }

    /// The new version's image cannot be had.
    pub fn lacks_image(&self) -> bool {
        self.extra.contains_key("image")
    }

    /// The new version's tasks find no node, as long as the old ones run (`beside`) or ever.
    pub fn finds_no_node(&self, beside: bool) -> bool {
        let has = |words: &[&str]| {
            self.extra.keys().any(|key| words.iter().any(|word| key.contains(word)))
        };
        has(&["constraint", "memory", "reservation"]) || (beside && has(&["port"]))
    }

    /// The tasks' specification does not change.
    pub fn changes_nothing(&self) -> bool {
        self.old_env == self.new_env
            && !self.lacks_image()
            && !self.finds_no_node(true)
            && !self.extra.contains_key("force")
    }

    /// Why it is marked as noisy.
    pub fn noise(&self) -> Option<String> {
        match self.noise.as_ref()? {
            Value::String(text) => Some(text.clone()),
            Value::Null | Value::Bool(false) => None,
            other => Some(other.to_string()),
        }
    }

    /// Running tasks: from this second on, so many.
    pub fn running(&self) -> Vec<(f64, f64)> {
        self.series.iter().filter(|row| row.len() > 1).map(|row| (row[0], row[1])).collect()
    }
}

impl RawHook {
    fn read(&self) -> Result<Hook, String> {
        let env = || serde_json::from_value(self.detail.clone()).map_err(|e| e.to_string());
        Ok(match self.action.as_str() {
            "update" => Hook::Update(env()?),
            "reupdate" => Hook::Again,
            "rollback" => Hook::Rollback,
            "scale" => {
                let replicas = self.detail.as_u64().ok_or("a scale without a number")?;
                Hook::Scale(u32::try_from(replicas).map_err(|e| e.to_string())?)
            }
            action if action.contains("kill") => {
                let detail = format!("{action} {}", self.detail);
                let new = detail.contains("v2") || detail.contains("new");
                Hook::Kill(if new { VersionId::NEW } else { VersionId::OLD })
            }
            other => return Err(format!("`{other}` was done in mid-update: unknown")),
        })
    }
}
