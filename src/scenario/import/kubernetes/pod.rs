//! What a pod template says about starting, answering and stopping.
//!
//! Source: `pkg/apis/core/v1/defaults.go` (defaults of probes and grace period), `pod_workers`
//! and `prober` of the kubelet: a pod is ready when all its containers are, so the slowest
//! readiness probe decides; preStop hooks of a pod's containers run side by side.

use serde_json::Value;

use super::documents::{count_at, items_at, text_at};
use crate::scenario::import::ImportError;

/// Parts of a pod template that have a bearing on a rollout.
#[derive(Debug)]
pub(super) struct Pod {
    /// Names of the containers, the first is taken for the service itself.
    pub(super) containers: Vec<String>,
    /// Containers that run to their end before the others start.
    pub(super) init: Vec<String>,
    /// The slowest readiness probe and its container.
    pub(super) readiness: Option<(String, Probe)>,
    /// Readiness probes of the other containers.
    pub(super) other_readiness: Vec<String>,
    /// The startup probe of that container, or the longest of any.
    pub(super) startup: Option<(String, Probe)>,
    /// Liveness probes, described.
    pub(super) liveness: Vec<String>,
    /// `terminationGracePeriodSeconds`.
    pub(super) grace: Option<u32>,
    /// The longest preStop hook.
    pub(super) pre_stop: PreStop,
    /// CPU limit of the first container, as written.
    pub(super) cpu_limit: Option<String>,
    /// Keys of the pod and its containers without influence.
    pub(super) unused: Vec<String>,
}

/// A probe with the API's defaults filled in; times in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Probe {
    /// `http :8080/ready`, `grpc :7070`, …
    pub(super) how: String,
    /// `initialDelaySeconds`, default 0.
    pub(super) initial_delay: u32,
    /// `periodSeconds`, default 10.
    pub(super) period: u32,
    /// `timeoutSeconds`, default 1.
    pub(super) timeout: u32,
    /// `successThreshold`, default 1.
    pub(super) success: u32,
    /// `failureThreshold`, default 3.
    pub(super) failure: u32,
}

/// What runs before SIGTERM.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum PreStop {
    /// Nothing.
    None,
    /// A sleep of so many seconds; the text says where it stands.
    Sleep(f64, String),
    /// Something whose length the manifest does not say.
    Unknown(String),
}

/// Keys of a pod that this module reads, or that stand for nothing of their own.
const POD_KEYS: [&str; 5] =
    ["containers", "initContainers", "terminationGracePeriodSeconds", "restartPolicy", "dnsPolicy"];
const CONTAINER_KEYS: [&str; 7] =
    ["name", "image", "readinessProbe", "livenessProbe", "startupProbe", "lifecycle", "resources"];

/// Reads `spec.template.spec`.
pub(super) fn read(spec: &Value, place: &str) -> Result<Pod, ImportError> {
    let containers = items_at(spec, "/containers");
    if containers.is_empty() {
        return Err(ImportError::new(format!("{place}: the pod template has no containers")));
    }
    // An init container that always restarts is a sidecar; it takes part in readiness.
    let is_sidecar = |c: &&Value| text_at(c, "/restartPolicy") == "Always";
    let init = items_at(spec, "/initContainers");
    let running: Vec<&Value> = containers.iter().chain(init.iter().filter(is_sidecar)).collect();
    let mut ready = probes(&running, "readinessProbe", place)?;
    ready.sort_by_key(|(_, probe)| std::cmp::Reverse(probe.first_success()));
    let mut startup = probes(&running, "startupProbe", place)?;
    startup.sort_by_key(|(_, probe)| std::cmp::Reverse(probe.longest()));
    let describe = |(name, probe): &(String, Probe)| format!("{name}: {}", probe.describe());
    Ok(Pod {
        containers: running.iter().map(|c| text_at(c, "/name").to_owned()).collect(),
        init: init
            .iter()
            .filter(|c| !is_sidecar(c))
            .map(|c| text_at(c, "/name").to_owned())
            .collect(),
        other_readiness: ready.iter().skip(1).map(describe).collect(),
        readiness: ready.into_iter().next(),
        startup: startup.into_iter().next(),
        liveness: probes(&running, "livenessProbe", place)?.iter().map(describe).collect(),
        grace: count_at(spec, "/terminationGracePeriodSeconds", place)?,
        pre_stop: longest_pre_stop(&running),
        cpu_limit: cpu_limit(&containers[0]),
        unused: unused(spec, &running),
    })
}

