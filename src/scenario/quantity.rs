//! Single values: a node of the tree and a kind in, a typed value or a complaint out.

#![allow(clippy::result_large_err, reason = "complaints are rare, and a file is read once")]

use std::str::FromStr;

use super::codes::Code;
use super::diagnostic::Diagnostic;
use super::keys::Kind;
use super::raw::Value;
use super::suggest::nearest;
use super::tree::{Data, Node};
use crate::units::{Share, Span, UnitError};

/// A value or a complaint.
type Scalar = Result<Value, Diagnostic>;

/// Reads a value that is neither list nor table.
pub(super) fn scalar(kind: &Kind, node: &Node) -> Scalar {
    match kind {
        Kind::Count(low, high) => count(node, *low, *high),
        Kind::Number(low, exclusive) => number(node, *low, *exclusive),
        Kind::Flag => match node.data {
            Data::Flag(flag) => Ok(Value::Flag(flag)),
            _ => Err(wrong_type(kind, node)),
        },
        Kind::Text => match &node.data {
            Data::Text(text) | Data::Date(text) => Ok(Value::Text(text.clone())),
            _ => Err(wrong_type(kind, node)),
        },
        Kind::Duration | Kind::Dist => quantity(kind, node, Value::Span),
        Kind::Share => match quantity(kind, node, Value::Share)? {
            Value::Share(Share(share)) if share > 1.0 => {
                Err(Diagnostic::new(Code::OutOfRange, node.place, "a share above 100%", ""))
            }
            value => Ok(value),
        },
        Kind::Rate => quantity(kind, node, Value::Rate),
        Kind::Size => quantity(kind, node, Value::Size),
        Kind::Bandwidth => quantity(kind, node, Value::Bandwidth),
        Kind::Amount => quantity(kind, node, Value::Amount),
        Kind::Clock => clock(node),
        Kind::Word(words) => word(words, node),
        Kind::Range => range(node),
        Kind::OneOf(_) | Kind::Record(_) | Kind::List(_) => Err(wrong_type(kind, node)),
    }
}

/// "expected X, found Y".
pub(super) fn wrong_type(kind: &Kind, node: &Node) -> Diagnostic {
    let message = format!("this must be {}, not {}", short(kind), node.kind());
    Diagnostic::new(Code::WrongType, node.place, message, format!("write {}", kind.expected()))
}

fn short(kind: &Kind) -> &'static str {
    match kind {
        Kind::Count(..) => "a whole number",
        Kind::Number(..) => "a number",
        Kind::Flag => "true or false",
        Kind::Text => "a text",
        Kind::Duration => "a duration",
        Kind::Clock => "a time of day",
        Kind::Share => "a share",
        Kind::Rate => "a rate",
        Kind::Size => "a size",
        Kind::Bandwidth => "a bandwidth",
        Kind::Amount => "a count or a share",
        Kind::Word(_) => "a word",
        Kind::Range => "a range",
        Kind::Record(_) => "a table",
        Kind::List(_) => "a list",
        Kind::Dist => "a duration or a distribution",
        Kind::OneOf(_) => "something else",
    }
}

fn quantity<T: FromStr<Err = UnitError>>(kind: &Kind, node: &Node, wrap: fn(T) -> Value) -> Scalar {
    let text = node.scalar().ok_or_else(|| wrong_type(kind, node))?;
    if let Some((low, high)) = range_of_durations(kind, &text) {
        let hint = match kind {
            Kind::Dist => format!("write {{ p50 = \"{low}\", p95 = \"{high}\" }}"),
            _ => format!("write one duration, such as \"{low}\""),
        };
        let message = "a range is no distribution";
        let diagnostic = Diagnostic::new(Code::RangeNoDistribution, node.place, message, hint);
        if matches!(kind, Kind::Dist) {
            let note = "`a..b` is a range of values to vary: only in [assumed]";
            return Err(diagnostic.note(note));
        }
        return Err(diagnostic);
    }
    text.parse::<T>().map(wrap).map_err(|error| {
        let label = error.hint.unwrap_or_else(|| format!("write {}", kind.expected()));
        Diagnostic::new(Code::Quantity, node.place, error.message, label)
    })
}

