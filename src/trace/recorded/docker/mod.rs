//! What `docker events --format '{{json .}}'` and `docker inspect $(docker service ps -q SERVICE)`
//! say of the lives of tasks.
//!
//! Events name the moments of a container: created, started, healthy, told to stop, ended. A list
//! of tasks shows each task as it is now: when it was created, since when it runs (which, with a
//! health check, is since it was healthy), when it had ended, but not when it was told to. Read
//! together they are put together by the task's id. Outside of a swarm the containers of a Compose
//! service are its instances.

mod task;

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use serde_json::Value;

use super::document::{self, Document, Malformed};
use super::life::Lives;
use task::{Slot, Task};

const EXPECTED: &str = "what `docker events --format '{{json .}}'` or `docker inspect $(docker \
                        service ps -q SERVICE)` prints";

/// Whether this is Docker's rather than Kubernetes' JSON, as far as its first document tells.
pub fn looks_like_one(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}');
    let first = serde_json::Deserializer::from_str(text).into_iter::<Value>().next();
    match first {
        Some(Ok(Value::Array(_))) => true,
        Some(Ok(object)) => DOCKERS.iter().any(|key| object.get(key).is_some()),
        Some(Err(_)) | None => text.trim_start().starts_with('['),
    }
}

/// Keys that Docker writes and Kubernetes does not: of events, of tasks, of `docker service ps`.
const DOCKERS: [&str; 5] = ["Actor", "Action", "ServiceID", "CurrentState", "TaskTemplate"];

/// Reads texts together, in any order. Errors come with the index of the text.
///
/// # Errors
/// If a text is no JSON, or not what Docker prints.
pub fn read(texts: &[&str]) -> Result<Lives, (usize, Malformed)> {
    let mut reader = Reader::default();
    for (index, text) in texts.iter().enumerate() {
        document::each(text, EXPECTED, |value, document| reader.document(&value, document))
            .map_err(|error| (index, error))?;
        reader.leave();
    }
    Ok(task::lives(reader.tasks, &reader.services, reader.latest, reader.others.len()))
}

#[derive(Default)]
struct Reader {
    /// By the task's id, or by the container's where there is no swarm.
    tasks: BTreeMap<String, Task>,
    /// Names of services by id.
    services: BTreeMap<String, String>,
    latest: f64,
    /// Containers of nobody.
    others: std::collections::BTreeSet<String>,
    /// Tasks in the list or stream that is being read, not ended.
    here: Vec<String>,
    now: f64,
}

impl Reader {
    fn document(&mut self, value: &Value, document: &Document<'_>) -> Result<(), Malformed> {
        let Value::Array(list) = value else { return self.event(value, document) };
        self.leave();
        for object in list {
            self.listed(object, document)?;
        }
        self.leave();
        Ok(())
    }

    /// The end of a list or a stream: what has not ended in it was there at its latest time.
    fn leave(&mut self) {
        for key in std::mem::take(&mut self.here) {
            if let Some(task) = self.tasks.get_mut(&key) {
                let until = task.ended.map_or(self.now, |ended| ended.min(self.now));
                task.seen = task.seen.max(until);
            }
        }
        self.latest = self.latest.max(self.now);
        self.now = 0.0;
    }

