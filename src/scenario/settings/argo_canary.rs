//! `[strategy.argo_canary]`: an Argo Rollout with the canary strategy.

use super::Default::{Is, Required, Says};
use super::analysis::{self, Analysis};
use super::operation::{self, Operation};
use super::{Env, Key, Kind, Page, Settings, Table, key};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::keys::Form;
use crate::scenario::raw::{Entry, Fields, Value};
use crate::units::{CountOrPercent, Span};

const PATH: &str = "strategy.argo_canary";

/// An Argo Rollout with the canary strategy.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ArgoCanary {
    /// What happens in turn; without any the rollout is an ordinary rolling update.
    pub steps: Vec<CanaryStep>,
    /// Whether a traffic router sends the weights; else they are made of pods.
    pub traffic_routing: bool,
    /// Of spec replicas, rounded up. Without a traffic router only. Default 25%.
    pub max_surge: CountOrPercent,
    /// Of spec replicas, rounded down. Without a traffic router only. Default 25%.
    pub max_unavailable: CountOrPercent,
    /// A pod is available after it has been ready so long. Default 0.
    pub min_ready: Span,
    /// Without progress for so long the rollout is degraded. Default 10 min.
    pub progress_deadline: Span,
    /// Whether it is then aborted.
    pub progress_deadline_abort: bool,
    /// The weight that is all of the traffic. Default 100.
    pub max_weight: u32,
    /// Whether the stable set shrinks while the canary grows.
    pub dynamic_stable_scale: bool,
    /// The least size of a set that has a weight.
    pub min_pods_per_replica_set: u32,
    /// So much of a step's canary must be available before traffic moves; a percentage of the
    /// canary is rounded up.
    pub replica_progress_threshold: CountOrPercent,
    /// How long the old set stays after the end.
    pub scale_down_delay: Span,
    /// How long the canary stays after an abort; zero: for ever; `None`: it shrinks with its
    /// traffic.
    pub abort_scale_down_delay: Option<Span>,
    /// Runs beside the steps.
    pub analysis: Option<Analysis>,
    /// From this step on, counted from 0.
    pub analysis_starting_step: u32,
    /// Changes that somebody makes while the rollout runs, in order of time.
    pub operations: Vec<(Span, Operation)>,
}

/// A step of a canary rollout.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub enum CanaryStep {
    /// `setWeight`.
    SetWeight(u32),
    /// `pause`; `None`: until somebody promotes.
    Pause(Option<Span>),
    /// `setCanaryScale`.
    SetCanaryScale(CanaryScale),
    /// `analysis`: until it has ended well.
    Analysis(Analysis),
    /// `experiment` of so long.
    Experiment(Span),
}

/// How large the canary is, whatever its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum CanaryScale {
    /// So many pods.
    Replicas(u32),
    /// So much of spec replicas, in units of the greatest weight.
    Weight(u32),
    /// As its weight says; the default.
    MatchTrafficWeight,
}

impl Settings for ArgoCanary {
    const TABLE: Table = Table {
        path: PATH,
        about: "An Argo Rollout: canary steps, by pods or by a traffic router.",
        keys: KEYS,
    };
    const WORLD: &'static [(&'static str, &'static str)] = super::pods::WORLD;

    fn read(env: &mut Env<'_>) -> Self {
        let operations = operation::read(env, PATH);
        let analysis = analysis::read(env, PATH, "analysis");
        let entries = env.section(PATH).list("steps");
        let steps: Vec<CanaryStep> = entries.iter().map(|entry| step(env, entry)).collect();
        let section = env.section(PATH);
        let settings = Self {
            steps,
            traffic_routing: section.flag("traffic_routing"),
            max_surge: section.amount("max_surge"),
            max_unavailable: section.amount("max_unavailable"),
            min_ready: section.span("min_ready"),
            progress_deadline: section.span("progress_deadline"),
            progress_deadline_abort: section.flag("progress_deadline_abort"),
            max_weight: section.count("max_weight"),
            dynamic_stable_scale: section.flag("dynamic_stable_scale"),
            min_pods_per_replica_set: section.count("min_pods_per_replica_set"),
            replica_progress_threshold: section.amount("replica_progress_threshold"),
            scale_down_delay: section.span("scale_down_delay"),
            abort_scale_down_delay: (section.written("abort_scale_down_delay").is_some()
                || !section.flag("dynamic_stable_scale"))
            .then(|| section.span("abort_scale_down_delay")),
            analysis,
            analysis_starting_step: section.count("analysis_starting_step"),
            operations,
        };
        check(&settings, &entries, env);
        settings
    }

