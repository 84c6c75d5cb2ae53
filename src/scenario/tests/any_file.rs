//! Properties that hold for any file.

use std::path::Path;

use proptest::prelude::*;

use super::lines::LINES;
use super::{SMALL, good};
use crate::scenario::diagnostic::{Format, render};
use crate::scenario::{Override, load, print};
use crate::units::Span;

const STRATEGIES: &[&str] = &[
    r#"[strategy.statefulset]
pod_management_policy = "Parallel"
partition = 2
max_unavailable = "34%"
min_ready = "3s"
operations = [{ at = "1m", partition = 0 }, { at = "2m", scale = 9 }]
"#,
    r#"[strategy.daemonset]
max_unavailable = 0
max_surge = "10%"
operations = [{ at = "1m", do = "undo" }]
"#,
    r#"[strategy.generic]
batch = "33.3%"
window = "sliding"
order = "start-first"
failures_allowed = "10%"
on_failure = "rollback"
bake = "9s"
"#,
    r#"[strategy.generic]
batch = 5
on_failure = "continue"
ready_deadline = "90s"
"#,
    r#"[strategy.kubernetes]
max_surge = 3
max_unavailable = "12.5%"
min_ready = "10s"
version = "1.20"
"#,
    r#"[strategy.kubernetes]
type = "Recreate"
operations = [{ at = "30s", scale = 20 }, { at = "5s", do = "pause" }]
"#,
    r#"[strategy.asg]
min_healthy_percentage = 100
max_healthy_percentage = 150
checkpoint_percentages = [5, 20, 100]
checkpoint_delay = "10m"
bake_time = "5m"
auto_rollback = true
alarm = "2.5%"
alarm_delay = "2m"
protected_instances = 1
scale_in_protected_instances = "Ignore"
"#,
    r#"[strategy.mig]
max_surge = "10%"
max_unavailable = 0
min_ready = "10s"
target_size = "20%"
autohealing = true
"#,
    r#"[strategy.mig]
type = "OPPORTUNISTIC"
zones = 1
replacement_method = "RECREATE"
minimal_action = "RESTART"
most_disruptive_allowed_action = "RESTART"
"#,
    r#"[strategy.vmss]
max_batch_instance_percent = 50
max_unhealthy_upgraded_instance_percent = 0
pause_time_between_batches = "2s"
max_surge = true
zones = 3
"#,
    r#"[strategy.service_fabric]
upgrade_domains = 4
health_check_wait = "30s"
upgrade_timeout = "2h"
min_instance_percentage = 60
watchdog = "2%"
failure_action = "Rollback"
"#,
    r#"[strategy.nomad]
max_parallel = 3
canary = 1
auto_promote = true
health_check = "task_states"
progress_deadline = 0
reschedule_function = "fibonacci"
reschedule_attempts = 3
reschedule_interval = "30m"
"#,
    r#"[strategy.nomad]
canary = 12
auto_revert = true
health_check = "manual"
operations = [{ at = "30s", do = "promote" }]
"#,
    r#"[strategy.ecs]
minimum_healthy_percent = 50
maximum_percent = 150
room = 14
circuit_breaker = true
circuit_breaker_rollback = true
threshold_type = "count"
threshold_value = 4
reset_on_healthy_task = false
"#,
    r#"[strategy.ecs]
health = "running"
alarm = "2%"
alarm_delay = "2m"
alarm_rollback = true
bake_time = "7m"
"#,
    r#"[strategy.codedeploy]
minimum_healthy_hosts = "85%"
zones = 3
monitor_duration = "5m"
first_zone_monitor_duration = "9m"
minimum_healthy_hosts_per_zone = 1
auto_rollback_on_failure = true
"#,
    r#"[strategy.codedeploy]
minimum_healthy_hosts = "HalfAtATime"
allow_traffic_timeout = "5m"
alarm = "5%"
auto_rollback_on_alarm = true
"#,
    r#"[strategy.argo_canary]
traffic_routing = true
max_weight = 1000
steps = [
  { set_canary_scale = { replicas = 3 } },
  { set_weight = 25 },
  { pause = "5m" },
  { analysis = { interval = "30s", count = 3, success_error_share = "0.7%" } },
  { set_canary_scale = { weight = 300 } },
  { set_canary_scale = { match_traffic_weight = true } },
  { experiment = "2m" },
  { pause = "forever" },
]
analysis = { interval = "1m", failure_limit = 2 }
analysis_starting_step = 1
operations = [{ at = "10m", do = "promote" }]
"#,
    r#"[strategy.argo_canary]
max_surge = "10%"
max_unavailable = 0
replica_progress_threshold = "90%"
"#,
    r#"[strategy.argo_bluegreen]
preview_replica_count = 2
auto_promotion_enabled = false
pre_promotion_analysis = { max_error_share = "3%" }
post_promotion_analysis = { interval = "10s", count = 6, dry_run = true }
"#,
    "[strategy.flagger]
step_weights = [1, 5, 20]
step_weight_promotion = 50
confirm_promotion = true
",
    r#"[strategy.flagger]
provider = "kubernetes"
threshold = 3
"#,
    r#"[strategy.ansible]
serial = [1, "25%"]
max_fail_percentage = 0
drain_wait = "60s"
"#,
    r#"[strategy.ansible]
serial = 3
max_fail_percentage = "12.5%"
any_errors_fatal = true
forks = 20
order = "reverse_sorted"
start_timeout = "90s"
"#,
    r#"[strategy.kamal]
boot_limit = "25%"
boot_wait = "10s"
drain_timeout = "20s"
primary = 1
proxy = false
"#,
    r#"[strategy.capistrano]
in = "groups"
limit = 3
wait = "5s"
"#,
    r#"[strategy.capistrano]
in = "sequence"
restart_time = "500ms"
"#,
    r#"[strategy.appconfig]
preset = "AppConfig.Canary10Percent20Minutes"
alarm_errors = "0.7%"
"#,
    r#"[strategy.appconfig]
growth_type = "EXPONENTIAL"
growth_factor = "33.3%"
deployment_duration = "10m"
apply = "restart"
alarm_unready = "10%"
alarm_after = "90s"
"#,
    r#"[strategy.swarm]
parallelism = 0
delay = "2s"
order = "start-first"
monitor = "0s"
max_failure_ratio = 0.25
failure_action = "rollback"
rollback_parallelism = 3
rollback_failure_action = "continue"
restart_condition = "on-failure"
restart_max_attempts = 3
restart_window = "2m"
operations = [{ at = "9s", scale = 4 }, { at = "20s", do = "undo" }]
"#,
];

