//! `[strategy.argo_bluegreen]`: an Argo Rollout with the blue-green strategy.

use super::Default::{Is, Says};
use super::analysis::{self, Analysis};
use super::operation::{self, Operation};
use super::{Env, Key, Kind, Page, Settings, Table, key};
use crate::scenario::raw::Value;
use crate::units::Span;

const PATH: &str = "strategy.argo_bluegreen";

/// An Argo Rollout with the blue-green strategy.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ArgoBluegreen {
    /// Size of the preview set before promotion; `None`: spec replicas.
    pub preview_replica_count: Option<u32>,
    /// Whether the switch needs nobody.
    pub auto_promotion_enabled: bool,
    /// Wait so long before the switch; zero: not at all.
    pub auto_promotion_seconds: Span,
    /// Before the switch.
    pub pre_promotion_analysis: Option<Analysis>,
    /// After the switch; if it fails the traffic goes back.
    pub post_promotion_analysis: Option<Analysis>,
    /// How long the old set stays after the switch.
    pub scale_down_delay: Span,
    /// How long the new set stays after an abort; zero: for ever.
    pub abort_scale_down_delay: Span,
    /// A pod is available after it has been ready so long. Default 0.
    pub min_ready: Span,
    /// Without progress for so long the rollout is degraded. Default 10 min.
    pub progress_deadline: Span,
    /// Whether it is then aborted.
    pub progress_deadline_abort: bool,
    /// Changes that somebody makes while the rollout runs, in order of time.
    pub operations: Vec<(Span, Operation)>,
}

impl Settings for ArgoBluegreen {
    const TABLE: Table = Table {
        path: PATH,
        about: "An Argo Rollout: blue-green, a second fleet and one switch.",
        keys: KEYS,
    };
    const WORLD: &'static [(&'static str, &'static str)] = super::pods::WORLD;

    fn read(env: &mut Env<'_>) -> Self {
        let operations = operation::read(env, PATH);
        let pre_promotion_analysis = analysis::read_awaited(env, PATH, "pre_promotion_analysis");
        let post_promotion_analysis = analysis::read_awaited(env, PATH, "post_promotion_analysis");
        let section = env.section(PATH);
        let settings = Self {
            preview_replica_count: match section.value("preview_replica_count") {
                Value::Count(count) => Some(count),
                _ => None,
            },
            auto_promotion_enabled: section.flag("auto_promotion_enabled"),
            auto_promotion_seconds: section.span("auto_promotion_seconds"),
            pre_promotion_analysis,
            post_promotion_analysis,
            scale_down_delay: section.span("scale_down_delay"),
            abort_scale_down_delay: section.span("abort_scale_down_delay"),
            min_ready: section.span("min_ready"),
            progress_deadline: section.span("progress_deadline"),
            progress_deadline_abort: section.flag("progress_deadline_abort"),
            operations,
        };
        let at = section.place("progress_deadline");
        super::pods::check_router(env);
        super::pods::check_deadline(env, at, settings.progress_deadline, settings.min_ready);
        settings
    }

    fn write(&self, page: &mut Page) {
        match self.preview_replica_count {
            Some(count) => page.raw("preview_replica_count", count),
            None => page.text("preview_replica_count", "all"),
        }
        page.raw("auto_promotion_enabled", self.auto_promotion_enabled);
        page.text("auto_promotion_seconds", self.auto_promotion_seconds);
        if let Some(analysis) = &self.pre_promotion_analysis {
            page.raw("pre_promotion_analysis", analysis::text(analysis));
        }
        if let Some(analysis) = &self.post_promotion_analysis {
            page.raw("post_promotion_analysis", analysis::text(analysis));
        }
        page.text("scale_down_delay", self.scale_down_delay);
        page.text("abort_scale_down_delay", self.abort_scale_down_delay);
        page.text("min_ready", self.min_ready);
        page.text("progress_deadline", self.progress_deadline);
        page.raw("progress_deadline_abort", self.progress_deadline_abort);
        operation::write(&self.operations, page);
    }

    fn describe(&self) -> String {
        let promotion = match (self.auto_promotion_enabled, self.auto_promotion_seconds) {
            (true, Span::ZERO) => "promotes at once".to_owned(),
            (true, wait) => format!("promotes after {wait}"),
            (false, _) => "waits for promotion".to_owned(),
        };
        format!("argo blue-green, {promotion}")
    }

    fn bake(&self) -> Span {
        self.auto_promotion_seconds
    }
}

const KEYS: &[Key] = &[
    key(
        "preview_replica_count",
        Kind::OneOf(&[Kind::Word(&["all"]), Kind::Count(1, 1_000_000)]),
        Is("\"all\""),
        "Size of the new set before promotion.",
        "2",
    ),
    key(
        "auto_promotion_enabled",
        Kind::Flag,
        Is("true"),
        "Whether the switch needs nobody; else somebody must promote.",
        "false",
    ),
    key(
        "auto_promotion_seconds",
        Kind::Duration,
        Is("\"0s\""),
        "The new set waits so long before the switch, or until somebody promotes.",
        "\"5m\"",
    ),
    key(
        "pre_promotion_analysis",
        analysis::KIND,
        Says("none"),
        "Before the switch; a failure aborts.",
        analysis::EXAMPLE,
    ),
    key(
        "post_promotion_analysis",
        analysis::KIND,
        Says("none"),
        "After the switch; a failure switches back.",
        analysis::EXAMPLE,
    ),
    key(
        "scale_down_delay",
        Kind::Duration,
        Is("\"30s\""),
        "How long the old set stays after the switch.",
        "\"1m\"",
    ),
    key(
        "abort_scale_down_delay",
        Kind::Duration,
        Is("\"30s\""),
        "How long the new set stays after an abort; 0: for ever.",
        "\"1m\"",
    ),
    key("min_ready", Kind::Duration, Is("\"0s\""), "Ready so long is available.", "\"10s\""),
    key(
        "progress_deadline",
        Kind::Duration,
        Is("\"10m\""),
        "Without progress for so long the rollout is degraded.",
        "\"10m\"",
    ),
    key("progress_deadline_abort", Kind::Flag, Is("false"), "It is then aborted.", "true"),
    key(
        "operations",
        operation::KIND,
        Is("[]"),
        "Changes that somebody makes in mid-rollout.",
        "[{ at = \"10m\", do = \"promote\" }]",
    ),
];