fn range_of_durations<'a>(kind: &Kind, text: &'a str) -> Option<(&'a str, &'a str)> {
    if !matches!(kind, Kind::Duration | Kind::Dist) {
        return None;
    }
    let (low, high) = text.split_once("..")?;
    Some((low.trim(), high.trim()))
}

fn count(node: &Node, low: u32, high: u32) -> Scalar {
    let kind = Kind::Count(low, high);
    let Data::Integer(text) = &node.data else {
        let mut diagnostic = wrong_type(&kind, node);
        if let Data::Text(text) = &node.data
            && text.parse::<u32>().is_ok()
        {
            diagnostic.label = format!("write {text}, without quotes");
        }
        return Err(diagnostic);
    };
    match text.replace('_', "").parse::<i128>() {
        Ok(value) if (i128::from(low)..=i128::from(high)).contains(&value) => {
            Ok(Value::Count(value as u32))
        }
        Ok(value) if value < i128::from(low) => {
            let message = format!("this must be at least {low}, not {text}");
            Err(Diagnostic::new(Code::OutOfRange, node.place, message, ""))
        }
        _ => {
            let message = format!("{text} is not a whole number up to {high}");
            Err(Diagnostic::new(Code::OutOfRange, node.place, message, ""))
        }
    }
}

fn number(node: &Node, low: f64, exclusive: bool) -> Scalar {
    let (Data::Integer(text) | Data::Float(text)) = &node.data else {
        return Err(wrong_type(&Kind::Number(low, exclusive), node));
    };
    let bad = |message: String| Diagnostic::new(Code::OutOfRange, node.place, message, "");
    let value: f64 =
        text.replace('_', "").parse().map_err(|_| bad(format!("{text} is not a number")))?;
    if !value.is_finite() {
        return Err(bad(format!("{text} is not a finite number")));
    }
    if value < low || (exclusive && value <= low) {
        let relation = if exclusive { "above" } else { "at least" };
        return Err(bad(format!("this must be {relation} {low}, not {text}")));
    }
    Ok(Value::Number(value))
}

fn clock(node: &Node) -> Scalar {
    let (Data::Text(text) | Data::Date(text)) = &node.data else {
        return Err(wrong_type(&Kind::Clock, node));
    };
    let parts: Vec<Option<u64>> = text.trim().split(':').map(|part| part.parse().ok()).collect();
    let span = match parts[..] {
        [Some(h), Some(m)] if h < 24 && m < 60 => Some(h * 3600 + m * 60),
        [Some(h), Some(m), Some(s)] if h < 24 && m < 60 && s < 60 => Some(h * 3600 + m * 60 + s),
        _ => None,
    };
    span.map(|secs| Value::Span(Span::from_secs(secs))).ok_or_else(|| {
        let message = format!("`{text}` is not a time of day");
        Diagnostic::new(Code::Quantity, node.place, message, "write \"18:00\"")
    })
}

fn word(words: &'static [&'static str], node: &Node) -> Scalar {
    let Some(text) = node.scalar() else { return Err(wrong_type(&Kind::Word(words), node)) };
    if let Some(known) = words.iter().find(|known| **known == text) {
        return Ok(Value::Word(known));
    }
    let label = match nearest(&text, words.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("write {}", Kind::Word(words).expected()),
    };
    let message = format!("`{text}` is not one of the known words");
    let known: Vec<_> = words.iter().map(|w| format!("\"{w}\"")).collect();
    let diagnostic = Diagnostic::new(Code::UnknownWord, node.place, message, label);
    Err(diagnostic.note(format!("known: {}", known.join(", "))))
}

fn range(node: &Node) -> Scalar {
    let Data::Text(text) = &node.data else { return Err(wrong_type(&Kind::Range, node)) };
    match text.split_once("..") {
        Some((low, high)) if !low.trim().is_empty() && !high.trim().is_empty() => {
            Ok(Value::Range(low.trim().to_owned(), high.trim().to_owned()))
        }
        _ => {
            let message = format!("`{text}` is not a range");
            Err(Diagnostic::new(Code::Quantity, node.place, message, "write \"5s..60s\""))
        }
    }
}
