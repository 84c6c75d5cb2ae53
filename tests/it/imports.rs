//! Files of every kind, from `import` through `check` to `sim`, as somebody types it.

use crate::support::{Finished, Run};

const EXAMPLES: &[(&str, &[&str])] = &[
    ("compose.yaml", &["--service", "web"]),
    ("compose.yaml", &["--name", "worker"]),
    ("job.nomad.hcl", &[]),
    ("job.nomad.json", &[]),
    ("ecs-service.json", &[]),
    ("ecs-create.json", &[]),
    ("site.yml", &[]),
    ("codedeploy-config.json", &["-n", "9"]),
    ("codedeploy-group.json", &[]),
    ("statefulset.yaml", &[]),
    ("daemonset.yaml", &["-n", "7"]),
    ("rollout-canary.yaml", &[]),
    ("rollout-bluegreen.yaml", &[]),
    ("flagger.yaml", &[]),
];

fn run(args: &[&str]) -> Finished {
    Run::new(args.iter().copied()).run()
}

#[test]
fn every_kind_of_file_becomes_a_rollout() {
    let dir = tempfile::tempdir().unwrap();
    let scenario = dir.path().join("imported.toml");
    let scenario = scenario.to_str().unwrap();
    for (file, more) in EXAMPLES {
        let path = format!("tests/data/imports/{file}");
        let imported = run(&[&["import", &path, "-o", scenario], *more].concat());
        assert_eq!(imported.code, Some(0), "{file}: {}", imported.stderr);
        for list in ["read  ", "assumed  ", "wrote  "] {
            assert!(imported.stderr.contains(list), "{file}: {}", imported.stderr);
        }
        let checked = run(&["check", scenario]);
        assert_eq!(checked.code, Some(0), "{file}: {}{}", checked.stdout, checked.stderr);
        let played = run(&["sim", scenario, "--runs", "20", "--json"]);
        let result: serde_json::Value = serde_json::from_str(&played.stdout)
            .unwrap_or_else(|error| panic!("{file}: {error}: {}", played.stderr));
        assert_eq!(result["runs"], 20, "{file}");
        let completed = result["outcomes"]["completed"]["value"].as_f64();
        // What waits for a person need not complete by itself; its gate is then a comment.
        let waits = std::fs::read_to_string(scenario).unwrap().contains("# \"p(completed)");
        assert!(waits || completed == Some(1.0), "{file}: {}", result["outcomes"]);
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let job = "job \"a\" {\n  group \"g\" {\n    count = \"many\"\n  }\n}\n";
    let refused = Run::new(["import", "-"]).stdin(job).run();
    assert_ne!(refused.code, Some(0));
    let wanted =
        "error: job.a.group.g.count is \"many\", not a whole number, 0 or more\n  --> -:3:5\n";
    assert!(refused.stderr.starts_with(wanted), "{}", refused.stderr);
    assert_eq!(refused.stdout, "");
}
