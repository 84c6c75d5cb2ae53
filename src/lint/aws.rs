//! Amazon ECS, AWS CodeDeploy, EC2 Auto Scaling.

use super::arithmetic::budget;
use super::{Finding, Lesson};
use crate::scenario::codes::Code;
use crate::scenario::settings::{
    Asg, CodeDeploy, Ecs, MinimumHealthyHosts, Orchestrator, Protected, TaskHealth,
};
use crate::scenario::{Pipeline, Scenario};
use crate::strategy::ecs::breaker;
use crate::units::{CountOrPercent, Rounding, Span};

/// The least and the most tasks: the first rounded up, the second down, and no more than fit.
pub(super) fn ecs_limits(settings: &Ecs, desired: u32) -> (u32, u32) {
    let of = |percent, rounding| CountOrPercent::Percent(f64::from(percent)).of(desired, rounding);
    let most = of(settings.maximum_percent, Rounding::Down);
    let room = settings.room.unwrap_or(u32::MAX);
    (of(settings.minimum_healthy_percent, Rounding::Up), most.min(room))
}

pub(super) fn ecs(scenario: &Scenario, settings: &Ecs, findings: &mut Vec<Finding>) {
    let n = scenario.service.instances;
    let (low, most) = ecs_limits(settings, n);
    let (_, high) = ecs_limits(&Ecs { room: None, ..settings.clone() }, n);
    let room_key = "strategy.ecs.room";
    if low >= n && most <= n && n > 0 {
        let message = "this rollout can never end: no task may be started, and none stopped";
        let label = format!("rounds up to {low} of {n}: none may stop");
        let key = "strategy.ecs.minimum_healthy_percent";
        let (beside, why) = if most < high {
            (room_key, format!("room for {most}: none may start"))
        } else {
            ("strategy.ecs.maximum_percent", format!("rounds down to {most}: none may start"))
        };
        findings.push(Finding::new(Code::EcsStuck, key, message, label).beside(beside, why));
    } else if most < high {
        let message = "the cluster holds fewer tasks than the service may start";
        let label = format!("{} above {n} at once", most.saturating_sub(n));
        let finding = Finding::new(Code::EcsRoom, room_key, message, label);
        let allowed = format!("would allow {}", high.saturating_sub(n));
        findings.push(finding.beside("strategy.ecs.maximum_percent", allowed));
    }
    let new = &scenario.versions.new;
    let bad = new.never_ready.0 > 0.0 || new.crash.0 > 0.0;
    match settings.circuit_breaker {
        Some(circuit_breaker) => {
            let needed = breaker::tasks(circuit_breaker.threshold, n);
            if needed > n {
                let message = "the circuit breaker needs more failures than there are tasks";
                let label = format!("trips at {needed} failed tasks; the service has {n}");
                let key = "strategy.ecs.circuit_breaker";
                findings.push(Finding::new(Code::EcsBreakerHigh, key, message, label));
            }
        }
        None if bad && settings.alarm.is_none() && scenario.pipeline == Pipeline::None => {
            let message = "failed tasks are started again for ever";
            let label = "off: no number of failures ends the deployment";
            let key = "strategy.ecs.circuit_breaker";
            findings.push(Finding::new(Code::EcsNoBreaker, key, message, label));
        }
        None => {}
    }
    if settings.health == TaskHealth::Running && scenario.traffic.is_some() {
        let message = "old tasks stop because new ones run, not because they answer";
        let label = "a task counts 40s after it runs";
        findings.push(Finding::new(Code::EcsUnchecked, "strategy.ecs.health", message, label));
    }
}

