//! From the text of a system file to a system, or every complaint.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Member, Pair, System, SystemError, circle};
use crate::scenario::codes::{Code, Severity};
use crate::scenario::diagnostic::{self, Diagnostic};
use crate::scenario::keys::Kind;
use crate::scenario::raw::Value;
use crate::scenario::reader::read_value;
use crate::scenario::source::{Place, Source};
use crate::scenario::suggest::nearest;
use crate::scenario::tree::{self, Data, Item, Node, Override};
use crate::units::{Share, Span};

/// What may stand in `[services.NAME]`.
const KEYS: &[&str] = &["scenario", "needs", "calls", "bake", "instances", "rate", "shift"];
/// More services than anybody draws.
const MOST: usize = 64;

/// Whether a text is a system file: it has a table `services`.
pub fn is_system(text: &str) -> bool {
    tree::parse(text).is_ok_and(|root| root.get("services").is_some())
}

/// Reads a system and the scenarios of its services. `file` is its name for messages; scenarios
/// are looked for in `base`.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn load(text: &str, file: &str, base: &Path) -> Result<System, Box<SystemError>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).to_owned();
    let source = Source { file: file.to_owned(), text, flags: Vec::new(), places: BTreeMap::new() };
    let mut reader = Reader { source, base, problems: Vec::new() };
    let system = match tree::parse(&reader.source.text) {
        Ok(root) => reader.system(&root),
        Err(problem) => {
            reader.problems.push(*problem);
            None
        }
    };
    let Reader { source, mut problems, .. } = reader;
    diagnostic::sort(&mut problems);
    match system {
        Some(system) if problems.iter().all(|p| p.severity != Severity::Error) => Ok(system),
        _ => Err(Box::new(SystemError { diagnostics: problems, source_text: source })),
    }
}

struct Reader<'a> {
    source: Source,
    base: &'a Path,
    problems: Vec<Diagnostic>,
}

/// A service whose names are not yet resolved.
struct Written<'a> {
    item: &'a Item,
    needs: Vec<(String, Place)>,
    calls: Vec<(String, Place, f64)>,
}

