//! Reading a table of a foreign file: every key that is asked for is remembered, so that the
//! rest can be listed, and every complaint knows its key.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::ImportError;
use crate::units::{CountOrPercent, Span};

/// A table of a foreign file. A key that is `null` is as good as absent.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    map: Option<&'a Map<String, Value>>,
    path: Vec<String>,
    asked: RefCell<BTreeSet<String>>,
}

/// What a bare number means where a duration is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bare {
    /// Nanoseconds, as in the APIs of Docker and Nomad.
    Nanoseconds,
    /// Seconds.
    Seconds,
}

impl<'a> Fields<'a> {
    /// The outermost table.
    pub(super) fn root(value: &'a Value) -> Result<Self, ImportError> {
        Self::of(Some(value), Vec::new())
    }

    fn of(value: Option<&'a Value>, path: Vec<String>) -> Result<Self, ImportError> {
        let map = match value {
            None | Some(Value::Null) => None,
            Some(Value::Object(map)) => Some(map),
            // A block of HCL that may be repeated is a list, also where there is but one.
            Some(Value::Array(items)) if matches!(items.as_slice(), [Value::Object(_)]) => {
                items[0].as_object()
            }
            Some(other) => {
                let message = format!("{} is {other}, not a table", path.join("."));
                return Err(ImportError::new(message).at(path));
            }
        };
        Ok(Self { map, path, asked: RefCell::default() })
    }

    /// Whether the file has this table.
    pub(super) fn is_there(&self) -> bool {
        self.map.is_some()
    }

    /// A value.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.asked.borrow_mut().insert(key.to_owned());
        self.map?.get(key).filter(|value| !value.is_null())
    }

    /// A table inside.
    pub(super) fn child(&self, key: &str) -> Result<Fields<'a>, ImportError> {
        Self::of(self.get(key), self.path_to(key))
    }

    /// A list of tables inside; one table is a list of one.
    pub(super) fn children(&self, key: &str) -> Result<Vec<Fields<'a>>, ImportError> {
        let items: Vec<&Value> = match self.get(key) {
            None => Vec::new(),
            Some(Value::Array(items)) => items.iter().collect(),
            Some(one) => vec![one],
        };
        items.into_iter().map(|item| Self::of(Some(item), self.path_to(key))).collect()
    }

    /// The tables inside by their labels: `group "web" { … }`.
    pub(super) fn labelled(&self, key: &str) -> Result<Vec<(&'a str, Fields<'a>)>, ImportError> {
        let Some(map) = self.get(key).and_then(Value::as_object) else { return Ok(Vec::new()) };
        let inner = |(name, value): (&'a String, &'a Value)| {
            let mut path = self.path_to(key);
            path.push(name.clone());
            Ok((name.as_str(), Self::of(Some(value), path)?))
        };
        map.iter().map(inner).collect()
    }

    /// A whole number that is not negative.
    pub(super) fn count(&self, key: &str) -> Result<Option<u32>, ImportError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = match value {
            Value::String(text) => text.trim().parse().ok(),
            // JSON from some tools has 3.0.
            other => other.as_u64().or_else(|| {
                other.as_f64().filter(|n| n.fract() == 0.0 && *n >= 0.0).map(|n| n as u64)
            }),
        };
        let count = number.and_then(|number| u32::try_from(number).ok());
        count.map(Some).ok_or_else(|| self.wrong(key, "a whole number, 0 or more"))
    }

    /// A number that is not negative.
    pub(super) fn number(&self, key: &str) -> Result<Option<f64>, ImportError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = match value {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        };
        let number = number.filter(|number: &f64| number.is_finite() && *number >= 0.0);
        number.map(Some).ok_or_else(|| self.wrong(key, "a number, 0 or more"))
    }

    /// True or false, also in the words of YAML 1.1.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, ImportError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let word = match value {
            Value::Bool(flag) => return Ok(Some(*flag)),
            Value::String(word) => word.to_lowercase(),
            _ => String::new(),
        };
        match word.as_str() {
            "true" | "yes" | "on" => Ok(Some(true)),
            "false" | "no" | "off" => Ok(Some(false)),
            _ => Err(self.wrong(key, "true or false")),
        }
    }

    /// Text; a number counts as its text.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        match self.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// One of these words.
    pub(super) fn word(
        &self,
        key: &str,
        words: &[&'static str],
    ) -> Result<Option<&'static str>, ImportError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let found = words.iter().copied().find(|word| value.as_str() == Some(*word));
        found.map(Some).ok_or_else(|| self.wrong(key, &format!("one of {}", words.join(", "))))
    }

    /// A duration: a text with units, or a bare number.
    pub(super) fn span(&self, key: &str, bare: Bare) -> Result<Option<Span>, ImportError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let span = match value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_f64().filter(|n| *n >= 0.0).map(|n| match bare {
                Bare::Nanoseconds => Span::from_secs_f64(n / 1e9),
                Bare::Seconds => Span::from_secs_f64(n),
            }),
            _ => None,
        };
        span.map(Some).ok_or_else(|| self.wrong(key, "a duration such as \"30s\" or \"1m30s\""))
    }

    /// A count or a percentage.
    pub(super) fn amount(&self, key: &str) -> Result<Option<CountOrPercent>, ImportError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        amount(value).map(Some).ok_or_else(|| self.wrong(key, "a whole number or a percentage"))
    }

    /// A complaint about one key: what it is and what would be right.
    pub(super) fn wrong(&self, key: &str, wanted: &str) -> ImportError {
        let path = self.path_to(key);
        let value = self.get(key).unwrap_or(&Value::Null);
        let shown = value.to_string();
        let shown: String = shown.chars().take(60).collect();
        let error = ImportError::new(format!("{} is {shown}, not {wanted}", path.join(".")));
        let error = error.at(path);
        if shown.contains("${") || shown.contains("{{") {
            return error.hint(
                "this is a variable: write its value, or import what `docker compose config` or \
                 `nomad job run -output` prints",
            );
        }
        error
    }

    /// A complaint about one key, in other words.
    pub(super) fn error(&self, key: &str, message: impl Into<String>) -> ImportError {
        ImportError::new(message).at(self.path_to(key))
    }

    /// Keys nobody asked for, with `prefix` before each.
    pub(super) fn unread(&self, prefix: &str) -> Vec<String> {
        let asked = self.asked.borrow();
        let keys = self.map.into_iter().flat_map(Map::keys);
        keys.filter(|key| !asked.contains(*key)).map(|key| format!("{prefix}{key}")).collect()
    }

    /// Marks keys as known.
    pub(super) fn skip(&self, keys: &[&str]) {
        for key in keys {
            self.get(key);
        }
    }

    fn path_to(&self, key: &str) -> Vec<String> {
        let mut path = self.path.clone();
        path.push(key.to_owned());
        path
    }
}

