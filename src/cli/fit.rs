//! `rollcast fit`.

use anyhow::bail;

use super::args::Fit;
use super::exit::Exit;
use super::{input, output, terminal};
use crate::report;
use crate::study::fit::{self, Options, Quantity};

pub(super) fn run(args: &Fit) -> anyhow::Result<Exit> {
    let mut files = Vec::new();
    for path in &args.files {
        let name = if path.as_os_str() == "-" {
            "standard input".to_owned()
        } else {
            path.display().to_string()
        };
        files.push((name, input::read(path)?));
    }
    let options =
        Options { workload: args.workload.clone(), resamples: args.resamples, seed: args.seed };
    let report = fit::fit(&files, &options)?;
    if let Some(path) = &args.output {
        let path_text = path.display();
        if path.extension().is_none_or(|suffix| suffix != "toml") {
            bail!("-o {path_text}: the suffix must be toml");
        }
        if !args.force && !output::is_ours(path, report::fit::MARK) {
            bail!("-o {path_text}: there is a file that fit did not write; --force replaces it");
        }
        let toml = report::fit::toml(&report, args.complete);
        output::write(path, toml.as_bytes())?;
        terminal::error_line(&format!("wrote     {path_text}"));
    }
    if args.json {
        terminal::out(&report::fit::json(&report))?;
    } else {
        terminal::out(&report::fit::text(&report))?;
        if args.output.is_none() {
            terminal::out(&format!("\n{}", report::fit::toml(&report, args.complete)))?;
        }
    }
    if report.chosen(Quantity::Start).is_none() {
        bail!(
            "too few pods were seen becoming ready for a start time; record a rollout with \
             `kubectl get pods -w --output-watch-events -o json`, or give several files"
        );
    }
    Ok(Exit::Done)
}
