//! What somebody who types sees: exit codes, messages, files.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Finished, Run};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const QUICKSTART: &str = "scenarios/quickstart.toml";

fn run(args: &[&str]) -> Finished {
    Run::new(args.iter().copied()).run()
}

/// Runs it, insists on the code, and returns what it printed.
fn expect(code: i32, args: &[&str]) -> Finished {
    let finished = run(args);
    assert_eq!(finished.code, Some(code), "{args:?}: {}{}", finished.stdout, finished.stderr);
    finished
}

fn json(args: &[&str]) -> serde_json::Value {
    let finished = run(args);
    serde_json::from_str(&finished.stdout)
        .unwrap_or_else(|error| panic!("{args:?}: {error}: {}", finished.stderr))
}

#[test]
fn gates_that_hold_exit_with_0() {
    let passed = expect(0, &["sim", "scenarios/bad-release.toml", "--runs", "400", "--quiet"]);
    assert!(passed.stdout.starts_with("PASS"), "{}", passed.stdout);
    assert_eq!(passed.stdout.lines().count(), 1);
    assert_eq!(passed.stderr, "", "progress is for terminals");
}

#[test]
fn a_comparison_of_all_orchestrators_fits_80_columns() {
    let args = ["compare", "scenarios/bad-release.toml", "--strategies", "all", "--runs", "2"];
    let compared = expect(0, &args);
    assert!(compared.stdout.lines().count() >= 19);
    for line in compared.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn a_failed_gate_exits_with_10() {
    let set = ["--gate", "duration <= 1s in 50% of runs", "--runs", "40", "--quiet"];
    let failed = expect(10, &[&["sim", "scenarios/bad-release.toml"], &set[..]].concat());
    assert!(failed.stdout.starts_with("FAIL"), "{}", failed.stdout);
}

#[test]
fn an_undecided_gate_exits_with_11_unless_that_is_fine() {
    let args = ["sim", QUICKSTART, "--runs", "10", "--quiet"];
    let open = expect(11, &args);
    assert!(open.stdout.starts_with("UNDECIDED"), "{}", open.stdout);
    expect(0, &[&args[..], &["--undecided", "ok"]].concat());
}

#[test]
fn what_never_ends_exits_with_24_if_it_is_played_at_all() {
    let flags = ["sim", "-n", "4", "--strategy", "kubernetes", "--start", "5s", "--runs", "20"];
    let stuck = ["--set", "versions.new.never_ready=100%"];
    let refused = expect(2, &[&flags[..], &stuck[..]].concat());
    assert!(refused.stderr.contains("E034"), "{}", refused.stderr);
    let played = expect(24, &[&flags[..], &stuck[..], &["--allow-stuck"]].concat());
    assert!(played.stdout.contains("stuck 100%"), "{}", played.stdout);
}

#[test]
fn what_cannot_be_read_exits_with_1() {
    let missing = expect(1, &["sim", "scenarios/nothere.toml"]);
    assert!(missing.stderr.contains("scenarios/nothere.toml"), "{}", missing.stderr);
    assert_eq!(missing.stdout, "");
    expect(1, &["import", "tests/data/online-boutique/nothere.yaml"]);
}

#[test]
fn what_was_written_of_a_system_is_written_again() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["shop.json", "shop.svg"] {
        let path = dir.path().join(name);
        let to = ["-o", path.to_str().unwrap(), "--runs", "20"];
        let args = [&["sim", "scenarios/system/shop.toml"], &to[..]].concat();
        expect(0, &args);
        expect(0, &args);
        std::fs::write(&path, "mine").unwrap();
        assert!(expect(1, &args).stderr.contains("--force replaces it"));
    }
}

#[test]
fn six_mistakes_are_six_diagnostics() {
    let dir = tempfile::tempdir().unwrap();
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
    std::fs::write(dir.path().join("shop.toml"), text).unwrap();
    for verb in ["check", "sim"] {
        let finished = Run::new([verb, "shop.toml"]).in_dir(dir.path()).run();
        assert_eq!(finished.code, Some(2));
        let all = [finished.stdout, finished.stderr].concat();
        assert_eq!(all.matches("error[").count(), 6, "{all}");
        if verb == "check" {
            insta::assert_snapshot!("six_mistakes", all);
        }
    }
}

