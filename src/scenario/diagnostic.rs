//! What is wrong with a scenario, where, and what to write instead.

use std::fmt::Write as _;

use super::codes::{Code, Severity};
use super::source::{Place, Source};

/// One complaint.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    /// Its stable code.
    pub code: Code,
    /// How bad; usually the code's own.
    pub severity: Severity,
    /// What is wrong: a clause without a full stop.
    pub message: String,
    /// Where; `None`: nowhere in particular (a missing table).
    pub at: Option<Place>,
    /// Stands under the place: usually what to write instead. May be empty.
    pub label: String,
    /// Other places that belong to it.
    pub related: Vec<(Place, String)>,
    /// Lines below.
    pub notes: Vec<String>,
}

impl Diagnostic {
    /// A complaint with the severity of its code.
    pub fn new(
        code: Code,
        at: impl Into<Option<Place>>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity: code.severity(),
            message: message.into(),
            at: at.into(),
            label: label.into(),
            related: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// With a line below.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// How diagnostics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people: the place in the source with a caret.
    Human,
    /// One JSON document.
    Json,
    /// Workflow commands of GitHub Actions.
    Github,
}

/// File order; what has no place in the file comes last.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics
        .sort_by_key(|d| d.at.map_or((u32::MAX, 0), |p| (p.flag.map_or(0, |f| f + 1), p.start)));
}

/// All of them, each ending with a line end.
pub fn render(diagnostics: &[Diagnostic], source: &Source, format: Format) -> String {
    match format {
        Format::Human => {
            let texts: Vec<String> = diagnostics.iter().map(|d| human(d, source)).collect();
            texts.join("\n")
        }
        Format::Json => json(diagnostics, source),
        Format::Github => diagnostics.iter().map(|d| github(d, source)).collect(),
    }
}

fn human(d: &Diagnostic, source: &Source) -> String {
    let mut out = String::new();
    let head = format!("{}[{}]", d.severity.name(), d.code.text());
    let Some(place) = d.at.filter(|place| place.flag.is_none()) else {
        let flag = d.at.and_then(|place| source.flag(place)).map(|f| format!("{f}: "));
        let label = if d.label.is_empty() { String::new() } else { format!("; {}", d.label) };
        let _ = writeln!(out, "{head}: {}{}{label}", flag.unwrap_or_default(), d.message);
        for (place, label) in &d.related {
            let (line, column) = source.line_column(*place);
            let _ = writeln!(out, "  · {}:{line}:{column}: {label}", source.file);
        }
        for note in &d.notes {
            let _ = writeln!(out, "  = {note}");
        }
        return out;
    };
    let _ = writeln!(out, "{head}: {}", d.message);
    let (line, column) = source.line_column(place);
    let last = d.related.iter().map(|(p, _)| source.line_column(*p).0).max().unwrap_or(0);
    let width = line.max(last).to_string().len();
    let pad = " ".repeat(width);
    let _ = writeln!(out, "{pad} ┌─ {}:{line}:{column}", source.file);
    let _ = writeln!(out, "{pad} │");
    snippet(&mut out, source, place, &d.label, width);
    for (place, label) in &d.related {
        let _ = writeln!(out, "{pad} ·");
        snippet(&mut out, source, *place, label, width);
    }
    for note in &d.notes {
        let _ = writeln!(out, "{pad} = {note}");
    }
    out
}

/// The line of `place` and carets below it.
fn snippet(out: &mut String, source: &Source, place: Place, label: &str, width: usize) {
    let (line, column) = source.line_column(place);
    let text = source.line(line);
    let _ = writeln!(out, "{line:>width$} │ {}", text.replace('\t', " "));
    let length = source.text[place.start..place.end].lines().next().unwrap_or("").chars().count();
    let left = text.chars().count().saturating_sub(column - 1);
    let carets = "^".repeat(length.min(left).max(1));
    let indent = " ".repeat(column - 1);
    let rest = format!("{} │ {indent}{carets} {label}", " ".repeat(width));
    let _ = writeln!(out, "{}", rest.trim_end());
}

fn json(diagnostics: &[Diagnostic], source: &Source) -> String {
    let list: Vec<serde_json::Value> = diagnostics
        .iter()
        .map(|d| {
            let file_place = d.at.filter(|p| p.flag.is_none());
            let at = file_place.map(|p| source.line_column(p));
            serde_json::json!({
                "code": d.code.text(),
                "severity": d.severity.name(),
                "message": d.message,
                "hint": d.label,
                "notes": d.notes,
                "file": source.file,
                "line": at.map(|a| a.0),
                "column": at.map(|a| a.1),
                "flag": d.at.and_then(|p| source.flag(p)),
            })
        })
        .collect();
    let document = serde_json::json!({ "schema": "rollcast.diagnostics/1", "diagnostics": list });
    format!("{document:#}\n")
}

/// `::error file=…,line=…,col=…,title=…::message`, escaped as the runner wants it.
fn github(d: &Diagnostic, source: &Source) -> String {
    let escape = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| escape(text).replace(':', "%3A").replace(',', "%2C");
    let at = d.at.filter(|p| p.flag.is_none()).map_or(String::new(), |p| {
        let (line, column) = source.line_column(p);
        format!("line={line},col={column},")
    });
    let mut message = match d.at.and_then(|p| source.flag(p)) {
        Some(flag) => format!("{flag}: {}", d.message),
        None => d.message.clone(),
    };
    if !d.label.is_empty() {
        let _ = write!(message, ": {}", d.label);
    }
    for note in &d.notes {
        let _ = write!(message, "\n{note}");
    }
    let file = property(&source.file);
    let code = d.code.text();
    let kind = match d.severity {
        Severity::Note => "notice",
        severity => severity.name(),
    };
    format!("::{kind} file={file},{at}title={code}::{}\n", escape(&message))
}