/// `3`, `"3"` or `"25%"`.
pub(super) fn amount(value: &Value) -> Option<CountOrPercent> {
    match value {
        Value::Number(number) => {
            let count = number.as_u64().and_then(|n| u32::try_from(n).ok())?;
            Some(CountOrPercent::Count(count))
        }
        Value::String(text) => match text.trim().parse::<u32>() {
            Ok(count) => Some(CountOrPercent::Count(count)),
            Err(_) => text.ends_with('%').then(|| text.trim().parse().ok()).flatten(),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_read_in_their_spellings_and_the_rest_is_listed() {
        let value = json!({ "a": "3", "b": 2.0, "c": "yes", "d": 1_500_000_000, "e": "1m30s",
            "f": "25%", "g": null, "left": 1, "inner": [{ "x": -1 }] });
        let fields = Fields::root(&value).unwrap();
        assert_eq!((fields.count("a").unwrap(), fields.count("b").unwrap()), (Some(3), Some(2)));
        assert_eq!(fields.flag("c").unwrap(), Some(true));
        let span = fields.span("d", Bare::Nanoseconds).unwrap();
        assert_eq!(span, Some(Span::from_millis(1500)));
        assert_eq!(fields.span("e", Bare::Seconds).unwrap(), Some(Span::from_secs(90)));
        assert_eq!(fields.amount("f").unwrap(), Some(CountOrPercent::Percent(25.0)));
        assert_eq!(fields.count("g").unwrap(), None);
        let inner = fields.child("inner").unwrap();
        let error = inner.count("x").unwrap_err();
        assert_eq!(error.message, "inner.x is -1, not a whole number, 0 or more");
        assert_eq!(fields.unread("t."), ["t.left"]);
        assert_eq!(fields.word("c", &["no"]).unwrap_err().message, "c is \"yes\", not one of no");
        assert!(fields.child("a").is_err());
    }
}
