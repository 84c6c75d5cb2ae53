//! Times that do not fit together: probes, grace periods, deadlines.

use super::Finding;
use super::arithmetic::{duration, share_above};
use crate::scenario::codes::Code;
use crate::scenario::settings::StrategySettings;
use crate::scenario::{GraceFrom, OnTerm, Scenario};
use crate::units::Span;

pub(super) fn timing(scenario: &Scenario, findings: &mut Vec<Finding>) {
    probes(scenario, findings);
    kills(scenario, findings);
    other_kills(scenario, findings);
    grace(scenario, findings);
    deadlines(scenario, findings);
    pipeline(scenario, findings);
}

fn probes(scenario: &Scenario, findings: &mut Vec<Finding>) {
    let probes = &scenario.probes;
    if !probes.enabled {
        return;
    }
    let median = scenario.versions.new.start_quantile(0.5);
    let seen = probes.period * f64::from(probes.success_threshold);
    if seen > median && seen > Span::from_secs(2) {
        let message = "readiness is seen late: probing takes longer than starting";
        let label = format!("seen up to {seen} late; half of the starts take less than {median}");
        let finding = Finding::new(Code::ProbeLag, "probes.period", message, label);
        findings.push(finding.help("a shorter period: each batch waits for the probe"));
    }
    if probes.period > Span::ZERO && probes.timeout > probes.period {
        let message = "a probe may still be unanswered when the next one is due";
        let label = format!("longer than the period of {}", probes.period);
        findings.push(Finding::new(Code::ProbeTimeout, "probes.timeout", message, label));
    }
}

/// Probes that end an instance while it still starts well.
fn kills(scenario: &Scenario, findings: &mut Vec<Finding>) {
    let (probes, start) = (&scenario.probes, &scenario.versions.new.start);
    if !probes.enabled || !probes.kills || probes.period == Span::ZERO {
        return;
    }
    // The last of so many failures in a row, the first of them not before the start period.
    let uncounted = (probes.start_period - probes.initial_delay).0.div_ceil(probes.period.0);
    let failures = uncounted + u64::from(probes.failure_threshold.max(1) - 1);
    let limit = probes.initial_delay + probes.period * failures as f64;
    let killed = share_above(start, limit);
    if killed > 0.01 {
        let message = "good instances are killed while they start";
        let label = format!("about {:.0}% of starts take longer than {limit}", killed * 100.0);
        let swarm = matches!(scenario.strategy, StrategySettings::Swarm(_));
        let code = if swarm { Code::SwarmProbesKill } else { Code::ProbesKill };
        let finding = Finding::new(code, "probes.start_period", message, label);
        findings.push(finding.beside("versions.new.start", "this is how long a start takes"));
    }
}

/// The same for liveness probes that nothing holds back, and start-up probes.
fn other_kills(scenario: &Scenario, findings: &mut Vec<Finding>) {
    let pieces = &scenario.pieces;
    let (key, limit, help) = match (&pieces.startup, &pieces.liveness) {
        (Some(startup), _) => ("startup.failure", startup.patience(), "more failures"),
        (None, Some(liveness)) => {
            let failures = f64::from(liveness.failure.max(1) - 1);
            let limit = liveness.initial_delay + liveness.period * failures;
            ("liveness.initial_delay", limit, "add [startup], which holds the liveness probe back")
        }
        (None, None) => return,
    };
    let killed = share_above(&scenario.versions.new.start, limit);
    if killed > 0.01 {
        let message = "good instances are killed while they start";
        let label = format!("about {:.0}% of starts take longer than {limit}", killed * 100.0);
        let finding = Finding::new(Code::ProbesKill, key, message, label).help(help);
        findings.push(finding.beside("versions.new.start", "this is how long a start takes"));
    }
}

fn grace(scenario: &Scenario, findings: &mut Vec<Finding>) {
    let shutdown = &scenario.shutdown;
    let used = match shutdown.grace_from {
        GraceFrom::Stop => shutdown.pre_stop,
        GraceFrom::Term => Span::ZERO,
    };
    if used > Span::ZERO && shutdown.grace <= used {
        let message = "the process is killed before it is told to stop";
        let label = format!("over while pre_stop ({}) still runs", shutdown.pre_stop);
        let finding = Finding::new(Code::GraceBelowPreStop, "shutdown.grace", message, label);
        findings.push(finding.help("grace = pre_stop + the time to finish requests"));
    } else if shutdown.on_term == OnTerm::Drain {
        let left = shutdown.grace - used;
        let killed = share_above(&scenario.versions.old.exit, left);
        if killed > 0.01 {
            let message = "the grace period is shorter than many exits";
            let after = if used > Span::ZERO { " after pre_stop" } else { "" };
            let label = format!(
                "leaves {left}{after}; about {:.0}% of instances are killed",
                killed * 100.0
            );
            let swarm = matches!(scenario.strategy, StrategySettings::Swarm(_));
            let code = if swarm { Code::SwarmGrace } else { Code::GraceBelowDrain };
            findings.push(Finding::new(code, "shutdown.grace", message, label));
        } else {
            jobs(scenario, left, findings);
        }
    }
    // Kamal's proxy has let what is in flight finish before the process hears of it.
    let proxied = matches!(&scenario.strategy, StrategySettings::Kamal(kamal) if kamal.proxy);
    // With a drain time nothing is in flight any more, or somebody has cancelled it by then.
    let drained = proxied || shutdown.drain_wait > Span::ZERO;
    if scenario.traffic.is_some() && shutdown.on_term != OnTerm::Drain && !drained {
        let message = "requests in flight are cut at each stop";
        let label = "the process does not finish them";
        findings.push(Finding::new(Code::NoDrain, "shutdown.on_term", message, label));
    }
}

