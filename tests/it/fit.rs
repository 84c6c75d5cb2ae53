//! Fitted times against those that the recordings were made with.

use std::path::Path;

use rollcast::scenario::load;
use rollcast::scenario::print::to_toml;
use rollcast::sim::{Depth, Model, World};
use rollcast::stats::fit::Family;
use rollcast::study::backtest::{Input, Options as BacktestOptions, backtest};
use rollcast::study::fit::{Answer, Options, Quantity, sample};
use rollcast::trace::journal::{Header, World as JournalWorld, Writer};
use rollcast::trace::recorded::kubectl::Pods;
use rollcast::units::{Bandwidth, Bytes};
use serde_json::json;

use crate::kubectl::{Watch, scenario};
use crate::support::Run;

const EXAMPLE: &str = "tests/data/kubectl/checkout-watch.json";
/// mu = ln 12, sigma = 0.3; mean 3 s, cv 0.5.
const START: &str = "{ law = \"lognormal\", mu = 2.4849066497880004, sigma = 0.3 }";
const EXIT: &str = "{ law = \"gamma\", mean = \"3s\", cv = 0.5 }";

/// What the pods in a watch say of a quantity.
fn answer(watch: &Watch, quantity: Quantity) -> Answer {
    // Too few resamples to refuse a law: intervals are what is looked at here.
    let options = Options { resamples: 1, seed: 1, ..Options::default() };
    let read = Pods::read(&[&watch.text()]).unwrap().lives();
    Answer::of(&sample(quantity, read.lives.iter(), read.tick), &options)
}

#[test]
fn what_was_simulated_is_found_in_what_kubectl_shows() {
    let scenario = scenario(60, START, EXIT);
    let (mut held, mut asked, mut right) = (0, 0, 0);
    for seed in 1..=120u32 {
        let mut watch = Watch::new(f64::from(seed) * 0.618);
        // Some are not ready, some have not ended when the watch is closed.
        let patience = if seed % 2 == 0 { 1e9 } else { 60.0 };
        watch.rollout(&scenario, 1, u64::from(seed), patience);
        let truths =
            [(Quantity::Start, Family::LogNormal, 12.0), (Quantity::Exit, Family::Gamma, 2.752)];
        for (quantity, family, median) in truths {
            let answer = answer(&watch, quantity);
            let Answer::Law { fitted, .. } = &answer else { continue };
            right += u32::from(fitted.law.family() == family);
            let interval = answer.interval(|law| law.quantile(0.5)).unwrap();
            held += u32::from(interval.low <= median && median <= interval.high);
            asked += 1;
        }
    }
    // Intervals are 90 % ones; of 240 answers 85 % is two and a half standard errors below.
    assert_eq!(asked, 240);
    let share = f64::from(held) / f64::from(asked);
    assert!(share >= 0.85, "{held} of {asked}");
    assert!(right * 2 >= asked, "{right} of {asked} families");
}

