//! Argo Rollouts.

use super::arithmetic::share_above;
use super::kubernetes::zero_by_rounding;
use super::{Finding, Lesson};
use crate::scenario::codes::Code;
use crate::scenario::settings::{
    Analysis, ArgoBluegreen, ArgoCanary, CanaryStep, Operation, Orchestrator,
};
use crate::scenario::{Pipeline, Scenario};
use crate::strategy::argo_canary::counts::approximate;
use crate::strategy::kubernetes::fenceposts;
use crate::units::Span;

pub(super) fn canary(scenario: &Scenario, settings: &ArgoCanary, findings: &mut Vec<Finding>) {
    let key = "strategy.argo_canary.steps";
    let endless = settings.steps.iter().filter(|step| **step == CanaryStep::Pause(None)).count();
    if endless > promotions(&settings.operations) {
        let message = "the rollout pauses until somebody promotes it";
        let label = "a pause without a duration";
        findings.push(Finding::new(Code::ArgoPauseForever, key, message, label));
    }
    let abort = settings.progress_deadline_abort;
    deadline(scenario, abort, "strategy.argo_canary.progress_deadline_abort", findings);
    if settings.traffic_routing {
        scale_down(scenario, settings.scale_down_delay, CANARY_DELAY, findings);
    } else {
        let budgets = (settings.max_surge, settings.max_unavailable);
        zero_by_rounding(scenario, budgets, "strategy.argo_canary.max_unavailable", findings);
        no_canary(scenario, settings, findings);
    }
    let in_steps = settings.steps.iter().filter_map(|step| match step {
        CanaryStep::Analysis(analysis) => Some((analysis, key)),
        _ => None,
    });
    let beside = settings.analysis.iter().map(|a| (a, "strategy.argo_canary.analysis"));
    let analyses: Vec<_> = in_steps.chain(beside).collect();
    for (analysis, key) in &analyses {
        blind(analysis, key, findings);
    }
    let weighs = settings.steps.iter().any(|step| matches!(step, CanaryStep::SetWeight(_)));
    if weighs && analyses.is_empty() {
        let message = "the weights rise by time alone";
        let label = "no step looks at the canary's errors";
        findings.push(Finding::new(Code::ArgoNoAnalysis, key, message, label));
    }
}

pub(super) fn bluegreen(
    scenario: &Scenario,
    settings: &ArgoBluegreen,
    findings: &mut Vec<Finding>,
) {
    let by_time = settings.auto_promotion_seconds > Span::ZERO;
    if !settings.auto_promotion_enabled && !by_time && promotions(&settings.operations) == 0 {
        let message = "the rollout pauses until somebody promotes it";
        let key = "strategy.argo_bluegreen.auto_promotion_enabled";
        findings.push(Finding::new(Code::ArgoPauseForever, key, message, "nobody switches"));
    }
    let abort = settings.progress_deadline_abort;
    deadline(scenario, abort, "strategy.argo_bluegreen.progress_deadline_abort", findings);
    scale_down(scenario, settings.scale_down_delay, BLUEGREEN_DELAY, findings);
    if let Some(analysis) = &settings.pre_promotion_analysis {
        blind(analysis, "strategy.argo_bluegreen.pre_promotion_analysis", findings);
    }
    if let Some(analysis) = &settings.post_promotion_analysis {
        blind(analysis, "strategy.argo_bluegreen.post_promotion_analysis", findings);
    }
}

const CANARY_DELAY: &str = "strategy.argo_canary.scale_down_delay";
const BLUEGREEN_DELAY: &str = "strategy.argo_bluegreen.scale_down_delay";

fn promotions(operations: &[(Span, Operation)]) -> usize {
    operations.iter().filter(|(_, what)| *what == Operation::Promote).count()
}

fn deadline(scenario: &Scenario, aborts: bool, key: &str, findings: &mut Vec<Finding>) {
    let new = &scenario.versions.new;
    let bad = new.never_ready.0 > 0.0 || new.crash.0 > 0.0;
    if bad && !aborts && scenario.pipeline == Pipeline::None {
        let message = "a canary that does not get ready is reported, and stays";
        let label = "off: the progress deadline only marks the Rollout as degraded";
        findings.push(Finding::new(Code::ArgoDeadlineReports, key, message, label));
    }
}

fn scale_down(scenario: &Scenario, delay: Span, key: &str, findings: &mut Vec<Finding>) {
    let lag = &scenario.clients.lag_remove;
    if scenario.traffic.is_some() && share_above(lag, delay) > 0.01 {
        let message = "the old set goes while some nodes still send to it";
        let label = format!("nodes need up to {} (p95) to leave it", lag.quantile(0.95));
        findings.push(Finding::new(Code::ArgoScaleDownEarly, key, message, label));
    }
}

fn no_canary(scenario: &Scenario, settings: &ArgoCanary, findings: &mut Vec<Finding>) {
    let n = scenario.service.instances;
    let posts = fenceposts::resolve(settings.max_surge, settings.max_unavailable, n);
    for step in &settings.steps {
        let CanaryStep::SetWeight(weight) = *step else { continue };
        if weight > 0 && weight < settings.max_weight && approximate(n, weight, posts.surge).0 == 0
        {
            let message = format!("a weight of {weight} of {n} pods is no canary at all");
            let label = format!("{weight} comes out as 0 pods of the new version");
            let key = "strategy.argo_canary.steps";
            let finding = Finding::new(Code::ArgoNoCanary, key, message, label);
            findings.push(finding.beside("strategy.argo_canary.max_surge", "no pod above"));
        }
    }
}

