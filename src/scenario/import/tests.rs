//! Example files of every kind, whole: the scenario, the lists, and what goes wrong.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::scenario;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/imports")
}

fn example(file: &str) -> String {
    std::fs::read_to_string(folder().join(file)).unwrap()
}

fn imported(file: &str, name: Option<&str>) -> Imported {
    import(&example(file), file, Options { name, instances: None })
        .unwrap_or_else(|error| panic!("{file}: {error:?}"))
}

fn table(imported: &Imported) -> toml::Table {
    imported.toml.parse().unwrap_or_else(|error| panic!("{error}\n{}", imported.toml))
}

/// File, and the name to choose where there are several.
const EXAMPLES: &[(&str, Option<&str>)] = &[
    ("compose.yaml", Some("web")),
    ("compose.yaml", Some("worker")),
    ("job.nomad.hcl", None),
    ("job.nomad.json", None),
    ("ecs-service.json", None),
    ("ecs-create.json", None),
    ("site.yml", None),
    ("codedeploy-config.json", None),
    ("codedeploy-group.json", None),
    ("statefulset.yaml", None),
    ("daemonset.yaml", None),
    ("rollout-canary.yaml", None),
    ("rollout-bluegreen.yaml", None),
    ("flagger.yaml", None),
];

#[test]
fn examples_become_scenarios_that_load_and_mark_what_they_made_up() {
    for (file, name) in EXAMPLES {
        let imported = imported(file, *name);
        let loaded = scenario::load(&imported.toml, "s.toml", Path::new("."), &[]);
        let loaded = loaded.unwrap_or_else(|e| panic!("{file}: {e:#?}\n{}", imported.toml));
        let serious: Vec<_> = loaded
            .warnings
            .iter()
            .filter(|d| d.severity == scenario::codes::Severity::Error)
            .collect();
        assert!(serious.is_empty(), "{file}: {serious:#?}");
        let assumed = table(&imported)["assumed"].as_table().unwrap().len();
        assert_eq!(assumed, imported.assumed.len(), "{file}");
        let marked = imported.toml.lines().filter(|line| line.contains("# assumed;")).count();
        assert_eq!(marked, assumed, "{file}");
        let short = name.map_or_else(|| (*file).to_owned(), |name| format!("{file}-{name}"));
        insta::assert_snapshot!(short.clone(), imported.toml);
        insta::assert_snapshot!(format!("{short}-report"), imported.report("out.toml"));
    }
}

/// The strategy's table of an imported file.
fn strategy(text: &str, options: Options<'_>) -> toml::Table {
    let imported = import(text, "f", options).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    scenario::load(&imported.toml, "s.toml", Path::new("."), &[])
        .unwrap_or_else(|error| panic!("{error:#?}\n{}", imported.toml));
    let table = table(&imported);
    let (_, strategy) = table["strategy"].as_table().unwrap().iter().next().unwrap();
    strategy.as_table().unwrap().clone()
}

