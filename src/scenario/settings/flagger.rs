//! `[strategy.flagger]`: a Flagger Canary of a Deployment.

use super::Default::{Is, Says};
use super::operation::{self, Operation};
use super::{Env, Key, Kind, Page, Settings, Table, key};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::raw::Value;
use crate::units::{CountOrPercent, Share, Span};

const PATH: &str = "strategy.flagger";

/// A Flagger Canary of a Deployment.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Flagger {
    /// What moves the traffic.
    pub provider: FlaggerProvider,
    /// A tick: nothing happens between ticks. Default 60 s, at least 10 s.
    pub interval: Span,
    /// So many failed checks in all roll back. Default 1.
    pub threshold: u32,
    /// At this weight the canary is promoted. Default 100.
    pub max_weight: u32,
    /// Added each tick.
    pub step_weight: u32,
    /// The weights in turn, instead.
    pub step_weights: Vec<u32>,
    /// Given back to the primary each tick after promotion; 0: all at once.
    pub step_weight_promotion: u32,
    /// Checks before the switch (blue-green); 0: by weight.
    pub iterations: u32,
    /// Without progress for so long a canary that is not ready is rolled back. Default 10 min.
    pub progress_deadline: Span,
    /// So much of the canary must be ready, in percent.
    pub canary_ready_threshold: u32,
    /// So much of the primary must be ready, in percent.
    pub primary_ready_threshold: u32,
    /// A check with more errors of the new version than this fails.
    pub max_error_share: Share,
    /// Promote without analysis.
    pub skip_analysis: bool,
    /// Wait for somebody (`promote`) before the canary starts.
    pub confirm_rollout: bool,
    /// Wait for somebody (`promote`) before promotion.
    pub confirm_promotion: bool,
    /// Of the Deployments: pods above. Default 25%.
    pub max_surge: CountOrPercent,
    /// Of the Deployments: pods below. Default 25%.
    pub max_unavailable: CountOrPercent,
    /// A pod is available after it has been ready so long. Default 0.
    pub min_ready: Span,
    /// Changes that somebody makes while the rollout runs, in order of time.
    pub operations: Vec<(Span, Operation)>,
}

/// What moves the traffic under Flagger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum FlaggerProvider {
    /// A service mesh or an ingress, by weights.
    Mesh,
    /// Nothing: the service points at the primary; checks only.
    Kubernetes,
}

impl Settings for Flagger {
    const TABLE: Table = Table {
        path: PATH,
        about: "A Flagger Canary: ticks, weights, promotion by copying.",
        keys: KEYS,
    };
    const WORLD: &'static [(&'static str, &'static str)] = super::pods::WORLD;

    fn read(env: &mut Env<'_>) -> Self {
        let operations = operation::read(env, PATH);
        let entries = env.section(PATH).list("step_weights");
        let section = env.section(PATH);
        let provider = match section.word("provider") {
            "kubernetes" => FlaggerProvider::Kubernetes,
            _ => FlaggerProvider::Mesh,
        };
        let step_weights: Vec<u32> = entries
            .iter()
            .filter_map(|e| if let Value::Count(weight) = e.value { Some(weight) } else { None })
            .collect();
        let kubernetes = provider == FlaggerProvider::Kubernetes;
        let settings = Self {
            provider,
            interval: section.span("interval"),
            threshold: section.count("threshold"),
            max_weight: section.count("max_weight"),
            step_weight: section.count("step_weight"),
            step_weight_promotion: section.count("step_weight_promotion"),
            iterations: match section.written("iterations") {
                Some(_) => section.count("iterations"),
                None => 10 * u32::from(kubernetes),
            },
            progress_deadline: section.span("progress_deadline"),
            canary_ready_threshold: section.count("canary_ready_threshold"),
            primary_ready_threshold: section.count("primary_ready_threshold"),
            max_error_share: section.share("max_error_share"),
            skip_analysis: section.flag("skip_analysis"),
            confirm_rollout: section.flag("confirm_rollout"),
            confirm_promotion: section.flag("confirm_promotion"),
            max_surge: section.amount("max_surge"),
            max_unavailable: section.amount("max_unavailable"),
            min_ready: section.span("min_ready"),
            step_weights,
            operations,
        };
        check(&settings, env);
        settings
    }

    fn write(&self, page: &mut Page) {
        let kubernetes = self.provider == FlaggerProvider::Kubernetes;
        page.text("provider", if kubernetes { "kubernetes" } else { "mesh" });
        page.text("interval", self.interval);
        page.raw("threshold", self.threshold);
        page.raw("max_weight", self.max_weight);
        page.raw("step_weight", self.step_weight);
        page.raw("step_weights", format!("{:?}", self.step_weights));
        page.raw("step_weight_promotion", self.step_weight_promotion);
        page.raw("iterations", self.iterations);
        page.text("progress_deadline", self.progress_deadline);
        page.raw("canary_ready_threshold", self.canary_ready_threshold);
        page.raw("primary_ready_threshold", self.primary_ready_threshold);
        page.text("max_error_share", self.max_error_share);
        page.raw("skip_analysis", self.skip_analysis);
        page.raw("confirm_rollout", self.confirm_rollout);
        page.raw("confirm_promotion", self.confirm_promotion);
        page.amount("max_surge", self.max_surge);
        page.amount("max_unavailable", self.max_unavailable);
        page.text("min_ready", self.min_ready);
        operation::write(&self.operations, page);
    }

