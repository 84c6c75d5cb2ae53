//! Files made up from the catalogue, for property tests: any orchestrator, any of its keys.

use super::{Form, Key, Kind};
use crate::scenario::settings::Orchestrator;
use crate::scenario::{Loaded, load};

/// A stream of choices (`SplitMix64`, Steele, Lea and Flood 2014).
pub(crate) struct Choices(pub(crate) u64);

impl Choices {
    /// One of `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((x ^ (x >> 31)) % n.max(1) as u64) as usize
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }
}

/// A sound scenario of this orchestrator with some of its keys set to something; keys that do
/// not go together are left out again.
pub(crate) fn scenario(of: Orchestrator, instances: u32, choices: &mut Choices) -> Loaded {
    let keys = of.table().keys;
    let mut lines: Vec<String> = Vec::new();
    for key in keys.iter().filter(|key| key.name != "operations") {
        if choices.below(2) == 0 {
            lines.push(format!("{} = {}\n", key.name, value(key, &key.kind, choices)));
        }
    }
    loop {
        let text = format!(
            "rollcast = 1\n[service]\ninstances = {instances}\n[versions.old]\nstart = \"5s\"\n\
             [{}]\n{}",
            of.table().path,
            lines.concat()
        );
        match load(&text, "any.toml", std::path::Path::new("."), &[]) {
            Ok(loaded) => return loaded,
            Err(error) if lines.is_empty() => panic!("{}: {:?}", of.name(), error.diagnostics),
            Err(_) => lines.remove(choices.below(lines.len())),
        };
    }
}

fn value(key: &Key, kind: &Kind, choices: &mut Choices) -> String {
    match kind {
        Kind::Count(low, high) => {
            (low + choices.below((high - low).min(12) as usize + 1) as u32).to_string()
        }
        Kind::Flag => choices.pick(&["true", "false"]).to_owned(),
        Kind::Duration => choices.pick(&["\"0s\"", "\"1s\"", "\"7s\"", "\"45s\""]).to_owned(),
        Kind::Share => choices.pick(&["\"0%\"", "\"10%\"", "\"35%\"", "\"100%\""]).to_owned(),
        Kind::Amount => choices.pick(&["0", "1", "3", "\"25%\"", "\"60%\"", "\"100%\""]).to_owned(),
        Kind::Word(words) => format!("\"{}\"", choices.pick(words)),
        Kind::List(inner) => {
            let length = choices.below(3);
            let all: Vec<_> = (0..length).map(|_| value(key, inner, choices)).collect();
            format!("[{}]", all.join(", "))
        }
        Kind::Record(forms) => record(&forms[choices.below(forms.len())], choices),
        Kind::OneOf(kinds) => value(key, &kinds[choices.below(kinds.len())], choices),
        Kind::Number(low, _) => format!("{:?}", low + 0.5 * (1 + choices.below(4)) as f64),
        Kind::Text
        | Kind::Clock
        | Kind::Rate
        | Kind::Size
        | Kind::Bandwidth
        | Kind::Range
        | Kind::Dist => key.example.to_owned(),
    }
}

/// One of the form's keys, or two, and those that it cannot be without.
fn record(form: &Form, choices: &mut Choices) -> String {
    let marked = choices.below(form.keys.len());
    let taken =
        form.keys.iter().enumerate().filter(|(index, key)| {
            *index == marked || matches!(key.default, super::Default::Required)
        });
    let mut fields: Vec<String> = form.tag.iter().map(|(k, v)| format!("{k} = \"{v}\"")).collect();
    for (_, key) in taken {
        fields.push(format!("{} = {}", key.name, value(key, &key.kind, choices)));
    }
    format!("{{ {} }}", fields.join(", "))
}
