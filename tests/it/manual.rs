//! The manual pages in `docs/orchestrators/` are those that the program prints.
//!
//! `ROLLCAST_BLESS=1 cargo test --test it manual` writes them anew.

use std::fs;
use std::path::Path;

use rollcast::scenario::settings::Orchestrator;

use crate::support::Run;

#[test]
fn every_orchestrator_has_its_page() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/orchestrators");
    let bless = std::env::var_os("ROLLCAST_BLESS").is_some();
    let mut index =
        "# Orchestrators\n\nWhat rollcast knows of each: its rules, settings, surprises, \
                     and where the model departs.\nThe same pages: `rollcast explain NAME`.\n\n"
            .to_owned();
    let mut pages = Vec::new();
    for of in Orchestrator::ALL {
        let finished = Run::new(["explain", of.name(), "--markdown"]).run();
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        let title = finished.stdout.lines().nth(2).unwrap_or_default();
        let name = of.name();
        index.extend(["- [", name, "](", name, ".md): ", title, "\n"]);
        pages.push((format!("{}.md", of.name()), finished.stdout));
    }
    pages.push(("README.md".to_owned(), index));
    for (name, page) in pages {
        let path = folder.join(&name);
        if bless {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &page).unwrap();
        }
        let stored = fs::read_to_string(&path).unwrap_or_default();
        assert!(stored == page, "{name} is stale (ROLLCAST_BLESS=1 writes it)");
    }
}

#[test]
fn every_lint_is_listed() {
    let finished = Run::new(["explain", "lints", "--markdown"]).run();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/lints.md");
    if std::env::var_os("ROLLCAST_BLESS").is_some() {
        fs::write(&path, &finished.stdout).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == finished.stdout, "docs/lints.md is stale (ROLLCAST_BLESS=1 writes it)");
}
