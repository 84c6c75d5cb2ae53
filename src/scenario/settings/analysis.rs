//! An analysis of a canary's metrics: `{ interval = "1m", count = 5, failure_limit = 1 }`.

use super::Default::{Is, Says};
use super::{Env, Key, Kind, key};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::keys::Form;
use crate::scenario::raw::{Entry, Value};
use crate::units::{Share, Span};

/// One metric of an `AnalysisTemplate`: the share of requests that the new version answers with
/// an error.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Analysis {
    /// Between measurements.
    pub interval: Span,
    /// Measurements; `None`: without end.
    pub count: Option<u32>,
    /// Before the first measurement.
    pub initial_delay: Span,
    /// A measurement above this has failed.
    pub max_error_share: Share,
    /// A measurement up to this is a success; one between the two is inconclusive.
    pub success_error_share: Share,
    /// More failed measurements than this fail the analysis.
    pub failure_limit: u32,
    /// More inconclusive measurements than this make it inconclusive.
    pub inconclusive_limit: u32,
    /// More measurements in a row without a value than this are an error.
    pub consecutive_error_limit: u32,
    /// So many successes in a row end it well; 0: they do not.
    pub consecutive_success_limit: u32,
    /// Measured, but never a reason to stop.
    pub dry_run: bool,
}

/// The kind of a key that takes an analysis.
pub(super) const KIND: Kind = Kind::Record(FORMS);

/// An example of one, in TOML.
pub(super) const EXAMPLE: &str = "{ interval = \"1m\", count = 5, max_error_share = \"2%\" }";

const FORMS: &[Form] = &[Form {
    name: "analysis",
    tag: None,
    marks: &[
        "interval",
        "count",
        "initial_delay",
        "max_error_share",
        "success_error_share",
        "failure_limit",
        "inconclusive_limit",
        "consecutive_error_limit",
        "consecutive_success_limit",
        "dry_run",
    ],
    keys: KEYS,
}];

const KEYS: &[Key] = &[
    key(
        "interval",
        Kind::Duration,
        Says("none: a single measurement"),
        "Between measurements.",
        "\"1m\"",
    ),
    key(
        "count",
        Kind::OneOf(&[Kind::Word(&["unbounded"]), Kind::Count(1, 1_000_000)]),
        Says("unbounded; 1 without `interval`"),
        "Measurements.",
        "5",
    ),
    key("initial_delay", Kind::Duration, Is("\"0s\""), "Before the first.", "\"30s\""),
    key(
        "max_error_share",
        Kind::Share,
        Is("\"5%\""),
        "With more errors than this in the new version's answers a measurement fails.",
        "\"2%\"",
    ),
    key(
        "success_error_share",
        Kind::Share,
        Says("`max_error_share`"),
        "Up to this it is a success; between the two it is inconclusive.",
        "\"1%\"",
    ),
    key("failure_limit", Kind::Count(0, 1_000_000), Is("0"), "More failures fail it.", "2"),
    key(
        "inconclusive_limit",
        Kind::Count(0, 1_000_000),
        Is("0"),
        "More inconclusive measurements than this pause the rollout.",
        "2",
    ),
    key(
        "consecutive_error_limit",
        Kind::Count(0, 1_000_000),
        Is("4"),
        "More measurements in a row without a value than this are an error.",
        "4",
    ),
    key(
        "consecutive_success_limit",
        Kind::Count(0, 1_000_000),
        Is("0"),
        "So many successes in a row end it well; 0: they do not.",
        "3",
    ),
    key("dry_run", Kind::Flag, Is("false"), "Measure, but never stop the rollout.", "true"),
];

/// Reads an optional analysis of a strategy's table.
pub(super) fn read(env: &mut Env<'_>, path: &str, key: &str) -> Option<Analysis> {
    let entry = env.section(path).written(key)?.clone();
    Some(of(env, path, &entry))
}

/// The same of one that the rollout waits for: Argo refuses it if it never ends.
pub(super) fn read_awaited(env: &mut Env<'_>, path: &str, key: &str) -> Option<Analysis> {
    let entry = env.section(path).written(key)?.clone();
    Some(awaited(env, path, &entry))
}

/// From a value of [`KIND`]; it must end.
pub(super) fn awaited(env: &mut Env<'_>, path: &str, entry: &Entry) -> Analysis {
    let analysis = of(env, path, entry);
    if analysis.count.is_none() && analysis.consecutive_success_limit == 0 {
        let message = "the rollout waits for this analysis, which never ends";
        let hint = "write a `count`";
        env.problem(Diagnostic::new(Code::Conflict, entry.at, message, hint));
    }
    analysis
}

/// From a value of [`KIND`].
fn of(env: &mut Env<'_>, path: &str, entry: &Entry) -> Analysis {
    let Value::Record(_, fields) = &entry.value else {
        unreachable!("declared as a table: {entry:?}")
    };
    let (analysis, counted) = {
        let section = env.section(path);
        let section = section.inner(KEYS, fields);
        let interval = section.written("interval").map(|_| section.span("interval"));
        let max_error_share = section.share("max_error_share");
        let success = section.written("success_error_share");
        let counted = section.written("count").map(|entry| &entry.value);
        let count = match counted {
            Some(Value::Count(count)) => Some(*count),
            Some(_) => None,
            None => interval.is_none().then_some(1),
        };
        let analysis = Analysis {
            interval: interval.unwrap_or(Span::ZERO),
            count,
            initial_delay: section.span("initial_delay"),
            max_error_share,
            success_error_share: success
                .map_or(max_error_share, |_| section.share("success_error_share")),
            failure_limit: section.count("failure_limit"),
            inconclusive_limit: section.count("inconclusive_limit"),
            consecutive_error_limit: section.count("consecutive_error_limit"),
            consecutive_success_limit: section.count("consecutive_success_limit"),
            dry_run: section.flag("dry_run"),
        };
        (analysis, counted.is_some())
    };
    if analysis.count != Some(1) && analysis.interval == Span::ZERO {
        let message = "several measurements need an `interval` between them";
        let hint = if counted { "write interval = \"1m\"" } else { "an interval above 0s" };
        env.problem(Diagnostic::new(Code::Conflict, entry.at, message, hint));
    }
    if analysis.success_error_share > analysis.max_error_share {
        let message = "`success_error_share` is above `max_error_share`";
        let hint = "what fails cannot be a success";
        env.problem(Diagnostic::new(Code::Conflict, entry.at, message, hint));
    }
    analysis
}

/// As TOML.
pub(super) fn text(analysis: &Analysis) -> String {
    let interval = match analysis.interval {
        Span::ZERO => String::new(),
        interval => format!("interval = \"{interval}\", "),
    };
    let count = match analysis.count {
        Some(count) => count.to_string(),
        None => "\"unbounded\"".to_owned(),
    };
    format!(
        "{{ {interval}count = {count}, initial_delay = \"{}\", max_error_share = \"{}\", \
         success_error_share = \"{}\", failure_limit = {}, inconclusive_limit = {}, \
         consecutive_error_limit = {}, consecutive_success_limit = {}, dry_run = {} }}",
        analysis.initial_delay,
        analysis.max_error_share,
        analysis.success_error_share,
        analysis.failure_limit,
        analysis.inconclusive_limit,
        analysis.consecutive_error_limit,
        analysis.consecutive_success_limit,
        analysis.dry_run,
    )
}
