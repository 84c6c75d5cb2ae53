//! The documents say what is true: commands run, scenarios are sound, screens and links are there.
//!
//! `ROLLCAST_BLESS=1 cargo test --test it readme` writes the screens of `README.md` anew.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Finished, Run};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// A fenced block follows; its text is what the command prints.
const SCREEN: &str = "<!-- screen: ";

/// A fenced block of a document.
struct Block {
    language: String,
    /// The line of the document before the fence.
    before: String,
    text: String,
}

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(name)).expect(name)
}

fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut before = "";
    let mut open: Option<Block> = None;
    for line in document.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => {
                let (language, before) = (language.to_owned(), before.to_owned());
                open = Some(Block { language, before, text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.text.extend([line, "\n"]),
            (None, None) => before = line,
        }
    }
    assert!(open.is_none(), "a block without an end");
    blocks
}

fn texts(blocks: &[Block], language: &str) -> Vec<String> {
    blocks.iter().filter(|b| b.language == language).map(|b| b.text.clone()).collect()
}

/// Arguments of every call of the program in a shell block, other commands left out.
fn commands(text: &str) -> Vec<Vec<String>> {
    let joined = text.replace("\\\n", " ");
    let call = |line: &str| {
        let line = line.strip_prefix("$ ").unwrap_or(line);
        line.strip_prefix("cargo run --release -- ")
            .or_else(|| line.strip_prefix("rollcast "))
            .map(words)
    };
    joined.lines().filter_map(call).collect()
}

/// Words as a shell splits them, for text with at most single quotes.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (index, part) in line.split('\'').enumerate() {
        if index % 2 == 1 {
            words.last_mut().expect("there is a word").push_str(part);
            continue;
        }
        for (index, piece) in part.split(' ').enumerate() {
            if index > 0 {
                words.push(String::new());
            }
            words.last_mut().expect("there is a word").push_str(piece);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A folder as the reader of the README has it: the scenarios, the recordings, the manifest, the
/// record.
fn readers_folder(blocks: &[Block]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for folder in ["scenarios", "scenarios/system", "tests/data/traces"] {
        fs::create_dir_all(dir.path().join(folder)).unwrap();
        for entry in fs::read_dir(Path::new(ROOT).join(folder)).unwrap() {
            let from = entry.unwrap().path();
            if from.is_dir() {
                continue;
            }
            fs::copy(&from, dir.path().join(folder).join(from.file_name().unwrap())).unwrap();
        }
    }
    fs::write(dir.path().join("deploy.yaml"), texts(blocks, "yaml").concat()).unwrap();
    fs::write(dir.path().join("requests.csv"), texts(blocks, "csv").concat()).unwrap();
    dir
}

#[test]
fn commands_run() {
    let blocks = blocks(&read("README.md"));
    let dir = readers_folder(&blocks);
    let mut calls: Vec<Vec<String>> =
        texts(&blocks, "sh").iter().flat_map(|text| commands(text)).collect();
    assert!(calls.len() >= 5, "{calls:?}");
    calls.push(words("explain shutdown.pre_stop"));
    for call in calls {
        let run = Run::new(call.clone()).in_dir(dir.path()).run();
        let ended = if call[0] == "sim" { is_finished(&run) } else { run.code == Some(0) };
        assert!(ended, "{call:?}: {:?}\n{}", run.code, run.stderr);
    }
}

/// Whether a simulation came to its end: it may find that a gate fails or is undecided.
fn is_finished(run: &Finished) -> bool {
    matches!(run.code, Some(0 | 10 | 11))
}

#[test]
fn screens_are_what_the_program_shows() {
    let name = "README.md";
    let (old, mut new) = (read(name), read(name));
    let screens = blocks(&old).into_iter().filter(|block| block.before.starts_with(SCREEN));
    for block in screens {
        let command = block.before.trim_start_matches(SCREEN).trim_end_matches(" -->");
        let run = Run::new(words(command).split_off(1)).run();
        assert!(is_finished(&run), "{command}: {:?}\n{}", run.code, run.stderr);
        let head = format!("{}\n```{}\n", block.before, block.language);
        let old_screen = format!("{head}{}```\n", block.text);
        new = new.replace(&old_screen, &format!("{head}{}```\n", run.stdout));
    }
    if std::env::var_os("ROLLCAST_BLESS").is_some() {
        fs::write(Path::new(ROOT).join(name), new).unwrap();
    } else {
        assert!(old == new, "README.md should show\n{new}\n(ROLLCAST_BLESS=1 writes it)");
    }
}

#[test]
fn the_scenario_told_in_pieces_is_the_quickstart() {
    let told = texts(&blocks(&read("README.md")), "toml").concat();
    let printed = |run: Run| {
        let finished = run.run();
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        finished.stdout
    };
    printed(Run::new(["check", "-"]).stdin(told.as_str()));
    let mine = printed(Run::new(["sim", "-", "--print-scenario"]).stdin(told));
    let file = printed(Run::new(["sim", "scenarios/quickstart.toml", "--print-scenario"]));
    assert_eq!(mine, file);
}

#[test]
fn whole_scenarios_in_other_documents_are_sound() {
    let mut scenarios = 0;
    for (name, document) in documents().into_iter().filter(|(name, _)| name != "README.md") {
        let whole = |text: &String| text.contains("rollcast = 1");
        for text in texts(&blocks(&document), "toml").into_iter().filter(whole) {
            let run = Run::new(["check", "--deny", "warnings", "-"]).stdin(text.as_str()).run();
            assert_eq!(run.code, Some(0), "{name}\n{text}\n{}{}", run.stdout, run.stderr);
            scenarios += 1;
        }
    }
    assert!(scenarios > 0, "no scenario in any document");
}

#[test]
fn links_lead_somewhere() {
    let mut missing = Vec::new();
    for (name, document) in documents() {
        let folder = Path::new(ROOT).join(&name).parent().unwrap().to_path_buf();
        for (at, _) in document.match_indices("](") {
            let target = document[at + 2..].split([')', '#']).next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") && !folder.join(target).exists() {
                missing.push(format!("{name}: {target}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Name and text of every document.
fn documents() -> Vec<(String, String)> {
    let mut names = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(PathBuf::from).to_vec();
    for entry in fs::read_dir(Path::new(ROOT).join("docs")).unwrap() {
        let path = Path::new("docs").join(entry.unwrap().file_name());
        names.extend(Some(path).filter(|p| p.extension().is_some_and(|suffix| suffix == "md")));
    }
    let named = |path: PathBuf| path.to_str().expect("names are text").to_owned();
    names.into_iter().map(named).map(|name| (name.clone(), read(&name))).collect()
}

#[test]
fn words_are_split_as_a_shell_does() {
    let text = "cargo test\nrollcast sim x.toml \\\n  --set 'a={ b = \"c d\" }' --runs 3\n";
    let expected = ["sim", "x.toml", "--set", "a={ b = \"c d\" }", "--runs", "3"];
    assert_eq!(commands(text), [expected.map(str::to_owned).to_vec()]);
}
