//! AWS CodeDeploy: in-place deployments, by host, optionally zone by zone.
//!
//! # Source
//! AWS CodeDeploy User Guide ("Instance health", "Working with deployment configurations",
//! "Integrating CodeDeploy with Elastic Load Balancing", "Redeploy and roll back") and the API
//! pages `MinimumHealthyHosts` and `ZonalConfig`. The service itself is not public.
//!
//! # Rules
//! - A host is healthy if its last deployment succeeded. That is no probe of the application.
//! - Each host in turn: out of the load balancer and drained, stopped, installed and started in
//!   the same place, back into the load balancer. It has succeeded when it is ready, and failed
//!   when its process ends for good or `allow_traffic_timeout` has passed.
//! - The minimum of healthy hosts: all but one (`OneAtATime`), all but ⌊N/2⌋ (`HalfAtATime`),
//!   none (`AllAtOnce`), a count, or a percentage of the hosts at the start, rounded up.
//! - A healthy host is taken only while more than the minimum are healthy; hosts in work never
//!   exceed what the minimum leaves. Failed ones go first, then those with another revision, then
//!   those that have it already: a deployment redeploys to them too. Within that, at random.
//! - When no host may be taken and some are left, the deployment has failed. When none is left it
//!   has succeeded if the minimum is healthy and at least one host succeeded: so a failure of the
//!   last hosts may be forgiven.
//! - Zones: one after the other, with `monitor_duration` between them (another one after the
//!   first zone), and a minimum of their own.
//! - Rollback is a new deployment of the last revision that succeeded, by the same rules.
//! - The alarm stops the deployment; hosts in work are finished.
//! - Operations: `pause` stops the deployment, `resume` deploys the same revision anew, `undo` and
//!   `abort` deploy the old one.
//!
//! # Settings and defaults
//! `OneAtATime`, no zones, an hour for a host to become healthy behind the load balancer, no
//! rollback. Around it: an Application Load Balancer, checks each 30 s, up to 300 s of draining
//! (`shutdown.drain_wait`) before the application is stopped.
//!
//! # Known surprises
//! - 95 % of ten hosts are ten: the deployment fails before it has begun. With 85 % one failed
//!   host fails everything.
//! - The rollback restarts every host, those that were never touched too.
//! - A host that breaks after it succeeded is healthy to CodeDeploy.
//! - A failed last host is no failure; it is left as it is.
//! - The drain comes first for every batch: with open connections 300 s each.
//!
//! # Where we depart
//! - `OneAtATime` is documented as 99 %, which would be all hosts of a small fleet: here it is all
//!   but one. `HalfAtATime` with one host takes that host.
//! - When a deployment fails, hosts in work are finished first; the rollback begins after that.
//!   An operator's `undo` does not wait for them.
//! - Hooks are not modelled apart: their time belongs to the start of the version.
//! - Host k is in zone k modulo `zones`, zones follow each other by number.
//! - A lost host counts as failed. Scaling is ignored.

mod deployment;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::alarm::AlarmWatch;
use super::ledger::Ledger;
use super::schedule::Schedule;
use super::verdict::Teller;
use super::{Budget, Command, Controller, Decision, Draws, Rules, View};
use crate::scenario::settings::{self, MinimumHealthyHosts, Operation};
use crate::trace::{Said, VersionId};
use crate::units::{Rounding, Span, Time};
use deployment::{Deployment, Host, Verdict};

/// A deployment group with its settings.
#[derive(Debug, Clone)]
pub struct CodeDeploy {
    settings: settings::CodeDeploy,
    instances: u32,
}

/// What the service knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    schedule: Schedule,
    ledger: Ledger,
    /// By slot.
    hosts: Vec<Host>,
    /// The present deployment, or the last one.
    deployment: Deployment,
    /// Deployments begun.
    deployments: u32,
    /// The revision of the last one that succeeded.
    good: VersionId,
    teller: Teller,
}

impl CodeDeploy {
    /// From checked settings and the number of hosts.
    pub fn new(settings: settings::CodeDeploy, instances: u32) -> Self {
        Self { settings, instances }
    }

    /// Healthy hosts that must be left.
    fn minimum(&self) -> u32 {
        let n = self.instances;
        match self.settings.minimum_healthy_hosts {
            MinimumHealthyHosts::OneAtATime => n - 1,
            MinimumHealthyHosts::HalfAtATime => n - (n / 2).max(1),
            MinimumHealthyHosts::AllAtOnce => 0,
            MinimumHealthyHosts::Hosts(hosts) => hosts.of(n, Rounding::Up),
        }
    }

    fn zones(&self) -> u32 {
        self.settings.zonal.map_or(1, |zonal| zonal.zones).min(self.instances)
    }

    fn zone_of(&self, slot: u32) -> u32 {
        slot % self.zones()
    }

    /// Hosts of a zone.
    fn hosts_in(&self, zone: u32) -> u32 {
        (self.instances - zone).div_ceil(self.zones())
    }

    /// Healthy hosts that must be left in a zone while it is in work.
    fn minimum_in(&self, zone: u32) -> u32 {
        self.settings.zonal.map_or(0, |zonal| {
            zonal.minimum_healthy_hosts_per_zone.of(self.hosts_in(zone), Rounding::Up)
        })
    }

