//! `rollcast compare`: several rollouts side by side.

use std::path::Path;

use anyhow::bail;

use super::args::{Changes, Compare, Sim};
use super::exit::Exit;
use super::progress::Bar;
use super::{input, output, terminal};
use crate::report::compare::{Row, render_csv, render_text};
use crate::report::{chart, difference, format};
use crate::scenario::Scenario;
use crate::scenario::diagnostic::{Format, render};
use crate::scenario::settings::Orchestrator;
use crate::study::compare::Comparison;
use crate::study::{self, SimResult};

pub(super) fn run(compare: &Compare) -> anyhow::Result<Exit> {
    for path in &compare.output {
        if !["svg", "png", "csv", "md"].contains(&output::suffix(path).as_str()) {
            bail!("-o {}: the suffix must be svg, png, csv or md", path.display());
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
    let compared = against_first(&rows, compare.noise.0);
    // One beside the first is a question; many are a survey.
    if let [(names, compared)] = &compared[..] {
        let text = difference::render_text((&names.0, &names.1), compared);
        terminal::out(&format!("\n{text}"))?;
    }
    let title = title(compare, &rows);
    for path in &compare.output {
        let bytes = match output::suffix(path).as_str() {
            "svg" => chart::svg_of_comparison(&title, &rows).into_bytes(),
            "png" => chart::png_of_comparison(&title, &rows)?,
            "md" => markdown(&title, &compared).into_bytes(),
            _ => render_csv(&rows).into_bytes(),
        };
        output::write(path, &bytes)?;
    }
    let worse = compared.iter().any(|(_, compared)| compared.is_regression());
    Ok(if worse && compare.fail_on.is_some() { Exit::GateFailed } else { Exit::Done })
}

/// Two names, and what the second differs in from the first.
type Compared = ((String, String), Comparison);

fn against_first(rows: &[Row], noise: f64) -> Vec<Compared> {
    let Some((first, others)) = rows.split_first() else { return Vec::new() };
    let of = |other: &Row| {
        let names = (first.name.clone(), other.name.clone());
        (names, Comparison::new(&first.result, &other.result, noise))
    };
    others.iter().map(of).collect()
}

fn markdown(title: &str, compared: &[Compared]) -> String {
    let mut text = format!("### {title}\n");
    for (names, compared) in compared {
        text.push('\n');
        text.push_str(&difference::render_markdown((&names.0, &names.1), compared));
    }
    format::capped(&text)
}

/// The scenario of `sim --compare BASE` under the same flags and luck; `None` after complaints.
pub(super) fn with_base(
    base: &Path,
    sim: &Sim,
    result: &SimResult,
) -> anyhow::Result<Option<(String, Comparison)>> {
    let mut checked = input::scenario(Some(base), &sim.changes)?;
    input::allow_stuck(&mut checked.diagnostics);
    let scenario = match checked.scenario {
        Some(ref scenario) if checked.errors() == 0 => scenario,
        _ => {
            let text = render(&checked.diagnostics, &checked.source, Format::Human);
            terminal::error_line(&text);
            return Ok(None);
        }
    };
    let options = study::Options {
        runs: study::Runs::Fixed(result.runs_control),
        ..super::sim::options(sim)
    };
    let beside = study::simulate(scenario, &options, &|_| {});
    let name = base.file_stem().and_then(|stem| stem.to_str()).unwrap_or("base").to_owned();
    Ok(Some((name, Comparison::new(&beside, result, 0.0))))
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
