//! What a number over runs hangs on: each input a little smaller and larger, under the same luck.

mod inputs;

pub use inputs::{Input, Moved, STEP, inputs};

use super::options::{Options, Progress};
use super::pool;
use super::replicate;
use crate::scenario::{Measure, Measured, Scenario};
use crate::stats::{Estimate, GateResult, Sample, Verdict};

/// Groups of runs from which the interval of a difference is taken.
const GROUPS: usize = 20;

/// What one end of an input does.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct End {
    /// The value there, or by how much it is moved.
    pub text: String,
    /// What it adds to the number, under the same luck; its interval by batch means over
    /// groups of runs.
    pub change: Estimate,
    /// Gates, as written, that hold at the base and fail here.
    pub breaks: Vec<String>,
}

/// One input.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Bar {
    /// Its key.
    pub key: String,
    /// Whether nobody measured it, and the range is the one assumed.
    pub assumed: bool,
    /// Smaller.
    pub low: Option<End>,
    /// Larger.
    pub high: Option<End>,
}

impl Bar {
    /// The larger change of its two ends.
    pub fn size(&self) -> f64 {
        let change = |end: &Option<End>| end.as_ref().map_or(0.0, |end| end.change.value.abs());
        change(&self.low).max(change(&self.high))
    }

    /// Whether an end is surely different from the base.
    pub fn is_sure(&self) -> bool {
        let sure = |end: &Option<End>| {
            end.as_ref().is_some_and(|end| end.change.low > 0.0 || end.change.high < 0.0)
        };
        sure(&self.low) || sure(&self.high)
    }
}

/// What a number hangs on.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Sensitivity {
    /// The number.
    pub of: Measured,
    /// As the scenario is.
    pub base: Estimate,
    /// Runs of each setting.
    pub runs: u32,
    /// Inputs, the strongest first.
    pub bars: Vec<Bar>,
}

/// Runs of one setting: the values of the number's outcome, and the gates.
struct Played {
    values: Vec<(f64, f64)>,
    gates: Vec<GateResult>,
}

/// Plays each end of each input under the luck of the base.
pub fn sensitivity(
    scenario: &Scenario,
    of: &Measured,
    options: &Options,
    show: &(dyn Fn(Progress) + Sync),
) -> Sensitivity {
    let needs_requests = of.outcome.needs_traffic();
    let play = |scenario: &Scenario| {
        let mut scenario = scenario.clone();
        if !needs_requests {
            scenario.traffic = None;
            scenario.pieces.users = None;
            scenario.gates.retain(|gate| !gate.outcome.needs_traffic());
        }
        pool::install(options.threads, || {
            let (values, gates) = replicate::measure(&scenario, options, of.outcome);
            Played { values, gates }
        })
    };
    let base = play(scenario);
    let inputs = inputs(scenario);
    let planned = inputs.len() as u32;
    let mut bars = Vec::new();
    for (done, input) in inputs.into_iter().enumerate() {
        show(Progress { done: done as u32, planned });
        let end = |moved: Option<Moved>| {
            let moved = moved?;
            let there = play(&moved.scenario);
            let change = change(of.measure, &base.values, &there.values)?;
            Some(End { text: moved.text, change, breaks: breaks(&base.gates, &there.gates) })
        };
        let (low, high) = (end(input.low), end(input.high));
        bars.push(Bar { key: input.key, assumed: input.assumed, low, high });
    }
    bars.sort_by(|a, b| b.size().total_cmp(&a.size()).then_with(|| a.key.cmp(&b.key)));
    let sample = Sample::new(&base.values);
    Sensitivity {
        of: of.clone(),
        base: sample.map_or(Estimate::UNKNOWN, |sample| sample.measured(of.measure)),
        runs: base.values.len() as u32,
        bars,
    }
}

/// The difference of the number over all runs; its interval from the same difference in groups of
/// runs, each of which has its replications in both settings.
fn change(measure: Measure, base: &[(f64, f64)], there: &[(f64, f64)]) -> Option<Estimate> {
    let number = |values: &[(f64, f64)]| Some(Sample::new(values)?.measured(measure).value);
    let all = number(there)? - number(base)?;
    let group = |values: &[(f64, f64)], g: usize| -> Vec<(f64, f64)> {
        values.iter().skip(g).step_by(GROUPS).copied().collect()
    };
    let differences: Vec<(f64, f64)> = (0..GROUPS)
        .filter_map(|g| Some((number(&group(there, g))? - number(&group(base, g))?, 1.0)))
        .collect();
    let spread = Sample::new(&differences)?.mean();
    let half = (spread.high - spread.low) / 2.0;
    Some(Estimate { value: all, low: all - half, high: all + half })
}

fn breaks(base: &[GateResult], there: &[GateResult]) -> Vec<String> {
    let broken = |(was, is): &(&GateResult, &GateResult)| {
        was.verdict == Verdict::Pass && is.verdict == Verdict::Fail
    };
    base.iter().zip(there).filter(broken).map(|(was, _)| was.gate.text.clone()).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::sensitivity;
    use crate::scenario::{self, gate_text};
    use crate::study::{Options, Runs};

    const TEXT: &str = "rollcast = 1\ngates = [\"serving_min >= 3\"]\n[service]\ninstances = 4\n\
        [versions.old]\nstart = { law = \"uniform\", low = \"18s\", high = \"22s\" }\n\
        exit = \"5s\"\n[probes]\nperiod = \"1s\"\n[strategy.generic]\nbatch = 1\nbake = \"10s\"\n\
        order = \"stop-first\"\n[assumed]\n\"versions.old.exit\" = \"1s..11s\"\n";

    #[test]
    fn what_adds_up_to_the_duration_is_found_with_its_share() {
        let loaded = scenario::load(TEXT, "x", Path::new(""), &[]).expect("sound");
        let of = gate_text::measured("p50(duration)").unwrap();
        let options = Options { seed: 1, runs: Runs::Fixed(200), max_runs: 200, threads: 1 };
        let found = sensitivity(&loaded.scenario, &of, &options, &|_| {});
        let bar = |key: &str| {
            found.bars.iter().find(|bar| bar.key == key).unwrap_or_else(|| {
                let keys: Vec<_> = found.bars.iter().map(|bar| &bar.key).collect();
                panic!("{key} is not among {keys:?}")
            })
        };
        // Four starts of 20 s: 4 s each; four bakes of 10 s; four drains from 5 s to 1 s or 11 s.
        let expected = [
            ("versions.*.start", -16.0, 16.0),
            ("strategy.generic.bake", -8.0, 8.0),
            ("versions.*.exit", -16.0, 24.0),
        ];
        for (key, low, high) in expected {
            let bar = bar(key);
            for (end, wanted) in [(&bar.low, low), (&bar.high, high)] {
                let change = end.as_ref().unwrap().change;
                assert!((change.value - wanted).abs() < 1.5, "{key}: {change:?}, not {wanted}");
                assert!(change.low <= change.value && change.value <= change.high);
            }
        }
        assert!(bar("versions.*.exit").assumed);
        let batch = bar("strategy.generic.batch").high.as_ref().unwrap();
        assert!(batch.change.high < -40.0, "half the batches: {batch:?}");
        assert_eq!(batch.breaks, ["serving_min >= 3"]);
        assert_eq!(found.bars[0].key, "strategy.generic.batch", "the strongest first");
    }
}
