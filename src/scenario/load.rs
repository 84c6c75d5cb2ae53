//! A text and flags in, a checked scenario or every complaint out.

use std::collections::BTreeMap;
use std::path::Path;

use super::Scenario;
use super::check::check;
use super::codes::{Code, Severity};
use super::diagnostic::{self, Diagnostic};
use super::keys;
use super::reader;
use super::settings::Orchestrator;
use super::source::{Place, Source};
use super::suggest::nearest;
use super::tree::{self, Item, Node, Override};

/// A checked scenario with what it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The scenario.
    pub scenario: Scenario,
    /// Complaints that do not keep it from running.
    pub warnings: Vec<Diagnostic>,
    /// Where everything was written.
    pub source: Source,
}

/// Why a scenario is not run: every complaint in the order of the file, errors and warnings.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{} problems in {}", .diagnostics.len(), .written.file)]
pub struct LoadError {
    /// The complaints.
    pub diagnostics: Vec<Diagnostic>,
    /// Where they point.
    pub written: Source,
}

/// Reads and checks a scenario. `file` is its name for messages; recorded files are looked for
/// in `base_dir`; `overrides` are put in before anything is checked.
pub fn load(
    text: &str,
    file: &str,
    base_dir: &Path,
    overrides: &[Override],
) -> Result<Loaded, Box<LoadError>> {
    let flags = overrides.iter().map(|o| o.flag.clone()).collect();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
    let mut source = Source { file: file.to_owned(), text, flags, places: BTreeMap::new() };
    let mut problems = Vec::new();
    let root = match tree::parse(&source.text) {
        Ok(root) => root,
        Err(problem) => {
            return Err(Box::new(LoadError { diagnostics: vec![*problem], written: source }));
        }
    };
    let root = put_overrides(root, overrides, &mut problems);
    collect_places("", &root, &mut source);
    let raw = reader::read(&root, &mut problems);
    let mut scenario = check(&raw, base_dir, &mut problems);
    diagnostic::sort(&mut problems);
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(Box::new(LoadError { diagnostics: problems, written: source }));
    }
    for (index, gate) in scenario.gates.iter_mut().enumerate() {
        let place = source.places.get(&format!("gates.{index}"));
        let in_file = place.filter(|place| place.flag.is_none());
        gate.line = in_file.map(|place| source.line_column(*place).0 as u32);
    }
    Ok(Loaded { scenario, warnings: problems, source })
}

fn put_overrides(mut root: Node, overrides: &[Override], problems: &mut Vec<Diagnostic>) -> Node {
    for (index, over) in overrides.iter().enumerate() {
        let place = Place::flag(index as u32);
        let Some(parts) = tree::key_parts(&over.key) else {
            let message = format!("`{}` is not a dotted key", over.key);
            let hint = "write strategy.kubernetes.max_surge=3";
            problems.push(Diagnostic::new(Code::UnknownKey, place, message, hint));
            continue;
        };
        let parts = with_strategy_kind(&root, parts);
        if let Some(problem) = unknown_path(&over.key, &parts, place) {
            problems.push(problem);
            continue;
        }
        let value = tree::override_value(&over.value, place);
        if names_the_strategy_that_is_there(&root, &parts, &value) {
            continue;
        }
        tree::put(&mut root, &parts, value, over.append);
    }
    root
}

/// `strategy = { generic = {} }` keeps the settings of a generic strategy that is there.
fn names_the_strategy_that_is_there(root: &Node, parts: &[String], value: &Node) -> bool {
    let here = root.get("strategy").map_or(&[][..], Node::items);
    let (["strategy"], [item], [here]) =
        (&parts.iter().map(String::as_str).collect::<Vec<_>>()[..], value.items(), here)
    else {
        return false;
    };
    item.key == here.key && item.node.items().is_empty()
}

/// `strategy.batch` means `strategy.generic.batch` where that is the scenario's strategy.
fn with_strategy_kind(root: &Node, mut parts: Vec<String>) -> Vec<String> {
    let kinds: Vec<&str> = Orchestrator::ALL.iter().map(|of| of.name()).collect();
    if parts.len() == 2 && parts[0] == "strategy" && !kinds.contains(&parts[1].as_str()) {
        let here: Vec<&Item> =
            root.get("strategy").map_or(Vec::new(), |s| s.items().iter().collect());
        let in_file = here.iter().find(|item| kinds.contains(&item.key.as_str()));
        let by_key =
            kinds.iter().find(|k| keys::find(&format!("strategy.{k}.{}", parts[1])).is_some());
        let kind = in_file.map(|item| item.key.clone()).or(by_key.map(|k| (*k).to_owned()));
        parts.insert(1, kind.unwrap_or_else(|| "generic".to_owned()));
    }
    parts
}

/// Complains about the path of an override that leads to no key. A path that goes on inside of
/// an inline table is left to the reader.
fn unknown_path(key: &str, parts: &[String], place: Place) -> Option<Diagnostic> {
    let known = keys::paths();
    // A name that the user gives stands where the catalogue has a star.
    let named = |of: &str| keys::table(&format!("{of}.*")).is_some();
    let path = match parts {
        [of, _, rest @ ..] if named(of) => [&[of.clone(), "*".to_owned()], rest].concat().join("."),
        _ => parts.join("."),
    };
    let leads = |candidate: &String| {
        path == *candidate
            || path.strip_prefix(candidate.as_str()).is_some_and(|rest| rest.starts_with('.'))
            || candidate.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('.'))
    };
    if parts[0] == "assumed" || known.iter().any(leads) {
        return None;
    }
    let by_path = nearest(&path, known.iter().map(String::as_str));
    let hint = by_path.map_or(String::new(), |near| format!("did you mean {near}?"));
    Some(Diagnostic::new(Code::UnknownKey, place, format!("no key {key}"), hint))
}

fn collect_places(path: &str, node: &Node, source: &mut Source) {
    if !path.is_empty() {
        source.places.insert(path.to_owned(), node.place);
    }
    match &node.data {
        tree::Data::Table(items) => {
            for item in items {
                let dot = if path.is_empty() { "" } else { "." };
                collect_places(&format!("{path}{dot}{}", item.key), &item.node, source);
            }
        }
        tree::Data::List(nodes) if path == "gates" => {
            for (index, node) in nodes.iter().enumerate() {
                collect_places(&format!("gates.{index}"), node, source);
            }
        }
        _ => {}
    }
}
