//! `-o FILE`: the kind of file by its suffix.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::args::Chart;
use crate::report;
use crate::study::compare::Comparison;
use crate::study::{SimResult, Story};

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Output {
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Csv,
    Markdown,
    Svg(Picture),
    Png(Picture),
}

/// A chart of the median run, or of a failing one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Picture {
    chart: Chart,
    story: Option<usize>,
}

/// What will be written. Only with `force` in the place of a file that is not rollcast's.
pub(super) fn plan(
    paths: &[PathBuf],
    chart: Option<Chart>,
    force: bool,
) -> anyhow::Result<Vec<Output>> {
    let of = |path: &PathBuf| {
        let suffix = suffix(path);
        let chart =
            Picture { chart: chart.unwrap_or_else(|| by_name(path)), story: story_of(path) };
        let kind = match suffix.as_str() {
            "json" => Kind::Json,
            "csv" => Kind::Csv,
            "md" => Kind::Markdown,
            "svg" => Kind::Svg(chart),
            "png" => Kind::Png(chart),
            _ => bail!("-o {}: the suffix must be json, csv, md, svg or png", path.display()),
        };
        let output = Output { path: path.clone(), kind };
        if !force && !output.may_be_written() {
            let path = path.display();
            bail!("-o {path}: there is a file that rollcast did not write; --force replaces it");
        }
        Ok(output)
    };
    paths.iter().map(of).collect()
}

/// `checkout-slots.svg` is the chart of slots; without a name it is the one of capacity.
fn by_name(path: &Path) -> Chart {
    let name = path.file_stem().and_then(|s| s.to_str()).unwrap_or("").to_lowercase();
    let charts = [
        ("slots", Chart::Slots),
        ("story", Chart::Slots),
        ("duration", Chart::Duration),
        ("load", Chart::Load),
    ];
    let named = charts.iter().find(|(word, _)| name.contains(word));
    named.map_or(Chart::Capacity, |(_, chart)| *chart)
}

/// `checkout-story2.svg` is about the second failure story.
fn story_of(path: &Path) -> Option<usize> {
    let name = path.file_stem()?.to_str()?.to_lowercase();
    let digits = name.split("story").nth(1)?.trim_start_matches(['-', '_']);
    Some(digits.chars().next()?.to_digit(10)? as usize).filter(|number| *number > 0)
}

/// The run that a chart shows, and how its caption calls it.
fn shown(picture: Picture, result: &SimResult) -> anyhow::Result<(&Story, String)> {
    let Some(number) = picture.story else {
        return Ok((&result.median, "the median run".into()));
    };
    let there = result.stories.len();
    let Some(told) = result.stories.get(number - 1) else {
        bail!("there is no failure story {number}: there are {there}");
    };
    Ok((&told.story, format!("failure story {number}")))
}

fn chart_kind(chart: Chart) -> report::chart::Kind {
    match chart {
        Chart::Capacity => report::chart::Kind::Capacity,
        Chart::Slots => report::chart::Kind::Slots,
        Chart::Duration => report::chart::Kind::Duration,
        Chart::Load => report::chart::Kind::Load,
    }
}

impl Output {
    /// Whether the file that is there, if any, may be replaced: one that rollcast wrote.
    fn may_be_written(&self) -> bool {
        match self.kind {
            Kind::Json => is_ours(&self.path, report::json::SCHEMA),
            Kind::Csv => is_ours(&self.path, "run,requests_simulated,"),
            Kind::Markdown => is_ours(&self.path, "### "),
            Kind::Svg(_) => is_ours(&self.path, SVG),
            Kind::Png(_) => is_ours(&self.path, PNG),
        }
    }

    /// Writes it, making its folder if need be.
    pub(super) fn write(
        &self,
        result: &SimResult,
        compared: Option<(&str, &Comparison)>,
    ) -> anyhow::Result<()> {
        let bytes = match self.kind {
            Kind::Json => report::json::render(result).into_bytes(),
            Kind::Csv => report::table::render_csv(result).into_bytes(),
            Kind::Markdown => report::difference::render_summary(result, compared).into_bytes(),
            Kind::Svg(picture) => {
                let (story, name) = shown(picture, result)?;
                let kind = chart_kind(picture.chart);
                report::chart::svg_of_run(kind, result, story, &name).into_bytes()
            }
            Kind::Png(picture) => {
                let (story, name) = shown(picture, result)?;
                report::chart::png_of_run(chart_kind(picture.chart), result, story, &name)?
            }
        };
        write(&self.path, &bytes)
    }
}

/// What every SVG of ours begins with.
pub(super) const SVG: &str = "viewBox=\"0 0 1600 1000\"";
/// What every PNG of ours begins with: width 1600 and height 1000 in the header chunk.
pub(super) const PNG: &str = "\0\0\u{6}@\0\0\u{3}";

/// Whether a file may be replaced: there is none, or it is empty, or `mark` stands near its
/// beginning.
pub(super) fn is_ours(path: &Path, mark: &str) -> bool {
    let Ok(there) = std::fs::read(path) else { return true };
    there.is_empty() || there.windows(mark.len()).take(400).any(|w| w == mark.as_bytes())
}

/// What comes after the last dot of a file's name, in small letters.
pub(super) fn suffix(path: &Path) -> String {
    path.extension().and_then(|suffix| suffix.to_str()).unwrap_or("").to_lowercase()
}

/// Writes a file, making its folder if need be.
pub(super) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a file whole or not at all: beside its place first, then moved there.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("output");
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    write(&beside, bytes)?;
    std::fs::rename(&beside, path).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suffix_and_the_name_say_what_is_written() {
        let paths = ["a.json", "b.CSV", "x-slots.svg", "load.png", "c.svg"].map(PathBuf::from);
        let kinds: Vec<Kind> =
            plan(&paths, None, false).unwrap().into_iter().map(|output| output.kind).collect();
        let expected = [
            Kind::Json,
            Kind::Csv,
            Kind::Svg(Picture { chart: Chart::Slots, story: None }),
            Kind::Png(Picture { chart: Chart::Load, story: None }),
            Kind::Svg(Picture { chart: Chart::Capacity, story: None }),
        ];
        assert_eq!(kinds, expected);
        let asked = plan(&[PathBuf::from("slots.svg")], Some(Chart::Duration), false).unwrap();
        assert_eq!(asked[0].kind, Kind::Svg(Picture { chart: Chart::Duration, story: None }));
        let told = plan(&[PathBuf::from("x-story2.png")], None, false).unwrap();
        assert_eq!(told[0].kind, Kind::Png(Picture { chart: Chart::Slots, story: Some(2) }));
        assert!(plan(&[PathBuf::from("report.html")], None, false).is_err());
    }

    #[test]
    fn the_files_of_others_are_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("traffic.csv");
        std::fs::write(&path, "time,count\n0,1\n").unwrap();
        let paths = [path.clone()];
        assert!(plan(&paths, None, false).is_err());
        assert!(plan(&paths, None, true).is_ok());
        std::fs::write(&path, "run,requests_simulated,weight\n").unwrap();
        assert!(plan(&paths, None, false).is_ok(), "our own is made anew");
    }
}
