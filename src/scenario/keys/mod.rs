//! The catalogue of keys: what may be written, where, and what it means.
//!
//! One declaration serves the reader (which keys exist, of which kind, with which default), the
//! suggestions for misspelt keys, the JSON schema and the help on keys.

#[cfg(test)]
pub(crate) mod any;
mod clients;
mod forms;
mod help;
mod hosts;
mod tables;

pub(in crate::scenario) use forms::{BUDGET, HEDGE, OPERATION, POOL, RETRIES, STICKY, key};
pub use forms::{DIST, PROFILE, quantile_of};
pub use help::help;
pub use tables::VERSION_KEYS;

use super::pieces::{self, Preset};
use super::settings::Orchestrator;

/// A table of the file.
#[derive(Debug)]
pub struct Table {
    /// Its dotted name; empty for the top of the file. `dependencies.*` may be there several
    /// times, each with a name in place of the star.
    pub path: &'static str,
    /// One sentence.
    pub about: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
}

/// A key.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What holds when it is left out.
    pub default: Default,
    /// One sentence.
    pub about: &'static str,
    /// A value, in TOML.
    pub example: &'static str,
}

/// What holds when a key is left out.
#[derive(Debug, Clone, Copy)]
pub enum Default {
    /// It must be there.
    Required,
    /// This value, in TOML; an orchestrator may have another ([`Orchestrator::world`]), and so may
    /// a data plane ([`Preset::rows`]).
    Is(&'static str),
    /// What the sentence says; the program works it out.
    Says(&'static str),
}

/// What a key takes.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A whole number between the two.
    Count(u32, u32),
    /// A number ≥ the first (or > it, if the flag is set).
    Number(f64, bool),
    /// `true` or `false`.
    Flag,
    /// Any text.
    Text,
    /// `"30s"`.
    Duration,
    /// `"18:00"`.
    Clock,
    /// `"25%"`, at most 100 %.
    Share,
    /// `"1050/s"`.
    Rate,
    /// `"400MiB"`.
    Size,
    /// `"100MiB/s"`.
    Bandwidth,
    /// `3` or `"25%"`.
    Amount,
    /// One of these words.
    Word(&'static [&'static str]),
    /// `"5s..60s"`, values to vary.
    Range,
    /// One of several kinds.
    OneOf(&'static [Kind]),
    /// An inline table of one of several forms.
    Record(&'static [Form]),
    /// A list.
    List(&'static Kind),
    /// A distribution of durations: [`DIST`].
    Dist,
}

/// A form of an inline table.
#[derive(Debug)]
pub struct Form {
    /// Its name, inside of the program.
    pub name: &'static str,
    /// A key that stands for this form when it has this value (`law = "gamma"`).
    pub tag: Option<(&'static str, &'static str)>,
    /// Keys of which any stands for this form. The key `p50` stands for any quantile.
    pub marks: &'static [&'static str],
    /// Its keys.
    pub keys: &'static [Key],
}

impl Kind {
    /// The kinds among which this is a choice; itself, if it is none.
    pub fn alternatives(&self) -> Vec<Kind> {
        match self {
            Self::OneOf(kinds) => kinds.iter().flat_map(Kind::alternatives).collect(),
            Self::Dist => vec![Self::Duration, Self::Record(DIST)],
            other => vec![*other],
        }
    }

    /// For messages: `a duration such as "30s"`.
    pub fn expected(&self) -> String {
        match self {
            Self::Count(..) => "a whole number".into(),
            Self::Number(..) => "a number".into(),
            Self::Flag => "true or false".into(),
            Self::Text => "a text".into(),
            Self::Duration => "a duration such as \"30s\"".into(),
            Self::Clock => "a time of day such as \"18:00\"".into(),
            Self::Share => "a share such as \"25%\"".into(),
            Self::Rate => "a rate such as \"1050/s\"".into(),
            Self::Size => "a size such as \"400MiB\"".into(),
            Self::Bandwidth => "a bandwidth such as \"100MiB/s\"".into(),
            Self::Amount => "a count or a share: 3 or \"25%\"".into(),
            Self::Word(words) => {
                let quoted: Vec<_> = words.iter().map(|w| format!("\"{w}\"")).collect();
                quoted.join(" or ")
            }
            Self::Range => "a range such as \"5s..60s\"".into(),
            Self::Record(_) => "a table".into(),
            Self::List(kind) => format!("a list, each {}", kind.expected()),
            Self::Dist => {
                "a duration or a distribution: \"30s\" or { p50 = \"22s\", p95 = \"41s\" }".into()
            }
            Self::OneOf(kinds) => {
                let all: Vec<_> = kinds.iter().map(Kind::expected).collect();
                all.join(", or ")
            }
        }
    }
}

/// Every table, in the order in which files should show them.
pub fn tables() -> impl Iterator<Item = &'static Table> {
    let strategies = Orchestrator::ALL.iter().map(|of| of.table());
    tables::BEFORE.iter().chain(strategies).chain(pieces::TABLES).chain(tables::AFTER)
}

/// The table of this name.
pub fn table(path: &str) -> Option<&'static Table> {
    tables().find(|table| table.is_at(path))
}

