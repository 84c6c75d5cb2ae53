//! Flagger.

use super::kubernetes::zero_by_rounding;
use super::{Finding, Lesson};
use crate::scenario::Scenario;
use crate::scenario::codes::Code;
use crate::scenario::settings::{Flagger, Operation, Orchestrator};

pub(super) fn flagger(scenario: &Scenario, settings: &Flagger, findings: &mut Vec<Finding>) {
    let budgets = (settings.max_surge, settings.max_unavailable);
    zero_by_rounding(scenario, budgets, "strategy.flagger.max_unavailable", findings);
    let promotes = settings.operations.iter().any(|(_, what)| *what == Operation::Promote);
    let confirms = [
        (settings.confirm_rollout, "strategy.flagger.confirm_rollout", "starts"),
        (settings.confirm_promotion, "strategy.flagger.confirm_promotion", "is promoted"),
    ];
    for (_, key, what) in confirms.into_iter().filter(|(waits, ..)| *waits && !promotes) {
        let message = format!("somebody has to confirm before the canary {what}");
        let label = "nobody does in this scenario";
        findings.push(Finding::new(Code::FlaggerConfirm, key, message, label));
    }
    if settings.skip_analysis {
        let message = "the canary is promoted as soon as it is ready";
        let key = "strategy.flagger.skip_analysis";
        findings.push(Finding::new(Code::FlaggerSkips, key, message, "no check is made"));
        return;
    }
    let (good, bad) = (ticks(settings), settings.threshold);
    if bad > good {
        let message = "a bad canary stays longer than a good one takes";
        let kept = settings.interval * f64::from(bad);
        let label = format!("{bad} failed checks need {kept}; a good canary needs {good} ticks");
        let key = "strategy.flagger.threshold";
        findings.push(Finding::new(Code::FlaggerThreshold, key, message, label));
    }
    let whole = settings.interval * f64::from(good);
    let limit = match scenario.pipeline.timeout() {
        Some(timeout) => ("pipeline.timeout", timeout.min(scenario.horizon)),
        None => ("horizon", scenario.horizon),
    };
    if whole > limit.1 {
        let message = "the analysis takes longer than anybody waits";
        let label = format!("{good} ticks of {} are {whole}", settings.interval);
        let key = "strategy.flagger.interval";
        let finding = Finding::new(Code::FlaggerTicks, key, message, label);
        findings.push(finding.beside(limit.0, format!("over after {}", limit.1)));
    }
}

/// Ticks of an analysis without a failed check.
pub(super) fn ticks(settings: &Flagger) -> u32 {
    if settings.skip_analysis {
        0
    } else if settings.iterations > 0 {
        settings.iterations
    } else if settings.step_weights.is_empty() {
        settings.max_weight.div_ceil(settings.step_weight.max(1))
    } else {
        settings.step_weights.len() as u32
    }
}

const OF: &[Orchestrator] = &[Orchestrator::Flagger];

/// What stands behind the codes of this file.
pub(super) const LESSONS: &[Lesson] = &[
    Lesson {
        code: Code::FlaggerThreshold,
        of: OF,
        reason: "Failed checks are counted in all and never forgiven, one a tick. A canary that \
                 always fails is rolled back after threshold ticks: with a threshold above the \
                 number of steps it stays longer than a good canary takes from start to end.",
        source: "fluxcd/flagger pkg/controller/scheduler.go; #1801.",
        fix: "A threshold of a few checks.",
        bad: "strategy.flagger.threshold = 20\nstrategy.flagger.step_weight = 10",
        good: "strategy.flagger.threshold = 5\nstrategy.flagger.step_weight = 10",
    },
    Lesson {
        code: Code::FlaggerConfirm,
        of: OF,
        reason: "The confirm hooks hold the canary at every tick until they answer well. Failed \
                 checks do not roll back while it waits.",
        source: "fluxcd/flagger docs, webhooks; #1801.",
        fix: "Say who confirms: operations = [{ at = \"10m\", do = \"promote\" }].",
        bad: "strategy.flagger.confirm_promotion = true",
        good: "strategy.flagger.confirm_promotion = false",
    },
    Lesson {
        code: Code::FlaggerSkips,
        of: OF,
        reason: "skip_analysis promotes as soon as the canary is ready; Flagger reports success \
                 while the primary still rolls.",
        source: "fluxcd/flagger pkg/controller/scheduler.go (skipAnalysis).",
        fix: "skip_analysis = false.",
        bad: "strategy.flagger.skip_analysis = true",
        good: "strategy.flagger.skip_analysis = false",
    },
    Lesson {
        code: Code::FlaggerTicks,
        of: OF,
        reason: "Nothing happens between ticks: a rollout takes at least interval times \
                 max_weight / step_weight, and two full deployments beside that, with about \
                 twice the pods.",
        source: "fluxcd/flagger pkg/controller/scheduler.go; docs, deployment strategies.",
        fix: "A shorter interval or larger steps, or more patience.",
        bad: "strategy.flagger.interval = \"5m\"\nstrategy.flagger.step_weight = 2",
        good: "strategy.flagger.interval = \"1m\"\nstrategy.flagger.step_weight = 10",
    },
];
