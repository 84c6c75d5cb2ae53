//! `rollcast sim`: the rollout, many times.

use super::args::{Args, Runs, Sim, Undecided};
use super::exit::Exit;
use super::progress::Bar;
use super::{assumed, check, compare, input, output, system, terminal};
use crate::outcome::Fate;
use crate::scenario::codes::Severity;
use crate::scenario::diagnostic::{Format, render};
use crate::scenario::{Scenario, Source, print};
use crate::stats::Verdict;
use crate::study::SimResult;
use crate::{report, study};

pub(super) fn run(sim: &Sim, args: &Args) -> anyhow::Result<Exit> {
    if let Some(file) = system::file_of(sim.file.as_deref())? {
        return system::run(&file, sim, args);
    }
    // Names of output files are checked before minutes are spent on their contents.
    let outputs = output::plan(&sim.output, sim.chart, sim.force)?;
    let Some((scenario, source)) = checked(sim)? else { return Ok(Exit::BadScenario) };
    if sim.print_scenario {
        terminal::out(&print::to_toml(&scenario))?;
        return Ok(Exit::Done);
    }
    if sim.exact {
        return super::exact::run(&scenario, sim.json);
    }
    if let Some(event) = &sim.rare {
        return super::rare::run(&scenario, event, sim);
    }
    let options = options(sim);
    let bar = Bar::new(sim.quiet || sim.json);
    let result = study::simulate(&scenario, &options, &|progress| bar.show(progress));
    let result = assumed::weigh(result, sim, &source);
    let compared = match &sim.compare {
        None => None,
        Some(base) => match compare::with_base(base, sim, &result)? {
            None => return Ok(Exit::BadScenario),
            compared => compared,
        },
    };
    bar.clear();
    show(sim, args, &result)?;
    let compared = compared.as_ref().map(|(name, compared)| (name.as_str(), compared));
    if let Some((name, compared)) = compared.filter(|_| !sim.json && !sim.quiet) {
        let text = report::difference::render_text((name, "this"), compared);
        terminal::out(&format!("\n{text}"))?;
    }
    for output in &outputs {
        output.write(&result, compared)?;
    }
    Ok(exit(&result, sim.undecided))
}

/// How a study of rollouts is to be run.
pub(super) fn options(sim: &Sim) -> study::Options {
    study::Options {
        seed: sim.luck.seed,
        runs: match sim.runs {
            Runs::Auto => study::Runs::Auto,
            Runs::Fixed(runs) => study::Runs::Fixed(runs),
        },
        max_runs: sim.max_runs,
        threads: sim.luck.threads,
    }
}

/// The scenario and its text, unless there is an error in it. Complaints go to standard error.
fn checked(sim: &Sim) -> anyhow::Result<Option<(Scenario, Source)>> {
    let mut checked = input::scenario(sim.file.as_deref(), &sim.changes)?;
    if sim.allow_stuck {
        input::allow_stuck(&mut checked.diagnostics);
    }
    let (errors, warnings) = (checked.errors(), checked.warnings());
    let shown: Vec<_> = checked
        .diagnostics
        .iter()
        .filter(|d| match d.severity {
            Severity::Error => true,
            Severity::Warning => !sim.quiet,
            // They are for `check`.
            Severity::Note => false,
        })
        .cloned()
        .collect();
    if !shown.is_empty() {
        terminal::error_line(&render(&shown, &checked.source, Format::Human));
        terminal::error_line("");
    }
    if errors > 0 {
        let count = check::count(errors, warnings, 0);
        terminal::error_line(&format!("{}: not run{count}", checked.source.file));
        if sim.file.is_none() {
            terminal::error_line(
                "Name a scenario file, or say it in flags: rollcast sim -n 12 --start 22s..41s",
            );
        }
        return Ok(None);
    }
    Ok(checked.scenario.map(|scenario| (scenario, checked.source)))
}

fn show(sim: &Sim, args: &Args, result: &SimResult) -> anyhow::Result<()> {
    if sim.json {
        return terminal::out(&report::json::render(result));
    }
    if sim.quiet {
        return terminal::out(&format!("{}\n", report::summary::verdict_line(result).trim_end()));
    }
    let style = report::Style {
        width: terminal::width(),
        ascii: terminal::ascii(args.ascii),
        color: terminal::color(args.color),
    };
    terminal::out(&report::summary::render(result, &style))?;
    if sim.stories {
        terminal::out(&format!("\n{}", report::stories::render(result, &style)))?;
    }
    Ok(())
}

/// A rollout that never ends is worse than a gate that fails.
fn exit(result: &SimResult, undecided: Undecided) -> Exit {
    let stuck =
        |(fate, share): &(Fate, crate::stats::Estimate)| *fate == Fate::Stuck && share.value >= 1.0;
    if result.fates.iter().any(stuck) {
        return Exit::Stuck;
    }
    match result.verdict {
        None | Some(Verdict::Pass) => Exit::Done,
        Some(Verdict::Fail) => Exit::GateFailed,
        Some(Verdict::Undecided) => match undecided {
            Undecided::Ok => Exit::Done,
            Undecided::Fail => Exit::Undecided,
        },
    }
}
