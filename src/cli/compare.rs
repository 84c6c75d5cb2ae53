//! `rollcast compare`: several rollouts side by side.

use std::path::Path;

use anyhow::bail;

use super::args::{Changes, Compare};
use super::exit::Exit;
use super::progress::Bar;
use super::{input, output, terminal};
use crate::report::chart;
use crate::report::compare::{Row, render_csv, render_text};
use crate::scenario::Scenario;
use crate::scenario::diagnostic::{Format, render};
use crate::scenario::settings::Orchestrator;
use crate::study;

pub(super) fn run(compare: &Compare) -> anyhow::Result<Exit> {
    for path in &compare.output {
        if !["svg", "png", "csv"].contains(&output::suffix(path).as_str()) {
            bail!("-o {}: the suffix must be svg, png or csv", path.display());
        }
        if path.exists() && !compare.force {
            bail!("-o {}: there is a file already; --force replaces it", path.display());
        }
    }
    let Some(scenarios) = scenarios(compare)? else { return Ok(Exit::BadScenario) };
    if scenarios.len() < 2 {
        bail!("one rollout has nothing beside it: name a second file, or --strategies all");
    }
    let options = study::Options {
        seed: compare.luck.seed,
        runs: study::Runs::Fixed(compare.runs),
        max_runs: compare.runs,
        threads: compare.luck.threads,
    };
    let bar = Bar::new(false);
    let rows: Vec<Row> = scenarios
        .into_iter()
        .map(|(name, scenario)| {
            let result = study::simulate(&scenario, &options, &|progress| bar.show(progress));
            Row { name, result }
        })
        .collect();
    bar.clear();
    terminal::out(&render_text(&rows))?;
    let title = title(compare, &rows);
    for path in &compare.output {
        let bytes = match output::suffix(path).as_str() {
            "svg" => chart::svg_of_comparison(&title, &rows).into_bytes(),
            "png" => chart::png_of_comparison(&title, &rows)?,
            _ => render_csv(&rows).into_bytes(),
        };
        output::write(path, &bytes)?;
    }
    Ok(Exit::Done)
}

fn title(compare: &Compare, rows: &[Row]) -> String {
    let service = rows.first().map_or("", |row| &row.result.scenario.service.name);
    if compare.strategies.is_empty() {
        "Rollouts side by side".to_owned()
    } else {
        format!("{service}: one rollout, {} orchestrators", rows.len())
    }
}

/// What is compared, by name; `None` after complaints.
fn scenarios(compare: &Compare) -> anyhow::Result<Option<Vec<(String, Scenario)>>> {
    let all = Orchestrator::ALL.iter().map(|of| of.name());
    let strategies: Vec<&str> = if compare.strategies.iter().any(|name| name == "all") {
        all.collect()
    } else {
        compare.strategies.iter().map(String::as_str).collect()
    };
    let mut found = Vec::new();
    for file in &compare.files {
        let own = vec![None];
        let each = strategies.iter().map(|name| Some((*name).to_owned())).collect::<Vec<_>>();
        for strategy in if each.is_empty() { own } else { each } {
            let name = name(compare, file, strategy.as_deref());
            let changes = Changes { set: compare.set.clone(), strategy, ..Changes::default() };
            let mut checked = input::scenario(Some(file), &changes)?;
            input::allow_stuck(&mut checked.diagnostics);
            let errors = checked.errors();
            match checked.scenario {
                Some(scenario) if errors == 0 => found.push((name, scenario)),
                _ => {
                    let text = render(&checked.diagnostics, &checked.source, Format::Human);
                    terminal::error_line(&text);
                    return Ok(None);
                }
            }
        }
    }
    Ok(Some(found))
}

fn name(compare: &Compare, file: &Path, strategy: Option<&str>) -> String {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("-");
    match strategy {
        Some(strategy) if compare.files.len() == 1 => strategy.to_owned(),
        Some(strategy) => format!("{stem} {strategy}"),
        None => stem.to_owned(),
    }
}
