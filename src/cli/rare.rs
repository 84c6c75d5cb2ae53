//! `rollcast sim --rare EVENT`: how likely something is that hardly ever happens.

use anyhow::{anyhow, bail};

use super::args::Sim;
use super::exit::Exit;
use super::terminal;
use crate::report;
use crate::scenario::{Gate, Measure, OutcomeKey, Scenario, gate_text};
use crate::study::rare::{Plan, probability};

pub(super) fn run(scenario: &Scenario, text: &str, sim: &Sim) -> anyhow::Result<Exit> {
    let event = event(text)?;
    if !(0.0..1.0).contains(&sim.precision.0) || sim.precision.0 < 0.005 {
        bail!("--precision: write a share between 0.5% and 100%");
    }
    let plan = Plan {
        seed: sim.luck.seed,
        precision: sim.precision.0,
        // What plain runs may take is no measure here: these are many and short.
        max_runs: sim.max_runs.max(200_000),
        threads: sim.luck.threads,
    };
    // Capacity and fate need no requests.
    let mut scenario = scenario.clone();
    scenario.traffic = None;
    scenario.pieces.users = None;
    let answer = probability(&scenario, &event, &plan);
    let found =
        report::rare::Found { name: &scenario.service.name, event: &event, answer: &answer };
    terminal::out(&if sim.json {
        report::rare::json(&found, &plan)
    } else {
        report::rare::text(&found)
    })?;
    Ok(if report::rare::trusted(&answer) { Exit::Done } else { Exit::Undecided })
}

/// An outcome of the control plane with a limit.
fn event(text: &str) -> anyhow::Result<Gate> {
    let event = gate_text::parse(text).map_err(|e| anyhow!("--rare: {}; {}", e.message, e.hint))?;
    let key = event.outcome;
    if !matches!(event.measure, Measure::InRuns(_)) || text.contains(" in ") {
        bail!("--rare: write OUTCOME <= VALUE, of one run: 'serving_min <= 0'");
    }
    if key.needs_traffic() || key == OutcomeKey::Outage {
        bail!("--rare: {} needs requests, of which rare runs are not made", key.name());
    }
    Ok(event)
}
