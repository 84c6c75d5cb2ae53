//! Settings that cannot finish, cannot keep their gates, or do not protect: found by arithmetic
//! alone, before anything is simulated.
//!
//! Errors are certain: no run can end, or no run can keep the gate. Everything that only may go
//! wrong is a warning. A note says what may surprise.
//!
//! Each family has a file: its rules, and the [`Lesson`] of each of its codes.

mod argo;
mod arithmetic;
mod aws;
mod endings;
mod flagger;
mod gates;
mod general;
mod hosts;
mod kubernetes;
mod lesson;
mod load;
mod machines;
mod nomad;
mod room;
mod swarm;
mod timing;
mod worked;

pub use arithmetic::budget;
pub use lesson::{Lesson, lesson, lessons, lessons_of};
pub use worked::{Worked, worked};

use crate::scenario::Scenario;
use crate::scenario::codes::{Code, Severity};
use crate::scenario::settings::StrategySettings;

/// Something to complain about, by the dotted names of the keys that it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Its code.
    pub code: Code,
    /// How bad.
    pub severity: Severity,
    /// The key that it is about; `gates.2` is the third gate.
    pub key: String,
    /// What is wrong: a clause without a full stop.
    pub message: String,
    /// Beside the key.
    pub label: String,
    /// Other keys that belong to it.
    pub related: Vec<(String, String)>,
    /// What to do.
    pub help: Option<String>,
}

impl Finding {
    fn new(code: Code, key: &str, message: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            key: key.to_owned(),
            message: message.into(),
            label: label.into(),
            related: Vec::new(),
            help: None,
        }
    }

    fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    fn beside(mut self, key: &str, label: impl Into<String>) -> Self {
        self.related.push((key.to_owned(), label.into()));
        self
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Everything there is to complain about.
pub fn lint(scenario: &Scenario) -> Vec<Finding> {
    let mut findings = Vec::new();
    endings::endings(scenario, &mut findings);
    gates::gates(scenario, &mut findings);
    timing::timing(scenario, &mut findings);
    load::load(scenario, &mut findings);
    room::room(scenario, &mut findings);
    general::general(scenario, &mut findings);
    family(scenario, &mut findings);
    for finding in findings.iter_mut().filter(|finding| finding.help.is_none()) {
        finding.help = lesson(finding.code).map(|lesson| lesson.fix.to_owned());
    }
    findings
}

/// What only holds under the scenario's orchestrator.
fn family(scenario: &Scenario, findings: &mut Vec<Finding>) {
    match &scenario.strategy {
        StrategySettings::Kubernetes(settings) => {
            kubernetes::deployment(scenario, settings, findings);
        }
        StrategySettings::StatefulSet(settings) => {
            kubernetes::stateful_set(scenario, settings, findings);
        }
        StrategySettings::DaemonSet(settings) => {
            kubernetes::daemon_set(scenario, settings, findings);
        }
        // A model of no product: only the general rules hold.
        StrategySettings::Generic(_) => {}
        StrategySettings::Asg(settings) => aws::asg(scenario, settings, findings),
        StrategySettings::Ecs(settings) => aws::ecs(scenario, settings, findings),
        StrategySettings::CodeDeploy(settings) => aws::codedeploy(scenario, settings, findings),
        StrategySettings::Mig(settings) => machines::mig(scenario, settings, findings),
        StrategySettings::Vmss(settings) => machines::vmss(scenario, settings, findings),
        StrategySettings::ServiceFabric(settings) => {
            machines::service_fabric(scenario, settings, findings);
        }
        StrategySettings::Ansible(settings) => hosts::ansible(scenario, settings, findings),
        StrategySettings::Kamal(settings) => hosts::kamal(scenario, settings, findings),
        StrategySettings::Capistrano(settings) => hosts::capistrano(scenario, settings, findings),
        StrategySettings::AppConfig(settings) => hosts::appconfig(settings, findings),
        StrategySettings::Nomad(settings) => nomad::nomad(settings, findings),
        StrategySettings::ArgoCanary(settings) => argo::canary(scenario, settings, findings),
        StrategySettings::ArgoBluegreen(settings) => argo::bluegreen(scenario, settings, findings),
        StrategySettings::Flagger(settings) => flagger::flagger(scenario, settings, findings),
        StrategySettings::Swarm(settings) => swarm::swarm(scenario, settings, findings),
    }
}

#[cfg(test)]
mod examples;
#[cfg(test)]
mod tests;
