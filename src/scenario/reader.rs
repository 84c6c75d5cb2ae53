//! Reads the tree against the catalogue of keys, and goes on after each complaint.
//!
//! Why not serde's derive: it stops at the first problem, and its spans are lost as soon as a
//! value is one of several forms (untagged or internally tagged enums buffer their content).
//! Here a value knows its place, every problem of a file is reported at once in file order,
//! and misspelt keys get a suggestion from the same catalogue that makes the JSON schema.
//!
//! The way of a scenario: text → [`tree`](super::tree) (spanned TOML, overrides put in) →
//! [`raw`](super::raw) (typed by the catalogue, optional, with places) →
//! `check` (complete and consistent: [`Scenario`](super::Scenario)).

use std::collections::BTreeMap;

use super::codes::Code;
use super::diagnostic::Diagnostic;
use super::keys::{self, Default, Form, Key, Kind, quantile_of};
use super::quantity::{scalar, wrong_type};
use super::raw::{Entry, Fields, Value};
use super::source::Place;
use super::suggest::nearest;
use super::sweep;
use super::tree::{Data, Item, Node};

/// The whole file as written: the fields of every table that is there, by dotted name.
#[derive(Debug, Clone, Default)]
pub struct Raw {
    /// By the table's dotted name.
    pub tables: BTreeMap<String, Fields>,
}

/// Reads the tree. Complaints go to `problems`.
pub fn read(root: &Node, problems: &mut Vec<Diagnostic>) -> Raw {
    let mut raw = Raw::default();
    read_table("", root, &mut raw, problems);
    raw
}

