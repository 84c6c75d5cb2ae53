//! `rollcast tune`: the best of several settings under the gates.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args as ClapArgs;

use super::args::Luck;
use super::exit::Exit;
use super::progress::Bar;
use super::texts::TUNE_EXAMPLES;
use super::{input, output, terminal};
use crate::lint::lint;
use crate::report;
use crate::report::tune::Answer;
use crate::scenario::codes::Severity;
use crate::scenario::diagnostic::{Format, render};
use crate::scenario::{Override, Scenario};
use crate::stats::selection::Rule;
use crate::study::cell::{Base, Setting};
use crate::study::sweep::{Axis, Design, Goal};
use crate::study::tune::{Candidate, Cliff, Next, Plan, Tuned, Within, tune};
use crate::units::Share;

/// More settings than these are a slip, or want `--points`.
const MOST: usize = 5_000;

#[derive(Debug, ClapArgs)]
#[command(before_help = TUNE_EXAMPLES)]
pub(super) struct Tune {
    /// The scenario; `-` is standard input.
    pub(super) file: PathBuf,
    /// What to vary: KEY=1..6,12 or KEY=a,b,c or KEY=10s..60s:6pts. Several: all combinations.
    #[arg(long, required = true, value_name = "KEY=LIST")]
    pub(super) vary: Vec<String>,
    /// What is best: min or max of a mean, a quantile or a probability over runs.
    #[arg(long, default_value = "min p95(duration)", value_name = "GOAL")]
    pub(super) goal: String,
    /// What is weighed against it for the front.
    #[arg(long, default_value = "max p5(serving_min)", value_name = "GOAL")]
    pub(super) versus: String,
    /// A difference that does not matter: a share of the best value (2%), or a value (5s).
    #[arg(long, default_value = "2%", value_name = "SHARE|VALUE")]
    pub(super) within: String,
    /// With which probability the choice is right.
    #[arg(long, default_value = "95%", value_name = "SHARE")]
    pub(super) confidence: Share,
    /// Instead of all combinations, so many points that fill the space evenly.
    #[arg(long, value_name = "N")]
    pub(super) points: Option<u32>,
    /// How settings are left behind; without it their number decides.
    #[arg(long, value_parser = ["triangle", "race"])]
    pub(super) rule: Option<String>,
    /// No setting is given more runs than this.
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) max_runs: u32,
    #[command(flatten)]
    pub(super) luck: Luck,
    /// Set any key; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
    /// Add a gate; may be given several times.
    #[arg(long, value_name = "EXPR")]
    pub(super) gate: Vec<String>,
    /// Write a file; the kind by its suffix: json, csv, toml (the scenario), yaml or hcl (the
    /// patch of the manifest). May be given several times.
    #[arg(short, long = "output", value_name = "FILE")]
    pub(super) output: Vec<PathBuf>,
    /// Replace files that are there already.
    #[arg(short, long)]
    pub(super) force: bool,
    /// Print only JSON.
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) fn run(tune: &Tune) -> anyhow::Result<Exit> {
    for path in &tune.output {
        if !["json", "csv", "toml", "yaml", "yml", "hcl"].contains(&output::suffix(path).as_str()) {
            bail!("-o {}: the suffix must be json, csv, toml, yaml or hcl", path.display());
        }
        if path.exists() && !tune.force {
            bail!("-o {}: there is a file already; --force replaces it", path.display());
        }
    }
    let plan = plan(tune)?;
    let axes = tune.vary.iter().map(|text| Axis::read(text)).collect::<Result<Vec<_>, _>>();
    let axes = axes.map_err(|error| anyhow::anyhow!("--vary: {error}"))?;
    let design = tune.points.map_or(Design::Grid, Design::Lhs);
    let points = design.points(&axes, tune.luck.seed).map_err(anyhow::Error::msg)?;
    if points.len() > MOST {
        bail!("{} settings are more than {MOST}: try --points", points.len());
    }
    let keys: Vec<String> = axes.iter().map(|axis| axis.key.clone()).collect();
    let space = Space::new(tune, keys)?;
    // The scenario itself must be sound; a setting that is not is one that is not played.
    if let Err(text) = space.base.at(&[], "") {
        terminal::error_line(&render(&text.diagnostics, &text.written, Format::Human));
        return Ok(Exit::BadScenario);
    }
    let candidates: Vec<Candidate> = points
        .into_iter()
        .map(|values| Candidate { scenario: space.at(&values), values })
        .collect();
    if let Some(first) = candidates.iter().find_map(|of| of.scenario.as_ref().err())
        && candidates.iter().all(|of| of.scenario.is_err())
    {
        bail!("no setting can be played: {first}");
    }
    let bar = Bar::new(tune.json);
    let tuned = tune_with(&space, &candidates, &plan, &bar);
    let best = tuned.best.and_then(|best| candidates[best].scenario.as_ref().ok());
    let cliffs = best.map_or_else(Vec::new, |best| cliffs(&space, &axes, &tuned, best, tune));
    bar.clear();
    let name = space.name(&candidates);
    let answer = Answer { name: &name, plan: &plan, tuned: &tuned, best, cliffs: &cliffs };
    show(tune, &answer)?;
    Ok(match (tuned.best, tuned.certain) {
        (Some(_), true) => Exit::Done,
        (None, true) => Exit::GateFailed,
        (_, false) => Exit::Undecided,
    })
}

