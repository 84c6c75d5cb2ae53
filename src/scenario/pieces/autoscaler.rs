//! `[autoscaler]`: somebody else who changes how many instances are wanted, by the rules of the
//! Kubernetes `HorizontalPodAutoscaler`.

use super::{
    Default::Is, Default::Required, Default::Says, Env, Key, Kind, Page, Piece, Table, key,
};
use crate::scenario::codes::Code;
use crate::scenario::diagnostic::Diagnostic;
use crate::scenario::raw::Value;
use crate::scenario::settings::Orchestrator;
use crate::units::{Rate, Share, Span};

/// A horizontal autoscaler.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Autoscaler {
    /// It never wants fewer instances.
    pub min: u32,
    /// It never wants more.
    pub max: u32,
    /// The share of an instance's slots (or cores) that it wants busy.
    pub target_cpu: Option<Share>,
    /// The requests per second and instance that it aims at.
    pub target_requests: Option<Rate>,
    /// A metric that is off by no more than this changes nothing.
    pub tolerance: Share,
    /// It decides so often.
    pub sync: Span,
    /// Metrics are read so often, and are averages over that time.
    pub scrape: Span,
    /// Metrics read → it sees them.
    pub delay: Span,
    /// An instance that has not been ready so soon after its creation was never ready.
    pub initial_readiness_delay: Span,
    /// For so long after its creation an instance's CPU counts only as far as it was ready.
    pub cpu_initialization: Span,
    /// How fast it may grow.
    pub up: UpRule,
    /// How fast it may shrink.
    pub down: DownRule,
}

/// How fast it may grow: to the larger of two limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct UpRule {
    /// So many instances more within a period.
    pub pods: u32,
    /// Or so many percent.
    pub percent: u32,
    /// The period.
    pub period: Span,
    /// It grows to the least that was recommended within this time.
    pub stabilization: Span,
}

/// How fast it may shrink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct DownRule {
    /// By so many percent within a period.
    pub percent: u32,
    /// The period.
    pub period: Span,
    /// It shrinks to the most that was recommended within this time.
    pub stabilization: Span,
}

impl Piece for Autoscaler {
    const TABLE: Table = Table {
        path: "autoscaler",
        about: "Somebody else who changes how many instances are wanted, as a Kubernetes HPA does.",
        keys: KEYS,
    };

    fn read(env: &mut Env<'_>, path: &str) -> Self {
        complain(env, path);
        let (sync, scrape) = (env.positive(path, "sync"), env.positive(path, "scrape"));
        let up_period = env.positive(path, "scale_up_period");
        let down_period = env.positive(path, "scale_down_period");
        let section = env.section(path);
        let target_requests = match section.written("target_requests").map(|entry| &entry.value) {
            Some(Value::Rate(rate)) => Some(*rate),
            _ => None,
        };
        // Who names another metric need not want this one too.
        let by_cpu = target_requests.is_none() || section.written("target_cpu").is_some();
        Self {
            min: section.count("min"),
            max: section.count("max"),
            target_cpu: by_cpu.then(|| section.share("target_cpu")),
            target_requests,
            tolerance: section.share("tolerance"),
            sync,
            scrape,
            delay: section.span("delay"),
            initial_readiness_delay: section.span("initial_readiness_delay"),
            cpu_initialization: section.span("cpu_initialization"),
            up: UpRule {
                pods: section.count("scale_up_pods"),
                percent: section.count("scale_up_percent"),
                period: up_period,
                stabilization: section.span("scale_up_stabilization"),
            },
            down: DownRule {
                percent: section.count("scale_down_percent"),
                period: down_period,
                stabilization: section.span("scale_down_stabilization"),
            },
        }
    }

    fn write(&self, page: &mut Page) {
        page.raw("min", self.min);
        page.raw("max", self.max);
        if let Some(target) = self.target_cpu {
            page.share("target_cpu", target);
        }
        if let Some(target) = self.target_requests {
            page.text("target_requests", target);
        }
        page.share("tolerance", self.tolerance);
        page.text("sync", self.sync);
        page.text("scrape", self.scrape);
        page.text("delay", self.delay);
        page.text("initial_readiness_delay", self.initial_readiness_delay);
        page.text("cpu_initialization", self.cpu_initialization);
        page.raw("scale_up_pods", self.up.pods);
        page.raw("scale_up_percent", self.up.percent);
        page.text("scale_up_period", self.up.period);
        page.text("scale_up_stabilization", self.up.stabilization);
        page.raw("scale_down_percent", self.down.percent);
        page.text("scale_down_period", self.down.period);
        page.text("scale_down_stabilization", self.down.stabilization);
    }
}

