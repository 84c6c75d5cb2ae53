//! Changes to a scenario's text that leave everything else as it was written: comments, order,
//! blanks.

use super::tree::{self, Data, Item, Node};

/// A key that gets a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The table, dotted: `versions.old`.
    pub table: String,
    /// The key in it.
    pub key: String,
    /// Its value as TOML, on one line.
    pub value: String,
    /// Lines that stand above it, each beginning with `#`. Those that an earlier change left above
    /// it (they begin alike up to the first colon) are taken away.
    pub comments: Vec<String>,
}

/// Why a text is not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It is no TOML.
    #[error("line {line}: {message}")]
    Syntax {
        /// From 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// The key is there in a form that cannot be replaced in its place.
    #[error(
        "line {line}: `{key}` is written in parts; write it as `{name} = …` on a line of its own"
    )]
    Parts {
        /// From 1.
        line: usize,
        /// The whole key.
        key: String,
        /// Its last part.
        name: String,
    },
    /// The table is there in a form that cannot be added to.
    #[error("`{table}` is written within another table; give it a line `[{table}]` of its own")]
    Within {
        /// The table.
        table: String,
    },
}

/// The text with all changes, in the order given.
///
/// # Errors
/// If it is no TOML, or a key or its table is written in a form that cannot be changed in place.
pub fn apply(text: &str, changes: &[Change]) -> Result<String, EditError> {
    let mut text = text.to_owned();
    for change in changes {
        text = one(&text, change)?;
    }
    Ok(text)
}

fn one(text: &str, change: &Change) -> Result<String, EditError> {
    let root = parse(text)?;
    let table = change.table.split('.').try_fold(&root, |node, part| node.get(part));
    let item = table.and_then(|t| t.items().iter().find(|item| item.key == change.key));
    let after = match (table, item) {
        (_, Some(item)) => replace(text, item, change)?,
        (Some(table), None) => insert(text, table, change),
        (None, None) => append(text, change),
    };
    // What cannot be put beside what is there shows here: a table that was closed, say.
    let within = || EditError::Within { table: change.table.clone() };
    let root = parse(&after).map_err(|_| within())?;
    let path = format!("{}.{}", change.table, change.key);
    let written = path.split('.').try_fold(&root, |node, part| node.get(part));
    let wanted = tree::override_value(&change.value, root.place);
    if written.is_some_and(|written| alike(written, &wanted)) { Ok(after) } else { Err(within()) }
}

fn parse(text: &str) -> Result<Node, EditError> {
    tree::parse(text).map_err(|problem| EditError::Syntax {
        line: line_of(text, problem.at.map_or(0, |place| place.start)),
        message: problem.message,
    })
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at.min(text.len())].matches('\n').count() + 1
}

fn alike(a: &Node, b: &Node) -> bool {
    match (&a.data, &b.data) {
        (Data::List(a), Data::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
        }
        (Data::Table(a), Data::Table(b)) => {
            let there = |item: &Item| {
                b.iter().any(|other| other.key == item.key && alike(&item.node, &other.node))
            };
            a.len() == b.len() && a.iter().all(there)
        }
        (a, b) => a == b,
    }
}

/// `key = value`, and not the parts of a table with this name.
fn is_plain(text: &str, item: &Item) -> bool {
    let (key, value) = (item.key_place, item.node.place);
    key.end <= value.start && text[key.end..value.start].trim_matches(['"', '\'', ' ', '\t']) == "="
}

fn replace(text: &str, item: &Item, change: &Change) -> Result<String, EditError> {
    if !is_plain(text, item) {
        return Err(EditError::Parts {
            line: line_of(text, item.key_place.start),
            key: format!("{}.{}", change.table, change.key),
            name: change.key.clone(),
        });
    }
    let line = text[..item.key_place.start].rfind('\n').map_or(0, |at| at + 1);
    let above = without_earlier(&text[..line], &change.comments);
    let (value, rest) = (item.node.place, &text[item.node.place.end..]);
    let end = rest.find('\n').map_or(rest.len(), |at| at - usize::from(rest[..at].ends_with('\r')));
    // It was measured now.
    let assumed = rest[..end].trim_start().starts_with("# assumed");
    let rest = if assumed { &rest[end..] } else { rest };
    let comments = lines(text, &change.comments);
    Ok(format!("{above}{comments}{}{}{rest}", &text[line..value.start], change.value))
}

/// The text above a key less the comment that an earlier change left there.
fn without_earlier<'a>(above: &'a str, comments: &[String]) -> &'a str {
    let Some(mark) = comments.first().and_then(|line| line.split(':').next()) else {
        return above;
    };
    let mut from = above.len();
    loop {
        let line = above[..from].trim_end_matches(['\n', '\r']).rfind('\n').map_or(0, |at| at + 1);
        let here = &above[line..from];
        if from == 0 || !here.trim_start().starts_with('#') {
            return above;
        }
        if here.trim_start().starts_with(mark) {
            return &above[..line];
        }
        from = line;
    }
}