impl Probe {
    /// Seconds until a container that answers from the start is ready at the latest.
    pub(super) fn first_success(&self) -> u32 {
        self.initial_delay.saturating_add(self.period.saturating_mul(self.success))
    }

    /// Seconds after which it has failed for good.
    pub(super) fn longest(&self) -> u32 {
        self.initial_delay.saturating_add(self.period.saturating_mul(self.failure))
    }

    /// `http :8080/ready every 10s`.
    pub(super) fn describe(&self) -> String {
        let delay = match self.initial_delay {
            0 => String::new(),
            delay => format!(" from {delay}s on"),
        };
        format!("{} every {}s{delay}", self.how, self.period)
    }
}

fn probes(
    containers: &[&Value],
    kind: &str,
    place: &str,
) -> Result<Vec<(String, Probe)>, ImportError> {
    let mut found = Vec::new();
    for container in containers {
        let name = text_at(container, "/name");
        let Some(probe) = container.get(kind).filter(|probe| !probe.is_null()) else { continue };
        let place = format!("{place}, container {name}, {kind}");
        let or = |key: &str, default: u32| {
            // The API takes 0 for "not set" where 0 makes no sense.
            let value = count_at(probe, key, &place)?.filter(|n| *n > 0 || default == 0);
            Ok::<u32, ImportError>(value.unwrap_or(default))
        };
        let probe = Probe {
            how: how(probe),
            initial_delay: or("/initialDelaySeconds", 0)?,
            period: or("/periodSeconds", 10)?,
            timeout: or("/timeoutSeconds", 1)?,
            success: or("/successThreshold", 1)?,
            failure: or("/failureThreshold", 3)?,
        };
        found.push((name.to_owned(), probe));
    }
    Ok(found)
}

fn how(probe: &Value) -> String {
    let port = |kind: &str| match probe.pointer(&format!("/{kind}/port")) {
        Some(Value::String(name)) => name.clone(),
        Some(number) => number.to_string(),
        None => "?".to_owned(),
    };
    if probe.get("httpGet").is_some() {
        let path = probe.pointer("/httpGet/path").and_then(Value::as_str).unwrap_or("/");
        format!("http :{}{path}", port("httpGet"))
    } else if probe.get("grpc").is_some() {
        format!("grpc :{}", port("grpc"))
    } else if probe.get("tcpSocket").is_some() {
        format!("tcp :{}", port("tcpSocket"))
    } else {
        format!("exec {}", command(probe).join(" "))
    }
}

fn command(handler: &Value) -> Vec<&str> {
    items_at(handler, "/exec/command").iter().filter_map(Value::as_str).collect()
}

fn longest_pre_stop(containers: &[&Value]) -> PreStop {
    let mut longest = PreStop::None;
    for container in containers {
        let Some(hook) = container.pointer("/lifecycle/preStop").filter(|h| !h.is_null()) else {
            continue;
        };
        let place = format!("preStop of container {}", text_at(container, "/name"));
        let words = command(hook);
        let seconds = hook.pointer("/sleep/seconds").and_then(Value::as_f64);
        let found = match seconds.or_else(|| sleep_in(&words)) {
            Some(seconds) => PreStop::Sleep(seconds, place),
            None if words.is_empty() => PreStop::Unknown(format!("{place} is a request")),
            None => PreStop::Unknown(format!("{place} runs `{}`", words.join(" "))),
        };
        longest = match (longest, found) {
            (unknown @ PreStop::Unknown(_), _) | (_, unknown @ PreStop::Unknown(_)) => unknown,
            (PreStop::Sleep(a, at), PreStop::Sleep(b, _)) if a >= b => PreStop::Sleep(a, at),
            (_, found) => found,
        };
    }
    longest
}

/// Seconds that a command sleeps, if sleeping is all it does: `sleep 10`, `/bin/sleep 10s`, and
/// the same through a shell (`sh -c "sleep 10"`).
fn sleep_in(words: &[&str]) -> Option<f64> {
    let is = |word: &str, name: &str| word.rsplit('/').next() == Some(name);
    let words: Vec<&str> = match words {
        [shell, flag, script]
            if ["sh", "bash", "ash", "dash"].iter().any(|s| is(shell, s))
                && flag.starts_with('-')
                && flag.ends_with('c') =>
        {
            script.trim().trim_end_matches(';').split_whitespace().collect()
        }
        words => words.to_vec(),
    };
    let words = if words.first() == Some(&"exec") { &words[1..] } else { &words };
    let [sleep, length] = words else { return None };
    if !is(sleep, "sleep") {
        return None;
    }
    let (number, unit) = match length.strip_suffix(['s', 'm', 'h']) {
        Some(number) => (number, length.chars().last()),
        None => (*length, None),
    };
    let factor = match unit {
        Some('h') => 3600.0,
        Some('m') => 60.0,
        _ => 1.0,
    };
    let seconds = number.parse::<f64>().ok()? * factor;
    (seconds.is_finite() && seconds >= 0.0).then_some(seconds)
}

