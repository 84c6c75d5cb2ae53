//! The order of the house, checked: who imports whom, who prints, how long things are.

use std::fs;
use std::path::Path;

/// Which room may import which, from the ground up; `units` may be imported by all. A room
/// names only rooms above it in this list, so that there are no circles.
const ROOMS: &[(&str, &[&str])] = &[
    ("units", &[]),
    ("engine", &[]),
    ("scenario", &[]),
    ("trace", &[]),
    ("strategy", &["scenario", "trace"]),
    ("balancer", &["scenario"]),
    ("health", &["scenario"]),
    ("judge", &["engine", "scenario"]),
    ("lint", &["scenario", "strategy"]),
    ("traffic", &["engine", "scenario"]),
    ("exact", &["scenario"]),
    ("outcome", &["scenario", "trace"]),
    ("stats", &["engine", "scenario", "outcome"]),
    ("sim", &["engine", "scenario", "trace", "strategy", "balancer", "health", "judge", "traffic"]),
    (
        "study",
        &["engine", "scenario", "trace", "judge", "traffic", "exact", "outcome", "stats", "sim"],
    ),
    ("report", &["scenario", "trace", "outcome", "stats", "study"]),
    (
        "cli",
        &[
            "engine", "scenario", "trace", "strategy", "balancer", "health", "judge", "lint",
            "traffic", "exact", "outcome", "stats", "sim", "study", "report",
        ],
    ),
];

const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 90;
const COLUMNS: usize = 100;

/// What every orchestrator's file says about itself, as headings of its module comment.
const HEADINGS: [&str; 5] =
    ["Source", "Rules", "Settings and defaults", "Known surprises", "Where we depart"];

/// A file of the repository: its path from the root with `/`, and its text.
struct File {
    path: String,
    text: String,
}

/// All files below `folder` whose name ends with `ending`, in order of their paths.
fn files(folder: &str, ending: &str) -> Vec<File> {
    fn walk(root: &Path, folder: &str, ending: &str, found: &mut Vec<File>) {
        let Ok(entries) = fs::read_dir(root.join(folder)) else { return };
        for entry in entries {
            let entry = entry.unwrap();
            let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                walk(root, &path, ending, found);
            } else if path.ends_with(ending) {
                let text = fs::read_to_string(entry.path()).unwrap();
                found.push(File { path, text });
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new(env!("CARGO_MANIFEST_DIR")), folder, ending, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// A file in the root of the repository, if it exists.
fn in_root(name: &str) -> Option<File> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).ok()?;
    Some(File { path: name.to_owned(), text })
}

/// Applies a check to every Rust file below `folders` and shows all complaints at once.
#[track_caller]
fn hold(folders: &[&str], check: impl Fn(&File) -> Vec<String>) {
    let all: Vec<File> = folders.iter().flat_map(|folder| files(folder, ".rs")).collect();
    assert!(!all.is_empty(), "no files below {folders:?}");
    let complaints: Vec<String> = all.iter().flat_map(check).collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// The text with comments and the insides of strings blanked out, line by line the same length.
fn code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = blank_end(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// Where the comment, string or character that begins at `at` ends; `at` if none begins there.
fn blank_end(chars: &[char], at: usize) -> usize {
    let from = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let find = |start: usize, text: &str| {
        let text: Vec<char> = text.chars().collect();
        let found = chars[start.min(chars.len())..].windows(text.len()).position(|w| w == text);
        found.map_or(chars.len(), |i| start + i)
    };
    match (from(at), from(at + 1)) {
        ('/', '/') => find(at, "\n"),
        ('/', '*') => (find(at + 2, "*/") + 2).min(chars.len()),
        ('r', '"' | '#') if at == 0 || !is_word(from(at - 1)) || from(at - 1) == 'b' => {
            let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
            if from(at + 1 + hashes) != '"' {
                return at;
            }
            let close = format!("\"{}", "#".repeat(hashes));
            (find(at + 2 + hashes, &close) + close.len()).min(chars.len())
        }
        ('"', _) => quoted_end(chars, at, '"'),
        ('\'', '\\') => quoted_end(chars, at, '\''),
        // Otherwise a lifetime.
        ('\'', _) if from(at + 2) == '\'' => at + 3,
        _ => at,
    }
}

fn quoted_end(chars: &[char], open: usize, quote: char) -> usize {
    let mut at = open + 1;
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The first names after every `crate::`, with their lines: `crate::a::B` and `crate::{a, b::C}`.
fn crate_paths(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, path) in code.match_indices("crate::") {
        for item in group(code[at + path.len()..].trim_start()) {
            let name = item.trim_start().chars().take_while(|c| is_word(*c)).collect();
            found.push((line_of(code, at), name));
        }
    }
    found
}

/// The parts of `{a, b::{C, D}, e} …` between its own braces; without braces the whole text.
fn group(text: &str) -> Vec<&str> {
    let Some(inner) = text.strip_prefix('{') else { return vec![text] };
    let mut depth = 1;
    let end = inner.find(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth == 0
    });
    let split = inner[..end.unwrap_or(inner.len())].split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    split.collect()
}

/// Imports that the table does not allow.
fn imports(file: &File) -> Vec<String> {
    let Some((room, _)) = file.path.strip_prefix("src/").and_then(|p| p.split_once('/')) else {
        return Vec::new();
    };
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return vec![format!("{}: `{room}` is not in the table of rooms", file.path)];
    };
    let code = code(&file.text);
    let mut complaints = Vec::new();
    for (line, name) in crate_paths(&code) {
        let known = ROOMS.iter().any(|(other, _)| *other == name);
        if known && name != room && name != "units" && !allowed.contains(&name.as_str()) {
            let path = &file.path;
            complaints.push(format!("{path}:{line}: `{room}` may not import `{name}`"));
        }
    }
    // `super::super::…` up to the root of the crate would be a way around the table.
    let depth = file.path.matches('/').count() - usize::from(file.path.ends_with("/mod.rs"));
    for (index, line) in code.lines().enumerate() {
        let ups = (1..=9).take_while(|n| line.contains(&"super::".repeat(*n))).count();
        let in_line_modules = usize::from(line.starts_with(' '));
        if ups >= depth + in_line_modules {
            let number = index + 1;
            complaints.push(format!("{}:{number}: write `crate::` and the room", file.path));
        }
    }
    complaints
}

/// Printing outside the one room that does.
fn printing(file: &File) -> Vec<String> {
    if file.path.starts_with("src/cli/") {
        return Vec::new();
    }
    let code = code(&file.text);
    let macros = ["println!", "eprintln!", "print!", "eprint!", "dbg!"];
    let mut complaints = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut words = line.split(|c: char| !is_word(c) && c != '!');
        if let Some(name) = words.find(|word| macros.contains(word)) {
            let (path, number) = (&file.path, index + 1);
            complaints.push(format!("{path}:{number}: `{name}`, but only cli prints"));
        }
    }
    complaints
}

