//! What a scenario's settings come to, and its rollout step by step.

use std::fmt::Write;

use crate::lint::worked;
use crate::scenario::Scenario;
use crate::strategy::{Pace, Step, Strategy, Walk, walk};
use crate::units::{Span, Time};

/// Steps that the short table shows.
const FIRST: usize = 12;

/// The numbers of a scenario, and the first steps of its rollout, or all of them.
pub(super) fn page(scenario: &Scenario, all: bool) -> String {
    let n = scenario.service.instances;
    let mut page = format!("{n} instances, {}\n\n", scenario.strategy.describe());
    for line in worked(scenario) {
        let _ = writeln!(page, "  {}: {}", short(line.key), line.text);
    }
    let pace = pace(scenario);
    let strategy = Strategy::new(&scenario.strategy, n);
    let walk = walk(&strategy, n, pace, Time::ZERO + scenario.horizon);
    let _ = writeln!(
        page,
        "\nstep by step, if each start took {} and each stop {}, and nothing failed:\n",
        pace.start, pace.stop
    );
    table(&mut page, &walk, if all { usize::MAX } else { FIRST });
    if !walk.ended {
        let horizon = scenario.horizon;
        let _ = writeln!(page, "\n  not over at the horizon ({horizon}): this rollout is stuck");
    }
    page
}

/// The lines of one key; empty if it is no number of the strategy's.
pub(super) fn of_key(scenario: &Scenario, key: &str) -> String {
    let lines: Vec<_> = worked(scenario)
        .into_iter()
        .filter(|line| line.key == key || short(line.key) == key.trim_start_matches("strategy."))
        .map(|line| format!("  {}\n", line.text))
        .collect();
    if lines.is_empty() { String::new() } else { format!("\nhere:\n{}", lines.concat()) }
}

/// The key without its table.
fn short(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// Medians, and what comes with them in every run.
fn pace(scenario: &Scenario) -> Pace {
    let start = scenario.versions.new.start_quantile(0.5);
    let exit = scenario.versions.old.exit.quantile(0.5).min(scenario.shutdown.grace);
    Pace { start, stop: scenario.shutdown.pre_stop + exit }
}

fn table(page: &mut String, walk: &Walk, most: usize) {
    let _ = writeln!(page, "  {:>10}  {:<40} {:>5} {:>5} {:>6}", "time", "", "old", "new", "ready");
    for step in walk.steps.iter().take(most) {
        let Step { at, kept: [old, new], ready, .. } = step;
        let time = Span(at.0).to_string();
        let _ = writeln!(page, "  {time:>10}  {:<40} {old:>5} {new:>5} {ready:>6}", does(step));
    }
    let rest = walk.steps.len().saturating_sub(most);
    if rest > 0 {
        let _ = writeln!(page, "  … and {rest} more steps: --step");
    }
}

fn does(step: &Step) -> String {
    let counts = [
        ("start", step.started[1], "new"),
        ("start", step.started[0], "old"),
        ("stop", step.stopped[0], "old"),
        ("stop", step.stopped[1], "new"),
    ];
    let counted = counts.iter().filter(|(_, count, _)| *count > 0);
    let mut parts: Vec<_> =
        counted.map(|(verb, count, which)| format!("{verb} {count} {which}")).collect();
    if let Some(share) = step.routed {
        parts.push(format!("{}% of requests to new", f64::from(share) / 10_000.0));
    }
    if let Some(said) = step.said {
        parts.push(format!("says {said:?}"));
    }
    parts.join(", ")
}
