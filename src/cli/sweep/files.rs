//! What a sweep reads and writes: answers, and what is finished while it is going on.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::ChartName;
use crate::cli::output::{self, PNG, SVG, is_ours, suffix};
use crate::report;
use crate::report::chart::{SweepKind, png_of_sweep, svg_of_sweep};
use crate::study::cell::Block;
use crate::study::sweep::checkpoint::Checkpoint;
use crate::study::sweep::{Head, Item, Keep, SweepResult, part};

/// A file to write.
#[derive(Debug)]
pub(super) struct Output {
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Csv,
    Markdown,
    Svg(SweepKind),
    Png(SweepKind),
}

/// What will be written. Only with `force` in the place of a file that is not rollcast's.
pub(super) fn plan(
    paths: &[PathBuf],
    chart: Option<ChartName>,
    force: bool,
) -> anyhow::Result<Vec<Output>> {
    let of = |path: &PathBuf| {
        let chart = chart.map_or_else(|| by_name(path), kind_of);
        let kind = match suffix(path).as_str() {
            "json" => Kind::Json,
            "csv" => Kind::Csv,
            "md" => Kind::Markdown,
            "svg" => Kind::Svg(chart),
            "png" => Kind::Png(chart),
            _ => bail!("-o {}: the suffix must be json, csv, md, svg or png", path.display()),
        };
        let mark = match kind {
            Kind::Json => report::sweep::SCHEMA,
            Kind::Csv => ",runs,runs_requests,verdict,taken,pareto",
            Kind::Markdown => " runs each",
            Kind::Svg(_) => SVG,
            Kind::Png(_) => PNG,
        };
        may_be_written(path, mark, force)?;
        Ok(Output { path: path.clone(), kind })
    };
    paths.iter().map(of).collect()
}

/// Checks where the part of a shard goes.
pub(super) fn plan_part(paths: &[PathBuf], force: bool) -> anyhow::Result<()> {
    match paths {
        [path] if suffix(path) == "json" => may_be_written(path, part::SCHEMA, force),
        [path] => bail!("-o {}: the part of a shard is JSON", path.display()),
        _ => bail!("a shard writes its part into one file: --shard 3/16 -o part3.json"),
    }
}

fn may_be_written(path: &Path, mark: &str, force: bool) -> anyhow::Result<()> {
    if !force && !is_ours(path, mark) {
        let path = path.display();
        bail!("-o {path}: there is a file that rollcast did not write; --force replaces it");
    }
    Ok(())
}

/// `checkout-map.svg` is the map; without a name it is the trade-off.
fn by_name(path: &Path) -> SweepKind {
    let name = path.file_stem().and_then(|s| s.to_str()).unwrap_or("").to_lowercase();
    let named = [("map", SweepKind::Map), ("multiples", SweepKind::Multiples)];
    let found = named.iter().find(|(word, _)| name.contains(word));
    found.map_or(SweepKind::Tradeoff, |(_, kind)| *kind)
}

fn kind_of(chart: ChartName) -> SweepKind {
    match chart {
        ChartName::Tradeoff => SweepKind::Tradeoff,
        ChartName::Map => SweepKind::Map,
        ChartName::Multiples => SweepKind::Multiples,
    }
}

impl Output {
    pub(super) fn write(&self, result: &SweepResult) -> anyhow::Result<()> {
        let bytes = match self.kind {
            Kind::Json => report::sweep::render_json(result).into_bytes(),
            Kind::Csv => report::sweep::render_csv(result).into_bytes(),
            Kind::Markdown => report::sweep::render_markdown(result).into_bytes(),
            Kind::Svg(kind) => svg_of_sweep(kind, result).into_bytes(),
            Kind::Png(kind) => png_of_sweep(kind, result)?,
        };
        output::write_whole(&self.path, &bytes)
    }
}

/// Where finished blocks are while the rest is played: in the file that was asked for, else in
/// one that goes away at the end.
pub(super) struct Kept {
    file: Option<Checkpoint>,
    asked: bool,
}

impl Kept {
    /// Opens it; hands what is there to `found`.
    pub(super) fn open(
        asked: Option<&Path>,
        head: &Head,
        found: impl FnMut(Item, Block),
    ) -> anyhow::Result<Self> {
        if let Some(path) = asked {
            let file = Checkpoint::resume(path, head, found)?;
            return Ok(Self { file: Some(file), asked: true });
        }
        let name = format!("rollcast-{}-{}.sweep", head.study, std::process::id());
        // Without room for temporary files it goes without.
        let file = Checkpoint::create(&std::env::temp_dir().join(name), head).ok();
        Ok(Self { file, asked: false })
    }

    /// Who takes blocks.
    pub(super) fn keep(&mut self) -> &mut dyn Keep {
        self
    }

    /// What to tell who interrupted it.
    pub(super) fn how_to_go_on(&self, head: &Head) -> anyhow::Result<String> {
        let Some(file) = &self.file else { return Ok("interrupted".to_owned()) };
        if self.asked {
            return Ok(format!("interrupted; to go on, run the same again:\n  {}", typed(None)));
        }
        let name: String = head.name.chars().filter(char::is_ascii_alphanumeric).collect();
        let path = PathBuf::from(format!("{name}-{}.sweep", &head.study[..8]));
        std::fs::copy(file.path(), &path)
            .with_context(|| format!("cannot keep what is finished in {}", path.display()))?;
        Ok(format!("interrupted; to go on:\n  {}", typed(Some(&path))))
    }
}

impl Keep for Kept {
    fn keep(&mut self, block: &crate::study::cell::BlockText) -> std::io::Result<()> {
        match &mut self.file {
            Some(file) => match file.keep(block) {
                Err(error) if self.asked => Err(error),
                // Nobody asked for it.
                _ => Ok(()),
            },
            None => Ok(()),
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(file) = self.file.take().filter(|_| !self.asked) {
            // A temporary file that stays is harmless.
            let _ = std::fs::remove_file(file.path());
        }
    }
}

/// What was typed, with a file to go on from.
fn typed(resume: Option<&Path>) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:%+@".contains(c);
    let quoted = |word: String| {
        if !word.is_empty() && word.chars().all(plain) {
            word
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    };
    let words = std::env::args().skip(1).map(quoted);
    let mut line = format!("rollcast {}", words.collect::<Vec<_>>().join(" "));
    if let Some(path) = resume {
        line.push_str(" --resume ");
        line.push_str(&quoted(path.display().to_string()));
    }
    line
}
