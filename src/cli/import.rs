//! `rollcast import`: a scenario from a manifest.

use super::args::Import;
use super::exit::Exit;
use super::{input, output, terminal};
use crate::scenario::import::kubernetes;

pub(super) fn run(import: &Import) -> anyhow::Result<Exit> {
    let text = input::read(&import.file)?;
    let name = import.file.display().to_string();
    let imported = match kubernetes::import(&text, &name) {
        Ok(imported) => imported,
        Err(error) => {
            terminal::error_line(&format!("error: {name}: {error}"));
            return Ok(Exit::BadScenario);
        }
    };
    match &import.output {
        Some(path) => output::write(path, imported.toml.as_bytes())?,
        None => terminal::out(&imported.toml)?,
    }
    let lists =
        [("read", &imported.read), ("assumed", &imported.assumed), ("ignored", &imported.ignored)];
    for (title, lines) in lists {
        for (index, line) in lines.iter().enumerate() {
            let title = if index == 0 { title } else { "" };
            terminal::error_line(&format!("{title:<9} {line}"));
        }
    }
    if let Some(path) = &import.output {
        let path = path.display();
        terminal::error_line(&format!("wrote     {path}.  Next: rollcast sim {path}"));
    }
    Ok(Exit::Done)
}
