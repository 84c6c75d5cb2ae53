//! Tools that go from host to host: Ansible, Kamal, Capistrano, AppConfig.

use super::arithmetic::{budget, share_above};
use super::{Finding, Lesson};
use crate::scenario::Scenario;
use crate::scenario::codes::Code;
use crate::scenario::settings::{Ansible, AppConfig, Capistrano, Kamal, Orchestrator, Runner};
use crate::units::Span;

pub(super) fn ansible(scenario: &Scenario, settings: &Ansible, findings: &mut Vec<Finding>) {
    let n = scenario.service.instances;
    let one_batch = n > 1 && budget(scenario).out >= n;
    if one_batch {
        let message = "the play takes all hosts in one batch";
        let label = format!("{n} of {n} at once");
        findings.push(Finding::new(
            Code::AnsibleOneBatch,
            "strategy.ansible.serial",
            message,
            label,
        ));
    } else if settings.max_fail_percentage.is_none() && !settings.any_errors_fatal && n > 1 {
        let message = "the play goes on as long as one host of each batch is well";
        let label = "none: only a batch that fails whole stops it";
        let key = "strategy.ansible.max_fail_percentage";
        findings.push(Finding::new(Code::AnsibleUnlimited, key, message, label));
    }
    if scenario.traffic.is_some() && settings.drain_wait == Span::ZERO {
        let message = "services are stopped while requests are still in flight";
        let label = "the play waits for no connection to end";
        let key = "strategy.ansible.drain_wait";
        findings.push(Finding::new(Code::AnsibleNoDrain, key, message, label));
    }
}

pub(super) fn kamal(scenario: &Scenario, settings: &Kamal, findings: &mut Vec<Finding>) {
    let late = share_above(&scenario.versions.new.start, settings.readiness_delay);
    if !settings.proxy && !scenario.probes.enabled && late > 0.01 {
        let message = "containers count as healthy before they can serve";
        let label = format!("{:.0}% of the starts take longer", late * 100.0);
        let key = "strategy.kamal.readiness_delay";
        findings.push(Finding::new(Code::KamalReadinessDelay, key, message, label));
    }
    let n = scenario.service.instances;
    if settings.boot_limit.is_none() && n > 1 {
        let message = "all hosts boot the new version at once";
        let label = format!("no limit: {n} of {n}; each host runs both for a while");
        findings.push(Finding::new(
            Code::KamalAllHosts,
            "strategy.kamal.boot_limit",
            message,
            label,
        ));
    }
    let cut = share_above(&scenario.versions.old.service_time, settings.drain_timeout);
    if scenario.traffic.is_some() && cut > 0.0 {
        let message = "requests longer than drain_timeout are cancelled at every host";
        let label = format!("{:.1}% of the requests take longer", cut * 100.0);
        let key = "strategy.kamal.drain_timeout";
        findings.push(Finding::new(Code::KamalDrain, key, message, label));
    }
}

pub(super) fn capistrano(scenario: &Scenario, settings: &Capistrano, findings: &mut Vec<Finding>) {
    let n = scenario.service.instances;
    let (wait, all) = match settings.runner {
        Runner::Parallel => (Span::ZERO, true),
        Runner::Groups { limit, wait } => (wait, limit >= n),
        Runner::Sequence { wait } => (wait, n == 1),
    };
    if n == 1 {
        return;
    }
    if all {
        let message = "all servers restart at once: nobody serves meanwhile";
        let label = format!("{n} of {n}");
        findings.push(Finding::new(
            Code::CapistranoAllAtOnce,
            "strategy.capistrano.in",
            message,
            label,
        ));
        return;
    }
    let waited = wait + settings.restart_time;
    let late = share_above(&scenario.versions.new.start, waited);
    if late > 0.01 {
        let message = "the next group stops before this one serves";
        let label = format!("{:.0}% of the starts take longer than {waited}", late * 100.0);
        let finding =
            Finding::new(Code::CapistranoBlindWait, "strategy.capistrano.wait", message, label);
        findings.push(finding.beside("versions.new.start", "nothing else waits for it"));
    }
}

