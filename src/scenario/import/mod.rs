//! Scenarios from what already exists: manifests of orchestrators.
//!
//! An import reads what a manifest says, marks what it had to make up, lists what it left out,
//! and never refuses a file for a key that does not matter.

mod ansible;
mod codedeploy;
mod compose;
mod detect;
mod ecs;
mod fields;
pub mod kubernetes;
mod locate;
mod nomad;
mod parts;
#[cfg(test)]
mod tests;
mod text;
mod toml_text;

use std::fmt::Write;

use detect::Found;
use toml_text::TomlText;

/// What the user says beside the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options<'a> {
    /// Which service, workload or group; `None`: the first, or the only one.
    pub name: Option<&'a str>,
    /// How many instances there are, where the file does not say or says something else.
    pub instances: Option<u32>,
}

/// Imports whatever `text` is: Kubernetes objects, a Compose file, a Nomad job, an ECS service,
/// an Ansible play or a `CodeDeploy` configuration. The content decides, not the file's name.
///
/// # Errors
/// If the text is broken or is none of these, if several services are in it and none is named,
/// or if a value that matters is one that the orchestrator itself would refuse. Complaints carry
/// line and column wherever they can be told.
pub fn import(text: &str, file: &str, options: Options<'_>) -> Result<Imported, ImportError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if options.instances == Some(0) {
        return Err(ImportError::new("there is nothing to roll with 0 instances")
            .hint("write what runs in production, such as -n 12"));
    }
    let imported = match detect::find(text, file)? {
        Found::Kubernetes => kubernetes::import_with(text, file, options),
        Found::Compose(root) => compose::import(&root, file, options),
        Found::Nomad(root) => nomad::import(root, file, options),
        Found::Ecs(root) => ecs::import(&root, file, options),
        Found::Ansible(root) => ansible::import(&root, file, options),
        Found::CodeDeploy(root) => codedeploy::import(&root, file, options),
    };
    imported.map_err(|error| error.find_in(text))
}

/// A scenario made from a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The scenario, commented; valid as it is, without traffic.
    pub toml: String,
    /// What was read and from where, one object each.
    pub read: Vec<String>,
    /// Values nobody wrote: `key value (why)`.
    pub assumed: Vec<String>,
    /// What has no influence here, or is not modelled.
    pub ignored: Vec<String>,
    /// Other workloads in the same file that could be imported by their names.
    pub others: Vec<String>,
    /// The file that was read.
    file: String,
    /// Line of the scenario on which each assumed value stands.
    assumed_at: Vec<usize>,
}

/// Why a manifest cannot become a scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ImportError {
    /// What is wrong: a full clause without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Line in the manifest, from 1.
    pub line: Option<u64>,
    /// Column in the manifest, from 1.
    pub column: Option<u64>,
    /// The key it is about, from the outermost table on.
    path: Vec<String>,
    /// Kind and name of the object in which the key is, where a file has many.
    within: Option<Box<(String, String)>>,
}

impl ImportError {
    fn new(message: impl Into<String>) -> Self {
        let message = message.into();
        Self { message, hint: None, line: None, column: None, path: Vec::new(), within: None }
    }

    /// It is about this key.
    fn at(mut self, path: Vec<String>) -> Self {
        self.path = path;
        self
    }

    /// The key is in this object.
    fn within(mut self, kind: &str, name: &str) -> Self {
        self.within = Some(Box::new((kind.to_owned(), name.to_owned())));
        self
    }

    /// Fills in where the key stands.
    fn find_in(mut self, text: &str) -> Self {
        if self.line.is_some() || self.path.is_empty() {
            return self;
        }
        let found = match &self.within {
            Some(object) => locate::locate_within(text, &object.0, &object.1, &self.path),
            None => locate::locate(text, &self.path),
        };
        if let Some((line, column)) = found {
            (self.line, self.column) = (Some(line), Some(column));
        }
        self
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl Imported {
    fn new(out: TomlText, file: &str, read: Vec<String>, ignored: Vec<String>) -> Self {
        let (toml, assumed, assumed_at) = out.finish();
        let (others, file) = (Vec::new(), file.to_owned());
        Self { toml, read, assumed, ignored, others, file, assumed_at }
    }

    /// What to tell the user once the scenario was written to `out`.
    pub fn report(&self, out: &str) -> String {
        let mut text = self.lists_for(Some(out));
        block(&mut text, "wrote", &[format!("{out}.  Next: rollcast sim {out}")]);
        text
    }

    /// What to tell the user whose scenario went to standard output.
    pub fn lists(&self) -> String {
        self.lists_for(None)
    }

    fn lists_for(&self, out: Option<&str>) -> String {
        let mut text = String::new();
        block(&mut text, "read", &self.read);
        let place = |line: &usize| match out {
            Some(out) => format!("  {out}:{line}"),
            None => format!("  line {line}"),
        };
        let assumed = self.assumed.iter().zip(&self.assumed_at);
        let assumed: Vec<String> =
            assumed.map(|(value, line)| format!("{value}{}", place(line))).collect();
        block(&mut text, "assumed", &assumed);
        block(&mut text, "ignored", &self.ignored);
        let others = self.others.iter().map(|name| {
            let short = name.rsplit('/').next().unwrap_or(name);
            let short = if short.contains(' ') { format!("\"{short}\"") } else { short.to_owned() };
            format!("{name}: rollcast import {} --name {short}", self.file)
        });
        block(&mut text, "others", &others.collect::<Vec<_>>());
        text
    }
}

fn block(text: &mut String, title: &str, lines: &[String]) {
    for (i, line) in lines.iter().enumerate() {
        let title = if i == 0 { title } else { "" };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{title:<9} {line}");
    }
}
