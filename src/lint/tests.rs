use super::*;
use crate::scenario;
use std::path::Path;

const BASE: &str = "\
rollcast = 1
gates = []
[service]
instances = 12
[versions.old]
start = \"22s\"
service_time = \"30ms\"
[strategy.STRATEGY]
";

/// Codes and keys of what is found in a scenario with these lines added.
fn found(strategy: &str, lines: &str, gate: &str) -> Vec<(&'static str, String)> {
    let text = BASE.replace("STRATEGY", strategy) + lines;
    let text = text.replace("gates = []", &format!("gates = [{gate}]"));
    let loaded = scenario::load(&text, "x.toml", Path::new("."), &[]).expect("sound");
    lint(&loaded.scenario).into_iter().map(|f| (f.code.text(), f.key)).collect()
}

fn check(strategy: &str, lines: &str, gate: &str, expected: &[(&'static str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(code, key)| (*code, (*key).to_owned())).collect();
    assert_eq!(found(strategy, lines, gate), expected, "{strategy} {lines} {gate}");
}

#[test]
fn rollouts_that_never_end() {
    let key = "strategy.kubernetes.max_unavailable";
    check("kubernetes", "max_surge = 0\nmax_unavailable = \"0%\"", "", &[("E034", key)]);
    // 1% of 12 rounds down to 0, but Kubernetes then allows one.
    check("kubernetes", "max_surge = 0\nmax_unavailable = \"1%\"", "", &[("KU01", key)]);
    let never = "[versions.new]\nnever_ready = \"100%\"\n";
    check("kubernetes", never, "", &[("E034", "versions.new.never_ready")]);
    check("kubernetes", &format!("{never}[pipeline]\nkind = \"helm-atomic\""), "", &[]);
    check("generic", never, "", &[]);
    let slow = "ready_deadline = \"3h\"\n[versions.new]\nstart = \"2h\"";
    check("generic", slow, "", &[("E034", "horizon")]);
}

#[test]
fn gates_that_no_run_can_keep() {
    let gate = "\"serving_min >= 9\"";
    check("generic", "batch = 4", gate, &[("E035", "gates.0")]);
    check("generic", "batch = 3", gate, &[]);
    check("generic", "batch = 4\norder = \"start-first\"", gate, &[]);
    check("kubernetes", "max_unavailable = 4", gate, &[("E035", "gates.0")]);
    check("kubernetes", "max_unavailable = \"25%\"", gate, &[]);
    check("kubernetes", "type = \"Recreate\"", "\"available_min >= 1\"", &[("E035", "gates.0")]);
    check("generic", "batch = 2", "\"serving_min >= 90%\"", &[("E035", "gates.0")]);
    check("kubernetes", "max_surge = 3", "\"instances_max <= 14\"", &[("E035", "gates.0")]);
    check("kubernetes", "type = \"Recreate\"", "\"p(full_outage) <= 1%\"", &[("E035", "gates.0")]);
}

#[test]
fn times_that_do_not_fit() {
    check("kubernetes", "[probes]\nperiod = \"30s\"", "", &[("W031", "probes.period")]);
    check("kubernetes", "[probes]\ntimeout = \"11s\"", "", &[("W038", "probes.timeout")]);
    let short = "[shutdown]\npre_stop = \"40s\"";
    check("kubernetes", short, "", &[("W032", "shutdown.grace")]);
    let drain = "[versions.new]\n[shutdown]\ngrace = \"100ms\"";
    check("kubernetes", drain, "", &[("W033", "shutdown.grace")]);
    // Jobs of three minutes need more than half a minute.
    let jobs = |service: &str, grace: &str| {
        let lines = format!("[queue]\nrate = \"1/s\"\n[shutdown]\ngrace = \"{grace}\"\n");
        let text = BASE.replace("STRATEGY", "kubernetes").replace("30ms", service) + &lines;
        let loaded = scenario::load(&text, "x.toml", Path::new("."), &[]).expect("sound");
        lint(&loaded.scenario).iter().filter(|f| f.code == Code::GraceBelowDrain).count()
    };
    let found = [("30ms", "30s"), ("3m", "30s"), ("3m", "4m")].map(|(s, g)| jobs(s, g));
    assert_eq!(found, [0, 1, 0]);
    let key = "strategy.generic.ready_deadline";
    check("generic", "ready_deadline = \"20s\"", "", &[("W034", key)]);
    let ci = "[pipeline]\nkind = \"ci\"\ntimeout = \"1m\"";
    check("generic", ci, "", &[("W040", "pipeline.timeout")]);
}

#[test]
fn demand_against_what_is_left() {
    // One instance answers 16 / 30 ms = 533/s.
    let rate = |rate: &str| format!("batch = 6\n[traffic]\nrate = \"{rate}/s\"");
    check("generic", &rate("3100"), "", &[]);
    check("generic", &rate("3300"), "", &[("W035", "traffic.rate")]);
    let recreate = "type = \"Recreate\"\n[traffic]\nrate = \"9/s\"\n[shutdown]\npre_stop = \"5s\"";
    check("kubernetes", recreate, "", &[("W035", "strategy.kubernetes.type")]);
    let bare = "[traffic]\nrate = \"9/s\"";
    check("kubernetes", bare, "", &[("W037", "shutdown.pre_stop")]);
    let grpc = "[traffic]\nrate = \"9/s\"\n[clients]\nprotocol = \"grpc\"";
    check("generic", grpc, "", &[("W039", "clients.protocol")]);
}