pub(super) fn appconfig(settings: &AppConfig, findings: &mut Vec<Finding>) {
    if settings.alarm_errors.is_none() && settings.alarm_unready.is_none() {
        let message = "a bad version reaches all targets: no alarm is watched";
        let label = "none, and none on unready targets";
        let key = "strategy.appconfig.alarm_errors";
        findings.push(Finding::new(Code::AppConfigNoAlarm, key, message, label));
        return;
    }
    let watched = settings.deployment_duration + settings.final_bake_time;
    if settings.alarm_after >= watched {
        let message = "the alarm cannot go off before the deployment is over";
        let label = format!("watched for {watched} in all");
        let key = "strategy.appconfig.alarm_after";
        let finding = Finding::new(Code::AppConfigAlarmLate, key, message, label);
        findings.push(finding.beside("strategy.appconfig.final_bake_time", "the end of the watch"));
    }
}

const ANSIBLE: &[Orchestrator] = &[Orchestrator::Ansible];
const KAMAL: &[Orchestrator] = &[Orchestrator::Kamal];
const CAPISTRANO: &[Orchestrator] = &[Orchestrator::Capistrano];
const APPCONFIG: &[Orchestrator] = &[Orchestrator::AppConfig];

/// What stands behind the codes of this file.
pub(super) const LESSONS: &[Lesson] = &[
    Lesson {
        code: Code::AnsibleUnlimited,
        of: ANSIBLE,
        reason: "Failed hosts are left out and forgotten with their batch. Without \
                 max_fail_percentage the play stops only when a whole batch has failed, so a \
                 version that fails on most hosts still reaches all of them.",
        source: "ansible/ansible lib/ansible/plugins/strategy/linear.py; ansible/ansible#65881, \
                 #76915.",
        fix: "max_fail_percentage = 0: the first failure stops the play. It is exceeded strictly, \
              and of the batch.",
        bad: "strategy.ansible.serial = [3]",
        good: "strategy.ansible.serial = [3]\nstrategy.ansible.max_fail_percentage = 0",
    },
    Lesson {
        code: Code::AnsibleOneBatch,
        of: ANSIBLE,
        reason: "Without serial, with 0 or with 100 %, all hosts are one batch: every service is \
                 stopped before the first new one runs (forks only spreads that a little).",
        source: "ansible/ansible lib/ansible/executor/playbook_executor.py \
                 (_get_serialized_batches).",
        fix: "serial = [1, \"20%\"]: one host first, then batches.",
        bad: "strategy.ansible.serial = [\"100%\"]",
        good: "strategy.ansible.serial = [1, \"20%\"]",
    },
    Lesson {
        code: Code::AnsibleNoDrain,
        of: ANSIBLE,
        reason: "Ansible knows no traffic: the balancer's module must wait for connections to \
                 end, or what is in flight is lost when the service stops.",
        source: "community.general.haproxy, drain, wait_retries and wait_interval.",
        fix: "drain_wait = \"30s\".",
        bad: "strategy.ansible.drain_wait = \"0s\"\ntraffic.rate = \"9/s\"",
        good: "strategy.ansible.drain_wait = \"30s\"\ntraffic.rate = \"9/s\"",
    },
    Lesson {
        code: Code::KamalReadinessDelay,
        of: KAMAL,
        reason: "A role without a proxy and without a health check is healthy when its container \
                 has run for readiness_delay, 7 s by default, whether it serves or not.",
        source: "basecamp/kamal lib/kamal/cli/healthcheck.",
        fix: "A readiness_delay longer than slow starts, or a health check.",
        bad: "strategy.kamal.proxy = false\nprobes.enabled = false",
        good: "strategy.kamal.proxy = false\nprobes.enabled = false\n\
               strategy.kamal.readiness_delay = \"30s\"",
    },
    Lesson {
        code: Code::KamalAllHosts,
        of: KAMAL,
        reason: "Without boot.limit every host boots the new version at the same time, beside \
                 the old one: twice the memory everywhere, and one bad release meets all hosts.",
        source: "basecamp/kamal lib/kamal/configuration/boot.rb.",
        fix: "boot_limit = \"25%\", rounded down, at least 1.",
        bad: "strategy.kamal = {}",
        good: "strategy.kamal.boot_limit = \"25%\"",
    },
    Lesson {
        code: Code::KamalDrain,
        of: KAMAL,
        reason: "After the switch the proxy lets requests in flight finish for drain_timeout, \
                 then it cancels them; upgraded connections at once.",
        source: "basecamp/kamal-proxy internal/server/target.go.",
        fix: "A drain_timeout longer than the longest request.",
        bad: "strategy.kamal.drain_timeout = \"5s\"\ntraffic.rate = \"1/s\"\n\
              versions.old.service_time = \"6s\"",
        good: "strategy.kamal.drain_timeout = \"30s\"\ntraffic.rate = \"1/s\"\n\
               versions.old.service_time = \"6s\"",
    },
    Lesson {
        code: Code::CapistranoAllAtOnce,
        of: CAPISTRANO,
        reason: "By default the restart runs on all servers in parallel. Nobody serves from the \
                 stop until the first new process is ready.",
        source: "capistrano/capistrano, capistrano/sshkit lib/sshkit/runners/parallel.rb.",
        fix: "in = \"groups\" with a limit, or \"sequence\", and a wait.",
        bad: "strategy.capistrano.in = \"parallel\"",
        good: "strategy.capistrano.in = \"sequence\"\nstrategy.capistrano.wait = \"30s\"",
    },
    Lesson {
        code: Code::CapistranoBlindWait,
        of: CAPISTRANO,
        reason: "No health check is made: wait is the only thing between one group's start and \
                 the next group's stop. If a start takes longer, dips add up, and a version that \
                 never serves goes round all the same.",
        source: "capistrano/sshkit lib/sshkit/runners/group.rb, sequential.rb.",
        fix: "A wait longer than slow starts, or a restart task that waits for health.",
        bad: "strategy.capistrano.in = \"sequence\"\nstrategy.capistrano.wait = \"2s\"",
        good: "strategy.capistrano.in = \"sequence\"\nstrategy.capistrano.wait = \"30s\"",
    },
    Lesson {
        code: Code::AppConfigNoAlarm,
        of: APPCONFIG,
        reason: "AppConfig goes on by time alone. Only an alarm stops it and rolls back.",
        source: "AWS AppConfig user guide, monitoring deployments.",
        fix: "alarm_errors = \"1%\".",
        bad: "strategy.appconfig = {}",
        good: "strategy.appconfig.alarm_errors = \"1%\"",
    },
    Lesson {
        code: Code::AppConfigAlarmLate,
        of: APPCONFIG,
        reason: "Alarms are watched from the first step to the end of the final bake time. One \
                 that needs longer to go off comes when everything is deployed.",
        source: "AWS AppConfig user guide, deployment strategies (bake time).",
        fix: "A shorter alarm, or a longer deployment or bake.",
        bad: "strategy.appconfig.alarm_errors = \"1%\"\n\
              strategy.appconfig.deployment_duration = \"2m\"\n\
              strategy.appconfig.final_bake_time = \"1m\"\n\
              strategy.appconfig.alarm_after = \"5m\"",
        good: "strategy.appconfig.alarm_errors = \"1%\"\n\
               strategy.appconfig.deployment_duration = \"20m\"\n\
               strategy.appconfig.final_bake_time = \"10m\"\n\
               strategy.appconfig.alarm_after = \"5m\"",
    },
];
