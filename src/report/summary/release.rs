//! Good and bad releases, side by side.

use crate::outcome::Fate;
use crate::report::format;
use crate::scenario::gate::{OutcomeKey, Unit};
use crate::study::{Part, SimResult};

/// What tells them apart, most telling first; as many as fit are shown.
const KEYS: [(OutcomeKey, &str); 7] = [
    (OutcomeKey::Exposure, "exposure"),
    (OutcomeKey::Failed, "failed"),
    (OutcomeKey::Outage, "outage"),
    (OutcomeKey::Detected, "detected"),
    (OutcomeKey::Restored, "restored"),
    (OutcomeKey::ServingMin, "lowest"),
    (OutcomeKey::Duration, "duration"),
];
const MAX_KEYS: usize = 3;

/// Two lines, and which share of releases is bad; none if a release is what it is.
pub(super) fn lines(result: &SimResult) -> Vec<String> {
    let Some(parts) = &result.by_release else {
        let bad = !result.scenario.pieces.defects.is_empty();
        let line = "  release    bad in every run; how often there is one is for [release] to say";
        return bad.then(|| line.to_owned()).into_iter().collect();
    };
    let line = |name: &str, part: &Part| format!("  {name:<10} {}", told(part));
    let mixed = format::share(parts.prior.0);
    vec![
        line("if good", &parts.good),
        line("if bad", &parts.bad),
        format!("  mixed      all below: {mixed} of releases are bad (--prior changes only that)"),
    ]
}

/// How most of the runs of a part end, and its most telling numbers on average.
fn told(part: &Part) -> String {
    let end = |(fate, share): &(Fate, crate::stats::Estimate)| {
        format!("{} {}", fate.name(), format::share(share.value))
    };
    let mut fates = part.fates.clone();
    fates.sort_by(|a, b| b.1.value.total_cmp(&a.1.value));
    let mut words: Vec<String> = fates.iter().take(2).map(end).collect();
    let numbers = KEYS.iter().filter_map(|(key, name)| {
        let summary = part.summary(*key)?;
        let mean = summary.mean.value;
        let unit = key.unit();
        let zero = mean == 0.0 && *key != OutcomeKey::ServingMin;
        let text = match unit {
            Unit::Seconds => format::duration(mean),
            unit => format::value(mean, unit),
        };
        (!zero).then(|| format!("{name} {text}"))
    });
    words.extend(numbers.take(MAX_KEYS));
    words.join("   ")
}