#[test]
fn mistyped_words_get_a_suggestion() {
    let cases: [(&[&str], &str); 6] = [
        (&["simm"], "'sim'"),
        (&["sim", QUICKSTART, "--sett", "a=b"], "'--set'"),
        (&["sim", QUICKSTART, "--set", "service.instnces=4"], "service.instances"),
        (&["sim", QUICKSTART, "--set", "strategy.max_srge=3"], "strategy.kubernetes.max_surge"),
        (&["sim", QUICKSTART, "--gate", "p95(duraton) <= 6m"], "duration"),
        (&["explain", "probes.perid"], "probes.period"),
    ];
    for (args, suggestion) in cases {
        let finished = expect(2, args);
        assert!(finished.stderr.contains(suggestion), "{args:?}: {}", finished.stderr);
        assert_eq!(finished.stdout, "");
    }
}

#[test]
fn bad_flags_are_named_as_they_were_typed() {
    for set in ["service.instances=many", "traffic.rate=12", "service", "strategy.max_surge=25 %"] {
        let finished = expect(2, &["sim", QUICKSTART, "--set", set]);
        assert!(finished.stderr.contains(&format!("--set {set}")), "{set}: {}", finished.stderr);
    }
    for flags in [["--runs", "0"], ["--start", "22"], ["-o", "result.txt"], ["--max-runs", "0"]] {
        let finished = run(&[&["sim", QUICKSTART], &flags[..]].concat());
        assert!(matches!(finished.code, Some(1 | 2)), "{flags:?}");
        assert!(finished.stderr.contains(flags[1]), "{flags:?}: {}", finished.stderr);
    }
}

/// Clients that try again at once, for ever, would stop time where nobody answers.
#[test]
fn retries_without_end_need_a_wait() {
    let retries = |text: &str| {
        let set = format!("clients.retries={text}");
        run(&["sim", "scenarios/no-pre-stop.toml", "--set", &set, "--runs", "2", "--quiet"])
    };
    let refused = retries("{ attempts = \"unbounded\" }");
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("E017"), "{}", refused.stderr);
    let played = retries("{ attempts = \"unbounded\", delay = \"50ms\" }");
    assert!(matches!(played.code, Some(0 | 10 | 11)), "{}", played.stderr);
    let few = retries("{ attempts = 5 }");
    assert!(matches!(few.code, Some(0 | 10 | 11)), "{}", few.stderr);
}

#[test]
fn flags_alone_make_a_scenario() {
    let flags = ["sim", "-n", "12", "--batch", "3", "--start", "22s..41s", "--drain", "10s"];
    let finished = expect(0, &flags);
    for part in ["12 instances", "generic", "batch 3", "capacity only", "completed 100%"] {
        assert!(finished.stdout.contains(part), "{part}: {}", finished.stdout);
    }
    // Four batches, each at least as long as the slowest of three starts and a drain.
    let result = json(&[&flags[..], &["--json", "--runs", "300"]].concat());
    let median = result["duration_s"]["p50"].as_f64().unwrap();
    assert!((4.0 * 32.0..4.0 * 60.0).contains(&median), "{median}");
    assert_eq!(result["values"]["serving_min"]["p50"]["value"], 9.0);
}