/// What cannot work.
fn complain(env: &mut Env<'_>, path: &str) {
    let section = env.section(path);
    let (min, max) = (section.count("min"), section.count("max"));
    let orchestrator = section.orchestrator;
    let (at, min_at) = (section.fields.at, section.place("min"));
    let zero = |key: &str, value: bool| (value, section.place(key));
    let targets = [
        zero("target_cpu", section.share("target_cpu").0 <= 0.0),
        zero(
            "target_requests",
            matches!(section.written("target_requests").map(|e| &e.value),
                Some(Value::Rate(rate)) if rate.0 <= 0.0),
        ),
    ];
    if min > max {
        let message = format!("`min` is {min} and `max` only {max}");
        env.problem(Diagnostic::new(Code::OutOfRange, min_at, message, "min is at most max"));
    }
    for (_, place) in targets.into_iter().filter(|(is_zero, _)| *is_zero) {
        let message = "a target of zero wants instances without end";
        env.problem(Diagnostic::new(Code::OutOfRange, place, message, ""));
    }
    if !env.is_there("traffic") && !env.is_there("queue") {
        let message = "an autoscaler has nothing to measure without load";
        let hint = "add [traffic] rate = \"…/s\", or [queue]";
        env.problem(Diagnostic::new(Code::Conflict, at, message, hint));
    }
    if !is_scaled(orchestrator) {
        let message = format!("nobody scales what {} rolls out here", orchestrator.name());
        let names: Vec<&str> = SCALED.iter().map(|of| of.name()).collect();
        let hint = format!("an autoscaler goes with {}", names.join(", "));
        env.problem(Diagnostic::new(Code::Conflict, at, message, hint));
    }
}

/// Orchestrators whose number of instances may change while they roll out.
pub(crate) const SCALED: [Orchestrator; 8] = [
    Orchestrator::Kubernetes,
    Orchestrator::StatefulSet,
    Orchestrator::ArgoCanary,
    Orchestrator::ArgoBluegreen,
    Orchestrator::Flagger,
    Orchestrator::Nomad,
    Orchestrator::Ecs,
    Orchestrator::Swarm,
];

fn is_scaled(orchestrator: Orchestrator) -> bool {
    SCALED.contains(&orchestrator)
}

const PERCENT: Kind = Kind::Count(0, 100_000);

const KEYS: &[Key] = &[
    key("min", Kind::Count(1, 1_000_000), Is("1"), "Never fewer instances.", "30"),
    key("max", Kind::Count(1, 1_000_000), Required, "Never more instances.", "80"),
    key(
        "target_cpu",
        Kind::Share,
        Is("\"80%\""),
        "Share of the slots (or cores) of an instance that it wants busy; none if only \
         target_requests is written.",
        "\"65%\"",
    ),
    key(
        "target_requests",
        Kind::Rate,
        Says("not looked at"),
        "Requests to each instance that it wants.",
        "\"50/s\"",
    ),
    key("tolerance", Kind::Share, Is("\"10%\""), "Off by less changes nothing.", "\"10%\""),
    key("sync", Kind::Duration, Is("\"15s\""), "It decides so often.", "\"15s\""),
    key(
        "scrape",
        Kind::Duration,
        Is("\"15s\""),
        "Metrics are read so often, each an average over that time.",
        "\"60s\"",
    ),
    key("delay", Kind::Duration, Is("\"0s\""), "Metrics read until it sees them.", "\"10s\""),
    key(
        "initial_readiness_delay",
        Kind::Duration,
        Is("\"30s\""),
        "An instance not ready so soon after its creation counts as never ready.",
        "\"30s\"",
    ),
    key(
        "cpu_initialization",
        Kind::Duration,
        Is("\"5m\""),
        "So long after its creation an instance's CPU counts only since it was ready.",
        "\"5m\"",
    ),
    key("scale_up_pods", PERCENT, Is("4"), "May add so many instances in a period.", "4"),
    key("scale_up_percent", PERCENT, Is("100"), "Or so many percent, if that is more.", "100"),
    key("scale_up_period", Kind::Duration, Is("\"15s\""), "That period.", "\"60s\""),
    key(
        "scale_up_stabilization",
        Kind::Duration,
        Is("\"0s\""),
        "Grows to the least that it wanted within this time.",
        "\"2m\"",
    ),
    key(
        "scale_down_percent",
        Kind::Count(0, 100),
        Is("100"),
        "May take so many percent away in a period.",
        "10",
    ),
    key("scale_down_period", Kind::Duration, Is("\"15s\""), "That period.", "\"60s\""),
    key(
        "scale_down_stabilization",
        Kind::Duration,
        Is("\"5m\""),
        "Shrinks to the most that it wanted within this time.",
        "\"5m\"",
    ),
];
