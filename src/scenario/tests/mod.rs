//! The whole way: text in, scenario or complaints out.

mod any_file;
mod hosts;
mod lines;
mod pieces;
mod surroundings;

use std::path::Path;

use insta::assert_snapshot;

use super::diagnostic::{Format, render};
use super::keys::{Default, tables};
use super::raw::from_text;
use super::settings::StrategySettings;
use super::*;
use crate::units::{CountOrPercent, Span};

const SMALL: &str = "\
rollcast = 1
gates = [\"p95(duration) <= 6m\"]
[service]
instances = 12
[versions.old]
start = { p50 = \"22s\", p95 = \"41s\" }
[strategy.generic]
batch = 3
";

fn set(assignment: &str) -> Override {
    let (key, value) = assignment.split_once('=').unwrap();
    let flag = format!("--set {assignment}");
    Override { flag, key: key.into(), value: value.into(), append: false }
}

fn read(text: &str) -> Result<Loaded, Box<LoadError>> {
    load(text, "shop.toml", Path::new("."), &[])
}

fn good(text: &str) -> Scenario {
    match read(text) {
        Ok(loaded) => loaded.scenario,
        Err(error) => panic!("{}", render(&error.diagnostics, &error.written, Format::Human)),
    }
}

fn complaints(text: &str, overrides: &[Override]) -> String {
    let error = load(text, "shop.toml", Path::new("."), overrides).unwrap_err();
    render(&error.diagnostics, &error.written, Format::Human)
}

#[test]
fn the_catalogue_reads_its_own_defaults_and_examples() {
    let at = Place::file(0..0);
    for key in tables().flat_map(|table| table.keys) {
        from_text(key, key.example, at);
        match key.default {
            Default::Is(text) => drop(from_text(key, text, at)),
            Default::Required | Default::Says(_) => {}
        }
    }
}

#[test]
fn what_is_left_out_has_the_strategys_defaults() {
    let generic = good(SMALL);
    assert_eq!(generic.probes.period, Span::from_secs(1));
    assert_eq!(generic.versions.new, generic.versions.old);
    assert_eq!(generic.hosts.count, 12);
    let kubernetes = good(&SMALL.replace("[strategy.generic]\nbatch = 3", "[strategy.kubernetes]"));
    assert_eq!(kubernetes.probes.period, Span::from_secs(10));
    assert_eq!(kubernetes.shutdown.grace, Span::from_secs(30));
    let watch = kubernetes.control.watch.quantile(0.9).as_secs_f64();
    assert!((watch - 0.0254).abs() < 1e-6, "{watch}");
    let StrategySettings::Kubernetes(settings) = kubernetes.strategy else { panic!() };
    assert_eq!(settings.max_surge, CountOrPercent::Percent(25.0));
    assert_eq!(settings.progress_deadline, Span::from_secs(600));
}

#[test]
fn the_new_version_is_like_the_old_one_unless_said() {
    let text = format!(
        "{SMALL}[versions.new]\nstart = {{ like = \"old\", factor = 2 }}\nnever_ready = \"1%\"\n"
    );
    let scenario = good(
        &text
            .replace("{ p50", "{ pull = \"400MiB\", boot = { p50")
            .replace("p95 = \"41s\" }", "p95 = \"41s\" } }"),
    );
    let (old, new) = (&scenario.versions.old, &scenario.versions.new);
    assert_eq!(new.pull, old.pull);
    let ratio = new.start.quantile(0.3).as_secs_f64() / old.start.quantile(0.3).as_secs_f64();
    assert!((ratio - 2.0).abs() < 1e-6);
    assert_eq!(new.exit, old.exit);
    assert!((new.never_ready.0 - 0.01).abs() < 1e-12);
}

#[test]
fn six_mistakes_are_six_complaints_in_file_order() {
    let text = "\
rollcast = 1
gates = [\"p95(duraton) <= 6m\"]

[service]
name = \"shop\"
instances = 12

[versions.old]
start = \"22s..41s\"
exit = 15

[strategy.kubernetes]
max_unavailible = \"25%\"
max_surge = \"25 %\"

[balancer]
algorithm = \"round_robbin\"
";
    assert_snapshot!(complaints(text, &[]));
}

#[test]
fn gates_and_conflicts_are_explained() {
    let text = SMALL
        .replace("batch = 3", "batch = 3\n[strategy.kubernetes]\n[pipeline]\nreaction = \"5m\"")
        .replace(
            "[\"p95(duration) <= 6m\"]",
            "[\"latency_p99 <= 300ms\", \"max(duration) <= 6m\"]",
        );
    assert_snapshot!(complaints(&text, &[]));
}

#[test]
fn a_syntax_error_comes_alone() {
    assert_snapshot!(complaints("rollcast = 1\n[service\nfoo = bar\n", &[]));
}

#[test]
fn what_is_missing_is_named_with_an_example() {
    assert_snapshot!(complaints("", &[]));
}

#[test]
fn overrides_are_checked_and_named() {
    let overrides = [
        set("strategy.bach=4"),
        set("probs.period=1s"),
        set("strategy.batch=0"),
        set("service.instances=many"),
        set("clients.retries.atempts=3"),
    ];
    assert_snapshot!(complaints(SMALL, &overrides));
}

#[test]
fn overrides_take_values_with_and_without_quotes() {
    let overrides = [set("strategy.batch=25%"), set("probes.period=2s"), set("traffic.rate=80/s")];
    let loaded = load(SMALL, "shop.toml", Path::new("."), &overrides).unwrap();
    let StrategySettings::Generic(generic) = loaded.scenario.strategy else { panic!() };
    assert_eq!(generic.batch, CountOrPercent::Percent(25.0));
    assert_eq!(loaded.scenario.probes.period, Span::from_secs(2));
    assert_eq!(loaded.warnings.len(), 1, "the service time is a guess");
}

#[test]
fn other_formats_carry_the_same() {
    let error = read(&SMALL.replace("batch", "bach")).unwrap_err();
    let github = render(&error.diagnostics, &error.written, Format::Github);
    assert!(
        github.starts_with("::error file=shop.toml,line=8,col=1,title=E012::unknown key `bach`")
    );
    let json = render(&error.diagnostics, &error.written, Format::Json);
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["diagnostics"][0]["line"], 8);
    assert_eq!(value["diagnostics"][0]["code"], "E012");
}

#[test]
fn the_schema_in_the_repository_is_not_stale() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/schema.json");
    let stored = std::fs::read_to_string(path).unwrap_or_default();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, schema::schema()).unwrap();
        return;
    }
    assert!(stored == schema::schema(), "run this test with UPDATE_SCHEMA=1");
}