    fn event(&mut self, event: &Value, document: &Document<'_>) -> Result<(), Malformed> {
        let text = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default();
        if event.get("CurrentState").is_some() {
            let message = "`docker service ps` says only how long ago";
            return Err(document.wrong("", message.to_owned(), EXPECTED));
        }
        if event.get("ServiceID").is_some() || event.get("TaskTemplate").is_some() {
            return self.listed(event, document);
        }
        let (kind, action) = (text("Type"), text("Action"));
        if kind.is_empty() || action.is_empty() {
            let message = "neither an event nor a list: no `Type` and `Action`".to_owned();
            return Err(document.wrong("", message, EXPECTED));
        }
        let nanos = event.get("timeNano").and_then(Value::as_f64).map(|nanos| nanos / 1e9);
        let Some(at) = nanos.or_else(|| event.get("time").and_then(Value::as_f64)) else {
            let message = format!("the event `{action}` has no `timeNano`");
            return Err(document.wrong("", message, "nanoseconds since 1970"));
        };
        self.now = self.now.max(at);
        let id = event.pointer("/Actor/ID").and_then(Value::as_str).unwrap_or_default();
        let attribute = |name: &str| event["Actor"]["Attributes"].get(name)?.as_str();
        match kind {
            "service" => {
                if let Some(name) = attribute("name") {
                    self.services.insert(id.to_owned(), name.to_owned());
                }
            }
            "container" => {
                let swarm = attribute("com.docker.swarm.task.id");
                let compose = attribute("com.docker.compose.service");
                if swarm.or(compose).is_none() {
                    self.others.insert(id.to_owned());
                    return Ok(());
                }
                let key = swarm.unwrap_or(id).to_owned();
                self.here.push(key.clone());
                self.tasks.entry(key).or_default().event(action, at, &attribute);
            }
            _ => {}
        }
        Ok(())
    }

    /// An object of `docker inspect`.
    fn listed(&mut self, object: &Value, document: &Document<'_>) -> Result<(), Malformed> {
        let text = |path: &str| object.pointer(path).and_then(Value::as_str);
        let Some(id) = text("/ID") else {
            let what = if object.get("Id").is_some() { "a container" } else { "no task" };
            let message = format!("an object of the list is {what}");
            return Err(document.wrong("", message, EXPECTED));
        };
        if let Some(name) = text("/Spec/Name").filter(|_| text("/ServiceID").is_none()) {
            self.services.insert(id.to_owned(), name.to_owned());
            return Ok(());
        }
        let time = |path: &str| match text(path) {
            None => Ok(None),
            Some(text) => self::time(text).map(Some).ok_or_else(|| document.no_time(text)),
        };
        let missing = |key: &str| {
            let (needle, message) = (format!("\"{id}\""), format!("`{id}` has no `{key}`"));
            document.wrong(&needle, message, "a task, as `docker inspect` shows it")
        };
        let service = text("/ServiceID").ok_or_else(|| missing("ServiceID"))?;
        let created = time("/CreatedAt")?.ok_or_else(|| missing("CreatedAt"))?;
        let since = time("/Status/Timestamp")?.ok_or_else(|| missing("Status.Timestamp"))?;
        let state = text("/Status/State").ok_or_else(|| missing("Status.State"))?;
        self.now = self.now.max(created).max(since);
        self.here.push(id.to_owned());
        let task = self.tasks.entry(id.to_owned()).or_default();
        service.clone_into(&mut task.service_id);
        task.created = Some(created);
        task.slot = match object.get("Slot").and_then(Value::as_i64) {
            Some(slot) => Some(Slot::Number(slot)),
            None => text("/NodeID").map(|node| Slot::Node(node.to_owned())),
        };
        task.host = text("/NodeID").map(str::to_owned);
        task.spec = object
            .get("Spec")
            .map(|spec| format!("{:08x}", crc32fast::hash(spec.to_string().as_bytes())));
        if let Some(image) = text("/Spec/ContainerSpec/Image") {
            image.clone_into(&mut task.image);
        }
        task.health |= object.pointer("/Spec/ContainerSpec/Healthcheck").is_some();
        let code = object.pointer("/Status/ContainerStatus/ExitCode").and_then(Value::as_i64);
        task.state(state, since, text("/DesiredState").unwrap_or("running"), code);
        Ok(())
    }
}

fn time(text: &str) -> Option<f64> {
    let at = humantime::parse_rfc3339(text).ok()?;
    Some(at.duration_since(UNIX_EPOCH).ok()?.as_secs_f64())
}

#[cfg(test)]
mod tests;
