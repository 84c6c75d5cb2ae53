use std::path::Path;

use super::{Judge, JudgeKind, Metric, OnFail};
use crate::scenario::{load, print};
use crate::units::{Share, Span};

fn read(lines: &str) -> Result<Judge, Vec<String>> {
    let text = format!(
        "rollcast = 1\n[service]\ninstances = 4\n[versions.old]\nstart = \"1s\"\n\
         service_time = \"10ms\"\n[traffic]\nrate = \"50/s\"\n\
         [strategy.generic]\n[judges.canary]\n{lines}"
    );
    let loaded = load(&text, "s.toml", Path::new("."), &[]);
    let loaded = loaded.map_err(|error| {
        error.diagnostics.into_iter().map(|diagnostic| diagnostic.message).collect::<Vec<_>>()
    })?;
    let again = print::to_toml(&loaded.scenario);
    let again = load(&again, "again.toml", Path::new("."), &[]).unwrap().scenario;
    assert_eq!(again.pieces, loaded.scenario.pieces, "what is written is read again");
    Ok(loaded.scenario.pieces.judges[0].piece.clone())
}

#[test]
fn every_kind_has_defaults_and_is_written_as_it_is_read() {
    for (kind, _) in super::keys::KINDS {
        let judge = read(&format!("kind = \"{kind}\"\n")).unwrap();
        assert_eq!(judge.kind.name(), *kind);
        assert_eq!((judge.interval, judge.delay), (Span::from_secs(15), Span::from_secs(30)));
        assert_eq!(judge.on_fail, OnFail::Rollback);
        assert_eq!(judge.metric == Metric::Both, *kind == "robust");
    }
    let slow = read("kind = \"threshold\"\nmetric = \"latency\"\nlimit = \"200ms\"\n").unwrap();
    assert_eq!(slow.kind, JudgeKind::Threshold { limit: 0.2, scrapes: 3 });
    let sprt = read("kind = \"sprt\"\nalpha = \"2%\"\nlaw = \"poisson\"\n").unwrap();
    assert!(matches!(sprt.kind, JudgeKind::Sprt { alpha, .. } if alpha == Share(0.02)));
}

#[test]
fn what_a_kind_does_not_read_is_refused() {
    let said = |lines: &str| read(lines).unwrap_err().join("; ");
    assert!(said("kind = \"sprt\"\ncount = 3\n").contains("`count` has no meaning"));
    assert!(said("kind = \"sprt\"\nmetric = \"latency\"\n").contains("looks at errors"));
    assert!(said("kind = \"relative\"\nmetric = \"both\"\n").contains("one metric"));
    assert!(said("kind = \"threshold\"\nlimit = \"1s\"\n").contains("does not fit"));
    assert!(said("kind = \"threshold\"\nmetric = \"latency\"\n").contains("which latency"));
    assert!(said("kind = \"burn_rate\"\nshort = \"2h\"\n").contains("short window"));
    assert!(said("kind = \"burn_rate\"\nslo = \"100%\"\n").contains("without a budget"));
    assert!(said("kind = \"sprt\"\np0 = \"2%\"\n").contains("below `p1`"));
    assert!(said("kind = \"msprt\"\nalpha = \"0%\"\n").contains("above 0 %"));
    assert!(said("kind = \"robust\"\ninterval = \"0s\"\n").contains("must not be zero"));
}
