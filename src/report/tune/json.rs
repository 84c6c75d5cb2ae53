//! `rollcast-tune/1`.

use serde_json::{Value, json};

use super::{Answer, SCHEMA, patch_of, toml};
use crate::scenario::print;
use crate::stats::Estimate;
use crate::stats::selection::{Place, Rule};
use crate::study::tune::{Cliff, Tried};

/// The document, indented, with a line end at the end.
pub fn json(answer: &Answer<'_>) -> String {
    let tuned = answer.tuned;
    let chosen = answer.chosen();
    let value = json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "name": answer.name,
        "seed": answer.plan.seed,
        "goal": answer.plan.goal.text,
        "versus": answer.plan.versus.text,
        "gates": tuned.gates,
        "keys": tuned.keys,
        "rule": match tuned.rule { Rule::Triangle => "triangle", Rule::Race => "race" },
        "confidence": 1.0 - answer.plan.error,
        "within": tuned.within,
        "batch": tuned.batch,
        "requests": tuned.requests,
        "runs": tuned.runs(),
        "certain": tuned.certain,
        "best": tuned.best,
        "settings": tuned.tried.iter().map(|t| tried(t, &tuned.gates)).collect::<Vec<_>>(),
        "cliffs": answer.cliffs.iter().map(cliff).collect::<Vec<_>>(),
        "toml": answer.best.map(|best| toml(&chosen, best)),
        "patch": patch_of(answer).map(|patch| json!({ "for": patch.what, "text": patch.text })),
        "scenario": answer.best.map(print::to_toml),
    });
    let mut text = serde_json::to_string_pretty(&value).expect("plain data");
    text.push('\n');
    text
}

/// What became of a setting, and by which gate.
pub(super) fn place(tried: &Tried, gates: &[String]) -> [String; 2] {
    let gate = |index: &usize| gates.get(*index).cloned().unwrap_or_default();
    let (place, gate) = match &tried.place {
        Ok(Place::Best) => ("best", String::new()),
        Ok(Place::Behind(_)) => ("behind", String::new()),
        Ok(Place::Breaks(index)) => ("breaks", gate(index)),
        Ok(Place::Close) => ("close", String::new()),
        Ok(Place::Open(index)) => ("open", gate(index)),
        Ok(Place::Void) => ("void", String::new()),
        Err(_) => ("unplayed", String::new()),
    };
    [place.to_owned(), gate]
}

fn tried(tried: &Tried, gates: &[String]) -> Value {
    let [place, gate] = place(tried, gates);
    let behind = match tried.place {
        Ok(Place::Behind(other)) => Some(other),
        _ => None,
    };
    json!({
        "values": tried.values,
        "place": place,
        "gate": (!gate.is_empty()).then_some(gate),
        "behind": behind,
        "problem": tried.place.as_ref().err(),
        "goal": estimate(tried.goal),
        "versus": finite(tried.versus),
        "runs": tried.runs,
        "on_front": tried.on_front,
    })
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

fn estimate(of: Estimate) -> Value {
    json!({ "value": finite(of.value), "low": finite(of.low), "high": finite(of.high) })
}

fn cliff(cliff: &Cliff) -> Value {
    let gate = cliff.breaks.as_ref().map(|(_, gate)| gate);
    json!({
        "what": cliff.what,
        "holds": cliff.holds,
        "breaks": cliff.breaks.as_ref().map(|(value, _)| value),
        "gate": gate.map(|gate| &gate.gate.text),
        "verdict": gate.map(|gate| gate.verdict),
        "value": gate.and_then(|gate| finite(gate.value.value)),
    })
}