#[test]
fn tables_are_a_scenario() {
    // `ROLLCAST_BLESS=1` writes the example anew.
    let mut watch = Watch::new(0.25);
    for (to, seed) in [(1, 11), (2, 12)] {
        watch.rollout(&scenario(12, START, EXIT), to, seed, 1e9);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(EXAMPLE);
    if std::env::var_os("ROLLCAST_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, watch.text()).unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("checkout.toml");
    let name = file.to_str().unwrap();
    let run = Run::new(["fit", EXAMPLE, "--complete", "-o", name]).run();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.starts_with("shop/checkout: "), "{}", run.stdout);
    let toml = std::fs::read_to_string(&file).unwrap();
    assert!(toml.contains("# Scheduled to ready: 12 pods of"), "{toml}");
    let loaded = load(&toml, name, Path::new("."), &[]).unwrap();
    assert!(loaded.warnings.is_empty());
    assert_eq!(loaded.scenario.service.instances, 12);
    let median = loaded.scenario.versions.old.start.quantile(0.5).as_secs_f64();
    assert!((8.0..17.0).contains(&median), "{toml}");
    // What it wrote it writes again, what others wrote it does not touch.
    assert_eq!(Run::new(["fit", EXAMPLE, "-o", name]).run().code, Some(0));
    std::fs::write(&file, "mine = 1\n").unwrap();
    let refused = Run::new(["fit", EXAMPLE, "-o", name]).run();
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine = 1\n");
}

#[test]
fn json_and_standard_input() {
    let mut watch = Watch::new(0.5);
    watch.rollout(&scenario(20, START, EXIT), 1, 3, 1e9);
    let run = Run::new(["fit", "-", "--json"]).stdin(watch.text()).run();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let value: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(value["schema"], "rollcast-fit/1");
    assert_eq!(value["files"][0], "standard input");
    assert_eq!(value["rows"][0]["quantity"], "start");
    assert_eq!(value["rows"][0]["ended"], 20);
    let p50 = &value["rows"][0]["answer"]["law"]["p50_s"];
    assert!(p50["low"].as_f64() < p50["high"].as_f64(), "{value}");
}

#[test]
fn what_cannot_be_fitted_says_what_is_missing() {
    let said = |input: &str, code: i32| {
        let run = Run::new(["fit", "-"]).stdin(input).run();
        assert_eq!(run.code, Some(code), "{}{}", run.stdout, run.stderr);
        run.stderr
    };
    let empty = said("", 1);
    assert!(empty.contains("standard input: line 1: nothing but white space"), "{empty}");
    let none = said("{\"kind\": \"List\", \"items\": []}", 1);
    assert!(none.contains("no pod of a Deployment"), "{none}");
    let torn = said("{\"kind\": \"List\",\n\"items\": [", 1);
    assert!(torn.contains("line 2: no JSON"), "{torn}");
    // One pod that never became ready.
    let mut watch = Watch::new(0.0);
    watch.rollout(&scenario(1, "\"60s\"", EXIT), 1, 1, 20.0);
    let few = said(&watch.text(), 1);
    assert!(few.contains("too few instances were seen becoming ready"), "{few}");
}

#[test]
fn past_rollouts_are_forecast_from_those_before_them() {
    let mut watch = Watch::new(0.25);
    for to in 1..=6 {
        watch.rollout(&scenario(16, START, EXIT), to, 100 + to as u64, 1e9);
    }
    let dir = tempfile::tempdir().unwrap();
    let (pods, settings) = (dir.path().join("pods.json"), dir.path().join("settings.toml"));
    std::fs::write(&pods, watch.text()).unwrap();
    let strategy = "rollcast = 1\n[service]\ninstances = 1\n[versions.old]\nstart = \"1s\"\n\
                    [strategy.kubernetes]\nmax_surge = \"25%\"\nmax_unavailable = 0\n";
    std::fs::write(&settings, strategy).unwrap();
    let names = [&pods, &settings].map(|path| path.to_str().unwrap());
    let args = ["backtest", names[0], "--settings", names[1], "--runs", "200"];
    let run = Run::new(args.iter().copied().chain(["--json"])).run();
    assert!(run.code == Some(0) || run.code == Some(10), "{}", run.stderr);
    let value: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let rollouts = value["rollouts"].as_array().unwrap();
    assert_eq!(rollouts.len(), 5, "{value}");
    assert_eq!(rollouts[0]["starts"], 16);
    assert_eq!(rollouts[4]["starts"], 80);
    for one in rollouts {
        assert_eq!(one["instances"], 16, "{one}");
        assert_eq!(one["available_min"]["happened"], 16.0, "{one}");
        let median = one["duration"]["median"].as_f64().unwrap();
        let happened = one["duration"]["happened"].as_f64().unwrap();
        assert!((median / happened - 1.0).abs() < 0.5, "{one}");
    }
    // Four of five inside a 90 % interval is the least that is likely (92 %).
    assert!(value["duration_s"]["coverage"].as_f64().unwrap() >= 0.6, "{value}");
    assert_eq!(run.code, Some(if value["holds"] == true { 0 } else { 10 }));
    let text = Run::new(args).run();
    assert_eq!(text.code, run.code);
    assert!(text.stdout.contains("\"same as last time\""), "{}", text.stdout);
}

#[test]
fn a_history_needs_two_rollouts() {
    let mut watch = Watch::new(0.25);
    watch.rollout(&scenario(8, START, EXIT), 1, 5, 1e9);
    let run = Run::new(["backtest", "-"]).stdin(watch.text()).run();
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(run.stderr.contains("1 of 1 rollouts in the input are complete"), "{}", run.stderr);
    let crash = Run::new(["backtest", "tests/data/traces/r1e1c36b1.json"]).run();
    assert_eq!(crash.code, Some(1));
    assert!(crash.stderr.contains("is no plain rolling update"), "{}", crash.stderr);
}

/// A log line of nginx whose last field is the time of the response.
fn line(i: u32) -> String {
    let ms = i * i % 89 + 3;
    let request = "[17/May/2015:10:05:03 +0000] \"GET /a HTTP/1.1\" 200 3 \"-\" \"x\"";
    format!("::1 - - {request} 0.{ms:03}\n")
}

/// How often what happens lies in the 90 % intervals of histories that are told apart by their
/// seeds, and how many were asked.
fn coverage(instances: u32, rollouts: usize, seeds: std::ops::Range<u64>) -> (f64, f64, usize) {
    let scenario = scenario(instances, START, EXIT);
    let (mut durations, mut lowest, mut asked) = (0, 0, 0);
    for seed in seeds {
        let mut watch = Watch::new(seed as f64 * 0.618);
        for to in 1..=rollouts {
            watch.rollout(&scenario, to, seed * 100 + to as u64, 1e9);
        }
        let input = [Input::Text("pods".to_owned(), watch.text())];
        let options = BacktestOptions { workload: None, runs: 200, seed, threads: 0 };
        let report = backtest(&input, Some(&scenario), &options).unwrap();
        for one in &report.played {
            durations += usize::from(one.duration.covered);
            lowest += usize::from(one.available_min.covered);
            asked += 1;
        }
    }
    let share = |held: usize| held as f64 / asked as f64;
    (share(durations), share(lowest), asked)
}

#[test]
fn intervals_of_forecasts_hold_what_happens_about_as_often_as_they_say() {
    // From one rollout of six pods the spread is hardly known, from three of them better.
    let (durations, lowest, asked) = coverage(6, 4, 1..26);
    assert_eq!(asked, 75);
    // 75 answers: 90 % ± 7 % at two standard errors.
    assert!((0.82..=0.98).contains(&durations), "{durations}");
    assert!(lowest > 0.9, "{lowest}");
}

#[test]
fn own_traces_are_a_history() {
    let scenario = scenario(8, START, EXIT);
    let dir = tempfile::tempdir().unwrap();
    let mut args = vec!["backtest".to_owned(), "--json".to_owned()];
    args.extend(["--runs".to_owned(), "100".to_owned()]);
    for replication in 0..4 {
        let text = serde_json::Value::from(to_toml(&scenario));
        let header = Header::new(JournalWorld::Sim, 7, replication, text);
        let mut writer = Writer::new(Vec::new(), &header);
        let model = Model::new(&scenario);
        World::new(&model).run(7, replication, Depth::Control, &mut writer);
        let path = dir.path().join(format!("{replication}.jsonl"));
        std::fs::write(&path, writer.finish().unwrap()).unwrap();
        args.push(path.display().to_string());
    }
    let run = Run::new(args).run();
    assert!(run.code == Some(0) || run.code == Some(10), "{}", run.stderr);
    let value: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let rollouts = value["rollouts"].as_array().unwrap();
    assert_eq!(rollouts.len(), 3, "{value}");
    for one in rollouts {
        let (median, happened) = (&one["duration"]["median"], &one["duration"]["happened"]);
        let ratio = median.as_f64().unwrap() / happened.as_f64().unwrap();
        assert!((ratio - 1.0).abs() < 0.4, "{one}");
    }
}

#[test]
fn recordings_of_a_swarm_are_a_history() {
    // The same update twice is a history of two that are alike; one that crashes is none.
    let [plain, crashes] = ["r18", "r41"].map(|name| format!("tests/data/swarm/{name}.json"));
    let args = ["backtest", "--json", "--runs", "100", &plain, &plain, &crashes];
    let run = Run::new(args).run();
    assert!(run.code == Some(0) || run.code == Some(10), "{}", run.stderr);
    let value: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let rollouts = value["rollouts"].as_array().unwrap();
    assert_eq!(rollouts.len(), 1, "{value}");
    let median = rollouts[0]["duration"]["median"].as_f64().unwrap();
    let happened = rollouts[0]["duration"]["happened"].as_f64().unwrap();
    assert!((median / happened - 1.0).abs() < 0.3, "{value}");
    let left_out = value["left_out"][0].as_str().unwrap();
    assert!(left_out.contains("tasks that end by themselves"), "{value}");
}

#[test]
fn values_go_into_a_scenario_and_the_rest_of_it_stays() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("checkout.toml");
    let name = file.to_str().unwrap();
    let before = "# ours\nrollcast = 1\n\n[service]\nname = \"checkout\"  # the shop's\n\
                  instances = 12\n\n[strategy.kubernetes]\nmax_surge = 1 # careful\n\n\
                  [versions.old]\nstart = { p50 = \"9s\", p95 = \"20s\" }  # assumed: typical\n\n\
                  # that's all\n";
    std::fs::write(&file, before).unwrap();
    let log = dir.path().join("access.log");
    std::fs::write(&log, (0..200).map(line).collect::<String>()).unwrap();
    let log = log.to_str().unwrap();
    let args = ["fit", EXAMPLE, log, "--resamples", "49", "--into", name];
    let run = Run::new(args).run();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("replaced  versions.old.start"), "{}", run.stderr);
    let after = std::fs::read_to_string(&file).unwrap();
    for kept in ["# ours\n", "# the shop's", "max_surge = 1 # careful", "# that's all"] {
        assert!(after.contains(kept), "{after}");
    }
    assert!(!after.contains("assumed"), "it was measured:\n{after}");
    assert!(after.find("[strategy.kubernetes]") < after.find("[versions.old]"), "{after}");
    let loaded = load(&after, name, Path::new("."), &[]).unwrap();
    let median = |dist: &rollcast::scenario::Dist| dist.quantile(0.5).as_secs_f64();
    let versions = &loaded.scenario.versions;
    assert!((8.0..17.0).contains(&median(&versions.old.start)), "{after}");
    assert!((0.01..0.09).contains(&median(&versions.old.service_time)), "{after}");
    // Again: the same bytes.
    assert_eq!(Run::new(args).run().code, Some(0));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), after);
    // What cannot be changed in its place is refused, and nothing is written.
    let parts = "rollcast = 1\n[service]\ninstances = 2\n[strategy.kubernetes]\n\
                 [versions.old]\nstart.p50 = \"9s\"\nstart.p95 = \"20s\"\n";
    std::fs::write(&file, parts).unwrap();
    let refused = Run::new(args).run();
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("line 6: `versions.old.start` is written in parts"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), parts);
}

