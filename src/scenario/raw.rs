//! What was written: typed by the catalogue, with places, everything optional.

use std::collections::BTreeMap;

use super::keys::{Default, Key};
use super::pieces::Preset;
use super::reader;
use super::settings::Orchestrator;
use super::source::Place;
use super::tree;
use crate::units::{Bandwidth, Bytes, CountOrPercent, Rate, Share, Span};

/// A value as written.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number.
    Count(u32),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// A text.
    Text(String),
    /// A duration, or a time of day after midnight.
    Span(Span),
    /// A share.
    Share(Share),
    /// A rate.
    Rate(Rate),
    /// A size.
    Size(Bytes),
    /// A bandwidth.
    Bandwidth(Bandwidth),
    /// A count or a percentage.
    Amount(CountOrPercent),
    /// One of the known words.
    Word(&'static str),
    /// Two ends, as written.
    Range(String, String),
    /// An inline table, by the name of its form.
    Record(&'static str, Fields),
    /// A list.
    List(Vec<Entry>),
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Where the key stands.
    pub key_at: Place,
    /// Where the value stands.
    pub at: Place,
    /// The value.
    pub value: Value,
}

/// The keys of one table that were written and are sound by themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    /// Where the table stands.
    pub at: Place,
    /// By name.
    pub entries: BTreeMap<String, Entry>,
    /// Keys that were written but were wrong.
    pub spoilt: Vec<String>,
}

impl Fields {
    /// Nothing written.
    pub fn empty(at: Place) -> Self {
        Self { at, entries: BTreeMap::new(), spoilt: Vec::new() }
    }

    /// A value, if it was written and sound.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// Whether the key was written, sound or not.
    pub fn was_written(&self, name: &str) -> bool {
        self.entries.contains_key(name) || self.spoilt.iter().any(|key| key == name)
    }
}

/// A table with its catalogue: every key has a value, the default if nothing was written.
///
/// A wrong or missing required value has been complained about when it was read; its example
/// stands in, so that checking can go on and find the rest.
#[derive(Debug, Clone, Copy)]
pub struct Section<'a> {
    /// The catalogue of its keys.
    pub keys: &'static [Key],
    /// What was written.
    pub fields: &'a Fields,
    /// Where to look before the defaults (`versions.new` is like `versions.old`).
    pub behind: Option<&'a Fields>,
    /// The table's name; empty for an inline one.
    pub path: &'a str,
    /// Which of the defaults apply.
    pub orchestrator: Orchestrator,
    /// Whose defaults count before the orchestrator's.
    pub plane: Option<Preset>,
}

macro_rules! getters {
    ($($(#[doc = $doc:literal])* $name:ident $variant:ident $type:ty;)*) => {
        impl Section<'_> {
            $($(#[doc = $doc])*
            pub fn $name(&self, key: &str) -> $type {
                match self.value(key) {
                    Value::$variant(value) => value,
                    other => unreachable!("`{key}` is declared of another kind: {other:?}"),
                }
            })*
        }
    };
}

getters! {
    /// A duration.
    span Span Span;
    /// A whole number.
    count Count u32;
    /// A number.
    number Number f64;
    /// A share.
    share Share Share;
    /// A rate.
    rate Rate Rate;
    /// A count or a percentage.
    amount Amount CountOrPercent;
    /// One of the known words.
    word Word &'static str;
    /// Yes or no.
    flag Flag bool;
    /// A text.
    text Text String;
    /// A list.
    list List Vec<Entry>;
}

impl Section<'_> {
    /// What was written, if it was.
    pub fn written(&self, key: &str) -> Option<&Entry> {
        self.fields.get(key).or_else(|| self.behind?.get(key))
    }

    /// The value that holds: written, default, or (after a complaint) the example.
    pub fn value(&self, key: &str) -> Value {
        self.entry(key).value
    }

    /// The same with its place.
    pub fn entry(&self, key: &str) -> Entry {
        if let Some(entry) = self.written(key) {
            return entry.clone();
        }
        let declared = self
            .keys
            .iter()
            .find(|k| k.name == key)
            .unwrap_or_else(|| unreachable!("`{key}` is in the catalogue"));
        let text = match (self.default_of(key), declared.default) {
            (Some(text), _) | (None, Default::Is(text)) => text,
            (None, Default::Required | Default::Says(_)) => declared.example,
        };
        let value = from_text(declared, text, self.fields.at);
        Entry { key_at: self.fields.at, at: self.fields.at, value }
    }

    /// What the data plane or else the orchestrator makes of a key, in TOML.
    fn default_of(&self, key: &str) -> Option<&'static str> {
        let of_plane = self.plane.and_then(|plane| plane.default_of(self.path, key));
        of_plane.or_else(|| self.orchestrator.default_of(self.path, key))
    }

    /// The value of a key whose default the program works out: written, or what the data plane or
    /// the orchestrator makes of it.
    pub fn said(&self, key: &str) -> Option<Value> {
        let is_said = self.written(key).is_some() || self.default_of(key).is_some();
        is_said.then(|| self.value(key))
    }

    /// A count, or no limit.
    pub fn limit(&self, key: &str) -> Option<u32> {
        match self.value(key) {
            Value::Count(count) => Some(count),
            _ => None,
        }
    }

    /// Where a key's value stands, or else its table.
    pub fn place(&self, key: &str) -> Place {
        self.written(key).map_or(self.fields.at, |entry| entry.at)
    }

    /// The section of an inline table in this one.
    pub fn inner<'b>(&self, keys: &'static [Key], fields: &'b Fields) -> Section<'b> {
        Section {
            keys,
            fields,
            behind: None,
            path: "",
            orchestrator: self.orchestrator,
            plane: self.plane,
        }
    }
}

/// Reads a value of the catalogue (a default or an example).
pub fn from_text(key: &'static Key, text: &str, at: Place) -> Value {
    let mut problems = Vec::new();
    let node = tree::override_value(text, at);
    let value = reader::read_value(&key.kind, &node, key.name, &mut problems);
    match value {
        Some(value) if problems.is_empty() => value,
        _ => unreachable!("the catalogue's `{} = {text}` is sound: {problems:?}", key.name),
    }
}
