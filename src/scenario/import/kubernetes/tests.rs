//! Whole manifests, real and made.

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

fn boutique() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/online-boutique")
}

fn real(name: &str) -> String {
    std::fs::read_to_string(boutique().join(name)).unwrap()
}

fn table(imported: &Imported) -> toml::Table {
    imported.toml.parse().unwrap_or_else(|error| panic!("{error}\n{}", imported.toml))
}

/// A Deployment of ten pods; `spec` and `pod` are lines to add, with their indentation.
fn manifest(spec: &str, pod: &str, more: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  replicas: 10\n\
         {spec}  template:\n    metadata: {{labels: {{app: web}}}}\n    spec:\n\
         {pod}      containers:\n      - name: main\n        \
         readinessProbe: {{httpGet: {{port: 80}}}}\n\
         {more}"
    )
}

fn lines_with<'a>(imported: &'a Imported, part: &str) -> Vec<&'a str> {
    imported.toml.lines().filter(|line| line.contains(part)).collect()
}

#[test]
fn every_real_manifest_is_imported_and_marks_what_it_made_up() {
    let mut seen = 0;
    for entry in std::fs::read_dir(boutique()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let imported = import(&std::fs::read_to_string(&path).unwrap(), &name).unwrap();
        let table = table(&imported);
        assert_eq!(table["service"]["name"].as_str(), name.strip_suffix(".yaml"));
        let assumed = table["assumed"].as_table().unwrap();
        assert_eq!(assumed.len(), imported.assumed.len());
        assert_eq!(lines_with(&imported, "# assumed;").len(), assumed.len(), "{name}");
        let whole = toml::Value::Table(table.clone());
        for (key, range) in assumed {
            let found = key.split('.').try_fold(&whole, |at, part| at.get(part));
            assert!(found.is_some(), "{name}: {key}");
            assert!(range.as_str().unwrap().contains(".."), "{name}: {key}");
        }
        seen += 1;
    }
    assert_eq!(seen, 11);
}

#[test]
fn the_frontend_reads_well() {
    let imported = import(&real("frontend.yaml"), "frontend.yaml").unwrap();
    insta::assert_snapshot!("frontend", imported.toml);
    insta::assert_snapshot!("frontend_report", imported.report("frontend.toml"));
}

#[test]
fn of_two_deployments_the_first_is_taken_and_the_other_named() {
    let text = real("cartservice.yaml");
    let imported = import(&text, "cartservice.yaml").unwrap();
    insta::assert_snapshot!("cartservice", imported.toml);
    insta::assert_snapshot!("cartservice_report", imported.report("cart.toml"));
    assert_eq!(imported.others, ["Deployment/redis-cart"]);
    let redis = import_named(&text, "cartservice.yaml", Some("deployment/redis-cart")).unwrap();
    assert_eq!(table(&redis)["probes"]["period"].as_str(), Some("5s"));
    assert_eq!(redis.others, ["Deployment/cartservice"]);
    let error = import_named(&text, "c.yaml", Some("redis")).unwrap_err();
    assert_eq!(error.hint.unwrap(), "it holds Deployment/cartservice, Deployment/redis-cart");
}

#[test]
fn no_readiness_probe_is_said_aloud() {
    let imported = import(&real("loadgenerator.yaml"), "loadgenerator.yaml").unwrap();
    assert!(imported.read.iter().any(|line| line.starts_with("no readinessProbe")));
    assert_eq!(table(&imported)["probes"]["period"].as_str(), Some("0s"));
    assert!(imported.ignored.iter().any(|line| line.contains("frontend-check")));
}

#[test]
fn settings_reach_the_scenario() {
    let spec = "  minReadySeconds: 10\n  progressDeadlineSeconds: 300\n  paused: true\n  \
                strategy: {rollingUpdate: {maxSurge: 2, maxUnavailable: 0}}\n";
    let pod = "      terminationGracePeriodSeconds: 45\n";
    let more = "        lifecycle: {preStop: {exec: {command: [sh, -c, sleep 12.5]}}}\n        \
                startupProbe: {tcpSocket: {port: 80}, failureThreshold: 30, \
                initialDelaySeconds: 5}\n";
    let imported = import(&manifest(spec, pod, more), "web.yaml").unwrap();
    let table = table(&imported);
    let kubernetes = &table["strategy"]["kubernetes"];
    assert_eq!(kubernetes["max_surge"].as_integer(), Some(2));
    assert_eq!(kubernetes["max_unavailable"].as_integer(), Some(0));
    assert_eq!(kubernetes["min_ready"].as_str(), Some("10s"));
    assert_eq!(kubernetes["progress_deadline"].as_str(), Some("300s"));
    assert_eq!(table["shutdown"]["pre_stop"].as_str(), Some("12.5s"));
    assert_eq!(table["shutdown"]["grace"].as_str(), Some("45s"));
    assert_eq!(table["probes"]["initial_delay"].as_str(), Some("5s"));
    assert_eq!(table["assumed"]["versions.old.start"].as_str(), Some("5s..5m5s"));
    let gates = table["gates"].as_array().unwrap();
    assert_eq!(gates[1].as_str(), Some("serving_min >= 10 in 99% of runs"));
    assert!(imported.ignored.iter().any(|line| line.starts_with("spec.paused")));
}

