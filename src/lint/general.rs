//! What holds under every orchestrator, and the lessons of the general codes.

use super::{Finding, Lesson};
use crate::scenario::codes::Code;
use crate::scenario::settings::{OnFailure, StrategySettings};
use crate::scenario::{Pipeline, Scenario};
use crate::units::{Rounding, Share};

pub(super) fn general(scenario: &Scenario, findings: &mut Vec<Finding>) {
    nobody_judges(scenario, findings);
    unreachable(scenario, findings);
}

/// Orchestrators that neither roll back nor give up, with nobody beside them who does.
fn nobody_judges(scenario: &Scenario, findings: &mut Vec<Finding>) {
    let new = &scenario.versions.new;
    let (never, crash) = (new.never_ready.0, new.crash.0);
    if scenario.pipeline != Pipeline::None || (never == 0.0 && crash == 0.0) || never >= 1.0 {
        return;
    }
    let effect = match &scenario.strategy {
        StrategySettings::Kubernetes(_)
        | StrategySettings::StatefulSet(_)
        | StrategySettings::DaemonSet(_)
        | StrategySettings::Mig(_) => "the rollout waits where it is, both versions serving",
        StrategySettings::Capistrano(_) => "the deploy goes on whatever becomes of the servers",
        // They have a threshold, a deadline, an alarm or an analysis of their own, or a code.
        StrategySettings::Generic(_)
        | StrategySettings::Asg(_)
        | StrategySettings::Vmss(_)
        | StrategySettings::ServiceFabric(_)
        | StrategySettings::Ansible(_)
        | StrategySettings::Kamal(_)
        | StrategySettings::AppConfig(_)
        | StrategySettings::Nomad(_)
        | StrategySettings::Ecs(_)
        | StrategySettings::CodeDeploy(_)
        | StrategySettings::ArgoCanary(_)
        | StrategySettings::ArgoBluegreen(_)
        | StrategySettings::Flagger(_)
        | StrategySettings::Swarm(_) => return,
    };
    let (key, share) = if never > 0.0 {
        ("versions.new.never_ready", never)
    } else {
        ("versions.new.crash", crash)
    };
    let message = format!("{} of the new instances are bad, and nobody acts", Share(share));
    let finding = Finding::new(Code::NobodyJudges, key, message, effect);
    findings.push(finding.beside("pipeline.kind", "nobody rolls back"));
}

/// Thresholds that all failures there can be do not exceed.
fn unreachable(scenario: &Scenario, findings: &mut Vec<Finding>) {
    let n = scenario.service.instances;
    let (key, label) = match &scenario.strategy {
        StrategySettings::Generic(settings) if settings.on_failure != OnFailure::Continue => {
            let allowed = settings.failures_allowed.of(n, Rounding::Down);
            if allowed < n {
                return;
            }
            let label = format!("more than {allowed} of {n} must fail");
            ("strategy.generic.failures_allowed", label)
        }
        StrategySettings::Ansible(settings) => {
            match settings.max_fail_percentage.filter(|percent| *percent >= 100.0) {
                Some(percent) => {
                    let label = format!("more than {percent}% of a batch must fail");
                    ("strategy.ansible.max_fail_percentage", label)
                }
                None => return,
            }
        }
        StrategySettings::Vmss(settings) => {
            if settings.max_unhealthy_upgraded_instance_percent < 100 {
                return;
            }
            let label = "more than 100% of the upgraded must be unhealthy".to_owned();
            ("strategy.vmss.max_unhealthy_upgraded_instance_percent", label)
        }
        // Theirs are counts over time, need no excess, or have a code of their own.
        StrategySettings::Generic(_)
        | StrategySettings::Kubernetes(_)
        | StrategySettings::StatefulSet(_)
        | StrategySettings::DaemonSet(_)
        | StrategySettings::Asg(_)
        | StrategySettings::Mig(_)
        | StrategySettings::ServiceFabric(_)
        | StrategySettings::Kamal(_)
        | StrategySettings::Capistrano(_)
        | StrategySettings::AppConfig(_)
        | StrategySettings::Nomad(_)
        | StrategySettings::Ecs(_)
        | StrategySettings::CodeDeploy(_)
        | StrategySettings::ArgoCanary(_)
        | StrategySettings::ArgoBluegreen(_)
        | StrategySettings::Flagger(_)
        | StrategySettings::Swarm(_) => return,
    };
    let message = "no number of failures stops this rollout";
    findings.push(Finding::new(Code::ThresholdUnreachable, key, message, label));
}

