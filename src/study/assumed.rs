//! Values that nobody measured: does an answer hold for all that they may be?

use crate::scenario::{Assumed, Direction, Measure};
use crate::stats::{GateResult, Verdict};

use super::assemble;
use super::result::SimResult;

/// Replications at each end of an assumed range: enough for the shares that gates usually ask
/// for, few enough to try all ranges while a person waits.
pub const RUNS: u32 = 400;

/// One end of an assumed range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// The smallest plausible value.
    Low,
    /// The largest.
    High,
}

/// What an assumed range does to the gates.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Effect {
    /// The key nobody measured, with its range as written.
    #[serde(flatten)]
    pub assumed: Assumed,
    /// Ends that were simulated, 0 to 2; an end that makes no scenario is left out.
    pub tried: u32,
    /// Gates, as written, that pass at one value in the range and fail at another.
    pub decides: Vec<String>,
    /// Gates, as written, that lean to the other side at an end, too little to be sure.
    pub unclear: Vec<String>,
}

impl Effect {
    /// Whether the whole range gives the same verdicts.
    pub fn is_harmless(&self) -> bool {
        self.tried > 0 && self.decides.is_empty() && self.unclear.is_empty()
    }
}

/// Holds the gates of the base result against those at the ends of assumed ranges: a gate whose
/// verdict flips inside a range becomes undecided, and its note names what to measure.
///
/// `ranges` has all ranges with the results at those ends that could be simulated.
#[must_use]
pub fn weigh(mut base: SimResult, ranges: &[(Assumed, Vec<(End, SimResult)>)]) -> SimResult {
    let effects: Vec<Effect> = ranges.iter().map(|range| effect(&base.gates, range)).collect();
    for gate in &mut base.gates {
        let text = &gate.gate.text;
        let causes: Vec<&Assumed> =
            effects.iter().filter(|e| e.decides.contains(text)).map(|e| &e.assumed).collect();
        if !causes.is_empty() {
            gate.verdict = Verdict::Undecided;
            gate.note = Some(advice(&causes));
        }
    }
    base.verdict = assemble::verdict(&base.gates);
    base.assumed = effects;
    base
}

fn effect(base: &[GateResult], (assumed, ends): &(Assumed, Vec<(End, SimResult)>)) -> Effect {
    let mut effect = Effect {
        assumed: assumed.clone(),
        tried: ends.len() as u32,
        decides: Vec::new(),
        unclear: Vec::new(),
    };
    for (index, gate) in base.iter().enumerate() {
        // The ends have the same gates in the same order: only one other key differs.
        let mut seen = vec![gate];
        seen.extend(ends.iter().filter_map(|(_, result)| result.gates.get(index)));
        let has = |verdict| seen.iter().any(|g| g.verdict == verdict);
        let text = gate.gate.text.clone();
        if has(Verdict::Pass) && has(Verdict::Fail) {
            effect.decides.push(text);
        } else if has(Verdict::Undecided) && seen.iter().any(|g| leans(g) != leans(gate)) {
            effect.unclear.push(text);
        }
    }
    effect
}

/// The side on which the estimate lies, whatever its interval.
fn leans(result: &GateResult) -> bool {
    match (result.gate.measure, result.share) {
        (Measure::InRuns(wanted), Some(share)) => share.value >= wanted.0,
        _ => match result.gate.direction {
            Direction::AtMost => result.value.value <= result.limit,
            Direction::AtLeast => result.value.value >= result.limit,
        },
    }
}

fn advice(causes: &[&Assumed]) -> String {
    let named: Vec<String> =
        causes.iter().map(|a| format!("{} (assumed {}..{})", a.key, a.low, a.high)).collect();
    let them = if named.len() == 1 { "it" } else { "them" };
    format!("depends on {}: measure {them}", named.join(" and "))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Effect, End, weigh};
    use crate::scenario::{self, Assumed};
    use crate::stats::Verdict;
    use crate::study::{Options, Runs, SimResult, simulate};

    /// A rollout of four instances, one after the other, that start in this time.
    fn result(start: &str, runs: u32) -> SimResult {
        let text = format!(
            "rollcast = 1\ngates = [\"p95(duration) <= 2m\", \"serving_min >= 3\"]\n\
             [service]\ninstances = 4\n[versions.old]\nstart = \"{start}\"\nexit = \"1s\"\n\
             [strategy.generic]\nbatch = 1\n"
        );
        let loaded = scenario::load(&text, "x", Path::new(""), &[]).expect("sound");
        let options = Options { seed: 1, runs: Runs::Fixed(runs), max_runs: runs, threads: 1 };
        simulate(&loaded.scenario, &options, &|_| {})
    }

    fn assumed(key: &str) -> Assumed {
        Assumed { key: key.into(), low: "5s".into(), high: "2m".into() }
    }

    fn effects(weighed: &SimResult) -> &[Effect] {
        &weighed.assumed
    }

    #[test]
    fn a_gate_that_flips_inside_a_range_is_undecided() {
        let ends = vec![(End::Low, result("5s", 100)), (End::High, result("2m", 100))];
        let base = result("10s", 400);
        assert_eq!(base.verdict, Some(Verdict::Pass));
        let weighed = weigh(base, &[(assumed("versions.old.start"), ends)]);
        assert_eq!(weighed.verdict, Some(Verdict::Undecided));
        assert_eq!(weighed.gates[0].verdict, Verdict::Undecided);
        let note = weighed.gates[0].note.as_deref().unwrap();
        assert_eq!(note, "depends on versions.old.start (assumed 5s..2m): measure it");
        assert_eq!(weighed.gates[1].verdict, Verdict::Pass, "one at a time however long it takes");
        assert_eq!(effects(&weighed)[0].decides, ["p95(duration) <= 2m"]);
    }

    #[test]
    fn a_gate_that_flips_to_pass_is_undecided_too() {
        let base = result("2m", 400);
        assert_eq!(base.verdict, Some(Verdict::Fail));
        let ends = vec![(End::Low, result("5s", 100))];
        let weighed = weigh(base, &[(assumed("versions.old.start"), ends)]);
        assert_eq!(weighed.verdict, Some(Verdict::Undecided));
    }

    #[test]
    fn a_range_without_influence_changes_nothing() {
        let base = result("10s", 400);
        let ends = vec![(End::Low, result("9s", 100)), (End::High, result("11s", 100))];
        let ranges = [(assumed("versions.old.start"), ends), (assumed("service.queue"), vec![])];
        let weighed = weigh(base.clone(), &ranges);
        assert_eq!((weighed.verdict, &weighed.gates), (base.verdict, &base.gates));
        let harmless: Vec<bool> = effects(&weighed).iter().map(Effect::is_harmless).collect();
        assert_eq!(harmless, [true, false], "what was not tried is not known to be harmless");
    }

    #[test]
    fn what_an_end_leaves_open_is_unclear() {
        // Two runs are too few to bound a 95 % quantile from above.
        let ends = vec![(End::Low, result("10s", 2))];
        let weighed = weigh(result("2m", 400), &[(assumed("versions.old.start"), ends)]);
        assert_eq!(weighed.gates[0].verdict, Verdict::Fail);
        assert_eq!(effects(&weighed)[0].unclear, ["p95(duration) <= 2m"]);
    }
}
