//! The manual page of an orchestrator: its rules, its keys, and what it means for other tables.

use std::fmt::Write;

use super::terminal;
use crate::lint::lessons_of;
use crate::scenario::keys::{self, Default};
use crate::scenario::settings::Orchestrator;
use crate::strategy::{Manual, manual};

/// Columns of the text page.
const COLUMNS: usize = 80;

/// The page for a terminal.
pub(super) fn text(of: Orchestrator) -> String {
    let Manual { title, sections } = manual(of);
    // Some titles begin with the name anyway.
    let title = plain(&title);
    let title = if title.to_lowercase().starts_with(&format!("{}:", of.name())) {
        title
    } else {
        format!("{}: {title}", of.name())
    };
    let mut page = format!("{}\n\n", wrap(&title, 0));
    for section in sections {
        let _ = writeln!(page, "{}\n{}\n", section.heading.to_uppercase(), flow(&section.text));
    }
    let _ = writeln!(page, "KEYS OF [{}]", of.table().path);
    for key in of.table().keys {
        let default = keys::default_text(of.table().path, key);
        let _ = writeln!(page, "  {} (default {})", key.name, plain(&default));
        let _ = writeln!(page, "{}", wrap(&plain(key.about), 6));
    }
    if !of.world().is_empty() {
        let _ = writeln!(page, "\nDEFAULTS OF OTHER TABLES");
        for (key, value) in of.world() {
            let _ = writeln!(page, "  {key} = {value}");
        }
    }
    let lessons = lessons_of(of);
    if !lessons.is_empty() {
        let _ = writeln!(page, "\nWHAT rollcast check FINDS");
        for lesson in lessons {
            let (code, about) = (lesson.code.text(), lesson.code.about());
            let _ = writeln!(page, "{}", wrap(&format!("- {code} {about}"), 2));
        }
    }
    page
}

/// The page as Markdown.
pub(super) fn markdown(of: Orchestrator) -> String {
    let Manual { title, sections } = manual(of);
    let mut page = format!("# {}\n\n{title}\n", of.name());
    for section in sections {
        let _ = write!(page, "\n## {}\n\n{}\n", section.heading, section.text);
    }
    let _ = write!(page, "\n## Keys of `[{}]`\n\n", of.table().path);
    let _ = writeln!(page, "| key | takes | default | |\n|---|---|---|---|");
    for key in of.table().keys {
        let default = keys::default_text(of.table().path, key);
        let takes = key.kind.expected().replace('|', "\\|");
        // Words explain themselves, values are quoted.
        let default =
            if let Default::Is(_) = key.default { format!("`{default}`") } else { default };
        let _ = writeln!(page, "| `{}` | {takes} | {default} | {} |", key.name, key.about);
    }
    if !of.world().is_empty() {
        let _ = write!(page, "\n## Defaults of other tables\n\n| key | value |\n|---|---|\n");
        for (key, value) in of.world() {
            let _ = writeln!(page, "| `{key}` | `{value}` |");
        }
    }
    let lessons = lessons_of(of);
    if !lessons.is_empty() {
        let _ = write!(page, "\n## What `rollcast check` finds\n\n");
        for lesson in lessons {
            let (code, about) = (lesson.code.text(), lesson.code.about());
            let _ = writeln!(page, "- [{code}](../lints.md#{}): {about}", code.to_lowercase());
        }
    }
    page
}

/// Prints the page.
pub(super) fn print(of: Orchestrator, as_markdown: bool) -> anyhow::Result<()> {
    terminal::out(&if as_markdown { markdown(of) } else { text(of) })
}

/// Markdown's paragraphs and lists, flowed anew.
fn flow(text: &str) -> String {
    let mut blocks: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let begins = marker(line) > 0 || line.starts_with('|') || !open;
        open = !line.is_empty();
        match blocks.last_mut().filter(|_| !begins) {
            Some(block) if open => block.extend([" ", line.trim()]),
            // Items of a list within a list stay further in.
            _ if marker(line.trim()) > 0 => blocks.push(line.to_owned()),
            _ => blocks.push(line.trim().to_owned()),
        }
    }
    let mut lines: Vec<String> = Vec::new();
    for rows in blocks.chunk_by(|a, b| a.starts_with('|') && b.starts_with('|')) {
        if rows[0].starts_with('|') {
            lines.extend(table(rows));
        } else {
            let indent = rows[0].len() - rows[0].trim_start().len();
            lines.extend(rows.iter().map(|block| wrap(&plain(block.trim()), 2 + indent)));
        }
    }
    lines.join("\n")
}

/// The rows of a table in columns; the line below its head says nothing.
fn table(rows: &[String]) -> Vec<String> {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .filter(|row| !row.starts_with("|-"))
        .map(|row| row.trim_matches('|').split('|').map(|cell| plain(cell.trim())).collect())
        .collect();
    let width = |i: usize| cells.iter().filter_map(|row| row.get(i)?.chars().count().into()).max();
    let line = |row: &Vec<String>| {
        let padded = row.iter().enumerate().map(|(i, cell)| {
            let width = width(i).unwrap_or(0);
            format!("  {cell:<width$}")
        });
        padded.collect::<String>().trim_end().to_owned()
    };
    cells.iter().map(line).collect()
}

/// How much of a line is the mark of a list item, `- ` or `12. `; 0 if it is none.
fn marker(line: &str) -> usize {
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    match &line[digits..] {
        rest if digits == 0 && rest.starts_with("- ") => 2,
        rest if digits > 0 && rest.starts_with(". ") => digits + 2,
        _ => 0,
    }
}

/// Without Markdown's marks; a `*` that stands alone is none.
fn plain(text: &str) -> String {
    let all: Vec<char> = text.chars().collect();
    let inside = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || *c == '*');
    let is_mark = |i: usize| {
        let before = i.checked_sub(1).and_then(|i| all.get(i));
        all[i] == '`' || (all[i] == '*' && (inside(before) || inside(all.get(i + 1))))
    };
    (0..all.len()).filter(|i| !is_mark(*i)).map(|i| all[i]).collect()
}

/// Words in lines of at most [`COLUMNS`], indented; the rest of a list item hangs under its text.
pub(super) fn wrap(text: &str, indent: usize) -> String {
    let hanging = indent + marker(text);
    let mut lines = vec![" ".repeat(indent)];
    let mut fresh = true;
    for word in text.split_whitespace() {
        let last = lines.last().map_or(0, |line| line.chars().count());
        if !fresh && last + 1 + word.chars().count() > COLUMNS {
            lines.push(" ".repeat(hanging));
            fresh = true;
        }
        if let Some(line) = lines.last_mut() {
            if !fresh {
                line.push(' ');
            }
            line.push_str(word);
        }
        fresh = false;
    }
    lines.join("\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, flow, text};
    use crate::scenario::settings::Orchestrator;

    #[test]
    fn pages_fit_the_terminal() {
        for of in Orchestrator::ALL {
            let page = text(*of);
            for part in page.split("KEYS OF").next().unwrap().lines() {
                assert!(part.chars().count() <= COLUMNS, "{}: {part}", of.name());
            }
            assert!(page.contains("KNOWN SURPRISES") && page.contains("(default "));
            assert!(!page.contains('`'), "{page}");
        }
    }

    #[test]
    fn lists_and_tables_keep_their_form() {
        let text = "1. one\n   more\n2. *two*\n\n| a | b |\n|---|---|\n| `long` | c/* |";
        assert_eq!(flow(text), "  1. one more\n  2. two\n\n  a     b\n  long  c/*");
    }
}
