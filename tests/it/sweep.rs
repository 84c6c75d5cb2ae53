//! `sweep`, shards and `merge`: the same bytes however the work is divided.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Finished, Run};

/// Two batch sizes at two rates, three blocks each.
const STUDY: [&str; 8] = [
    "sweep",
    "scenarios/generic-batches.toml",
    "--vary",
    "strategy.generic.batch=1..2",
    "--vary",
    "versions.new.never_ready=0%,2%",
    "--runs",
    "210",
];

fn call(more: &[&str]) -> Finished {
    let finished = Run::new(STUDY.iter().chain(more).copied()).run();
    assert!(matches!(finished.code, Some(0 | 10 | 11)), "{}", finished.stderr);
    finished
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("a plain path").to_owned()
}

/// The answer of one machine.
fn whole(folder: &Path) -> Vec<Vec<u8>> {
    let names = ["all.csv", "all.json", "all.md", "map.svg"].map(|name| path(folder, name));
    call(&["-q", "-o", &names[0], "-o", &names[1], "-o", &names[2], "-o", &names[3]]);
    names.iter().map(|name| std::fs::read(name).unwrap()).collect()
}

fn merged(folder: &Path, parts: &[String]) -> Vec<Vec<u8>> {
    let names = ["m.csv", "m.json", "m.md", "m-map.svg"].map(|name| path(folder, name));
    let outputs = names.iter().flat_map(|name| ["-o".to_owned(), name.clone()]);
    let args = ["merge".to_owned(), "-q".to_owned()].into_iter();
    let done = Run::new(args.chain(parts.iter().cloned()).chain(outputs)).run();
    assert!(matches!(done.code, Some(0 | 10 | 11)), "{}", done.stderr);
    names.iter().map(|name| std::fs::read(name).unwrap()).collect()
}

#[test]
fn shards_put_together_are_the_whole_to_the_byte() {
    let folder = tempfile::tempdir().unwrap();
    let whole = whole(folder.path());
    for of in 1..=8 {
        let part = |k: u32| {
            let file = path(folder.path(), &format!("part{k}of{of}.json"));
            call(&["--shard", &format!("{k}/{of}"), "-o", &file]);
            file
        };
        let mut parts: Vec<String> = (1..=of).map(part).collect();
        parts.reverse();
        assert!(merged(folder.path(), &parts) == whole, "{of} shards");
    }
}

#[test]
fn threads_and_an_interruption_do_not_show() {
    let folder = tempfile::tempdir().unwrap();
    let whole = whole(folder.path());
    let (kept, again) = (path(folder.path(), "kept.sweep"), path(folder.path(), "again.json"));
    // All of it once, with the file; then the same with the end of the file gone.
    call(&["-q", "--threads", "2", "--resume", &kept]);
    let bytes = std::fs::read(&kept).unwrap();
    std::fs::write(&kept, &bytes[..bytes.len() * 3 / 5]).unwrap();
    let resumed = call(&["--threads", "1", "--resume", &kept, "-o", &again]);
    assert!(resumed.stderr.contains("were done before"), "{}", resumed.stderr);
    assert!(std::fs::read(&again).unwrap() == whole[1]);
    let other = Run::new(STUDY.iter().copied().chain(["--seed", "2", "--resume", &kept])).run();
    assert_eq!(other.code, Some(1));
    assert!(other.stderr.contains("its seed is 1, not 2"), "{}", other.stderr);
}

/// Kills a sweep with SIGKILL as soon as its checkpoint has grown.
#[cfg(unix)]
#[test]
fn a_killed_sweep_goes_on_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (kept, json) = (path(folder.path(), "kept.sweep"), path(folder.path(), "all.json"));
    let args = [
        "sweep",
        "scenarios/quickstart.toml",
        "--vary",
        "strategy.kubernetes.max_surge=1..3",
        "--runs",
        "200",
        "--requests",
        "all",
        "-q",
        "--set",
        "traffic.rate=100/s",
    ];
    let mut child = Command::new(env!("CARGO_BIN_EXE_rollcast"))
        .args(args)
        .args(["--resume", &kept])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = |bytes: &[u8]| bytes.split(|b| *b == b'\n').count() - 1;
    let grown = || std::fs::read(&kept).is_ok_and(|bytes| lines(&bytes) >= 3);
    while !grown() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let left = lines(&std::fs::read(&kept).unwrap());
    assert!((3..7).contains(&left), "killed in the middle: {left} lines of 7");
    let run = |more: &[&str]| {
        let done = Run::new(args.iter().chain(more).copied()).run();
        assert!(matches!(done.code, Some(0 | 10 | 11)), "{}", done.stderr);
        std::fs::read(&json).unwrap()
    };
    let resumed = run(&["--resume", &kept, "-o", &json]);
    assert!(resumed == run(&["-o", &json]));
}

#[test]
fn missing_doubled_and_foreign_parts_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let part = |name: &str, shard: &str, more: &[&str]| {
        let file = path(folder.path(), name);
        call(&[&["--shard", shard, "-o", &file], more].concat());
        file
    };
    let (a, b) = (part("a.json", "1/3", &[]), part("b.json", "2/3", &[]));
    let foreign = part("f.json", "3/3", &["--seed", "7"]);
    let error = |parts: &[&String]| {
        let parts = parts.iter().map(|part| (*part).clone());
        let done = Run::new(["merge".to_owned()].into_iter().chain(parts)).run();
        assert_eq!(done.code, Some(1));
        done.stderr
    };
    assert!(error(&[&a, &b]).contains("missing: shard 3/3"));
    assert!(error(&[&a, &b, &a]).contains("a.json is shard 1/3 again"));
    assert!(error(&[&a, &b, &foreign]).contains("f.json is a part of another study"));
    let torn = path(folder.path(), "torn.json");
    std::fs::write(&torn, &std::fs::read(&b).unwrap()[..900]).unwrap();
    assert!(error(&[&a, &torn]).contains("torn.json is damaged"));
}

#[test]
fn the_screen_fits_and_says_what_to_take() {
    let shown = call(&["--gate", "mixed <= 20m"]).stdout;
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert!(shown.contains("batch") && shown.contains("fastest of those that keep"), "{shown}");
    assert!(call(&["-q"]).stdout.lines().count() == 1);
}

#[test]
fn mistakes_are_told_before_anything_is_played() {
    let error = |vary: &str, more: &[&str]| {
        let args = ["sweep", "scenarios/generic-batches.toml", "--vary", vary];
        let done = Run::new(args.iter().chain(more).copied()).run();
        assert!(matches!(done.code, Some(1 | 2)), "{}", done.stdout);
        done.stderr
    };
    let unknown = error("strategy.generic.bach=1..3", &[]);
    assert!(unknown.contains("did you mean") && unknown.contains("batch"), "{unknown}");
    assert!(error("strategy.generic.batch=1,two", &[]).contains("two"));
    assert!(error("strategy.generic.bake=1s..9s", &[]).contains("how many values"));
    assert!(error("strategy.generic.batch=1..2", &["--shard", "1/2"]).contains("-o part"));
    assert!(error("strategy.generic.batch=1..2", &["--goal", "p95(duration)"]).contains("min"));
    let point = error("strategy.generic.batch=1..2", &["-o", "x.html"]);
    assert!(point.contains("suffix"), "{point}");
}
