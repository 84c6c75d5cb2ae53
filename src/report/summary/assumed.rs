//! Values that nobody measured, and whether that matters.

use crate::scenario::Assumed;
use crate::study::{Effect, SimResult};

/// One line: which assumed ranges decide a gate, and which do not matter here.
pub(super) fn line(result: &SimResult) -> Option<String> {
    let of = |wanted: &dyn Fn(&Effect) -> bool| {
        let keys = result.assumed.iter().filter(|e| wanted(e)).map(|e| e.assumed.key.as_str());
        keys.collect::<Vec<_>>().join(", ")
    };
    let parts: Vec<String> = [
        ("decides", of(&|e| !e.decides.is_empty())),
        ("may decide", of(&|e| e.decides.is_empty() && !e.unclear.is_empty())),
        ("not tried", of(&|e| e.tried == 0)),
        ("does not matter here", of(&Effect::is_harmless)),
    ]
    .into_iter()
    .filter(|(_, keys)| !keys.is_empty())
    .map(|(what, keys)| format!("{what}: {keys}"))
    .collect();
    (!parts.is_empty()).then(|| format!("  assumed    {}", parts.join("; ")))
}

/// The first range that must be measured before a gate can be decided.
pub(super) fn deciding(result: &SimResult) -> Option<&Assumed> {
    result.assumed.iter().find(|e| !e.decides.is_empty()).map(|e| &e.assumed)
}

#[cfg(test)]
mod tests {
    use super::{deciding, line};
    use crate::report::fixture;
    use crate::scenario::Assumed;
    use crate::study::Effect;

    #[test]
    fn what_decides_comes_first() {
        let effect = |key: &str, tried, decides: &[&str]| Effect {
            assumed: Assumed { key: key.into(), low: "5s".into(), high: "1m".into() },
            tried,
            decides: decides.iter().map(|&g| g.to_owned()).collect(),
            unclear: Vec::new(),
        };
        let mut result = fixture::batches();
        assert_eq!(line(&result), None);
        result.assumed = vec![
            effect("service.queue", 2, &[]),
            effect("service.discipline", 0, &[]),
            effect("versions.old.start", 2, &["p95(duration) <= 2m"]),
        ];
        let shown = line(&result).unwrap();
        let expected = "  assumed    decides: versions.old.start; not tried: \
                        service.discipline; does not matter here: service.queue";
        assert_eq!(shown, expected);
        assert_eq!(deciding(&result).unwrap().key, "versions.old.start");
    }
}
