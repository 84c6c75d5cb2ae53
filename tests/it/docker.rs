//! Simulated updates of a Swarm service as `docker events` and `docker inspect` would show them,
//! and what is found in them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use rollcast::scenario::{Scenario, load};
use rollcast::sim::{Depth, Model, World};
use rollcast::study::fit::{Answer, Options, Quantity, Recorder, Report, fit};
use rollcast::trace::{Cause, Moment, Phase, Record};
use rollcast::units::Time;
use serde_json::{Value, json};

use crate::support::Run;

/// 2026-11-22T10:00:00Z.
const BEGIN: f64 = 1_795_341_600.0;
/// mu = ln 6, sigma = 0.35; mean 3 s, cv 0.5.
const START: &str = "{ law = \"lognormal\", mu = 1.791759469228055, sigma = 0.35 }";
const EXIT: &str = "{ law = \"gamma\", mean = \"3s\", cv = 0.5 }";

/// A service under a quiet control plane; START is leave to run until the process has started.
fn scenario(instances: u32) -> Scenario {
    let text = format!(
        "rollcast = 1\n[service]\nname = \"web\"\ninstances = {instances}\n[versions.old]\nstart = \
         \"0s\"\nexit = {EXIT}\n[shutdown]\npre_stop = \"0s\"\ngrace = \"1m\"\n[control]\nwatch = \
         \"0s\"\nschedule = \"0s\"\nlaunch = {START}\n[strategy.swarm]\nparallelism = 2\norder = \
         \"start-first\"\n"
    );
    load(&text, "web.toml", Path::new("."), &[]).expect("a good scenario").scenario
}

/// What a swarm shows of updates that follow each other.
struct Shown {
    events: Vec<Value>,
    tasks: Vec<Value>,
    next: f64,
    /// Names of the tasks that run.
    alive: Vec<String>,
}

impl Shown {
    fn new() -> Self {
        Self { events: Vec::new(), tasks: Vec::new(), next: BEGIN + 0.25, alive: Vec::new() }
    }

    /// Adds an update to version number `to`.
    fn update(&mut self, scenario: &Scenario, to: usize, seed: u64) {
        let mut records: Vec<(Time, Record)> = Vec::new();
        let model = Model::new(scenario);
        World::new(&model).run(seed, 0, Depth::Control, &mut records);
        let begun = |(_, record): &&(Time, Record)| *record == Record::Moment(Moment::Begun);
        let begun = records.iter().find(begun).map_or(0.0, |(at, _)| at.as_secs_f64());
        let mut names: BTreeMap<u32, (String, usize)> = BTreeMap::new();
        let (mut created, mut at) = (BTreeMap::new(), self.next);
        let mut left = Vec::new();
        for (moment, record) in &records {
            let Record::Phase { instance, version, to: phase, cause } = record else { continue };
            at = self.next + (moment.as_secs_f64() - begun).max(0.0);
            let running = self.alive.get(*instance as usize).cloned();
            let is_new = version.0 > 0;
            let name = running.filter(|_| !is_new).unwrap_or(format!("t{to}x{instance}"));
            let version = if is_new { to } else { to - 1 };
            names.insert(*instance, (name.clone(), version));
            let mut event = |action: &str, more: &[(&str, &str)]| {
                self.events.push(event(at, action, &name, version, more));
            };
            match phase {
                _ if *cause == Cause::Initial => {}
                Phase::Pending | Phase::Available => {}
                Phase::Starting => {
                    created.insert(*instance, at);
                    event("create", &[]);
                }
                Phase::Ready => {
                    event("start", &[]);
                    let begun = created[instance];
                    self.tasks.push(task(&name, *instance, version, begun, at));
                }
                Phase::Draining => event("kill", &[("signal", "15")]),
                Phase::Stopped => {
                    event("die", &[("exitCode", "0")]);
                    left.push(*instance);
                }
                Phase::Failed | Phase::Lost => unreachable!("nothing fails here"),
            }
        }
        names.retain(|instance, _| !left.contains(instance));
        self.alive = names.into_values().map(|(name, _)| name).collect();
        self.next = at + 3600.0;
    }

    fn events(&self) -> String {
        self.events.iter().flat_map(|event| [event.to_string(), "\n".to_owned()]).collect()
    }
}

fn image(version: usize) -> String {
    format!("shop/web:{}@sha256:{version}a2b3c4d5e6f", version + 1)
}

fn event(at: f64, action: &str, name: &str, version: usize, more: &[(&str, &str)]) -> Value {
    let mut attributes = json!({
        "image": image(version), "name": format!("web.1.{name}"),
        "com.docker.swarm.service.id": "s1", "com.docker.swarm.service.name": "web",
        "com.docker.swarm.task.id": name,
    });
    for (key, value) in more {
        attributes[*key] = json!(value);
    }
    json!({
        "status": action, "id": format!("c{name}"), "from": image(version), "Type": "container",
        "Action": action, "Actor": { "ID": format!("c{name}"), "Attributes": attributes },
        "scope": "local", "time": at as u64, "timeNano": (at * 1e9) as u64,
    })
}

