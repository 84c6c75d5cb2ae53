//! The numbers of a scenario that can be a little smaller or larger.

use toml::{Table, Value};

use crate::scenario::keys::{self, Kind};
use crate::scenario::{Override, Scenario, load, print};
use crate::units::{Rate, Share, Span};

/// How far a value is moved that has no range of its own.
pub const STEP: f64 = 0.2;

/// What is no input: the questions asked, the record around the rollout, names.
const LEFT_OUT: [&str; 8] = [
    "rollcast",
    "gates",
    "horizon",
    "margin",
    "service.name",
    "service.instances",
    "slo.",
    "hosts.cores",
];

/// One end of what an input may be.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// The value there, or by how much it is moved.
    pub text: String,
    /// The scenario with it.
    pub scenario: Scenario,
}

/// An input with its ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Its key; `versions.*.start` if both versions have the same.
    pub key: String,
    /// Whether nobody measured it, and the range is the one assumed.
    pub assumed: bool,
    /// Smaller; `None` if that makes no other scenario.
    pub low: Option<Moved>,
    /// Larger.
    pub high: Option<Moved>,
}

/// All of a scenario, in the order of its file.
pub fn inputs(scenario: &Scenario) -> Vec<Input> {
    let text = print::to_toml(scenario);
    let Ok(whole) = text.parse::<Table>() else { return Vec::new() };
    let mut leaves = Vec::new();
    walk(&whole, "", &mut leaves);
    let at = |keys: &[String], value: &str| moved(scenario, &text, keys, value);
    let mut all = Vec::new();
    for (key, value) in &leaves {
        let Some((shown, keys)) = together(key, value, &leaves) else { continue };
        let range = scenario.assumed.iter().find(|assumed| keys.contains(&assumed.key));
        let (ends, assumed) = match range {
            Some(range) => {
                let quoted = |text: &str| {
                    if text.parse::<f64>().is_ok() {
                        text.to_owned()
                    } else {
                        format!("\"{text}\"")
                    }
                };
                let end = |text: &str| Some((text.to_owned(), quoted(text)));
                ([end(&range.low), end(&range.high)], true)
            }
            None => match keys::find(key) {
                Some(known) => ([-1.0, 1.0].map(|sign| shifted(known.kind, value, sign)), false),
                None => continue,
            },
        };
        let [low, high] = ends.map(|end| {
            let (text, value) = end?;
            Some(Moved { text, scenario: at(&keys, &value)? })
        });
        if low.is_some() || high.is_some() {
            all.push(Input { key: shown, assumed, low, high });
        }
    }
    all
}

fn walk(table: &Table, path: &str, leaves: &mut Vec<(String, Value)>) {
    for (name, value) in table {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match value {
            Value::Table(inner) if keys::find(&path).is_none() => walk(inner, &path, leaves),
            _ if LEFT_OUT
                .iter()
                .any(|out| path == *out || out.ends_with('.') && path.starts_with(out)) => {}
            _ => leaves.push((path, value.clone())),
        }
    }
}

/// How the key is shown, and which keys change with it: what both versions share is one input.
/// `None` for the second of such a pair.
fn together(key: &str, value: &Value, leaves: &[(String, Value)]) -> Option<(String, Vec<String>)> {
    let same = |other: &str| leaves.iter().any(|(key, there)| key == other && there == value);
    if let Some(name) = key.strip_prefix("versions.old.") {
        let new = format!("versions.new.{name}");
        if same(&new) {
            return Some((format!("versions.*.{name}"), vec![key.to_owned(), new]));
        }
    } else if let Some(name) = key.strip_prefix("versions.new.")
        && same(&format!("versions.old.{name}"))
    {
        return None;
    }
    Some((key.to_owned(), vec![key.to_owned()]))
}

/// The value a step down (−1) or up (1): how that is shown, and as TOML. `None` if it has no size.
fn shifted(kind: Kind, value: &Value, sign: f64) -> Option<(String, String)> {
    let factor = 1.0 + sign * STEP;
    let relative = format!("{}{:.0}%", if sign < 0.0 { '-' } else { '+' }, STEP * 100.0);
    let may_be_law = match kind {
        Kind::Dist => true,
        Kind::OneOf(kinds) => kinds.iter().any(|kind| matches!(kind, Kind::Dist)),
        _ => false,
    };
    let is_zero = value.as_str().is_some_and(|text| text.parse() == Ok(Span::ZERO));
    if may_be_law && !is_zero {
        return Some((relative, format!("{{ of = {}, factor = {factor:?} }}", inline(value))));
    }
    let shown = |text: String| Some((text.clone(), format!("\"{text}\"")));
    kind.alternatives().into_iter().find_map(|kind| match (kind, value) {
        (Kind::Count(least, most), Value::Integer(count)) => {
            let step = ((*count as f64 * STEP).round() as i64).max(1);
            let next = (count + sign as i64 * step).clamp(i64::from(least), i64::from(most));
            (next != *count).then(|| (next.to_string(), next.to_string()))
        }
        (Kind::Amount, Value::Integer(count)) => {
            let next = (count + sign as i64).max(0);
            (next != *count).then(|| (next.to_string(), next.to_string()))
        }
        (Kind::Number(..), Value::Integer(_) | Value::Float(_)) => {
            let number = value.as_float().or(value.as_integer().map(|n| n as f64))?;
            (number != 0.0).then(|| (relative.clone(), format!("{:?}", number * factor)))
        }
        (Kind::Duration, Value::String(text)) => {
            let span: Span = text.parse().ok()?;
            if span == Span::ZERO {
                return None;
            }
            shown(Span::from_secs_f64(span.as_secs_f64() * factor).to_string())
        }
        (Kind::Share | Kind::Amount, Value::String(text)) => {
            let share: Share = text.parse().ok()?;
            let next = Share((share.0 * factor).clamp(0.0, 1.0));
            if next.0 == share.0 { None } else { shown(next.to_string()) }
        }
        (Kind::Rate, Value::String(text)) => {
            let rate: Rate = text.parse().ok()?;
            if rate.0 == 0.0 { None } else { shown(Rate(rate.0 * factor).to_string()) }
        }
        _ => None,
    })
}

/// A value on one line.
fn inline(value: &Value) -> String {
    match value {
        Value::Table(table) => {
            let field = |(key, value): (&String, &Value)| format!("{key:?} = {}", inline(value));
            format!("{{ {} }}", table.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        Value::Float(number) => format!("{number:?}"),
        other => other.to_string(),
    }
}

/// The scenario with these keys at this value; `None` if that makes none, or no other.
fn moved(base: &Scenario, text: &str, keys: &[String], value: &str) -> Option<Scenario> {
    let set = |key: &String| Override {
        flag: format!("{key} = {value}"),
        key: key.clone(),
        value: value.to_owned(),
        append: false,
    };
    let overrides: Vec<Override> = keys.iter().map(set).collect();
    let loaded = load(text, "scenario", std::path::Path::new(""), &overrides).ok()?;
    let mut scenario = loaded.scenario;
    // The file as printed has neither; they do not count as a difference.
    scenario.assumed.clone_from(&base.assumed);
    for (gate, was) in scenario.gates.iter_mut().zip(&base.gates) {
        gate.line = was.line;
    }
    (scenario != *base).then_some(scenario)
}