    fn write(&self, page: &mut Page) {
        let steps: Vec<String> = self.steps.iter().map(step_text).collect();
        page.raw("steps", format!("[{}]", steps.join(", ")));
        page.raw("traffic_routing", self.traffic_routing);
        page.amount("max_surge", self.max_surge);
        page.amount("max_unavailable", self.max_unavailable);
        page.text("min_ready", self.min_ready);
        page.text("progress_deadline", self.progress_deadline);
        page.raw("progress_deadline_abort", self.progress_deadline_abort);
        if self.traffic_routing {
            page.raw("max_weight", self.max_weight);
            page.raw("dynamic_stable_scale", self.dynamic_stable_scale);
            page.raw("min_pods_per_replica_set", self.min_pods_per_replica_set);
            page.text("scale_down_delay", self.scale_down_delay);
            if let Some(delay) = self.abort_scale_down_delay {
                page.text("abort_scale_down_delay", delay);
            }
        }
        page.amount("replica_progress_threshold", self.replica_progress_threshold);
        if let Some(analysis) = &self.analysis {
            page.raw("analysis", analysis::text(analysis));
        }
        page.raw("analysis_starting_step", self.analysis_starting_step);
        operation::write(&self.operations, page);
    }

    fn describe(&self) -> String {
        let weights: Vec<String> = self
            .steps
            .iter()
            .filter_map(|step| match step {
                CanaryStep::SetWeight(weight) => Some(weight.to_string()),
                _ => None,
            })
            .collect();
        let by = if self.traffic_routing { "traffic" } else { "pods" };
        match weights[..] {
            [] => format!("argo canary by {by}, no weights"),
            _ => format!("argo canary by {by}, weights {}", weights.join(", ")),
        }
    }

    /// The longest pause with an end.
    fn bake(&self) -> Span {
        let pause = |step: &CanaryStep| match step {
            CanaryStep::Pause(Some(span)) => *span,
            _ => Span::ZERO,
        };
        self.steps.iter().map(pause).max().unwrap_or(Span::ZERO)
    }
}

fn check(settings: &ArgoCanary, entries: &[Entry], env: &mut Env<'_>) {
    let max = settings.max_weight;
    for (step, entry) in settings.steps.iter().zip(entries) {
        if matches!(step, CanaryStep::SetCanaryScale(_)) && !settings.traffic_routing {
            let message = "`set_canary_scale` needs a traffic router";
            let hint = "write traffic_routing = true";
            env.problem(Diagnostic::new(Code::Conflict, entry.at, message, hint));
        }
        let (CanaryStep::SetWeight(weight)
        | CanaryStep::SetCanaryScale(CanaryScale::Weight(weight))) = step
        else {
            continue;
        };
        if *weight > max {
            let message = format!("a weight of {weight} is more than all of the traffic ({max})");
            env.problem(Diagnostic::new(Code::OutOfRange, entry.at, message, "see `max_weight`"));
        }
    }
    let section = env.section(PATH);
    let routed = [
        "max_weight",
        "dynamic_stable_scale",
        "min_pods_per_replica_set",
        "scale_down_delay",
        "abort_scale_down_delay",
    ];
    let stray: Vec<_> = routed
        .iter()
        .filter(|_| !settings.traffic_routing)
        .filter_map(|key| section.written(key).map(|e| (*key, e.key_at)))
        .collect();
    let deadline = section.place("progress_deadline");
    for (key, at) in stray {
        let message = format!("`{key}` has no meaning without a traffic router");
        env.problem(Diagnostic::new(Code::Conflict, at, message, "see `traffic_routing`"));
    }
    if settings.traffic_routing {
        super::pods::check_router(env);
    }
    super::pods::check_deadline(env, deadline, settings.progress_deadline, settings.min_ready);
}