fn insert(text: &str, table: &Node, change: &Change) -> String {
    let Some(header) = header(text, &change.table) else {
        // A table that is only there for those in it may still get its own line.
        return append(text, change);
    };
    let own = |item: &&Item| item.key_place.start >= header && is_plain(text, item);
    let last = table.items().iter().filter(own).map(|item| item.node.place.end).max();
    let at = last.unwrap_or(header);
    let end = text[at..].find('\n').map_or(text.len(), |found| at + found + 1);
    let (before, after) = text.split_at(end);
    let eol = if before.ends_with('\n') { "" } else { eol(text) };
    format!("{before}{eol}{}{after}", whole(text, change))
}

/// Where the line after `[table]` begins, less one.
fn header(text: &str, table: &str) -> Option<usize> {
    let wanted: Vec<String> = table.split('.').map(str::to_owned).collect();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let inside = line.trim_start().strip_prefix('[').and_then(|rest| rest.split_once(']'));
        if let Some((inside, _)) = inside
            && !inside.starts_with('[')
            && tree::key_parts(inside.trim()).is_some_and(|parts| parts == wanted)
        {
            return Some(at + line.trim_end().len());
        }
        at += line.len();
    }
    None
}

fn append(text: &str, change: &Change) -> String {
    let eol = eol(text);
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { eol };
    format!("{text}{gap}{eol}[{}]{eol}{}", change.table, whole(text, change))
}

fn whole(text: &str, change: &Change) -> String {
    let comments = lines(text, &change.comments);
    format!("{comments}{} = {}{}", change.key, change.value, eol(text))
}

fn lines(text: &str, comments: &[String]) -> String {
    comments.iter().flat_map(|line| [line, eol(text)]).collect()
}

fn eol(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

#[cfg(test)]
mod tests {
    use super::{Change, EditError, apply};

    fn change(table: &str, key: &str, value: &str) -> Change {
        let comments = vec!["# Measured by us: today".to_owned(), "# of three".to_owned()];
        Change { table: table.into(), key: key.into(), value: value.into(), comments }
    }

    const TEXT: &str = "# mine\nrollcast = 1\n\n[versions.old] # now\n  # slow\n  start = { p50 = \
                        \"3s\", p95 = \"9s\" }  # assumed: guess\nerrors = \"1%\"   # known\n\n# \
                        the end\n[probes]\nperiod = \"5s\"\n";

    #[test]
    fn values_are_replaced_in_their_place() {
        let once = apply(TEXT, &[change("versions.old", "start", "\"4s\"")]).unwrap();
        let wanted = "  # slow\n# Measured by us: today\n# of three\n  start = \"4s\"\nerrors = \
                      \"1%\"   # known\n";
        assert!(once.contains(wanted), "{once}");
        assert!(once.starts_with("# mine\n") && once.ends_with("period = \"5s\"\n"));
        // Again: nothing piles up.
        let again = apply(&once, &[change("versions.old", "start", "\"5s\"")]).unwrap();
        assert_eq!(again, once.replace("\"4s\"", "\"5s\""));
    }

    #[test]
    fn keys_and_tables_are_added_where_they_belong() {
        let all = [
            change("versions.old", "exit", "\"1s\""),
            change("versions.new", "exit", "\"2s\""),
            change("versions.new", "start", "\"3s\""),
        ];
        let text = apply(TEXT, &all).unwrap();
        let mark = "# Measured by us: today\n# of three\n";
        assert!(text.contains(&format!("# known\n{mark}exit = \"1s\"\n\n# the end\n")), "{text}");
        let new = format!("\n[versions.new]\n{mark}exit = \"2s\"\n{mark}start = \"3s\"\n");
        assert!(text.ends_with(&new), "{text}");
        let windows = apply(&TEXT.replace('\n', "\r\n"), &all).unwrap();
        assert_eq!(windows, text.replace('\n', "\r\n"));
    }

    #[test]
    fn other_forms_of_a_key_are_refused_or_kept() {
        let start = [change("versions.old", "start", "\"4s\"")];
        let parts = "[versions.old]\nstart.p50 = \"1s\"\nstart.p95 = \"2s\"\n";
        assert!(matches!(apply(parts, &start), Err(EditError::Parts { line: 2, .. })));
        let table = "\n[versions.old.start]\np50 = \"1s\"\np95 = \"2s\"\n";
        assert!(matches!(apply(table, &start), Err(EditError::Parts { .. })));
        let inline = "versions = { old = { start = \"1s\" } }\n";
        let changed = apply(inline, &start).unwrap();
        assert!(changed.ends_with("versions = { old = { start = \"4s\" } }\n"), "{changed}");
        let closed = apply(inline, &[change("versions.old", "exit", "\"4s\"")]);
        assert!(matches!(closed, Err(EditError::Within { .. })), "{closed:?}");
        assert!(matches!(apply("x = \n", &start), Err(EditError::Syntax { line: 1, .. })));
        let dotted = "versions.old.start = \"1s\"\n";
        assert!(apply(dotted, &start).unwrap().ends_with("versions.old.start = \"4s\"\n"));
        assert!(apply("", &start).unwrap().ends_with("start = \"4s\"\n"));
    }
}
