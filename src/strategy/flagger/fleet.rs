//! The two Deployments, whose pods run the same versions, and the traffic between them.

use super::{DEPLOYMENT, FLAGGER, Flagger, REPLICASET, State};
use crate::strategy::kubernetes::State as DeploymentState;
use crate::strategy::{Action, Controller, Decision, Draws, InstanceView, Rules, View};
use crate::trace::{Phase, VersionId};
use crate::units::{Rounding, Time};

/// What a Deployment takes the other one's pods for: a version that it has no set of.
const FOREIGN: VersionId = VersionId(u8::MAX);

impl Flagger {
    /// A look of the deployment or of the replicaset controller, at both Deployments.
    pub(super) fn sync_fleet(
        &self,
        state: &mut State,
        controller: Controller,
        now: Time,
        view: &View<'_>,
        draws: Draws,
        decision: &mut Decision,
    ) {
        if controller == REPLICASET {
            state.observe(view);
        }
        for is_canary in [false, true] {
            let instances: Vec<InstanceView> = view
                .instances
                .iter()
                .map(|i| {
                    let own = state.is_member(i.id) == is_canary;
                    InstanceView { version: if own { i.version } else { FOREIGN }, ..*i }
                })
                .collect();
            let view = View { instances: &instances, ..*view };
            let mut part = Decision::default();
            let own = if is_canary { &mut state.canary } else { &mut state.primary };
            self.deployment.reconcile(own, controller - DEPLOYMENT, now, &view, draws, &mut part);
            if is_canary {
                state.awaited.extend(part.actions.iter().filter_map(|action| match action {
                    Action::Start { version, .. } => Some(*version),
                    _ => None,
                }));
            }
            decision.actions.append(&mut part.actions);
            // Its controllers are called 0 and 1 there.
            decision.notify |= part.notify << DEPLOYMENT;
            if let Some(time) = part.wake_at {
                decision.wake(time);
            }
        }
        self.note_shortage(state, now);
        if std::mem::take(&mut state.resting) {
            decision.notify |= 1 << FLAGGER;
        }
    }

    /// Condition `Available` of both: since when too few pods are.
    fn note_shortage(&self, state: &mut State, now: Time) {
        let reports = [state.primary.report(), state.canary.report()];
        for (report, since) in reports.iter().zip(&mut state.short_since) {
            let spare = self.settings.max_unavailable.of(report.desired, Rounding::Down);
            let short = report.available + spare < report.desired;
            *since = if short { Some(since.unwrap_or(now)) } else { None };
        }
    }

    /// Tells the data plane what share of the traffic meets new pods: those of the canary by its
    /// weight, those of the primary by their number among its pods.
    pub(super) fn route(state: &mut State, view: &View<'_>, decision: &mut Decision) {
        if state.begun.is_none() {
            return;
        }
        let share = |is_canary: bool, own: &DeploymentState| {
            let (mut new, mut all) = (0, 0);
            for i in view.instances.iter().filter(|i| i.phase == Phase::Available) {
                if state.is_member(i.id) == is_canary && !own.has_told(i.id) {
                    all += 1;
                    new += u32::from(i.version != VersionId::OLD);
                }
            }
            match all {
                0 => f64::from(u32::from(own.template() != VersionId::OLD)),
                _ => f64::from(new) / f64::from(all),
            }
        };
        let weight = f64::from(state.weight) / 100.0;
        let share =
            weight * share(true, &state.canary) + (1.0 - weight) * share(false, &state.primary);
        let new = (share * 1e6).round() as u32;
        if state.routed != Some(new) {
            state.routed = Some(new);
            decision.actions.push(Action::Route { new });
        }
    }
}

impl State {
    /// Whether this pod belongs to the canary Deployment.
    pub(super) fn is_member(&self, instance: u32) -> bool {
        self.members.binary_search(&instance).is_ok()
    }

    /// Finds out whose the new pods are. Two of one version are alike: whoever waits for one
    /// may have it.
    fn observe(&mut self, view: &View<'_>) {
        let fresh = view.instances.partition_point(|i| i.id < self.next_instance);
        for i in &view.instances[fresh..] {
            for _ in self.next_instance..i.id {
                // Came and went unseen.
                self.awaited.pop();
            }
            self.next_instance = i.id + 1;
            if let Some(at) = self.awaited.iter().position(|version| *version == i.version) {
                self.awaited.swap_remove(at);
                self.members.push(i.id);
            }
        }
        let exists = |id: &u32| view.instances.binary_search_by_key(id, |i| i.id).is_ok();
        self.members.retain(exists);
    }
}
