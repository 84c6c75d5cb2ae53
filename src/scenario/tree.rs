//! The parsed file with the place of everything, and overrides put into it.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::codes::Code;
use super::diagnostic::Diagnostic;
use super::source::Place;

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub data: Data,
}

/// What a value can be.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// A string.
    Text(String),
    /// A number, as written.
    Integer(String),
    /// A number with a fraction, as written.
    Float(String),
    /// `true` or `false`.
    Flag(bool),
    /// A date or a time of day, as written.
    Date(String),
    /// An array.
    List(Vec<Node>),
    /// A table, in the order of the file.
    Table(Vec<Item>),
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_place: Place,
    /// Its value.
    pub node: Node,
}

/// A value given on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// As typed, for messages: `--set strategy.generic.batch=4`.
    pub flag: String,
    /// The dotted key.
    pub key: String,
    /// A TOML value; text that is none is taken as a string.
    pub value: String,
    /// Add to the list that is there instead of replacing it.
    pub append: bool,
}

impl Node {
    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self.data {
            Data::Text(_) => "a text",
            Data::Integer(_) => "a whole number",
            Data::Float(_) => "a number",
            Data::Flag(_) => "true or false",
            Data::Date(_) => "a date or time",
            Data::List(_) => "a list",
            Data::Table(_) => "a table",
        }
    }

    /// The text of anything that is not a list or table.
    pub fn scalar(&self) -> Option<String> {
        match &self.data {
            Data::Text(s) | Data::Integer(s) | Data::Float(s) | Data::Date(s) => Some(s.clone()),
            Data::Flag(_) | Data::List(_) | Data::Table(_) => None,
        }
    }

    /// The keys, if it is a table.
    pub fn items(&self) -> &[Item] {
        if let Data::Table(items) = &self.data { items } else { &[] }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.items().iter().find(|item| item.key == key).map(|item| &item.node)
    }

    fn relocate(&mut self, place: Place) {
        self.place = place;
        match &mut self.data {
            Data::List(nodes) => nodes.iter_mut().for_each(|n| n.relocate(place)),
            Data::Table(items) => items.iter_mut().for_each(|item| {
                item.key_place = place;
                item.node.relocate(place);
            }),
            _ => {}
        }
    }
}

/// Parses a file. A syntax error is the only one there is then: what follows it is guesswork.
pub fn parse(text: &str) -> Result<Node, Box<Diagnostic>> {
    match DeTable::parse(text) {
        Ok(table) => {
            let place = Place::file(table.span());
            Ok(Node { place, data: table_data(table.into_inner()) })
        }
        Err(error) => {
            let mut end = error.span().unwrap_or(0..0);
            end.start = floor(text, end.start.min(text.len()));
            end.end = floor(text, end.end.clamp(end.start, text.len()));
            let message = format!("not TOML: {}", error.message().replace('\n', "; "));
            Err(Box::new(Diagnostic::new(Code::Syntax, Place::file(end), message, "")))
        }
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn table_data(table: DeTable<'_>) -> Data {
    let mut items: Vec<Item> = table
        .into_iter()
        .map(|(key, value)| Item {
            key_place: Place::file(key.span()),
            key: key.into_inner().into_owned(),
            node: node(value),
        })
        .collect();
    items.sort_by_key(|item| item.key_place);
    Data::Table(items)
}

fn node(value: Spanned<DeValue<'_>>) -> Node {
    let place = Place::file(value.span());
    let data = match value.into_inner() {
        DeValue::String(text) => Data::Text(text.into_owned()),
        DeValue::Integer(number) => Data::Integer(number.to_string()),
        DeValue::Float(number) => Data::Float(number.to_string()),
        DeValue::Boolean(flag) => Data::Flag(flag),
        DeValue::Datetime(time) => Data::Date(time.to_string()),
        DeValue::Array(list) => Data::List(list.into_iter().map(node).collect()),
        DeValue::Table(table) => table_data(table),
    };
    Node { place, data }
}

/// The parts of a dotted key, quotes removed; `None` if it is no key.
pub fn key_parts(key: &str) -> Option<Vec<String>> {
    if key.contains(['\n', '=', '#']) {
        return None;
    }
    let text = format!("{key} = 0");
    let mut table = DeTable::parse(&text).ok()?.into_inner();
    let mut parts = Vec::new();
    loop {
        let (key, value) = table.into_iter().next()?;
        parts.push(key.into_inner().into_owned());
        match value.into_inner() {
            DeValue::Table(inner) => table = inner,
            _ => return Some(parts),
        }
    }
}

/// Reads the value of an override: TOML if it is, else a string.
pub fn override_value(text: &str, place: Place) -> Node {
    let wrapped = format!("v = {text}");
    let parsed = DeTable::parse(&wrapped).ok().map(Spanned::into_inner);
    let only = parsed.filter(|table| table.len() == 1).and_then(|t| t.into_iter().next());
    let mut value = match only {
        Some((_, value)) if !matches!(value.get_ref(), DeValue::Datetime(_)) => node(value),
        _ => Node { place, data: Data::Text(text.to_owned()) },
    };
    value.relocate(place);
    value
}

/// Puts a value at `path`, making tables on the way. `append` adds it to a list.
pub fn put(root: &mut Node, path: &[String], value: Node, append: bool) {
    let place = value.place;
    let mut here = root;
    for (depth, part) in path.iter().enumerate() {
        if !matches!(here.data, Data::Table(_)) {
            here.data = Data::Table(Vec::new());
            here.place = place;
        }
        let Data::Table(items) = &mut here.data else { unreachable!("made a table above") };
        let index = items.iter().position(|item| item.key == *part).unwrap_or_else(|| {
            let node = Node { place, data: Data::Table(Vec::new()) };
            items.push(Item { key: part.clone(), key_place: place, node });
            items.len() - 1
        });
        if depth + 1 == path.len() {
            items[index].key_place = place;
        }
        here = &mut items[index].node;
    }
    match &mut here.data {
        Data::List(list) if append => list.push(value),
        Data::Table(items) if append && items.is_empty() => {
            *here = Node { place, data: Data::List(vec![value]) };
        }
        // What is no list stays, for the reader to complain about.
        _ if append => {}
        _ => *here = value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overrides_replace_append_and_make_tables() {
        let mut root = parse("gates = ['a']\n[service]\ninstances = 3\n").unwrap();
        let flag = Place::flag(0);
        let path = key_parts("service.instances").unwrap();
        put(&mut root, &path, override_value("4", flag), false);
        put(&mut root, &key_parts("gates").unwrap(), override_value("b <= 1", flag), true);
        put(&mut root, &key_parts("probes.period").unwrap(), override_value("2s", flag), false);
        let instances = root.get("service").unwrap().get("instances").unwrap();
        assert_eq!(instances.data, Data::Integer("4".into()));
        let Data::List(gates) = &root.get("gates").unwrap().data else { panic!() };
        assert_eq!(gates[1].data, Data::Text("b <= 1".into()));
        let period = root.get("probes").unwrap().get("period").unwrap();
        assert_eq!(period.data, Data::Text("2s".into()));
    }

    #[test]
    fn keys_may_be_quoted_and_values_cannot_smuggle_keys() {
        assert_eq!(key_parts("assumed.\"a.b\"").unwrap(), ["assumed", "a.b"]);
        assert!(key_parts("a = 1\nb").is_none());
        assert!(key_parts("a..b").is_none());
        let value = override_value("1\nx = 2", Place::flag(0));
        assert_eq!(value.data, Data::Text("1\nx = 2".into()));
    }
}
