//! A setting as it is applied: keys of a scenario, and the patch of a manifest.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::scenario::Scenario;
use crate::scenario::settings::Orchestrator;

/// What to change in a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// What it is applied to, and how.
    pub what: &'static str,
    /// The file's suffix.
    pub suffix: &'static str,
    /// The patch.
    pub text: String,
}

/// Where a key stands in a manifest, and how its value is written there.
struct Place {
    key: &'static str,
    path: &'static [&'static str],
    form: Form,
}

/// How a value is written.
#[derive(Clone, Copy)]
enum Form {
    /// As it is: counts, `25%`, words.
    Plain,
    /// Whole seconds, as a number.
    Seconds,
    /// As it is, quoted: durations of Compose files and jobs.
    Text,
    /// `0.1` for `10%`.
    Ratio,
}

const fn at(key: &'static str, path: &'static [&'static str], form: Form) -> Place {
    Place { key, path, form }
}

const ROLLING: &str = "rollingUpdate";

const KUBERNETES: &[Place] = &[
    at("service.instances", &["spec", "replicas"], Form::Plain),
    at("strategy.kubernetes.type", &["spec", "strategy", "type"], Form::Plain),
    at("strategy.kubernetes.max_surge", &["spec", "strategy", ROLLING, "maxSurge"], Form::Plain),
    at(
        "strategy.kubernetes.max_unavailable",
        &["spec", "strategy", ROLLING, "maxUnavailable"],
        Form::Plain,
    ),
    at("strategy.kubernetes.min_ready", &["spec", "minReadySeconds"], Form::Seconds),
    at(
        "strategy.kubernetes.progress_deadline",
        &["spec", "progressDeadlineSeconds"],
        Form::Seconds,
    ),
    at(
        "shutdown.grace",
        &["spec", "template", "spec", "terminationGracePeriodSeconds"],
        Form::Seconds,
    ),
];

const SWARM: &[Place] = &[
    at("service.instances", &["deploy", "replicas"], Form::Plain),
    at("strategy.swarm.parallelism", &["deploy", "update_config", "parallelism"], Form::Plain),
    at("strategy.swarm.delay", &["deploy", "update_config", "delay"], Form::Plain),
    at("strategy.swarm.order", &["deploy", "update_config", "order"], Form::Plain),
    at("strategy.swarm.monitor", &["deploy", "update_config", "monitor"], Form::Plain),
    at(
        "strategy.swarm.failure_action",
        &["deploy", "update_config", "failure_action"],
        Form::Plain,
    ),
    at(
        "strategy.swarm.max_failure_ratio",
        &["deploy", "update_config", "max_failure_ratio"],
        Form::Ratio,
    ),
    at("shutdown.grace", &["stop_grace_period"], Form::Plain),
];

const NOMAD: &[Place] = &[
    at("service.instances", &["count"], Form::Plain),
    at("strategy.nomad.max_parallel", &["update", "max_parallel"], Form::Plain),
    at("strategy.nomad.canary", &["update", "canary"], Form::Plain),
    at("strategy.nomad.auto_promote", &["update", "auto_promote"], Form::Plain),
    at("strategy.nomad.auto_revert", &["update", "auto_revert"], Form::Plain),
    at("strategy.nomad.min_healthy_time", &["update", "min_healthy_time"], Form::Text),
    at("strategy.nomad.healthy_deadline", &["update", "healthy_deadline"], Form::Text),
    at("strategy.nomad.progress_deadline", &["update", "progress_deadline"], Form::Text),
];

/// The keys as tables of a scenario.
pub fn toml(chosen: &[(&str, &str)], scenario: &Scenario) -> String {
    let mut tables: BTreeMap<String, Vec<(String, &str)>> = BTreeMap::new();
    for (key, value) in chosen {
        let key = full(key, scenario);
        let (table, name) = key.rsplit_once('.').unwrap_or(("", &key));
        tables.entry(table.to_owned()).or_default().push((name.to_owned(), value));
    }
    let mut out = String::new();
    for (table, keys) in tables {
        if !table.is_empty() {
            let _ = writeln!(out, "[{table}]");
        }
        for (name, value) in keys {
            let _ = writeln!(out, "{name} = {}", written(value));
        }
    }
    out
}

/// `strategy.batch` is short for `strategy.generic.batch`.
fn full(key: &str, scenario: &Scenario) -> String {
    let of = scenario.strategy.orchestrator().name();
    match key.strip_prefix("strategy.") {
        Some(name) if !name.contains('.') => format!("strategy.{of}.{name}"),
        _ => key.to_owned(),
    }
}

/// A bare quantity or word becomes a text.
fn written(value: &str) -> String {
    let is_toml = value.parse::<f64>().is_ok()
        || ["true", "false"].contains(&value)
        || value.starts_with(['"', '\'', '{', '[']);
    if is_toml { value.to_owned() } else { format!("\"{value}\"") }
}

/// What to change in the manifest of this orchestrator; `None` where it is not known how, or
/// none of the keys stands in a manifest. Keys without a place are named in a comment.
pub fn patch(name: &str, chosen: &[(&str, &str)], scenario: &Scenario) -> Option<Patch> {
    let orchestrator = scenario.strategy.orchestrator();
    let (places, what, suffix) = match orchestrator {
        Orchestrator::Kubernetes => {
            (KUBERNETES, "kubectl patch deployment NAME --patch-file FILE", "yaml")
        }
        Orchestrator::Swarm => (SWARM, "Compose file, merged by docker stack deploy -c", "yaml"),
        Orchestrator::Nomad => (NOMAD, "Nomad job, in its group", "hcl"),
        _ => return None,
    };
    let (mut lines, mut strays) = (Vec::new(), Vec::new());
    for (key, value) in chosen {
        let key = full(key, scenario);
        match places.iter().find(|place| place.key == key) {
            Some(place) => lines.push((place.path, formed(value, place.form))),
            None => strays.push(format!("# {key} = {value} has no place here\n")),
        }
    }
    if lines.is_empty() {
        return None;
    }
    let hcl = orchestrator == Orchestrator::Nomad;
    let root: &[&str] = if orchestrator == Orchestrator::Swarm { &["services", name] } else { &[] };
    let mut text = strays.concat();
    let lines: Vec<(Vec<&str>, String)> =
        lines.into_iter().map(|(path, value)| ([root, path].concat(), value)).collect();
    nested(&lines, 0, hcl, &mut text);
    Some(Patch { what, suffix, text })
}

fn formed(value: &str, form: Form) -> String {
    let bare = value.trim_matches(['"', '\'']);
    match form {
        Form::Plain => bare.to_owned(),
        Form::Text => format!("\"{bare}\""),
        Form::Seconds => bare
            .parse::<crate::units::Span>()
            .map_or_else(|_| bare.to_owned(), |span| format!("{:.0}", span.as_secs_f64().ceil())),
        Form::Ratio => bare
            .parse::<crate::units::Share>()
            .map_or_else(|_| bare.to_owned(), |share| share.0.to_string()),
    }
}

/// Paths as blocks within blocks, in the order of their first line.
fn nested(lines: &[(Vec<&str>, String)], depth: usize, hcl: bool, out: &mut String) {
    let margin = "  ".repeat(depth);
    let mut done: Vec<&str> = Vec::new();
    for (path, value) in lines {
        let name = path[depth];
        if path.len() == depth + 1 {
            let sign = if hcl { " =" } else { ":" };
            let _ = writeln!(out, "{margin}{name}{sign} {value}");
        } else if !done.contains(&name) {
            done.push(name);
            let inside: Vec<(Vec<&str>, String)> = lines
                .iter()
                .filter(|(path, _)| path.len() > depth + 1 && path[depth] == name)
                .cloned()
                .collect();
            let _ = writeln!(out, "{margin}{name}{}", if hcl { " {" } else { ":" });
            nested(&inside, depth + 1, hcl, out);
            if hcl {
                let _ = writeln!(out, "{margin}}}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario;

    fn of(strategy: &str, chosen: &[(&str, &str)]) -> (String, Option<Patch>) {
        let text = format!(
            "rollcast = 1\n[service]\ninstances = 4\n\
             [versions.old]\nstart = \"5s\"\n[strategy.{strategy}]\n"
        );
        let scenario = scenario::load(&text, "x", Path::new(""), &[]).expect("sound").scenario;
        (toml(chosen, &scenario), patch("web", chosen, &scenario))
    }

    #[test]
    fn a_deployment_is_patched() {
        let keys = [
            ("strategy.max_surge", "25%"),
            ("strategy.kubernetes.max_unavailable", "0"),
            ("shutdown.grace", "45s"),
            ("shutdown.pre_stop", "5s"),
        ];
        let (toml, patch) = of("kubernetes", &keys);
        let patch = patch.unwrap().text;
        assert_eq!(
            toml,
            "[shutdown]\ngrace = \"45s\"\npre_stop = \"5s\"\n[strategy.kubernetes]\nmax_surge = \
             \"25%\"\nmax_unavailable = 0\n"
        );
        assert_eq!(
            patch,
            "# shutdown.pre_stop = 5s has no place here\nspec:\n  strategy:\n    \
             rollingUpdate:\n      maxSurge: 25%\n      maxUnavailable: 0\n  template:\n    \
             spec:\n      \
             terminationGracePeriodSeconds: 45\n"
        );
    }

    #[test]
    fn compose_files_and_jobs_are_patched() {
        let (_, swarm) = of("swarm", &[("strategy.parallelism", "2"), ("strategy.delay", "10s")]);
        assert_eq!(
            swarm.unwrap().text,
            "services:\n  web:\n    deploy:\n      update_config:\n        parallelism: 2\n        \
             delay: 10s\n"
        );
        let keys = [("strategy.max_parallel", "3"), ("strategy.min_healthy_time", "20s")];
        let nomad = of("nomad", &keys).1.unwrap();
        assert_eq!(nomad.text, "update {\n  max_parallel = 3\n  min_healthy_time = \"20s\"\n}\n");
        assert_eq!(of("generic", &[("strategy.batch", "3")]).1, None);
        assert_eq!(of("nomad", &[("traffic.rate", "3/s")]).1, None);
    }
}