#[test]
fn odd_values_arrive_as_they_are() {
    let none = Options::default();
    let compose = |update: &str| {
        let text = format!(
            "services:\n  a:\n    deploy:\n      replicas: '4'\n      update_config: {update}\n"
        );
        strategy(&text, none)
    };
    let swarm = compose("{parallelism: 0, delay: 1500000000, max_failure_ratio: 1}");
    assert_eq!(swarm["parallelism"].as_integer(), Some(0));
    assert_eq!(swarm["delay"].as_str(), Some("1.5s"));
    assert_eq!(swarm["max_failure_ratio"].as_integer(), Some(1));
    let play = |keys: &str| strategy(&format!("- hosts: web\n{keys}\n"), none);
    let ansible = play("  serial: [1, \"10%\", 0]\n  max_fail_percentage: \"30%\"");
    let serial = serde_json::to_string(&ansible["serial"]).unwrap();
    assert_eq!(serial, "[1,\"10%\",0]");
    assert_eq!(ansible["max_fail_percentage"].as_integer(), Some(30));
    assert_eq!(play("  serial: \"100%\"")["serial"].as_str(), Some("100%"));
    assert_eq!(play("  any_errors_fatal: yes")["serial"].as_array().map(Vec::len), Some(0));
    let nomad = |update: &str| {
        strategy(&format!("job \"a\" {{\n  group \"g\" {{\n    {update}\n  }}\n}}\n"), none)
    };
    let update = nomad("update {\n max_parallel = 0\n health_check = \"manual\"\n }");
    assert_eq!(update["max_parallel"].as_integer(), Some(0));
    assert_eq!(update["health_check"].as_str(), Some("manual"));
    let update = nomad("update {\n progress_deadline = \"0\"\n min_healthy_time = \"1m30s\"\n }");
    assert_eq!(update["progress_deadline"].as_str(), Some("0s"));
    assert_eq!(update["min_healthy_time"].as_str(), Some("1m30s"));
    assert_eq!(
        nomad("reschedule {\n attempts = 0\n unlimited = false\n }")["reschedule_attempts"]
            .as_integer(),
        Some(0)
    );
    let hosts = |kind: &str, value: u32| {
        let text =
            format!("{{\"minimumHealthyHosts\": {{\"type\": \"{kind}\", \"value\": {value}}}}}");
        strategy(&text, none)["minimum_healthy_hosts"].clone()
    };
    assert_eq!(hosts("FLEET_PERCENT", 0).as_str(), Some("0%"));
    assert_eq!(hosts("HOST_COUNT", 0).as_integer(), Some(0));
    let given = Options { name: None, instances: Some(9) };
    let ecs = strategy("{\"serviceName\": \"a\", \"taskDefinition\": \"a:1\"}", given);
    assert_eq!(ecs["minimum_healthy_percent"].as_integer(), Some(100));
}

#[test]
fn the_number_of_instances_comes_from_the_user_first() {
    let given = Options { name: Some("web"), instances: Some(31) };
    let compose = import(&example("compose.yaml"), "f", given).unwrap();
    assert_eq!(table(&compose)["service"]["instances"].as_integer(), Some(31));
    assert_eq!(compose.others, ["service/worker"]);
    let given = Options { name: None, instances: Some(31) };
    for file in ["daemonset.yaml", "job.nomad.hcl", "site.yml", "ecs-service.json"] {
        let imported = import(&example(file), file, given).unwrap();
        let count = table(&imported)["service"]["instances"].as_integer();
        assert_eq!(count, Some(31), "{file}");
        assert!(imported.toml.contains("given with -n"), "{file}");
    }
    let none = Options { name: None, instances: Some(0) };
    assert!(import(&example("site.yml"), "f", none).unwrap_err().message.contains("0 instances"));
}

/// What is wrong, where, and the hint.
fn complaint(text: &str) -> (String, Option<u64>, Option<u64>, String) {
    let error = import(text, "f", Options::default()).unwrap_err();
    (error.message, error.line, error.column, error.hint.unwrap_or_default())
}

