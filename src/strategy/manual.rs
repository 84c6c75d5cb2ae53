//! What the files of the orchestrators say of themselves, for manual pages.

use super::source;
use crate::scenario::settings::Orchestrator;

/// The manual of an orchestrator: the opening comment of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manual {
    /// One sentence.
    pub title: String,
    /// Source, Rules, Settings and defaults, Known surprises, Where we depart.
    pub sections: Vec<Section>,
}

/// A part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its heading.
    pub heading: String,
    /// Markdown.
    pub text: String,
}

/// The manual of an orchestrator.
pub fn manual(of: Orchestrator) -> Manual {
    let comment = source(of).lines().map_while(|line| line.strip_prefix("//!"));
    let mut title = String::new();
    let mut sections: Vec<Section> = Vec::new();
    for line in comment {
        let line = without_links(line.strip_prefix(' ').unwrap_or(line));
        if let Some(heading) = line.strip_prefix("# ") {
            sections.push(Section { heading: heading.to_owned(), text: String::new() });
        } else {
            let text = sections.last_mut().map_or(&mut title, |section| &mut section.text);
            text.extend([line.as_str(), "\n"]);
        }
    }
    for section in &mut sections {
        section.text = section.text.trim().to_owned();
    }
    Manual { title: title.trim().replace('\n', " "), sections }
}

/// Links to items lead nowhere outside of the code: the name alone stays.
fn without_links(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("[`") {
        let Some((name, behind)) = after.split_once("`]") else { break };
        let name = name.rsplit("::").next().unwrap_or(name);
        out.extend([before, "`", name, "`"]);
        rest = behind;
        // A link with its own target: [`text`](target).
        if let Some((_, behind)) = rest.strip_prefix('(').and_then(|r| r.split_once(')')) {
            rest = behind;
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::{manual, without_links};
    use crate::scenario::settings::Orchestrator;

    #[test]
    fn every_orchestrator_has_the_five_sections() {
        for of in Orchestrator::ALL {
            let manual = manual(*of);
            let headings: Vec<_> = manual.sections.iter().map(|s| s.heading.as_str()).collect();
            let expected =
                ["Source", "Rules", "Settings and defaults", "Known surprises", "Where we depart"];
            assert_eq!(headings, expected, "{}", of.name());
            assert!(!manual.title.is_empty() && manual.sections.iter().all(|s| !s.text.is_empty()));
        }
    }

    #[test]
    fn links_into_the_code_become_names() {
        assert_eq!(without_links("see [`a::B`] and [`C`](d)."), "see `B` and `C`.");
        assert_eq!(without_links("an [`open one"), "an [`open one");
    }
}