#[test]
fn versions_are_told_apart_where_both_have_enough() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pods.toml");
    let name = file.to_str().unwrap();
    for (instances, apart) in [(12, true), (7, false)] {
        let mut watch = Watch::new(0.25);
        watch.rollout(&scenario(instances, START, EXIT), 1, 31, 1e9);
        let slow = "{ law = \"lognormal\", mu = 3.4, sigma = 0.3 }";
        watch.rollout(&scenario(instances, slow, EXIT), 2, 32, 1e9);
        let args = ["fit", "-", "--resamples", "49", "--complete", "-o", name];
        let run = Run::new(args).stdin(watch.text()).run();
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let toml = std::fs::read_to_string(&file).unwrap();
        let loaded = load(&toml, name, Path::new("."), &[]).unwrap().scenario.versions;
        let median = |dist: &rollcast::scenario::Dist| dist.quantile(0.5).as_secs_f64();
        let (old, new) = (median(&loaded.old.start), median(&loaded.new.start));
        if apart {
            assert!(old < 17.0 && new > 22.0, "{toml}");
        } else {
            assert!(old == new && toml.contains("All versions pooled"), "{toml}");
        }
    }
}

#[test]
fn an_access_log_needs_times_of_responses() {
    let run = Run::new(["fit", "tests/data/access.log"]).run();
    assert_eq!(run.code, Some(1));
    let wanted = "tests/data/access.log: line 1: the log has no response times";
    assert!(run.stderr.contains(wanted), "{}", run.stderr);
    assert!(run.stderr.contains("nginx's $request_time"), "{}", run.stderr);
    let neither = Run::new(["fit", "-"]).stdin("\nhello\n").run();
    assert!(neither.stderr.contains("standard input: line 2: neither JSON nor an access log"));
    let logs = Run::new(["backtest", "-"]).stdin("{\"status\": 200, \"request_time\": 0.1}").run();
    assert!(logs.stderr.contains("access logs tell of no rollout"), "{}", logs.stderr);
}

