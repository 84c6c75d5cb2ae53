//! From arguments to a study that can be played.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};

use super::{DesignName, RequestsName, Sweep};
use crate::cli::{input, terminal};
use crate::scenario::codes::Severity;
use crate::scenario::diagnostic::{Diagnostic, Format, render};
use crate::scenario::sweep::Swept;
use crate::scenario::{self, Scenario};
use crate::study::cell::{Base, Requests, Setting};
use crate::study::sweep::{Axis, Design, Goal, Plan, Study};

/// A setting with its scenario, or the reason why it is not played.
type Found = (Vec<String>, Result<Scenario, String>);

/// The study; `None` after complaints.
pub(super) fn build(sweep: &Sweep) -> anyhow::Result<Option<Study>> {
    let base = base(sweep)?;
    let said = said(sweep, &base)?;
    let read = |text: &String| Axis::read(text).map_err(|error| anyhow!("--vary {text}: {error}"));
    let axes = said.vary.iter().map(read).collect::<anyhow::Result<Vec<Axis>>>()?;
    for (place, axis) in axes.iter().enumerate() {
        if axis.key == "gates" {
            bail!("--vary gates: gates are the same for all settings; add some with --gate");
        }
        if axes[..place].iter().any(|other| other.key == axis.key) {
            bail!("--vary {}: it is varied already; write all values in one list", axis.key);
        }
    }
    let plan = plan(sweep, &said)?;
    let design = match sweep.design {
        DesignName::Grid => Design::Grid,
        DesignName::Lhs => Design::Lhs(sweep.points),
        DesignName::Sobol => Design::Sobol(sweep.points),
    };
    let points = design.points(&axes, plan.seed).map_err(|error| anyhow!("--vary: {error}"))?;
    let keys: Vec<String> = axes.into_iter().map(|axis| axis.key).collect();
    let Some((plain, settings)) = settings(sweep, &base, &keys, points)? else { return Ok(None) };
    check_goals(&plain, &plan)?;
    Ok(Some(Study::new(&plain, keys, settings, &plan)))
}

/// What the command line says, else the scenario.
fn said(sweep: &Sweep, base: &Base) -> anyhow::Result<Swept> {
    let mut said = scenario::sweep::read(&base.text);
    if !sweep.vary.is_empty() {
        said.vary.clone_from(&sweep.vary);
    }
    said.goal = sweep.goal.clone().or(said.goal);
    said.versus = sweep.versus.clone().or(said.versus);
    if said.vary.is_empty() {
        bail!("nothing varies: --vary strategy.generic.batch=1..6, or [sweep] in the scenario");
    }
    Ok(said)
}

fn plan(sweep: &Sweep, said: &Swept) -> anyhow::Result<Plan> {
    let goal = |flag, text: &Option<String>, default| {
        let text = text.as_deref().unwrap_or(default);
        Goal::read(text).map_err(|error| anyhow!("{flag}: {error}"))
    };
    Ok(Plan {
        seed: sweep.luck.seed,
        runs: sweep.runs,
        requests: match sweep.requests {
            RequestsName::Sample => Requests::sample(sweep.runs),
            RequestsName::All => Requests::All,
        },
        goal: goal("--goal", &said.goal, "min p95(duration)")?,
        versus: goal("--versus", &said.versus, "max p5(serving_min)")?,
    })
}

fn check_goals(scenario: &Scenario, plan: &Plan) -> anyhow::Result<()> {
    for goal in [&plan.goal, &plan.versus] {
        if goal.outcome.needs_traffic() && !scenario.has_requests() {
            bail!("{}: needs requests, and the scenario has no [traffic]", goal.text);
        }
    }
    Ok(())
}

fn base(sweep: &Sweep) -> anyhow::Result<Base> {
    let (text, file, folder) = match sweep.file.as_deref() {
        Some(file) => {
            let folder = file.parent().map_or_else(PathBuf::new, Path::to_path_buf);
            (input::read(file)?, input::name(file), folder)
        }
        None => ("rollcast = 1\n".to_owned(), "flags".to_owned(), PathBuf::new()),
    };
    let overrides = input::overrides(&sweep.changes, sweep.file.is_none());
    Ok(Base { text, file, folder, overrides })
}

/// The scenario without variation and every setting; `None` after complaints about mistakes.
/// A setting that can never end or keep its gates is no mistake: it belongs on the map.
fn settings(
    sweep: &Sweep,
    base: &Base,
    keys: &[String],
    points: Vec<Vec<String>>,
) -> anyhow::Result<Option<(Scenario, Vec<Found>)>> {
    let check = |values: &[String]| {
        let of = |(key, value): (&String, &String)| {
            let (key, value) = (key.clone(), value.clone());
            Setting { key, value }
        };
        let settings: Vec<Setting> = keys.iter().zip(values).map(of).collect();
        let overrides = base.overrides(&settings, "--vary");
        let mut checked = input::check(&base.text, &base.file, &base.folder, &overrides);
        if sweep.allow_stuck {
            input::allow_stuck(&mut checked.diagnostics);
        }
        checked
    };
    let mut found = Vec::new();
    for values in points {
        let checked = check(&values);
        let errors = || checked.diagnostics.iter().filter(|d| d.severity == Severity::Error);
        if errors().any(|error| !error.code.is_hopeless()) || checked.scenario.is_none() {
            let shown: Vec<Diagnostic> = errors().cloned().collect();
            terminal::error_line(&render(&shown, &checked.source, Format::Human));
            terminal::error_line(&format!("{}: not run", checked.source.file));
            return Ok(None);
        }
        let problem = errors().next().map(|e| format!("{}: {}", e.code.text(), e.message));
        let scenario = checked.scenario.ok_or_else(|| anyhow!("no scenario"))?;
        found.push((values, problem.map_or(Ok(scenario), Err)));
    }
    // Without the keys that are varied it may be no scenario at all: then the first setting's.
    let first = found.iter().find_map(|(_, scenario)| scenario.as_ref().ok());
    let plain = check(&[]).scenario.or(first.cloned());
    match plain {
        Some(plain) if first.is_some() => Ok(Some((plain, found))),
        _ => {
            let problem = found.iter().find_map(|(_, scenario)| scenario.as_ref().err());
            bail!(
                "no setting can be played: {}; --allow-stuck plays them all the same",
                problem.map_or("there is none", String::as_str)
            )
        }
    }
}