fn step(env: &mut Env<'_>, entry: &Entry) -> CanaryStep {
    let Value::Record(form, fields) = &entry.value else {
        unreachable!("a step is declared as a table: {entry:?}")
    };
    let field = |key: &str| fields.get(key).map(|entry| &entry.value);
    match (*form, field(form)) {
        ("set_weight", Some(Value::Count(weight))) => CanaryStep::SetWeight(*weight),
        ("pause", Some(Value::Span(span))) => CanaryStep::Pause(Some(*span)),
        ("pause", Some(Value::Word(_))) => CanaryStep::Pause(None),
        ("set_canary_scale", Some(Value::Record(_, fields))) => {
            CanaryStep::SetCanaryScale(scale(env, entry, fields))
        }
        ("experiment", Some(Value::Span(span))) => CanaryStep::Experiment(*span),
        ("analysis", Some(_)) => {
            CanaryStep::Analysis(analysis::awaited(env, PATH, &fields.entries["analysis"]))
        }
        (form, other) => unreachable!("not in the catalogue: {form} {other:?}"),
    }
}

fn scale(env: &mut Env<'_>, entry: &Entry, fields: &Fields) -> CanaryScale {
    let value = |key: &str| fields.get(key).map(|entry| &entry.value);
    match (value("replicas"), value("weight"), value("match_traffic_weight")) {
        (Some(Value::Count(count)), None, None) => CanaryScale::Replicas(*count),
        (None, Some(Value::Count(weight)), None) => CanaryScale::Weight(*weight),
        (None, None, Some(Value::Flag(true))) => CanaryScale::MatchTrafficWeight,
        _ => {
            let message = "a scale is one of `replicas`, `weight`, `match_traffic_weight = true`";
            let hint = "write { set_canary_scale = { replicas = 3 } }";
            env.problem(Diagnostic::new(Code::Conflict, entry.at, message, hint));
            CanaryScale::MatchTrafficWeight
        }
    }
}

fn step_text(step: &CanaryStep) -> String {
    match step {
        CanaryStep::SetWeight(weight) => format!("{{ set_weight = {weight} }}"),
        CanaryStep::Pause(Some(span)) => format!("{{ pause = \"{span}\" }}"),
        CanaryStep::Pause(None) => "{ pause = \"forever\" }".to_owned(),
        CanaryStep::SetCanaryScale(scale) => {
            let scale = match scale {
                CanaryScale::Replicas(count) => format!("replicas = {count}"),
                CanaryScale::Weight(weight) => format!("weight = {weight}"),
                CanaryScale::MatchTrafficWeight => "match_traffic_weight = true".to_owned(),
            };
            format!("{{ set_canary_scale = {{ {scale} }} }}")
        }
        CanaryStep::Analysis(analysis) => {
            format!("{{ analysis = {} }}", analysis::text(analysis))
        }
        CanaryStep::Experiment(span) => format!("{{ experiment = \"{span}\" }}"),
    }
}

const SCALE: &[Form] = &[Form {
    name: "scale",
    tag: None,
    marks: &["replicas", "weight", "match_traffic_weight"],
    keys: &[
        key("replicas", Kind::Count(0, 1_000_000), Says("by weight"), "So many pods.", "3"),
        key("weight", Kind::Count(0, 1_000_000), Says("the step's"), "So much of the fleet.", "25"),
        key(
            "match_traffic_weight",
            Kind::Flag,
            Says("no change"),
            "Again as the weight says.",
            "true",
        ),
    ],
}];

