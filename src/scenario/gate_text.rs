//! The grammar of gates:
//! `OUTCOME <=|>= VALUE [in SHARE of runs]`, `pNN(OUTCOME) …`, `mean(OUTCOME) …`,
//! `p(EVENT) <=|>= SHARE`. Nothing more: no arithmetic, no `and`.

use std::ops::Range;

use super::codes::Code;
use super::gate::{Bound, Direction, Gate, Measure, Measured, OutcomeKey, Unit};
use super::keys::quantile_of;
use super::suggest::nearest;
use crate::units::{Share, Span};

/// A gate without `in SHARE of runs` must hold in so many of them.
pub const DEFAULT_SHARE: Share = Share(0.95);

/// What is wrong with a gate, and where in its text (in bytes).
#[derive(Debug, Clone, PartialEq)]
pub struct GateError {
    /// Its code.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: String,
    /// Where in the text.
    pub range: Range<usize>,
}

fn error(
    code: Code,
    range: Range<usize>,
    message: impl Into<String>,
    hint: impl Into<String>,
) -> GateError {
    GateError { code, message: message.into(), hint: hint.into(), range }
}

/// Reads a gate.
pub fn parse(text: &str) -> Result<Gate, GateError> {
    let (at, operator, direction) = operator(text)?;
    let (measure, outcome, name) = left_side(text, at)?;
    let right = at + operator.len()..text.len();
    let (value, share) = split_share(text, right)?;
    let measure = resolve_measure(text, measure, outcome, &name, share)?;
    let limit = limit(&text[value.clone()], measure, outcome)
        .map_err(|(code, message, hint)| error(code, value.clone(), message, hint))?;
    Ok(Gate { text: text.trim().to_owned(), outcome, measure, direction, limit, line: None })
}

/// Reads what stands before the comparison of a gate, alone: `p95(duration)`, `mean(failed)`,
/// `p(rolled_back)`. An outcome without a function is its mean, an event its probability.
pub fn measured(text: &str) -> Result<Measured, GateError> {
    let (left, outcome, name) = left_side(text, text.len())?;
    let left = match left {
        Left::Plain if outcome.unit() == Unit::Event => Left::Probability,
        Left::Plain => Left::Mean,
        other => other,
    };
    let measure = resolve_measure(text, left, outcome, &name, None)?;
    Ok(Measured { text: text.trim().to_owned(), outcome, measure })
}

fn operator(text: &str) -> Result<(usize, &'static str, Direction), GateError> {
    let found = [("<=", Direction::AtMost), (">=", Direction::AtLeast)]
        .into_iter()
        .filter_map(|(op, direction)| text.find(op).map(|at| (at, op, direction)))
        .min_by_key(|(at, ..)| *at);
    if let Some(found) = found {
        return Ok(found);
    }
    let grammar = "OUTCOME <= VALUE [in SHARE of runs], such as \"p95(duration) <= 6m\"";
    let sign = text.char_indices().find(|(_, c)| ['<', '>', '=', '≤', '≥'].contains(c));
    if let Some((at, sign)) = sign {
        let range = at..at + sign.len_utf8();
        let hint = if matches!(sign, '>' | '≥') { "write >=" } else { "write <=" };
        return Err(error(Code::GateGrammar, range, "a gate compares with <= or >=", hint));
    }
    let message = "a gate needs <= or >=";
    Err(error(Code::GateGrammar, 0..text.len(), message, format!("write {grammar}")))
}

/// What stands before the comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Left {
    Plain,
    Quantile(f64),
    Mean,
    Probability,
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let part = &text[range.clone()];
    let start = range.start + (part.len() - part.trim_start().len());
    start..start + part.trim().len()
}

