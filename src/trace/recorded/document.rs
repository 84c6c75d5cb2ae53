//! JSON documents that follow each other in a text, and complaints about them that name the line.

use serde_json::Value;

/// Why a text cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}; expected {expected}")]
pub struct Malformed {
    /// From 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub expected: String,
}

/// A JSON document within a text.
pub(super) struct Document<'a> {
    text: &'a str,
    /// Where it begins, in bytes.
    from: usize,
}

/// Reads one document after the other; `expected` is what the text should be.
pub(super) fn each(
    text: &str,
    expected: &str,
    mut read: impl FnMut(Value, &Document<'_>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let mut some = false;
    loop {
        let from = text.len() - text[documents.byte_offset()..].trim_start().len();
        let document = Document { text, from };
        match documents.next() {
            None if some => return Ok(()),
            None => return Err(document.wrong("", "nothing but white space".into(), expected)),
            Some(Err(error)) => {
                let (line, message) = (error.line(), format!("no JSON: {error}"));
                return Err(Malformed { line, message, expected: expected.to_owned() });
            }
            Some(Ok(value)) => read(value, &document)?,
        }
        some = true;
    }
}

impl Document<'_> {
    /// A complaint about what `needle` stands for, at its first occurrence in the document.
    pub(super) fn wrong(&self, needle: &str, message: String, expected: &str) -> Malformed {
        let rest = &self.text[self.from..];
        let at = self.from + rest.find(needle).filter(|_| !needle.is_empty()).unwrap_or(0);
        let line = self.text[..at].matches('\n').count() + 1;
        Malformed { line, message, expected: expected.to_owned() }
    }

    /// A complaint about a text that should be a time.
    pub(super) fn no_time(&self, text: &str) -> Malformed {
        let message = format!("`{text}` is no time");
        self.wrong(&format!("\"{text}\""), message, "one such as 2026-11-22T10:00:00Z")
    }
}
