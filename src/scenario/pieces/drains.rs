//! `[drains]`: hosts are emptied one after the other while the rollout runs.

use super::{
    Default::Is, Default::Required, Default::Says, Env, Key, Kind, Page, Piece, Table, key,
};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::raw::Value;
use crate::units::{CountOrPercent, Rounding, Span};

/// Somebody drains hosts: for an upgrade of theirs, say.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Drains {
    /// When the first is begun, after the beginning of the rollout.
    pub at: Span,
    /// How many, one after the other, in order of their numbers.
    pub hosts: u32,
    /// What the disruption budget keeps.
    pub budget: Budget,
    /// A refused eviction is tried again after this.
    pub retry: Span,
    /// An empty host takes instances again after this, and then the next is drained; `None`:
    /// never, and the next is drained at once.
    pub back: Option<Span>,
}

/// A disruption budget (`PodDisruptionBudget`). Percentages are of the wanted instances and are
/// rounded up.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub enum Budget {
    /// There is none: everything is evicted at once.
    None,
    /// So many ready instances stay.
    MinAvailable(CountOrPercent),
    /// So many of those wanted may be missing.
    MaxUnavailable(CountOrPercent),
}

impl Budget {
    /// Ready instances that an eviction must leave, of `desired`.
    pub fn keeps(self, desired: u32) -> u32 {
        match self {
            Self::None => 0,
            Self::MinAvailable(least) => least.of(desired, Rounding::Up),
            Self::MaxUnavailable(most) => desired.saturating_sub(most.of(desired, Rounding::Up)),
        }
    }
}

impl Piece for Drains {
    const TABLE: Table = Table {
        path: "drains",
        about: "Hosts are emptied one after the other while the rollout runs.",
        keys: KEYS,
    };

    fn read(env: &mut Env<'_>, path: &str) -> Self {
        let retry = env.positive(path, "retry");
        let fleet = env.section("service").count("instances");
        let hosts_section = env.section("hosts");
        let there = match hosts_section.written("count") {
            Some(_) => hosts_section.count("count"),
            None => fleet,
        };
        let section = env.section(path);
        let (hosts, place) = (section.count("hosts"), section.place("hosts"));
        let back = match section.value("back") {
            Value::Span(back) => Some(back),
            _ => None,
        };
        let at = section.span("at");
        let least = section.written("min_available").map(|_| section.amount("min_available"));
        let most = section.written("max_unavailable").map(|_| section.amount("max_unavailable"));
        let twice = section.written("max_unavailable").map(|entry| entry.key_at);
        let budget = match (least, most) {
            (Some(least), _) => Budget::MinAvailable(least),
            (None, Some(most)) => Budget::MaxUnavailable(most),
            (None, None) => Budget::None,
        };
        if let (Some(_), Some(at)) = (least, twice) {
            let message = "a disruption budget has `min_available` or `max_unavailable`, not both";
            env.problem(Diagnostic::new(Code::Conflict, at, message, "write one of them"));
        }
        if hosts > there || (hosts == there && back.is_none()) {
            let message = format!("{hosts} of {there} hosts are drained: nothing could run");
            let hint = "drain fewer, or let them come `back`";
            env.problem(Diagnostic::new(Code::Conflict, place, message, hint));
        }
        Self { at, hosts, budget, retry, back }
    }

    fn write(&self, page: &mut Page) {
        page.text("at", self.at);
        page.raw("hosts", self.hosts);
        match self.budget {
            Budget::None => {}
            Budget::MinAvailable(least) => page.amount("min_available", least),
            Budget::MaxUnavailable(most) => page.amount("max_unavailable", most),
        }
        page.text("retry", self.retry);
        match self.back {
            Some(back) => page.text("back", back),
            None => page.text("back", "never"),
        }
    }
}

const KEYS: &[Key] = &[
    key("at", Kind::Duration, Is("\"0s\""), "After the beginning of the rollout.", "\"30s\""),
    key("hosts", Kind::Count(1, 1_000_000), Required, "How many are drained, in turn.", "2"),
    key(
        "min_available",
        Kind::Amount,
        Says("no disruption budget"),
        "Ready instances that evictions leave; percentages are rounded up.",
        "\"80%\"",
    ),
    key(
        "max_unavailable",
        Kind::Amount,
        Says("no disruption budget"),
        "Wanted instances that may be missing after an eviction; percentages are rounded up.",
        "1",
    ),
    key(
        "retry",
        Kind::Duration,
        Is("\"5s\""),
        "A refused eviction is tried again after this.",
        "\"5s\"",
    ),
    key(
        "back",
        Kind::OneOf(&[Kind::Word(&["never"]), Kind::Duration]),
        Is("\"never\""),
        "An empty host takes instances again after this; then the next is drained.",
        "\"3m\"",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// `pkg/controller/disruption/disruption.go` rounds both percentages up.
    #[test]
    fn percentages_of_a_budget_are_rounded_up() {
        let percent = CountOrPercent::Percent;
        let half: Vec<u32> =
            [1, 3, 5, 7].map(|n| Budget::MinAvailable(percent(50.0)).keeps(n)).into();
        assert_eq!(half, [1, 2, 3, 4]);
        let missing: Vec<u32> =
            [1, 3, 10, 12].map(|n| n - Budget::MaxUnavailable(percent(8.0)).keeps(n)).into();
        assert_eq!(missing, [1; 4]);
        assert_eq!(Budget::MaxUnavailable(CountOrPercent::Count(9)).keeps(4), 0);
        assert_eq!(Budget::MinAvailable(CountOrPercent::Count(9)).keeps(4), 9);
        assert_eq!(Budget::None.keeps(4), 0);
    }
}