    /// Hosts of a zone in work at once, at most.
    fn width(&self, zone: u32) -> u32 {
        let in_zone = self.hosts_in(zone).saturating_sub(self.minimum_in(zone));
        self.instances.saturating_sub(self.minimum()).min(in_zone)
    }

    /// Stops the deployment if the alarm rises.
    fn watch(&self, state: &mut State, now: Time, view: &View<'_>, decision: &mut Decision) {
        let deployment = &mut state.deployment;
        let (Some(alarm), None, None) =
            (self.settings.alarm, deployment.verdict, deployment.stopping)
        else {
            return;
        };
        let versions = (deployment.replaces, deployment.version);
        if deployment.alarm.rises(alarm, versions, now, view, decision) {
            deployment.stopping = Some(self.settings.auto_rollback_on_alarm);
            state.teller.detect(decision);
        }
    }
}

impl State {
    fn report(&mut self, decision: &mut Decision) {
        let back = self.deployment.version == VersionId::OLD;
        let said = match (self.deployment.verdict, back) {
            (None, false) => Said::Progressing,
            (None, true) => Said::RollingBack,
            (Some(Verdict::Succeeded), false) => Said::Completed,
            (Some(Verdict::Succeeded), true) => Said::RolledBack,
            (Some(Verdict::Stopped), false) => Said::Paused,
            (Some(Verdict::Stopped), true) => Said::RollbackPaused,
            (Some(Verdict::Failed), _) => Said::Failed,
        };
        self.teller.say(said, decision);
    }

    /// Begins a deployment. Hosts that another one has in work are left to this one.
    fn deploy(&mut self, version: VersionId) {
        for host in &mut self.hosts {
            if let Host::Work(_) = host {
                *host = Host::Failed;
            }
        }
        self.deployments += 1;
        self.deployment = Deployment::new(version, self.deployment.version);
    }

    fn go_back(&mut self, version: VersionId) {
        if version != self.deployment.version {
            self.teller.undo(self.deployment.version, version);
            self.deploy(version);
        }
    }

    fn operate(&mut self, operation: Operation) {
        match operation {
            Operation::Pause => {
                if self.deployment.verdict.is_none() {
                    self.deployment.verdict = Some(Verdict::Stopped);
                }
            }
            Operation::Resume => {
                if self.deployment.verdict == Some(Verdict::Stopped) {
                    self.deploy(self.deployment.version);
                }
            }
            Operation::Undo | Operation::Abort => self.go_back(VersionId::OLD),
            Operation::Set(version) if VersionId(version) < self.deployment.version => {
                self.go_back(VersionId(version));
            }
            Operation::Set(version) => self.deploy(VersionId(version)),
            Operation::Rollover => {
                self.deploy(VersionId(self.deployment.version.0.max(1).saturating_add(1)));
            }
            // A deployment group has none of these.
            Operation::Scale(_) | Operation::Partition(_) | Operation::Promote => {}
        }
    }
}

impl Rules for CodeDeploy {
    type State = State;

    const CONTROLLERS: &'static [&'static str] = &["codedeploy"];

    fn initial(&self) -> State {
        let mut deployment = Deployment::new(VersionId::OLD, VersionId::OLD);
        deployment.verdict = Some(Verdict::Succeeded);
        State {
            schedule: Schedule::default(),
            ledger: Ledger::new(self.instances),
            hosts: vec![Host::Succeeded(VersionId::OLD); self.instances as usize],
            deployment,
            deployments: 0,
            good: VersionId::OLD,
            teller: Teller::saying(Said::Completed),
        }
    }

    fn command(&self, state: &mut State, command: Command, now: Time) {
        match command {
            Command::Begin => {
                state.schedule.begin(now);
                state.deploy(VersionId::NEW);
            }
            Command::Rollback => state.go_back(VersionId::OLD),
            Command::Operate(operation) => state.operate(operation),
        }
    }

    fn next_operation(&self, state: &State) -> Option<Time> {
        state.schedule.next(&self.settings.operations)
    }

    fn reconcile(
        &self,
        state: &mut State,
        _: Controller,
        now: Time,
        view: &View<'_>,
        draws: Draws,
        decision: &mut Decision,
    ) {
        state.ledger.observe(view);
        decision.mark_ready(view);
        if !state.schedule.has_begun() {
            return;
        }
        let operations = &self.settings.operations;
        while let Some(operation) = state.schedule.take_or_wake(operations, now, decision) {
            state.operate(operation);
        }
        self.watch(state, now, view, decision);
        // A failed deployment may be followed by another one at once.
        while self.deploy_to_hosts(state, now, view, draws, decision) {}
        state.teller.tell_undone(decision);
        state.report(decision);
    }

    /// As many hosts at a time as the minimum leaves, zone by zone.
    fn budget(&self) -> Budget {
        let zones = 0..self.zones();
        let rounds = zones.clone().map(|z| self.hosts_in(z).div_ceil(self.width(z).max(1))).sum();
        let key = "strategy.codedeploy.minimum_healthy_hosts";
        Budget {
            instances: self.instances,
            out: zones.map(|zone| self.width(zone)).max().unwrap_or(0),
            above: 0,
            rounds,
            wait: Span::ZERO,
            out_key: key,
            above_key: key,
        }
    }
}
