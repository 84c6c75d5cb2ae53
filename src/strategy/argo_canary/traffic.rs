//! What the traffic router is told.

use super::{ArgoCanary, State};
use crate::strategy::Decision;
use crate::strategy::argo::ALL;
use crate::trace::VersionId;

impl ArgoCanary {
    /// `reconcileTrafficRouting`.
    pub(super) fn send_traffic(&self, state: &mut State, decision: &mut Decision) {
        let max = self.settings.max_weight;
        let desired = self.canary_weight(state);
        let rollout = &mut state.rollout;
        let share = (u64::from(desired.1) * u64::from(ALL) / u64::from(max)) as u32;
        state.weight = desired;
        rollout.route(desired.0, share, rollout.stable, decision);
    }

    /// Who is the canary and what it gets, in units of the greatest weight.
    fn canary_weight(&self, state: &State) -> (VersionId, u32) {
        let rollout = &state.rollout;
        let (canary, before) = state.weight;
        if rollout.target == rollout.stable {
            // Back at the stable version: what its former canary still gets.
            return (canary, if canary == rollout.stable { 0 } else { self.weight_back(state) });
        }
        let before = if canary == rollout.target { before } else { 0 };
        let weight = if rollout.aborted {
            if before == 0 { 0 } else { self.weight_back(state) }
        } else if rollout.new_set().available == 0 {
            0
        } else if self.settings.steps.is_empty() {
            // Without steps it moves at once at the end.
            0
        } else if !self.canary_is_there(state) {
            self.set_weight_before(state.step)
        } else {
            self.current_weight(state)
        };
        (rollout.target, weight)
    }

    /// `calculateDesiredWeightOnAbortOrStableRollback`: nothing, or with a stable set that has to
    /// grow first what that cannot take yet.
    fn weight_back(&self, state: &State) -> u32 {
        if !self.settings.dynamic_stable_scale {
            return 0;
        }
        let max = self.settings.max_weight;
        let available = u64::from(state.rollout.stable_set().available);
        let taken = u64::from(max) * available / u64::from(state.rollout.desired.max(1));
        max.saturating_sub(taken as u32).min(state.weight.1)
    }
}
