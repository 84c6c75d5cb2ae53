//! Fresh instances by node: each node counts from when it began to use an instance.

use super::WARM;
use crate::sim::world::World;
use crate::units::Time;

impl World<'_> {
    /// An instance is about to join a node's rotation; `new`: because of something the node has
    /// heard or found out of it.
    pub(super) fn meet(&mut self, instance: u32, node: u32, new: bool) {
        if !new || !self.has_slow_start() || self.now < self.begun {
            return;
        }
        let rises = self.plane.as_ref().is_none_or(|p| !p.settings.slow_start.needs_warm)
            || self.has_warm(node);
        let now = self.now;
        let Some(plane) = &mut self.plane else { return };
        let pair = plane.pair(instance, node);
        (pair.fresh, pair.joined) = (if rises { now } else { WARM }, now);
        if rises && !std::mem::replace(&mut plane.fact(instance).rises, true) {
            self.plan_reweigh(instance);
        }
    }

    /// Whether a node uses an instance that is not in its slow start. One that joins at the same
    /// instant does not count: they came together.
    fn has_warm(&self, node: u32) -> bool {
        let Some(plane) = &self.plane else { return false };
        let is_warm = |instance: u32| {
            let Some(pair) = plane.pairs.get(plane.place(instance, node)) else { return false };
            let earlier = pair.joined < self.now;
            earlier && !self.is_fresh(pair.fresh) && self.fleet.is_member(instance, node)
        };
        self.fleet.views().iter().any(|view| is_warm(view.id))
    }

    fn is_fresh(&self, since: Time) -> bool {
        since != WARM && self.now.since(since) < self.scenario.balancer.slow_start
    }

    /// The weight of an instance rises wherever it is still fresh.
    pub(in crate::sim) fn reweigh_by_node(&mut self, instance: u32) {
        let mut any = false;
        for node in 0..self.scenario.clients.nodes {
            let fresh = self.plane.as_ref().map_or(WARM, |p| p.fresh_since(instance, node));
            if fresh == WARM {
                continue;
            }
            let (goes_on, weight) = (self.is_fresh(fresh), self.weight(instance, fresh));
            any |= goes_on;
            if !goes_on && let Some(plane) = &mut self.plane {
                plane.pair(instance, node).fresh = WARM;
            }
            if self.fleet.is_member(instance, node)
                && let Some(kernel) = self.kernel()
            {
                kernel.reweigh(node, instance, weight);
            }
        }
        if any {
            self.plan_reweigh(instance);
        } else if let Some(plane) = &mut self.plane {
            plane.fact(instance).rises = false;
        }
    }
}
