//! The whole way: text in, scenario or complaints out.

use std::path::Path;

use insta::assert_snapshot;
use proptest::prelude::*;

use super::diagnostic::{Format, render};
use super::keys::{Default, TABLES};
use super::raw::from_text;
use super::settings::StrategySettings;
use super::*;
use crate::units::{CountOrPercent, Span};

pub(super) const SMALL: &str = "\
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
    for key in TABLES.iter().flat_map(|table| table.keys) {
        from_text(key, key.example, at);
        match key.default {
            Default::Is(text) => drop(from_text(key, text, at)),
            Default::By { kubernetes, generic } => {
                from_text(key, kubernetes, at);
                from_text(key, generic, at);
            }
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

/// Everything that may stand in a file, each line with its table; a test picks some.
const LINES: &[(&str, &str)] = &[
    ("service", "name = \"a \\\"b\\\" \\\\ c\""),
    ("service", "slots = 7\nqueue = 9"),
    ("service", "discipline = \"ps\"\ncores = 1.3\nlimit = 40"),
    ("versions.old", "service_time = { law = \"gamma\", mean = \"30ms\", cv = 1.3 }"),
    ("versions.old", "exit = { p10 = \"1s\", p50 = \"2s\", \"p99.5\" = \"9s\" }"),
    ("versions.old", "warmup = { requests = 5000, slowdown = 3.5 }"),
    ("versions.old", "never_ready = \"0.7%\"\nerrors = \"0.07%\"\nweight = 0.3"),
    ("versions.new", "service_time = { like = \"old\", factor = 1.1 }"),
    (
        "versions.new",
        "start = { pull = \"400MiB\", boot = { law = \"weibull\", scale = \"9s\", shape = 1.5 } }",
    ),
    ("versions.new", "warmup = { time = \"20s\", slowdown = 3 }"),
    ("versions.new", "exit = { values = [\"3s\", \"1s\"] }"),
    ("traffic", "rate = \"1050.1/s\"\nscale = 1.7"),
    (
        "traffic",
        "rate = { mean = \"90/min\", peak = \"2/s\", peak_at = \"18:00\", at = \"06:30\" }",
    ),
    (
        "traffic",
        "rate = { table = [[\"0s\", \"8/s\"], [\"5m\", \"12/s\"]] }\narrivals = \"deterministic\"",
    ),
    ("traffic", "rate = { base = \"8/s\", burst = \"20/s\", every = \"2m\", length = \"9s\" }"),
    (
        "traffic",
        "rate = { base = \"8/s\", peak = \"20/s\", at = \"1m\", rise = \"5s\", decay = \"9s\" }",
    ),
    ("traffic", "rate = { counts = [8, 9.5], interval = \"1s\" }"),
    ("traffic", "rate = { instants_ns = [0, 12345678901], period = \"1m\" }"),
    ("clients", "nodes = 60\nprotocol = \"grpc\"\nmax_connection_age = \"5m\"\nconnections = 2"),
    ("clients", "balance = \"connection\"\ntimeout = \"800ms\""),
    ("clients", "reuse = \"93.7%\"\nretries = { attempts = 3, delay = \"50ms\" }"),
    (
        "clients",
        "retries = { attempts = \"unbounded\" }\nlag_add = { law = \"uniform\", low = \"1s\", high = \"2s\" }",
    ),
    ("clients", "lag_remove = { law = \"exponential\", mean = \"1.5s\" }"),
    ("balancer", "algorithm = { power_of = 3 }"),
    ("balancer", "algorithm = \"peak_ewma\"\ndecay = \"3s\"\nslow_start = \"30s\""),
    ("balancer", "algorithm = \"consistent_hash\"\nkeys = 50"),
    ("balancer", "algorithm = \"central\"\nroom = 50"),
    ("probes", "initial_delay = \"5s\"\nperiod = 0\nsuccess = 2\nfailure = 1"),
    ("shutdown", "pre_stop = \"10s\"\ngrace = \"45s\"\non_term = \"ignore\""),
    ("control", "watch = { law = \"lognormal\", mean = \"9ms\", sd = \"3ms\" }"),
    ("control", "act = { law = \"pareto\", min = \"9ms\", alpha = 2.5 }"),
    (
        "hosts",
        "count = 4\nbandwidth = \"1Gbit/s\"\nserial_pulls = false\nregistry = \"1GiB/s\"\ncache = false",
    ),
    ("pipeline", "kind = \"helm-atomic\""),
    ("pipeline", "kind = \"human\"\nreaction = \"9m\""),
    ("slo", "availability = \"99.95%\"\nperiod = \"7d\"\noutage_share = \"33.3%\""),
    ("assumed", "\"versions.old.start\" = \"5s..60s\""),
];

const STRATEGIES: &[&str] = &[
    "[strategy.generic]\nbatch = \"33.3%\"\nwindow = \"sliding\"\norder = \"start-first\"\nfailures_allowed = \"10%\"\non_failure = \"rollback\"\nbake = \"9s\"\n",
    "[strategy.generic]\nbatch = 5\non_failure = \"continue\"\nready_deadline = \"90s\"\n",
    "[strategy.kubernetes]\nmax_surge = 3\nmax_unavailable = \"12.5%\"\nmin_ready = \"10s\"\nversion = \"1.20\"\n",
    "[strategy.kubernetes]\ntype = \"Recreate\"\noperations = [{ at = \"30s\", scale = 20 }, { at = \"5s\", do = \"pause\" }]\n",
];

/// A sound file with at most one line set for each table.
fn file_of(choices: &[usize], strategy: usize) -> String {
    let mut text =
        "rollcast = 1\ngates = [\"serving_min >= 75% in 99.9% of runs\"]\nmargin = \"3s\"\n"
            .to_owned();
    for table in [
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
    ] {
        let lines: Vec<_> = LINES.iter().filter(|line| line.0 == table).collect();
        let pick = choices.iter().map(|choice| choice % LINES.len()).find(|i| LINES[*i].0 == table);
        text += &format!("[{table}]\n");
        match table {
            "service" => text += "instances = 12\n",
            "versions.old" => text += "start = { p50 = \"22s\", p95 = \"41s\" }\n",
            "traffic" if pick.is_none() => text += "rate = \"9/s\"\n",
            _ => {}
        }
        if let Some(pick) = pick {
            text += lines.iter().find(|line| **line == &LINES[pick]).unwrap().1;
            text += "\n";
        }
    }
    text + STRATEGIES[strategy % STRATEGIES.len()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_printed_scenario_reads_back_the_same(
        choices in prop::collection::vec(0usize..1000, 0..16),
        strategy in 0usize..4,
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
        let text = format!("{SMALL}[versions.new]\nnever_ready = \"{percent}%\"\nweight = {factor:?}\nstart = {{ law = \"gamma\", mean = \"{span}\", cv = {cv:?} }}\n");
        let mut first = good(&text);
        let mut second = good(&print::to_toml(&first));
        first.gates.clear();
        second.gates.clear();
        prop_assert_eq!(first, second);
    }

    #[test]
    fn no_text_makes_the_reader_panic(
        choices in prop::collection::vec(0usize..1000, 0..16),
        cuts in prop::collection::vec((0usize..4000, "[ -~\\n=\\[\\]{}\"']{0,6}|é|\\PC{0,3}", 0usize..20), 1..6),
        key in "[a-z.\"]{0,20}",
        value in "\\PC{0,20}",
    ) {
        let mut text = file_of(&choices, choices.len());
        for (at, insert, remove) in cuts {
            let chars: Vec<char> = text.chars().collect();
            let at = at.min(chars.len());
            let end = (at + remove).min(chars.len());
            text = chars[..at].iter().collect::<String>() + &insert + &chars[end..].iter().collect::<String>();
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