fn left_side(text: &str, end: usize) -> Result<(Left, OutcomeKey, Range<usize>), GateError> {
    let whole = trimmed(text, 0..end);
    let left = &text[whole.clone()];
    let Some(open) = left.find('(') else {
        return Ok((Left::Plain, outcome(text, whole.clone())?, whole));
    };
    let Some(inside) = left.strip_suffix(')') else {
        return Err(error(Code::GateGrammar, whole, "a parenthesis is not closed", "add )"));
    };
    let function = trimmed(text, whole.start..whole.start + open);
    let name = trimmed(text, whole.start + open + 1..whole.start + inside.len());
    let inner = &text[name.clone()];
    let word = &text[function.clone()];
    let left = match word {
        "p" => Left::Probability,
        "mean" => Left::Mean,
        "min" | "max" => {
            let message = format!("no {word} over runs: it only worsens as runs are added");
            let sign = if word == "min" { ">=" } else { "<=" };
            let hint = format!("write {inner} {sign} … in 99% of runs");
            return Err(error(Code::GateExtreme, function, message, hint));
        }
        _ => match quantile_of(word) {
            Some(p) if p > 0.0 && p < 1.0 => Left::Quantile(p),
            _ => {
                let message = format!("unknown function `{word}`");
                let hint = "known: p50, p95, p99 …, mean, p";
                return Err(error(Code::GateGrammar, function, message, hint));
            }
        },
    };
    Ok((left, outcome(text, name.clone())?, name))
}

fn outcome(text: &str, range: Range<usize>) -> Result<OutcomeKey, GateError> {
    let name = &text[range.clone()];
    if let Some(key) = OutcomeKey::ALL.iter().find(|key| key.name() == name) {
        return Ok(*key);
    }
    let names: Vec<_> = OutcomeKey::ALL.iter().map(|key| key.name()).collect();
    let hint = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known: {}", names.join(", ")),
    };
    let message = if name.is_empty() {
        "a gate begins with an outcome".to_owned()
    } else {
        format!("unknown outcome `{name}` in a gate")
    };
    let range = if name.is_empty() { 0..text.len() } else { range };
    Err(error(Code::UnknownOutcome, range, message, hint))
}

/// The place of a value, and the share of runs with its place.
type ValueAndShare = (Range<usize>, Option<(Share, Range<usize>)>);

/// Splits `6m in 99% of runs`.
fn split_share(text: &str, right: Range<usize>) -> Result<ValueAndShare, GateError> {
    let Some(at) = text[right.clone()].find(" in ") else {
        return Ok((trimmed(text, right), None));
    };
    let value = trimmed(text, right.start..right.start + at);
    let tail = trimmed(text, right.start + at + 4..right.end);
    let bad = || error(Code::GateGrammar, tail.clone(), "unclear share of runs", "in 99% of runs");
    let words: Vec<&str> = text[tail.clone()].split_whitespace().collect();
    let [share, "of", "runs"] = words[..] else { return Err(bad()) };
    let parsed: Share = share.parse().map_err(|_| bad())?;
    if parsed.0 <= 0.0 || parsed.0 >= 1.0 {
        let message = "a share of runs lies between 0% and 100%, ends excluded";
        let hint = "no number of runs can show \"always\": write 99.9%";
        return Err(error(Code::OutOfRange, tail, message, hint));
    }
    Ok((value, Some((parsed, tail))))
}

fn resolve_measure(
    text: &str,
    left: Left,
    outcome: OutcomeKey,
    name: &Range<usize>,
    share: Option<(Share, Range<usize>)>,
) -> Result<Measure, GateError> {
    let is_event = outcome.unit() == Unit::Event;
    let word = outcome.name();
    if is_event && left != Left::Probability {
        let message = format!("`{word}` happens or does not");
        let hint = format!("write p({word}) <= 3%");
        return Err(error(Code::GateGrammar, name.clone(), message, hint));
    }
    if !is_event && left == Left::Probability {
        let message = format!("`{word}` is no event");
        let hint = format!("write {word} <= … in 99% of runs");
        return Err(error(Code::GateGrammar, name.clone(), message, hint));
    }
    if left != Left::Plain
        && let Some((_, range)) = share
    {
        let message = "a quantile, mean or probability is over all runs already";
        let hint = format!("write {} …", text[..name.end].trim());
        return Err(error(Code::GateGrammar, range, message, hint));
    }
    Ok(match left {
        Left::Plain => Measure::InRuns(share.map_or(DEFAULT_SHARE, |(share, _)| share)),
        Left::Quantile(p) => Measure::Quantile(p),
        Left::Mean => Measure::Mean,
        Left::Probability => Measure::Probability,
    })
}