fn task(name: &str, slot: u32, version: usize, created: f64, running: f64) -> Value {
    let stamp = |at: f64| {
        humantime::format_rfc3339_nanos(UNIX_EPOCH + Duration::from_secs_f64(at)).to_string()
    };
    json!({
        "ID": name, "Version": { "Index": 7 }, "CreatedAt": stamp(created), "ServiceID": "s1",
        "Slot": slot + 1, "NodeID": "n1", "DesiredState": "running",
        "Spec": { "ContainerSpec": { "Image": image(version),
            "Healthcheck": { "Test": ["CMD", "/ok"] } } },
        "Status": { "Timestamp": stamp(running), "State": "running" },
    })
}

fn found(text: String) -> Report {
    // Too few resamples to refuse a law: intervals are what is looked at here.
    let options = Options { resamples: 1, seed: 1, ..Options::default() };
    fit(&[("swarm".to_owned(), text)], &options).unwrap()
}

#[test]
fn what_was_simulated_is_found_in_what_docker_shows() {
    let scenario = scenario(50);
    let (mut held, mut asked) = (0, 0);
    let mut hold = |report: &Report, quantity: Quantity, median: f64| {
        let Answer::Law { .. } = report.row(quantity, None).unwrap().answer else { return };
        let answer = &report.row(quantity, None).unwrap().answer;
        let interval = answer.interval(|law| law.quantile(0.5)).unwrap();
        held += u32::from(interval.low <= median && median <= interval.high);
        asked += 1;
    };
    for seed in 1..=60u64 {
        let mut shown = Shown::new();
        shown.update(&scenario, 1, seed);
        let by_events = found(shown.events());
        assert_eq!(
            (by_events.recorder, by_events.workload.as_str()),
            (Some(Recorder::Docker), "web")
        );
        hold(&by_events, Quantity::Start, 6.0);
        hold(&by_events, Quantity::Exit, 2.752);
        let by_tasks = found(Value::from(shown.tasks.clone()).to_string());
        hold(&by_tasks, Quantity::Start, 6.0);
        assert!(by_tasks.probed && !by_events.probed);
    }
    // Of 180 answers (120 of them apart) 84 % is two and a half standard errors below 90 %.
    assert_eq!(asked, 180);
    let share = f64::from(held) / f64::from(asked);
    assert!(share >= 0.84, "{held} of {asked}");
}

#[test]
fn tables_are_a_scenario_of_a_swarm() {
    let mut shown = Shown::new();
    for to in 1..=2 {
        shown.update(&scenario(12), to, 20 + to as u64);
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("web.toml");
    let name = file.to_str().unwrap();
    let args = ["fit", "-", "--complete", "--resamples", "49", "-o", name];
    let run = Run::new(args).stdin(shown.events()).run();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.starts_with("web: 36 tasks of 3 versions"), "{}", run.stdout);
    let toml = std::fs::read_to_string(&file).unwrap();
    let loaded = load(&toml, name, Path::new("."), &[]).unwrap();
    assert!(loaded.warnings.is_empty());
    assert_eq!(loaded.scenario.service.instances, 12);
    let launch = loaded.scenario.control.launch.quantile(0.5).as_secs_f64();
    assert!((4.5..8.0).contains(&launch), "{toml}");
    // Twelve of each version ended: old and new apart.
    assert!(toml.contains("[versions.old]") && toml.contains("[strategy.swarm]"), "{toml}");
    let ps = "{\"CurrentState\":\"Running 3 minutes ago\",\"ID\":\"x\",\"Name\":\"web.1\"}\n";
    let run = Run::new(["fit", "-"]).stdin(ps).run();
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("standard input: line 1: `docker service ps`"), "{}", run.stderr);
}

#[test]
fn past_updates_are_forecast() {
    let mut shown = Shown::new();
    for to in 1..=5 {
        shown.update(&scenario(10), to, 40 + to as u64);
    }
    let dir = tempfile::tempdir().unwrap();
    let settings = dir.path().join("web.toml");
    let text = "rollcast = 1\n[service]\ninstances = 1\n[versions.old]\nstart = \"1s\"\n\
                [shutdown]\npre_stop = \"0s\"\n[control]\nwatch = \"0s\"\n[strategy.swarm]\n\
                parallelism = 2\norder = \"start-first\"\n";
    std::fs::write(&settings, text).unwrap();
    let settings = settings.to_str().unwrap();
    let args = ["backtest", "-", "--settings", settings, "--runs", "100", "--json"];
    let run = Run::new(args).stdin(shown.events()).run();
    assert!(run.code == Some(0) || run.code == Some(10), "{}", run.stderr);
    let value: Value = serde_json::from_str(&run.stdout).unwrap();
    let rollouts = value["rollouts"].as_array().unwrap();
    assert_eq!(rollouts.len(), 4, "{value}");
    for one in rollouts {
        let median = one["duration"]["median"].as_f64().unwrap();
        let happened = one["duration"]["happened"].as_f64().unwrap();
        assert!((median / happened - 1.0).abs() < 0.35, "{one}");
        assert_eq!(one["available_min"]["happened"], 10.0, "{one}");
    }
}
