//! Sizes of the sets.

use super::counts::{Basic, basic, routed};
use super::{ArgoCanary, State};
use crate::scenario::settings::CanaryScale;
use crate::strategy::kubernetes::fenceposts;
use crate::units::{Span, Time};

impl ArgoCanary {
    /// `reconcileCanaryReplicaSets`: the first set whose size is not what it should be.
    pub(super) fn scale_sets(&self, state: &mut State, now: Time) -> bool {
        let (canary, stable) = self.sizes(state, true);
        let rollout = &mut state.rollout;
        let (target, of_stable) = (rollout.target, rollout.stable);
        rollout.clear_deadline(of_stable);
        if of_stable != target && rollout.sets.resize(of_stable, stable) {
            return true;
        }
        match self.abort_delay(state) {
            Some(delay) => {
                if state.rollout.scale_down_aborted(delay, now) {
                    return true;
                }
            }
            None => {
                if state.rollout.sets.resize(target, canary) {
                    return true;
                }
            }
        }
        if self.settings.traffic_routing {
            self.scale_unserved(state, now)
        } else {
            self.scale_others(state)
        }
    }

    /// Sizes of the canary and of the stable set. `within`: as far as the budgets and the
    /// present traffic allow now, else as the step wants them in the end.
    pub(super) fn sizes(&self, state: &State, within: bool) -> (u32, u32) {
        if self.settings.traffic_routing {
            self.routed_sizes(state, within)
        } else {
            self.basic_sizes(state)
        }
    }

    fn basic_sizes(&self, state: &State) -> (u32, u32) {
        let rollout = &state.rollout;
        let n = rollout.desired;
        let others = rollout.other_sets();
        basic(&Basic {
            replicas: n,
            weight: if rollout.target == rollout.stable { 100 } else { self.current_weight(state) },
            posts: fenceposts::resolve(self.settings.max_surge, self.settings.max_unavailable, n),
            new: rollout.new_set(),
            stable: (rollout.stable != rollout.target).then(|| rollout.stable_set()),
            others: others.iter().map(|v| rollout.sets.counts(*v).size).sum(),
        })
    }

    /// `CalculateReplicaCountsForTrafficRoutedCanary`.
    fn routed_sizes(&self, state: &State, within: bool) -> (u32, u32) {
        let rollout = &state.rollout;
        let (n, max) = (rollout.desired, self.settings.max_weight);
        if rollout.target == rollout.stable {
            return (n, n);
        }
        let scale = self.current_scale(state).filter(|_| !rollout.aborted);
        let (replicas, weight) = match scale {
            Some(CanaryScale::Replicas(count)) => (Some(count), 0),
            Some(CanaryScale::Weight(weight)) => (None, weight),
            Some(CanaryScale::MatchTrafficWeight) | None => (None, self.current_weight(state)),
        };
        let mut canary = replicas.unwrap_or_else(|| self.at_least(routed(n, weight, max)));
        if !self.settings.dynamic_stable_scale {
            return (canary, n);
        }
        let mut stable = routed(n, max.saturating_sub(weight), max);
        if within {
            // No set may shrink before its traffic has gone.
            let sent = if state.weight.0 == rollout.target { state.weight.1 } else { 0 };
            stable = stable.max(routed(n, max - sent.min(max), max));
            if rollout.aborted {
                canary = canary.max(routed(n, sent, max));
            }
        }
        (self.at_least(canary), self.at_least(stable))
    }

    /// `CheckMinPodsPerReplicaSet`.
    fn at_least(&self, count: u32) -> u32 {
        if count == 0 { 0 } else { count.max(self.settings.min_pods_per_replica_set) }
    }

    /// `shouldDelayScaleDownOnAbort`: how long the canary of an aborted rollout stays, if it does
    /// not simply shrink.
    fn abort_delay(&self, state: &State) -> Option<Span> {
        let applies = state.rollout.aborted && self.settings.traffic_routing;
        self.settings.abort_scale_down_delay.filter(|_| applies)
    }

    /// Other sets where traffic is routed: the former stable set stays for the delay, a version
    /// that was overtaken goes when nobody is sent there any more.
    fn scale_unserved(&self, state: &mut State, now: Time) -> bool {
        let promoted = state.rollout.target == state.rollout.stable;
        let mut scaled = false;
        for version in state.rollout.other_sets() {
            if Self::is_served(state, version) {
                continue;
            }
            let rollout = &mut state.rollout;
            scaled |= if promoted || rollout.deadline(version).is_some() {
                rollout.scale_down_after(version, self.settings.scale_down_delay, now)
            } else {
                rollout.sets.resize(version, 0)
            };
        }
        scaled
    }

    /// `scaleDownOldReplicaSetsForCanary` where pods are the weights: what is not available goes
    /// without a limit, then the newest set first while more than N − unavailable are available.
    fn scale_others(&self, state: &mut State) -> bool {
        let rollout = &mut state.rollout;
        let others = rollout.other_sets();
        let (n, all) = (rollout.desired, rollout.sets.total().available);
        let mut scaled = false;
        for version in &others {
            let set = rollout.sets.counts(*version);
            if set.available > set.size {
                // The status lags behind the last scale-down: the original gives up this sync.
                return scaled;
            }
            scaled |= set.available < set.size && rollout.sets.resize(*version, set.available);
        }
        let settings = &self.settings;
        let posts = fenceposts::resolve(settings.max_surge, settings.max_unavailable, n);
        let mut budget = all.saturating_sub(n - posts.unavailable.min(n));
        for version in &others {
            let size = rollout.sets.counts(*version).size;
            let count = size.min(budget);
            budget -= count;
            scaled |= count > 0 && rollout.sets.resize(*version, size - count);
        }
        scaled
    }
}
