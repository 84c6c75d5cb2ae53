//! The codes of `rollcast check`: one, a list, or all of them as Markdown.

use std::fmt::Write;

use super::manual::wrap;
use crate::lint::{Lesson, lesson};
use crate::scenario::codes::Code;

/// A code: what, why, on what grounds, what to do, an example.
pub(super) fn text(code: Code) -> String {
    let mut page = format!("{}  {}\n", code.text(), code.about());
    let Some(lesson) = lesson(code) else { return page };
    let of: Vec<_> = lesson.of.iter().map(|of| of.name()).collect();
    let whom = if of.is_empty() { "all".to_owned() } else { of.join(", ") };
    let parts =
        [("why", lesson.reason), ("source", lesson.source), ("fix", lesson.fix), ("for", &whom)];
    for (name, text) in parts {
        let _ = writeln!(page, "\n{}", wrap(&format!("{name}: {text}"), 2));
    }
    let _ = writeln!(page, "\n  has it:\n{}", indented(lesson.bad));
    let _ = writeln!(page, "  has it not:\n{}", indented(lesson.good));
    page
}

/// One line a code.
pub(super) fn list() -> String {
    Code::ALL.iter().fold(String::new(), |mut page, code| {
        let (severity, text, about) = (code.severity().name(), code.text(), code.about());
        let _ = writeln!(page, "{text:4}  {severity:7}  {about}");
        page
    })
}

/// All codes, those of the lints with their lessons.
pub(super) fn markdown() -> String {
    let mut page = "# What `rollcast check` finds\n\n\
        Mistakes in a file (E001 to E044), and settings that cannot finish, cannot keep a gate, \
        or do not\nprotect: found by arithmetic, before anything is simulated. An error is \
        certain, a warning may\nhappen, a note is worth knowing. The same texts: \
        `rollcast explain CODE`.\n\n\
        | code | | |\n|---|---|---|\n"
        .to_owned();
    for code in Code::ALL {
        let text = code.text();
        let linked = match lesson(*code) {
            Some(_) => format!("[{text}](#{})", text.to_lowercase()),
            None => text.to_owned(),
        };
        let _ = writeln!(page, "| {linked} | {} | {} |", code.severity().name(), code.about());
    }
    let with_lessons = Code::ALL.iter().filter_map(|code| lesson(*code));
    for lesson in with_lessons {
        section(&mut page, lesson);
    }
    page
}

fn section(page: &mut String, lesson: &Lesson) {
    let Lesson { code, of, reason, source, fix, bad, good } = *lesson;
    let _ = write!(page, "\n## {}\n\n**{}**", code.text(), code.about());
    let pages: Vec<_> =
        of.iter().map(|of| format!("[{0}](orchestrators/{0}.md)", of.name())).collect();
    if !pages.is_empty() {
        let _ = write!(page, " ({})", pages.join(", "));
    }
    let _ = write!(page, "\n\n{reason}\n\n*Source:* {source}\n\n*What to do:* {fix}\n\n");
    let _ = write!(page, "```toml\n# has it\n{bad}\n```\n\n```toml\n# has it not\n{good}\n```\n");
}

fn indented(lines: &str) -> String {
    lines.lines().fold(String::new(), |mut page, line| {
        let _ = writeln!(page, "    {line}");
        page
    })
}

#[cfg(test)]
mod tests {
    use super::{list, markdown, text};
    use crate::scenario::codes::Code;

    #[test]
    fn a_code_says_why_and_what_to_do() {
        let page = text(Code::SwarmNoHealthCheck);
        for part in ["SW01  ", "why: ", "source: ", "r41", "fix: ", "has it not:", "for: swarm"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert_eq!(text(Code::Syntax), "E001  The file is not TOML.\n");
    }

    #[test]
    fn every_code_is_listed() {
        for code in Code::ALL {
            assert!(list().contains(code.text()) && markdown().contains(code.about()));
        }
    }
}