impl Table {
    /// Whether this is the catalogue of the table at `path`.
    fn is_at(&self, path: &str) -> bool {
        match self.path.strip_suffix('*') {
            None => self.path == path,
            Some(above) => {
                path.strip_prefix(above).is_some_and(|name| !name.is_empty() && !name.contains('.'))
            }
        }
    }
}

/// What holds when a key of a table is left out, in words: `"1s"; "10s" with kubernetes`.
pub fn default_text(table: &str, key: &Key) -> String {
    let mut text = match key.default {
        Default::Required => "none: it must be written".to_owned(),
        Default::Is(text) | Default::Says(text) => text.to_owned(),
    };
    let mut by_value: Vec<(&str, Vec<&str>)> = Vec::new();
    for of in Orchestrator::ALL {
        let Some(value) = of.default_of(table, key.name).filter(|value| *value != text) else {
            continue;
        };
        match by_value.iter_mut().find(|(known, _)| *known == value) {
            Some((_, names)) => names.push(of.name()),
            None => by_value.push((value, vec![of.name()])),
        }
    }
    for plane in Preset::ALL {
        let Some(value) = plane.default_of(table, key.name).filter(|value| *value != text) else {
            continue;
        };
        match by_value.iter_mut().find(|(known, _)| *known == value) {
            Some((_, names)) => names.push(plane.kind()),
            None => by_value.push((value, vec![plane.kind()])),
        }
    }
    for (value, mut names) in by_value {
        names.dedup();
        text = format!("{text}; {value} with {}", names.join(", "));
    }
    text
}

/// The key at a dotted path.
pub fn find(path: &str) -> Option<&'static Key> {
    let (table_path, name) = path.rsplit_once('.').unwrap_or(("", path));
    table(table_path)?.keys.iter().find(|key| key.name == name)
}

/// Every dotted key path, in the order of the catalogue.
pub fn paths() -> Vec<String> {
    let of = |table: &Table, key: &Key| {
        if table.path.is_empty() {
            key.name.to_owned()
        } else {
            format!("{}.{}", table.path, key.name)
        }
    };
    tables().flat_map(|t| t.keys.iter().map(move |k| of(t, k))).collect()
}

/// The names one level below a table: its keys and its subtables.
pub fn names_in(path: &str) -> Vec<&'static str> {
    let keys = table(path).map_or(&[][..], |t| t.keys).iter().map(|key| key.name);
    let below = tables().filter_map(|t| {
        let rest = match path {
            "" => t.path,
            _ => t.path.strip_prefix(path)?.strip_prefix('.')?,
        };
        let first = rest.split('.').next()?;
        (!first.is_empty() && first != "*").then_some(first)
    });
    let mut names: Vec<&'static str> = keys.chain(below).collect();
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    names
}
