//! What nodes find out by checks of their own.

use super::{Plane, Step};
use crate::balancer::Mark;
use crate::health::Rhythm;
use crate::sim::world::{Event, World};
use crate::trace::{Phase, Sink};
use crate::units::Time;

impl Plane<'_> {
    /// When the node's mind about an instance changes, if nothing else happens; `NEVER` if it
    /// already is of the right mind.
    fn changes_mind(&mut self, instance: u32, node: u32) -> Time {
        let Some(checks) = self.settings.checks else { return Time::NEVER };
        let fact = *self.fact(instance);
        if self.has(instance, node, Mark::Healthy) == fact.answers {
            return Time::NEVER;
        }
        let pair = *self.pair(instance, node);
        let needed = match (fact.answers, pair.passed) {
            (false, _) => checks.fall,
            (true, true) => checks.rise,
            (true, false) => checks.first_rise,
        };
        Rhythm { first: pair.checked_from, interval: checks.interval }.nth_from(fact.since, needed)
    }
}

impl World<'_> {
    /// A node that has just heard of an instance begins to check it.
    pub(super) fn begin_checks(&mut self, instance: u32, node: u32, sink: &mut impl Sink) {
        let now = self.now;
        let Some(plane) = &mut self.plane else { return };
        let trusted = plane.settings.checks.is_none_or(|checks| checks.first_rise == 0);
        let pair = plane.pair(instance, node);
        (pair.checked_from, pair.passed) = (now, trusted);
        self.mark(instance, node, Mark::Healthy, trusted, sink);
        self.plan_check(instance, node);
    }

    pub(super) fn plan_check(&mut self, instance: u32, node: u32) {
        let Some(plane) = &mut self.plane else { return };
        let at = plane.changes_mind(instance, node);
        self.plan(at, Event::Plane(Step::Check { instance, node: node as u16 }));
    }

    /// An instance may have begun or ceased to answer.
    pub(in crate::sim) fn answers_anew(&mut self, instance: u32) {
        let (now, answers) = (self.now, self.fleet.get(instance).able);
        let Some(plane) = &mut self.plane else { return };
        let fact = plane.fact(instance);
        if fact.answers == answers {
            return;
        }
        (fact.answers, fact.since) = (answers, now);
        for node in 0..self.scenario.clients.nodes {
            let Some(plane) = &self.plane else { return };
            if plane.has(instance, node, Mark::Known) {
                self.plan_check(instance, node);
            }
        }
    }

    /// A check that was planned because it would change the node's mind: it does if nothing has
    /// happened since.
    pub(super) fn checked(&mut self, instance: u32, node: u32, sink: &mut impl Sink) {
        let now = self.now;
        let Some(plane) = &mut self.plane else { return };
        if !plane.has(instance, node, Mark::Known) || plane.changes_mind(instance, node) != now {
            return;
        }
        let answers = plane.fact(instance).answers;
        plane.pair(instance, node).passed |= answers;
        self.mark(instance, node, Mark::Healthy, answers, sink);
        // On a fixed list its place stays for who comes next, if it has one.
        let gone = self.fleet.get(instance);
        if gone.phase == Phase::Stopped && gone.slot == crate::strategy::NO_SLOT {
            self.forget(instance, node, sink);
        }
    }
}
