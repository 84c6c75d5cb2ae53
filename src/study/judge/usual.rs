//! The judges that are compared where the scenario names none: one of each kind, by its defaults.

use std::path::Path;

use crate::scenario::load;
use crate::scenario::pieces::{Judge, Named};

/// A scenario that exists for its judges.
const TEXT: &str = r#"
rollcast = 1
[service]
instances = 1
[versions.old]
start = "1s"
service_time = "1s"
[traffic]
rate = "1/s"
[strategy.generic]
[judges.burn_rate]
kind = "burn_rate"
[judges.failures]
kind = "failures"
[judges.kayenta]
kind = "kayenta"
metric = "both"
[judges.msprt]
kind = "msprt"
[judges.relative]
kind = "relative"
[judges.robust]
kind = "robust"
[judges.sprt]
kind = "sprt"
[judges.threshold]
kind = "threshold"
"#;

/// All of them.
pub(super) fn judges() -> Vec<Named<Judge>> {
    match load(TEXT, "usual.toml", Path::new("."), &[]) {
        Ok(loaded) => loaded.scenario.pieces.judges,
        Err(error) => unreachable!("the usual judges are sound: {:?}", error.diagnostics),
    }
}
