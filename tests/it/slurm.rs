//! Shards as a Slurm job array, on a real Slurm of one node. Where `ROLLCAST_REQUIRE` does not
//! name `slurm` this is skipped aloud.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::Run;

const STUDY: [&str; 7] = [
    "scenarios/generic-batches.toml",
    "--vary",
    "strategy.generic.batch=1..2",
    "--vary",
    "versions.new.never_ready=0%,2%",
    "--runs",
    "210",
];

/// Long enough to be killed in the middle.
const LONG: [&str; 9] = [
    "scenarios/quickstart.toml",
    "--vary",
    "strategy.kubernetes.max_surge=1..3",
    "--runs",
    "400",
    "--requests",
    "all",
    "--set",
    "traffic.rate=100/s",
];

fn is_required() -> bool {
    let required = std::env::var("ROLLCAST_REQUIRE").unwrap_or_default();
    required.split([',', ' ']).any(|name| name == "slurm")
}

fn skipped_aloud() {
    let told = "SKIPPED: no Slurm here (ROLLCAST_REQUIRE=slurm runs this)\n";
    std::io::stderr().write_all(told.as_bytes()).unwrap();
}

fn command(name: &str, args: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let done = Command::new(name).args(args).current_dir(root).output();
    let done = done.unwrap_or_else(|error| panic!("{name}: {error}"));
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{name} {args:?}: {told}");
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// Submits shards of a study, and says the number of the job.
fn submit(folder: &Path, shards: &str, of: u32, study: &[&str]) -> String {
    std::fs::create_dir_all(folder).unwrap();
    let folder = folder.to_str().expect("a plain path");
    let array = format!("--array={shards}");
    let exported = format!("--export=ALL,SHARDS={of},ROLLCAST={}", env!("CARGO_BIN_EXE_rollcast"));
    let log = format!("--output={folder}/%a.log");
    let fixed = ["--parsable", &array, &exported, &log, "docs/cluster/slurm.sh", folder];
    command("sbatch", &[&fixed[..], study].concat()).trim().to_owned()
}

/// Until `done` holds; what the tasks said is in the panic.
fn until(folder: &Path, what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..2_400 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let queue = command("squeue", &["--long"]);
    let logs = std::fs::read_to_string(folder.join("1.log")).unwrap_or_default();
    panic!("{what} did not happen\n{queue}\n{logs}");
}

fn is_gone(job: &str) -> bool {
    let known = Command::new("squeue").args(["--noheader", "--jobs", job]).output().unwrap();
    !known.status.success() || known.stdout.is_empty()
}

fn parts(folder: &Path, of: u32) -> Vec<PathBuf> {
    (1..=of).map(|shard| folder.join(format!("part{shard}.json"))).collect()
}

fn csv(args: Vec<String>, into: &Path) -> Vec<u8> {
    let file = into.to_str().expect("a plain path").to_owned();
    let done = Run::new(args.into_iter().chain(["-q".into(), "-o".into(), file])).run();
    assert!(matches!(done.code, Some(0 | 10 | 11)), "{}", done.stderr);
    std::fs::read(into).unwrap()
}

fn whole(folder: &Path, study: &[&str]) -> Vec<u8> {
    let args = ["sweep"].iter().chain(study).map(|word| (*word).to_owned());
    csv(args.collect(), &folder.join("whole.csv"))
}

fn merged(folder: &Path, of: u32) -> Vec<u8> {
    let files = parts(folder, of).into_iter().map(|part| part.to_str().unwrap().to_owned());
    csv(["merge".to_owned()].into_iter().chain(files).collect(), &folder.join("merged.csv"))
}

#[test]
fn a_job_array_gives_the_bytes_of_one_machine() {
    if !is_required() {
        skipped_aloud();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let wanted = whole(folder.path(), &STUDY);
    let of_shards = |of: u32| folder.path().join(format!("of{of}"));
    let jobs: Vec<String> =
        (1..=8).map(|of| submit(&of_shards(of), &format!("1-{of}"), of, &STUDY)).collect();
    for (job, of) in jobs.iter().zip(1..) {
        until(&of_shards(of), "the array", || is_gone(job));
        assert!(merged(&of_shards(of), of) == wanted, "{of} shards");
    }
}

#[test]
fn a_task_killed_in_the_middle_goes_on_to_the_same_bytes() {
    if !is_required() {
        skipped_aloud();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("parts");
    let job = submit(&place, "1-2", 2, &LONG);
    let checkpoint = place.join("shard2.sweep");
    let blocks = || {
        let bytes = std::fs::read(&checkpoint).unwrap_or_default();
        bytes.split(|b| *b == b'\n').count().saturating_sub(2)
    };
    until(&place, "the first block of shard 2", || blocks() >= 1);
    command("scancel", &["--signal=KILL", "--full", &format!("{job}_2")]);
    until(&place, "the end of the array", || is_gone(&job));
    assert!(parts(&place, 2)[0].exists() && !parts(&place, 2)[1].exists());
    assert!((1..6).contains(&blocks()), "killed in the middle: {} blocks of 6", blocks());
    let again = submit(&place, "2", 2, &LONG);
    until(&place, "shard 2", || is_gone(&again));
    assert!(merged(&place, 2) == whole(folder.path(), &LONG));
}
