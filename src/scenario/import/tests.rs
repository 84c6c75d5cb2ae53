//! Example files of every kind, whole: the scenario, the lists, and what goes wrong.

use std::path::{Path, PathBuf};

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

fn refused(text: &str) -> ImportError {
    import(text, "f", Options::default()).unwrap_err()
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