const TABLES: [&str; 13] = [
    "service",
    "versions.old",
    "versions.new",
    "traffic",
    "clients",
    "balancer",
    "probes",
    "shutdown",
    "control",
    "hosts",
    "pipeline",
    "slo",
    "assumed",
];

/// A sound file with at most one entry of [`LINES`] for each table.
fn file_of(choices: &[usize], strategy: usize) -> String {
    let strategy = STRATEGIES[strategy % STRATEGIES.len()];
    // Who routes traffic by version refuses a queue that knows no versions.
    let routes = ["traffic_routing = true", "argo_bluegreen", "flagger"];
    let routes = routes.iter().any(|word| strategy.contains(word));
    // It knows nothing of attempts and connections either.
    let words = [
        "attempt_timeout",
        "cancel",
        "hedge",
        "pool",
        "connect =",
        "handshake",
        "max_streams",
        "sticky",
        "backoff",
        "budget",
        "on =",
    ];
    let conduct = choices.iter().any(|choice| {
        let (table, lines) = LINES[choice % LINES.len()];
        table == "clients" && words.iter().any(|word| lines.contains(word))
    });
    let fits = |line: &(&str, &str)| !((routes || conduct) && line.1.contains("\"central\""));
    let mut text = "rollcast = 1\nmargin = \"3s\"\n".to_owned();
    text += "gates = [\"serving_min >= 75% in 99.9% of runs\"]\n";
    for table in TABLES {
        let picked = choices.iter().map(|choice| LINES[choice % LINES.len()]);
        let lines = picked.filter(|line| line.0 == table).find(fits).map(|line| line.1);
        text.extend(["[", table, "]\n"]);
        match table {
            "service" => text += "instances = 12\n",
            "versions.old" => text += "start = { p50 = \"22s\", p95 = \"41s\" }\n",
            "traffic" if lines.is_none() => text += "rate = \"9/s\"\n",
            _ => {}
        }
        text.extend([lines.unwrap_or(""), "\n"]);
    }
    // Pieces are there only if they are written.
    let mut pieces: Vec<_> = choices.iter().map(|choice| LINES[choice % LINES.len()]).collect();
    pieces.retain(|line| !TABLES.contains(&line.0));
    pieces.sort_unstable();
    pieces.dedup_by_key(|line| line.0);
    for (table, lines) in pieces {
        let more = format!("{text}[{table}]\n{lines}\n");
        // Not every piece goes with every other one.
        if load(&format!("{more}{strategy}"), "shop.toml", Path::new("."), &[]).is_ok() {
            text = more;
        }
    }
    text + strategy
}