/// What stands behind the codes that are nobody's in particular.
pub(super) const LESSONS: &[Lesson] = &[
    Lesson {
        code: Code::NeverEnds,
        of: &[],
        reason: "By the strategy's own arithmetic no step can be taken, or the step that is taken \
                 waits for something that never comes; or the starts alone take longer than the \
                 horizon.",
        source: "Kubernetes API validation (0 and 0); kubectl rollout status and OnDelete; the \
                 strategies' rules (rollcast explain NAME).",
        fix: "Let one instance be missing or added, and say who rolls a bad version back: \
              [pipeline].",
        bad: "strategy.kubernetes.max_surge = 0\nstrategy.kubernetes.max_unavailable = 0",
        good: "strategy.kubernetes.max_surge = 1\nstrategy.kubernetes.max_unavailable = 0",
    },
    Lesson {
        code: Code::GateInfeasible,
        of: &[],
        reason: "The strategy takes out, or adds, more than the gate allows in every run. No luck \
                 keeps it.",
        source: "The strategy's budget: instances out at once, instances above the desired \
                 number.",
        fix: "A smaller batch, or a gate that the strategy can keep.",
        bad: "strategy.generic.batch = 4\ngates = [\"serving_min >= 9\"]",
        good: "strategy.generic.batch = 3\ngates = [\"serving_min >= 9\"]",
    },
    Lesson {
        code: Code::ProbeLag,
        of: &[],
        reason: "An instance counts as ready at the first probe that finds it so. With a period \
                 longer than the start, each step waits for the probe, not for the instance.",
        source: "Kubernetes kubelet prober; ALB target health (30 s by default).",
        fix: "A shorter probes.period.",
        bad: "strategy.generic.batch = 3\nversions.old.start = \"5s\"\nprobes.period = \"30s\"",
        good: "strategy.generic.batch = 3\nversions.old.start = \"5s\"\nprobes.period = \"2s\"",
    },
    Lesson {
        code: Code::GraceBelowPreStop,
        of: &[],
        reason: "Where the grace period begins with the decision to stop, pre_stop uses it up: \
                 the process is killed without having been told.",
        source: "Kubernetes, container lifecycle hooks (preStop counts towards the grace \
                 period).",
        fix: "grace = pre_stop + the time to finish requests.",
        bad: "strategy.kubernetes = {}\nshutdown.pre_stop = \"40s\"\nshutdown.grace = \"30s\"",
        good: "strategy.kubernetes = {}\nshutdown.pre_stop = \"5s\"\nshutdown.grace = \"30s\"",
    },
    Lesson {
        code: Code::GraceBelowDrain,
        of: &[],
        reason: "A process that has not exited when its grace period is over is killed, and what \
                 it works on is lost.",
        source: "SIGKILL after terminationGracePeriodSeconds (Kubernetes), stopTimeout (ECS), \
                 kill_timeout (Nomad).",
        fix: "A grace period longer than the slowest exits.",
        bad: "strategy.kubernetes = {}\nshutdown.grace = \"10s\"\nversions.old.exit = \"20s\"",
        good: "strategy.kubernetes = {}\nshutdown.grace = \"30s\"\nversions.old.exit = \"20s\"",
    },
    Lesson {
        code: Code::DeadlineBelowStart,
        of: &[],
        reason: "Instances that would have been fine are given up, or the rollout is reported as \
                 failed, because they start slower than the deadline allows. Probes, the minimum \
                 time to be ready and the launch count towards it.",
        source: "kubernetes/kubernetes#49637 (scripts roll back good deploys), \
                 hashicorp/nomad#3121 (image pulls count), kamal deploy_timeout (30 s).",
        fix: "A deadline above the slowest good starts.",
        bad: "strategy.generic.ready_deadline = \"20s\"",
        good: "strategy.generic.ready_deadline = \"2m\"",
    },
    Lesson {
        code: Code::Overload,
        of: &[],
        reason: "While instances are out the rest get their requests. If that is more than they \
                 can answer, queues grow for as long as the rollout takes.",
        source: "Demand divided by what is left: rate times service time over slots.",
        fix: "Fewer at a time, or new ones first.",
        bad: "strategy.generic.batch = 6\ntraffic.rate = \"3300/s\"\nshutdown.pre_stop = \"5s\"",
        good: "strategy.generic.batch = 2\ntraffic.rate = \"3300/s\"\nshutdown.pre_stop = \"5s\"",
    },
    Lesson {
        code: Code::HorizonShort,
        of: &[],
        reason: "The simulation gives up at the horizon and calls the rollout stuck, although it \
                 would have ended.",
        source: "The strategy's rounds times a median start.",
        fix: "A longer horizon.",
        bad: "strategy.generic.ready_deadline = \"1h\"\nhorizon = \"1h\"\n\
              versions.old.start = { p50 = \"6m\", p95 = \"20m\" }",
        good: "strategy.generic.ready_deadline = \"1h\"\nhorizon = \"12h\"\n\
               versions.old.start = { p50 = \"6m\", p95 = \"20m\" }",
    },
    Lesson {
        code: Code::NoDrain,
        of: &[],
        reason: "Removal from the data plane and termination run side by side. Until the last \
                 node has heard of it, an instance that stops still gets requests, and refuses \
                 them.",
        source: "kubernetes/kubernetes#43576, #67592; aws-load-balancer-controller#2366 (2 to \
                 15 s); Nomad shutdown_delay (0 by default).",
        fix: "A pre_stop longer than clients.lag_remove.",
        bad: "strategy.kubernetes = {}\ntraffic.rate = \"9/s\"\nshutdown.pre_stop = \"0s\"",
        good: "strategy.kubernetes = {}\ntraffic.rate = \"9/s\"\nshutdown.pre_stop = \"5s\"",
    },
    Lesson {
        code: Code::ProbeTimeout,
        of: &[],
        reason: "Probes of one instance overlap, and what counts as a failure in a row is open.",
        source: "HAProxy, Kubernetes and ALB all want a timeout below the interval.",
        fix: "A probes.timeout below the period.",
        bad: "strategy.generic.batch = 3\nprobes.period = \"2s\"\nprobes.timeout = \"3s\"",
        good: "strategy.generic.batch = 3\nprobes.period = \"2s\"\nprobes.timeout = \"1s\"",
    },
    Lesson {
        code: Code::PinnedConnections,
        of: &[],
        reason: "A connection stays with the instance that it was made to. Without an end, \
                 instances that come late get requests only from new clients.",
        source: "gRPC, MAX_CONNECTION_AGE.",
        fix: "max_connection_age = \"5m\".",
        bad: "strategy.generic.batch = 3\ntraffic.rate = \"9/s\"\nclients.protocol = \"grpc\"",
        good: "strategy.generic.batch = 3\ntraffic.rate = \"9/s\"\nclients.protocol = \"grpc\"\n\
               clients.max_connection_age = \"5m\"",
    },
    Lesson {
        code: Code::RollbackDeadline,
        of: &[],
        reason: "The pipeline rolls back when its time is over, whatever the orchestrator is \
                 doing. If a usual rollout takes longer, good versions are rolled back.",
        source: "helm upgrade --atomic --timeout (5 min by default).",
        fix: "A longer pipeline.timeout, or a faster rollout.",
        bad: "strategy.generic.batch = 1\npipeline.kind = \"ci\"\npipeline.timeout = \"1m\"",
        good: "strategy.generic.batch = 1\npipeline.kind = \"ci\"\npipeline.timeout = \"20m\"",
    },
    Lesson {
        code: Code::ProbesKill,
        of: &[],
        reason: "Probes that end an instance after some failures end one that is still starting, \
                 too: after the start period and failure times period. It is then started again, \
                 and again.",
        source: "Kubernetes liveness and startup probes; ECS healthCheckGracePeriodSeconds (0 by \
                 default).",
        fix: "A probes.start_period that covers slow starts.",
        bad: "strategy.ecs = {}\nprobes.period = \"5s\"",
        good: "strategy.ecs = {}\nprobes.period = \"5s\"\nprobes.start_period = \"60s\"",
    },
    Lesson {
        code: Code::NobodyJudges,
        of: &[],
        reason: "Some orchestrators only wait for instances to become ready. With a version that \
                 is sometimes bad the rollout stops half-way, or goes on, until a person or a \
                 pipeline acts; and a scenario without one shows nothing of that.",
        source: "kubernetes/kubernetes#23211 (automatic rollback is left to pipelines); \
                 recorded rollouts stop half-way.",
        fix: "[pipeline] kind = \"ci\", \"helm-atomic\" or \"human\".",
        bad: "strategy.kubernetes = {}\nversions.new.never_ready = \"10%\"",
        good: "strategy.kubernetes = {}\nversions.new.never_ready = \"10%\"\n\
               pipeline.kind = \"ci\"",
    },
    Lesson {
        code: Code::ThresholdUnreachable,
        of: &[],
        reason: "The threshold has to be exceeded, and all failures there can be only reach it.",
        source: "Ansible max_fail_percentage (strictly more); VM Scale Sets (more than).",
        fix: "A smaller threshold.",
        bad: "strategy.generic.failures_allowed = \"100%\"",
        good: "strategy.generic.failures_allowed = 1",
    },
];