/// A step that is one key of its own name.
const fn form(name: &'static str, marks: &'static [&'static str], keys: &'static [Key]) -> Form {
    Form { name, tag: None, marks, keys }
}

const STEPS: &[Form] = &[
    form(
        "set_weight",
        &["set_weight"],
        &[key(
            "set_weight",
            Kind::Count(0, 1_000_000),
            Required,
            "Share of the new version, in units of `max_weight`.",
            "20",
        )],
    ),
    form(
        "pause",
        &["pause"],
        &[key(
            "pause",
            Kind::OneOf(&[Kind::Word(&["forever"]), Kind::Duration]),
            Required,
            "So long, or until somebody promotes.",
            "\"5m\"",
        )],
    ),
    form(
        "set_canary_scale",
        &["set_canary_scale"],
        &[key(
            "set_canary_scale",
            Kind::Record(SCALE),
            Required,
            "Size of the canary, whatever its weight; with a traffic router only.",
            "{ replicas = 3 }",
        )],
    ),
    form(
        "analysis",
        &["analysis"],
        &[key(
            "analysis",
            analysis::KIND,
            Required,
            "Wait until it has ended well.",
            analysis::EXAMPLE,
        )],
    ),
    form(
        "experiment",
        &["experiment"],
        &[key(
            "experiment",
            Kind::Duration,
            Required,
            "Wait for an experiment of so long.",
            "\"10m\"",
        )],
    ),
];

const KEYS: &[Key] = &[
    key(
        "steps",
        Kind::List(&Kind::Record(STEPS)),
        Is("[]"),
        "What happens in turn; without any it is an ordinary rolling update.",
        "[{ set_weight = 20 }, { pause = \"5m\" }]",
    ),
    key(
        "traffic_routing",
        Kind::Flag,
        Is("false"),
        "A traffic router sends the weights; else they are made of pods.",
        "true",
    ),
    key(
        "max_surge",
        Kind::Amount,
        Is("\"25%\""),
        "Pods above, rounded up; without a traffic router.",
        "\"25%\"",
    ),
    key(
        "max_unavailable",
        Kind::Amount,
        Is("\"25%\""),
        "Pods below, rounded down; without a traffic router.",
        "0",
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
        "max_weight",
        Kind::Count(1, 1_000_000),
        Is("100"),
        "The weight that is all of the traffic.",
        "1000",
    ),
    key(
        "dynamic_stable_scale",
        Kind::Flag,
        Is("false"),
        "The stable set shrinks while the canary grows.",
        "true",
    ),
    key(
        "min_pods_per_replica_set",
        Kind::Count(1, 1_000_000),
        Is("1"),
        "The least size of a set that has a weight.",
        "2",
    ),
    key(
        "replica_progress_threshold",
        Kind::Amount,
        Is("\"100%\""),
        "So much of a step's canary must be available before the next step; rounded up.",
        "\"90%\"",
    ),
    key(
        "scale_down_delay",
        Kind::Duration,
        Is("\"30s\""),
        "How long the old set stays after the end, with a traffic router.",
        "\"1m\"",
    ),
    key(
        "abort_scale_down_delay",
        Kind::Duration,
        Says("`\"30s\"`; none with `dynamic_stable_scale`"),
        "How long the canary stays after an abort, with a traffic router; 0: for ever.",
        "\"30s\"",
    ),
    key(
        "analysis",
        analysis::KIND,
        Says("none"),
        "Runs beside the steps until the rollout ends.",
        analysis::EXAMPLE,
    ),
    key(
        "analysis_starting_step",
        Kind::Count(0, 1_000_000),
        Is("0"),
        "It begins with this step, counted from 0.",
        "2",
    ),
    key(
        "operations",
        operation::KIND,
        Is("[]"),
        "Changes that somebody makes in mid-rollout.",
        "[{ at = \"10m\", do = \"promote\" }]",
    ),
];