/// Replaces `remove` characters at `at`.
fn cut(text: &str, at: usize, insert: &str, remove: usize) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = at.min(chars.len());
    let end = (at + remove).min(chars.len());
    chars[..at].iter().copied().chain(insert.chars()).chain(chars[end..].iter().copied()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_printed_scenario_reads_back_the_same(
        choices in prop::collection::vec(0usize..1000, 0..16),
        strategy in 0..STRATEGIES.len(),
    ) {
        let mut first = good(&file_of(&choices, strategy));
        let printed = print::to_toml(&first);
        let mut second = good(&printed);
        prop_assert_eq!(&print::to_toml(&second), &printed);
        for scenario in [&mut first, &mut second] {
            scenario.gates.iter_mut().for_each(|gate| gate.line = None);
        }
        prop_assert_eq!(first, second);
    }

    #[test]
    fn any_durations_and_shares_print_and_read_back(
        nanos in 1u64..10_000_000_000_000,
        percent in 0.0f64..100.0,
        factor in 0.001f64..1000.0,
        cv in 0.001f64..50.0,
    ) {
        let span = Span(nanos);
        let start = format!("{{ law = \"gamma\", mean = \"{span}\", cv = {cv:?} }}");
        let rest = format!("never_ready = \"{percent}%\"\nweight = {factor:?}");
        let text = format!("{SMALL}[versions.new]\nstart = {start}\n{rest}\n");
        let mut first = good(&text);
        let mut second = good(&print::to_toml(&first));
        first.gates.clear();
        second.gates.clear();
        prop_assert_eq!(first, second);
    }

    #[test]
    fn no_text_makes_the_reader_panic(
        choices in prop::collection::vec(0usize..1000, 0..16),
        cuts in prop::collection::vec(
            (0usize..2000, "[ -~\\n=\\[\\]{}\"']{0,6}|é|\\PC{0,3}", 0usize..20),
            1..6,
        ),
        key in "[a-z.\"]{0,20}",
        value in "\\PC{0,20}",
    ) {
        let mut text = file_of(&choices, choices.len());
        for (at, insert, remove) in cuts {
            text = cut(&text, at, &insert, remove);
        }
        let over = Override { flag: "--set".into(), key, value, append: false };
        for overrides in [&[][..], &[over][..]] {
            if let Err(error) = load(&text, "x.toml", Path::new("/nowhere"), overrides) {
                for format in [Format::Human, Format::Json, Format::Github] {
                    prop_assert!(!render(&error.diagnostics, &error.written, format).is_empty());
                }
            }
        }
    }
}
