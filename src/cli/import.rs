//! `rollcast import`: a scenario from a manifest.

use super::args::Import;
use super::exit::Exit;
use super::{input, output, terminal};
use crate::scenario::import::{self, ImportError, Options};

pub(super) fn run(import: &Import) -> anyhow::Result<Exit> {
    let text = input::read(&import.file)?;
    let name = import.file.display().to_string();
    let options = Options { name: import.name.as_deref(), instances: import.instances };
    let imported = match import::import(&text, &name, options) {
        Ok(imported) => imported,
        Err(error) => {
            refuse(&error, &name);
            return Ok(Exit::BadScenario);
        }
    };
    if let Some(path) = &import.output {
        output::write(path, imported.toml.as_bytes())?;
        let report = imported.report(&path.display().to_string());
        terminal::error_line(report.trim_end());
    } else {
        terminal::out(&imported.toml)?;
        terminal::error_line(imported.lists().trim_end());
    }
    Ok(Exit::Done)
}

/// What is wrong, where, and what to write instead.
fn refuse(error: &ImportError, name: &str) {
    let place = match (error.line, error.column) {
        (Some(line), Some(column)) => format!("{name}:{line}:{column}"),
        (Some(line), None) => format!("{name}:{line}"),
        (None, _) => name.to_owned(),
    };
    terminal::error_line(&format!("error: {}", error.message));
    terminal::error_line(&format!("  --> {place}"));
    if let Some(hint) = &error.hint {
        terminal::error_line(&format!("  = help: {hint}"));
    }
}
