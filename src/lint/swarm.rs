//! Docker Swarm.

use super::arithmetic::share_above;
use super::{Finding, Lesson};
use crate::scenario::Scenario;
use crate::scenario::codes::Code;
use crate::scenario::settings::{OnFailure, Orchestrator, Order, Swarm, UpdateConfig};
use crate::units::Span;

/// The agent retries a cancelled wait before it stops the container (`ErrTaskRetry`).
const STOP_COST: Span = Span::from_millis(1200);
/// `defaultOldTaskTimeout` of the restart supervisor.
const OLD_TASK_TIMEOUT: Span = Span::from_secs(60);

pub(super) fn swarm(scenario: &Scenario, settings: &Swarm, findings: &mut Vec<Finding>) {
    let update = &settings.update;
    order(scenario, update, findings);
    monitor(scenario, update, findings);
    threshold(scenario, update, findings);
    stops(scenario, update, findings);
    let (probes, never) = (&scenario.probes, scenario.versions.new.never_ready.0);
    if never > 0.0 && probes.enabled && !probes.kills {
        let message = "nothing times out: a task that never gets healthy holds its worker";
        let label = format!("{:.0}% of the new tasks", never * 100.0);
        let finding =
            Finding::new(Code::SwarmNoTimeout, "versions.new.never_ready", message, label);
        findings.push(finding.beside("probes.kills", "nobody gives them up"));
    }
}

/// Failed tasks that trigger the action: single precision, strictly more than the ratio.
pub(super) fn failures_needed(update: &UpdateConfig, slots: u32) -> Option<u32> {
    let exceeds =
        |failures: &u32| *failures as f32 / slots as f32 > update.max_failure_ratio as f32;
    (1..=slots).find(exceeds)
}

fn order(scenario: &Scenario, update: &UpdateConfig, findings: &mut Vec<Finding>) {
    if update.order == Order::StopFirst {
        return;
    }
    let key = "strategy.swarm.order";
    if !scenario.probes.enabled {
        let message = "start-first without a health check does not protect you on Swarm";
        let label = "a container is \"running\" as soon as it has started; then the old one stops";
        let finding = Finding::new(Code::SwarmNoHealthCheck, key, message, label);
        findings.push(finding.beside("probes.enabled", "no health check"));
        return;
    }
    let needed = failures_needed(update, scenario.service.instances);
    let goes_on = update.failure_action == OnFailure::Continue;
    if goes_on || needed.is_none_or(|needed| needed > 1) {
        let message = "failures that are let pass cost good tasks after the update has ended";
        let label =
            "the next pass takes the replacement for the slot's task, and stops the old one";
        let (key, cause) = if goes_on {
            ("strategy.swarm.failure_action", "failures stop nothing".to_owned())
        } else {
            let needed = needed.map_or("no number".to_owned(), |needed| needed.to_string());
            ("strategy.swarm.max_failure_ratio", format!("{needed} of the slots must fail"))
        };
        let finding = Finding::new(Code::SwarmLoose, "strategy.swarm.order", message, label);
        findings.push(finding.beside(key, cause));
    }
}

fn monitor(scenario: &Scenario, update: &UpdateConfig, findings: &mut Vec<Finding>) {
    let new = &scenario.versions.new;
    let late = share_above(&new.crash_after, update.monitor);
    if new.crash.0 > 0.0 && late > 0.01 {
        let message = "most crashes come when nobody counts them any more";
        let message = if late > 0.5 { message } else { "some crashes come too late to count" };
        let label = format!("{:.0}% of the crashes come later", late * 100.0);
        let finding =
            Finding::new(Code::SwarmMonitorShort, "strategy.swarm.monitor", message, label);
        findings.push(finding.beside("versions.new.crash_after", "process start to crash"));
    }
    if update.delay >= update.monitor {
        let message = "the update ends delay + 1s after the last task, not monitor";
        let label = format!("not below monitor ({})", update.monitor);
        findings.push(Finding::new(Code::SwarmDelay, "strategy.swarm.delay", message, label));
    }
}

fn threshold(scenario: &Scenario, update: &UpdateConfig, findings: &mut Vec<Finding>) {
    let slots = scenario.service.instances;
    if update.failure_action == OnFailure::Continue {
        let message = "this update never stops, and says \"completed\" whatever happened";
        let label = "no failure is looked at";
        let key = "strategy.swarm.failure_action";
        findings.push(Finding::new(Code::SwarmContinue, key, message, label));
    } else if failures_needed(update, slots).is_none() {
        let message = "no number of failures is more than this";
        let label = format!("all {slots} of {slots} are a ratio of 1, and it must be exceeded");
        let key = "strategy.swarm.max_failure_ratio";
        findings.push(Finding::new(Code::SwarmRatio, key, message, label));
    }
}

