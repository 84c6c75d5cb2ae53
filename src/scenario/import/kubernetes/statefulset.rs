//! How a `StatefulSet` rolls.
//!
//! Source: `pkg/apis/apps/v1/defaults.go`, `SetDefaults_StatefulSet`;
//! `pkg/controller/statefulset/stateful_set_control.go`.

use super::workload::{Rules, Workload};
use crate::scenario::import::ImportError;
use crate::scenario::import::fields::Fields;
use crate::scenario::import::parts;
use crate::scenario::import::toml_text::{TomlText, quoted};
use crate::units::{CountOrPercent, Rounding};

/// `podManagementPolicy` and `updateStrategy`.
#[derive(Debug)]
pub(super) struct StatefulSet {
    policy: Option<&'static str>,
    kind: Option<&'static str>,
    partition: Option<u32>,
    max_unavailable: Option<CountOrPercent>,
}

/// Reads them.
pub(super) fn read(spec: &Fields<'_>) -> Result<StatefulSet, ImportError> {
    let update = spec.child("updateStrategy")?;
    let rolling = update.child("rollingUpdate")?;
    let max_unavailable = rolling.amount("maxUnavailable")?;
    if max_unavailable.is_some_and(CountOrPercent::is_zero) {
        return Err(rolling
            .error("maxUnavailable", "maxUnavailable of a StatefulSet must not be 0")
            .hint("the API refuses that; write 1"));
    }
    Ok(StatefulSet {
        policy: spec.word("podManagementPolicy", &["OrderedReady", "Parallel"])?,
        kind: update.word("type", &["RollingUpdate", "OnDelete"])?,
        partition: rolling.count("partition")?,
        max_unavailable,
    })
}

impl StatefulSet {
    fn on_delete(&self) -> bool {
        self.kind == Some("OnDelete")
    }

    fn at_once(&self, n: u32) -> u32 {
        self.max_unavailable.map_or(1, |most| most.of(n, Rounding::Down).max(1)).min(n)
    }
}

impl Rules for StatefulSet {
    fn floor(&self, n: u32) -> (u32, String) {
        let down = if self.on_delete() { n } else { self.at_once(n) };
        (n - down, format!("replicas {n} - {down} at a time, each stopped first"))
    }

    fn waves(&self, n: u32) -> u32 {
        n.saturating_sub(self.partition.unwrap_or(0)).div_ceil(self.at_once(n))
    }

    fn waits(&self) -> Option<String> {
        if self.on_delete() {
            return Some("OnDelete: pods are new once somebody deletes them".to_owned());
        }
        let partition = self.partition.filter(|partition| *partition > 0);
        partition.map(|partition| format!("partition {partition}: never complete while it stands"))
    }

    fn notes(&self) -> Vec<String> {
        let partition = self.partition.filter(|partition| *partition > 0);
        let note = |partition| {
            format!("partition {partition}: pods with a lower ordinal stay on the old version.")
        };
        partition.map(note).into_iter().collect()
    }

    fn write(&self, out: &mut TomlText, workload: &Workload, n: u32) {
        out.table("strategy.statefulset");
        let key = ("pod_management_policy", "podManagementPolicy");
        parts::stated(out, key, self.policy, "OrderedReady", |word| quoted(word));
        let key = ("type", "updateStrategy.type");
        parts::stated(out, key, self.kind, "RollingUpdate", |word| quoted(word));
        if !self.on_delete() {
            let key = ("partition", "partition");
            parts::stated(out, key, self.partition, 0, u32::to_string);
            if let Some(most) = self.max_unavailable {
                let comment = format!("maxUnavailable; rounded down, {} of {n}", self.at_once(n));
                out.value("max_unavailable", &parts::amount(most), &comment);
            }
        }
        workload.write_min_ready(out);
    }

    fn text(&self, _: &Workload, n: u32) -> String {
        let mark = |stated: bool| if stated { "" } else { " (default)" };
        let most = match self.max_unavailable {
            Some(most) => format!(", maxUnavailable {most} → {}", self.at_once(n)),
            None => String::new(),
        };
        format!(
            "podManagementPolicy {}{}, updateStrategy {}{}, partition {}{}{most}",
            self.policy.unwrap_or("OrderedReady"),
            mark(self.policy.is_some()),
            self.kind.unwrap_or("RollingUpdate"),
            mark(self.kind.is_some()),
            self.partition.unwrap_or(0),
            mark(self.partition.is_some())
        )
    }

    fn ignored(&self) -> Vec<String> {
        let gate = "maxUnavailable needs the feature gate MaxUnavailableStatefulSet (taken as on)";
        self.max_unavailable.map(|_| gate.to_owned()).into_iter().collect()
    }
}