fn blind(analysis: &Analysis, key: &str, findings: &mut Vec<Finding>) {
    let endless = analysis.count.is_some_and(|count| analysis.failure_limit >= count);
    if analysis.dry_run || endless {
        let message = "this analysis cannot fail";
        let label = match analysis.count {
            Some(count) if !analysis.dry_run => {
                format!("more than {} of {count} measurements must fail", analysis.failure_limit)
            }
            _ => "dry_run: measured, but never a reason to stop".to_owned(),
        };
        findings.push(Finding::new(Code::ArgoAnalysisBlind, key, message, label));
    }
}

const CANARY: &[Orchestrator] = &[Orchestrator::ArgoCanary];
const BOTH: &[Orchestrator] = &[Orchestrator::ArgoCanary, Orchestrator::ArgoBluegreen];

/// What stands behind the codes of this file.
pub(super) const LESSONS: &[Lesson] = &[
    Lesson {
        code: Code::ArgoPauseForever,
        of: BOTH,
        reason: "A pause without a duration, or a blue-green switch that is not automatic, lasts \
                 until somebody promotes. The progress deadline sleeps meanwhile.",
        source: "argoproj/argo-rollouts rollout/canary.go, rollout/bluegreen.go; docs/features.",
        fix: "Give the pause a duration, or say who promotes: operations.",
        bad: "strategy.argo_canary.steps = [{ set_weight = 25 }, { pause = \"forever\" }]",
        good: "strategy.argo_canary.steps = [{ set_weight = 25 }, { pause = \"5m\" }]",
    },
    Lesson {
        code: Code::ArgoDeadlineReports,
        of: BOTH,
        reason: "Past progress_deadline a Rollout is degraded, no more, unless \
                 progress_deadline_abort is set. It is not evaluated during pauses and analyses, \
                 and a crash loop that gets ready now and then keeps resetting it.",
        source: "argoproj/argo-rollouts rollout/sync.go, utils/conditions; #3765.",
        fix: "progress_deadline_abort = true.",
        bad: "strategy.argo_canary = {}\nversions.new.never_ready = \"10%\"",
        good: "strategy.argo_canary.progress_deadline_abort = true\n\
               versions.new.never_ready = \"10%\"",
    },
    Lesson {
        code: Code::ArgoNoCanary,
        of: CANARY,
        reason: "Without a surge the number of canary pods is the nearest of two roundings that \
                 leaves a stable pod and is not tied. For 95 % of 10 neither is left, and the \
                 canary gets no pod.",
        source: "argoproj/argo-rollouts utils/replicaset/canary.go \
                 (approximateWeightedCanaryStableReplicaCounts).",
        fix: "max_surge = 1, or another weight.",
        bad: "service.instances = 10\nstrategy.argo_canary.max_surge = 0\n\
              strategy.argo_canary.max_unavailable = 1\n\
              strategy.argo_canary.steps = [{ set_weight = 95 }, { pause = \"5m\" }]",
        good: "service.instances = 10\nstrategy.argo_canary.max_surge = 1\n\
               strategy.argo_canary.max_unavailable = 1\n\
               strategy.argo_canary.steps = [{ set_weight = 95 }, { pause = \"5m\" }]",
    },
    Lesson {
        code: Code::ArgoScaleDownEarly,
        of: BOTH,
        reason: "The old set stays scale_down_delay after the switch, so that nodes whose rules \
                 lag behind find somebody. If that is shorter than their lag, requests are lost.",
        source: "argo-rollouts docs/features/bluegreen.md (scaleDownDelaySeconds, at least 30 \
                 recommended); #2235.",
        fix: "scale_down_delay = \"30s\", the default.",
        bad: "strategy.argo_bluegreen.scale_down_delay = \"1s\"\ntraffic.rate = \"9/s\"",
        good: "strategy.argo_bluegreen.scale_down_delay = \"30s\"\ntraffic.rate = \"9/s\"",
    },
    Lesson {
        code: Code::ArgoAnalysisBlind,
        of: BOTH,
        reason: "An analysis fails when more than failure_limit measurements have failed. With a \
                 limit not below count that cannot be; dry_run never counts.",
        source: "argoproj/argo-rollouts analysis/analysis.go; docs/features/analysis.md.",
        fix: "A failure_limit below count, and dry_run = false.",
        bad: "strategy.argo_canary.analysis = { interval = \"1m\", count = 5, failure_limit = 5 }",
        good: "strategy.argo_canary.analysis = { interval = \"1m\", count = 5, failure_limit = 1 }",
    },
    Lesson {
        code: Code::ArgoNoAnalysis,
        of: CANARY,
        reason: "set_weight and pause alone let a bad version through if it only gets ready: \
                 nothing in the steps looks at its errors.",
        source: "argo-rollouts docs/features/canary.md, analysis.md.",
        fix: "An analysis step, or analysis beside the steps.",
        bad: "strategy.argo_canary.steps = [{ set_weight = 25 }, { pause = \"5m\" }]",
        good: "strategy.argo_canary.steps = [{ set_weight = 25 }, { pause = \"5m\" }]\n\
               strategy.argo_canary.analysis = { interval = \"1m\" }",
    },
];