fn cpu_limit(container: &Value) -> Option<String> {
    match container.pointer("/resources/limits/cpu")? {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        number => Some(number.to_string()),
    }
}

fn unused(spec: &Value, containers: &[&Value]) -> Vec<String> {
    let keys = |value: &Value, known: &[&str]| -> Vec<String> {
        let fields = value.as_object().into_iter().flat_map(|fields| fields.keys());
        fields.filter(|key| !known.contains(&key.as_str())).cloned().collect()
    };
    let mut all = keys(spec, &POD_KEYS);
    for container in containers {
        for key in keys(container, &CONTAINER_KEYS) {
            let key = format!("containers.{key}");
            if !all.contains(&key) {
                all.push(key);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(containers: &Value) -> Pod {
        read(&json!({ "containers": containers }), "Deployment/x").unwrap()
    }

    #[test]
    fn sleeps_are_read_in_their_common_spellings() {
        for words in [
            vec!["sleep", "90"],
            vec!["/bin/sleep", "90s"],
            vec!["sleep", "1.5m"],
            vec!["sh", "-c", "sleep 90"],
            vec!["/bin/bash", "-ec", " exec sleep 90; "],
            vec!["/bin/sh", "-c", "/bin/sleep 90"],
        ] {
            assert_eq!(sleep_in(&words), Some(90.0), "{words:?}");
        }
        for words in [
            vec!["sh", "-c", "sleep 5; nginx -s quit"],
            vec!["nginx", "-s", "quit"],
            vec!["sleep", "$WAIT"],
            vec![],
        ] {
            assert_eq!(sleep_in(&words), None, "{words:?}");
        }
    }

    #[test]
    fn the_slowest_readiness_and_the_longest_hook_decide() {
        let pod = pod(&json!([
            { "name": "a", "readinessProbe": { "tcpSocket": { "port": "web" } },
              "lifecycle": { "preStop": { "sleep": { "seconds": 5 } } } },
            { "name": "b", "readinessProbe": { "grpc": { "port": 1 }, "initialDelaySeconds": 15 },
              "lifecycle": { "preStop": { "exec": { "command": ["sleep", "7"] } } } },
        ]));
        let (name, probe) = pod.readiness.unwrap();
        assert_eq!(
            (name.as_str(), probe.describe().as_str()),
            ("b", "grpc :1 every 10s from 15s on")
        );
        assert_eq!((probe.timeout, probe.success, probe.failure), (1, 1, 3));
        assert_eq!(pod.other_readiness, ["a: tcp :web every 10s"]);
        assert_eq!(pod.pre_stop, PreStop::Sleep(7.0, "preStop of container b".into()));
    }

    #[test]
    fn an_unknown_hook_is_not_taken_for_none() {
        let pod = pod(&json!([
            { "name": "a", "lifecycle": { "preStop": { "exec": { "command": ["drain"] } } } },
            { "name": "b", "lifecycle": { "preStop": { "sleep": { "seconds": 5 } } } },
        ]));
        assert_eq!(pod.pre_stop, PreStop::Unknown("preStop of container a runs `drain`".into()));
    }

    #[test]
    fn init_containers_that_restart_are_sidecars() {
        let pod = read(
            &json!({
                "containers": [{ "name": "a", "volumeMounts": [] }],
                "initContainers": [
                    { "name": "migrate" },
                    { "name": "proxy", "restartPolicy": "Always",
                      "readinessProbe": { "exec": { "command": ["ok"] } } },
                ],
                "nodeSelector": {},
            }),
            "Deployment/x",
        );
        let pod = pod.unwrap();
        assert_eq!((pod.containers.len(), pod.init), (2, vec!["migrate".to_owned()]));
        assert_eq!(pod.readiness.unwrap().1.how, "exec ok");
        assert_eq!(pod.unused[..2], ["nodeSelector", "containers.volumeMounts"]);
        let bad =
            json!({ "containers": [{ "name": "a", "readinessProbe": { "periodSeconds": "5" } }] });
        let error = read(&bad, "Deployment/x").unwrap_err();
        assert_eq!(
            error.message,
            "Deployment/x, container a, readinessProbe: periodSeconds is \"5\", not a whole number"
        );
    }
}