#[test]
fn pulls_of_known_size_are_told_apart_from_the_boot() {
    let mut items = Vec::new();
    for i in 0..20u32 {
        let stamp = |second: u32| format!("2026-11-22T10:{i:02}:{second:02}Z");
        // Sizes alike, speeds and boots not.
        let (pull, boot) = (4 + i % 3, 6 + i * 7 % 9);
        let name = format!("cart-6f7c9d-{i:05}");
        let (started, ready) = (2 + pull, 2 + pull + boot);
        items.push(json!({ "kind": "Pod",
            "metadata": { "name": name, "namespace": "shop", "uid": name,
                "labels": { "pod-template-hash": "6f7c9d" },
                "ownerReferences": [{ "kind": "ReplicaSet", "name": "cart-6f7c9d" }],
                "creationTimestamp": stamp(0) },
            "spec": { "nodeName": format!("node-{}", i % 5),
                "containers": [{ "image": "cart:2" }] },
            "status": {
                "conditions": [
                    { "type": "PodScheduled", "status": "True", "lastTransitionTime": stamp(0) },
                    { "type": "Ready", "status": "True", "lastTransitionTime": stamp(ready) }],
                "containerStatuses": [{ "restartCount": 0,
                    "state": { "running": { "startedAt": stamp(started) } } }] } }));
        let pulled = format!(
            "Successfully pulled image \"cart:2\" in {pull}s ({pull}s including waiting). Image \
             size: 80000000 bytes."
        );
        for (reason, message, second) in [("Pulling", "", 1), ("Pulled", &pulled, 1 + pull)] {
            items.push(json!({ "kind": "Event", "reason": reason, "message": message,
                "firstTimestamp": stamp(second),
                "involvedObject": { "kind": "Pod", "namespace": "shop", "name": name,
                    "uid": name } }));
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cart.toml");
    let name = file.to_str().unwrap();
    let list = json!({ "kind": "List", "items": items }).to_string();
    let args = ["fit", "-", "--resamples", "49", "--complete", "-o", name];
    let run = Run::new(args).stdin(list).run();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let toml = std::fs::read_to_string(&file).unwrap();
    let scenario = load(&toml, name, Path::new("."), &[]).unwrap().scenario;
    assert_eq!(scenario.versions.old.pull, Some(Bytes(80_000_000)), "{toml}");
    // 80 MB in the median 5 s.
    assert_eq!(scenario.hosts.bandwidth, Some(Bandwidth(16_000_000)), "{toml}");
    assert_eq!(scenario.hosts.count, 5, "{toml}");
    let boot = scenario.versions.old.start.quantile(0.5).as_secs_f64();
    assert!((8.0..12.0).contains(&boot), "{toml}");
    // Nobody saw one stop.
    assert!(toml.contains("# exit: Too few instances were seen"), "{toml}");
}