impl Reader<'_> {
    fn problem(&mut self, code: Code, at: Place, message: String, hint: &str) {
        self.problems.push(Diagnostic::new(code, at, message, hint));
    }

    fn items<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Item] {
        if !matches!(node.data, Data::Table(_)) {
            let message = format!("{what} must be a table, not {}", node.kind());
            self.problem(Code::WrongType, node.place, message, "");
        }
        node.items()
    }

    fn unknown(&mut self, item: &Item, known: &[&str], of: &str) {
        let near = nearest(&item.key, known.iter().copied());
        let hint = near.map_or(String::new(), |near| format!("did you mean `{near}`?"));
        let message = format!("unknown key `{}`", item.key);
        let complaint = Diagnostic::new(Code::UnknownKey, item.key_place, message, hint);
        self.problems.push(complaint.note(format!("{of} knows: {}", known.join(", "))));
    }

    fn value(&mut self, kind: &Kind, node: &Node) -> Option<Value> {
        read_value(kind, node, "", &mut self.problems)
    }

    fn system(&mut self, root: &Node) -> Option<System> {
        let mut tolerate = Share(0.0);
        let (mut services, mut rules): (&[Item], &[Item]) = (&[], &[]);
        let mut format_version = false;
        for item in root.items() {
            match item.key.as_str() {
                "rollcast" => {
                    format_version = true;
                    if self.value(&Kind::Count(0, u32::MAX), &item.node) != Some(Value::Count(1)) {
                        let message = "this is not a format version that this program reads";
                        let at = item.node.place;
                        self.problem(Code::FormatVersion, at, message.into(), "write rollcast = 1");
                    }
                }
                "tolerate" => {
                    if let Some(Value::Share(share)) = self.value(&Kind::Share, &item.node) {
                        tolerate = share;
                    }
                }
                "services" => services = self.items(&item.node, "[services]"),
                "compatibility" => rules = self.items(&item.node, "[compatibility]"),
                _ => {
                    let known = ["rollcast", "tolerate", "services", "compatibility"];
                    self.unknown(item, &known, "the top of a system file");
                }
            }
        }
        if !format_version {
            let at = root.place;
            let message = "`rollcast` is missing".to_owned();
            self.problem(Code::FormatVersion, at, message, "write rollcast = 1");
        }
        if services.is_empty() || services.len() > MOST {
            let message = format!("a system has 1 to {MOST} services, not {}", services.len());
            let hint = "write [services.cart] scenario = \"cart.toml\"";
            self.problem(Code::OutOfRange, root.place, message, hint);
            return None;
        }
        let written: Vec<(Written<'_>, Option<Member>)> =
            services.iter().map(|item| self.service(item)).collect();
        let names: Vec<&str> = services.iter().map(|item| item.key.as_str()).collect();
        let mut members = Vec::new();
        for (written, member) in written {
            let needs = self.resolve(&written.needs, &names, &written.item.key, "needs");
            let called: Vec<_> = written.calls.iter().map(|(n, p, _)| (n.clone(), *p)).collect();
            let called = self.resolve(&called, &names, &written.item.key, "calls");
            let Some(member) = member else { continue };
            let numbers = written.calls.iter().map(|(.., number)| *number);
            members.push(Member {
                needs,
                calls: called.into_iter().zip(numbers).collect(),
                ..member
            });
        }
        if members.len() < services.len() || !self.problems.is_empty() {
            return None;
        }
        let mut system = System { services: members, pairs: Vec::new(), tolerate };
        self.circles(&system, services);
        for rule in rules {
            self.rules(rule, &names, &mut system);
        }
        Some(system)
    }

    fn service<'n>(&mut self, item: &'n Item) -> (Written<'n>, Option<Member>) {
        let mut written = Written { item, needs: Vec::new(), calls: Vec::new() };
        let mut member = None;
        let (mut bake, mut shift) = (Span::ZERO, Share(0.0));
        let mut named = false;
        let title = format!("[services.{}]", item.key);
        for entry in self.items(&item.node, &title) {
            match entry.key.as_str() {
                "scenario" => {
                    named = true;
                    if let Some(Value::Text(file)) = self.value(&Kind::Text, &entry.node) {
                        member = self.scenario(item, &file, entry.node.place);
                    }
                }
                "shift" => {
                    if let Some(Value::Share(share)) = self.value(&Kind::Share, &entry.node) {
                        shift = share;
                    }
                }
                "instances" => _ = self.value(&Kind::Count(1, 1_000_000), &entry.node),
                "rate" => _ = self.value(&Kind::Rate, &entry.node),
                "needs" => written.needs = self.names(&entry.node),
                "calls" => written.calls = self.calls(&entry.node, &title),
                "bake" => {
                    if let Some(Value::Span(span)) = self.value(&Kind::Duration, &entry.node) {
                        bake = span;
                    }
                }
                _ => self.unknown(entry, KEYS, &title),
            }
        }
        if !named {
            let message = format!("`scenario` is missing in {title}");
            let hint = "write scenario = \"cart.toml\"";
            self.problem(Code::MissingKey, item.key_place, message, hint);
        }
        (written, member.map(|member| Member { shift, bake, ..member }))
    }

    /// The scenario of a service.
    fn scenario(&mut self, item: &Item, file: &str, at: Place) -> Option<Member> {
        let own = |key: &str, of: &str| {
            let value = item.node.get(key)?.scalar()?;
            let flag = format!("{key} of [services.{}]", item.key);
            Some(Override { flag, key: of.to_owned(), value, append: false })
        };
        let overrides = [own("instances", "service.instances"), own("rate", "traffic.rate")];
        let overrides: Vec<Override> = overrides.into_iter().flatten().collect();
        let path = self.base.join(file);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("cannot read {}: {error}", path.display());
                let hint = "looked for beside this file";
                self.problem(Code::Recorded, at, message, hint);
                return None;
            }
        };
        let base = path.parent().unwrap_or(Path::new(""));
        match crate::scenario::load(&text, &path.display().to_string(), base, &overrides) {
            Ok(loaded) => Some(Member {
                name: item.key.clone(),
                scenario: loaded.scenario,
                file: file.to_owned(),
                shift: Share(0.0),
                needs: Vec::new(),
                bake: Span::ZERO,
                calls: Vec::new(),
            }),
            Err(error) => {
                let message = format!("{file} is not sound");
                let mut complaint = Diagnostic::new(Code::Recorded, at, message, "");
                for inner in error.diagnostics.iter().filter(|d| d.severity == Severity::Error) {
                    let place = inner.at.filter(|place| place.flag.is_none());
                    let (line, column) =
                        place.map_or((1, 1), |place| error.written.line_column(place));
                    complaint =
                        complaint.note(format!("{file}:{line}:{column}: {}", inner.message));
                }
                self.problems.push(complaint);
                None
            }
        }
    }

    fn names(&mut self, node: &Node) -> Vec<(String, Place)> {
        match self.value(&Kind::List(&Kind::Text), node) {
            Some(Value::List(entries)) => entries
                .into_iter()
                .filter_map(|entry| match entry.value {
                    Value::Text(name) => Some((name, entry.at)),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    fn calls(&mut self, node: &Node, title: &str) -> Vec<(String, Place, f64)> {
        let mut calls = Vec::new();
        for item in self.items(node, &format!("`calls` in {title}")) {
            if let Some(Value::Number(number)) = self.value(&Kind::Number(0.0, true), &item.node) {
                calls.push((item.key.clone(), item.key_place, number));
            }
        }
        calls
    }

    /// The places of names among the services.
    fn resolve(
        &mut self,
        wanted: &[(String, Place)],
        names: &[&str],
        own: &str,
        key: &str,
    ) -> Vec<usize> {
        let mut found = Vec::new();
        for (name, at) in wanted {
            match names.iter().position(|known| known == name) {
                Some(_) if name == own => {
                    let message = format!("`{own}` {key} itself");
                    self.problem(Code::Conflict, *at, message, "remove it");
                }
                Some(place) => found.push(place),
                None => self.stranger(name, *at, names),
            }
        }
        found
    }

    fn stranger(&mut self, name: &str, at: Place, names: &[&str]) {
        let near = nearest(name, names.iter().copied());
        let hint = near.map_or(String::new(), |near| format!("did you mean `{near}`?"));
        let complaint = Diagnostic::new(Code::UnknownKey, at, format!("no service `{name}`"), hint);
        self.problems.push(complaint.note(format!("the system has: {}", names.join(", "))));
    }

    /// Neither what is needed nor who is called may go round in a circle.
    fn circles(&mut self, system: &System, items: &[Item]) {
        let needs = |service: usize| system.services[service].needs.clone();
        let calls = |service: usize| {
            system.services[service].calls.iter().map(|(callee, _)| *callee).collect()
        };
        let next: [&dyn Fn(usize) -> Vec<usize>; 2] = [&needs, &calls];
        for (key, next) in ["needs", "calls"].into_iter().zip(next) {
            if system.sorted(next).is_some() {
                continue;
            }
            let circle = circle(system.services.len(), next);
            let mut named: Vec<&str> =
                circle.iter().map(|place| system.services[*place].name.as_str()).collect();
            named.push(named[0]);
            let item = &items[circle[0]];
            let at = item.node.get(key).map_or(item.key_place, |node| node.place);
            let message = format!("`{key}` goes round in a circle: {}", named.join(" → "));
            self.problem(Code::Conflict, at, message, "one of these must go");
        }
    }

    /// `[compatibility.CALLER.CALLEE]`.
    fn rules(&mut self, item: &Item, names: &[&str], system: &mut System) {
        let Some(caller) = names.iter().position(|name| *name == item.key) else {
            self.stranger(&item.key, item.key_place, names);
            return;
        };
        for entry in self.items(&item.node, &format!("[compatibility.{}]", item.key)) {
            let Some(callee) = names.iter().position(|name| *name == entry.key) else {
                self.stranger(&entry.key, entry.key_place, names);
                continue;
            };
            let title = format!("[compatibility.{}.{}]", item.key, entry.key);
            if !system.services[caller].calls.iter().any(|(to, _)| *to == callee) {
                let message = format!("`{}` does not call `{}`", item.key, entry.key);
                let hint =
                    format!("add calls = {{ {} = 1 }} to [services.{}]", entry.key, item.key);
                self.problem(Code::Conflict, entry.key_place, message, &hint);
            }
            let mut errors = [[0.0; 2]; 2];
            for rule in self.items(&entry.node, &title) {
                let known = ["old_old", "old_new", "new_old", "new_new"];
                match known.iter().position(|known| *known == rule.key) {
                    Some(place) => {
                        if let Some(Value::Share(share)) = self.value(&Kind::Share, &rule.node) {
                            errors[place / 2][place % 2] = share.0;
                        }
                    }
                    None => self.unknown(rule, &known, &title),
                }
            }
            let line = self.source.line_column(entry.key_place).0 as u32;
            system.pairs.push(Pair { caller, callee, errors, line });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{is_system, load};
    use crate::scenario::diagnostic::{Format, render};

    const SERVICE: &str = "rollcast = 1\n[service]\ninstances = 4\n[versions.old]\n\
        start = \"10s\"\n[strategy.generic]\n";

    /// What is said about a system of `front` and `back`.
    fn complaints(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        for name in ["front.toml", "back.toml"] {
            std::fs::write(folder.path().join(name), SERVICE).unwrap();
        }
        std::fs::write(folder.path().join("bad.toml"), "rollcast = 1\n[servce]\n").unwrap();
        match load(text, "system.toml", folder.path()) {
            Ok(_) => String::new(),
            Err(error) => render(&error.diagnostics, &error.source_text, Format::Human),
        }
    }

    const GOOD: &str = r#"rollcast = 1
tolerate = "0.5%"
[services.front]
scenario = "front.toml"
needs = ["back"]
calls = { back = 3 }
[services.back]
scenario = "back.toml"
bake = "5m"
[compatibility.front.back]
new_old = "100%"
old_new = "2%"
"#;

    #[test]
    fn a_good_system_is_read() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["front.toml", "back.toml"] {
            std::fs::write(folder.path().join(name), SERVICE).unwrap();
        }
        assert!(is_system(GOOD) && !is_system(SERVICE));
        let system = load(GOOD, "system.toml", folder.path()).unwrap();
        assert_eq!(system.services[0].needs, [1]);
        assert_eq!(system.services[0].calls, [(1, 3.0)]);
        assert_eq!(system.errors(0, 1), [[0.0, 0.02], [1.0, 0.0]]);
        assert_eq!(system.errors(1, 0), [[0.0; 2]; 2]);
        assert_eq!((system.pairs[0].line, system.services[1].bake.as_secs_f64()), (10, 300.0));
    }

    #[test]
    fn mistakes_have_places_and_hints() {
        let with = |from: &str, to: &str| complaints(&GOOD.replace(from, to));
        let has = |text: &str, parts: &[&str]| {
            for part in parts {
                assert!(text.contains(part), "no {part:?} in\n{text}");
            }
        };
        has(&with("[\"back\"]", "[\"bakc\"]"), &["system.toml:5:10", "did you mean `back`?"]);
        has(&with("back = 3", "front = 3"), &["6:11", "`front` calls itself"]);
        has(&with("bake =", "bakke ="), &["9:1", "did you mean `bake`?"]);
        has(&with("new_old", "new_odl"), &["11:1", "did you mean `new_old`?"]);
        has(&with("\"front.toml\"", "\"bad.toml\""), &["4:12", "bad.toml:2:2", "servce"]);
        has(&with("\"front.toml\"", "\"none.toml\""), &["4:12", "cannot read"]);
        has(&with("rollcast = 1\n", ""), &["write rollcast = 1"]);
        has(&with("calls = { back = 3 }", ""), &["`front` does not call `back`"]);
        let circle = with("bake = \"5m\"", "needs = [\"front\"]");
        has(&circle, &["5:9", "goes round in a circle: front → back → front"]);
        has(&with("\"2%\"", "0.02"), &["12:11"]);
        assert_eq!(complaints(GOOD), "");
    }

    #[test]
    fn missing_files_and_empty_systems_are_no_panic() {
        assert!(load("rollcast = 1\n[services]\n", "s.toml", Path::new("")).is_err());
        assert!(load("rollcast = ", "s.toml", Path::new("")).is_err());
    }
}