pub(super) fn codedeploy(scenario: &Scenario, settings: &CodeDeploy, findings: &mut Vec<Finding>) {
    let n = scenario.service.instances;
    let key = "strategy.codedeploy.minimum_healthy_hosts";
    if budget(scenario).out == 0 {
        let message = "the deployment fails at once: no host may be taken";
        let label = format!("leaves none of {n} to deploy to");
        let finding = Finding::new(Code::CodeDeployNobody, key, message, label);
        findings.push(match settings.zonal {
            Some(_) => finding.beside(
                "strategy.codedeploy.minimum_healthy_hosts_per_zone",
                "the minimum of each zone, rounded up",
            ),
            None => finding,
        });
        return;
    }
    match settings.minimum_healthy_hosts {
        MinimumHealthyHosts::Hosts(hosts) if n > 1 && hosts.of(n, Rounding::Up) == n - 1 => {
            let message = "one failed host fails the deployment";
            let label = format!("rounds up to {} of {n}", n - 1);
            findings.push(Finding::new(Code::CodeDeployOneFailure, key, message, label));
        }
        MinimumHealthyHosts::AllAtOnce if n > 1 => {
            let message = "all hosts at once, and one that succeeds is enough";
            let label = format!("{} of {n} may fail", n - 1);
            findings.push(Finding::new(Code::CodeDeployAllAtOnce, key, message, label));
        }
        MinimumHealthyHosts::OneAtATime
        | MinimumHealthyHosts::HalfAtATime
        | MinimumHealthyHosts::AllAtOnce
        | MinimumHealthyHosts::Hosts(_) => {}
    }
}

pub(super) fn asg(scenario: &Scenario, settings: &Asg, findings: &mut Vec<Finding>) {
    let n = scenario.service.instances;
    if settings.protected_instances > 0 && settings.scale_in_protected_instances == Protected::Wait
    {
        let message = "the refresh waits for protected instances, and fails after an hour";
        let label = format!("{} of {n}", settings.protected_instances.min(n));
        let key = "strategy.asg.protected_instances";
        findings.push(Finding::new(Code::AsgProtected, key, message, label));
    }
    let of = |percent| CountOrPercent::Percent(f64::from(percent)).of(n, Rounding::Up);
    let lowest = of(settings.min_healthy_percentage);
    if n > 1 && lowest >= n && of(settings.max_healthy_percentage) <= n {
        let message = "the limits leave no room: one instance at a time, below the minimum";
        let label = format!("rounds up to {lowest} of {n}");
        let key = "strategy.asg.min_healthy_percentage";
        findings.push(Finding::new(Code::AsgOneByOne, key, message, label));
    }
    let start = scenario.versions.new.start_quantile(0.5) + scenario.control.launch.quantile(0.5);
    if settings.instance_warmup > start * 2.0 {
        let message = "the warm-up decides how long the refresh takes";
        let label = format!("half of the instances start within {start}");
        let key = "strategy.asg.instance_warmup";
        findings.push(Finding::new(Code::AsgWarmup, key, message, label));
    }
    checkpoints(scenario, settings, findings);
}

fn checkpoints(scenario: &Scenario, settings: &Asg, findings: &mut Vec<Finding>) {
    let Some((last, waits)) = settings.checkpoint_percentages.split_last() else { return };
    let key = "strategy.asg.checkpoint_percentages";
    if *last < 100 {
        let message = "the refresh ends with its last checkpoint";
        let label = format!("{}% keep the old version", 100 - last);
        findings.push(Finding::new(Code::AsgCheckpointEnd, key, message, label));
    }
    let budget = budget(scenario);
    let start = scenario.versions.new.start_quantile(0.5).max(settings.instance_warmup);
    let (work, waiting) = (
        start * f64::from(budget.rounds),
        settings.checkpoint_delay * f64::from(waits.len() as u32),
    );
    if waiting > work && waiting > Span::ZERO {
        let message = "most of the refresh is waiting at checkpoints";
        let label = format!("{} waits, {waiting} in all", waits.len());
        let key = "strategy.asg.checkpoint_delay";
        findings.push(Finding::new(Code::AsgCheckpointDelay, key, message, label));
    }
}

const ECS: &[Orchestrator] = &[Orchestrator::Ecs];
const CODEDEPLOY: &[Orchestrator] = &[Orchestrator::CodeDeploy];
const ASG: &[Orchestrator] = &[Orchestrator::Asg];