    fn describe(&self) -> String {
        let interval = self.interval;
        match (self.iterations, &self.step_weights[..]) {
            (0, []) => {
                format!("flagger, every {interval} {} of {}", self.step_weight, self.max_weight)
            }
            (0, weights) => format!("flagger, every {interval} one of {weights:?}"),
            (iterations, _) => format!("flagger, blue-green, {iterations} checks every {interval}"),
        }
    }

    fn bake(&self) -> Span {
        self.interval
    }
}

fn check(settings: &Flagger, env: &mut Env<'_>) {
    let section = env.section(PATH);
    let interval = (settings.interval < Span::from_secs(10)).then(|| section.place("interval"));
    let weights = section.place("step_weights");
    let step = section.place("step_weight");
    let iterations = section.place("iterations");
    let deadline = section.place("progress_deadline");
    if let Some(at) = interval {
        let message = "Flagger ticks every 10s at the most";
        env.problem(Diagnostic::new(Code::OutOfRange, at, message, "write interval = \"10s\""));
    }
    let rises = settings.step_weights.windows(2).all(|pair| pair[0] < pair[1]);
    let positive = settings.step_weights.first().is_none_or(|first| *first > 0);
    if !rises || !positive || settings.step_weights.last().is_some_and(|last| *last > 100) {
        let message = "the weights must rise, from above 0 to at most 100";
        let hint = "write step_weights = [1, 5, 20, 50]";
        env.problem(Diagnostic::new(Code::OutOfRange, weights, message, hint));
    }
    if settings.step_weight == 0 && settings.step_weights.is_empty() && settings.iterations == 0 {
        let message = "without a step the weight never rises";
        env.problem(Diagnostic::new(Code::OutOfRange, step, message, "write step_weight = 10"));
    }
    if settings.provider == FlaggerProvider::Kubernetes && settings.iterations == 0 {
        let message = "without a mesh there are no weights, only iterations";
        env.problem(Diagnostic::new(Code::Conflict, iterations, message, "write iterations = 10"));
    }
    super::pods::check_router(env);
    super::pods::check_deadline(env, deadline, settings.progress_deadline, settings.min_ready);
}

const KEYS: &[Key] = &[
    key(
        "provider",
        Kind::Word(&["mesh", "kubernetes"]),
        Is("\"mesh\""),
        "What moves the traffic: a mesh or ingress, or nothing (checks only).",
        "\"mesh\"",
    ),
    key("interval", Kind::Duration, Is("\"60s\""), "A tick; at least 10 s.", "\"30s\""),
    key(
        "threshold",
        Kind::Count(1, 1_000_000),
        Is("1"),
        "So many failed checks in all, not in a row, roll back.",
        "5",
    ),
    key("max_weight", Kind::Count(1, 100), Is("100"), "Promoted at this weight.", "50"),
    key("step_weight", Kind::Count(0, 100), Is("10"), "Added each tick.", "5"),
    key(
        "step_weights",
        Kind::List(&Kind::Count(0, 100)),
        Is("[]"),
        "The weights in turn, instead of `step_weight`.",
        "[1, 5, 20, 50]",
    ),
    key(
        "step_weight_promotion",
        Kind::Count(0, 100),
        Is("0"),
        "Given back to the primary each tick after promotion; 0: all at once.",
        "20",
    ),
    key(
        "iterations",
        Kind::Count(0, 1_000_000),
        Says("0: by weight; 10 with `provider = \"kubernetes\"`"),
        "Checks before all of the traffic switches (blue-green).",
        "10",
    ),
    key(
        "progress_deadline",
        Kind::Duration,
        Is("\"10m\""),
        "A canary that is not ready and makes no progress for so long is rolled back.",
        "\"10m\"",
    ),
    key(
        "canary_ready_threshold",
        Kind::Count(0, 100),
        Is("100"),
        "Percentage of the canary that must be ready.",
        "75",
    ),
    key(
        "primary_ready_threshold",
        Kind::Count(0, 100),
        Is("100"),
        "Percentage of the primary that must be ready.",
        "75",
    ),
    key(
        "max_error_share",
        Kind::Share,
        Is("\"1%\""),
        "A check with more errors in the new version's answers fails.",
        "\"5%\"",
    ),
    key("skip_analysis", Kind::Flag, Is("false"), "Promote without analysis.", "true"),
    key(
        "confirm_rollout",
        Kind::Flag,
        Is("false"),
        "Somebody must `promote` before the canary starts.",
        "true",
    ),
    key(
        "confirm_promotion",
        Kind::Flag,
        Is("false"),
        "Somebody must `promote` before the promotion.",
        "true",
    ),
    key("max_surge", Kind::Amount, Is("\"25%\""), "The Deployments' own.", "\"25%\""),
    key("max_unavailable", Kind::Amount, Is("\"25%\""), "The Deployments' own.", "0"),
    key("min_ready", Kind::Duration, Is("\"0s\""), "Ready so long is available.", "\"10s\""),
    key(
        "operations",
        operation::KIND,
        Is("[]"),
        "Changes that somebody makes in mid-rollout.",
        "[{ at = \"10m\", do = \"promote\" }]",
    ),
];
