//! Every lesson's bad example has its code, and the mended one has not.

use super::{lesson, lessons, lint};
use crate::lint::Lesson;
use crate::scenario::codes::{Code, Severity};
use crate::scenario::{self, Loaded, keys};
use std::path::Path;

/// Codes of what the reader and the lints say of an example, errors of the lints included.
fn codes(lines: &str) -> Vec<(Code, Severity)> {
    let loaded = scenario::load(&Lesson::file(lines), "example.toml", Path::new("."), &[]);
    let Loaded { scenario, warnings, .. } = match loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            return error.diagnostics.iter().map(|d| (d.code, d.severity)).collect();
        }
    };
    let findings = lint(&scenario);
    for finding in &findings {
        for (key, _) in finding.related.iter().chain([&(finding.key.clone(), String::new())]) {
            let known = keys::find(key).is_some() || key.starts_with("gates.");
            assert!(known, "{}: no key {key}", finding.code.text());
        }
        assert!(finding.help.is_some(), "{}: what to do?", finding.code.text());
    }
    let read = warnings.iter().map(|d| (d.code, d.severity));
    read.chain(findings.iter().map(|f| (f.code, f.severity))).collect()
}

#[test]
fn bad_examples_are_found_and_good_ones_are_not() {
    let mut wrong = Vec::new();
    for what in lessons() {
        let (bad, good) = (codes(what.bad), codes(what.good));
        let has = |found: &[(Code, Severity)]| found.iter().any(|(code, _)| *code == what.code);
        if !has(&bad) {
            wrong.push(format!("{} does not fire: {bad:?}", what.code.text()));
        }
        if has(&good) || good.iter().any(|(_, severity)| *severity == Severity::Error) {
            wrong.push(format!("{} mended has {good:?}", what.code.text()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_code_of_a_lint_has_one_lesson() {
    for code in Code::ALL.iter().filter(|code| code.family().len() == 2) {
        assert_eq!(lessons().filter(|l| l.code == *code).count(), 1, "{}", code.text());
    }
    for what in lessons() {
        let general = what.code.family().len() == 1;
        assert_eq!(what.of.is_empty(), general, "{}", what.code.text());
        assert!(what.bad != what.good && lesson(what.code).is_some());
    }
}