/// What stands behind the codes of this file.
pub(super) const LESSONS: &[Lesson] = &[
    Lesson {
        code: Code::EcsStuck,
        of: ECS,
        reason: "minimum_healthy_percent rounds up and maximum_percent down. Where both come out \
                 as the desired count (3 tasks at 100/125, 2 at 75/100, 1 at 100/100) the \
                 scheduler may neither stop nor start a task. It says so in an event only.",
        source: "Amazon ECS developer guide, rolling update deployments; convox/rack#849.",
        fix: "A maximum_percent that allows one task more, or a minimum that allows one less.",
        bad: "service.instances = 3\nstrategy.ecs.minimum_healthy_percent = 100\n\
              strategy.ecs.maximum_percent = 125",
        good: "service.instances = 3\nstrategy.ecs.minimum_healthy_percent = 100\n\
               strategy.ecs.maximum_percent = 134",
    },
    Lesson {
        code: Code::EcsRoom,
        of: ECS,
        reason: "New tasks start only where the cluster has room, and a task that is still \
                 draining takes room too. The service then goes in smaller steps, each with a \
                 drain of its own.",
        source: "Amazon ECS developer guide (6 tasks, 100/200, room for 8: three steps of two).",
        fix: "More room, or a smaller maximum_percent that says what really happens.",
        bad: "service.instances = 6\nstrategy.ecs.room = 8",
        good: "service.instances = 6\nstrategy.ecs.room = 12",
    },
    Lesson {
        code: Code::EcsBreakerHigh,
        of: ECS,
        reason: "The threshold is a percentage of the desired count, rounded up, but at least 3 \
                 (bounded). A service with one or two tasks fails several times, one after the \
                 other, before the breaker trips.",
        source: "AWS API, DeploymentCircuitBreaker and ThresholdConfiguration; \
                 aws/containers-roadmap#1247, #1573.",
        fix: "threshold_type = \"count\" with a small threshold_value, or an alarm.",
        bad: "service.instances = 2\nstrategy.ecs.circuit_breaker = true",
        good: "service.instances = 12\nstrategy.ecs.circuit_breaker = true",
    },
    Lesson {
        code: Code::EcsNoBreaker,
        of: ECS,
        reason: "Without the circuit breaker and without an alarm a deployment has no end but \
                 success: tasks that fail are replaced, and fail again.",
        source: "Amazon ECS developer guide, deployment circuit breaker.",
        fix: "circuit_breaker = true.",
        bad: "strategy.ecs = {}\nversions.new.never_ready = \"50%\"",
        good: "strategy.ecs.circuit_breaker = true\nversions.new.never_ready = \"50%\"",
    },
    Lesson {
        code: Code::EcsUnchecked,
        of: ECS,
        reason: "Without a target group or a container health check a task is healthy because it \
                 runs. Old tasks stop for new ones that may not answer yet, or ever.",
        source: "AWS API reference (40 s after RUNNING); Amazon ECS developer guide.",
        fix: "health = \"checked\".",
        bad: "strategy.ecs.health = \"running\"\ntraffic.rate = \"9/s\"",
        good: "strategy.ecs.health = \"checked\"\ntraffic.rate = \"9/s\"",
    },
    Lesson {
        code: Code::CodeDeployNobody,
        of: CODEDEPLOY,
        reason: "A host is taken only while more than the minimum are healthy. A percentage is \
                 rounded up: 95 % of 10 hosts are 10, and the deployment fails before it began.",
        source: "AWS CodeDeploy user guide, instance health (the 95 % example).",
        fix: "A smaller minimum: at most one less than there are hosts.",
        bad: "service.instances = 10\nstrategy.codedeploy.minimum_healthy_hosts = \"95%\"",
        good: "service.instances = 10\nstrategy.codedeploy.minimum_healthy_hosts = \"80%\"",
    },
    Lesson {
        code: Code::CodeDeployOneFailure,
        of: CODEDEPLOY,
        reason: "A minimum of all hosts but one leaves room for the host in work, and none for a \
                 host that fails: 85 % of 10 are 9.",
        source: "AWS CodeDeploy user guide, instance health (the 85 % example).",
        fix: "A minimum that leaves two hosts or more.",
        bad: "service.instances = 10\nstrategy.codedeploy.minimum_healthy_hosts = \"85%\"",
        good: "service.instances = 10\nstrategy.codedeploy.minimum_healthy_hosts = \"80%\"",
    },
    Lesson {
        code: Code::CodeDeployAllAtOnce,
        of: CODEDEPLOY,
        reason: "AllAtOnce has a minimum of 0: every host is taken at once, and the deployment \
                 succeeds if one host does.",
        source: "AWS CodeDeploy user guide, deployment configurations.",
        fix: "minimum_healthy_hosts = \"HalfAtATime\", or a percentage.",
        bad: "strategy.codedeploy.minimum_healthy_hosts = \"AllAtOnce\"",
        good: "strategy.codedeploy.minimum_healthy_hosts = \"HalfAtATime\"",
    },
    Lesson {
        code: Code::AsgProtected,
        of: ASG,
        reason: "With Wait, the API's default, a refresh waits until somebody lifts the scale-in \
                 protection. Without progress for an hour it fails.",
        source: "Amazon EC2 Auto Scaling user guide, instance refresh defaults.",
        fix: "scale_in_protected_instances = \"Ignore\" or \"Refresh\".",
        bad: "strategy.asg.protected_instances = 2\n\
              strategy.asg.scale_in_protected_instances = \"Wait\"",
        good: "strategy.asg.protected_instances = 2\n\
               strategy.asg.scale_in_protected_instances = \"Refresh\"",
    },
    Lesson {
        code: Code::AsgOneByOne,
        of: ASG,
        reason: "Both percentages are rounded up. Where the minimum is the whole group and \
                 nothing may be above it, one instance at a time is terminated and replaced all \
                 the same: slow, and below the minimum.",
        source: "Amazon EC2 Auto Scaling user guide, instance refresh overview (100/100).",
        fix: "max_healthy_percentage = 110: new ones are launched first.",
        bad: "strategy.asg.min_healthy_percentage = 100\nstrategy.asg.instance_warmup = \"30s\"",
        good: "strategy.asg.min_healthy_percentage = 100\n\
               strategy.asg.max_healthy_percentage = 110\nstrategy.asg.instance_warmup = \"30s\"",
    },
    Lesson {
        code: Code::AsgWarmup,
        of: ASG,
        reason: "The next set begins when each new instance is healthy and its warm-up is over. \
                 The default is the health check grace period, minutes longer than many starts.",
        source: "Amazon EC2 Auto Scaling user guide, instance refresh default values.",
        fix: "An instance_warmup as long as a start and its first load.",
        bad: "strategy.asg.instance_warmup = \"300s\"",
        good: "strategy.asg.instance_warmup = \"60s\"",
    },
    Lesson {
        code: Code::AsgCheckpointEnd,
        of: ASG,
        reason: "A refresh replaces up to its last checkpoint and is then successful. If that is \
                 not 100, the rest of the group stays as it was.",
        source: "Amazon EC2 Auto Scaling user guide, checkpoints.",
        fix: "100 as the last checkpoint.",
        bad: "strategy.asg.checkpoint_percentages = [20, 50]",
        good: "strategy.asg.checkpoint_percentages = [20, 50, 100]",
    },
    Lesson {
        code: Code::AsgCheckpointDelay,
        of: ASG,
        reason: "The refresh waits checkpoint_delay, an hour by default, at every checkpoint but \
                 the last.",
        source: "Amazon EC2 Auto Scaling API, RefreshPreferences.",
        fix: "A shorter checkpoint_delay, if nobody looks that long.",
        bad: "strategy.asg.checkpoint_percentages = [20, 50, 100]",
        good: "strategy.asg.checkpoint_percentages = [20, 50, 100]\n\
               strategy.asg.checkpoint_delay = \"5m\"",
    },
];