fn limit(
    value: &str,
    measure: Measure,
    outcome: OutcomeKey,
) -> Result<Bound, (Code, String, String)> {
    let name = outcome.name();
    let number = |what: &str, hint: &str| match value.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(Bound::Absolute(number)),
        _ => Err((Code::GateUnit, format!("`{name}` is {what}"), hint.to_owned())),
    };
    let share = || match value.parse::<Share>() {
        Ok(share) => Ok(share.0),
        Err(e) => Err((Code::GateUnit, e.message, e.hint.unwrap_or_default())),
    };
    if measure == Measure::Probability {
        return share().map(Bound::Absolute);
    }
    match outcome.unit() {
        Unit::Seconds => match value.parse::<Span>() {
            Ok(span) => Ok(Bound::Absolute(span.as_secs_f64())),
            Err(e) => Err((Code::GateUnit, e.message, e.hint.unwrap_or_default())),
        },
        Unit::Share => share().map(Bound::Absolute),
        Unit::Instances if value.contains('%') => share().map(Bound::OfInstances),
        Unit::Instances => number("a number of instances", "write 9, or 75% of those wanted"),
        Unit::Number | Unit::Event => number("a plain number", "write a number such as 100"),
        Unit::InstanceSeconds => number("in instance-seconds", "write a number such as 600"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(text: &str) -> (Code, String, String) {
        let error = parse(text).unwrap_err();
        (error.code, text[error.range].to_owned(), error.hint)
    }

    #[test]
    fn gates_are_read() {
        let gate = parse("p95(duration) <= 6m").unwrap();
        assert_eq!(gate.measure, Measure::Quantile(0.95));
        assert_eq!(gate.limit, Bound::Absolute(360.0));
        let gate = parse("serving_min >= 95% in 99% of runs").unwrap();
        assert_eq!(gate.measure, Measure::InRuns(Share(0.99)));
        assert_eq!(gate.limit, Bound::OfInstances(0.95));
        let gate = parse("failed_share <= 0.01%").unwrap();
        assert_eq!(gate.measure, Measure::InRuns(DEFAULT_SHARE));
        assert_eq!(parse("p(rolled_back)<=3%").unwrap().measure, Measure::Probability);
        assert_eq!(parse("mean( duration ) <= 90s").unwrap().measure, Measure::Mean);
        assert_eq!(parse("p99.9(settled) <= 1h").unwrap().measure, Measure::Quantile(0.999));
    }

    #[test]
    fn wrong_gates_are_pointed_at() {
        let (code, place, hint) = bad("p95(duraton) <= 6m");
        assert_eq!((code, place.as_str()), (Code::UnknownOutcome, "duraton"));
        assert_eq!(hint, "did you mean `duration`?");
        let (code, place, _) = bad("min(serving_min) >= 9");
        assert_eq!((code, place.as_str()), (Code::GateExtreme, "min"));
        let (code, place, hint) = bad("duration <= 6");
        assert_eq!((code, place.as_str()), (Code::GateUnit, "6"));
        assert_eq!(hint, "write \"6s\" (or \"6m\", \"6ms\")");
        assert_eq!(bad("duration < 6m").1, "<");
        assert_eq!(bad("stuck <= 1%").2, "write p(stuck) <= 3%");
        assert_eq!(bad("p(duration) <= 1%").0, Code::GateGrammar);
        assert_eq!(bad("duration <= 6m in most of runs").1, "most of runs");
        assert_eq!(bad("duration <= 6m in 100% of runs").0, Code::OutOfRange);
        assert_eq!(bad("p95(duration) <= 6m in 99% of runs").0, Code::GateGrammar);
        assert_eq!(bad("").0, Code::GateGrammar);
        assert_eq!(bad("<= 6m").0, Code::UnknownOutcome);
        assert_eq!(bad("p200(duration) <= 6m").1, "p200");
    }
}
