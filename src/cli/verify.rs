//! `rollcast verify`.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::args::{Verify, VerifyInputs};
use super::exit::Exit;
use super::output::{self, PNG, SVG};
use super::terminal;
use crate::report;
use crate::study::verify::{self, Inputs, Options, Report};

/// What goes into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Svg,
    Png,
}

pub(super) fn run(args: &Verify, ascii: bool) -> anyhow::Result<Exit> {
    let outputs = plan(&args.output)?;
    let options = Options {
        inputs: match args.inputs {
            VerifyInputs::Observed => Inputs::Observed,
            VerifyInputs::Spec => Inputs::Spec,
        },
        runs: args.runs,
        seed: args.luck.seed,
        threads: args.luck.threads,
    };
    let report = verify::verify(&args.traces, args.against.as_deref(), options);
    for one in &report.unusable {
        terminal::error_line(&format!("error: {one}"));
    }
    for (path, kind) in &outputs {
        write(path, *kind, &report, args.force)?;
    }
    if args.json {
        terminal::out(&report::verify::json::render(&report))?;
    } else {
        terminal::out(&report::verify::text(&report, ascii, terminal::width()))?;
    }
    Ok(if report.unusable.is_empty() { Exit::Done } else { Exit::CouldNot })
}

fn plan(paths: &[PathBuf]) -> anyhow::Result<Vec<(&Path, Kind)>> {
    let kind = |path: &PathBuf| match output::suffix(path).as_str() {
        "json" => Ok(Kind::Json),
        "svg" => Ok(Kind::Svg),
        "png" => Ok(Kind::Png),
        _ => bail!("-o {}: the suffix must be json, svg or png", path.display()),
    };
    paths.iter().map(|path| Ok((path.as_path(), kind(path)?))).collect()
}

fn write(path: &Path, kind: Kind, report: &Report, force: bool) -> anyhow::Result<()> {
    let put = |path: &Path, mark: &str, bytes: &[u8]| {
        if !force && !output::is_ours(path, mark) {
            let path = path.display();
            bail!("-o {path}: there is a file that rollcast did not write; --force replaces it");
        }
        output::write(path, bytes)
    };
    if kind == Kind::Json {
        let text = report::verify::json::render(report);
        return put(path, report::verify::json::SCHEMA, text.as_bytes());
    }
    let name = path.to_string_lossy();
    if report.verdicts.len() > 1 && !name.contains("{}") {
        let count = report.verdicts.len();
        bail!(
            "-o {name}: a chart shows one recording and there are {count}; put {{}} into the name \
             for a file each"
        );
    }
    for verdict in &report.verdicts {
        let path = PathBuf::from(name.replace("{}", &verdict.id));
        let runs = report.options.runs;
        if kind == Kind::Svg {
            put(&path, SVG, report::chart::svg_of_verdict(verdict, runs).as_bytes())?;
        } else {
            put(&path, PNG, &report::chart::png_of_verdict(verdict, runs)?)?;
        }
    }
    Ok(())
}