#[test]
fn printed_scenarios_are_scenarios() {
    let dir = tempfile::tempdir().unwrap();
    let flags = ["sim", "-n", "12", "--batch", "3", "--start", "22s..41s", "--print-scenario"];
    let mut sources: Vec<Vec<String>> = vec![flags.map(String::from).to_vec()];
    for story in stories() {
        sources.push(vec!["sim".into(), story, "--print-scenario".into()]);
    }
    for source in sources {
        let printed = Run::new(source.clone()).run();
        assert_eq!(printed.code, Some(0), "{source:?}: {}", printed.stderr);
        let path = dir.path().join("printed.toml");
        std::fs::write(&path, &printed.stdout).unwrap();
        let again = expect(0, &["sim", path.to_str().unwrap(), "--print-scenario"]);
        assert_eq!(again.stdout, printed.stdout, "{source:?}");
        let from = |args: &[String]| {
            let end = ["--json", "--runs", "5", "--allow-stuck"].map(String::from);
            let args = [args, &end].concat();
            let result = Run::new(args).run().stdout;
            let mut result: serde_json::Value = serde_json::from_str(&result).unwrap();
            // Gates know the line they stand on.
            result["gates"] = serde_json::Value::Null;
            for gate in result["scenario"]["gates"].as_array_mut().unwrap() {
                gate["line"] = serde_json::Value::Null;
            }
            result["scenario_fnv64"] = serde_json::Value::Null;
            result
        };
        let original = from(&source[..source.len() - 1]);
        let reprinted = from(&["sim".to_owned(), path.to_str().unwrap().to_owned()]);
        assert_eq!(original, reprinted, "{source:?}");
    }
}

fn stories() -> Vec<String> {
    let of = |folder: &str| {
        let files = std::fs::read_dir(Path::new(ROOT).join(folder)).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let is_story = |name: &String| Path::new(name).extension().is_some_and(|e| e == "toml");
        names.filter(is_story).map(|name| format!("{folder}/{name}")).collect::<Vec<_>>()
    };
    [of("scenarios"), of("scenarios/incidents")].concat()
}

#[test]
fn every_story_can_be_checked_and_played() {
    let stories = stories();
    assert!(stories.len() >= 5);
    for story in stories {
        let checked = expect(0, &["check", &story]);
        assert!(checked.stdout.contains(&format!("{story}: ok")), "{}", checked.stdout);
        let played = run(&["sim", &story, "--runs", "20"]);
        assert!(matches!(played.code, Some(0 | 10 | 11)), "{story}: {}", played.stderr);
    }
}

#[test]
fn every_real_manifest_becomes_a_rollout() {
    let dir = tempfile::tempdir().unwrap();
    let manifests = std::fs::read_dir(Path::new(ROOT).join("tests/data/online-boutique")).unwrap();
    let mut played = 0;
    for manifest in manifests {
        let manifest = manifest.unwrap().path();
        let scenario = dir.path().join(manifest.with_extension("toml").file_name().unwrap());
        let scenario = scenario.to_str().unwrap();
        expect(0, &["import", manifest.to_str().unwrap(), "-o", scenario]);
        let result = json(&["sim", scenario, "--runs", "50", "--json"]);
        assert_eq!(result["runs"], 50);
        assert_eq!(result["runs_requests"], 0);
        assert_eq!(result["outcomes"]["completed"]["value"], 1.0, "{:?}", result["outcomes"]);
        assert!(result["duration_s"]["p50"].as_f64().unwrap() > 0.1);
        played += 1;
    }
    assert_eq!(played, 11);
}

#[test]
fn a_manifest_under_recorded_traffic() {
    let dir = tempfile::tempdir().unwrap();
    let scenario = dir.path().join("frontend.toml");
    let scenario = scenario.to_str().unwrap();
    let manifest = "tests/data/online-boutique/frontend.yaml";
    expect(0, &["import", manifest, "-o", scenario]);
    let data = |name: &str| Path::new(ROOT).join("tests/data").join(name);
    for (file, more) in [
        ("azure_llm_conv.csv.gz", "scale = 20, repeat = true"),
        ("elb_request_count_5min.csv", "scale = 100"),
    ] {
        let from = data(file);
        let rate = format!("traffic.rate={{ from = {:?}, {more} }}", from.to_str().unwrap());
        let args = ["sim", scenario, "--set", "service.instances=40", "--set", &rate];
        let result = json(&[&args[..], &["--runs", "10", "--json"]].concat());
        let requests = &result["values"]["requests"]["mean"]["value"];
        assert!(requests.as_f64().is_some_and(|mean| mean > 100.0), "{file}: {requests}");
        let share = &result["values"]["failed_share"]["mean"]["value"];
        assert!(share.as_f64().is_some_and(|share| (0.0..0.2).contains(&share)), "{share}");
    }
}

