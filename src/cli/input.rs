//! From arguments to a checked scenario.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::args::Changes;
use crate::lint::{Finding, lint};
use crate::scenario::codes::Severity;
use crate::scenario::diagnostic::{Diagnostic, sort};
use crate::scenario::suggest::nearest;
use crate::scenario::{self, Loaded, Override, Scenario, Source};

/// A scenario with everything there is to complain about, or only the complaints.
pub(super) struct Checked {
    /// `None` if it cannot be made sense of.
    pub(super) scenario: Option<Scenario>,
    /// Complaints of the reader and of the lints, in file order.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Where they point.
    pub(super) source: Source,
}

impl Checked {
    /// How many are errors.
    pub(super) fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    /// How many are warnings.
    pub(super) fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    /// How many are so bad.
    pub(super) fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|d| d.severity == severity).count()
    }
}

/// The text of a file or of standard input (`-`).
pub(super) fn read(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(path).map_err(|error| {
        let shown = path.display();
        if error.kind() == std::io::ErrorKind::NotFound {
            let near = neighbour(path).map(|near| format!("; there is {}", near.display()));
            return anyhow::anyhow!("no such file: {shown}{}", near.unwrap_or_default());
        }
        anyhow::Error::new(error).context(format!("cannot read {shown}"))
    })
}

/// What is called so in messages.
pub(super) fn name(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

/// The text of a recorded file or of standard input (`-`), plain or gzip. What is not UTF-8 is
/// replaced: access logs hold anything.
pub(super) fn read_recorded(path: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes).context("cannot read standard input")?;
    } else {
        match std::fs::read(path) {
            Ok(there) => bytes = there,
            // It cannot, but it knows what to say.
            Err(_) => return read(path),
        }
    }
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        flate2::read::MultiGzDecoder::new(bytes.as_slice())
            .read_to_end(&mut plain)
            .with_context(|| format!("{} is a broken gzip file", name(path)))?;
        bytes = plain;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The file in the same folder whose name is nearest.
fn neighbour(path: &Path) -> Option<PathBuf> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let wanted = path.file_name()?.to_str()?.to_owned();
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    let near = nearest(&wanted, names.iter().map(String::as_str))?;
    Some(path.with_file_name(near))
}

/// The scenario of a file with changes, or of flags alone.
pub(super) fn scenario(file: Option<&Path>, changes: &Changes) -> anyhow::Result<Checked> {
    let (text, name, base) = match file {
        Some(file) => {
            let base = file.parent().map_or_else(PathBuf::new, Path::to_path_buf);
            (read(file)?, file.display().to_string(), base)
        }
        None => ("rollcast = 1\n".to_owned(), "flags".to_owned(), PathBuf::new()),
    };
    Ok(check(&text, &name, &base, &overrides(changes, file.is_none())))
}

/// Reads, checks and lints.
pub(super) fn check(text: &str, file: &str, base: &Path, overrides: &[Override]) -> Checked {
    match scenario::load(text, file, base, overrides) {
        Ok(Loaded { scenario, warnings, source }) => {
            let mut diagnostics = warnings;
            diagnostics.extend(lint(&scenario).into_iter().map(|f| diagnostic(f, &source)));
            sort(&mut diagnostics);
            Checked { scenario: Some(scenario), diagnostics, source }
        }
        Err(error) => {
            let (diagnostics, source) = (error.diagnostics, error.written);
            Checked { scenario: None, diagnostics, source }
        }
    }
}

/// A finding with the places of its keys. Keys that were not written are told in words.
fn diagnostic(finding: Finding, source: &Source) -> Diagnostic {
    let written = source.places.get(&finding.key).copied();
    let at = written.or_else(|| source.place(&finding.key));
    let mut diagnostic = match written {
        Some(_) => Diagnostic::new(finding.code, at, finding.message, finding.label),
        None => Diagnostic::new(finding.code, at, finding.message, "")
            .note(format!("{}: {}", finding.key, finding.label)),
    };
    diagnostic.severity = finding.severity;
    for (key, label) in finding.related {
        match source.places.get(&key).filter(|place| place.flag.is_none()) {
            Some(place) if at.is_some_and(|at| at.flag.is_none()) => {
                diagnostic.related.push((*place, label));
            }
            _ => diagnostic.notes.push(format!("{key}: {label}")),
        }
    }
    if let Some(help) = finding.help {
        diagnostic.notes.push(format!("help: {help}"));
    }
    diagnostic
}

/// Errors that only say that a run cannot end or pass become warnings.
pub(super) fn allow_stuck(diagnostics: &mut [Diagnostic]) {
    let hopeless = |d: &&mut Diagnostic| d.code.is_hopeless() && d.severity == Severity::Error;
    for diagnostic in diagnostics.iter_mut().filter(hopeless) {
        diagnostic.severity = Severity::Warning;
    }
}

/// The changes as overrides: shorthands first, then `--set`, then gates.
pub(super) fn overrides(changes: &Changes, alone: bool) -> Vec<Override> {
    let mut overrides = Vec::new();
    let mut put = |flag: String, key: &str, value: String, append: bool| {
        overrides.push(Override { flag, key: key.to_owned(), value, append });
    };
    let name = changes.strategy.as_deref().or(alone.then(|| implied(changes)));
    if let Some(name) = name {
        put(format!("--strategy {name}"), "strategy", format!("{{ {name} = {{}} }}"), false);
    }
    let shorthands: [(&str, &str, &Option<String>); 9] = [
        ("--instances", "service.instances", &changes.instances),
        ("--slots", "service.slots", &changes.slots),
        ("--rate", "traffic.rate", &changes.rate),
        ("--batch", "strategy.generic.batch", &changes.batch),
        ("--bake", "strategy.generic.bake", &changes.bake),
        ("--order", "strategy.generic.order", &changes.order),
        ("--max-surge", "strategy.kubernetes.max_surge", &changes.max_surge),
        ("--max-unavailable", "strategy.kubernetes.max_unavailable", &changes.max_unavailable),
        ("--prior", "release.bad", &changes.prior),
    ];
    for (flag, key, value) in shorthands {
        if let Some(value) = value {
            put(format!("{flag} {value}"), key, value.clone(), false);
        }
    }
    let times = [
        ("--start", "versions.old.start", &changes.start),
        ("--drain", "versions.old.exit", &changes.drain),
        ("--service-time", "versions.old.service_time", &changes.service_time),
    ];
    for (flag, key, value) in times {
        if let Some(value) = value {
            put(format!("{flag} {value}"), key, distribution(value), false);
        }
    }
    for set in &changes.set {
        let (key, value) = set.split_once('=').unwrap_or((set, ""));
        put(format!("--set {set}"), key.trim(), value.trim().to_owned(), false);
    }
    for gate in &changes.gate {
        put(format!("--gate '{gate}'"), "gates", quoted(gate), true);
    }
    overrides
}

/// The strategy of flags alone: Kubernetes if one of its words is used.
fn implied(changes: &Changes) -> &'static str {
    if changes.max_surge.is_some() || changes.max_unavailable.is_some() {
        "kubernetes"
    } else {
        "generic"
    }
}

/// On the command line `22s..41s` is short for p50 and p95.
fn distribution(text: &str) -> String {
    match text.split_once("..") {
        Some((p50, p95)) => {
            format!("{{ p50 = {}, p95 = {} }}", quoted(p50.trim()), quoted(p95.trim()))
        }
        None => text.to_owned(),
    }
}

/// A TOML string that cannot be taken for anything else.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
