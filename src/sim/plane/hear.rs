//! What nodes are told: registration, deregistration, and when each of them learns of it.

use super::{Plane, Step};
use crate::balancer::Mark;
use crate::scenario::pieces::Discovery;
use crate::sim::world::{Event, World};
use crate::trace::{Phase, Sink};
use crate::units::{Span, Time};

impl Plane<'_> {
    /// When a node learns of something that the data plane as a whole knows, and that reaches this
    /// node at `at`. What it hears of one instance it hears in order.
    pub(super) fn learns(&mut self, instance: u32, node: u32, at: Time) -> Time {
        let (lookups, never) = self.lookups;
        let settings = self.settings;
        let at = match settings.dns {
            Some(_) if node < never => Time::NEVER,
            Some(dns) if node < lookups => {
                let place = self.lookup_phase + dns.ttl * (f64::from(node) / f64::from(lookups));
                let after = (at.0 + dns.ttl.0 - place.0 % dns.ttl.0) % dns.ttl.0;
                at + Span((dns.ttl.0 - after) % dns.ttl.0)
            }
            _ => self.nodes[node as usize].throttle.next(at, settings.node_throttle),
        };
        let pair = self.pair(instance, node);
        pair.heard_by = pair.heard_by.max(at);
        pair.heard_by
    }
}

impl World<'_> {
    /// An instance became ready: the data plane will know, then each node.
    pub(in crate::sim) fn register(&mut self, instance: u32) {
        let asked = self.now + self.chance.register(instance);
        let Some(plane) = &mut self.plane else { return };
        if !plane.is_told() {
            return;
        }
        plane.fact(instance).told = true;
        let known = plane.shared.next(asked, plane.settings.throttle);
        for node in 0..self.scenario.clients.nodes {
            let reaches = known + self.chance.lag_add(instance, node);
            let Some(plane) = &mut self.plane else { return };
            let at = plane.learns(instance, node, reaches);
            self.plan(at, Event::Join { instance, node: node as u16 });
            let informed = &mut self.informed[node as usize];
            if at < Time::NEVER {
                *informed = at.max(*informed);
            }
        }
    }

    /// An instance is unwanted or not ready any more.
    pub(in crate::sim) fn deregister(&mut self, instance: u32) {
        let asked = self.now + self.chance.deregister(instance);
        let Some(plane) = &mut self.plane else { return };
        if !std::mem::take(&mut plane.fact(instance).told) {
            return;
        }
        let known = plane.shared.next(asked, plane.settings.throttle);
        for node in 0..self.scenario.clients.nodes {
            let reaches = known + self.chance.lag_remove(instance, node);
            let Some(plane) = &mut self.plane else { return };
            let at = plane.learns(instance, node, reaches);
            self.plan(at, Event::Leave { instance, node: node as u16 });
        }
    }

    /// A node learns that an instance is there, or that it goes.
    pub(in crate::sim) fn hear(
        &mut self,
        instance: u32,
        node: u32,
        there: bool,
        sink: &mut impl Sink,
    ) {
        if there {
            self.mark(instance, node, Mark::Terminating, false, sink);
            self.begin_checks(instance, node, sink);
            self.mark(instance, node, Mark::Known, true, sink);
            return;
        }
        // It is shown as one that goes for as long as it is there.
        if self.fleet.get(instance).phase == Phase::Draining {
            self.mark(instance, node, Mark::Terminating, true, sink);
        }
        self.forget(instance, node, sink);
    }

    pub(super) fn forget(&mut self, instance: u32, node: u32, sink: &mut impl Sink) {
        self.mark(instance, node, Mark::Known, false, sink);
        self.mark(instance, node, Mark::Ejected, false, sink);
        let Some(plane) = &mut self.plane else { return };
        plane.nodes[node as usize].ejections.forget(instance);
    }

    /// The process of an instance starts, so that its address exists: on a fixed list it takes
    /// the place of the one that had its slot before, and what nodes thought of that.
    pub(in crate::sim) fn appear(&mut self, instance: u32, sink: &mut impl Sink) {
        let entry = *self.fleet.get(instance);
        let is_first = entry.process == 0;
        let by_checks =
            self.plane.as_ref().is_some_and(|p| p.settings.discovery == Discovery::Checks);
        if !by_checks || !is_first {
            return;
        }
        let before = self.fleet.last_in_slot(instance);
        for node in 0..self.scenario.clients.nodes {
            let Some(plane) = &mut self.plane else { return };
            let heir = before.filter(|old| plane.has(*old, node, Mark::Known));
            let Some(old) = heir else {
                self.begin_checks(instance, node, sink);
                self.mark(instance, node, Mark::Known, true, sink);
                continue;
            };
            let inherited = *plane.pair(old, node);
            *plane.pair(instance, node) = inherited;
            // To the node it is one host, which has not answered since the old process closed.
            let since = plane.fact(old).since;
            plane.fact(instance).since = since;
            let healthy = plane.has(old, node, Mark::Healthy);
            self.mark(instance, node, Mark::Healthy, healthy, sink);
            self.mark(instance, node, Mark::Known, true, sink);
            self.forget(old, node, sink);
            self.plan_check(instance, node);
        }
    }

    /// The process of an instance that was told to stop is gone for good.
    pub(in crate::sim) fn vanish(&mut self, instance: u32, sink: &mut impl Sink) {
        self.answers_anew(instance);
        let Some(plane) = &self.plane else { return };
        if !plane.settings.terminating {
            return;
        }
        let asked = self.now + self.chance.deregister(instance);
        for node in 0..self.scenario.clients.nodes {
            let reaches = asked + self.chance.lag_remove(instance, node);
            let Some(plane) = &mut self.plane else { return };
            if !plane.has(instance, node, Mark::Terminating) {
                continue;
            }
            let at = plane.learns(instance, node, reaches);
            if at > self.now {
                self.plan(at, Event::Plane(Step::Gone { instance, node: node as u16 }));
            } else {
                self.mark(instance, node, Mark::Terminating, false, sink);
            }
        }
    }
}