/// Jobs of a queue that are longer than what the grace period leaves.
fn jobs(scenario: &Scenario, left: Span, findings: &mut Vec<Finding>) {
    let job = &scenario.versions.old.service_time;
    let cut = share_above(job, left);
    if scenario.pieces.queue.is_some() && cut > 0.01 {
        let message = "the grace period is shorter than many jobs";
        let label = format!(
            "leaves {left}; about {:.0}% of jobs are longer, and done again if they are cut",
            cut * 100.0
        );
        let finding = Finding::new(Code::GraceBelowDrain, "shutdown.grace", message, label);
        findings.push(finding.beside("versions.old.service_time", "this is how long a job takes"));
    }
}

fn deadlines(scenario: &Scenario, findings: &mut Vec<Finding>) {
    let Some(Deadline { key, limit, effect }) = deadline(scenario) else { return };
    let start = &scenario.versions.new.start;
    let probes = &scenario.probes;
    let lag = if probes.enabled {
        probes.period * f64::from(probes.success_threshold)
    } else {
        Span::ZERO
    };
    let late = share_above(start, limit - lag);
    if late > 0.01 {
        let message = "the deadline is shorter than many good starts";
        let label =
            format!("about {:.0}% of starts take longer (probing {lag}): {effect}", late * 100.0);
        let finding = Finding::new(Code::DeadlineBelowStart, key, message, label);
        findings.push(finding.beside("versions.new.start", "this is how long a start takes"));
    }
}

/// How long an instance may take until somebody loses patience with it.
struct Deadline {
    key: &'static str,
    /// From the start of the process to ready.
    limit: Span,
    effect: &'static str,
}

fn deadline(scenario: &Scenario) -> Option<Deadline> {
    let launch = scenario.control.launch.quantile(0.5);
    let some = |key, limit, effect| Some(Deadline { key, limit, effect });
    match &scenario.strategy {
        StrategySettings::Kubernetes(settings) => some(
            "strategy.kubernetes.progress_deadline",
            settings.progress_deadline - settings.min_ready,
            "the Deployment then reports failure",
        ),
        StrategySettings::Generic(settings) => {
            some("strategy.generic.ready_deadline", settings.ready_deadline, "they count as failed")
        }
        StrategySettings::Asg(settings) => some(
            "strategy.asg.health_check_grace_period",
            settings.health_check_grace_period - launch,
            "the group replaces them, again and again",
        ),
        StrategySettings::Mig(settings) if settings.autohealing => some(
            "strategy.mig.initial_delay",
            settings.initial_delay - launch,
            "the machines are made again, and again",
        ),
        StrategySettings::Vmss(settings) => some(
            "strategy.vmss.health_wait",
            settings.health_wait - launch,
            "their batch is judged without them",
        ),
        StrategySettings::ServiceFabric(settings) => some(
            "strategy.service_fabric.health_check_retry_timeout",
            settings.health_check_wait + settings.health_check_retry_timeout,
            "the upgrade has failed",
        ),
        StrategySettings::Ansible(settings) => {
            some("strategy.ansible.start_timeout", settings.start_timeout, "the host has failed")
        }
        StrategySettings::Kamal(settings) if settings.proxy => {
            some("strategy.kamal.deploy_timeout", settings.deploy_timeout, "the deploy is aborted")
        }
        StrategySettings::Nomad(settings) if settings.max_parallel > 0 => some(
            "strategy.nomad.healthy_deadline",
            settings.healthy_deadline - settings.min_healthy_time,
            "the allocation is unhealthy",
        ),
        StrategySettings::CodeDeploy(settings) => some(
            "strategy.codedeploy.allow_traffic_timeout",
            settings.allow_traffic_timeout,
            "the host has failed",
        ),
        StrategySettings::ArgoCanary(settings) => some(
            "strategy.argo_canary.progress_deadline",
            settings.progress_deadline - settings.min_ready,
            "the Rollout is then degraded",
        ),
        StrategySettings::ArgoBluegreen(settings) => some(
            "strategy.argo_bluegreen.progress_deadline",
            settings.progress_deadline - settings.min_ready,
            "the Rollout is then degraded",
        ),
        StrategySettings::Flagger(settings) => some(
            "strategy.flagger.progress_deadline",
            settings.progress_deadline - settings.min_ready,
            "the canary is rolled back",
        ),
        // These lose patience with nobody.
        StrategySettings::StatefulSet(_)
        | StrategySettings::DaemonSet(_)
        | StrategySettings::Mig(_)
        | StrategySettings::Kamal(_)
        | StrategySettings::Capistrano(_)
        | StrategySettings::AppConfig(_)
        | StrategySettings::Nomad(_)
        | StrategySettings::Ecs(_)
        | StrategySettings::Swarm(_) => None,
    }
}

fn pipeline(scenario: &Scenario, findings: &mut Vec<Finding>) {
    let Some(timeout) = scenario.pipeline.job_timeout() else { return };
    let usual = duration(scenario, 0.5);
    if usual > timeout {
        let message = "the pipeline rolls back before a usual rollout has ended";
        let label = format!("the starts alone usually need {usual}");
        findings.push(Finding::new(Code::RollbackDeadline, "pipeline.timeout", message, label));
    }
}