/// Files and lines that are too long.
fn lengths(file: &File) -> Vec<String> {
    let mut complaints = Vec::new();
    let lines = file.text.lines().count();
    if lines > FILE_LINES {
        complaints.push(format!("{}: {lines} lines, {FILE_LINES} are enough", file.path));
    }
    for (index, line) in file.text.lines().enumerate() {
        let columns = line.chars().count();
        if columns > COLUMNS {
            complaints.push(format!("{}:{}: {columns} columns", file.path, index + 1));
        }
    }
    complaints
}

/// Functions that are too long, by counting braces from `fn` to the end of the body.
fn functions(file: &File) -> Vec<String> {
    let code = code(&file.text);
    let mut complaints = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if code[..at].chars().next_back().is_some_and(is_word) {
            continue;
        }
        let (mut braces, mut others) = (0, 0);
        let end = code[at..].find(|c: char| {
            match c {
                '{' => braces += 1,
                '}' => braces -= 1,
                '(' | '[' => others += 1,
                ')' | ']' => others -= 1,
                _ => {}
            }
            braces == 0 && others == 0 && (c == '}' || c == ';')
        });
        let lines = code[at..at + end.unwrap_or(0)].matches('\n').count() + 1;
        if lines > FUNCTION_LINES {
            let line = line_of(&code, at);
            complaints.push(format!("{}:{line}: a function of {lines} lines", file.path));
        }
    }
    complaints
}

/// Paths that exist on somebody's machine only.
fn machine_paths(file: &File) -> Vec<String> {
    // In two pieces, so that this file passes.
    let roots = [["/", "work/"], ["/", "home/"], ["/", "root/"], ["/", "Users/"], ["C:", "\\"]];
    let mut complaints = Vec::new();
    for root in roots.map(|pieces| pieces.concat()) {
        for (at, _) in file.text.match_indices(&root) {
            let before = file.text[..at].chars().next_back();
            // Behind a name it is the path of an address.
            if !before.is_some_and(|c| is_word(c) || matches!(c, '.' | '-' | '>' | '}')) {
                let line = line_of(&file.text, at);
                complaints.push(format!("{}:{line}: `{root}` is a machine's path", file.path));
            }
        }
    }
    complaints
}

