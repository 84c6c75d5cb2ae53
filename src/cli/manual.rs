//! The manual page of an orchestrator: its rules, its keys, and what it means for other tables.

use std::fmt::Write;

use super::terminal;
use crate::lint::lessons_of;
use crate::scenario::keys;
use crate::scenario::settings::Orchestrator;
use crate::strategy::{Manual, manual};

/// Columns of the text page.
const COLUMNS: usize = 80;

/// The page for a terminal.
pub(super) fn text(of: Orchestrator) -> String {
    let Manual { title, sections } = manual(of);
    let mut page = format!("{}\n\n", wrap(&format!("{}: {title}", of.name()), 0));
    for section in sections {
        let _ = writeln!(page, "{}\n{}\n", section.heading.to_uppercase(), flow(&section.text));
    }
    let _ = writeln!(page, "KEYS OF [{}]", of.table().path);
    for key in of.table().keys {
        let default = keys::default_text(of.table().path, key);
        let _ = writeln!(page, "  {} (default {default})", key.name);
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
        let _ = writeln!(page, "| `{}` | {takes} | `{default}` | {} |", key.name, key.about);
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
        let begins = line.starts_with("- ") || line.starts_with("| ") || !open;
        open = !line.is_empty();
        match blocks.last_mut().filter(|_| !begins) {
            Some(block) if open => block.extend([" ", line.trim()]),
            _ => blocks.push(line.trim().to_owned()),
        }
    }
    let wrapped: Vec<_> = blocks.iter().map(|block| wrap(&plain(block), 2)).collect();
    wrapped.join("\n")
}

fn plain(text: &str) -> String {
    text.replace(['`', '*'], "")
}

/// Words in lines of at most [`COLUMNS`], indented; the rest of a list item hangs under its text.
pub(super) fn wrap(text: &str, indent: usize) -> String {
    let hanging = indent + if text.starts_with("- ") { 2 } else { 0 };
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
    use super::{COLUMNS, text};
    use crate::scenario::settings::Orchestrator;

    #[test]
    fn pages_fit_the_terminal() {
        for of in Orchestrator::ALL {
            let page = text(*of);
            for part in page.split("KEYS OF").next().unwrap().lines() {
                assert!(part.chars().count() <= COLUMNS, "{}: {part}", of.name());
            }
            assert!(page.contains("KNOWN SURPRISES") && page.contains("(default "));
        }
    }
}