fn read_table(path: &str, node: &Node, raw: &mut Raw, problems: &mut Vec<Diagnostic>) {
    let Data::Table(items) = &node.data else {
        let message = format!("[{path}] must be a table, not {}", node.kind());
        problems.push(Diagnostic::new(Code::WrongType, node.place, message, ""));
        return;
    };
    let declared = keys::table(path);
    let known = keys::names_in(path);
    let mut fields = Fields::empty(node.place);
    for item in items {
        let child = join(path, &item.key);
        let key = declared.and_then(|t| t.keys.iter().find(|key| key.name == item.key));
        if path == "assumed" {
            read_assumed(item, &mut fields, problems);
        } else if path == "sweep" {
            // What is varied, not what is: `sweep` reads it.
            if !sweep::WORDS.contains(&item.key.as_str()) {
                is_key(item, problems);
            }
        } else if let Some(key) = key {
            read_item(&key.kind, item, &child, &mut fields, problems);
        } else if known.contains(&item.key.as_str()) || keys::table(&child).is_some() {
            read_table(&child, &item.node, raw, problems);
        } else {
            problems.push(unknown(item, path, &known));
        }
    }
    if let Some(table) = declared {
        missing(table.keys, &fields, path, problems);
        raw.tables.insert(path.to_owned(), fields);
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn read_item(
    kind: &Kind,
    item: &Item,
    path: &str,
    fields: &mut Fields,
    problems: &mut Vec<Diagnostic>,
) {
    match read_value(kind, &item.node, path, problems) {
        Some(value) => {
            let entry = Entry { key_at: item.key_place, at: item.node.place, value };
            fields.entries.insert(item.key.clone(), entry);
        }
        None => fields.spoilt.push(item.key.clone()),
    }
}

fn read_assumed(item: &Item, fields: &mut Fields, problems: &mut Vec<Diagnostic>) {
    if is_key(item, problems) {
        read_item(&Kind::Range, item, "assumed", fields, problems);
    }
}

/// Whether an item is named after a key of a scenario; complains if not.
fn is_key(item: &Item, problems: &mut Vec<Diagnostic>) -> bool {
    if keys::find(&item.key).is_none() {
        let paths = keys::paths();
        let label = match nearest(&item.key, paths.iter().map(String::as_str)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "write the dotted name of a key, such as \"versions.old.start\"".to_owned(),
        };
        let message = format!("no key {}", item.key);
        problems.push(Diagnostic::new(Code::UnknownKey, item.key_place, message, label));
        return false;
    }
    true
}

/// Complains about a key that does not exist in this table.
fn unknown(item: &Item, path: &str, known: &[&'static str]) -> Diagnostic {
    let label = match nearest(&item.key, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => match elsewhere(&item.key) {
            Some(other) => format!("there is `{other}`"),
            None => String::new(),
        },
    };
    let title = if path.is_empty() { "the top of the file".into() } else { format!("[{path}]") };
    let what = if matches!(item.node.data, Data::Table(_)) { "table or key" } else { "key" };
    let message = match item.key_place.flag {
        None => format!("unknown {what} `{}`", item.key),
        Some(_) => format!("no key {}", join(path, &item.key)),
    };
    Diagnostic::new(Code::UnknownKey, item.key_place, message, label)
        .note(format!("{title} knows: {}", known.join(", ")))
}

/// A key of the same name in another table.
fn elsewhere(name: &str) -> Option<String> {
    keys::paths().into_iter().find(|path| path.rsplit('.').next() == Some(name))
}

/// Complains about required keys that are not there. `versions.new` takes them from `old`.
fn missing(keys: &[Key], fields: &Fields, path: &str, problems: &mut Vec<Diagnostic>) {
    if path == "versions.new" {
        return;
    }
    for key in keys {
        if matches!(key.default, Default::Required) && !fields.was_written(key.name) {
            problems.push(missing_key(key, path, fields.at.in_file()));
        }
    }
}

/// "`instances` is missing".
pub fn missing_key(key: &Key, path: &str, at: Option<Place>) -> Diagnostic {
    let title = if path.is_empty() { String::new() } else { format!(" in [{path}]") };
    let message = format!("`{}` is missing{title}", key.name);
    let label = format!("write {} = {}", key.name, key.example);
    Diagnostic::new(Code::MissingKey, at, message, label).note(key.about)
}

/// Reads one value of a kind; `None` after a complaint.
pub fn read_value(
    kind: &Kind,
    node: &Node,
    path: &str,
    problems: &mut Vec<Diagnostic>,
) -> Option<Value> {
    match kind {
        Kind::OneOf(_) | Kind::Dist => read_alternative(kind, node, path, problems),
        Kind::Record(forms) => read_record(kind, forms, node, path, problems),
        Kind::List(inner) => {
            let Data::List(nodes) = &node.data else {
                problems.push(wrong_type(kind, node));
                return None;
            };
            let before = problems.len();
            let entries: Vec<Entry> = nodes
                .iter()
                .filter_map(|n| {
                    let value = read_value(inner, n, path, problems)?;
                    Some(Entry { key_at: n.place, at: n.place, value })
                })
                .collect();
            (problems.len() == before).then_some(Value::List(entries))
        }
        _ => match scalar(kind, node) {
            Ok(value) => Some(value),
            Err(problem) => {
                problems.push(problem);
                None
            }
        },
    }
}

/// Which of several kinds a value is, by its TOML type; among texts the word that fits exactly,
/// then whatever parses.
fn read_alternative(
    kind: &Kind,
    node: &Node,
    path: &str,
    problems: &mut Vec<Diagnostic>,
) -> Option<Value> {
    let alternatives = kind.alternatives();
    if matches!(node.data, Data::Table(_)) {
        let forms: Vec<&'static Form> = alternatives
            .iter()
            .filter_map(|k| if let Kind::Record(forms) = k { Some(forms.iter()) } else { None })
            .flatten()
            .collect();
        if !forms.is_empty() {
            return read_forms(&forms, node, path, problems);
        }
    }
    let list = alternatives.iter().find(|k| matches!(k, Kind::List(_)));
    if let (Data::List(_), Some(list)) = (&node.data, list) {
        return read_value(list, node, path, problems);
    }
    let scalars: Vec<&Kind> =
        alternatives.iter().filter(|k| !matches!(k, Kind::Record(_) | Kind::List(_))).collect();
    if let Some(value) = scalars.iter().find_map(|k| scalar(k, node).ok()) {
        return Some(value);
    }
    let takes_dist = alternatives
        .iter()
        .any(|k| matches!(k, Kind::Record(forms) if forms[0].name == "quantiles"));
    let problem = match (&node.data, scalars.as_slice()) {
        (Data::Table(_) | Data::List(_) | Data::Flag(_), _) | (_, []) => wrong_type(kind, node),
        // A range where a distribution belongs has a better answer than "not a duration".
        (_, [Kind::Duration]) if takes_dist => {
            scalar(&Kind::Dist, node).err().unwrap_or_else(|| wrong_type(kind, node))
        }
        (Data::Integer(_) | Data::Float(_) | Data::Date(_), kinds) => {
            let kind = kinds.iter().find(|k| !matches!(k, Kind::Word(_))).unwrap_or(&kinds[0]);
            scalar(kind, node).err().unwrap_or_else(|| wrong_type(kind, node))
        }
        (Data::Text(text), kinds) => text_problem(kinds, text, node),
    };
    problems.push(problem);
    None
}

/// A text that none of the kinds takes: the nearest word, if it looks like a word.
fn text_problem(kinds: &[&Kind], text: &str, node: &Node) -> Diagnostic {
    let looks_like_word = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_word = |kind: &&&Kind| matches!(kind, Kind::Word(_)) == looks_like_word;
    let kind = kinds.iter().find(is_word).unwrap_or(&kinds[0]);
    let mut problem = scalar(kind, node).err().unwrap_or_else(|| wrong_type(kind, node));
    for other in kinds.iter().filter(|other| !std::ptr::eq(**other, *kind)) {
        problem.notes.push(format!("or {}", other.expected()));
    }
    problem
}

fn read_record(
    kind: &Kind,
    forms: &'static [Form],
    node: &Node,
    path: &str,
    problems: &mut Vec<Diagnostic>,
) -> Option<Value> {
    if !matches!(node.data, Data::Table(_)) {
        let mut problem = wrong_type(kind, node);
        let keys: Vec<_> = forms.iter().flat_map(|f| f.keys).map(|key| key.name).collect();
        problem.label = format!("write a table {{ … }} with {}", keys.join(", "));
        problems.push(problem);
        return None;
    }
    read_forms(&forms.iter().collect::<Vec<_>>(), node, path, problems)
}

/// Finds the form of an inline table and reads it as that.
fn read_forms(
    forms: &[&'static Form],
    node: &Node,
    path: &str,
    problems: &mut Vec<Diagnostic>,
) -> Option<Value> {
    let by_tag = forms.iter().find(|form| {
        form.tag.is_some_and(|(key, word)| {
            matches!(node.get(key), Some(Node { data: Data::Text(text), .. }) if text == word)
        })
    });
    let has = |mark: &str| match mark {
        "p50" => node.items().iter().any(|item| quantile_of(&item.key).is_some()),
        _ => node.get(mark).is_some(),
    };
    // The form of which most keys are there; the first one among equals.
    let fitting = |form: &Form| form.keys.iter().filter(|key| node.get(key.name).is_some()).count();
    let by_mark = forms
        .iter()
        .filter(|form| form.marks.iter().any(|mark| has(mark)))
        .reduce(|best, form| if fitting(form) > fitting(best) { form } else { best });
    if let Some(form) = by_tag.or(by_mark) {
        return read_form(form, node, path, problems);
    }
    problems.push(formless(forms, node, path));
    None
}

fn read_form(
    form: &'static Form,
    node: &Node,
    path: &str,
    problems: &mut Vec<Diagnostic>,
) -> Option<Value> {
    let before = problems.len();
    let mut fields = Fields::empty(node.place);
    let names: Vec<&'static str> = match form.name {
        "quantiles" => vec!["p50", "p90", "p95", "p99"],
        _ => form.keys.iter().map(|key| key.name).collect(),
    };
    for item in node.items() {
        let key = form.keys.iter().find(|key| key.name == item.key);
        if let Some(key) = key {
            read_item(&key.kind, item, path, &mut fields, problems);
        } else if form.name == "quantiles" && !item.node.items().is_empty() {
            // `p99.9 = "3s"` without quotes is TOML for `p99 = { 9 = "3s" }`.
            let whole = format!("{}.{}", item.key, item.node.items()[0].key);
            let message = "a quantile with a dot is written in quotes";
            let label = format!("write \"{whole}\" = …");
            problems.push(Diagnostic::new(Code::WrongType, item.key_place, message, label));
        } else if form.name == "quantiles" && quantile_of(&item.key).is_some() {
            read_item(&Kind::Duration, item, path, &mut fields, problems);
        } else {
            let mut problem = unknown(item, path, &names);
            problem.notes = vec![format!("this form knows: {}", names.join(", "))];
            problems.push(problem);
        }
    }
    for key in form.keys {
        if matches!(key.default, Default::Required) && !fields.was_written(key.name) {
            problems.push(missing_key(key, path, Some(node.place)));
        }
    }
    (problems.len() == before).then_some(Value::Record(form.name, fields))
}

/// A table that is none of the forms.
fn formless(forms: &[&'static Form], node: &Node, path: &str) -> Diagnostic {
    let tag = forms.iter().find_map(|form| form.tag).map(|(key, _)| key);
    if let Some(word) = tag.and_then(|key| node.get(key)) {
        let words = forms.iter().filter_map(|form| form.tag).map(|(_, word)| word);
        let text = word.scalar().unwrap_or_default();
        let label = nearest(&text, words.clone()).map(|near| format!("did you mean \"{near}\"?"));
        let message = format!("unknown law `{text}`");
        let known: Vec<_> = words.collect();
        return Diagnostic::new(Code::UnknownWord, word.place, message, label.unwrap_or_default())
            .note(format!("known: {}", known.join(", ")));
    }
    let mut marks: Vec<&'static str> = forms.iter().flat_map(|f| f.marks).copied().collect();
    marks.extend(tag);
    match node.items().first() {
        Some(item) => unknown(item, path, &marks),
        None => Diagnostic::new(Code::WrongType, node.place, "this table is empty", ""),
    }
}