fn stops(scenario: &Scenario, update: &UpdateConfig, findings: &mut Vec<Finding>) {
    let shutdown = &scenario.shutdown;
    if shutdown.pre_stop < STOP_COST {
        let message = "Swarm does not send SIGTERM so soon";
        let label = "at least 1.2s after the decision, 3.2s on an overlay network";
        findings.push(Finding::new(Code::SwarmStopCost, "shutdown.pre_stop", message, label));
    }
    let exit = scenario.versions.old.exit.quantile(0.95);
    let longest = shutdown.pre_stop + shutdown.grace.min(exit);
    if update.order == Order::StopFirst && longest > OLD_TASK_TIMEOUT {
        let message = "stop-first waits 60s at the most; then both tasks run";
        let label = format!("stops take up to {longest} (p95)");
        findings.push(Finding::new(Code::SwarmOldTaskTimeout, "shutdown.grace", message, label));
    }
}

const OF: &[Orchestrator] = &[Orchestrator::Swarm];

/// What stands behind the codes of this file, and behind those of the family that other files
/// give.
pub(super) const LESSONS: &[Lesson] = &[
    Lesson {
        code: Code::SwarmNoHealthCheck,
        of: OF,
        reason: "Without a health check Swarm calls a task running as soon as its process has \
                 started. A process that exits at once is running for 8 to 160 ms; that is enough \
                 to stop the old, good task.",
        source: "Recording r41 (2 of 2 and 6 of 6 good instances lost, state \"completed\"); \
                 moby/moby#34111, moby/swarmkit#2308.",
        fix: "Give the service a health check (probes.enabled = true), or use stop-first.",
        bad: "strategy.swarm.order = \"start-first\"",
        good: "strategy.swarm.order = \"start-first\"\nprobes.enabled = true\n\
               probes.start_period = \"60s\"",
    },
    Lesson {
        code: Code::SwarmMonitorShort,
        of: OF,
        reason: "A failure counts if it comes before the task ran, or within monitor after that. \
                 A version that crashes later is rolled out everywhere, and the update is \
                 completed.",
        source: "moby/swarmkit manager/orchestrator/update/updater.go; recordings r01, r45.",
        fix: "A monitor longer than it takes the version to fail.",
        bad: "strategy.swarm.monitor = \"5s\"\nversions.new.crash = \"100%\"\n\
              versions.new.crash_after = \"20s\"",
        good: "strategy.swarm.monitor = \"30s\"\nversions.new.crash = \"100%\"\n\
               versions.new.crash_after = \"20s\"",
    },
    Lesson {
        code: Code::SwarmMonitorZero,
        of: OF,
        reason: "A monitor of 0 is read as not given, and the default is 5 s: there is no way to \
                 switch the watch off but failure_action = \"continue\".",
        source: "moby/swarmkit api/defaults/service.go; recordings r24, r06.",
        fix: "Write the time that is meant: monitor = \"5s\".",
        bad: "strategy.swarm.monitor = \"0s\"",
        good: "strategy.swarm.monitor = \"5s\"",
    },
    Lesson {
        code: Code::SwarmDelay,
        of: OF,
        reason: "Each worker waits delay after each task, and after the last one the update goes \
                 on for delay + 1 s instead of monitor. Failures later than monitor are still \
                 not counted, however long the delay is.",
        source: "Recording r36; moby/moby#37972 and its fix; moby/swarmkit updater.go.",
        fix: "A monitor longer than the delay.",
        bad: "strategy.swarm.delay = \"10s\"",
        good: "strategy.swarm.delay = \"10s\"\nstrategy.swarm.monitor = \"15s\"",
    },
    Lesson {
        code: Code::SwarmRatio,
        of: OF,
        reason: "The action follows when failures divided by slots are strictly more than \
                 max_failure_ratio. 1 is never exceeded, so nothing ever stops the update.",
        source: "Recordings r35 (1.0 never triggers) and r11 (0.8 of 7 needs 6 failures); \
                 moby/swarmkit updater.go.",
        fix: "A ratio below 1: with 12 slots 0.1 acts at the second failure.",
        bad: "strategy.swarm.max_failure_ratio = 1.0",
        good: "strategy.swarm.max_failure_ratio = 0.1",
    },
    Lesson {
        code: Code::SwarmContinue,
        of: OF,
        reason: "With continue nobody looks at failures. The update ends as \"completed\" with few \
                 tasks running, or none, and restarts go on for ever.",
        source: "Recordings r01 (0 of 6 at the end), r45 (0 of 5).",
        fix: "failure_action = \"rollback\", or \"pause\".",
        bad: "strategy.swarm.failure_action = \"continue\"",
        good: "strategy.swarm.failure_action = \"rollback\"",
    },
    Lesson {
        code: Code::SwarmProbesKill,
        of: OF,
        reason: "A container that is unhealthy is stopped, also while it starts: after interval \
                 times retries, unless start_period is longer. A good version is then paused or \
                 rolled back for being slow.",
        source: "Recording r34 (paused with 0 of 2; at the border a coin toss).",
        fix: "A start_period that covers slow starts.",
        bad: "strategy.swarm = {}\n\
              probes.enabled = true\nprobes.period = \"5s\"\nprobes.failure = 3",
        good: "strategy.swarm = {}\n\
              probes.enabled = true\nprobes.period = \"5s\"\nprobes.failure = 3\n\
               probes.start_period = \"60s\"",
    },
    Lesson {
        code: Code::SwarmGrace,
        of: OF,
        reason: "After stop_grace_period (10 s by default) the container is killed, and what it \
                 works on is lost.",
        source: "Docker Compose file reference, stop_grace_period; recorded kills come 0.07 to \
                 0.42 s after the grace period.",
        fix: "A grace period longer than the slowest exits.",
        bad: "strategy.swarm = {}\n\
              shutdown.grace = \"10s\"\nversions.old.exit = \"20s\"",
        good: "strategy.swarm = {}\n\
              shutdown.grace = \"30s\"\nversions.old.exit = \"20s\"",
    },
    Lesson {
        code: Code::SwarmNoTimeout,
        of: OF,
        reason: "The updater waits for each task without a limit. One that neither gets healthy \
                 nor is given up leaves the update \"updating\" for ever; with stop-first an \
                 instance is missing meanwhile.",
        source: "moby/swarmkit updater.go (\"Consider adding a timeout here\"); recording s13.",
        fix: "Let the health check end what does not get healthy (probes.kills = true).",
        bad: "strategy.swarm = {}\n\
              versions.new.never_ready = \"10%\"\nprobes.enabled = true\nprobes.kills = false",
        good: "strategy.swarm = {}\n\
              versions.new.never_ready = \"10%\"\nprobes.enabled = true\nprobes.kills = true\n\
               probes.start_period = \"60s\"",
    },
    Lesson {
        code: Code::SwarmStopCost,
        of: OF,
        reason: "The agent first cancels its wait for the container and retries: SIGTERM comes \
                 1.2 s after the decision, and 3.2 s on networks other than the default bridge. \
                 A scenario with less is too optimistic.",
        source: "354 recorded stops (p50 1.21 s and 3.24 s); moby daemon/cluster/executor.",
        fix: "Leave shutdown.pre_stop at 1.2s, or write 3.2s for an overlay network.",
        bad: "strategy.swarm = {}\n\
              shutdown.pre_stop = \"0s\"",
        good: "strategy.swarm = {}\n\
              shutdown.pre_stop = \"3.2s\"",
    },
    Lesson {
        code: Code::SwarmLoose,
        of: OF,
        reason: "When the update lets failures pass, slots are left with the old task and a \
                 waiting replacement. After the end the orchestrator takes the replacement for \
                 the slot's task and stops the good old one: an outage after \"completed\".",
        source: "Recordings s36 (0 of 4 left), r35, r05; moby/moby#43081.",
        fix: "failure_action = \"rollback\" and max_failure_ratio = 0.",
        bad: "strategy.swarm.order = \"start-first\"\nstrategy.swarm.max_failure_ratio = 0.5\n\
              probes.enabled = true\nprobes.start_period = \"60s\"",
        good: "strategy.swarm.order = \"start-first\"\nstrategy.swarm.max_failure_ratio = 0\n\
               probes.enabled = true\nprobes.start_period = \"60s\"",
    },
    Lesson {
        code: Code::SwarmOldTaskTimeout,
        of: OF,
        reason: "With stop-first the new task waits at most 60 s for the old one to stop; then it \
                 starts beside it. For a fixed port or an exclusive volume that is a failure.",
        source: "moby/swarmkit restart.go (time.Minute), #3274; moby/moby#36111.",
        fix: "A grace period below a minute.",
        bad: "strategy.swarm = {}\n\
              shutdown.grace = \"120s\"\nversions.old.exit = \"90s\"",
        good: "strategy.swarm = {}\n\
              shutdown.grace = \"50s\"\nversions.old.exit = \"40s\"",
    },
];