#[test]
fn an_access_log_names_its_holes() {
    let log = Path::new(ROOT).join("tests/data/access.log.gz");
    let rate = format!("traffic.rate={{ from = {:?}, scale = 10 }}", log.to_str().unwrap());
    let args = ["sim", QUICKSTART, "--set", &rate, "--runs", "3", "--undecided", "ok"];
    let finished = run(&args);
    assert!(matches!(finished.code, Some(0 | 10)), "{}", finished.stderr);
    assert!(finished.stderr.contains("warning[W024]"), "{}", finished.stderr);
    assert!(finished.stderr.contains("hole") || finished.stderr.contains("gap"));
}

#[test]
fn files_are_what_their_names_say() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let names =
        ["result.json", "runs.csv", "capacity.svg", "slots.svg", "duration.png", "load.png"];
    let mut args = vec!["sim", QUICKSTART, "--runs", "25", "--undecided", "ok"];
    let paths: Vec<String> = names.iter().map(|name| path(name)).collect();
    for path in &paths {
        args.extend(["-o", path]);
    }
    expect(0, &args);
    let read = |index: usize| std::fs::read(&paths[index]).unwrap();
    let result: serde_json::Value = serde_json::from_slice(&read(0)).unwrap();
    assert_eq!(result["runs"], 25);
    let runs = read(1);
    let mut table = csv::Reader::from_reader(&runs[..]);
    let columns = table.headers().unwrap().len();
    let rows: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 25);
    assert!(columns > 30 && rows.iter().all(|row| row.len() == columns));
    for svg in [read(2), read(3)] {
        let svg = String::from_utf8(svg).unwrap();
        assert!(svg.starts_with("<svg") || svg.starts_with("<?xml"), "{}", &svg[..40]);
        assert!(svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("checkout"), "charts name their service");
    }
    for png in [read(4), read(5)] {
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        let size = |from: usize| u32::from_be_bytes(png[from..from + 4].try_into().unwrap());
        assert!((400..4000).contains(&size(16)) && (200..4000).contains(&size(20)));
        assert_eq!(&png[png.len() - 8..png.len() - 4], b"IEND");
    }
}

#[test]
fn whoever_stops_reading_hears_no_complaint() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rollcast"))
        .args(["sim", "-n", "3", "--start", "5s", "--runs", "20"])
        .current_dir(ROOT)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert!(output.status.code().is_some());
}

#[test]
fn what_is_worse_than_the_base_is_told_and_fails_if_asked() {
    let dir = tempfile::tempdir().unwrap();
    let base = Path::new(ROOT).join("scenarios/generic-batches.toml");
    let text = std::fs::read_to_string(&base).unwrap();
    let other = dir.path().join("larger.toml");
    std::fs::write(&other, text.replace("batch = 3", "batch = 4")).unwrap();
    let (base, other) = (base.to_str().unwrap(), other.to_str().unwrap());
    let summary = dir.path().join("summary.md");
    let md = summary.to_str().unwrap();
    let more = ["--runs", "100", "--fail-on", "regression", "--force", "-o", md];
    let told = run(&[&["compare", base, other], &more[..]].concat());
    assert_eq!(told.code, Some(10), "{}", told.stderr);
    assert!(told.stdout.contains("worse") && told.stdout.contains("breaks"), "{}", told.stdout);
    assert!(told.stdout.lines().all(|line| line.chars().count() <= 80), "{}", told.stdout);
    let text = std::fs::read_to_string(&summary).unwrap();
    assert!(text.contains("**larger breaks** `serving_min >= 9`"), "{text}");
    let same = run(&[&["compare", base, base], &more[..]].concat());
    assert_eq!(same.code, Some(0), "{}", same.stdout);
    let sim = ["sim", other, "--allow-stuck", "--runs", "100", "--compare", base, "-o", md];
    let sim = run(&sim);
    assert_eq!(sim.code, Some(10), "{}", sim.stderr);
    let text = std::fs::read_to_string(&summary).unwrap();
    assert!(text.contains("| gate | verdict |") && text.contains("| better |"), "{text}");
}
