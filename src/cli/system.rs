//! `rollcast sim` and `check` of a system file: several services rolled out in order.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::args::{Args, Sim};
use super::exit::Exit;
use super::{input, output, terminal};
use crate::report::{self, chart};
use crate::scenario::diagnostic::{Format, render};
use crate::scenario::system::{System, is_system, load};
use crate::study;

/// A system file.
pub(super) struct File {
    name: String,
    text: String,
    base: PathBuf,
}

/// The file, if it is one of a system. Standard input is not: services are looked for beside it.
pub(super) fn file_of(file: Option<&Path>) -> anyhow::Result<Option<File>> {
    let Some(file) = file.filter(|file| *file != Path::new("-")) else { return Ok(None) };
    let text = input::read(file)?;
    let base = file.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    Ok(is_system(&text).then(|| File { name: file.display().to_string(), text, base }))
}

/// Complaints of a system file; whether there are none.
pub(super) fn check(file: &File, format: Format) -> anyhow::Result<bool> {
    match load(&file.text, &file.name, &file.base) {
        Ok(system) => {
            if format == Format::Human {
                let many = system.services.len();
                terminal::out(&format!("{}: ok, {many} services\n", file.name))?;
            }
            Ok(true)
        }
        Err(error) => {
            terminal::out(&render(&error.diagnostics, &error.source_text, format))?;
            Ok(false)
        }
    }
}

/// Plays a system.
pub(super) fn run(file: &File, sim: &Sim, args: &Args) -> anyhow::Result<Exit> {
    for path in &sim.output {
        let mark = match output::suffix(path).as_str() {
            "json" => report::system::SCHEMA,
            "svg" => output::SVG,
            "png" => output::PNG,
            _ => bail!("-o {}: of a system, the suffix must be json, svg or png", path.display()),
        };
        if !sim.force && !output::is_ours(path, mark) {
            let path = path.display();
            bail!("-o {path}: there is a file that rollcast did not write; --force replaces it");
        }
    }
    if !input::overrides(&sim.changes, false).is_empty() || sim.exact || sim.print_scenario {
        bail!("{} is a system: change the scenarios of its services instead", file.name);
    }
    let Some(system) = checked(file) else { return Ok(Exit::BadScenario) };
    let options = super::sim::options(sim);
    let result = study::system::simulate(&system, &options);
    let title = Path::new(&file.name).file_stem().and_then(|s| s.to_str()).unwrap_or("system");
    let style = report::Style {
        width: terminal::width(),
        ascii: terminal::ascii(args.ascii),
        color: terminal::color(args.color),
    };
    if sim.json {
        terminal::out(&report::system::render(&result))?;
    } else if sim.quiet {
        terminal::out(&report::system::verdict_line(&result))?;
    } else {
        terminal::out(&report::system::text(title, &result, &style))?;
    }
    for path in &sim.output {
        let bytes = match output::suffix(path).as_str() {
            "json" => report::system::render(&result).into_bytes(),
            "svg" => chart::svg_of_system(title, &result).into_bytes(),
            _ => chart::png_of_system(title, &result)?,
        };
        output::write(path, &bytes)?;
    }
    Ok(exit(&result))
}

fn checked(file: &File) -> Option<System> {
    match load(&file.text, &file.name, &file.base) {
        Ok(system) => Some(system),
        Err(error) => {
            let text = render(&error.diagnostics, &error.source_text, Format::Human);
            terminal::error_line(&text);
            terminal::error_line(&format!("{}: not run", file.name));
            None
        }
    }
}

fn exit(result: &study::system::SystemResult) -> Exit {
    if result.duration.is_none() {
        Exit::Stuck
    } else if result.is_compatible() && result.has_capacity() {
        Exit::Done
    } else {
        Exit::GateFailed
    }
}