/// Headings that an orchestrator's file lacks.
fn headings(file: &File) -> Vec<String> {
    let has = |heading: &str| {
        let mut titles = file.text.lines().filter_map(|line| line.strip_prefix("//! #"));
        titles.any(|line| line.trim_start_matches('#').trim() == heading)
    };
    let missing: Vec<&str> = HEADINGS.into_iter().filter(|heading| !has(heading)).collect();
    if missing.is_empty() {
        return Vec::new();
    }
    vec![format!("{}: no heading {}", file.path, missing.join(", "))]
}

/// Stories that no text tells of.
fn untold(stories: &[File], texts: &[File]) -> Vec<String> {
    let told = |path: &str| texts.iter().any(|text| text.text.contains(path));
    stories.iter().map(|story| story.path.clone()).filter(|path| !told(path)).collect()
}

#[test]
fn rooms_import_only_what_the_table_allows() {
    for (index, (room, allowed)) in ROOMS.iter().enumerate() {
        for name in *allowed {
            let above = ROOMS[..index].iter().any(|(other, _)| other == name);
            assert!(above, "`{room}` names `{name}`, which does not stand above it");
        }
    }
    hold(&["src"], imports);
}

#[test]
fn the_map_shows_the_same_table() {
    let map = in_root("ARCHITECTURE.md").expect("there is a map");
    let all: Vec<&str> = ROOMS[1..ROOMS.len() - 1].iter().map(|(room, _)| *room).collect();
    let row = |line: &str| {
        let (room, rest) = line.strip_prefix("| `")?.split_once("` |")?;
        let names = match rest.trim_end_matches(" |").rsplit_once(" | ")?.1 {
            "–" => String::new(),
            "all" => all.join(", "),
            names => names.to_owned(),
        };
        Some((room.to_owned(), names))
    };
    let shown: Vec<_> = map.text.lines().filter_map(row).collect();
    let table: Vec<_> = ROOMS.iter().map(|(r, names)| (r.to_string(), names.join(", "))).collect();
    assert_eq!(shown, table);
}

#[test]
fn only_cli_prints() {
    hold(&["src"], printing);
}

#[test]
fn files_and_lines_are_short() {
    hold(&["src", "tests", "benches"], lengths);
}

#[test]
fn functions_are_short() {
    hold(&["src", "tests", "benches"], functions);
}

#[test]
fn nothing_depends_on_a_machine() {
    hold(&["src", "tests", "benches"], machine_paths);
    let mut others = files("docs", ".md");
    others.extend(files("scenarios", ".toml"));
    others.extend(["README.md", "ARCHITECTURE.md", "Cargo.toml"].into_iter().filter_map(in_root));
    let complaints: Vec<String> = others.iter().flat_map(machine_paths).collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_orchestrator_is_described() {
    let room = in_root("src/strategy/mod.rs").expect("there are strategies");
    let names = room.text.lines().filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';'));
    let mut complaints = Vec::new();
    for name in names {
        let file = in_root(&format!("src/strategy/{name}/mod.rs"))
            .or_else(|| in_root(&format!("src/strategy/{name}.rs")));
        complaints.extend(headings(&file.expect("a module has a file")));
    }
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_story_is_told() {
    let Some(readme) = in_root("README.md") else { return };
    let mut texts = files("docs", ".md");
    texts.push(readme);
    let complaints = untold(&files("scenarios", ".toml"), &texts);
    assert!(complaints.is_empty(), "no text mentions\n{}\n", complaints.join("\n"));
}

/// Every check finds what it is there to find, and only that.
mod bites {
    use super::{
        COLUMNS, FILE_LINES, FUNCTION_LINES, File, HEADINGS, code, functions, headings, imports,
        lengths, machine_paths, printing, untold,
    };

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    #[track_caller]
    fn finds(check: impl Fn(&File) -> Vec<String>, path: &str, text: &str, expected: &[&str]) {
        assert_eq!(check(&file(path, text)), expected);
    }

    #[test]
    fn comments_and_strings_are_blanked_and_lines_kept() {
        let text =
            "a(\"x // \\\" y\", '\"', 'b'); // crate::sim\n/* crate::\nsim */ r#\"\"q\"# + 'z\n";
        let blanked = code(text);
        let words: Vec<&str> = blanked.split_whitespace().collect();
        assert_eq!(words, ["a(", ",", ",", ");", "+", "'z"]);
        assert_eq!(blanked.lines().count(), text.lines().count());
    }