fn tune_with(space: &Space, candidates: &[Candidate], plan: &Plan, bar: &Bar) -> Tuned {
    tune(&space.keys, candidates, plan, &|done| {
        let done = u32::try_from(done).unwrap_or(u32::MAX);
        bar.show(crate::study::Progress { done, planned: done });
    })
}

fn show(tune: &Tune, answer: &Answer<'_>) -> anyhow::Result<()> {
    if tune.json {
        terminal::out(&report::tune::json(answer))?;
    } else {
        terminal::out(&report::tune::text(answer))?;
    }
    for path in &tune.output {
        let suffix = output::suffix(path);
        let text = match suffix.as_str() {
            "json" => Some(report::tune::json(answer)),
            "csv" => Some(report::tune::csv(answer)),
            "toml" => answer.best.map(crate::scenario::print::to_toml),
            _ => report::tune::patch_of(answer)
                .filter(|p| suffix.starts_with(&p.suffix[..1]))
                .map(|patch| patch.text),
        };
        match text {
            Some(text) => output::write(path, text.as_bytes())?,
            None => terminal::error_line(&format!(
                "{}: not written, there is no such thing to write",
                path.display()
            )),
        }
    }
    Ok(())
}

fn plan(tune: &Tune) -> anyhow::Result<Plan> {
    let goal = |flag: &str, text: &str| {
        Goal::read(text).map_err(|error| anyhow::anyhow!("--{flag}: {error}"))
    };
    let error = 1.0 - tune.confidence.0;
    if !(0.0005..0.5).contains(&error) {
        bail!("--confidence: write a share between 50% and 99.95%");
    }
    let goal = (goal("goal", &tune.goal)?, goal("versus", &tune.versus)?);
    Ok(Plan {
        within: within(&tune.within, &goal.0)?,
        goal: goal.0,
        versus: goal.1,
        error,
        rule: tune.rule.as_deref().map(|rule| match rule {
            "race" => Rule::Race,
            _ => Rule::Triangle,
        }),
        max_runs: tune.max_runs,
        seed: tune.luck.seed,
        threads: tune.luck.threads,
    })
}

/// `2%` is a share of the best value unless the goal itself is a share; then it is one of shares
/// all the same.
fn within(text: &str, goal: &Goal) -> anyhow::Result<Within> {
    let found = if let Ok(share) = text.parse::<Share>() {
        Within::Share(share.0)
    } else if let Ok(span) = text.parse::<crate::units::Span>() {
        if goal.unit() != crate::scenario::Unit::Seconds {
            bail!("--within {text}: {} is not in seconds", goal.expression());
        }
        Within::Absolute(span.as_secs_f64())
    } else {
        let number = text.parse::<f64>();
        Within::Absolute(number.map_err(|_| anyhow::anyhow!("--within: write 2%, 5s or 0.5"))?)
    };
    let (Within::Share(value) | Within::Absolute(value)) = found;
    if value.is_nan() || value <= 0.0 {
        bail!("--within {text}: it must be above nothing");
    }
    Ok(found)
}

/// The settings that may be made.
struct Space {
    base: Base,
    keys: Vec<String>,
}

impl Space {
    fn new(tune: &Tune, keys: Vec<String>) -> anyhow::Result<Self> {
        let changes = super::args::Changes {
            set: tune.set.clone(),
            gate: tune.gate.clone(),
            ..super::args::Changes::default()
        };
        let overrides: Vec<Override> = input::overrides(&changes, false);
        let base = Base {
            text: input::read(&tune.file)?,
            file: input::name(&tune.file),
            folder: tune.file.parent().map_or_else(PathBuf::new, Path::to_path_buf),
            overrides,
        };
        Ok(Self { base, keys })
    }

    fn name(&self, candidates: &[Candidate]) -> String {
        let scenario = candidates.iter().find_map(|of| of.scenario.as_ref().ok());
        scenario.map_or_else(|| self.base.file.clone(), |scenario| scenario.service.name.clone())
    }

    /// The scenario with these values, or why it is not worth playing.
    fn at(&self, values: &[String]) -> Result<Scenario, String> {
        let settings: Vec<Setting> = self
            .keys
            .iter()
            .zip(values)
            .map(|(key, value)| Setting { key: key.clone(), value: value.clone() })
            .collect();
        let loaded = self.base.at(&settings, "--vary").map_err(|error| {
            let first = error.diagnostics.iter().find(|d| d.severity == Severity::Error);
            first.map_or_else(|| "no scenario".to_owned(), |d| d.message.clone())
        })?;
        let findings = lint(&loaded.scenario);
        match findings.into_iter().find(|finding| finding.severity == Severity::Error) {
            Some(finding) => Err(finding.message),
            None => Ok(loaded.scenario),
        }
    }
}

/// Walks from the choice outward: along each key, and under more traffic.
fn cliffs(space: &Space, axes: &[Axis], tuned: &Tuned, best: &Scenario, tune: &Tune) -> Vec<Cliff> {
    let Some(chosen) = tuned.best.map(|best| &tuned.tried[best].values) else {
        return Vec::new();
    };
    if tuned.gates.is_empty() {
        return Vec::new();
    }
    let mut next = Vec::new();
    for (place, axis) in axes.iter().enumerate() {
        let values = axis.values().unwrap_or_default();
        let at = |value: &str| {
            let mut values = chosen.clone();
            value.clone_into(&mut values[place]);
            space.at(&values).ok()
        };
        next.extend(Next::along(&axis.key, &values, &chosen[place], &at));
    }
    next.extend(Next::traffic(best));
    next.iter().map(|next| Cliff::walk(next, tune.luck.seed, tune.luck.threads)).collect()
}