#[test]
fn recreate_has_no_floor_and_no_surge() {
    let spec = "  strategy: {type: Recreate}\n";
    let imported = import(&manifest(spec, "", ""), "web.yaml").unwrap();
    assert_eq!(lines_with(&imported, "serving_min").len(), 0);
    assert_eq!(lines_with(&imported, "max_surge").len(), 0);
    assert_eq!(table(&imported)["strategy"]["kubernetes"]["type"].as_str(), Some("Recreate"));
}

#[test]
fn an_unknown_hook_is_assumed() {
    let more = "        lifecycle: {preStop: {exec: {command: [/bin/drain]}}}\n";
    let imported = import(&manifest("", "", more), "web.yaml").unwrap();
    assert_eq!(table(&imported)["assumed"]["shutdown.pre_stop"].as_str(), Some("0s..30s"));
    assert!(imported.assumed.iter().any(|a| a.contains("runs `/bin/drain`")));
}

#[test]
fn neighbours_are_found_by_labels() {
    let neighbours = "\
---\n{kind: PodDisruptionBudget, metadata: {name: web}, \
spec: {minAvailable: 75%, selector: {matchLabels: {app: web}}}}\n\
---\n{kind: PodDisruptionBudget, metadata: {name: db}, \
spec: {minAvailable: 1, selector: {matchLabels: {app: db}}}}\n\
---\n{kind: HorizontalPodAutoscaler, metadata: {name: web}, \
spec: {minReplicas: 4, maxReplicas: 20, scaleTargetRef: {kind: Deployment, name: web}}}\n\
---\n{kind: Service, metadata: {name: web}, \
spec: {type: LoadBalancer, selector: {app: web}}}\n";
    let text = manifest("", "", neighbours);
    let imported = import(&text, "web.yaml").unwrap();
    assert_eq!(lines_with(&imported, "# \"serving_min >= 8 in 99% of runs\",").len(), 1);
    assert!(
        imported.ignored[0].contains("4..20 (not modelled: fixed at 10; spec.replicas fights it)")
    );
    assert!(imported.ignored.last().unwrap().contains("PodDisruptionBudget/db"));
    assert_eq!(table(&imported)["assumed"]["clients.lag_remove"].as_str(), Some("500ms..15s"));
    let scaled = import(&text.replace("  replicas: 10\n", ""), "web.yaml").unwrap();
    assert_eq!(table(&scaled)["service"]["instances"].as_integer(), Some(4));
    assert_eq!(table(&scaled)["assumed"]["service.instances"].as_str(), Some("4..20"));
}

#[test]
fn json_lists_as_kubectl_prints_them() {
    let objects = documents::parse(&real("cartservice.yaml"), "c").unwrap();
    let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": objects });
    let from_json = import(&list.to_string(), "c").unwrap();
    assert_eq!(from_json, import(&real("cartservice.yaml"), "c").unwrap());
}

#[test]
fn what_does_not_roll_is_refused_with_what_works() {
    let error = import("kind: ReplicaSet\nmetadata: {name: db}\n", "db.yaml").unwrap_err();
    assert_eq!(error.message, "db.yaml holds no workload that rolls, only ReplicaSet/db");
    assert!(error.hint.unwrap().contains("import the Deployment"));
    let error = import(&manifest("", "", "").replace("10", "0"), "web.yaml").unwrap_err();
    assert_eq!(error.message, "Deployment/web is scaled to 0");
}

proptest! {
    #[test]
    fn a_damaged_manifest_is_imported_or_refused(line in 0usize..120, other in 0usize..120) {
        let text = real("cartservice.yaml");
        let mut lines: Vec<&str> = text.lines().collect();
        lines.swap(line, other);
        lines.remove(line);
        match import(&lines.join("\n"), "c.yaml") {
            Ok(imported) => prop_assert!(imported.toml.parse::<toml::Table>().is_ok()),
            Err(error) => prop_assert!(!error.message.is_empty()),
        }
    }
}
