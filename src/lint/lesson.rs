//! What stands behind the codes of the lints: why, on what grounds, what to do, and an example of
//! each that has it and one that has not.

use super::{argo, aws, flagger, general, hosts, kubernetes, machines, nomad, room, swarm};
use crate::scenario::codes::Code;
use crate::scenario::settings::Orchestrator;

/// What stands behind a code.
#[derive(Debug, Clone, Copy)]
pub struct Lesson {
    /// The code.
    pub code: Code,
    /// Whom it concerns; empty: all.
    pub of: &'static [Orchestrator],
    /// Why it is found.
    pub reason: &'static str,
    /// The documentation, source code, thread or recording that this rests on.
    pub source: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// Lines of a scenario that has it: dotted keys, added to [`Lesson::PREAMBLE`].
    pub bad: &'static str,
    /// The same, mended.
    pub good: &'static str,
}

impl Lesson {
    /// What the examples need beside their lines, unless they say it themselves.
    pub const PREAMBLE: &[(&str, &str)] = &[
        ("rollcast", "1"),
        ("service.instances", "12"),
        ("versions.old.start", "\"22s\""),
        ("versions.old.service_time", "\"30ms\""),
    ];

    /// One of its examples as a whole file.
    pub fn file(lines: &str) -> String {
        let says = |key: &str| lines.lines().any(|line| line.split(" =").next() == Some(key));
        let missing = Self::PREAMBLE.iter().filter(|(key, _)| !says(key));
        let mut file = String::new();
        for (key, value) in missing {
            file.extend([*key, " = ", *value, "\n"]);
        }
        file + lines.trim() + "\n"
    }

    /// Whether it concerns this orchestrator in particular.
    pub fn is_of(&self, of: Orchestrator) -> bool {
        self.of.contains(&of)
    }
}

/// Those of all codes that lints give.
pub fn lessons() -> impl Iterator<Item = &'static Lesson> {
    let general = [general::LESSONS, hosts::LESSONS, argo::LESSONS, aws::LESSONS];
    let others = [flagger::LESSONS, kubernetes::LESSONS, machines::LESSONS];
    let rest = [nomad::LESSONS, room::LESSONS, swarm::LESSONS];
    general.into_iter().chain(others).chain(rest).flatten()
}

/// That of a code, if a lint gives it.
pub fn lesson(code: Code) -> Option<&'static Lesson> {
    lessons().find(|lesson| lesson.code == code)
}

/// Those that concern an orchestrator in particular, by code.
pub fn lessons_of(of: Orchestrator) -> Vec<&'static Lesson> {
    let mut found: Vec<_> = lessons().filter(|lesson| lesson.is_of(of)).collect();
    found.sort_by_key(|lesson| lesson.code);
    found
}
