//! `rollcast validate`: the simulator against theory.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use super::exit::Exit;
use super::output::{suffix, write};
use super::terminal;
use crate::{report, study};

#[derive(Debug, ClapArgs)]
pub(super) struct Validate {
    /// All cases, with long runs; minutes instead of seconds.
    #[arg(long)]
    pub(super) full: bool,
    /// Where reports go.
    #[arg(long, default_value = "outputs", value_name = "DIR")]
    pub(super) out: PathBuf,
    /// Only this part: `retry-storm` is a map of where retries outlive a rollout, `judges` is what
    /// judges of canaries do on noisy hosts, `incidents` holds known incidents against what their
    /// sources say, `studies` holds intervals, selection and rare events against exact cases.
    #[arg(long, value_enum, requires = "output")]
    pub(super) only: Option<Part>,
    /// With --only: write a file; csv, md, svg or png by its suffix. May be given several times.
    #[arg(short, long = "output", value_name = "FILE", requires = "only")]
    pub(super) output: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    RetryStorm,
    Studies,
    Judges,
    Incidents,
}

pub(super) fn run(validate: &Validate) -> anyhow::Result<Exit> {
    match validate.only {
        Some(Part::RetryStorm) => storms(validate),
        Some(Part::Studies) => studies(validate),
        Some(Part::Judges) => judges(validate),
        Some(Part::Incidents) => incidents(validate),
        None => table(validate),
    }
}

fn table(validate: &Validate) -> anyhow::Result<Exit> {
    let report = study::validate::run(validate.full, &validate.out)?;
    let complaints = report.complaints();
    let outside: Vec<String> = complaints.iter().map(|c| format!("  outside: {c}\n")).collect();
    terminal::out(&format!(
        "{}\n{}Wrote theory.csv and theory.md into {}.\n",
        report.verdict(),
        outside.concat(),
        validate.out.display()
    ))?;
    Ok(if complaints.is_empty() { Exit::Done } else { Exit::GateFailed })
}

fn storms(validate: &Validate) -> anyhow::Result<Exit> {
    let map = study::storm::full_map();
    for path in &validate.output {
        let bytes = match suffix(path).as_str() {
            "csv" => report::storm::render_csv(&map).into_bytes(),
            "svg" => report::chart::svg_of_storms(&map).into_bytes(),
            "png" => report::chart::png_of_storms(&map)?,
            _ => anyhow::bail!("{} is neither csv nor svg nor png", path.display()),
        };
        write(path, &bytes)?;
    }
    let outlives = map.cells.iter().filter(|cell| cell.outlives()).count();
    terminal::out(&format!(
        "In {outlives} of {} rollouts the retries outlive it.\n",
        map.cells.len()
    ))?;
    Ok(Exit::Done)
}

fn studies(validate: &Validate) -> anyhow::Result<Exit> {
    use study::validate::studies::{csv, markdown, studies};
    let promises = studies(validate.full);
    for path in &validate.output {
        let text = match suffix(path).as_str() {
            "csv" => csv(&promises),
            "md" => markdown(&promises),
            _ => anyhow::bail!("{} is neither csv nor md", path.display()),
        };
        write(path, text.as_bytes())?;
    }
    let broken: Vec<String> = promises
        .iter()
        .filter(|promise| !promise.holds)
        .map(|p| {
            format!("  broken: {}, {}: {:.4}, asked {}\n", p.what, p.case, p.measured, p.asked)
        })
        .collect();
    terminal::out(&format!(
        "{} promises, {} broken.\n{}",
        promises.len(),
        broken.len(),
        broken.concat()
    ))?;
    Ok(if broken.is_empty() { Exit::Done } else { Exit::GateFailed })
}

fn judges(validate: &Validate) -> anyhow::Result<Exit> {
    let runs = if validate.full { 20_000 } else { 2_000 };
    let rows = study::judge::noise::rows(&study::judge::noise::cases(), runs);
    for path in &validate.output {
        let text = match suffix(path).as_str() {
            "csv" => report::judge::noise::csv(&rows),
            "md" => report::judge::noise::markdown(&rows, runs),
            _ => anyhow::bail!("{} is neither csv nor md", path.display()),
        };
        write(path, text.as_bytes())?;
    }
    let good = rows.iter().filter(|row| row.case.slower == 0.0);
    let most = good.map(|row| row.robust.value).fold(0.0, f64::max);
    terminal::out(&format!(
        "The default judge stops at most {} of good releases on noisy hosts.\n",
        report::format::share(most)
    ))?;
    Ok(Exit::Done)
}

fn incidents(validate: &Validate) -> anyhow::Result<Exit> {
    let figures = study::incidents::figures();
    for path in &validate.output {
        let text = match suffix(path).as_str() {
            "csv" => report::incidents::render_csv(&figures),
            "md" => report::incidents::render_markdown(&figures),
            _ => anyhow::bail!("{} is neither csv nor md", path.display()),
        };
        write(path, text.as_bytes())?;
    }
    let hold = figures.iter().filter(|figure| figure.holds()).count();
    terminal::out(&format!("{hold} of {} figures are as the sources say.\n", figures.len()))?;
    Ok(if hold == figures.len() { Exit::Done } else { Exit::GateFailed })
}