#[test]
fn complaints_name_the_place_and_what_to_write() {
    let (message, line, column, hint) = complaint(&example("compose.yaml"));
    assert_eq!(message, "f has 2 services: web, worker");
    assert_eq!((line, column, hint.as_str()), (Some(16), Some(1), "say which: --service web"));

    let text = "services:\n  a:\n    deploy:\n      update_config:\n        order: both\n";
    let (message, line, column, _) = complaint(text);
    let wanted = "services.a.deploy.update_config.order is \"both\", not one of stop-first, \
                  start-first";
    assert_eq!((message.as_str(), line, column), (wanted, Some(5), Some(9)));

    let text = "services:\n  a:\n    deploy: {replicas: \"${N}\"}\n";
    let (message, line, column, hint) = complaint(text);
    assert!(message.ends_with("is \"${N}\", not a whole number, 0 or more"), "{message}");
    assert_eq!((line, column), (Some(3), Some(14)));
    assert!(hint.contains("docker compose config"));

    let text = example("job.nomad.hcl").replace("max_parallel     = 3", "max_parallel     = -3");
    let (message, line, ..) = complaint(&text);
    assert_eq!(message, "job.shop.update.max_parallel is -3, not a whole number, 0 or more");
    assert_eq!(line, Some(12));
    let (message, line, _, hint) = complaint("job \"a\" {\n  type = \"batch\"\n}\n");
    assert_eq!((message.as_str(), line), ("job a is a batch job: it ends by itself", Some(2)));
    assert_eq!(hint, "there is no rollout to rehearse");
    let (message, line, ..) = complaint("job \"a\" {\n  group \"g\" {\n    count = \n  }\n}\n");
    assert!(message.starts_with("f is broken HCL: "), "{message}");
    assert_eq!(line, Some(3), "{message}");

    let text =
        example("ecs-service.json").replace("\"maximumPercent\": 130", "\"maximumPercent\": 13");
    let (message, line, ..) = complaint(&text);
    assert!(message.ends_with("maximumPercent is 13, not a percentage from 100 on"), "{message}");
    assert_eq!(line, Some(29));
    let text = example("ecs-service.json").replace("\"ROLLING\"", "\"CANARY\"");
    let (message, _, _, hint) = complaint(&text);
    assert!(message.contains("CANARY, not ROLLING") && hint.contains("argo_canary"), "{message}");

    let (message, line, column, hint) = complaint("- hosts: web\n  serial: 12.5%\n");
    assert!(message.starts_with("serial is \"12.5%\""), "{message}");
    assert_eq!((line, column), (Some(2), Some(3)));
    assert!(hint.contains("[1, \"25%\"]"));

    let lambda = "{\"deploymentConfigInfo\": {\n \"computePlatform\": \"Lambda\"}}";
    let (message, line, ..) = complaint(lambda);
    assert!(message.starts_with("computePlatform is Lambda"), "{message}");
    assert_eq!(line, Some(2));

    let text = example("statefulset.yaml").replace("partition: 2", "partition: two");
    let (message, line, column, _) = complaint(&text);
    assert!(message.contains("partition is \"two\""), "{message}");
    assert_eq!((line, column), (Some(14), Some(7)));
    let text = example("daemonset.yaml").replace("maxUnavailable: 0", "maxUnavailable: 1");
    let (message, _, _, hint) = complaint(&text);
    assert!(message.contains("needs maxUnavailable 0") && hint.contains("write"), "{message}");
    let (message, line, _, hint) = complaint(
        "kind: Canary\nmetadata: {name: x}\nspec:\n  targetRef: {kind: Deployment, name: y}\n",
    );
    assert_eq!(message, "Canary/x: its Deployment/y is not in the file");
    assert_eq!(line, Some(4));
    assert!(hint.contains("one file"));
}

#[test]
fn a_key_that_matters_is_never_dropped_in_silence() {
    for (file, part) in [
        ("compose.yaml", "start_interval 2s"),
        ("compose.yaml", "environment"),
        ("job.nomad.hcl", "migrate (for drained nodes"),
        ("job.nomad.hcl", "restart.interval 10m"),
        ("ecs-service.json", "launchType"),
        ("site.yml", "strategy free"),
        ("site.yml", "roles shop"),
        ("codedeploy-group.json", "autoScalingGroups"),
        ("statefulset.yaml", "MaxUnavailableStatefulSet"),
        ("statefulset.yaml", "spec.volumeClaimTemplates"),
        ("rollout-canary.yaml", "setHeaderRoute"),
        ("rollout-canary.yaml", "spec.replicas fights it"),
        ("flagger.yaml", "metric request-duration"),
        ("flagger.yaml", "analysis.sessionAffinity"),
    ] {
        let name = (file == "compose.yaml").then_some("web");
        let ignored = imported(file, name).ignored;
        assert!(ignored.iter().any(|line| line.contains(part)), "{file}: {part}: {ignored:#?}");
    }
}

proptest! {
    #[test]
    fn a_damaged_file_is_imported_or_refused(
        which in 0..EXAMPLES.len(),
        line in 0usize..60,
        other in 0usize..60,
        number in prop::sample::select(vec!["0", "-1", "99999999999", "\"x\"", "{{ x }}", ""]),
    ) {
        let (file, name) = EXAMPLES[which];
        let text = example(file);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let (line, other) = (line % lines.len(), other % lines.len());
        lines.swap(line, other);
        let at = lines[line].find(|c: char| c.is_ascii_digit());
        if let Some(at) = at {
            let end = lines[line][at..].find(|c: char| !c.is_ascii_digit());
            let end = end.map_or(lines[line].len(), |end| at + end);
            lines[line].replace_range(at..end, number);
        }
        let options = Options { name, instances: None };
        match import(&lines.join("\n"), file, options) {
            Ok(imported) => prop_assert!(imported.toml.parse::<toml::Table>().is_ok()),
            Err(error) => prop_assert!(!error.message.is_empty()),
        }
    }
}
