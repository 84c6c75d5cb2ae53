//! `rollcast fit`.

use std::path::Path;

use anyhow::{Context, bail};

use super::exit::Exit;
use super::measured::Fit;
use super::{input, output, terminal};
use crate::report;
use crate::scenario::recorded::ResponseOptions;
use crate::scenario::{edit, load};
use crate::study::fit::{self, Options, Report};

pub(super) fn run(args: &Fit) -> anyhow::Result<Exit> {
    let mut files = Vec::new();
    for path in &args.files {
        files.push((input::name(path), input::read_recorded(path)?));
    }
    let response = ResponseOptions { field: args.field.clone(), unit: args.unit.clone() };
    let options = Options {
        workload: args.workload.clone(),
        resamples: args.resamples,
        seed: args.seed,
        response,
    };
    let report = fit::fit(&files, &options)?;
    if let Some(path) = &args.output {
        write(path, &report, args)?;
    }
    if let Some(path) = &args.into {
        put_into(path, &report)?;
    }
    if args.json {
        terminal::out(&report::fit::json(&report))?;
    } else {
        terminal::out(&report::fit::text(&report))?;
        if args.output.is_none() && args.into.is_none() {
            terminal::out(&format!("\n{}", report::fit::toml(&report, args.complete)))?;
        }
    }
    if !report.has_found() {
        bail!(
            "too few instances were seen becoming ready for a start time; record a rollout with \
             `kubectl get pods -w --output-watch-events -o json` or `docker events --format \
             '{{{{json .}}}}'`, or give several files"
        );
    }
    Ok(Exit::Done)
}

fn write(path: &Path, report: &Report, args: &Fit) -> anyhow::Result<()> {
    let shown = path.display();
    if path.extension().is_none_or(|suffix| suffix != "toml") {
        bail!("-o {shown}: the suffix must be toml");
    }
    if args.complete && report.recorder.is_none() {
        bail!("--complete: access logs do not say what starts; use --into SCENARIO");
    }
    if !args.force && !output::is_ours(path, report::fit::MARK) {
        bail!("-o {shown}: there is a file that fit did not write; --force replaces it");
    }
    let toml = report::fit::toml(report, args.complete);
    output::write(path, toml.as_bytes())?;
    terminal::error_line(&format!("wrote     {shown}"));
    Ok(())
}

/// Puts what was fitted into a scenario that is there; what else stands in it stays.
fn put_into(path: &Path, report: &Report) -> anyhow::Result<()> {
    let shown = path.display();
    let text = input::read(path)?;
    let base = path.parent().unwrap_or(Path::new(""));
    let name = path.display().to_string();
    // A scenario that is wrong already would be blamed on what is put into it.
    let checked = |text: &str, when: &str| {
        load(text, &name, base, &[]).map_err(|error| {
            let problems: Vec<&str> =
                error.diagnostics.iter().map(|problem| problem.message.as_str()).collect();
            anyhow::anyhow!("--into {shown}: {when}: {}", problems.join("; "))
        })
    };
    let before = checked(&text, "the scenario is not sound (see rollcast check)")?;
    let changes = report::fit::changes(report);
    let after = edit::apply(&text, &changes).with_context(|| format!("--into {shown}"))?;
    checked(&after, "with the fitted values the scenario would not be sound; nothing is written")?;
    output::write(path, after.as_bytes())?;
    for change in &changes {
        let key = format!("{}.{}", change.table, change.key);
        let verb = if before.source.places.contains_key(&key) { "replaced" } else { "added   " };
        terminal::error_line(&format!("{verb}  {key} in {shown}"));
        if before.scenario.assumed.iter().any(|assumed| assumed.key == key) {
            terminal::error_line(&format!("note      [assumed] still holds {key}"));
        }
    }
    for key in ["start", "exit"] {
        let new = format!("versions.new.{key}");
        let changed = changes.iter().any(|c| c.table == "versions.new" && c.key == key);
        if before.source.places.contains_key(&new) && !changed {
            terminal::error_line(&format!("note      {new} stays as it is: it was not fitted"));
        }
    }
    Ok(())
}
