//! A commented scenario file, written line by line.

use std::fmt::Write;

/// Comments begin in this column where the value leaves room.
const COMMENT_COLUMN: usize = 46;

/// The file as it grows, and the values in it that nobody stated.
#[derive(Debug, Default)]
pub(super) struct TomlText {
    text: String,
    table: String,
    assumed: Vec<Guess>,
}

/// A made-up value.
#[derive(Debug)]
struct Guess {
    key: String,
    value: String,
    range: String,
    why: String,
    line: usize,
}

impl TomlText {
    /// A comment of its own, one line of it per line of `text`.
    pub(super) fn comment(&mut self, text: &str) {
        for line in text.lines() {
            self.raw(&format!("# {line}"));
        }
    }

    /// Begins a table.
    pub(super) fn table(&mut self, name: &str) {
        name.clone_into(&mut self.table);
        self.text.push('\n');
        self.raw(&format!("[{name}]"));
    }

    /// A line as it is.
    pub(super) fn raw(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// A value that the manifest states or the orchestrator fixes.
    pub(super) fn value(&mut self, key: &str, value: &str, comment: &str) {
        self.raw(&with_comment(&format!("{key} = {value}"), comment));
    }

    /// A value nobody stated, with the range in which it may lie.
    pub(super) fn assumed(&mut self, key: &str, value: &str, range: &str, why: &str) {
        let line = self.text.lines().count() + 1;
        self.value(key, value, &format!("assumed; {why}"));
        self.assumed.push(Guess {
            key: format!("{}.{key}", self.table),
            value: value.to_owned(),
            range: range.to_owned(),
            why: why.to_owned(),
            line,
        });
    }

    /// Adds the table of assumed values and hands out the text, the guesses in words, and the
    /// lines on which they stand.
    pub(super) fn finish(mut self) -> (String, Vec<String>, Vec<usize>) {
        let guesses = std::mem::take(&mut self.assumed);
        self.table("assumed");
        self.comment(
            "Nobody measured these. A gate that flips inside a range is undecided, and the",
        );
        self.comment("answer names what to measure. Delete a line once its value is known.");
        let mut words = Vec::new();
        let mut lines = Vec::new();
        for guess in guesses {
            self.raw(&format!("{} = {}", quoted(&guess.key), quoted(&guess.range)));
            words.push(format!("{} {} in {} ({})", guess.key, guess.value, guess.range, guess.why));
            lines.push(guess.line);
        }
        (self.text, words, lines)
    }
}

/// A TOML basic string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// `start = { p50 = "10s", p95 = "30s" }` without the key.
pub(super) fn quantiles(p50: &str, p95: &str) -> String {
    format!("{{ p50 = {}, p95 = {} }}", quoted(p50), quoted(p95))
}

fn with_comment(line: &str, comment: &str) -> String {
    if comment.is_empty() {
        return line.to_owned();
    }
    // A line break in a name of the manifest must not end the comment.
    let comment = comment.replace(['\n', '\r'], " ");
    format!("{line:<COMMENT_COLUMN$}  # {comment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_toml_and_lists_what_was_assumed() {
        let mut text = TomlText::default();
        text.comment("a \"service\"");
        text.value("rollcast", "1", "");
        text.table("service");
        text.value("name", &quoted("a\"b\\c\nd"), "from metadata.name\n[x]");
        text.assumed("slots", "16", "4..64", "a guess");
        let (text, words, lines) = text.finish();
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(table["service"]["name"].as_str(), Some("a\"b\\c\nd"));
        assert_eq!(table["assumed"]["service.slots"].as_str(), Some("4..64"));
        assert_eq!(words, ["service.slots 16 in 4..64 (a guess)"]);
        let marked = text.lines().nth(lines[0] - 1).unwrap();
        assert!(marked.starts_with("slots = 16") && marked.contains("# assumed"), "{marked}");
    }
}
