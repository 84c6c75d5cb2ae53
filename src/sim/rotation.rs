//! Rotations: which data-plane node sends requests to which instance, and how many.

use super::plane::{Plane, WARM};
use super::world::{Depth, Event, World};
use crate::balancer::slow_start_weight;
use crate::scenario::Algorithm;
use crate::trace::{Phase, Sink, VersionId};
use crate::units::{Span, Time};

/// How often the weight of a fresh instance is raised during slow start.
const REWEIGH_STEPS: f64 = 60.0;

impl World<'_> {
    /// An instance became ready: each node will hear of it.
    pub(super) fn announce(&mut self, instance: u32) {
        if self.plane.is_some() {
            return self.register(instance);
        }
        let late = self.lateness();
        for node in 0..self.scenario.clients.nodes {
            let at = self.now + late + self.chance.lag_add(instance, node);
            self.plan(at, Event::Join { instance, node: node as u16 });
            let informed = &mut self.informed[node as usize];
            *informed = at.max(*informed);
        }
    }

    /// The traffic shall be split anew. What a node hears it hears in order: it follows as soon
    /// as it knows every instance that became ready before.
    pub(super) fn route(&mut self, new: u32) {
        for node in 0..self.scenario.clients.nodes {
            let at = self.informed[node as usize];
            if at > self.now {
                self.plan(at, Event::Follow { node: node as u16, new });
            } else {
                self.follow(node, new);
            }
        }
    }

    /// A node sends this share of its requests to the new version from now on.
    pub(super) fn follow(&mut self, node: u32, new: u32) {
        if let Some(kernel) = self.kernel() {
            kernel.route(node, new);
        }
    }

    /// An instance is unwanted or not ready any more: each node that has it will hear of it.
    pub(super) fn withdraw(&mut self, instance: u32) {
        if self.plane.is_some() {
            return self.deregister(instance);
        }
        let late = self.lateness();
        for node in 0..self.scenario.clients.nodes {
            if self.fleet.is_member(instance, node) {
                let at = self.now + late + self.chance.lag_remove(instance, node);
                self.plan(at, Event::Leave { instance, node: node as u16 });
            }
        }
    }

    pub(super) fn join(&mut self, instance: u32, node: u32, sink: &mut impl Sink) {
        if self.plane.is_some() {
            return self.hear(instance, node, true, sink);
        }
        if !self.fleet.get(instance).phase.is_ready() {
            return;
        }
        // After a crash or an outage this may be old news, or none: the node never heard that it
        // was gone.
        let returns = self.fleet.get(instance).process > 0 || self.pools.is_some();
        if returns && (!self.has_heard(instance, node) || self.fleet.is_member(instance, node)) {
            return;
        }
        self.rotate(instance, node, true, sink);
        if self.has_slow_start() && node == 0 {
            self.plan_reweigh(instance);
        }
    }

    pub(super) fn leave(&mut self, instance: u32, node: u32, sink: &mut impl Sink) {
        if self.plane.is_some() {
            return self.hear(instance, node, false, sink);
        }
        let ready = self.fleet.get(instance).phase.is_ready();
        // Not if it came back and the node heard of that first.
        if !self.fleet.is_member(instance, node) || (ready && self.has_heard(instance, node)) {
            return;
        }
        self.rotate(instance, node, false, sink);
        self.left(instance, sink);
    }

    /// It may have left its last rotation.
    pub(super) fn left(&mut self, instance: u32, sink: &mut impl Sink) {
        let entry = self.fleet.get_mut(instance);
        if entry.rotations == 0 && entry.phase == Phase::Draining {
            entry.out_since = self.now;
            self.idle(instance, sink);
        }
    }

    /// Whether a node knows that an instance has become ready for the last time.
    fn has_heard(&self, instance: u32, node: u32) -> bool {
        self.fleet.ready_since(instance) + self.chance.lag_add(instance, node) <= self.now
    }

    pub(super) fn plan_reweigh(&mut self, instance: u32) {
        let step = self.scenario.balancer.slow_start * (1.0 / REWEIGH_STEPS);
        self.queue.push(self.now + step, Event::Reweigh { instance });
    }

    /// Slow start counts from readiness, which is when the first node may know.
    pub(super) fn reweigh(&mut self, instance: u32) {
        if self.plane.is_some() {
            return self.reweigh_by_node(instance);
        }
        let views = self.fleet.views();
        let Some(view) = views.iter().find(|view| view.id == instance).copied() else { return };
        if !view.phase.is_ready() {
            return;
        }
        let weight = self.weight(instance, view.ready_since);
        let nodes = self.scenario.clients.nodes;
        if let Some(kernel) = self.kernel() {
            for node in 0..nodes {
                if kernel.is_member(node, instance) {
                    kernel.reweigh(node, instance, weight);
                }
            }
        }
        if self.now.since(view.ready_since) < self.scenario.balancer.slow_start {
            self.plan_reweigh(instance);
        }
    }

    /// Brings an instance into the rotation of a node, or takes it out.
    pub(super) fn rotate(&mut self, instance: u32, node: u32, joins: bool, sink: &mut impl Sink) {
        // A node that learns late of an instance does not take it for a fresh one.
        let weight = match &self.plane {
            None => self.weight(instance, self.fleet.ready_since(instance)),
            Some(plane) => self.weight(instance, plane.fresh_since(instance, node)),
        };
        self.fleet.rotate(self.now, instance, node, joins, sink);
        if let Some(streams) = &mut self.streams {
            streams.rotate(instance, node, joins);
        }
        let Some(kernel) = self.kernel() else { return };
        if joins {
            kernel.join(node, instance, weight);
        } else {
            kernel.leave(node, instance);
        }
    }

    /// Weight of an instance; fresh ones rise over the balancer's slow start.
    pub(super) fn weight(&self, instance: u32, ready: Time) -> f64 {
        let version = self.fleet.get(instance).version;
        let versions = &self.scenario.versions;
        let base =
            if version == VersionId::OLD { versions.old.weight } else { versions.new.weight };
        let window = self.scenario.balancer.slow_start;
        if window == Span::ZERO || self.now < self.begun || ready == WARM {
            return base;
        }
        let (aggression, least) = self.plane.as_ref().map_or((1.0, 0.1), Plane::ramp);
        base * slow_start_weight(self.now.since(ready), window, aggression, least)
    }

    /// Whether weights rise slowly here.
    pub(super) fn has_slow_start(&self) -> bool {
        self.scenario.balancer.slow_start > Span::ZERO
            && self.scenario.balancer.algorithm == Algorithm::Weighted
            && self.depth == Depth::Requests
    }
}
