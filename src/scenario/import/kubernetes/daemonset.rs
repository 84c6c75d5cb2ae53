//! How a `DaemonSet` rolls.
//!
//! Source: `pkg/apis/apps/v1/defaults.go`, `SetDefaults_DaemonSet`;
//! `pkg/controller/daemon/update.go` (both percentages are rounded up).

use super::workload::{Rules, Workload};
use crate::scenario::import::ImportError;
use crate::scenario::import::fields::Fields;
use crate::scenario::import::parts;
use crate::scenario::import::toml_text::{TomlText, quoted};
use crate::units::{CountOrPercent, Rounding};

/// `updateStrategy`.
#[derive(Debug)]
pub(super) struct DaemonSet {
    kind: Option<&'static str>,
    max_unavailable: Option<CountOrPercent>,
    max_surge: Option<CountOrPercent>,
}

const ONE: CountOrPercent = CountOrPercent::Count(1);
const NONE: CountOrPercent = CountOrPercent::Count(0);

/// Reads it.
pub(super) fn read(spec: &Fields<'_>) -> Result<DaemonSet, ImportError> {
    let update = spec.child("updateStrategy")?;
    let rolling = update.child("rollingUpdate")?;
    let rules = DaemonSet {
        kind: update.word("type", &["RollingUpdate", "OnDelete"])?,
        max_unavailable: rolling.amount("maxUnavailable")?,
        max_surge: rolling.amount("maxSurge")?,
    };
    match (rules.unavailable().is_zero(), rules.surge().is_zero()) {
        (true, true) => Err(rolling
            .error("maxUnavailable", "maxSurge and maxUnavailable are both 0")
            .hint("the API refuses that: nothing could ever be replaced")),
        (false, false) => Err(rolling
            .error("maxSurge", "maxSurge of a DaemonSet needs maxUnavailable 0")
            .hint("the API refuses both; write maxUnavailable: 0")),
        _ => Ok(rules),
    }
}

impl DaemonSet {
    fn unavailable(&self) -> CountOrPercent {
        self.max_unavailable.unwrap_or(ONE)
    }

    fn surge(&self) -> CountOrPercent {
        self.max_surge.unwrap_or(NONE)
    }

    fn on_delete(&self) -> bool {
        self.kind == Some("OnDelete")
    }

    fn both(&self, n: u32) -> (u32, u32) {
        (self.unavailable().of(n, Rounding::Up).min(n), self.surge().of(n, Rounding::Up).min(n))
    }
}

impl Rules for DaemonSet {
    fn floor(&self, n: u32) -> (u32, String) {
        let (down, _) = self.both(n);
        let down = if self.on_delete() { n } else { down };
        (n - down, format!("{n} nodes - unavailable {down}, as the strategy means"))
    }

    fn waves(&self, n: u32) -> u32 {
        let (down, surge) = self.both(n);
        n.div_ceil((down + surge).max(1))
    }

    fn waits(&self) -> Option<String> {
        self.on_delete().then(|| "OnDelete: pods are new once somebody deletes them".to_owned())
    }

    fn write(&self, out: &mut TomlText, workload: &Workload, n: u32) {
        let (down, surge) = self.both(n);
        out.table("strategy.daemonset");
        let key = ("type", "updateStrategy.type");
        parts::stated(out, key, self.kind, "RollingUpdate", |word| quoted(word));
        if !self.on_delete() {
            let source = parts::source("maxUnavailable", self.max_unavailable.is_some());
            let comment = format!("{source}; rounded up, {down} of {n}");
            out.value("max_unavailable", &parts::amount(self.unavailable()), &comment);
            let source = parts::source("maxSurge", self.max_surge.is_some());
            let comment = format!("{source}; rounded up, {surge} of {n}");
            out.value("max_surge", &parts::amount(self.surge()), &comment);
        }
        workload.write_min_ready(out);
    }

    fn text(&self, _: &Workload, n: u32) -> String {
        let (down, surge) = self.both(n);
        let mark = |stated: bool| if stated { "" } else { " (default)" };
        format!(
            "updateStrategy {}{}, maxUnavailable {} → {down}{}, maxSurge {} → {surge}{}",
            self.kind.unwrap_or("RollingUpdate"),
            mark(self.kind.is_some()),
            self.unavailable(),
            mark(self.max_unavailable.is_some()),
            self.surge(),
            mark(self.max_surge.is_some())
        )
    }
}