    #[test]
    fn imports_across_the_table() {
        let wrong = "src/trace/x.rs:2: `trace` may not import `sim`";
        finds(imports, "src/trace/x.rs", "use crate::units::Time;\nuse crate::sim::A;", &[wrong]);
        let group = "\nuse crate::{\n    trace::{A, sim},\n    units::{B},\n    sim::C,\n};\n{,}";
        finds(imports, "src/trace/x.rs", group, &[wrong]);
        finds(imports, "src/trace/x.rs", "\nfn f() { crate::sim::g(); }", &[wrong]);
        finds(imports, "src/cli/x.rs", "use crate::sim::A;", &[]);
        finds(imports, "src/sim/x.rs", "// crate::cli\nuse crate::engine::Queue;", &[]);
        let wrong = "src/units/x.rs:1: `units` may not import `trace`";
        finds(imports, "src/units/x.rs", "use crate::trace::Record;", &[wrong]);
        finds(
            imports,
            "src/shed/x.rs",
            "",
            &["src/shed/x.rs: `shed` is not in the table of rooms"],
        );
    }

    #[test]
    fn imports_around_the_table() {
        let wrong = ["src/trace/x.rs:1: write `crate::` and the room"];
        finds(imports, "src/trace/x.rs", "use super::super::sim::A;", &wrong);
        finds(imports, "src/trace/x.rs", "use super::record::Record;", &[]);
        finds(imports, "src/trace/mod.rs", "mod tests {\n    use super::A;\n}", &[]);
        finds(imports, "src/trace/x/mod.rs", "use super::record::Record;", &[]);
        let wrong = ["src/trace/mod.rs:1: write `crate::` and the room"];
        finds(imports, "src/trace/mod.rs", "use super::sim::A;", &wrong);
    }

    #[test]
    fn printing_outside_cli() {
        let text = "fn f() {\n    eprintln!(\"x\");\n    writeln!(f, \"println!\");\n}";
        finds(
            printing,
            "src/sim/a.rs",
            text,
            &["src/sim/a.rs:2: `eprintln!`, but only cli prints"],
        );
        finds(printing, "src/cli/a.rs", text, &[]);
    }

    #[test]
    fn long_files_lines_and_functions() {
        finds(lengths, "a.rs", &"\n".repeat(FILE_LINES), &[]);
        finds(lengths, "a.rs", &"\n".repeat(FILE_LINES + 1), &["a.rs: 501 lines, 500 are enough"]);
        finds(lengths, "a.rs", &"é".repeat(COLUMNS), &[]);
        finds(lengths, "a.rs", &"é".repeat(COLUMNS + 1), &["a.rs:1: 101 columns"]);
        let function = |lines: usize| {
            let body = "    let a = \"}\"; // }\n".repeat(lines - 2);
            format!("trait T {{\n    fn g(a: [u8; 2]);\n}}\nfn f(a: [u8; 3]) {{\n{body}}}\n")
        };
        finds(functions, "a.rs", &function(FUNCTION_LINES), &[]);
        finds(
            functions,
            "a.rs",
            &function(FUNCTION_LINES + 1),
            &["a.rs:4: a function of 91 lines"],
        );
    }

    #[test]
    fn paths_of_machines() {
        let path = ["/", "home/ann/x"].concat();
        let complaint = format!("a.rs:2: `{}` is a machine's path", ["/", "home/"].concat());
        finds(machine_paths, "a.rs", &format!("\n\"{path}\""), &[&complaint]);
        finds(machine_paths, "a.rs", &format!("https://example.org{path}"), &[]);
    }

    #[test]
    fn orchestrators_without_their_headings() {
        let all = HEADINGS.map(|heading| format!("//! # {heading}\n//! Text.\n")).concat();
        finds(headings, "a.rs", &all, &[]);
        let less = all.replace("# Rules", "Rules");
        finds(headings, "a.rs", &less, &["a.rs: no heading Rules"]);
    }

    #[test]
    fn stories_without_a_reader() {
        let stories = [file("scenarios/a.toml", ""), file("scenarios/b.toml", "")];
        let texts = [file("README.md", "rollcast sim scenarios/a.toml")];
        assert_eq!(untold(&stories, &texts), ["scenarios/b.toml"]);
    }
}
